"""The demo's own parts: what it draws, sings, encodes and writes."""

import asyncio
import tomllib
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcast.config import parse
from broadcast.rtp.frame import Codec, Frame, Kind
from demo import toml
from demo.cast import roles
from demo.fonts import Script, runs
from demo.looks import look_for
from demo.portrait import FPS, HEIGHT, WIDTH, Portrait
from demo.publisher import play
from demo.recording import Recording, Sample, load, record
from demo.server import shortened
from demo.voice import RATE, loudness, speak

ROOT = Path(__file__).parents[2]


@given(st.text(alphabet="aé福さन·, क्", max_size=30))
def test_runs_lose_nothing(text: str) -> None:
    """A text taken apart by script is the same text."""
    assert "".join(run for _, run in runs(text)) == text


def test_runs_by_script() -> None:
    """Names of the event go to the fonts that have their characters."""
    assert [script for script, _ in runs("भारत · India")] == [Script.DEVANAGARI, Script.LATIN]
    assert [script for script, _ in runs("福岡市 · Fukuoka")] == [Script.CHINESE, Script.LATIN]
    assert [script for script, _ in runs("さくら")] == [Script.JAPANESE]


def test_pictures_loop_and_move() -> None:
    """Pictures have the right size, change all the time, and differ from speaker to speaker."""
    levels = np.linspace(0, 1, 60, dtype=np.float32)
    first = Portrait("Grenoble Alpes Métropole", "France", look_for(0), levels)
    second = Portrait("臺灣 · Taiwan", "GO SMART", look_for(1), levels)
    assert first.picture(0).shape == (HEIGHT, WIDTH, 3)
    assert (first.picture(0) != first.picture(30)).mean() > 0.02
    assert np.abs(first.picture(0).astype(int) - second.picture(0)).mean() > 5
    assert np.array_equal(first.picture(5), first.picture(5))


def test_voices_have_their_own_pitch_and_no_seam() -> None:
    """A voice stays within bounds, begins and ends silent, and is loud in its syllables."""
    voice = speak(174.6, 4.0, seed=1)
    assert len(voice) == 4 * RATE
    assert 0.2 < np.abs(voice).max() < 0.5
    assert np.abs(voice[:10]).max() < 0.02
    assert np.abs(voice[-10:]).max() < 0.02
    assert len(loudness(voice, FPS)) == 4 * FPS


def test_recordings_come_back(tmp_path: Path) -> None:
    """What is encoded comes back as baseline pictures from a keyframe on, and as 20 ms of Opus each."""
    pictures = (np.full((720, 1280, 3), number * 4, np.uint8) for number in range(30))
    record(tmp_path / "a.mkv", pictures, np.zeros(RATE, np.float32))
    recording = load(tmp_path / "a.mkv")
    video = [sample for sample in recording.samples if sample.codec is Codec.H264]
    assert recording.seconds == 1.0
    assert len(video) == 30
    assert video[0].keyframe
    assert b"\x00\x00\x00\x01\x67" in video[0].data
    assert b"\x00\x00\x00\x01\x68" in video[0].data
    assert sum(sample.codec is Codec.OPUS for sample in recording.samples) == 50
    assert [path.name for path in tmp_path.iterdir()] == ["a.mkv"]


async def test_playing_goes_round_without_a_jump(no_tasks: None) -> None:
    """Timestamps grow by the same step over the end of the loop, and picture and sound stay together."""
    samples = tuple(
        sorted(
            [Sample(Codec.H264, b"v", n / 30, n == 0) for n in range(3)]
            + [Sample(Codec.OPUS, b"a", n / 50, True) for n in range(5)],
            key=lambda sample: sample.at,
        )
    )
    frames: list[Frame] = []
    enough = asyncio.Event()

    class Sink:
        def send(self, frame: Frame) -> None:
            frames.append(frame)
            if len(frames) == 40:
                enough.set()

    playing = asyncio.create_task(play(Sink(), Recording(samples, 0.1)))
    await enough.wait()
    playing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await playing
    for kind, step in ((Kind.VIDEO, 3000), (Kind.AUDIO, 960)):
        stamps = [frame.timestamp for frame in frames if frame.kind is kind]
        assert {after - before for before, after in pairwise(stamps)} == {step}


def test_the_demo_config_is_the_event_made_short() -> None:
    """The derived config passes the server's own checks, survives TOML, and lasts as long as asked."""
    table = shortened(ROOT / "config.toml", seconds=240, lead=10)
    again = tomllib.loads(toml.dump(table))
    config = parse(again)
    assert sum(talk.minutes for talk in config.talks) * 60 == pytest.approx(240, abs=1)
    assert config.event.start > datetime.now(UTC)
    assert [person.name for person in config.people] == [person["name"] for person in table["people"]]


def test_every_speaker_has_a_role() -> None:
    """The cast holds each speaker once, in the rundown's order, but for those left to real people."""
    table = shortened(ROOT / "config.toml", seconds=240, lead=10)
    cast = roles(table)
    assert [role.ident for role in cast][:3] == ["thony", "lanvin", "vermast"]
    assert len({role.file for role in cast}) == len(cast) == 8
    assert "lanvin" not in [role.ident for role in roles(table, ["lanvin"])]
