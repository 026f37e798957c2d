"""(P) CMAF boxes (ISO/IEC 14496-12, 14496-15, 23000-19): the init segment, a fragment for each part.

Picture is track 1 in 90 kHz, sound track 2 in 48 kHz. A part is one `moof` and one `mdat` with both tracks;
a segment is its parts one after another. `fragments` reads a segment again, for instance one that a crash
has cut off.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import broadcast.rtp.aac as aac
from broadcast.errors import MalformedError
from broadcast.rtp.h264 import configuration, picture_size

VIDEO_SCALE, AUDIO_SCALE = 90000, 48000  # ticks a second
VIDEO, AUDIO = 1, 2  # track ids
SYNC, NOT_SYNC = 0x02000000, 0x01010000  # sample flags: depends on nothing; on others and not a sync sample
BASE_IS_MOOF = 0x020000
MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture: NAL units with four-byte lengths before them; `duration` in ticks of the track."""

    data: bytes
    duration: int
    sync: bool


@dataclass(frozen=True, slots=True)
class Fragment:
    """One part as found in a segment: where it lies (bytes), and what it says of itself (ticks of 90 kHz)."""

    number: int
    offset: int
    size: int
    start: int
    duration: int
    independent: bool


def codecs(sps: bytes) -> str:
    """The CODECS attribute for a picture with this SPS, and our sound (RFC 6381)."""
    return f"avc1.{sps[1:4].hex()},mp4a.40.2"


def init_segment(sps: bytes, pps: bytes) -> bytes:
    """`ftyp` and `moov` for a picture with these parameter sets and AAC-LC stereo at 48 kHz.

    Raises MalformedError for an SPS that makes no sense.
    """
    width, height = picture_size(sps)
    video = _trak(VIDEO, VIDEO_SCALE, b"vide", _avc1(sps, pps, width, height), width, height)
    audio = _trak(AUDIO, AUDIO_SCALE, b"soun", _mp4a(), 0, 0)
    mvhd = struct.pack(">IIIIIH10x", 0, 0, 1000, 0, 0x10000, 0x100) + MATRIX + bytes(24) + b"\0\0\0\x03"
    defaults = ((VIDEO, NOT_SYNC), (AUDIO, SYNC))
    extends = b"".join(_full(b"trex", 0, 0, struct.pack(">5I", n, 1, 0, 0, flags)) for n, flags in defaults)
    moov = _box(b"moov", _full(b"mvhd", 0, 0, mvhd), video, audio, _box(b"mvex", extends))
    return _box(b"ftyp", b"cmf2\0\0\0\0", b"cmf2", b"iso6", b"mp41") + moov


def fragment(
    number: int, video_start: int, video: Sequence[Sample], audio_start: int, audio: Sequence[bytes]
) -> bytes:
    """One part. Starts in ticks of their tracks; `audio` are AAC packets, and may be none."""
    tracks = 2 if audio else 1
    # Sizes are known before offsets: moof, mfhd, and per track traf, tfhd, tfdt, trun.
    size = 8 + 16 + (8 + 16 + 20 + 20 + 12 * len(video)) + (tracks - 1) * (8 + 20 + 20 + 20 + 4 * len(audio))
    picture = b"".join(sample.data for sample in video)
    flags = b"".join(
        struct.pack(">III", s.duration, len(s.data), SYNC if s.sync else NOT_SYNC) for s in video
    )
    run = struct.pack(">Ii", len(video), size + 8) + flags
    trafs = _traf(VIDEO, video_start, b"", 0, 0x701, run)
    sound = b"".join(audio)
    if audio:
        sizes = struct.pack(f">{len(audio)}I", *(len(packet) for packet in audio))
        run = struct.pack(">Ii", len(audio), size + 8 + len(picture)) + sizes
        trafs += _traf(AUDIO, audio_start, struct.pack(">I", aac.FRAME), 0x08, 0x201, run)
    moof = _box(b"moof", _full(b"mfhd", 0, 0, struct.pack(">I", number & 0xFFFFFFFF)), trafs)
    assert len(moof) == size, "the offsets above point behind this box"
    return moof + _box(b"mdat", picture, sound)


