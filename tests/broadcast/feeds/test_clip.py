"""Clips: conversion of real files, the cache, real-time sending, loops, and files that are no media."""

import asyncio
import os
import select
import time
from array import array
from collections.abc import Callable
from fcntl import ioctl
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from termios import FIONREAD
from typing import Any

import av
import numpy as np
import pytest

from broadcast.errors import MediaError
from broadcast.feeds.clip import BATCH, ClipFeed
from broadcast.feeds.prepare import repack
from broadcast.outputs.recording.cutting import cut
from broadcast.outputs.recording.export import export
from broadcast.rtp.frame import Codec, Frame
from tests.broadcast.outputs.recording.programme import segments
from tests.broadcast.outputs.recording.test_export import flashes_and_beeps

FLASH = (0.5, 0.6)  # seconds


def make_file(
    path: Path,
    *,
    fps: int = 25,
    size: tuple[int, int] = (640, 480),
    seconds: float = 1.0,
    noise: bool = False,
) -> Path:
    """A file with a white flash and a beep at FLASH, sound at 44.1 kHz; with `noise` it is a large one."""
    grain = np.random.default_rng(1).integers(0, 60 if noise else 1, (round(seconds * fps), *size[::-1], 3))
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=fps)
        video.width, video.height, video.pix_fmt = *size, "yuv420p"
        audio = container.add_stream("aac", rate=44100, layout="mono")
        for n in range(round(seconds * fps)):
            level = 235 if FLASH[0] <= n / fps < FLASH[1] else 60
            frame = av.VideoFrame.from_ndarray((level - grain[n]).astype(np.uint8), format="rgb24")
            frame.pts, frame.time_base = n, Fraction(1, fps)
            container.mux(video.encode(frame.reformat(format="yuv420p")))
        container.mux(video.encode(None))
        times = np.arange(round(seconds * 44100)) / 44100
        wave = np.where((times >= FLASH[0]) & (times < FLASH[1]), 0.5 * np.sin(2 * np.pi * 1000 * times), 0)
        for start in range(0, len(wave), 1024):
            part = wave[start : start + 1024].astype(np.float32).reshape(1, -1)
            sound = av.AudioFrame.from_ndarray(part, format="fltp", layout="mono")
            sound.sample_rate, sound.pts, sound.time_base = 44100, start, Fraction(1, 44100)
            container.mux(audio.encode(sound))
        container.mux(audio.encode(None))
    return path


def first_light(frames: list[Frame]) -> float:
    decoder = av.CodecContext.create("h264", "r")
    for frame in frames:
        if frame.codec is Codec.H264:
            for picture in decoder.decode(av.Packet(frame.data)):
                if np.frombuffer(picture.planes[0], np.uint8).mean() > 150:
                    return frame.captured
    raise AssertionError("no flash")


def first_beep(frames: list[Frame]) -> float:
    decoder = av.CodecContext.create("opus", "r")
    decoder.sample_rate, decoder.layout = 48000, "stereo"
    for frame in frames:
        if frame.codec is Codec.OPUS:
            for part in decoder.decode(av.Packet(frame.data)):
                loud = np.flatnonzero(np.abs(part.to_ndarray()[0]) > 0.1)
                if len(loud):
                    return frame.captured + loud[0] / 48000
    raise AssertionError("no beep")


async def collect(feed: ClipFeed, count: int, *codecs: Codec) -> list[Frame]:
    """All frames until there are so many of these codecs, or so many pictures."""
    frames: list[Frame] = []
    enough = asyncio.Event()

    def sink(frame: Frame) -> None:
        frames.append(frame)
        if sum(f.codec in (codecs or (Codec.H264,)) for f in frames) >= count:
            enough.set()

    detach = feed.attach(sink)
    await asyncio.wait_for(enough.wait(), 20)
    detach()
    return frames


