"""RTCP: every report survives the wire; strangers' bytes do no harm."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcast.errors import MalformedError
from broadcast.rtp import rtcp

word = st.integers(0, 0xFFFFFFFF)
blocks = st.lists(
    st.builds(
        rtcp.ReportBlock,
        ssrc=word,
        fraction=st.integers(0, 255),
        lost=st.integers(-0x800000, 0x7FFFFF),
        highest=word,
        jitter=word,
        last_report=word,
        delay=word,
    ),
    max_size=5,
).map(tuple)
long = st.integers(0, 2**64 - 1)
reports = st.one_of(
    st.builds(rtcp.SenderReport, word, long, word, word, word, blocks),
    st.builds(rtcp.ReceiverReport, word, blocks),
    st.builds(rtcp.Bye, st.lists(word, max_size=5).map(tuple)),
    st.builds(rtcp.Pli, word, word),
    st.builds(rtcp.Fir, word, st.lists(st.tuples(word, st.integers(0, 255)), max_size=4).map(tuple)),
    st.builds(rtcp.ReferenceTime, word, long),
    st.builds(rtcp.RoundTrip, word, word, word, word),
)


@given(st.lists(reports, min_size=1, max_size=6))
def test_round_trip(sent: list[rtcp.Report]) -> None:
    """A compound packet is read as it was built; names are left out."""
    named = rtcp.SourceDescription(1, "someone").build()
    assert rtcp.parse(named + b"".join(report.build() for report in sent)) == sent


@given(word, word, st.sets(st.integers(0, 0xFFFF), min_size=1, max_size=60))
def test_nack_names_exactly_what_is_missing(ssrc: int, media: int, missing: set[int]) -> None:
    """The numbers asked for are those that are read, no more and no fewer."""
    (read,) = rtcp.parse(rtcp.Nack(ssrc, media, tuple(missing)).build())
    assert isinstance(read, rtcp.Nack)
    assert (read.ssrc, read.media, set(read.sequences)) == (ssrc, media, missing)


@given(st.integers(0, 2**40))
def test_remb_keeps_eighteen_bits(bitrate: int) -> None:
    """The rate survives to one part in 2^17, and never grows."""
    (read,) = rtcp.parse(rtcp.Remb(1, bitrate, (2, 3)).build())
    assert isinstance(read, rtcp.Remb)
    assert read.ssrcs == (2, 3)
    assert bitrate * (1 - 2**-17) <= read.bitrate <= bitrate


@given(st.binary(max_size=300))
def test_anything_is_read_or_malformed(data: bytes) -> None:
    """Bytes from strangers raise MalformedError or nothing."""
    with contextlib.suppress(MalformedError):
        rtcp.parse(data)


@given(st.integers(200, 210), st.integers(0, 31), st.binary(max_size=100))
def test_any_body_is_read_or_malformed(kind: int, count: int, body: bytes) -> None:
    """A body that does not fit its kind raises MalformedError or is skipped."""
    body += bytes(-len(body) % 4)
    head = bytes((0x80 | count, kind)) + (len(body) // 4).to_bytes(2, "big")
    with contextlib.suppress(MalformedError):
        rtcp.parse(head + body)


def test_truncation_at_every_length() -> None:
    """A compound packet cut anywhere but between its parts is malformed."""
    block = rtcp.ReportBlock(1, 2, 3, 4, 5, 6, 7)
    parts = [
        rtcp.SenderReport(1, 2, 3, 4, 5, (block, block)).build(),
        rtcp.Nack(1, 2, (5, 9, 400)).build(),
        rtcp.Remb(1, 1_000_000, (2,)).build(),
        rtcp.RoundTrip(1, 2, 3, 4).build(),
    ]
    whole = b"".join(parts)
    borders = {sum(map(len, parts[: index + 1])) for index in range(len(parts))}
    for length in range(len(whole)):
        if length in borders:
            assert rtcp.parse(whole[:length])
        else:
            with pytest.raises(MalformedError):
                rtcp.parse(whole[:length])


def test_ntp_there_and_back() -> None:
    """Unix seconds survive as NTP to a microsecond."""
    assert rtcp.from_ntp(rtcp.to_ntp(1_680_000_000.25)) == pytest.approx(1_680_000_000.25, abs=1e-6)


def test_round_trip_time() -> None:
    """Now, less the echoed report, less the time it was held; over the wrap too; nonsense is None."""
    sent = rtcp.middle(rtcp.to_ntp(1000.0))
    now = rtcp.middle(rtcp.to_ntp(1000.350))
    assert rtcp.round_trip(now, sent, round(0.3 * 65536)) == pytest.approx(0.05, abs=1e-4)
    assert rtcp.round_trip(10, 0xFFFFFFFF - 100, 50) == pytest.approx(61 / 65536)
    assert rtcp.round_trip(now, 0, 0) is None
    assert rtcp.round_trip(now, now, 5) == 0.0
    assert rtcp.round_trip(now, now - 50 * 65536, 0) is None
