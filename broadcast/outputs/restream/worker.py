"""What a target's process does: read the programme, send it, and say how that goes.

It says, one JSON object a line: `{"open": true}` when it is connected, `{"octets": n}` in all, at most four
times a second, and `{"failed": code, "words": ...}` before it ends. Nothing that it says holds a key.
"""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from broadcast.errors import MediaError, PavilionError
from broadcast.outputs.restream.line import Fault
from broadcast.outputs.restream.reach import SinkError
from broadcast.outputs.restream.sink import Sink
from broadcast.outputs.restream.wire import HEAD, Word, unpack_frame, unpack_head
from broadcast.targets import parse

SAY_EVERY = 0.25  # seconds

Say = Callable[[dict[str, Any]], None]


def run(source: BinaryIO, say: Say) -> int:
    """Until the source ends (0) or the target does (1)."""
    try:
        return _run(_messages(source), say)
    except SinkError as error:
        fault = error.fault
    except PavilionError:
        fault = Fault("failed", "This server cannot make the stream for it.")
    say({"failed": fault.code, "words": fault.words})
    return 1


def _run(messages: Iterator[tuple[Word, bytes]], say: Say) -> int:
    order: dict[str, Any] = {}
    look = b""
    for word, body in messages:
        if word is Word.TARGET:
            order = json.loads(body)
        elif word is Word.LOOK:
            look = unpack_frame(body).data
            break
    if not look:
        return 0
    sink = Sink(parse(order["url"], order["key"]), look, order["connect"], order["ca_file"])
    say({"open": True})
    try:
        _send(messages, sink, say)
    finally:
        sink.close()
    return 0


def _send(messages: Iterator[tuple[Word, bytes]], sink: Sink, say: Say) -> None:
    said = 0.0
    for word, body in messages:
        if word is not Word.FRAME:
            raise MediaError(f"{word.name} among the frames")
        sink.write(unpack_frame(body))
        now = time.monotonic()
        if now - said >= SAY_EVERY and sink.octets:
            said = now
            say({"octets": sink.octets})


def _messages(source: BinaryIO) -> Iterator[tuple[Word, bytes]]:
    """Until the source ends."""
    while len(head := source.read(HEAD.size)) == HEAD.size:
        length, word = unpack_head(head)
        body = source.read(length)
        if len(body) < length:
            return
        yield word, body
