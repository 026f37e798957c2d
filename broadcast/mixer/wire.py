"""(P) What travels between the server and the mixer's process: messages on one stream socket.

    u32 length of what follows | u8 message | body

A body is JSON for commands and a small fixed header with the encoded frame behind it for media. Both ends
are the same release of the same program, so there is no versioning; lengths are checked all the same.
"""

import json
import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import Any

from broadcast.errors import MalformedError
from broadcast.rtp.frame import Codec, Frame

LARGEST = 8 << 20  # octets of one message; a raw 4K keyframe is far below
_LENGTH = struct.Struct("!IB")
_MEDIA = struct.Struct("!BBqdB")  # codec, keyframe, timestamp, captured, length of the feed id
_CODECS = (Codec.H264, Codec.VP8, Codec.OPUS, Codec.AAC)


class Word(IntEnum):
    """The messages. To the mixer: SETTINGS to LEVELS; to the server: READY to SEGMENT_SOUND."""

    SETTINGS = 1  # the first: how the programme is made
    GO = 2  # begin the programme: epoch, first tick of picture and sound
    STAGE = 3  # decode exactly these feeds
    PREPARE = 4  # draw the titles of this scene, it may come soon
    SHOW = 5  # this scene at the next frame
    KEYFRAME = 6  # force one, of the rendition named; without a name of the full one
    HOLD = 7  # a frame of the programme so far: its last picture stands until there are new ones
    FRAME = 8  # a frame of a feed
    RETURNS = 9  # who listens, and what to: the returns in use by person
    LEVELS = 10  # the loudness of feeds as measured by the process before this one
    READY = 20  # may be told GO
    PROGRAMME = 21  # a frame of the programme; a smaller rendition's bears its name in place of a feed's
    SHOWN = 22  # the first frame of the scene with this token has left the encoder
    WANT = 23  # this feed's decoder needs a keyframe
    STATS = 24
    RETURN = 25  # a packet of the return of the person named as its feed
    SEGMENT_SOUND = 26  # a packet of the programme's sound for segments, AAC


def pack(word: Word, body: bytes) -> bytes:
    """One message."""
    return _LENGTH.pack(len(body) + 1, word) + body


def pack_json(word: Word, data: Any) -> bytes:
    """One message with a JSON body."""
    return pack(word, json.dumps(data, ensure_ascii=False).encode())


def pack_frame(word: Word, frame: Frame, feed: str = "") -> bytes:
    """One message with a frame; `feed` at most 255 octets of UTF-8."""
    name = feed.encode()
    head = _MEDIA.pack(_CODECS.index(frame.codec), frame.keyframe, frame.timestamp, frame.captured, len(name))
    length = _LENGTH.pack(len(head) + len(name) + len(frame.data) + 1, word)
    return b"".join((length, head, name, frame.data))


def unpack_frame(body: bytes) -> tuple[str, Frame]:
    """The feed's id and the frame. Raises MalformedError."""
    try:
        codec, keyframe, timestamp, captured, size = _MEDIA.unpack_from(body)
        start = _MEDIA.size + size
        feed = body[_MEDIA.size : start].decode()
        return feed, Frame(_CODECS[codec], body[start:], timestamp, captured, bool(keyframe))
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise MalformedError(f"mixer frame: {error}") from error


def unpack_json(body: bytes) -> Any:
    """The JSON body. Raises MalformedError."""
    try:
        return json.loads(body)
    except ValueError as error:
        raise MalformedError(f"mixer message: {error}") from error


class Splitter:
    """Cuts the byte stream into messages. Holds at most one unfinished message (`LARGEST`)."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[Word, bytes]]:
        """The messages that `data` completes. Raises MalformedError; the stream is then of no more use."""
        self._buffer += data
        start = 0
        try:
            while len(self._buffer) - start >= _LENGTH.size:
                length, word = _LENGTH.unpack_from(self._buffer, start)
                if not 1 <= length <= LARGEST:
                    raise MalformedError(f"mixer message of {length} octets")
                end = start + 4 + length
                if len(self._buffer) < end:
                    break
                body = bytes(self._buffer[start + _LENGTH.size : end])
                start = end
                yield _word(word), body
        finally:
            del self._buffer[:start]


def _word(value: int) -> Word:
    try:
        return Word(value)
    except ValueError as error:
        raise MalformedError(f"mixer message {value}") from error
