"""Repeated pictures, by the judgement of a real decoder."""

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcast.outputs.hls.still import Repeater
from broadcast.rtp import h264
from tests.support.hls_material import pictures


def repeater() -> Repeater:
    sets = {unit[0] & 0x1F: unit for unit in h264.nal_units(pictures(1)[0].data)}
    made = Repeater.of(sets[h264.SPS], sets[h264.PPS])
    assert made is not None
    return made


@pytest.mark.parametrize("after", [1, 7, 40])
def test_it_shows_the_same_picture(after: int) -> None:
    """A decoder shows the repeated picture as the one before it, and what follows as if nothing had been."""
    frames = list(pictures(90))
    again = repeater()
    number = again.number([u for u in h264.nal_units(frames[after].data) if u[0] & 0x1F in (1, 5)][-1])
    fill = [h264.annex_b([again.picture(number + n + 1)]) for n in range(60 - after - 1)]
    stream = [frame.data for frame in frames[: after + 1]] + fill + [frame.data for frame in frames[60:]]
    decoder = av.CodecContext.create("h264", "r")
    shown = [frame.to_ndarray(format="gray") for data in stream for frame in decoder.decode(av.Packet(data))]
    shown += [frame.to_ndarray(format="gray") for frame in decoder.decode(None)]
    assert len(shown) == 90
    for picture in shown[after + 1 : 60]:
        assert (picture == shown[after]).all()
    assert not (shown[60] == shown[after]).all()


@given(st.integers(0, 1 << 20))
def test_it_is_small_and_its_number_can_be_read(number: int) -> None:
    """A repeated picture is a few bytes, and says the number that it was given, modulo the stream's bits."""
    again = repeater()
    unit = again.picture(number)
    assert len(unit) < 24
    assert again.number(unit) == number % (1 << again.number_bits)
    assert b"\x00\x00\x00" not in unit
    assert b"\x00\x00\x01" not in unit


@given(st.binary(max_size=40), st.binary(max_size=20))
def test_what_it_cannot_write_is_left(sps: bytes, pps: bytes) -> None:
    """Parameter sets of any kind give a repeater or None, never a fault."""
    Repeater.of(b"\x67" + sps, b"\x68" + pps)
