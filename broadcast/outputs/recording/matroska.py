"""(P) The octets of a Matroska file (RFC 9559): a head, clusters one after another, and what closes it.

A file without its close is whole: its segment has no known size (section 4.5) and plays from the first
octet to the last cluster. The close adds what makes seeking quick: duration, cues, sizes. Every stretch of
octets here is an EBML element (RFC 8794): an id, a size, and so many octets.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from broadcast.rtp.frame import Codec

EBML, SEGMENT, SEEK_HEAD, SEEK, INFO, TRACKS = (
    0x1A45DFA3,
    0x18538067,
    0x114D9B74,
    0x4DBB,
    0x1549A966,
    0x1654AE6B,
)
CLUSTER, CUES, VOID = 0x1F43B675, 0x1C53BB6B, 0xEC
DURATION, DATE, TITLE, MUXER, WRITER, SCALE = 0x4489, 0x4461, 0x7BA9, 0x4D80, 0x5741, 0x2AD7B1
TIMESTAMP, SIMPLE_BLOCK = 0xE7, 0xA3
UNKNOWN = 0x01FFFFFFFFFFFFFF  # the size of an element whose end is not known yet, in eight octets
EPOCH = 978307200  # 2001-01-01, from which Matroska counts (section 5.1.2.11), in Unix seconds
SEEK_OCTETS = 26  # of the seek head that the close puts in
DURATION_OCTETS = 11
VIDEO, AUDIO = 1, 2  # track numbers
CODECS = {Codec.H264: "V_MPEG4/ISO/AVC", Codec.VP8: "V_VP8", Codec.OPUS: "A_OPUS"}
# RFC 7845, section 5.1: version 1, two channels, no pre-skip, 48 kHz, no gain, mapping family 0.
OPUS_HEAD = struct.pack("<8sBBHIHB", b"OpusHead", 1, 2, 0, 48000, 0, 0)
PRE_ROLL = 80_000_000  # nanoseconds that an Opus decoder needs before a seek (RFC 7845, section 4.6)


@dataclass(frozen=True, slots=True)
class Picture:
    """The picture's track: `private` is the decoder configuration record of H264, or empty."""

    codec: Codec
    width: int
    height: int
    private: bytes = b""


@dataclass(frozen=True, slots=True)
class Head:
    """The first octets of a file, and where in it the close will write."""

    data: bytes
    size_at: int
    body_at: int  # positions inside the segment count from here
    seek_at: int
    duration_at: int


@dataclass(frozen=True, slots=True)
class Block:
    """One frame: track, time in milliseconds of the file, and the octets as Matroska wants them."""

    track: int
    at: int
    data: bytes
    keyframe: bool


def head(title: str, began: float, picture: Picture | None, sound: bool) -> Head:
    """The head of a file whose time zero is `began` (Unix seconds); `sound`: it has an Opus track."""
    ebml = element(
        EBML,
        _uint(0x4286, 1) + _uint(0x42F7, 1) + _uint(0x42F2, 4) + _uint(0x42F3, 8)
        + _text(0x4282, "matroska") + _uint(0x4287, 4) + _uint(0x4285, 2),
    )  # fmt: skip
    info = (
        _uint(SCALE, 1_000_000)  # nanoseconds: all times are milliseconds
        + _text(MUXER, "pavilion")
        + _text(WRITER, "pavilion")
        + _text(TITLE, title)
        + element(DATE, struct.pack(">q", round((began - EPOCH) * 1e9)))
    )
    before = ebml + SEGMENT.to_bytes(4) + UNKNOWN.to_bytes(8)
    seek_at = len(before)
    # The room for the duration comes first in the info, so that its place is plain.
    told = element(INFO, _void(DURATION_OCTETS) + info)
    duration_at = seek_at + SEEK_OCTETS + len(told) - len(info) - DURATION_OCTETS
    tracks = (_picture(picture) if picture else b"") + (_sound() if sound else b"")
    data = before + _void(SEEK_OCTETS) + told + element(TRACKS, tracks)
    return Head(data, seek_at - 8, seek_at, seek_at, duration_at)


def cluster(blocks: Sequence[Block]) -> bytes:
    """Frames of less than half a minute (section 10: their times are 16 bits from the cluster's own)."""
    ordered = sorted(blocks, key=lambda block: block.at)
    begin = ordered[0].at
    body = b"".join(
        element(
            SIMPLE_BLOCK,
            struct.pack(">BhB", 0x80 | block.track, block.at - begin, 0x80 if block.keyframe else 0)
            + block.data,
        )
        for block in ordered
    )
    return element(CLUSTER, _uint(TIMESTAMP, begin) + body)


def cue(at: int, track: int, place: int) -> bytes:
    """An entry of the index: where a cluster is that one can begin with.

    Its time, its track, its place in the segment: some 20 octets, as which a recording keeps them to its end.
    """
    return element(0xBB, _uint(0xB3, at) + element(0xB7, _uint(0xF7, track) + _uint(0xF1, place)))


def cues(entries: bytes | bytearray) -> bytes:
    """The index, of entries by `cue` in the order of their times."""
    return element(CUES, entries)


def closing(head: Head, length: int, milliseconds: int, cues_at: int | None) -> list[tuple[int, bytes]]:
    """What to write where, in a file of `length` octets, so that it is closed.

    `cues_at`: where in the file the cues are; None: there was no room for them.
    """
    patches = [
        (head.size_at, (length - head.body_at | 0x01 << 56).to_bytes(8)),
        (head.duration_at, element(DURATION, struct.pack(">d", milliseconds))),
    ]
    if cues_at is not None:
        place = element(0x53AC, (cues_at - head.body_at).to_bytes(8))
        patches.append(
            (head.seek_at, element(SEEK_HEAD, element(SEEK, element(0x53AB, CUES.to_bytes(4)) + place)))
        )
    return patches


def element(id: int, body: bytes | bytearray) -> bytes:
    """One EBML element; its size takes as few octets as it can (RFC 8794, section 4)."""
    size = len(body)
    octets = 1
    while size >= (1 << 7 * octets) - 1:
        octets += 1
    return id.to_bytes((id.bit_length() + 7) // 8) + (size | 1 << 7 * octets).to_bytes(octets) + body


def _uint(id: int, value: int) -> bytes:
    return element(id, value.to_bytes(max(1, (value.bit_length() + 7) // 8)))


def _text(id: int, text: str) -> bytes:
    return element(id, text.encode())


def _void(octets: int) -> bytes:
    """Room of so many octets, all in all (3 to 127)."""
    return element(VOID, bytes(octets - 2))


def _picture(picture: Picture) -> bytes:
    private = element(0x63A2, picture.private) if picture.private else b""
    size = _uint(0xB0, picture.width) + _uint(0xBA, picture.height)
    return element(0xAE, _track(VIDEO, 1, picture.codec) + private + element(0xE0, size))


def _sound() -> bytes:
    rate = element(0xB5, struct.pack(">d", 48000)) + _uint(0x9F, 2)
    times = _uint(0x56AA, 0) + _uint(0x56BB, PRE_ROLL)
    return element(
        0xAE, _track(AUDIO, 2, Codec.OPUS) + times + element(0x63A2, OPUS_HEAD) + element(0xE1, rate)
    )


def _track(number: int, kind: int, codec: Codec) -> bytes:
    """Number, unique id, type, no lacing, language not known, codec."""
    return (
        _uint(0xD7, number) + _uint(0x73C5, number) + _uint(0x83, kind) + _uint(0x9C, 0)
        + _text(0x22B59C, "und") + _text(0x86, CODECS[codec])
    )  # fmt: skip
