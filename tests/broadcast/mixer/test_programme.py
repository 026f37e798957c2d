"""The mixer through its real process: continuous, clean hand-offs, lips in step, hostile input, kill -9."""

import asyncio
import math
import os
import signal
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise
from random import Random
from statistics import median

import pytest
import pytest_asyncio

from broadcast.mixer.scene import Card, Layout, Scene, Source, Strip
from broadcast.mixer.settings import ProgrammeSettings
from broadcast.rtp import h264
from broadcast.rtp.frame import Codec, Frame, Kind
from tests.broadcast.mixer import material
from tests.broadcast.mixer.studio import BLUE, PATIENCE, RED, Studio, camera, microphone


@pytest_asyncio.fixture
async def wide_studio() -> AsyncIterator[Studio]:
    studio = Studio(ProgrammeSettings(video_kbps=12000, vbv_kbit=12000))
    await studio.mixer.start()
    yield studio
    await studio.close()


def colours(frames: list[Frame]) -> Iterator[tuple[float, set[str]]]:
    """The colours of the upper and lower part of each decoded picture."""
    for at, picture in material.decode_video(frames):
        yield at, {colour(picture, rows) for rows in ((20, 60), (160, 200), (240, 280))}


def colour(picture: object, rows: tuple[int, int]) -> str:
    part = material.plane(picture, 1)[rows[0] : rows[1], 60:300]
    mean, spread = float(part.mean()), float(part.std())
    if spread > 8:
        return f"torn: {mean:.0f}, {spread:.0f}"
    if mean < 115:
        return "red"
    return "blue" if mean > 155 else f"neither: {mean:.0f}"


