"""An event that has been on air for hours: its segments on disk, as the origin writes them, and its journal.

A second or two of each talk is encoded, and goes round and round: so 150 minutes are there within a minute.
"""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from broadcast.mixer.encoder import SegmentSoundEncoder, VideoEncoder
from broadcast.mixer.settings import ProgrammeSettings
from broadcast.mixer.sound import BLOCK, RATE
from broadcast.outputs.hls.origin import Origin, OriginSettings
from broadcast.outputs.hls.store import current_session
from broadcast.rtp.frame import Codec, Frame
from signaling.facts import Began, Committed, Confirmed, Fact
from signaling.journal import Journal
from signaling.records import Record
from tests.support.codes import code_of, stamp

FPS, SEGMENT = 30, 2  # pictures, seconds
LOOP = FPS * SEGMENT  # pictures of a talk
HEIGHTS = {"main": 720, "360p": 360}
KBPS = {"main": 2500, "360p": 400}
UNWRITTEN = 16 << 20  # octets that may wait for the disk
WITHIN = 1.0  # seconds into a segment that each talk begins: players find it in the middle of one


@dataclass(frozen=True, slots=True)
class Talk:
    """One that was on air, from `start` to `end` in Unix seconds."""

    id: str
    start: float
    end: float


def first_picture(number: int) -> tuple[int, int]:
    """What the code in the `number`th talk's first picture says."""
    return number % 4, number * LOOP + round(WITHIN * FPS)


async def make(data: Path, event: str, talks: list[str], minutes: float) -> list[Talk]:
    """An event in the data folder: these talks one after another, so many minutes in all, until now."""
    settings = OriginSettings(data=data, event=event, fsync="none", video_kbps=KBPS)
    begun = time.time() - minutes * 60
    await asyncio.to_thread(current_session, data, event, 0.0, begun)
    origin = Origin(settings)
    await origin.start()
    try:
        each = round(minutes * 60 / SEGMENT) // len(talks)
        at = time.monotonic() - minutes * 60
        loops = await asyncio.to_thread(_pictures, len(talks))
        sounds = await asyncio.to_thread(_sounds)
        for number in range(each * len(talks)):
            for frame, rendition in _segment(number, loops[number // each], sounds, at):
                origin.put(frame, rendition)
            if origin.stats()["unwritten_bytes"] > UNWRITTEN:
                await asyncio.sleep(0.05)
    finally:
        await origin.stop()
    starts = [begun + n * each * SEGMENT + WITHIN for n in range(len(talks) + 1)]
    aired = [Talk(talk, start, end) for talk, start, end in zip(talks, starts, starts[1:], strict=False)]
    await _journal(data / "journal.sqlite", event, aired)
    return aired


async def _journal(path: Path, event: str, talks: list[Talk]) -> None:
    """What the desk would have written of these talks, and of the slate after them."""
    journal = Journal(path)
    await journal.open(event)
    steps: list[tuple[float, str | None]] = [(talk.start, talk.id) for talk in talks]
    for number, (at, talk) in enumerate([*steps, (talks[-1].end, None)]):
        token = f"past-{number}"
        facts: tuple[Fact, ...] = (Began(token, talk, "take"), Committed(token), Confirmed(token))
        await journal.append([Record(at, facts)])
    await journal.close()


def _segment(
    number: int, loops: dict[str, list[tuple[bytes, bool]]], sounds: list[bytes], at: float
) -> Iterator[tuple[Frame, str]]:
    """The frames of one segment, of all renditions; `at`: monotonic seconds of the programme's tick 0."""
    first = number * LOOP
    packets = range(-(-first * RATE // FPS // 1024), -(-(first + LOOP) * RATE // FPS // 1024))
    for packet in packets:
        yield Frame(Codec.AAC, sounds[packet % len(sounds)], packet * 1024, at + packet * 1024 / RATE), "main"
    for picture in range(LOOP):
        tick = first + picture
        for rendition, loop in loops.items():
            data, key = loop[picture]
            yield Frame(Codec.H264, data, tick * 90000 // FPS, at + tick / FPS, key), rendition


def _pictures(talks: int) -> list[dict[str, list[tuple[bytes, bool]]]]:
    """Of each talk one segment's pictures in each rendition, with a code in each."""
    return [
        {name: list(_encoded(talk, height, KBPS[name])) for name, height in HEIGHTS.items()}
        for talk in range(talks)
    ]


def _encoded(talk: int, height: int, kbps: int) -> Iterator[tuple[bytes, bool]]:
    width = height * 16 // 9
    encoder = VideoEncoder(ProgrammeSettings(width=width, height=height, video_kbps=kbps))
    grain = np.random.default_rng(talk).integers(0, 12, (height, width + 4 * LOOP, 1), np.uint8)
    colour = np.array((40 + 25 * talk % 150, 90, 160 - 20 * talk % 120), np.uint8)
    for number in range(LOOP):
        picture = np.ascontiguousarray(grain[:, 4 * number : 4 * number + width] + colour)
        stamp(picture, code_of(talk % 4, talk * LOOP + number), round(height / 18))
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
        yield encoder.encode(frame, number, number == 0)


def _sounds() -> list[bytes]:
    """A tone, some AAC packets of it."""
    encoder, made = SegmentSoundEncoder(128), []
    for number in range(100):
        at = (np.arange(BLOCK) + number * BLOCK) / RATE
        block = np.stack([0.1 * np.sin(2 * np.pi * 450 * at)] * 2).astype(np.float32)
        made += [data for _, data in encoder.encode(block, number)]
    return made[4:]
