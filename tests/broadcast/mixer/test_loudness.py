"""Loudness as ITU-R BS.1770 defines it, and the gain that follows from it."""

import numpy as np
import pytest

from broadcast.mixer.loudness import Level, Rider, Weigher, lufs
from broadcast.mixer.sound import RATE, Samples
from tests.broadcast.mixer.tones import babble, blocks, tone

ROOM = -60.0  # dBFS


def loudness(samples: Samples) -> float:
    """Of all but the first 100 ms."""
    weigher = Weigher()
    powers = [power for block in blocks(samples) for power in weigher.add(block)]
    return lufs(float(np.mean(powers[1:])))


@pytest.mark.parametrize(
    ("hertz", "expected"),
    [(997, -23.0), (100, -24.84), (50, -27.56), (4000, -19.73), (10000, -19.65)],
)
def test_sines_have_the_loudness_that_the_standard_gives_them(hertz: float, expected: float) -> None:
    """At -23 dBFS in both channels; EBU Tech 3341 asks for -23.0 at 1 kHz, the others are the filter's."""
    found = loudness(tone(0, 2 * RATE, 10 ** (-23 / 20), hertz))
    assert found == pytest.approx(expected, abs=0.1)


def test_one_channel_counts_half() -> None:
    """The channels' powers are added: one alone is 3 LU softer."""
    both = tone(0, RATE, 0.1, 997)
    left = both * np.array([[1.0], [0.0]], np.float32)
    assert loudness(both) - loudness(left) == pytest.approx(3.01, abs=0.02)


def test_packets_of_any_length_are_measured_alike() -> None:
    """What counts are the samples, not how they were cut."""
    samples, whole, cut = tone(0, RATE, 0.1, 997), Weigher(), Weigher()
    odd = [power for n in range(0, RATE, 1333) for power in cut.add(samples[:, n : n + 1333])]
    assert odd == pytest.approx(whole.add(samples), rel=1e-4)


def level_after(*parts: Samples) -> Level:
    level = Level(-23.0, 18.0)
    for part in parts:
        for block in blocks(part):
            level.add(block)
    return level


@pytest.mark.parametrize("loud", [-38.0, -23.0, -12.0])
def test_every_voice_is_brought_to_the_target(loud: float) -> None:
    """What a voice measures and its gain make up the target, within half a second of speech or so."""
    level = level_after(babble(1.2, loud))
    assert level.lufs is not None
    assert level.lufs + level.goal == pytest.approx(-23.0, abs=0.01)
    assert level.lufs == pytest.approx(loud, abs=2.5)


def test_pauses_do_not_pump() -> None:
    """Half a minute in which only the room is heard changes the gain by nothing."""
    talking = babble(6.0, -20.0)
    room = tone(0, 30 * RATE, 10 ** (ROOM / 20), 300)
    assert level_after(talking, room).goal == pytest.approx(level_after(talking).goal, abs=0.3)


def test_a_room_alone_is_not_turned_up() -> None:
    """Nobody has spoken yet: the gain stays as it is."""
    assert level_after(tone(0, 5 * RATE, 10 ** (ROOM / 20), 300)).goal == 0.0


def test_a_softer_voice_at_the_same_microphone_is_found() -> None:
    """After ten seconds of nothing but something softer, that is the voice."""
    level = level_after(babble(6.0, -15.0), babble(26.0, -32.0))
    assert level.lufs == pytest.approx(-32.0, abs=2.5)


def test_what_was_known_of_a_voice_holds_until_it_speaks() -> None:
    """After a restart of the mixer: right at the first word, and corrected by the next ones."""
    level = Level(-23.0, 18.0, known=-33.0)
    assert level.goal == pytest.approx(10.0)
    for block in blocks(babble(3.0, -26.0)):
        level.add(block)
    assert level.lufs == pytest.approx(-26.0, abs=2.5)


def test_the_gain_has_its_limits() -> None:
    """A whisper is not turned up beyond what the config allows, nor a shout down."""
    assert level_after(babble(2.0, -44.0)).goal == 18.0
    assert level_after(np.clip(babble(2.0, 6.0), -1.9, 1.9)).goal == -18.0


def test_unheard_gains_jump_and_heard_ones_ride() -> None:
    """At once while nobody hears it; on air 15 dB take less than five seconds and no step is heard."""
    rider = Rider()
    assert rider.move(-9.0, 0.02, heard=False) == -9.0
    way = [rider.move(6.0, 0.02, heard=True) for _ in range(250)]
    assert way[-1] == pytest.approx(6.0, abs=0.5)
    assert max(np.diff([-9.0, *way])) <= Rider.FASTEST * 0.02 + 1e-9
