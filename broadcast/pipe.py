"""(P) What travels between two processes of this program: messages on one stream socket.

    u32 length of what follows | u8 word | body

A body is JSON for commands and a small fixed header with the encoded frame behind it for media. Both ends
are the same release of the same program, so there is no versioning; lengths are checked all the same.
Which words there are is each pair's own business.
"""

import json
import struct
from collections.abc import Iterator
from typing import Any

from broadcast.errors import MalformedError
from broadcast.rtp.frame import Codec, Frame

LARGEST = 8 << 20  # octets of one message; a raw 4K keyframe is far below
_LENGTH = struct.Struct("!IB")
_MEDIA = struct.Struct("!BBqdB")  # codec, keyframe, timestamp, captured, length of the name
_CODECS = (Codec.H264, Codec.VP8, Codec.OPUS, Codec.AAC)


def pack(word: int, body: bytes) -> bytes:
    """One message."""
    return _LENGTH.pack(len(body) + 1, word) + body


def pack_json(word: int, data: Any) -> bytes:
    """One message with a JSON body."""
    return pack(word, json.dumps(data, ensure_ascii=False).encode())


def pack_frame(word: int, frame: Frame, feed: str = "") -> bytes:
    """One message with a frame; `feed` at most 255 octets of UTF-8."""
    name = feed.encode()
    head = _MEDIA.pack(_CODECS.index(frame.codec), frame.keyframe, frame.timestamp, frame.captured, len(name))
    length = _LENGTH.pack(len(head) + len(name) + len(frame.data) + 1, word)
    return b"".join((length, head, name, frame.data))


def unpack_frame(body: bytes) -> tuple[str, Frame]:
    """The feed's id (or another name) and the frame. Raises MalformedError."""
    try:
        codec, keyframe, timestamp, captured, size = _MEDIA.unpack_from(body)
        start = _MEDIA.size + size
        feed = body[_MEDIA.size : start].decode()
        return feed, Frame(_CODECS[codec], body[start:], timestamp, captured, bool(keyframe))
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise MalformedError(f"frame: {error}") from error


def unpack_json(body: bytes) -> Any:
    """The JSON body. Raises MalformedError."""
    try:
        return json.loads(body)
    except ValueError as error:
        raise MalformedError(f"message: {error}") from error


class Pieces:
    """Cuts the byte stream into messages. Holds at most one unfinished message (`LARGEST`)."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """The messages that `data` completes. Raises MalformedError; the stream is then of no more use."""
        self._buffer += data
        start = 0
        try:
            while len(self._buffer) - start >= _LENGTH.size:
                length, word = _LENGTH.unpack_from(self._buffer, start)
                if not 1 <= length <= LARGEST:
                    raise MalformedError(f"message of {length} octets")
                end = start + 4 + length
                if len(self._buffer) < end:
                    break
                body = bytes(self._buffer[start + _LENGTH.size : end])
                start = end
                yield word, body
        finally:
            del self._buffer[:start]
