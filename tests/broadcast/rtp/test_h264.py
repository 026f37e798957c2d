"""NAL units and parameter sets."""

from hypothesis import given
from hypothesis import strategies as st

from broadcast.errors import MalformedError
from broadcast.rtp import h264, vp8
from tests.support.rtp import PPS, SPS, nal, vp8_picture


def test_three_and_four_byte_start_codes() -> None:
    """Both kinds of start code part the units, and zeros before one belong to it."""
    data = b"\x00\x00\x01" + SPS + b"\x00\x00\x00\x00\x01" + PPS + b"\x00\x00\x01" + nal(5, 20) + b"\x00\x00"
    assert h264.nal_units(data) == [SPS, PPS, nal(5, 20)]
    assert h264.nal_units(b"no start code") == []
    assert h264.find_sps(data) == SPS


def test_as_files_have_it() -> None:
    """Lengths stand before the units; the record has both sets, and says how long lengths are."""
    assert h264.with_lengths([b"\x65ab", b"\x06"]) == b"\0\0\0\x03\x65ab\0\0\0\x01\x06"
    assert h264.configuration(b"\x67\x42\xc0\x1f..", b"\x68.") == (
        b"\x01\x42\xc0\x1f\xff\xe1\0\x06\x67\x42\xc0\x1f..\x01\0\x02\x68."
    )


def test_size_in_the_sps() -> None:
    """720p, 1080p with its cropping, and a high profile are read as the encoder meant them."""
    assert h264.picture_size(SPS) == (1280, 720)
    assert h264.picture_size(bytes.fromhex("6742c028da01e0089f961000000300100000030320f1831190")) == (
        1920,
        1080,
    )
    assert h264.picture_size(bytes.fromhex("67640028acd940780227e5c044000003000400000300f03c60c658")) == (
        1920,
        1080,
    )


@given(st.binary(max_size=80))
def test_any_sps_is_read_or_malformed(data: bytes) -> None:
    """Bytes from strangers raise MalformedError or give a size."""
    try:
        width, height = h264.picture_size(b"\x67" + data)
    except MalformedError:
        return
    assert width > 0
    assert height > 0


@given(st.binary(max_size=20))
def test_any_vp8_is_read_or_malformed(data: bytes) -> None:
    """Bytes from strangers raise MalformedError or nothing."""
    for read in (vp8.picture_size, vp8.payload_start):
        try:
            read(data)
        except MalformedError:
            continue


def test_size_of_a_vp8_key_frame() -> None:
    """The size stands in the key frame's header."""
    assert vp8.picture_size(vp8_picture(0, key=True).data) == (1280, 720)
