"""(P) RTMP's chunk stream (Adobe, "RTMP Specification 1.0", section 5.3): messages cut up, and joined."""

import struct
from dataclasses import dataclass, field
from typing import Literal

from broadcast.errors import MalformedError

SENT_SIZE = 4096  # octets of a chunk that we send, announced before the first long message
LARGEST = 1 << 20  # octets of a message that we take; servers only send commands
SET_SIZE = 1  # the kind of the message by which a side says how long its chunks are
STREAMS = 64  # chunk streams that a server may use
_SIZES = (1, 16 << 20)  # of chunks, that a server may say
_FIRST_SIZE = 128  # of both sides, until they say otherwise
_EXTENDED = 0xFFFFFF  # timestamps from here on have four octets of their own


@dataclass(frozen=True, slots=True)
class Message:
    """`stream` is the message stream: 0 for the connection itself. `timestamp` in ms."""

    kind: int
    body: bytes
    timestamp: int = 0
    stream: int = 0


def cut(message: Message, chunk_stream: int, size: int) -> bytes:
    """The message as chunks with a full header each time (type 0, section 5.3.1.2.1)."""
    stamp = message.timestamp & 0xFFFFFFFF
    extended = struct.pack("!I", stamp) if stamp >= _EXTENDED else b""
    short = min(stamp, _EXTENDED).to_bytes(3, "big")
    head = bytes((chunk_stream,)) + short + len(message.body).to_bytes(3, "big") + bytes((message.kind,))
    parts = [head, struct.pack("<I", message.stream), extended, message.body[:size]]
    for start in range(size, len(message.body), size):
        parts += (bytes((0xC0 | chunk_stream,)), extended, message.body[start : start + size])
    return b"".join(parts)


@dataclass(slots=True)
class _Track:
    """What one chunk stream repeats, and the message that is under way on it."""

    kind: int = 0
    length: int = 0
    stamp: int = 0
    stream: int = 0
    step: int = 0
    extended: bool = False
    body: bytearray = field(default_factory=bytearray)


class Joiner:
    """Puts messages together. Holds at most one unfinished message a chunk stream."""

    def __init__(self) -> None:
        self.size = _FIRST_SIZE
        self._buffer = bytearray()
        self._tracks: dict[int, _Track] = {}

    def feed(self, data: bytes) -> list[Message]:
        """The messages that `data` completes. Raises MalformedError, after which it is of no more use."""
        self._buffer += data
        messages: list[Message] = []
        while (used := self._chunk(messages)) > 0:
            del self._buffer[:used]
        return messages

    def _chunk(self, messages: list[Message]) -> int:
        """Take one chunk; how many octets it had, 0 while it is not whole."""
        try:
            return self._whole(_Cursor(self._buffer), messages)
        except _Short:
            return 0

    def _whole(self, cursor: "_Cursor", messages: list[Message]) -> int:
        """The same; raises _Short, having changed nothing, where octets are missing."""
        first = cursor.number(1)
        form, number = first >> 6, first & 0x3F
        if number < 2:
            number = 64 + cursor.number(number + 1, "little")
        track = self._tracks.get(number) or _Track()
        stamp = cursor.number(3) if form < 3 else track.step
        length = cursor.number(3) if form < 2 else track.length
        kind = cursor.number(1) if form < 2 else track.kind
        stream = cursor.number(4, "little") if form < 1 else track.stream
        extended = stamp == _EXTENDED if form < 3 else track.extended
        stamp = cursor.number(4) if extended else stamp
        if length > LARGEST:
            raise MalformedError(f"RTMP message of {length} octets")
        part = cursor.take(min(self.size, length - len(track.body)))
        if number not in self._tracks and len(self._tracks) >= STREAMS:
            raise MalformedError("too many RTMP chunk streams")
        self._tracks[number] = track
        if not track.body:
            track.stamp = stamp if form < 1 else (track.stamp + stamp) & 0xFFFFFFFF
        track.kind, track.length, track.stream = kind, length, stream
        track.step, track.extended = stamp, extended
        track.body += part
        if len(track.body) >= length:
            if kind == SET_SIZE:
                self._resize(track.body)
            messages.append(Message(kind, bytes(track.body), track.stamp, stream))
            track.body.clear()
        return cursor.at

    def _resize(self, body: bytearray) -> None:
        """The server's next chunks, those in the same datagram too, are of another size (section 5.4.1)."""
        size = int.from_bytes(body[:4], "big")
        if not _SIZES[0] <= size <= _SIZES[1]:
            raise MalformedError(f"RTMP chunks of {size} octets")
        self.size = size


class _Short(Exception):
    """The chunk is not whole yet."""


class _Cursor:
    """Reads a buffer from its start and changes nothing."""

    def __init__(self, buffer: bytearray) -> None:
        self.at = 0
        self._buffer = buffer

    def take(self, count: int) -> bytes:
        """So many octets. Raises _Short."""
        if self.at + count > len(self._buffer):
            raise _Short
        self.at += count
        return bytes(self._buffer[self.at - count : self.at])

    def number(self, octets: int, order: Literal["big", "little"] = "big") -> int:
        """An unsigned number. Raises _Short."""
        return int.from_bytes(self.take(octets), order)
