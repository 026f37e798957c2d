"""When ticks begin, on a clock that only moves when somebody sleeps."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcast.mixer.ticks import CATCH_UP, EARLY, Ticks

STEP = 1 / 30


@dataclass
class Time:
    """A clock, and a flag that is set at a moment (or never)."""

    now: float = 100.0
    flagged_at: float = float("inf")

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds

    def is_set(self) -> bool:
        return self.now >= self.flagged_at

    def wait(self, timeout: float) -> bool:
        end = self.now + timeout
        self.now = max(self.now, min(end, self.flagged_at))
        return self.is_set()

    def ticks(self, first: int = 0, after: float = 0.0) -> Ticks:
        return Ticks(100.0, STEP, first, after, clock=lambda: self.now, sleep=self.sleep)


OPEN = Time()  # a flag that is never set


@pytest.mark.parametrize("changing", [None, OPEN])
def test_ticks_begin_when_they_are_due(changing: Time | None) -> None:
    """One after the other, each on its own deadline, whatever the work between takes."""
    time = Time()
    ticks = time.ticks(first=1, after=0.01)
    for number in range(1, 50):
        assert ticks.wait(OPEN, changing and time) == number
        assert time.now == pytest.approx(100.01 + number * STEP)
        assert ticks.late == pytest.approx(0.0)
        time.now += 0.02 if number % 5 else 0.0


@given(st.floats(0.0, STEP))
def test_a_change_is_begun_early(before: float) -> None:
    """By EARLY if it is known by then, or at once if it comes later; the tick after it is on time again."""
    due = 100.0 + 7 * STEP
    time = Time(now=100.0 + 6 * STEP, flagged_at=due - before)
    ticks = time.ticks(first=7)
    assert ticks.wait(OPEN, time) == 7
    assert time.now == pytest.approx(due - min(before, EARLY))
    assert ticks.late == pytest.approx(-min(before, EARLY), abs=1e-9)
    time.flagged_at = float("inf")
    assert ticks.wait(OPEN, time) == 8
    assert time.now == pytest.approx(due + STEP)


def test_late_ticks_come_at_once_and_none_is_missing() -> None:
    """After a pause they are made up for, one by one; after too long a one they are given up."""
    time = Time()
    ticks = time.ticks()
    assert ticks.wait(OPEN) == 0
    time.now += 4.5 * STEP
    assert [ticks.wait(OPEN) for _ in range(4)] == [1, 2, 3, 4]
    assert ticks.late == pytest.approx(0.5 * STEP)
    assert ticks.wait(OPEN) == 5
    assert time.now == pytest.approx(100.0 + 5 * STEP)
    time.now += CATCH_UP + 10.5 * STEP
    number = ticks.wait(OPEN)
    assert number is not None
    assert number > 35
    assert ticks.late < STEP


def test_a_start_in_the_middle_begins_with_what_is_to_come() -> None:
    """After a restart of the mixer the numbers go on by the clock."""
    time = Time(now=100.0 + 10.5 * STEP)
    ticks = time.ticks(first=3)
    assert ticks.wait(OPEN) == 11
    assert time.now == pytest.approx(100.0 + 11 * STEP)


def test_a_sleep_that_takes_too_long_is_made_up_for() -> None:
    """What remains until the tick is measured anew after each."""
    time = Time(now=100.0 + 2.5 * STEP)
    ticks = Ticks(100.0, STEP, 3, clock=lambda: time.now, sleep=lambda seconds: time.sleep(seconds + 0.003))
    assert ticks.wait(OPEN, time) == 3
    assert ticks.late == pytest.approx(0.0)


def test_closing_ends_it() -> None:
    """Also while it sleeps."""
    time = Time(flagged_at=100.0 + 2.5 * STEP)
    ticks = time.ticks(first=2)
    assert ticks.wait(time) == 2
    assert ticks.wait(time) is None
