"""What a line carries, found out over simulated lines: thin, lossy, shaky, recovering, and hostile."""

import random
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broadcast.outputs.line import LISTEN, Came, Line

RATES = (2_771_000, 545_000)
FPS = 30
KEY_EVERY = 2 * FPS
PACKET = 1200


@dataclass
class Simulation:
    """A viewer at the end of a line: pictures and padding go in, feedback comes out each 100 ms."""

    rate: float
    loss: float = 0.0
    jitter: float = 0.0
    queue: float = 0.4
    delay: float = 0.02
    seed: int = 1
    rates: tuple[int, ...] = RATES
    hears: bool = True
    now: float = 100.0
    busy: float = 0.0
    tick: int = 0
    log: list[int] = field(default_factory=list)  # the rendition at each tick

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.line = Line(self.rates, self.now, hears=self.hears)
        self.flying: list[tuple[float, Came]] = []
        self.lost = 0
        self.fed_back = self.now
        self.goal = 0
        self.waits: list[float] = []  # of the packets that arrived, in the queue

    def run(self, seconds: float) -> None:
        """So much of the programme."""
        for _ in range(round(seconds * FPS)):
            self._picture()

    def _picture(self) -> None:
        self.now += 1 / FPS
        self.tick += 1
        key = self.tick % KEY_EVERY == 0
        if self.goal != self.line.index and (key or self.goal > self.line.index):
            self.line.changed(self.goal, self.now)
            key = True
        video = self.rates[self.line.index] - 120_000
        self._send(round(video / FPS / 8 * (6 if key else 0.9)), PACKET)
        if self.line.index:
            self._send(self.line.padding(self.now), 315)
        if self.now - self.fed_back >= 0.1:
            self._feed_back()
        self.log.append(self.line.index)

    def _send(self, size: int, most: int) -> None:
        while size > 0:
            part = min(size, most)
            size -= part
            if self.dice.random() < self.loss or self.busy - self.now > self.queue:
                self.lost += 1
                continue
            self.busy = max(self.busy, self.now) + 8 * part / self.rate
            shake = self.dice.uniform(0, 2 * self.jitter)
            self.waits.append(self.busy - self.now)
            self.flying.append((self.busy + self.delay + shake, Came(self.now, 0.0, part)))

    def _feed_back(self) -> None:
        self.fed_back = self.now
        come = [(at, each) for at, each in self.flying if at <= self.now]
        self.flying = [(at, each) for at, each in self.flying if at > self.now]
        if self.hears and (come or self.lost) and self.line.listening(self.now):
            arrivals = [Came(each.sent, at + 5000.0, each.size) for at, each in come]
            self.line.arrivals(self.now, arrivals, self.lost)
        elif come or self.lost:
            self.line.report(self.now, self.lost / (self.lost + len(come)), 0.05)
        self.lost = 0
        if self.goal == self.line.index:
            self.goal = self.line.choose(self.now)


@given(st.integers(0, 1000), st.sampled_from([0.1, 0.3, 1.0]), st.floats(600e3, 1.4e6))
@settings(max_examples=25)
def test_a_thin_line_gets_the_small_one_and_keeps_it(seed: int, queue: float, rate: float) -> None:
    """Small within 3 s of joining, for good, and what tries cost in the queue stays below 0.36 s."""
    viewer = Simulation(rate, queue=queue, seed=seed)
    viewer.run(3)
    assert viewer.log[-1] == 1
    viewer.run(3)
    viewer.waits.clear()
    viewer.log.clear()
    viewer.run(40)
    assert set(viewer.log) == {1}
    assert max(viewer.waits) < 0.36


@given(st.sampled_from([0.1, 0.3, 1.0]), st.floats(300e3, 1.4e6))
@settings(max_examples=15)
def test_the_first_picture_tells_of_a_thin_line(queue: float, rate: float) -> None:
    """Who joins with a keyframe over a thin line gets the small one within a second."""
    viewer = Simulation(rate, queue=queue, tick=KEY_EVERY - 1)
    viewer.run(1)
    assert viewer.goal == 1


def test_a_stall_is_no_thin_line() -> None:
    """A picture whose second half came fast behind a pause says nothing; one that trickles does."""
    for stall, index in ((True, 0), (False, 1)):
        line = Line(RATES, 10.0)
        waits = [0.4 * (n >= 20) if stall else 0.01 * n for n in range(40)]
        line.arrivals(10.5, [Came(10.0, 10.0 + wait, PACKET) for wait in waits], 0)
        assert line.choose(10.5) == index


