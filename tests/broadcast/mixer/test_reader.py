"""Reading in step: small errors, large ones, and sound that comes later from now on."""

from collections.abc import Iterator

import numpy as np
import pytest

from broadcast.mixer.playout import Delay
from broadcast.mixer.reader import Reader
from broadcast.mixer.sound import BLOCK, RATE, Samples, Timeline
from tests.bench.listening import longest_silence
from tests.broadcast.mixer.tones import STEP, steepest, tone

SECONDS = BLOCK / RATE
# As in `Source`, with half a frame of lag, seconds: how long before a block is made its first sample is due,
# less the delay; and by how much sound may come later than pictures.
BEFORE, SLACK = 0.0142, -0.0058


def played(errors: list[int]) -> tuple[Samples, Reader]:
    timeline = Timeline()
    reader = Reader(timeline)
    written, out = 0, []
    for n, error in enumerate(errors):
        while written < (n + 8) * BLOCK:
            timeline.write(written, tone(written, BLOCK))
            written += BLOCK
        out.append(reader.block(n * BLOCK + error))
    return np.concatenate(out[1:], axis=1), reader


def test_a_small_error_is_stretched_away() -> None:
    """20 ms too late: taken back by 1 % without a step and without a jump."""
    samples, reader = played([0] * 5 + [960] * 150)
    assert steepest(samples) < 1.2 * STEP
    assert reader.jumps == 0


@pytest.mark.parametrize("error", [4860, -4860])
def test_a_large_error_is_jumped_with_a_fade(error: int) -> None:
    """Beyond 60 ms the reader jumps, a quarter of a wave off, and the seam has no step."""
    samples, reader = played([0] * 10 + [error] * 20)
    assert reader.jumps == 1
    assert steepest(samples) < 2.5 * STEP
    assert reader.missing == 0


def test_a_line_that_begins_anew() -> None:
    """The sender's timestamps start again far below: what is wanted is elsewhere, and there."""
    timeline = Timeline()
    reader = Reader(timeline)
    timeline.write(10**6, tone(0, BLOCK))
    reader.block(10**6)
    timeline.write(5000, tone(0, BLOCK))
    reader.block(5000)
    assert (reader.jumps, reader.missing) == (1, 0)


def arriving(latency: float, after: float, jitter: float) -> Iterator[tuple[float, int]]:
    """When each packet of ten seconds comes, in order: 10 ms after it was captured, and from the `after`th
    second later, some more than others."""
    came = 0.0
    shaken = np.random.default_rng(1).exponential(jitter, 500) if jitter else np.zeros(500)
    for number, more in enumerate(shaken):
        captured = number * SECONDS
        came = max(came, captured + SECONDS + 0.01 + (latency + more if captured >= after else 0.0))
        yield came, number


def through(latency: float, phase: float, jitter: float = 0.0) -> tuple[Samples, Reader]:
    """What is heard of a source whose sound comes later by `latency` seconds from the second second on, with
    the delay that the mixer would choose. `phase`: seconds between its packets and the ticks of sound."""
    timeline, delay = Timeline(), Delay()
    reader = Reader(timeline)
    packets = list(arriving(latency, 2.0, jitter))
    out = []
    for tick in range(420):
        now = 0.1 + phase + tick * SECONDS
        while packets and packets[0][0] <= now:
            came, number = packets.pop(0)
            timeline.write(number * BLOCK, tone(number * BLOCK, BLOCK))
            delay.sound(number * SECONDS, came)
        delay.update(now, SLACK)
        out.append(reader.block(round((now - BEFORE - delay.value - delay.shift) * RATE)))
    return np.concatenate(out, axis=1), reader


@pytest.mark.parametrize("phase", [0.0, 0.003, 0.009, 0.016])
@pytest.mark.parametrize(
    ("latency", "silence"),
    [(0.015, 0), (0.03, 0), (0.045, 0), (0.055, 0), (0.08, 20), (0.12, 60), (0.24, 400)],
)
def test_sound_that_comes_later_from_now_on_is_waited_for(
    latency: float, silence: float, phase: float
) -> None:
    """A line that becomes slower while its speaker is on air: a short while is made up, and not seconds of
    packets thrown away because each comes when its time is over."""
    sound, reader = through(latency, phase)
    assert longest_silence(sound[0, 5 * BLOCK :])[0] <= silence
    assert reader.missing / RATE < latency + (0.1 if latency < 0.2 else 0.3)
    assert steepest(sound[:, 5 * BLOCK :]) < 3 * STEP


@pytest.mark.parametrize("latency", [0.1, 0.14, 0.18, 0.2, 0.22, 0.26, 0.5])
@pytest.mark.parametrize("jitter", [0.005, 0.015, 0.025])
def test_a_line_that_is_late_and_shaken_is_heard(latency: float, jitter: float) -> None:
    """However late a line has become, how much it varies alone decides what comes too late."""
    _, reader = through(latency, 0.003, jitter)
    assert reader.missing / reader.played < 0.07


def test_nothing_is_made_of_what_was_heard_before_a_rest() -> None:
    """Somebody goes off the air and comes back while their line is down: not their last word again, and as
    long as nothing came nothing counts as missing."""
    timeline = Timeline()
    reader = Reader(timeline)
    timeline.write(0, tone(0, BLOCK))
    assert reader.block(0).any()
    reader.rest()
    assert not reader.block(BLOCK).any()
    assert (reader.played, reader.missing) == (BLOCK, 0)


def test_what_was_missing_is_counted() -> None:
    """Of 20 packets three never come: all of their samples, silence at their end or not."""
    timeline = Timeline()
    reader = Reader(timeline)
    for n in range(20):
        if n not in (7, 8, 12):
            timeline.write(n * BLOCK, tone(n * BLOCK, BLOCK))
        reader.block(n * BLOCK)
    assert (reader.played, reader.missing) == (20 * BLOCK, 3 * BLOCK)
