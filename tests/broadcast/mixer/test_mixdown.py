"""The programme's sound over hand-offs: no silence, no click, no leak, one loudness."""

import numpy as np
import pytest

from broadcast.mixer.loudness import Level
from broadcast.mixer.mixdown import Fade, Mixdown
from broadcast.mixer.settings import ProgrammeSettings
from broadcast.mixer.sound import BLOCK, RATE, Samples
from tests.broadcast.mixer.test_loudness import loudness
from tests.broadcast.mixer.tones import STEP, babble, blocks, steepest, tone

SETTINGS = ProgrammeSettings()


class Voice:
    """Plays the same sound over and over, as a source would; knows its level if it is to be levelled."""

    def __init__(self, sound: Samples, level: Level | None = None) -> None:
        self.rested = 0
        self._blocks = blocks(sound)
        self._level = level
        self._at = 0

    @property
    def goal(self) -> float:
        return self._level.goal if self._level else 0.0

    def hear(self) -> None:
        """Time passes: 20 ms of the sound arrive, heard or not."""
        self._at += 1
        if self._level:
            self._level.add(self._now())

    def block(self, now: float, lead: float) -> Samples:
        return self._now()

    def rest(self) -> None:
        self.rested += 1

    def _now(self) -> Samples:
        return self._blocks[self._at % len(self._blocks)]


def played(
    mixdown: Mixdown, voices: dict[str, Voice], wanted: dict[str, float], count: int, ramp: float = 0.0
) -> Samples:
    out = []
    for _ in range(count):
        for voice in voices.values():
            voice.hear()
        out.append(mixdown.block(0.0, voices, wanted, ramp))
    return np.concatenate(out, axis=1)


def steady(level: float) -> Samples:
    return np.full((2, BLOCK), level, np.float32)


def test_a_cut_fades_within_twenty_milliseconds() -> None:
    """From one voice to the other without a step, and who is in neither scene is not heard at all."""
    mixdown = Mixdown(SETTINGS)
    voices = {"a": Voice(steady(0.3)), "b": Voice(steady(-0.3)), "c": Voice(steady(9.0))}
    first = played(mixdown, voices, {"a": 1.0}, 4)
    both = np.concatenate([first, played(mixdown, voices, {"b": 1.0}, 4)], axis=1)
    assert steepest(both) < 0.002
    assert both[0, 3 * BLOCK] == pytest.approx(0.3)
    assert both[0, -1] == pytest.approx(-0.3)
    assert voices["c"].rested == 8
    assert mixdown.parts.keys() == {"b"}


@pytest.mark.parametrize("ramp", [0.0, 0.3])
def test_two_hundred_hand_offs_leave_no_silence_and_no_click(ramp: float) -> None:
    """Both tones are never softer than one of them alone for as much as 5 ms, and make no step."""
    mixdown = Mixdown(SETTINGS)
    voices = {
        name: Voice(tone(0, RATE, 0.25, hertz)) for name, hertz in (("a", 200.0), ("b", 250.0), ("c", 150.0))
    }
    played(mixdown, voices, {"a": 1.0}, 5)
    out = [
        played(mixdown, voices, {"abc"[n % 3]: 1.0}, 3 + n % 7 + round(ramp * 50), ramp)
        for n in range(1, 201)
    ]
    samples = np.concatenate(out, axis=1)
    assert steepest(samples) < 2.0 * STEP
    power = np.square(samples[0]).cumsum()
    window = (power[480:] - power[:-480]) / 480
    assert window.min() > 0.25**2 / 2 / 8, "10 ms of near silence"


def test_a_source_that_is_taken_away_while_heard_is_faded_out() -> None:
    """The talk that was on air is not even staged any more: still no click."""
    mixdown = Mixdown(SETTINGS)
    voices = {"a": Voice(steady(0.4)), "b": Voice(steady(0.1))}
    out = [played(mixdown, voices, {"a": 1.0}, 3)]
    left = {"b": voices["b"]}
    out.append(played(mixdown, left, {"b": 1.0}, 4))
    samples = np.concatenate(out, axis=1)
    assert steepest(samples) < 0.002
    assert samples[0, -1] == pytest.approx(0.1)


def test_who_is_not_on_air_never_leaks() -> None:
    """A shouting microphone on standby adds not one bit to the programme, whatever is cut to."""
    alone, beside = Mixdown(SETTINGS), Mixdown(SETTINGS)
    for n in range(60):
        wanted = {"ab"[n % 2]: 1.0} if n % 5 else {}
        quiet = {"a": Voice(steady(0.2)), "b": Voice(steady(0.3))}
        loud = {**quiet, "open": Voice(steady(1.0))}
        assert np.array_equal(played(alone, quiet, wanted, 3), played(beside, loud, wanted, 3))


def test_muting_is_silence_and_gain_is_gain() -> None:
    """The producer's hand on the fader: 0 is nothing at all, 0.5 half."""
    mixdown = Mixdown(SETTINGS)
    voices = {"a": Voice(steady(0.4))}
    assert played(mixdown, voices, {"a": 0.5}, 4)[0, -1] == pytest.approx(0.2)
    assert np.all(played(mixdown, voices, {"a": 0.0}, 4)[:, -BLOCK:] == 0)


def test_two_speakers_who_differ_by_15_db_are_equally_loud_at_once() -> None:
    """Both were on standby for a while: after the cut they are within 1 LU of one another and the target."""
    voices = {
        "soft": Voice(babble(4.0, -36.0, 1), Level(-23.0, 18.0)),
        "loud": Voice(babble(4.0, -21.0, 2), Level(-23.0, 18.0)),
    }
    mixdown = Mixdown(SETTINGS)
    played(mixdown, voices, {}, 200)
    soft = loudness(played(mixdown, voices, {"soft": 1.0}, 200))
    loud = loudness(played(mixdown, voices, {"loud": 1.0}, 200))
    assert soft == pytest.approx(loud, abs=1.0)


def test_a_speaker_taken_unheard_is_at_the_target_after_five_seconds() -> None:
    """On air with the very first word, 15 dB too soft or too loud: within 2 LU of the target."""
    for level in (-38.0, -8.0):
        voices = {"a": Voice(babble(4.0, level), Level(-23.0, 18.0))}
        mixdown = Mixdown(SETTINGS)
        played(mixdown, voices, {"a": 1.0}, 250)
        measure = Level(-23.0, 18.0)
        for block in blocks(played(mixdown, voices, {"a": 1.0}, 200)):
            measure.add(block)
        assert measure.lufs == pytest.approx(-23.0, abs=2.0)


def test_a_fade_that_is_turned_round_has_no_step() -> None:
    """Cut back in the middle of a crossfade."""
    fade = Fade()
    curve = [fade.block(1.0, 0.05), fade.block(0.0, 0.02), fade.block(0.7, 0.1), fade.block(0.7, 0.1)]
    values = np.concatenate([np.broadcast_to(part, BLOCK) for part in curve])
    assert np.abs(np.diff(values)).max() < 0.01
    assert not fade.silent