@given(st.integers(0, 1000), st.floats(0, 0.05), st.floats(0, 0.01), st.floats(5e6, 1e8))
@settings(max_examples=25)
def test_chance_is_no_congestion(seed: int, loss: float, jitter: float, rate: float) -> None:
    """Packets lost by chance and shaken on a line that is wide enough never lead down."""
    viewer = Simulation(rate, loss=loss, jitter=jitter, seed=seed, delay=0.05)
    viewer.run(30)
    assert set(viewer.log) == {0}


@given(st.integers(0, 1000), st.floats(0, 0.05), st.sampled_from([0.3, 1.0]))
@settings(max_examples=25)
def test_a_line_that_recovers_gets_the_large_one_back(seed: int, loss: float, queue: float) -> None:
    """A wide line turns thin and wide again: down within 3 s, up within 15 s, and it stays there."""
    viewer = Simulation(2e7, loss=loss, jitter=0.005, queue=queue, seed=seed)
    viewer.run(8)
    viewer.rate = 600e3
    viewer.line.trouble(viewer.now)  # the fan-out says so at the first packet that is asked for again
    viewer.run(3)
    assert viewer.log[-1] == 1
    viewer.run(20)
    viewer.rate = 2e7
    viewer.run(15)
    assert viewer.log[-1] == 0
    viewer.log.clear()
    viewer.run(20)
    assert set(viewer.log) == {0}


def test_a_player_without_feedback_goes_by_its_reports() -> None:
    """Heavy loss leads down; a try up comes after half a minute, and later ones more rarely."""
    viewer = Simulation(600e3, hears=False, queue=0.1)
    viewer.run(3)
    assert viewer.log[-1] == 1
    viewer.run(180)
    assert 2 <= sum(b < a for a, b in zip(viewer.log, viewer.log[1:], strict=False)) <= 4


def test_of_three_renditions_it_takes_the_one_that_fits() -> None:
    """From the largest straight to the smallest where the middle one would not fit either."""
    rates = (5_000_000, 2_771_000, 545_000)
    thin, middling = Simulation(600e3, rates=rates), Simulation(3.5e6, rates=rates)
    thin.run(4)
    middling.run(12)
    assert thin.log[-1] == 2
    assert middling.log[-1] == 1
    assert 2 not in middling.log


def test_it_is_listened_to_only_while_in_doubt() -> None:
    """Feedback is asked for in the first seconds, after a sign of trouble, and on a smaller rendition."""
    line = Line(RATES, 0.0)
    assert line.listening(LISTEN - 1)
    assert not line.listening(LISTEN + 1)
    line.trouble(20.0)
    assert line.listening(21.0)
    assert not line.listening(20.0 + LISTEN + 1)
    line.changed(1, 30.0)
    assert line.listening(300.0)
    assert not Line(RATES, 0.0, hears=False).listening(1.0)


times = st.floats(-1e6, 1e6)


@given(
    st.lists(
        st.tuples(
            st.floats(0, 5),
            st.lists(st.builds(Came, times, times, st.integers(0, 2000))),
            st.integers(0, 5000),
        ),
        max_size=30,
    )
)
def test_no_feedback_breaks_it(messages: list[tuple[float, list[Came], int]]) -> None:
    """Whatever a viewer says: the answer is a rendition that there is, and padding stays within bounds."""
    line, now = Line(RATES, 0.0), 0.0
    for step, came, lost in messages:
        now += step
        line.arrivals(now, came, lost)
        line.report(now, lost / 5000, 0.1)
        index = line.choose(now)
        assert index in (0, 1)
        if index != line.index:
            line.changed(index, now)
        assert 0 <= line.padding(now) <= 0.1 * RATES[0] / 8
        line.listening(now)


@pytest.mark.parametrize("patience", [0.4, 1.5])
def test_patience_is_how_long_a_queue_may_stand(patience: float) -> None:
    """A queue of 300 ms leads down after the patience, not before."""
    line, now, down = Line(RATES, 0.0, patience=patience), 0.0, None
    while down is None:
        now += 0.1
        late = 0.3 if now > 3.05 else 0.0
        line.arrivals(now, [Came(now - 0.4, now - 0.3 + late, 1000)], 0)
        down = now if line.choose(now) else None
    assert patience - 0.01 <= down - 3.1 <= patience + 0.25