async def test_a_clip_is_sent_in_real_time_with_picture_and_sound_in_step(tmp_path: Path) -> None:
    """A 25 Hz file with AAC becomes 30 pictures a second and Opus, flash and beep within one picture."""
    feed = ClipFeed("clip.a", make_file(tmp_path / "a.mp4"), False, tmp_path / "cache")
    await feed.prepare()
    ended = asyncio.Event()
    feed.on_ended = ended.set
    began = time.monotonic()
    feed.play()
    frames = await collect(feed, 30)
    await asyncio.wait_for(ended.wait(), 10)
    video = [f for f in frames if f.codec is Codec.H264]
    assert video[0].keyframe
    assert video[0].data.startswith(b"\0\0\0\1\x67")
    assert [b.timestamp - a.timestamp for a, b in pairwise(video)] == pytest.approx(
        [3000] * (len(video) - 1), abs=1
    )
    assert all(abs((f.captured - began) - n / 30) < 0.2 for n, f in enumerate(video[:5]))
    assert abs(first_light(frames) - first_beep(frames)) < 0.045
    feed.close()


@pytest.mark.parametrize(("loop", "at"), [(False, 1.5), (True, 7.5)])
async def test_a_clip_goes_on_where_it_is(tmp_path: Path, loop: bool, at: float) -> None:
    """Begun in its middle: what decoders need from the keyframe before comes at once, with its own times."""
    feed = ClipFeed("clip.a", make_file(tmp_path / "a.mp4", seconds=3.0), loop, tmp_path / "cache")
    await feed.prepare()
    began = time.monotonic()
    feed.play(at)
    video = [f for f in await collect(feed, 40) if f.codec is Codec.H264]
    feed.close()
    assert video[0].keyframe
    assert -0.6 <= video[0].captured - began <= 0.2, "the keyframe is half a second before"
    stamps = [f.timestamp for f in video]
    assert min(stamps) > 0
    assert [b - a for a, b in pairwise(stamps)] == pytest.approx([3000] * (len(video) - 1), abs=1)
    assert video[-1].captured <= time.monotonic() + 0.1, "in real time from where it is"


async def test_a_clip_that_is_over_by_now(tmp_path: Path) -> None:
    """Nothing is sent of it, and it says so."""
    feed = ClipFeed("clip.a", make_file(tmp_path / "a.mp4", seconds=0.4), False, tmp_path / "cache")
    await feed.prepare()
    ended, frames = asyncio.Event(), list[Frame]()
    feed.on_ended = ended.set
    feed.attach(frames.append)
    feed.play(30.0)
    await asyncio.wait_for(ended.wait(), 10)
    assert not frames
    feed.close()


async def test_timestamps_go_on_over_loops_and_plays(tmp_path: Path) -> None:
    """Sound continues without a step at the joint of two rounds, and after a stop with later times."""
    feed = ClipFeed("clip.a", make_file(tmp_path / "a.mp4", seconds=0.4), True, tmp_path / "cache")
    await feed.prepare()
    feed.play()
    frames = await collect(feed, 30)
    feed.stop()
    video = [f.timestamp for f in frames if f.codec is Codec.H264]
    assert all(2990 <= b - a <= 12010 for a, b in pairwise(video))
    feed.play()
    again = await collect(feed, 2)
    assert again[0].timestamp > frames[-1].timestamp or again[0].codec is not frames[-1].codec
    assert again[0].captured > frames[-1].captured
    feed.close()


async def test_a_cued_clip_shows_its_first_picture_silently(tmp_path: Path) -> None:
    """Waiting for its take, a clip repeats its first keyframe and nothing else."""
    feed = ClipFeed("clip.a", make_file(tmp_path / "a.mp4", seconds=0.4), False, tmp_path / "cache")
    await feed.prepare()
    feed.cue()
    frames = await collect(feed, 3)
    assert {f.data for f in frames} == {frames[0].data}
    assert all(f.keyframe and f.codec is Codec.H264 for f in frames)
    feed.close()
    assert not feed.playing


async def test_a_clip_is_converted_once(tmp_path: Path) -> None:
    """The cache is found by content, under another name too."""
    source = make_file(tmp_path / "a.mp4", seconds=0.4)
    await ClipFeed("clip.a", source, False, tmp_path / "cache").prepare()
    [cached] = (tmp_path / "cache").iterdir()
    before = cached.stat().st_mtime_ns
    other = ClipFeed("clip.b", source.rename(tmp_path / "b.mp4"), False, tmp_path / "cache")
    await other.prepare()
    assert other.prepared
    assert [p.stat().st_mtime_ns for p in (tmp_path / "cache").iterdir()] == [before]


async def prepared(tmp_path: Path, **made: Any) -> tuple[ClipFeed, Path]:
    """A clip that can be played, and the file that it is read from."""
    feed = ClipFeed("clip.a", make_file(tmp_path / "a.mp4", **made), False, tmp_path / "cache")
    await feed.prepare()
    [cached] = (tmp_path / "cache").iterdir()
    return feed, cached


