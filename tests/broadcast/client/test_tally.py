"""Counting by the thousand agrees with counting one by one."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcast.client import tally
from broadcast.client.tally import AUDIO, VIDEO, Tally

SOUND = 111


class Arrivals:
    """Packets as columns: (viewer, payload type, sequence, timestamp, arrival)."""

    def __init__(self, packets: list[tuple[int, int, int, int, float]]) -> None:
        packets = sorted(
            packets, key=lambda each: each[0]
        )  # one viewer's behind each other, as a sweep reads
        heads = [struct.pack("!BBHII", 0x80, kind, seq % 65536, ts, kind) for _, kind, seq, ts, _ in packets]
        self.owners = np.array([each[0] for each in packets], np.int64)
        self.heads = np.frombuffer(b"".join(heads), np.uint8).reshape(-1, 12)
        self.lengths = np.full(len(packets), 100, np.int64)
        self.times = np.array([each[4] for each in packets])

    def into(self, counted: Tally) -> list[tally.Missing]:
        return counted.take(self.owners, self.heads, self.lengths, self.times, SOUND)


def video(viewer: int, *sequences: int, at: float = 1.0) -> list[tuple[int, int, int, int, float]]:
    return [(viewer, 102, sequence, 0, at) for sequence in sequences]


@given(
    st.integers(0, 70_000),
    st.lists(st.sampled_from(["come", "come", "come", "lose", "late", "twice"]), max_size=60),
    st.integers(1, 7),
)
def test_every_packet_is_counted_once(first: int, fates: list[str], most: int) -> None:
    """However losses, late packets and repeats fall into sweeps: what came, what is missing and what was
    repaired add up, over the wrap of the numbers too."""
    arrived, late = [first], []
    for number, fate in enumerate(fates, first + 1):
        if fate != "lose":
            (late if fate == "late" else arrived).append(number)
        if fate == "twice":
            arrived.append(number)
    end = first + len(fates) + 1
    arrived += [end, *late]
    counted, asked = Tally(3), []
    for start in range(0, len(arrived), most):
        asked += Arrivals(video(1, *arrived[start : start + most])).into(counted)
    assert counted.packets[VIDEO, 1] == len(set(arrived))
    assert counted.missing[VIDEO, 1] == fates.count("lose") + fates.count("late")
    assert counted.repaired[VIDEO, 1] == fates.count("late")
    assert counted.duplicates == fates.count("twice")
    assert counted.bytes == 100 * len(arrived)
    wanted = {number % 65536 for number, fate in enumerate(fates, first + 1) if fate in ("lose", "late")}
    assert {number for each in asked for number in each.sequences} <= wanted
    assert not counted.packets[VIDEO, [0, 2]].any()


def test_viewers_and_streams_are_apart() -> None:
    """Sound and picture of several viewers in one sweep do not mix, and only who misses something asks."""
    counted = Tally(3)
    packets = [*video(0, 5, 6, 7), *video(2, 65534, 65535, 1), (0, SOUND, 900, 0, 1.0), (2, SOUND, 1, 0, 1.0)]
    (missing,) = Arrivals(packets).into(counted)
    assert missing == (2, VIDEO, (0,))
    assert counted.packets.tolist() == [[3, 0, 3], [1, 0, 1]]
    assert counted.ssrcs.tolist() == [[102, 0, 102], [SOUND, 0, SOUND]]


def test_gaps() -> None:
    """The longest time without a packet, within a sweep and between two; over 100 ms is a stall."""
    counted = Tally(2)
    Arrivals([*video(0, 1, at=1.0), *video(0, 2, at=1.05), *video(1, 1, at=1.0)]).into(counted)
    Arrivals([*video(0, 3, at=1.25), *video(1, 2, at=1.09)]).into(counted)
    assert counted.longest[VIDEO].tolist() == [pytest.approx(0.2), pytest.approx(0.09)]
    assert counted.stalls[VIDEO].tolist() == [1, 0]
    counted.restart()
    Arrivals(video(0, 4, at=1.3)).into(counted)
    assert counted.longest[VIDEO, 0] == pytest.approx(0.05)
    assert counted.packets[VIDEO, 0] == 1


def test_delay_of_sound() -> None:
    """How much later than the soonest sound came, whoever got it, over a wrap of its clock."""
    counted = Tally(2)
    stamps = [(0xFFFFFFFF - 959 + 960 * number) % (1 << 32) for number in range(100)]
    Arrivals([(0, SOUND, n, stamp, 5 + n * 0.02) for n, stamp in enumerate(stamps)]).into(counted)
    Arrivals([(1, SOUND, n, stamp, 5.003 + n * 0.02) for n, stamp in enumerate(stamps)]).into(counted)
    assert counted.delay(0.25) == pytest.approx(0.0, abs=2e-4)
    assert counted.delay(0.99) == pytest.approx(0.003, abs=2e-4)
    assert Tally(1).delay(0.5) is None


def test_what_never_comes_is_given_up() -> None:
    """The list of what is waited for is bounded, and a stream that begins anew loses nothing."""
    counted = Tally(1)
    for number in range(0, 2 * (tally.MOST_ABSENT + 50), 2):
        Arrivals(video(0, number)).into(counted)
    assert len(counted._absent[VIDEO, 0]) == tally.MOST_ABSENT
    missing = int(counted.missing[VIDEO, 0])
    Arrivals(video(0, 30_000)).into(counted)
    assert counted.missing[VIDEO, 0] == missing
    assert not counted.packets[AUDIO].any()
