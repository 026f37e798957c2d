"""Returns through the mixer's real process: mix-minus and talkback as decoded from what comes out."""

import os
import signal
from collections.abc import AsyncIterator
from itertools import pairwise

import numpy as np
import pytest_asyncio

from broadcast.mixer.scene import Layout, Return, Scene, Source
from broadcast.mixer.settings import ProgrammeSettings
from broadcast.rtp.frame import Codec, Frame
from tests.broadcast.mixer import material
from tests.broadcast.mixer.studio import BLUE, LENGTH, RED, Studio, camera

ANNA, BEN, WORD = 300.0, 500.0, 800.0  # Hz


class Booth(Studio):
    """A studio with listeners."""

    def __init__(self, automatic: bool = False) -> None:
        super().__init__(ProgrammeSettings(automatic=automatic))
        self.heard: dict[str, list[Frame]] = {}
        self.mixer.on_return = lambda person, frame: self.heard.setdefault(person, []).append(frame)

    def speak(self, feed: str, hertz: float) -> None:
        sound = material.encode_sound(LENGTH, level=0.0, tone=hertz, tone_level=0.2)
        pictures = {"anna": [camera(RED)], "ben": [camera(BLUE)]}.get(feed, [])
        self.play(feed, *pictures, sound)

    async def listen(self, person: str, seconds: float) -> list[Frame]:
        """The packets of the return of the next seconds."""
        await self.until(lambda: self.heard.get(person))
        before = len(self.heard[person])
        await self.until(lambda: len(self.heard[person]) >= before + seconds * 50)
        return self.heard[person][before:]


@pytest_asyncio.fixture
async def booth() -> AsyncIterator[Booth]:
    booth = Booth()
    await booth.mixer.start()
    yield booth
    await booth.close()


def strength(frames: list[Frame], hertz: float) -> float:
    """Level in dBFS of the band of 60 Hz round a frequency, over all but the first 200 ms: sound that is
    read in step with its pictures is stretched by up to 1 %."""
    _, samples = material.decode_sound(frames)
    sound = samples[0, 9600:]
    window = np.hanning(len(sound))
    power = np.square(np.abs(np.fft.rfft(sound * window)) * 2 / window.sum())
    band = np.abs(np.fft.rfftfreq(len(sound), 1 / 48000) - hertz) < 30
    return float(10 * np.log10(power[band].sum() / 1.5 + 1e-12))


def loud(frames: list[Frame]) -> float:
    """RMS in dBFS over all but the first 200 ms."""
    _, samples = material.decode_sound(frames)
    return float(10 * np.log10(np.square(samples[0, 9600:]).mean() + 1e-12))


async def test_a_return_is_the_programme_without_oneself(booth: Booth) -> None:
    """Anna alone speaks: others hear her, and she does not, by at least 40 dB; in step with the programme's
    own line, also after a kill -9 of the mixer; and nothing is mixed for who does not listen."""
    booth.speak("anna", ANNA)
    booth.mixer.stage(["anna"])
    await booth.show(Scene(Layout.FULL, (Source("anna"),)), "t")
    booth.mixer.returns({person: Return(frozenset({person})) for person in ("anna", "ben", "carl")})
    booth.mixer.listening(["anna", "ben"])
    frames = await booth.listen("anna", 1.0)
    assert loud(booth.heard["ben"]) - loud(frames) > 40
    assert all(after.timestamp - before.timestamp == 960 for before, after in pairwise(frames))
    line = {frame.timestamp: frame.captured for frame in booth.sound()}
    assert all(line.get(frame.timestamp, frame.captured) == frame.captured for frame in frames)
    await booth.until(lambda: booth.mixer.spare_ready)
    os.kill(booth.mixer.stats()["pid"], signal.SIGKILL)
    await booth.until(lambda: booth.mixer.restarts == 1 and booth.mixer.state == "up")
    await booth.listen("anna", 0.5)
    again = await booth.listen("anna", 1.0)
    assert loud(booth.heard["ben"][-50:]) - loud(again) > 40
    assert booth.heard.keys() == {"anna", "ben"}
    booth.mixer.listening([])
    count = len(booth.sound())
    await booth.until(lambda: len(booth.sound()) > count + 5)
    last = booth.heard["anna"][-1].timestamp
    await booth.programme(0.5)
    assert booth.heard["anna"][-1].timestamp == last


async def test_talkback_is_heard_in_the_ear_and_never_on_the_programme(booth: Booth) -> None:
    """Not even when a scene names the talkback feed; the programme is turned down under it by 12 dB."""
    booth.speak("ben", BEN)
    booth.speak("desk.talkback", WORD)
    booth.mixer.stage(["ben"])
    await booth.show(Scene(Layout.FULL, (Source("ben"), Source("desk.talkback"))), "t")
    booth.mixer.listening(["anna", "carl"])
    quiet = await booth.listen("anna", 1.0)
    booth.mixer.returns({"anna": Return(frozenset({"anna"}), ("desk.talkback",))})
    await booth.listen("anna", 0.5)
    called = await booth.listen("anna", 1.5)
    assert strength(called, WORD) > -30
    assert 8 < strength(quiet, BEN) - strength(called, BEN) < 16
    for others in (booth.heard["carl"], booth.sound()):
        assert strength(others, BEN) - strength(others[-75:], WORD) > 30


async def test_the_talkback_of_nobody_in_particular_is_dropped_at_the_door(booth: Booth) -> None:
    """A talkback feed that no listener's return names does not reach the mixer's process at all."""
    booth.mixer.returns({"anna": Return(frozenset({"anna"}), ("desk.talkback",))})
    sent: list[object] = []
    process = booth.mixer._air  # the pipe to the process; the public face does not tell what crosses it
    assert process is not None
    process.send_frame = lambda *said: sent.append(said) or True  # type: ignore[method-assign, func-returns-value]
    booth.mixer.frame("desk.talkback", Frame(Codec.OPUS, b"x", 0, 0.0))
    assert not sent
    booth.mixer.listening(["anna"])
    booth.mixer.frame("desk.talkback", Frame(Codec.OPUS, b"x", 0, 0.0))
    booth.mixer.frame("desk.talkback", Frame(Codec.H264, b"x", 0, 0.0))
    assert len(sent) == 1


async def test_the_level_of_a_voice_outlives_the_mixer() -> None:
    """Brought down by 9 dB before a kill -9, and from the first sound after it, too."""
    booth = Booth(automatic=True)
    await booth.mixer.start()
    try:
        booth.speak("ben", BEN)
        booth.mixer.stage(["ben"])
        await booth.until(lambda: booth.mixer.stats()["sources"].get("ben", {}).get("lufs"))
        await booth.show(Scene(Layout.FULL, (Source("ben"),)), "t")
        await booth.programme(1.0)
        assert loud(booth.sound()[-40:]) < -22
        await booth.until(lambda: booth.mixer.spare_ready)
        os.kill(booth.mixer.stats()["pid"], signal.SIGKILL)
        await booth.until(lambda: booth.mixer.restarts == 1 and booth.mixer.state == "up")
        before = len(booth.sound())
        await booth.programme(1.0)
        assert -35 < loud(booth.sound()[before:]) < -22
    finally:
        await booth.close()