async def test_the_programme_is_continuous_and_keyframes_are_regular(studio: Studio) -> None:
    """Without any feed: a frame each tick, sound each 20 ms, keyframes each 2 s or when forced."""
    await studio.programme(2.3)
    studio.mixer.keyframe()
    await studio.programme(2.0)
    video, sound = studio.video(), studio.sound()
    assert video[0].timestamp == 0
    assert video[0].keyframe
    assert all(b.timestamp - a.timestamp == 3000 for a, b in pairwise(video))
    assert all(b.timestamp - a.timestamp == 960 for a, b in pairwise(sound))
    assert abs(len(sound) - len(video) * 50 / 30) < 5
    keys = [frame.timestamp // 3000 for frame in video if frame.keyframe]
    assert [tick for tick in keys if tick % 60 == 0] == list(range(0, keys[-1] + 1, 60))
    assert len([tick for tick in keys if tick % 60]) == 1
    for frame in video:
        kinds = [unit[0] & 0x1F for unit in h264.nal_units(frame.data)]
        assert kinds == ([7, 8, 5] if frame.keyframe else [1])
    assert video[0].data[4:8].hex().startswith("6742c01f"), "constrained baseline 3.1"
    assert studio.states == ["up"]
    pictures = material.decode_video(video)
    assert len(pictures) == len(video)
    assert all(25 < material.luma(picture) < 80 for _, picture in pictures), "the ground, never black"


async def test_a_smaller_rendition_has_the_same_ticks_and_a_keyframe_of_its_own(studio: Studio) -> None:
    """360p beside 720p: the same timestamps and regular keyframes; a forced one in that rendition alone."""
    await studio.programme(1.0)
    while not any(frame.keyframe and frame.timestamp % 180000 for frame in studio.small):
        studio.mixer.keyframe("360p")  # one that falls on a regular one is that
        await studio.programme(0.5)
    full = {frame.timestamp: frame for frame in studio.video()}
    small = {frame.timestamp: frame for frame in studio.small if frame.timestamp in full}
    assert len(small) > 40
    assert all(b - a == 3000 for a, b in pairwise(small))
    keys = {at for at, frame in small.items() if frame.keyframe}
    assert {at for at in keys if at % 180000 == 0} == {at for at in small if full[at].keyframe}
    pictures = material.decode_video(studio.small)
    assert len(pictures) == len(studio.small)
    assert all(25 < material.luma(picture) < 80 for _, picture in pictures)
    assert {(picture.width, picture.height) for _, picture in pictures} == {(640, 360)}


async def test_a_cut_is_a_keyframe_in_every_rendition(studio: Studio) -> None:
    """A dissolve is none, for its first picture is nearly the one before, and a new level is none either: who
    moves a slider would make one with each step, and all pictures coarse."""
    firsts: dict[str, tuple[Frame, Frame]] = {}

    def shown(token: str, at: float) -> None:
        firsts[token] = studio.video()[-1], studio.small[-1]
        studio.shown[token] = at

    studio.mixer.on_shown = shown
    studio.play("a", camera(RED))
    studio.play("b", camera(BLUE))
    studio.mixer.stage(["a", "b"])
    await studio.programme(0.5)
    for number, (token, source, transition) in enumerate(
        (
            ("cut", Source("a"), "cut"),
            ("cut", Source("b"), "cut"),
            ("level", Source("b", gain=0.5), "cut"),
            ("dissolve", Source("a"), "dissolve"),
            ("cut", Source("b"), "cut"),
        )
    ):
        await studio.show(Scene(Layout.FULL, (source,)), f"{token} {number}", transition)
        await studio.programme(0.3)
    for token, frames in firsts.items():
        regular = frames[0].timestamp % 180000 == 0
        assert [frame.keyframe for frame in frames] == [regular or token.startswith("cut")] * 2, token


async def test_cuts_begin_before_their_tick(studio: Studio) -> None:
    """As soon as the machine lets one: a full picture, which needs nothing drawn, and a slate that does."""
    studio.play("a", camera(RED), microphone())
    studio.mixer.stage(["a"])
    for kind, scene in (
        ("full", Scene(Layout.FULL, (Source("a", "Anna"),))),
        ("slate", Scene(Layout.SLATE, card=Card("Slate"))),
    ):
        other = Scene(Layout.SLATE, card=Card("Other"))
        before, number = studio.mixer.stats()["early"], 0
        async with asyncio.timeout(PATIENCE):
            while studio.mixer.stats()["early"] == before:
                await studio.show((scene, other)[number % 2], f"{kind} {number}")
                number += 1


async def test_a_hand_off_leaves_no_black_torn_or_foreign_picture(wide_studio: Studio) -> None:
    """Cuts between H264 and VP8 speakers: from one picture to the next it is wholly the other one.

    At a rate that is never used up: at the usual one, the third of three new pictures in a row (flash,
    keyframe, cut) is so coarse that its colours cannot be told.
    """
    studio = wide_studio
    studio.play("a", camera(RED, flash=False), microphone())
    studio.play("b", camera(BLUE, Codec.VP8, flash=False), microphone())
    studio.mixer.stage(["a", "b"])
    await studio.programme(1.0)
    await studio.show(Scene(Layout.FULL, (Source("a"),)), "0")
    start = len(studio.out)
    studio.mixer.keyframe()
    takes = []
    for n in range(1, 5):
        await studio.programme(0.5)
        takes.append(studio.out[-1].captured)
        strip = Strip("Ľubomír Šťastný", "Košice") if n % 2 else None
        await studio.show(Scene(Layout.FULL, (Source("ab"[n % 2]),), strip), str(n))
    await studio.programme(0.5)
    first = next(n for n, f in enumerate(studio.out) if n >= start and f.kind is Kind.VIDEO and f.keyframe)
    seen = list(colours(studio.out[first:]))
    torn = [(at, found) for at, found in seen if found not in ({"red"}, {"blue"})]
    assert not torn, "a picture of two speakers, or of none"
    assert {name for _, found in seen for name in found} == {"red", "blue"}
    changes = [after[0] for before, after in pairwise(seen) if before[1] != after[1]]
    assert len(changes) == len(takes)
    spans = zip(takes, changes, [*takes[1:], math.inf], strict=True)
    assert all(take < change < following for take, change, following in spans)
    video = studio.video()
    assert all(b.timestamp - a.timestamp == 3000 for a, b in pairwise(video))


async def test_lips_are_in_step_before_and_after_a_hand_off(studio: Studio) -> None:
    """Flash and beep leave within 60 ms of one another, for an early and a late microphone alike."""
    studio.play("a", camera(RED), microphone(), audio_late=0.02)
    studio.play("b", camera(BLUE, Codec.VP8), microphone(), audio_late=0.06)
    studio.mixer.stage(["a", "b"])
    spans = []
    for feed in ("a", "b"):
        await studio.show(Scene(Layout.FULL, (Source(feed),)), feed)
        await studio.programme(0.5)
        begin = studio.out[-1].captured
        await studio.programme(3.3)
        spans.append((begin, studio.out[-1].captured))
    lights = material.flashes(material.decode_video(from_keyframe(studio.out)))
    tones = material.beeps(*material.decode_sound(studio.out))
    offsets = []
    for begin, end in spans:
        found = [min((tone - at for tone in tones), key=abs) for at in lights if begin < at < end - 0.2]
        assert len(found) >= 2
        offsets.append(median(found))  # on a busy machine the player itself may miss a beep
    assert all(abs(offset) < 0.06 for offset in offsets), offsets
    assert abs(offsets[0] - offsets[1]) < 0.04, offsets


def from_keyframe(frames: list[Frame]) -> list[Frame]:
    first = next(n for n, f in enumerate(frames) if f.kind is Kind.VIDEO and f.keyframe)
    return frames[first:]


async def test_hostile_bitstreams_harm_nobody(studio: Studio) -> None:
    """Random bytes as any codec, cut-off and flipped pictures: the programme goes on, keyframes heal."""
    random = Random(7)
    studio.mixer.stage(["a"])
    await studio.show(Scene(Layout.FULL, (Source("a", "Anna"),)), "t")
    good = camera(RED)
    for n in range(60):
        frame = good[n % 30].frame
        flipped = bytearray(frame.data)
        for _ in range(20):
            flipped[random.randrange(len(flipped))] ^= random.randrange(1, 256)
        codec = random.choice((Codec.H264, Codec.VP8))
        for data in (
            random.randbytes(random.randrange(1, 3000)),
            bytes(flipped),
            frame.data[: n * 17 + 1],
            b"",
        ):
            studio.mixer.frame("a", Frame(codec, data, n * 3000, studio.out[-1].captured, n % 3 == 0))
        studio.mixer.frame("a", Frame(Codec.OPUS, random.randbytes(random.randrange(1, 200)), n * 960, 0.0))
        await asyncio.sleep(0)
    await studio.programme(0.5)
    assert studio.mixer.restarts == 0
    studio.play("a", camera(RED), microphone())
    await studio.programme(2.0)
    assert studio.wanted
    studio.mixer.keyframe()
    await studio.programme(0.7)
    last = next(
        n
        for n in range(len(studio.out) - 1, 0, -1)
        if studio.out[n].kind is Kind.VIDEO and studio.out[n].keyframe
    )
    assert {"red"} == set().union(*(found for _, found in colours(studio.out[last:])))
    assert all(b.timestamp - a.timestamp == 3000 for a, b in pairwise(studio.video()))


async def test_a_source_may_change_its_size_and_codec(studio: Studio) -> None:
    """640 x 360, then 1280 x 720, then VP8, on the same feed, while on air."""
    studio.mixer.stage(["a"])
    await studio.show(Scene(Layout.FULL, (Source("a"),)), "t")
    forms = ((Codec.H264, (640, 360)), (Codec.H264, (1280, 720)), (Codec.VP8, (640, 360)))
    for tracks in [camera(RED, codec, size) for codec, size in forms]:
        player = studio.play("a", tracks)
        await studio.programme(1.0)
        studio.mixer.keyframe()
        await studio.programme(0.5)
        player.cancel()
        last = next(
            n
            for n in range(len(studio.out) - 1, 0, -1)
            if studio.out[n].kind is Kind.VIDEO and studio.out[n].keyframe
        )
        assert {"red"} == set().union(*(found for _, found in colours(studio.out[last:])))
    assert studio.mixer.restarts == 0


async def test_a_killed_mixer_is_back_on_the_same_scene_within_a_second(studio: Studio) -> None:
    """kill -9 on air: the next picture less than a second later on the same line, of the same speaker."""
    studio.play("a", camera(RED), microphone())
    studio.mixer.stage(["a"])
    await studio.show(Scene(Layout.FULL, (Source("a", "Anna"),), card=Card("Slate")), "t")
    await studio.until(lambda: studio.mixer.spare_ready)
    await studio.programme(0.5)
    before = len(studio.out)
    os.kill(studio.mixer.stats()["pid"], signal.SIGKILL)
    await studio.until(lambda: studio.mixer.restarts == 1 and studio.mixer.state == "up")
    await studio.programme(1.5)
    video = studio.video()
    steps = [b.timestamp - a.timestamp for a, b in pairwise(video)]
    assert all(step > 0 and step % 3000 == 0 for step in steps)
    assert max(steps) < 90000
    assert max(b.timestamp - a.timestamp for a, b in pairwise(studio.sound())) < 48000
    after = from_keyframe(studio.out[before:])
    assert {"red"} == set().union(*(found for _, found in colours(after))), (
        "another picture than the speaker's"
    )
    assert studio.states == ["up", "starting", "up"]


async def test_killed_again_before_a_spare_is_ready_it_still_comes_back(studio: Studio) -> None:
    """Two kills in a row: a new process is started, with the same scene."""
    await studio.show(Scene(Layout.SLATE, card=Card("Slate")), "t")
    for n in (1, 2):
        os.kill(studio.mixer.stats()["pid"], signal.SIGKILL)
        await studio.until(lambda n=n: studio.mixer.restarts == n and studio.mixer.state == "up")
    await studio.programme(0.5)
    assert all(b.timestamp > a.timestamp for a, b in pairwise(studio.video()))


async def test_a_stuck_mixer_is_replaced(studio: Studio) -> None:
    """A process that is alive but silent is killed, and the spare goes on."""
    await studio.until(lambda: studio.mixer.spare_ready)
    os.kill(studio.mixer.stats()["pid"], signal.SIGSTOP)
    await studio.until(lambda: studio.mixer.restarts == 1 and studio.mixer.state == "up")
    await studio.programme(0.2)


async def test_pictures_that_stop_give_way_to_the_card(studio: Studio) -> None:
    """The last picture stands for half a second, then the card, and the picture again when it comes."""
    player = studio.play("a", camera(RED))
    studio.mixer.stage(["a"])
    await studio.show(Scene(Layout.FULL, (Source("a"),), card=Card("Slate")), "t")
    await studio.programme(1.0)
    player.cancel()
    stopped = studio.out[-1].captured
    await studio.programme(1.2)
    studio.play("a", camera(RED))
    await studio.programme(1.0)
    seen = [(at, found) for at, found in colours(from_keyframe(studio.out)) if at > stopped - 0.2]
    gone = next(at for at, found in seen if found != {"red"})
    assert 0.4 < gone - stopped < 1.1
    assert seen[-1][1] == {"red"}


async def test_a_source_that_is_heard_and_not_drawn(studio: Studio) -> None:
    """The other's picture has the whole frame, and the voice without a picture is there."""
    studio.play("a", camera(RED))
    studio.play("b", microphone())
    studio.mixer.stage(["a", "b"])
    await studio.programme(0.5)
    await studio.show(Scene(Layout.GRID, (Source("a"), Source("b", drawn=False))), "t")
    begin = studio.out[-1].captured
    await studio.programme(2.5)
    seen = [found for at, found in colours(from_keyframe(studio.out)) if at > begin + 0.1]
    assert seen
    assert set().union(*seen) == {"red"}
    assert any(at > begin for at in material.beeps(*material.decode_sound(studio.out)))


async def test_a_dissolve_goes_over_steadily(studio: Studio) -> None:
    """From red to blue without a step: the colour of the picture only ever moves towards the new one."""
    studio.play("a", camera(RED))
    studio.play("b", camera(BLUE))
    studio.mixer.stage(["a", "b"])
    await studio.programme(0.5)
    await studio.show(Scene(Layout.FULL, (Source("a"),)), "a")
    await studio.programme(0.5)
    await studio.show(Scene(Layout.FULL, (Source("b"),)), "b", "dissolve")
    begin = studio.shown["b"] - 0.05
    await studio.programme(0.7)
    means = [
        float(material.plane(picture, 1)[60:200, 60:300].mean())
        for at, picture in material.decode_video(from_keyframe(studio.out))
        if at > begin
    ]
    assert means[0] < 110
    assert means[-1] > 160
    assert len([mean for mean in means if 105 < mean < 165]) >= 4, means
    assert all(b > a - 4 for a, b in pairwise(means)), means


@pytest.mark.usefixtures("no_leaks", "no_tasks")
async def test_nothing_is_left_behind() -> None:
    """After stop, also after a kill: no process, descriptor, thread or task."""
    studio = Studio()
    await studio.mixer.start()
    studio.play("a", camera(RED), microphone())
    studio.mixer.stage(["a"])
    await studio.until(lambda: studio.mixer.spare_ready)
    os.kill(studio.mixer.stats()["pid"], signal.SIGKILL)
    await studio.until(lambda: studio.mixer.state == "up" and studio.mixer.restarts == 1)
    await studio.close()
    await studio.mixer.stop()
