"""Holes in the sound: filled with what was heard last, without a step, and silent in the end."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broadcast.mixer.conceal import HOLD, LAST, LONGEST, PAST, SEAM, SHORTEST, Concealer, best_length
from broadcast.mixer.reader import Reader
from broadcast.mixer.sound import BLOCK, RATE, Samples, Timeline
from tests.broadcast.mixer.tones import STEP, babble, steepest, tone

PITCHES = (90.0, 131.0, 200.0, 440.0, 997.0)


def played(sound: Samples, lost: set[int]) -> tuple[Samples, Reader]:
    """A sound as it is read packet by packet, when the packets `lost` never come."""
    timeline = Timeline()
    reader = Reader(timeline)
    out = []
    for n in range(sound.shape[1] // BLOCK):
        if n not in lost:
            timeline.write(n * BLOCK, sound[:, n * BLOCK : (n + 1) * BLOCK])
        out.append(reader.block(n * BLOCK))
    return np.concatenate(out, axis=1), reader


def loudness(samples: Samples) -> float:
    """RMS in dBFS."""
    return float(10 * np.log10(np.square(samples).mean() + 1e-12))


@pytest.mark.parametrize("hertz", PITCHES)
def test_a_lost_packet_of_a_steady_voice_is_hardly_heard(hertz: float) -> None:
    """What is made up differs from what was lost by a tenth of its level at most."""
    sound = tone(0, 20 * BLOCK, hertz=hertz)
    heard, reader = played(sound, {10})
    assert loudness(heard - sound) < -30
    hole = slice(10 * BLOCK, 11 * BLOCK)
    assert loudness(heard[:, hole] - sound[:, hole]) < loudness(sound) - 20
    assert reader.made_up == BLOCK


@pytest.mark.parametrize("lost", [{3}, {3, 4, 5}, {2, 4, 6}, set(range(3, 30)), {0, 1, 5}])
@pytest.mark.parametrize("hertz", PITCHES)
def test_holes_do_not_click(lost: set[int], hertz: float) -> None:
    """No step that the tone itself does not make, where a hole begins, within it, and where it ends."""
    heard, _ = played(tone(0, 40 * BLOCK, hertz=hertz), lost)
    assert steepest(heard) < max(2.5 * STEP, 1.2 * STEP * hertz / 200)


def test_a_stall_of_80_ms_leaves_no_silence() -> None:
    """A computer that stood still for four packets: each 5 ms of it are heard, less and less loud."""
    heard, _ = played(tone(0, 40 * BLOCK), {20, 21, 22, 23})
    hole = heard[0, 20 * BLOCK : 24 * BLOCK].reshape(-1, SEAM)
    levels = np.sqrt(np.square(hole).mean(axis=1)) / np.sqrt(0.5 * 0.5**2)
    assert levels[:4].min() > 0.95
    assert levels.min() > 0.25
    assert (levels[4:-4] > levels[8:] - 0.05).all()


def test_a_feed_that_is_gone_falls_silent() -> None:
    """After 120 ms there is nothing, and nothing more is counted."""
    heard, reader = played(tone(0, 40 * BLOCK), set(range(10, 40)))
    assert not heard[:, 10 * BLOCK + LAST :].any()
    assert reader.made_up == LAST
    assert HOLD < LAST


def test_what_comes_again_is_faded_in() -> None:
    """After the seam each sample is what came."""
    sound = babble(0.8, -20.0)
    heard, _ = played(sound, {10, 11})
    assert np.array_equal(heard[:, 12 * BLOCK + SEAM :], sound[:, 12 * BLOCK + SEAM :])


def test_nothing_is_made_of_what_was_heard_before_a_rest() -> None:
    """Somebody goes off the air and comes back while their line is down: not their last word again."""
    timeline = Timeline()
    reader = Reader(timeline)
    timeline.write(0, tone(0, BLOCK))
    assert reader.block(0).any()
    reader.rest()
    assert not reader.block(BLOCK).any()


@pytest.mark.parametrize("hertz", [55.0, *PITCHES])
def test_the_length_that_is_repeated_is_whole_waves(hertz: float) -> None:
    """To half a sample a wave."""
    length = best_length(tone(0, PAST, hertz=hertz)[0])
    assert SHORTEST <= length <= LONGEST
    wave = RATE / hertz
    if wave <= LONGEST:
        assert abs(length - round(length / wave) * wave) <= 0.51


@given(
    sound=st.sampled_from([tone(0, 30 * BLOCK), babble(0.6, -16.0), np.ones((2, 30 * BLOCK), np.float32)]),
    cuts=st.lists(st.integers(0, 30 * BLOCK), max_size=12),
    leaps=st.sets(st.integers(0, 29)),
)
@settings(max_examples=200, deadline=None)
def test_whatever_is_missing(sound: Samples, cuts: list[int], leaps: set[int]) -> None:
    """Any holes, of any length: as many samples as asked for, never louder than twice what was there."""
    there = np.cumsum(np.bincount(cuts, minlength=sound.shape[1] + 1)[: sound.shape[1]]) % 2 == 0
    concealer = Concealer()
    out = []
    for n in range(30):
        block = slice(n * BLOCK, (n + 1) * BLOCK)
        if n in leaps:
            concealer.leap()
        out.append(concealer.block(np.where(there[block], sound[:, block], 0), there[block]))
    heard = np.concatenate(out, axis=1)
    assert heard.shape == sound.shape
    assert np.abs(heard).max() <= 2 * np.abs(sound).max() + 1e-6
