"""The delay of a source and the shelf of its pictures."""

from dataclasses import dataclass
from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from broadcast.mixer.playout import LEAP, LEAST, LONGEST, Delay, Shelf

HALF = 1 / 60


@dataclass(frozen=True)
class Picture:
    captured: float


def run(delay: Delay, latency: float, start: float, seconds: float) -> float:
    for n in range(round(seconds * 30)):
        at = start + n / 30
        delay.picture(at - latency, at)
        delay.update(at, HALF)
    return start + seconds


def test_the_delay_settles_just_above_the_latency() -> None:
    """30 ms from capture to decoded: presented a few milliseconds later."""
    delay = Delay()
    run(delay, 0.03, 0.0, 2.0)
    assert 0.03 < delay.value < 0.045


def test_late_sound_delays_the_pictures_with_it() -> None:
    """Both share the delay; sound has half a frame more time."""
    delay = Delay()
    for n in range(100):
        delay.picture(n / 30 - 0.01, n / 30)
        delay.sound(n / 30 - 0.08, n / 30)
        delay.update(n / 30, HALF)
    assert 0.08 - HALF < delay.value < 0.08


def test_it_grows_at_once_and_shrinks_gently() -> None:
    """A line that becomes slow is followed at once; one that becomes fast at 10 ms a second."""
    delay = Delay()
    now = run(delay, 0.01, 0.0, 4.0)
    now = run(delay, 0.06, now, 1.0)
    assert delay.value > 0.06
    now = run(delay, 0.02, now, 3.2)
    high = delay.value
    now = run(delay, 0.02, now, 1.0)
    assert 0.005 < high - delay.value < 0.015


def test_a_surplus_that_is_far_too_large_is_given_up_at_once() -> None:
    """After a storm of seconds nobody waits for half a minute."""
    delay = Delay()
    now = run(delay, 0.2, 0.0, 3.0)
    run(delay, 0.02, now, 3.5)
    assert delay.value < 0.2 - LEAP


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_odd_clocks_are_shifted_alike_for_picture_and_sound(offset: float, start: float) -> None:
    """Whatever the sender claims, the delay stays in its limits and pictures become due."""
    delay = Delay()
    for n in range(60):
        now = start + n / 30
        delay.picture(now - offset, now)
        delay.sound(now - offset - 0.01, now)
        delay.update(now, HALF)
    assert LEAST <= delay.value <= LONGEST
    due = start + 2 - delay.value - delay.shift
    assert abs((due + offset) - (start + 2)) <= LONGEST + 0.3


def picks(fps: float, jitter: float, phase: float, seconds: float = 4.0) -> list[float]:
    random = Random(3)
    shelf: Shelf[Picture] = Shelf()
    times = [n / fps + phase + random.uniform(-jitter, jitter) for n in range(round(seconds * fps))]
    shown = []
    for tick in range(round(seconds * 30)):
        now = tick / 30
        while times and times[0] <= now + 0.02:
            shelf.add(Picture(times.pop(0)))
        picture = shelf.pick(now)
        shown.append(picture.captured if picture else -1.0)
    return shown


def test_jittering_captures_at_the_border_of_a_tick_are_shown_once_each() -> None:
    """30 a second at any phase, 5 ms of jitter: none left out, at most one shown twice until it settles."""
    for phase in (n / 300 for n in range(10)):
        shown = picks(30, 0.005, phase)[5:]
        steps = [round((b - a) * 30) for a, b in pairwise(shown)]
        assert set(steps) <= {0, 1}, (phase, steps)
        assert steps.count(0) <= 1, (phase, steps)


def test_slower_and_faster_sources_keep_their_pace() -> None:
    """15 a second: each picture twice; 60: every second one."""
    slow = picks(15, 0.0, 0.004)[5:]
    assert len(set(slow)) in range(len(slow) // 2 - 1, len(slow) // 2 + 2)
    fast = picks(60, 0.0, 0.004)[5:]
    assert all(0.02 < b - a < 0.05 for a, b in pairwise(fast))


@given(st.lists(st.floats(-100, 100), max_size=60), st.lists(st.floats(-100, 100), max_size=60))
def test_a_shelf_never_holds_more_than_its_size_and_never_gets_stuck(
    added: list[float], dues: list[float]
) -> None:
    """Any capture times, any order: bounded, and what overflows counts as shown."""
    shelf: Shelf[Picture] = Shelf(size=5)
    for n, at in enumerate(added):
        shelf.add(Picture(at))
        if n < len(dues):
            shelf.pick(dues[n])
        assert len(shelf._waiting) <= 5
    rising: Shelf[Picture] = Shelf(size=5)
    for n in range(10):
        rising.add(Picture(1000.0 + n))
    assert rising.pick(0.0) is not None
