"""RTP packets and header extensions: what is built is read back, and nothing else than MalformedError."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcast.errors import MalformedError
from broadcast.rtp import packet as rtp

packets = st.builds(
    rtp.Packet,
    payload_type=st.integers(0, 127),
    marker=st.booleans(),
    sequence=st.integers(0, 0xFFFF),
    timestamp=st.integers(0, 0xFFFFFFFF),
    ssrc=st.integers(0, 0xFFFFFFFF),
    payload=st.binary(max_size=1200),
)
elements = st.dictionaries(st.integers(1, 255), st.binary(max_size=40), max_size=6)


@given(packets, elements)
def test_round_trip(packet: rtp.Packet, found: dict[int, bytes]) -> None:
    """A packet with any header extensions is read as it was built, and builds to the same bytes again."""
    head = rtp.header(
        packet.payload_type,
        packet.sequence,
        packet.timestamp,
        packet.ssrc,
        marker=packet.marker,
        extension=rtp.build_extensions(found),
    )
    read = rtp.parse(head + packet.payload)
    assert (read.payload_type, read.marker, read.sequence) == (
        packet.payload_type,
        packet.marker,
        packet.sequence,
    )
    assert (read.timestamp, read.ssrc, read.payload) == (packet.timestamp, packet.ssrc, packet.payload)
    assert read.extensions() == found
    assert rtp.build(read) == head + packet.payload


@given(st.integers(0, 127), st.integers(-5, 0x10010), st.integers(0, 70), st.booleans(), elements)
def test_the_headers_of_a_frame(
    payload_type: int, first: int, count: int, marker: bool, found: dict[int, bytes]
) -> None:
    """They are what each packet's header would be by itself."""
    extension, stamp = rtp.build_extensions(found), 1 << 32 | 90_000
    heads = rtp.headers(payload_type, first, count, stamp, 7, marker=marker, extension=extension)
    assert heads == [
        rtp.header(payload_type, first + i, stamp, 7, marker=marker and i == count - 1, extension=extension)
        for i in range(count)
    ]


@given(st.binary(max_size=200))
def test_anything_is_read_or_malformed(data: bytes) -> None:
    """Bytes from strangers raise MalformedError or nothing."""
    with contextlib.suppress(MalformedError):
        rtp.parse(data).extensions()


@given(st.integers(0, 0xFFFF), st.binary(max_size=200))
def test_any_extension_block_is_read_or_malformed(profile: int, data: bytes) -> None:
    """A header extension of any profile raises MalformedError or nothing."""
    with contextlib.suppress(MalformedError):
        rtp.parse_extensions(profile, data)


def test_truncation_at_every_length() -> None:
    """A packet with CSRCs, an extension and padding, cut anywhere, is malformed or shorter, never a crash."""
    whole = bytes((0xB2,)) + rtp.header(96, 1, 2, 3)[1:] + bytes(8)
    whole += rtp.build_extensions({1: b"abc", 2: b"d"}) + b"payload" + bytes((0, 0, 3))
    assert rtp.parse(whole).payload == b"payload"
    for length in range(len(whole)):
        try:
            assert len(rtp.parse(whole[:length]).payload) < len(whole)
        except MalformedError:
            continue


@pytest.mark.parametrize(
    "data",
    [b"", bytes(11), bytes(12), b"\x80" + bytes(2100), b"\x8f" + bytes(20), b"\xa0" + bytes(11) + b"\x09"],
    ids=["empty", "short", "version 0", "long", "csrcs", "padding"],
)
def test_refused(data: bytes) -> None:
    """What breaks RFC 3550 is refused."""
    with pytest.raises(MalformedError):
        rtp.parse(data)


@given(st.integers(0, 0xFFFF), st.integers(-0x7FFF, 0x7FFF))
def test_sequence_delta_over_the_wrap(older: int, ahead: int) -> None:
    """The distance of two sequence numbers is right on both sides of the wrap."""
    assert rtp.sequence_delta((older + ahead) & 0xFFFF, older) == ahead


def test_small_elements() -> None:
    """Audio level is minus dBov without the voice bit; playout delay is in steps of 10 ms."""
    assert rtp.audio_level(b"\x94") == -20.0
    assert rtp.audio_level(b"") is None
    assert rtp.playout_delay(0.0, 0.5) == bytes((0, 0, 50))
    assert rtp.playout_delay(1.0, 99.0) == bytes((0x06, 0x4F, 0xFF))
