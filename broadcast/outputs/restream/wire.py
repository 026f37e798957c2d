"""(P) What travels between the server and a target's process.

To the process: `u32 length of what follows | u8 word | body`, where TARGET is JSON and frames have a small
fixed header. From the process: one JSON object a line. Both ends are the same release, so there are no
versions.
"""

import json
import struct
from enum import IntEnum
from typing import Any

from broadcast.errors import MalformedError
from broadcast.rtp.frame import Codec, Frame

LARGEST = 8 << 20  # octets of one message
HEAD = struct.Struct("!IB")
_MEDIA = struct.Struct("!BBqd")  # codec, keyframe, timestamp, captured
_CODECS = (Codec.H264, Codec.AAC)


class Word(IntEnum):
    """The messages to the process."""

    TARGET = 1  # the first: where to, how, and the secrets, which are in no argument list and no environment
    LOOK = 2  # the second: a keyframe of the programme, for what its headers say
    FRAME = 3  # to be sent


def pack_json(word: Word, data: Any) -> bytes:
    """One message with a JSON body."""
    body = json.dumps(data, ensure_ascii=False).encode()
    return HEAD.pack(len(body) + 1, word) + body


def pack_frame(word: Word, frame: Frame) -> bytes:
    """One message with a frame of the programme."""
    head = _MEDIA.pack(_CODECS.index(frame.codec), frame.keyframe, frame.timestamp, frame.captured)
    return b"".join((HEAD.pack(len(head) + len(frame.data) + 1, word), head, frame.data))


def unpack_frame(body: bytes) -> Frame:
    """The frame. Raises MalformedError."""
    try:
        codec, keyframe, timestamp, captured = _MEDIA.unpack_from(body)
        return Frame(_CODECS[codec], body[_MEDIA.size :], timestamp, captured, bool(keyframe))
    except (struct.error, IndexError) as error:
        raise MalformedError(f"frame for a target: {error}") from error


def unpack_head(head: bytes) -> tuple[int, Word]:
    """The length of the body and the word. Raises MalformedError."""
    try:
        length, word = HEAD.unpack(head)
        if 1 <= length <= LARGEST:
            return length - 1, Word(word)
    except (struct.error, ValueError) as error:
        raise MalformedError(f"message for a target: {error}") from error
    raise MalformedError(f"message of {length} octets for a target")
