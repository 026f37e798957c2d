"""Holes in the sound: filled with what was heard last, without a step, and silent in the end."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broadcast.mixer.conceal import HOLD, LAST, LONGEST, PAST, SEAM, SHORTEST, Concealer, best_length
from broadcast.mixer.sound import BLOCK, RATE, Samples, There
from tests.bench.listening import rms
from tests.broadcast.mixer.tones import STEP, babble, steepest, tone

PITCHES = (90.0, 131.0, 200.0, 440.0, 997.0)
PHASES = (0, 1, 5, 24, 480, 955)  # samples between the borders of packets and of what is read


def heard(sound: Samples, there: There, phase: int = 0, leaps: frozenset[int] = frozenset()) -> Samples:
    """A sound with holes as it is played in blocks. `leaps`: numbers of blocks before which one jumps."""
    concealer = Concealer()
    out = []
    borders = [0, *range(phase or BLOCK, sound.shape[1], BLOCK), sound.shape[1]]
    for number, (start, end) in enumerate(pairwise(borders)):
        if number in leaps:
            concealer.leap()
        part = slice(start, end)
        out.append(concealer.block(np.where(there[part], sound[:, part], 0), there[part]))
    return np.concatenate(out, axis=1)


def without(packets: set[int], count: int) -> There:
    """Of `count` packets these never come."""
    return np.repeat([number not in packets for number in range(count)], BLOCK)


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("hertz", PITCHES)
def test_a_lost_packet_of_a_steady_voice_is_hardly_heard(hertz: float, phase: int) -> None:
    """What is made up differs from what was lost by a tenth of its level at most."""
    sound = tone(0, 20 * BLOCK, hertz=hertz)
    out = heard(sound, without({10}, 20), phase)
    hole = slice(10 * BLOCK, 11 * BLOCK)
    assert rms(out[:, hole] - sound[:, hole]) < rms(sound) - 20
    rest = np.delete(out - sound, slice(10 * BLOCK, 11 * BLOCK + SEAM), axis=1)
    assert not rest.any()


@pytest.mark.parametrize("lost", [{3}, {3, 4, 5}, {2, 4, 6}, set(range(3, 30)), {0, 1, 5}])
@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("hertz", PITCHES)
def test_holes_do_not_click(lost: set[int], phase: int, hertz: float) -> None:
    """No step that the tone itself does not make, where a hole begins, within it, and where it ends."""
    out = heard(tone(0, 40 * BLOCK, hertz=hertz), without(lost, 40), phase)
    assert steepest(out) < max(2.5 * STEP, 1.2 * STEP * hertz / 200)


def test_a_stall_of_80_ms_leaves_no_silence() -> None:
    """A computer that stood still for four packets: each 5 ms of it are heard, less and less loud."""
    out = heard(tone(0, 40 * BLOCK), without({20, 21, 22, 23}, 40))
    hole = out[0, 20 * BLOCK : 24 * BLOCK].reshape(-1, SEAM)
    levels = np.sqrt(np.square(hole).mean(axis=1)) / np.sqrt(0.5 * 0.5**2)
    assert levels[:4].min() > 0.95
    assert levels.min() > 0.25
    assert (levels[4:-4] > levels[8:] - 0.05).all()


def test_a_feed_that_is_gone_falls_silent() -> None:
    """After 120 ms there is nothing."""
    out = heard(tone(0, 40 * BLOCK), without(set(range(10, 40)), 40))
    assert out[:, 10 * BLOCK + HOLD : 10 * BLOCK + LAST - SEAM].any()
    assert not out[:, 10 * BLOCK + LAST :].any()


@pytest.mark.parametrize("piece", [1, 5, 48, 240, 480, 900])
def test_an_old_word_does_not_drone_on(piece: int) -> None:
    """Of a silence after a word only short pieces come: they do not begin the made-up sound anew."""
    count = 60
    sound = np.concatenate((tone(0, 10 * BLOCK), np.zeros((2, (count - 10) * BLOCK), np.float32)), axis=1)
    there = np.tile(np.arange(BLOCK) >= BLOCK - piece, count)
    there[: 10 * BLOCK] = True
    out = heard(sound, there)
    assert rms(out[:, 10 * BLOCK + 2 * LAST :]) < -60


@pytest.mark.parametrize("hole", [240, 280, 480])
@pytest.mark.parametrize("hertz", PITCHES)
def test_a_torn_voice_is_heard_on(hole: int, hertz: float) -> None:
    """Each packet lacks a part, for two seconds: that does not die away."""
    sound = tone(0, 100 * BLOCK, hertz=hertz)
    out = heard(sound, np.tile(np.arange(BLOCK) < BLOCK - hole, 100))
    pieces = out[0, 90 * BLOCK :].reshape(-1, BLOCK)
    assert min(map(rms, pieces)) > rms(sound) - 4
    assert steepest(out) < max(2.5 * STEP, 1.5 * STEP * hertz / 200)


def test_what_comes_again_is_faded_in() -> None:
    """After the seam each sample is what came."""
    sound = babble(0.8, -20.0)
    out = heard(sound, without({10, 11}, 40))
    assert np.array_equal(out[:, 12 * BLOCK + SEAM :], sound[:, 12 * BLOCK + SEAM :])
    assert not np.array_equal(out[:, 12 * BLOCK : 12 * BLOCK + 48], sound[:, 12 * BLOCK : 12 * BLOCK + 48])


@pytest.mark.parametrize("hertz", [55.0, *PITCHES])
def test_the_length_that_is_repeated_is_whole_waves(hertz: float) -> None:
    """To half a sample."""
    length = best_length(tone(0, PAST, hertz=hertz)[0])
    assert SHORTEST <= length <= LONGEST
    wave = RATE / hertz
    assert abs(length - round(length / wave) * wave) <= 0.51


def test_a_sound_that_is_opposite_in_the_two_channels() -> None:
    """Their sum is nothing, and they are repeated by whole waves all the same."""
    sound = tone(0, 20 * BLOCK, hertz=131.0) * np.float32([[1], [-1]])
    out = heard(sound, without({10}, 20))
    assert rms(out - sound) < rms(sound) - 30


def no_louder(out: Samples, sound: Samples) -> bool:
    """A wave, and a step that is evened out: three times what was there, at most."""
    return bool(np.abs(out).max() <= 3 * np.abs(sound).max() + 1e-6)


HOLES = st.lists(st.integers(0, 30 * BLOCK), max_size=12)


@given(cuts=HOLES, phase=st.sampled_from(PHASES), leaps=st.frozensets(st.integers(0, 29)))
@settings(max_examples=150, deadline=None)
def test_whatever_is_missing_of_a_tone(cuts: list[int], phase: int, leaps: frozenset[int]) -> None:
    """Any holes, of any length, anywhere: never a step."""
    sound = tone(0, 30 * BLOCK)
    there = np.cumsum(np.bincount(cuts, minlength=30 * BLOCK + 1)[: 30 * BLOCK]) % 2 == 0
    out = heard(sound, there, phase, leaps)
    assert out.shape == sound.shape
    assert no_louder(out, sound)
    assert steepest(out) < 3 * STEP


@given(cuts=HOLES, phase=st.sampled_from(PHASES), seed=st.integers(0, 50))
@settings(max_examples=100, deadline=None)
def test_whatever_is_missing_of_a_voice(cuts: list[int], phase: int, seed: int) -> None:
    """What came and is no seam is played as it is."""
    sound = babble(0.6, -16.0, seed)
    there = np.cumsum(np.bincount(cuts, minlength=30 * BLOCK + 1)[: 30 * BLOCK]) % 2 == 0
    out = heard(sound, there, phase)
    assert no_louder(out, sound)
    after = np.convolve(~there, np.ones(SEAM + 1))[: len(there)] > 0.5
    assert np.array_equal(out[:, ~after], sound[:, ~after])
