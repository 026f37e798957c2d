"""Sound that breaks up on its way in: the programme does not, and how much was missing is told."""

import numpy as np

from broadcast.mixer.meter import Meter
from broadcast.mixer.scene import Layout, Scene, Source
from broadcast.mixer.sound import RATE
from tests.broadcast.mixer import material
from tests.broadcast.mixer.studio import BLUE, LENGTH, Studio, camera

LOST = 3  # packets in a row, of
EVERY = 25  # packets


async def test_holes_of_60_ms_are_not_heard_as_silence(studio: Studio) -> None:
    """Three of 25 packets never come. Left as they are, a tenth of the programme would be silent."""
    tone = material.encode_sound(LENGTH, level=0.0, tone=330.0, tone_level=0.2)
    torn = [item for n, item in enumerate(tone) if n % EVERY >= LOST]
    assert len(torn) == 88
    studio.play("ben", camera(BLUE), torn)
    studio.mixer.stage(["ben"])
    await studio.show(Scene(Layout.FULL, (Source("ben"),)), "t")
    await studio.until(lambda: missing(studio) > 0.05)
    before = len(studio.sound())
    await studio.until(lambda: len(studio.sound()) >= before + 150)
    _, samples = material.decode_sound(studio.sound()[before:])
    assert silent(samples[0, 9600:]) < 0.08


def missing(studio: Studio) -> float:
    """The share of the sound that the mixer says had not come in time."""
    source = studio.mixer.stats()["sources"].get("ben", {})
    return float(source.get("missing") or 0)


def silent(sound: np.ndarray) -> float:
    """The share of pieces of 5 ms in which nothing is heard."""
    count = len(sound) // 240
    levels = np.sqrt(np.square(sound[: count * 240].reshape(count, 240)).mean(axis=1))
    return float((levels < 0.003).mean())


def test_the_share_that_was_missing() -> None:
    """Counters that grow become a share of the last five seconds; a source that is new, or has begun anew, or
    is hardly played, has none."""
    meter = Meter()
    source = {"decoded": 0, "failed": 0, "delay_ms": 8.0, "lufs": None, "gain_db": 0.0}
    shares = []
    seconds = [(1, 0.0), (1, 0.0), (2, 0.2), (3, 0.2), (4, 0.2), (5, 0.2), (6, 0.2), (7, 0.2), (0, 0.1)]
    counters = [(RATE * played, round(RATE * missing)) for played, missing in seconds]
    for now, sound in enumerate(counters):
        meter.update({"cpu_seconds": 0.0, "sources": {"ben": {**source, "sound": sound}}}, float(now))
        shares.append(meter.figures({})["sources"].get("ben", {}).get("missing"))
    assert shares == [None, None, None, 0.1, 0.067, 0.05, 0.04, 0.0, None]
