"""Transport-wide feedback, read back by a parser written from the draft's text alone."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcast.errors import MalformedError
from broadcast.rtp import rtcp
from broadcast.rtp.transport_cc import MOST_PACKETS, MOST_READ, ArrivalLog, Arrivals
from tests.support.rtp import network


def read(message: bytes) -> tuple[int, int, dict[int, float]]:
    """Base sequence, message count, and arrival seconds of each packet that came."""
    first, kind, words = struct.unpack_from("!BBH", message)
    assert (first & 0x1F, kind) == (15, 205)
    assert len(message) == 4 * words + 4
    base, count, tail = struct.unpack_from("!HHI", message, 12)
    at, statuses = 20, []
    while len(statuses) < count:
        (chunk,) = struct.unpack_from("!H", message, at)
        at += 2
        if not chunk & 0x8000:
            statuses += [chunk >> 13 & 3] * (chunk & 0x1FFF)
        elif chunk & 0x4000:
            statuses += [chunk >> shift & 3 for shift in range(12, -1, -2)]
        else:
            statuses += [chunk >> shift & 1 for shift in range(13, -1, -1)]
    clock, found = (tail >> 8) * 0.064, {}
    for index, status in enumerate(statuses[:count]):
        if status == 1:
            clock, at = clock + message[at] * 0.00025, at + 1
        elif status == 2:
            clock, at = clock + struct.unpack_from("!h", message, at)[0] * 0.00025, at + 2
        if status:
            found[base + index & 0xFFFF] = clock
    assert len(message) - at < 4
    return base, tail & 0xFF, found


@given(st.integers(0, 2**32), st.integers(0, 0xFFFF), st.floats(0, 0.4), st.integers(0, 12))
def test_arrivals_survive(seed: int, first: int, loss: float, reach: int) -> None:
    """Each packet that came in time is reported, once, with its arrival to a quarter of a millisecond."""
    arrivals, reported, clock = {}, {}, 100.0
    log = ArrivalLog()
    for place, number in enumerate(network(range(300), seed, loss=loss, reach=reach)):
        clock += 0.0007 + (seed % 13) * 0.0003 * (place % 5 == 0)
        arrivals[(first + number) & 0xFFFF] = clock
        log.received((first + number) & 0xFFFF, clock)
        if place % 40 == 39:
            message = log.message(1, 2) or b""
            _, count, found = read(message)
            (ours,) = rtcp.parse(message)
            assert isinstance(ours, Arrivals)
            assert dict(ours.received) == pytest.approx(found)
            assert ours.count >= len(ours.received)
            assert count == place // 40
            assert not reported.keys() & found.keys()
            reported.update(found)
    for number, at in reported.items():
        assert at == pytest.approx(arrivals[number], abs=0.0003)
    if not loss and not reach:
        assert len(reported) == 280


def test_nothing_came() -> None:
    """Without arrivals there is no message."""
    log = ArrivalLog()
    assert log.message(1, 2) is None
    log.received(5, 1.0)
    assert log.message(1, 2)
    assert log.message(1, 2) is None


def test_a_long_pause_is_two_messages() -> None:
    """A delta that does not fit its field starts a message with a reference time of its own."""
    log = ArrivalLog()
    log.received(1, 10.0)
    log.received(2, 30.0)
    assert read(log.message(1, 2) or b"")[2] == {1: pytest.approx(10.0, abs=0.0003)}
    assert read(log.message(1, 2) or b"")[2] == {2: pytest.approx(30.0, abs=0.0003)}


def test_bounded_and_fits_a_datagram() -> None:
    """However much comes, and with whatever holes, the memory and the message stay small."""
    log = ArrivalLog()
    for index in range(5000):
        log.received(index * 3 & 0xFFFF, 1 + index * 0.1 % 7)
    assert len(log) <= MOST_PACKETS
    while len(log):
        assert len(log.message(1, 2) or b"") <= 1200


@given(st.binary(max_size=60), st.integers(0, 0xFFFF))
def test_what_others_send_is_read_or_refused(tail: bytes, count: int) -> None:
    """Any chunks and deltas: arrivals no more than packets told of, or MalformedError."""
    body = bytes(8) + struct.pack("!HH", 7, count) + tail + bytes(-len(tail) % 4)
    message = struct.pack("!BBH", 0x8F, 205, len(body) // 4) + body
    try:
        found = rtcp.parse(message)
    except MalformedError:
        return
    for told in found:
        assert isinstance(told, Arrivals)
        assert len(told.received) <= told.count <= MOST_READ
