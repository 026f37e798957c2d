"""What a listener hears: the others but not themselves, and the producer above all."""

import numpy as np
import pytest

from broadcast.mixer.ears import Ear
from broadcast.mixer.scene import Return
from broadcast.mixer.settings import ProgrammeSettings
from broadcast.mixer.sound import BLOCK, RATE, Samples
from tests.broadcast.mixer.tones import blocks, steepest, tone

ANNA, BEN, WORD = 300.0, 500.0, 800.0  # Hz


def mono(hertz: float, count: int, level: float = 0.2) -> list[Samples]:
    return [block[:1] for block in blocks(tone(0, count * BLOCK, level, hertz))]


def strength(samples: Samples, hertz: float) -> float:
    """Level of one frequency in dBFS; the samples hold whole periods of all used here."""
    wave = np.exp(-2j * np.pi * hertz * np.arange(samples.shape[1]) / RATE)
    return float(20 * np.log10(2 * abs((samples[0] * wave).mean()) + 1e-12))


def ear(minus: str = "anna", talkback: tuple[str, ...] = ()) -> Ear:
    listener = Ear(ProgrammeSettings())
    listener.wanted = Return(frozenset({minus}), talkback)
    return listener


def heard(listener: Ear, count: int, talk: bool | None = None) -> Samples:
    """Anna and Ben on air for `count` blocks; `talk`: a talkback voice is up, and speaks or not."""
    out = []
    for n, (anna, ben, word) in enumerate(
        zip(mono(ANNA, count), mono(BEN, count), mono(WORD, count), strict=True)
    ):
        voices = {} if talk is None else {"desk.talkback": (word if talk else 0 * word, talk)}
        out.append(listener.mix({"anna": anna, "ben": ben}, voices))
        assert out[n].shape == (1, BLOCK)
    return np.concatenate(out, axis=1)


def test_ones_own_voice_is_not_in_the_return() -> None:
    """At least 40 dB below the others; here it is none at all, from the first sample on."""
    samples = heard(ear(), 50)
    assert strength(samples, BEN) == pytest.approx(-14, abs=0.1)
    assert strength(samples, ANNA) < -90
    assert np.allclose(samples, np.concatenate(mono(BEN, 50), axis=1), atol=1e-6)


def test_talkback_is_heard_by_those_it_is_for_alone() -> None:
    """Ben is not called: he hears nothing of it."""
    assert strength(heard(ear("anna", ("desk.talkback",)), 50, True), WORD) > -15
    assert strength(heard(ear("ben"), 50, True), WORD) < -90


def test_talkback_turns_the_programme_down_while_it_speaks() -> None:
    """By 12 dB, without a step, and up again when it is silent."""
    listener = ear("anna", ("desk.talkback",))
    before, under, after = (heard(listener, 50, talk) for talk in (False, True, False))
    assert strength(before, BEN) == pytest.approx(-14, abs=0.1)
    assert strength(under[:, -10 * BLOCK :], BEN) == pytest.approx(-26, abs=0.3)
    assert strength(after[:, -10 * BLOCK :], BEN) == pytest.approx(-14, abs=0.3)
    whole = np.concatenate([before, under, after], axis=1)
    assert steepest(whole) < 2 * np.pi * (BEN + WORD) * 0.2 / RATE * 1.3


def test_a_return_that_changes_does_not_click() -> None:
    """Somebody else's feed is left out from now on: it is faded."""
    listener = ear("anna")
    out = [heard(listener, 20)]
    listener.wanted = Return(frozenset({"ben"}))
    out.append(heard(listener, 20))
    samples = np.concatenate(out, axis=1)
    assert steepest(samples) < 2 * np.pi * (ANNA + BEN) * 0.2 / RATE
    assert strength(samples[:, -10 * BLOCK :], BEN) < -90