def drained(pipe: int) -> None:
    """Return when the other side has read everything."""
    left, until = array("i", [1]), time.monotonic() + 60
    while left[0]:
        assert time.monotonic() < until, "nobody reads"
        ioctl(pipe, FIONREAD, left)
        time.sleep(0.005)


async def test_stopped_while_the_disk_is_slow_a_clip_is_closed_after_it(tmp_path: Path) -> None:
    """The file stays open under the thread that reads it, and is closed once that comes back."""
    feed, cached = await prepared(tmp_path, size=(64, 64), seconds=2.5, noise=True)
    content = cached.read_bytes()
    with av.open(str(cached)) as container:
        places = [packet.pos for packet in container.demux()]
    cut, more, end = (places[4 * BATCH + n] for n in (-20, -10, 10))
    cached.unlink()
    os.mkfifo(cached)  # a disk that gives three batches, and then lets the reader wait
    feed.play()
    disk = await asyncio.to_thread(os.open, cached, os.O_WRONLY)
    batches = asyncio.create_task(collect(feed, 3 * BATCH, *Codec))
    await asyncio.to_thread(os.write, disk, content[:cut])
    await batches
    await asyncio.to_thread(os.write, disk, content[cut:more])
    await asyncio.to_thread(drained, disk)  # so the fourth batch is being read, and waits for its end
    feed.stop()
    await asyncio.to_thread(os.write, disk, content[more:end])
    closed = select.poll()
    closed.register(disk, select.POLLERR)
    assert await asyncio.to_thread(closed.poll, 30_000)
    os.close(disk)
    feed.close()


@pytest.mark.parametrize("start", [ClipFeed.play, ClipFeed.cue])
async def test_a_clip_that_cannot_be_read_says_so(
    tmp_path: Path, start: Callable[[ClipFeed], None], caplog: pytest.LogCaptureFixture
) -> None:
    """It has ended, so that something follows, and is not prepared, so that nobody takes it."""
    feed, cached = await prepared(tmp_path, seconds=0.4)
    cached.write_bytes(b"the disk has lost it")
    ended = asyncio.Event()
    feed.on_ended = ended.set
    start(feed)
    await asyncio.wait_for(ended.wait(), 30)
    assert not feed.prepared
    assert "clip.a cannot be read" in caplog.text
    feed.close()


@pytest.mark.parametrize("content", [b"", b"no media at all" * 100, b"\x00\x00\x00\x18ftypmp42" + bytes(500)])
async def test_a_file_that_is_no_media_is_refused(tmp_path: Path, content: bytes) -> None:
    """Garbage gives MediaError that names the file, and leaves nothing in the cache."""
    path = tmp_path / "bad.mp4"
    path.write_bytes(content)
    feed = ClipFeed("clip.bad", path, False, tmp_path / "cache")
    with pytest.raises(MediaError, match=r"bad\.mp4"):
        await feed.prepare()
    assert list((tmp_path / "cache").iterdir()) == []
    assert not feed.prepared
    feed.play()
    assert not feed.playing


async def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """A missing file gives MediaError."""
    with pytest.raises(MediaError, match=r"gone\.mp4"):
        await ClipFeed("clip.gone", tmp_path / "gone.mp4", False, tmp_path / "cache").prepare()


def test_a_recording_of_the_programme_keeps_its_pictures(tmp_path: Path) -> None:
    """Not one is encoded anew; keyframes carry their parameters, and sound is in step."""
    job = cut(segments(tmp_path / "programme", 4, 0.0), 0.0, 4.0, [], {})
    assert job is not None
    export(job, tmp_path / "talk.mp4")
    repack(tmp_path / "talk.mp4", tmp_path / "talk.nut")
    with av.open(str(tmp_path / "talk.nut")) as container:
        pictures = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    assert len(pictures) == 120
    assert pictures[0].startswith(b"\x00\x00\x00\x01")
    assert {unit[4] & 0x1F for unit in (pictures[0],)} <= {6, 7, 9}
    flashes, beeps = flashes_and_beeps(tmp_path / "talk.nut")
    assert len(flashes) == 4
    assert beeps == pytest.approx(flashes, abs=0.05)