def fragments(data: bytes) -> Iterator[Fragment]:
    """The whole parts in a segment; what a crash has cut off at its end is left out.

    Raises MalformedError when a whole part is not one of ours.
    """
    offset, moof = 0, b""
    while offset + 8 <= len(data):
        size, name = struct.unpack_from(">I4s", data, offset)
        if size < 8:
            raise MalformedError(f"box of {size} bytes")
        if offset + size > len(data):
            return
        if name == b"moof":
            begin, moof = offset, data[offset : offset + size]
        elif name == b"mdat" and moof:
            yield _read(moof, begin, offset + size - begin)
            moof = b""
        offset += size


def _read(moof: bytes, offset: int, size: int) -> Fragment:
    try:
        (number,) = struct.unpack_from(">I", moof, 8 + 12)
        at = 8 + 16 + 8  # into the first track, which is the picture's
        if moof[at + 4 : at + 8] != b"tfhd" or moof[at + 16 + 4 : at + 16 + 8] != b"tfdt":
            raise MalformedError("not a part of ours")
        (start,) = struct.unpack_from(">Q", moof, at + 16 + 12)
        (count,) = struct.unpack_from(">I", moof, at + 16 + 20 + 12)
        rows = list(struct.iter_unpack(">III", moof[at + 16 + 20 + 20 : at + 16 + 20 + 20 + 12 * count]))
        if len(rows) != count or not rows:
            raise MalformedError("not a part of ours")
    except struct.error as error:
        raise MalformedError(f"part: {error}") from error
    return Fragment(number, offset, size, start, sum(row[0] for row in rows), rows[0][2] == SYNC)


def _traf(track: int, start: int, defaults: bytes, given: int, shape: int, run: bytes) -> bytes:
    head = _full(b"tfhd", 0, BASE_IS_MOOF | given, struct.pack(">I", track) + defaults)
    time = _full(b"tfdt", 1, 0, struct.pack(">Q", start))
    return _box(b"traf", head, time, _full(b"trun", 0, shape, run))


def _trak(track: int, scale: int, handler: bytes, entry: bytes, width: int, height: int) -> bytes:
    sound = handler == b"soun"
    place = struct.pack(">4xI8xhhH2x", 0, 0, 0, 0x100 if sound else 0)
    header = struct.pack(">III", 0, 0, track) + place + MATRIX + struct.pack(">II", width << 16, height << 16)
    media = _full(b"smhd", 0, 0, bytes(4)) if sound else _full(b"vmhd", 0, 1, bytes(8))
    url = _full(b"dref", 0, 0, b"\0\0\0\x01", _full(b"url ", 0, 1))
    tables = b"".join(_full(name, 0, 0, bytes(4)) for name in (b"stts", b"stsc", b"stco"))
    stbl = _box(b"stbl", _full(b"stsd", 0, 0, b"\0\0\0\x01", entry), tables, _full(b"stsz", 0, 0, bytes(8)))
    mdia = _box(
        b"mdia",
        _full(b"mdhd", 0, 0, struct.pack(">IIIIHH", 0, 0, scale, 0, 0x55C4, 0)),  # language: und
        _full(b"hdlr", 0, 0, bytes(4) + handler + bytes(12) + b"Pavilion\0"),
        _box(b"minf", media, _box(b"dinf", url), stbl),
    )
    return _box(b"trak", _full(b"tkhd", 0, 7, header), mdia)


def _avc1(sps: bytes, pps: bytes, width: int, height: int) -> bytes:
    head = bytes(6) + b"\0\x01" + bytes(16) + struct.pack(">HH", width, height)
    return _box(
        b"avc1",
        head + struct.pack(">IIIH32xHh", 0x480000, 0x480000, 0, 1, 24, -1),
        _box(b"avcC", configuration(sps, pps)),
    )


def _mp4a() -> bytes:
    specific = b"\x05" + bytes((len(aac.CONFIGURATION),)) + aac.CONFIGURATION
    config = b"\x04" + bytes((13 + len(specific),)) + b"\x40\x15" + bytes(3) + bytes(8) + specific
    descriptor = b"\0\x01\0" + config + b"\x06\x01\x02"
    esds = _full(b"esds", 0, 0, b"\x03" + bytes((len(descriptor),)) + descriptor)
    return _box(b"mp4a", bytes(6) + b"\0\x01" + struct.pack(">8xHHII", 2, 16, 0, AUDIO_SCALE << 16), esds)


def _box(name: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", len(body) + 8, name) + body


def _full(name: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    return _box(name, struct.pack(">I", version << 24 | flags), *parts)
