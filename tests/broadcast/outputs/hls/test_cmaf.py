"""The boxes: read again by ourselves, and by FFmpeg."""

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcast.errors import MalformedError
from broadcast.outputs.hls import cmaf
from broadcast.outputs.hls.cmaf import Sample
from broadcast.rtp import h264
from tests.support.hls_material import decoded, pictures, sound

SAMPLES = st.lists(
    st.builds(Sample, st.binary(min_size=1, max_size=40), st.integers(1, 1 << 20), st.booleans()),
    min_size=1,
    max_size=20,
)
PART = st.tuples(
    st.integers(0, 1 << 31),
    st.integers(0, 1 << 60),
    SAMPLES,
    st.integers(0, 1 << 60),
    st.lists(st.binary(min_size=1, max_size=30), max_size=12),
)


def units(frame_data: bytes) -> dict[int, bytes]:
    return {unit[0] & 0x1F: unit for unit in h264.nal_units(frame_data)}


def boxes(data: bytes) -> list[tuple[bytes, bytes]]:
    """The boxes in some bytes, one after another, which they fill."""
    found, at = [], 0
    while at < len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        assert size >= 8
        found.append((name, data[at + 8 : at + size]))
        at += size
    assert at == len(data)
    return found


@given(st.lists(PART, min_size=1, max_size=5))
def test_parts_are_read_again(parts: list[tuple[int, int, list[Sample], int, list[bytes]]]) -> None:
    """What a part says of itself is what it was made of, wherever it lies in its segment."""
    data = b"".join(cmaf.fragment(*part) for part in parts)
    found = list(cmaf.fragments(data))
    assert [each.number for each in found] == [part[0] for part in parts]
    assert [each.start for each in found] == [part[1] for part in parts]
    assert [each.duration for each in found] == [sum(s.duration for s in part[2]) for part in parts]
    assert [each.independent for each in found] == [part[2][0].sync for part in parts]
    assert [each.offset for each in found] == [sum(e.size for e in found[:n]) for n in range(len(found))]
    assert sum(each.size for each in found) == len(data)


@given(PART, PART, st.integers(1, 10_000))
def test_a_cut_segment_keeps_its_whole_parts(
    first: tuple[int, int, list[Sample], int, list[bytes]],
    second: tuple[int, int, list[Sample], int, list[bytes]],
    less: int,
) -> None:
    """Wherever a crash cuts a segment, the parts before are found and nothing else."""
    whole, cut = cmaf.fragment(*first), cmaf.fragment(*second)
    data = whole + cut[: -min(less, len(cut))]
    assert [each.size for each in cmaf.fragments(data)] == [len(whole)]


@given(PART)
def test_offsets_point_at_the_samples(part: tuple[int, int, list[Sample], int, list[bytes]]) -> None:
    """`trun` offsets, counted from `moof`, lead to the first byte of each track."""
    data = cmaf.fragment(*part)
    (_, moof), (name, _) = boxes(data)
    assert name == b"mdat"
    trafs = [boxes(body) for kind, body in boxes(moof) if kind == b"traf"]
    starts = [struct.unpack_from(">i", dict(traf)[b"trun"], 8)[0] for traf in trafs]
    picture = b"".join(sample.data for sample in part[2])
    assert data[starts[0] : starts[0] + len(picture)] == picture
    if part[4]:
        assert data[starts[1] :] == b"".join(part[4])


@given(st.binary(max_size=200))
def test_rubbish_is_refused_politely(data: bytes) -> None:
    """Bytes that are no segment end in MalformedError or in nothing, never in a fault."""
    with contextlib.suppress(MalformedError):
        list(cmaf.fragments(data))


def test_ffmpeg_reads_it() -> None:
    """FFmpeg finds both tracks, each picture at its time, and the sound."""
    frames, packets = pictures(30), sound(50)
    sets = units(frames[0].data)
    samples = []
    for frame in frames:
        kept = [u for u in h264.nal_units(frame.data) if u[0] & 0x1F not in (h264.SPS, h264.PPS)]
        samples.append(Sample(h264.with_lengths(kept), 3000, frame.keyframe))
    init = cmaf.init_segment(sets[h264.SPS], sets[h264.PPS])
    data = init + cmaf.fragment(0, 900_000, samples, 480_000, [packet.data for packet in packets])
    times, greys, count = decoded(data)
    assert times == pytest.approx([10 + n / 30 for n in range(30)], abs=1e-4)
    assert len(set(greys)) > 15
    assert count == 1024 * len(packets)


def test_codecs_are_named() -> None:
    """CODECS holds profile, constraints and level of the picture (RFC 6381)."""
    sps = units(pictures(1)[0].data)[h264.SPS]
    assert cmaf.codecs(sps) == f"avc1.42c0{sps[3]:02x},mp4a.40.2"
