"""What a target's process does: read the programme, send it, and say how that goes. Words: wire.py."""

import io
import time
from collections.abc import Callable, Iterator
from typing import Any

from broadcast.errors import MediaError, PavilionError
from broadcast.outputs.restream.line import Fault
from broadcast.outputs.restream.reach import SinkError
from broadcast.outputs.restream.sink import Sink
from broadcast.outputs.restream.wire import Word
from broadcast.pipe import Pieces, unpack_frame, unpack_json
from broadcast.targets import parse

SAY_EVERY = 0.25  # seconds
READ = 1 << 16  # octets at a time

Messages = Iterator[tuple[int, bytes]]
Say = Callable[[Word, dict[str, Any]], None]


def run(source: io.BufferedReader, say: Say) -> int:
    """Until the source ends (0) or the target does (1)."""
    try:
        return _run(_messages(source), say)
    except SinkError as error:
        fault = error.fault
    except PavilionError:
        fault = Fault("failed", "This server cannot make the stream for it.")
    say(Word.FAILED, {"code": fault.code, "words": fault.words})
    return 1


def _run(messages: Messages, say: Say) -> int:
    order: dict[str, Any] = {}
    look = b""
    for word, body in messages:
        if word == Word.TARGET:
            order = unpack_json(body)
        elif word == Word.LOOK:
            look = unpack_frame(body)[1].data
            break
    if not look:
        return 0
    sink = Sink(parse(order["url"], order["key"]), look, order["connect"], order["ca_file"])
    say(Word.OPEN, {})
    try:
        _send(messages, sink, say)
    finally:
        sink.close()
    return 0


def _send(messages: Messages, sink: Sink, say: Say) -> None:
    said = 0.0
    for word, body in messages:
        if word != Word.FRAME:
            raise MediaError(f"message {word} among the frames")
        sink.write(unpack_frame(body)[1])
        now = time.monotonic()
        if now - said >= SAY_EVERY and sink.octets:
            said = now
            say(Word.TOOK, {"octets": sink.octets})


def _messages(source: io.BufferedReader) -> Messages:
    """Until the source ends."""
    pieces = Pieces()
    while data := source.read1(READ):
        yield from pieces.feed(data)
