"""The mapping of RTP timestamps to our clock, against simulated senders with drift, jitter and nonsense."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcast.rtp.clock import FeedClock, StreamClock, Unwrap


@given(st.lists(st.integers(-30000, 30000), max_size=60), st.integers(0, 0xFFFF))
def test_unwrap_follows_steps_both_ways(steps: list[int], start: int) -> None:
    """Steps of less than half the span are followed across the wrap, also backwards."""
    unwrap, number = Unwrap(16), start
    assert unwrap(start) == start
    newest = start
    for step in steps:
        number = newest + step
        assert unwrap(number & 0xFFFF) == number
        newest = max(newest, number)


class Sender:
    """A browser: its NTP clock is `ahead` of ours and drifts; each stream has its own timestamp origin."""

    def __init__(self, seed: int, *, ahead: float = 1e9, ppm: float = 0.0, delay: float = 0.02) -> None:
        self.dice = random.Random(seed)
        self.ahead, self.rate, self.delay = ahead, 1 + ppm * 1e-6, delay

    def ntp(self, now: float) -> float:
        return now * self.rate + self.ahead

    def timestamp(self, now: float, rate: int, origin: int) -> int:
        return (origin + round(now * self.rate * rate)) & 0xFFFFFFFF

    def arrival(self, now: float, jitter: float = 0.03) -> float:
        return now + self.delay + self.dice.expovariate(1 / jitter)


def run(sender: Sender, seconds: int, *, encode: float = 0.03) -> list[tuple[float, float, float]]:
    """Picture and sound for so long, reports once a second, pictures late by `encode`: (captured, picture's
    and sound's mapping) each second."""
    feed = FeedClock()
    video, audio = StreamClock(feed, 90000), StreamClock(feed, 48000)
    found = []
    for second in range(seconds):
        for step in range(10):
            now = second + step / 10
            shown = video.frame(sender.timestamp(now, 90000, 2**32 - 500), sender.arrival(now + encode))[1]
            heard = audio.frame(sender.timestamp(now, 48000, 77), sender.arrival(now))[1]
            if step == 9:
                found.append((now, shown, heard))
        at = second + 0.95
        for stream, rate, origin in ((video, 90000, 2**32 - 500), (audio, 48000, 77)):
            stream.report(sender.timestamp(at, rate, origin), sender.ntp(at), sender.arrival(at))
    return found


@given(st.integers(0, 2**32), st.floats(-150, 150), st.floats(-2e9, 2e9))
def test_picture_and_sound_agree(seed: int, ppm: float, ahead: float) -> None:
    """After the first reports, picture and sound that were captured at once map to one time, within 2 ms,
    whatever the encoder's delay, the jitter and the clocks."""
    found = run(Sender(seed, ahead=ahead, ppm=ppm), 20)
    for _, shown, heard in found[2:]:
        assert shown - heard == pytest.approx(0.0, abs=0.002)


@pytest.mark.parametrize("ppm", [-150.0, 0.0, 150.0])
def test_drift_is_followed(ppm: float) -> None:
    """Over ten minutes of drifting clocks the mapping stays where the fastest reports put it."""
    found = run(Sender(5, ppm=ppm), 600)
    for now, shown, _ in found[60:]:
        assert 0.0 <= shown - now <= 0.1


def test_captured_never_steps_back_after_settling() -> None:
    """Frame after frame, captured times grow: corrections are slewed."""
    found = run(Sender(9, ppm=80.0), 120)[3:]
    for (_, before, _), (_, after, _) in itertools.pairwise(found):
        assert after - before == pytest.approx(1.0, abs=0.006)


def test_nothing_is_captured_after_it_came() -> None:
    """Reports that were slow on their way do not put frames into the future; picture and sound move alike."""
    feed = FeedClock()
    video, audio = StreamClock(feed, 90000), StreamClock(feed, 48000)
    for index in range(300):
        now = index / 30
        _, shown = video.frame(index * 3000, now + 0.01)
        _, heard = audio.frame(index * 1600, now + 0.004)
        if index % 30 == 15:
            video.report(index * 3000, 1e9 + now, now + 0.08)
            audio.report(index * 1600, 1e9 + now, now + 0.09)
        if index > 200:
            assert shown <= now + 0.01
            assert shown == pytest.approx(heard, abs=0.001)


def test_before_any_report_arrival_has_to_do() -> None:
    """Without reports, captured is the arrival of the fastest packets."""
    stream = StreamClock(FeedClock(), 90000)
    sender = Sender(1)
    for index in range(300):
        now = index / 30
        _, captured = stream.frame(sender.timestamp(now, 90000, 0), sender.arrival(now))
    assert not stream.synchronised
    assert captured - now == pytest.approx(0.02, abs=0.01)


def test_a_report_of_nonsense_is_not_believed() -> None:
    """Reports whose RTP time has nothing to do with the packets leave arrival in charge."""
    feed = FeedClock()
    stream = StreamClock(feed, 90000)
    for index in range(90):
        _, captured = stream.frame(index * 3000, 50 + index / 30)
        if index % 30 == 29:
            stamp = (index * 3000 + 90000 * 500) & 0xFFFFFFFF
            stream.report(stamp, 1e9 + index / 30, 50 + index / 30)
    assert not stream.synchronised
    assert captured == pytest.approx(50 + 89 / 30, abs=0.01)


def test_a_clock_that_is_set_on_the_way() -> None:
    """When the sender's clock leaps, either way, picture and sound stay together and on the line."""
    for leap in (3600.0, -3600.0):
        sender, feed = Sender(3), FeedClock()
        video, audio = StreamClock(feed, 90000), StreamClock(feed, 48000)
        for second in range(40):
            if second == 20:
                sender.ahead += leap
            for step in range(10):
                now = second + step / 10
                _, shown = video.frame(sender.timestamp(now, 90000, 0), sender.arrival(now + 0.03))
                _, heard = audio.frame(sender.timestamp(now, 48000, 0), sender.arrival(now))
                if second > 2:
                    assert shown - heard == pytest.approx(0.0, abs=0.03)
                    assert shown - now == pytest.approx(0.05, abs=0.08)
            for stream, rate, every in ((video, 90000, 1), (audio, 48000, 5)):
                if second % every == 0:
                    stream.report(sender.timestamp(now, rate, 0), sender.ntp(now), sender.arrival(now))


def test_an_rtp_clock_that_begins_anew() -> None:
    """A sender that starts over with another timestamp is mapped by arrival again, at once."""
    stream = StreamClock(FeedClock(), 90000)
    for index in range(60):
        stream.frame(5_000_000 + index * 3000, index / 30)
    _, captured = stream.frame(77, 2.0)
    assert captured == pytest.approx(2.0, abs=0.01)
