"""A rendition: its playlists by the rules of RFC 8216bis, version after version; who waits, and for what."""

import asyncio
import gzip
import itertools
import threading
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from broadcast.errors import NotFound, RequestError
from broadcast.outputs.hls.clock import Moment
from broadcast.outputs.hls.packager import Cut
from broadcast.outputs.hls.playlist import Segment
from broadcast.outputs.hls.rendition import PART_SKIP, Rendition
from broadcast.outputs.hls.store import Reel
from broadcast.outputs.hls.writer import Writer
from broadcast.rtp.frame import Frame, Kind
from tests.support.hls_material import decoded, programme
from tests.support.hls_rules import Playlist, check, check_delta, check_step, read


class Air:
    """A rendition on the air, over restarts."""

    def __init__(self, folder: Path, window: float = 3600.0) -> None:
        self.folder = folder
        self.window = window
        self.writer = Writer()
        self.rendition = self.open()

    def open(self, base: int = 0) -> Rendition:
        self.writer = Writer()
        self.writer.start()
        reel = Reel(self.folder)
        segments = reel.load()
        rendition = Rendition(reel, self.writer, Cut(30), self.window)
        inits = {0: reel.init_path(0).read_bytes()} if reel.init_path(0).exists() else {}
        rendition.restore(segments, inits)
        base = max(base, rendition.end + 90_000 - rendition.end % 15)
        rendition.begin(base, lambda ticks: Moment(ticks // 90))
        return rendition

    def crash(self) -> None:
        """The process is gone; what the writer had was written."""
        self.writer.stop(20)

    async def playlist(self, skip: bool = False) -> Playlist:
        text = (await self.rendition.media(skip=skip)).plain.decode()
        return check(text)


@pytest_asyncio.fixture
async def air(tmp_path: Path, no_tasks: None) -> AsyncIterator[Air]:
    made = Air(tmp_path / "main")
    yield made
    made.rendition.close()
    made.writer.stop(20)


def frames(seconds: float) -> list[Frame]:
    return list(programme(seconds))


async def test_every_version_obeys_the_rules(air: Air) -> None:
    """From the first part on each version is a good playlist and a good successor of the one before, and its
    delta update says the same."""
    before: Playlist | None = None
    made = 0
    for frame in frames(34):
        air.rendition.put(frame)
        if air.rendition.made == made:
            continue
        made = air.rendition.made
        now = await air.playlist()
        if before is not None:
            check_step(before, now)
        before = now
        if made % 5 == 0:
            delta = await air.playlist(skip=True)
            check_delta(now, delta)
    assert before is not None
    assert delta.skipped > 2
    assert len(before.over) == 16


async def test_the_window_slides(tmp_path: Path) -> None:
    """Only so much is offered, the numbers go on, and what is out of the window is not found."""
    air = Air(tmp_path, window=4)
    before: Playlist | None = None
    for frame in frames(34):
        air.rendition.put(frame)
        if before is None and not air.rendition.made:
            continue
        now = await air.playlist()
        if before is not None:
            check_step(before, now)
        before = now
    assert before is not None
    assert before.first >= 7
    await written(air)
    with pytest.raises(NotFound):
        air.rendition.segment(before.first - 1)
    assert isinstance(air.rendition.segment(before.first), Path)
    air.rendition.close()
    air.writer.stop(20)


async def test_what_is_offered_is_the_programme(air: Air) -> None:
    """Parts, segments from memory and segments from disk are the same pictures, each at its time."""
    for frame in frames(20):
        air.rendition.put(frame)
    now = await air.playlist()
    air.crash()  # twenty seconds of programme came in one: the disk has them now
    pieces = []
    for segment in now.over:
        found = air.rendition.segment(int(segment.uri[4:-4]))
        pieces.append(found.read_bytes() if isinstance(found, Path) else b"".join(found))
        if segment.parts:
            parts = [await air.rendition.part(int(part.uri[5:-4])) for part in segment.parts]
            assert b"".join(parts) == pieces[-1]
    times, greys, _ = decoded(air.rendition.init(0) + b"".join(pieces))
    assert times == pytest.approx([1 + n / 30 for n in range(len(times))], abs=1e-4)
    assert len(set(greys)) > 15
    assert len(times) == 60 * len(now.over)


async def test_after_a_restart(air: Air) -> None:
    """The rendition goes on with the next numbers, says that it was broken, and still has what was before."""
    for frame in frames(5):
        air.rendition.put(frame)
    before = await air.playlist()
    air.crash()
    air.rendition = air.open()
    waiting = asyncio.create_task(air.rendition.media(before.first + len(before.over) + 1, 0))
    after = await air.playlist()
    assert len(after.over) == len(before.over) + 1, "the segment in the making is closed as it is"
    for frame in frames(3):
        air.rendition.put(frame)
    now = check((await waiting).plain.decode())
    check_step(after, now)
    breaks = [place for place, segment in enumerate(now.segments) if segment.discontinuity]
    assert breaks == [len(after.over)]
    known = {part.uri for segment in before.segments for part in segment.parts}
    new = {part.uri for segment in now.segments for part in segment.parts}
    assert not known & new, "a cache may know parts that the crash has undone"
    assert int(after.hint[5:-4]) >= int(before.hint[5:-4]) + PART_SKIP
    numbers = [int(segment.uri[4:-4]) for segment in now.over]
    assert numbers == list(range(len(numbers)))
    assert air.rendition.init(0)
    with pytest.raises(NotFound):
        air.rendition.init(1)


async def test_waiting_for_a_version(air: Air) -> None:
    """Who asks for a part that is not there gets the first playlist that has it, and nobody waits longer."""
    wanted = [(0, 0), (0, 3), (0, None), (1, 0), (0, 8), (1, 2)]
    tasks: dict[tuple[int, int | None], asyncio.Task[object]] = {}
    for msn, part in wanted:
        tasks[msn, part] = asyncio.create_task(air.rendition.media(msn, part))
    answered: dict[tuple[int, int | None], int] = {}
    for frame in frames(3.0):
        air.rendition.put(frame)
        for _ in range(20):
            await asyncio.sleep(0)
        for key, task in tasks.items():
            if task.done():
                answered.setdefault(key, air.rendition.made)
    # (0, 8) is beyond the last part of segment 0, and so the first of segment 1 (section 6.2.5.2).
    assert answered == {(0, 0): 1, (0, 3): 4, (0, None): 9, (1, 0): 9, (0, 8): 9, (1, 2): 11}


async def test_waiting_for_the_hinted_part(air: Air) -> None:
    """The part that the playlist hints at is waited for; one further on is not there."""
    stream = iter(frames(2))
    while not air.rendition.made:
        air.rendition.put(next(stream))
    waiting = [asyncio.create_task(air.rendition.part(1)) for _ in range(60)]
    with pytest.raises(NotFound):
        await air.rendition.part(2)
    while air.rendition.made < 2:
        air.rendition.put(next(stream))
    answers = await asyncio.gather(*waiting)
    assert len(set(answers)) == 1


@pytest.mark.parametrize(("msn", "part"), [(None, 0), (9, None), (9, 0), (0, 16), (0, 99), (1, 12)])
async def test_what_cannot_come_is_refused(air: Air, msn: int | None, part: int | None) -> None:
    """A part of no segment, and segments and parts far ahead, are refused at once (section 6.2.5.2)."""
    for frame in frames(1):
        air.rendition.put(frame)
    with pytest.raises(RequestError) as refused:
        await air.rendition.media(msn, part)
    assert refused.value.status == 400


async def test_the_end_tells_who_waits(air: Air) -> None:
    """Whoever waits when the server stops is told so."""
    for frame in frames(1):
        air.rendition.put(frame)
    waiting = asyncio.create_task(air.rendition.media(0, 7))
    await asyncio.sleep(0)
    air.rendition.close()
    with pytest.raises(RequestError) as refused:
        await waiting
    assert refused.value.status == 503


async def test_compressed_alike(air: Air) -> None:
    """What is sent compressed is the same playlist."""
    for frame in frames(3):
        air.rendition.put(frame)
    text = await air.rendition.media()
    assert gzip.decompress(text.packed) == text.plain


async def test_a_long_event(tmp_path: Path) -> None:
    """Of 150 minutes a delta update is at most 5 KB, and the whole playlist still obeys the rules."""
    air = Air(tmp_path, window=4 * 3600)
    segments = [
        Segment(n, n * 180_000, 180_000, 1_680_069_600_000 + n * 2000, n * 8, 8, 600_000, 0)
        for n in range(75 * 60)
    ]
    rendition = Rendition(Reel(tmp_path / "long"), air.writer, Cut(30), air.window)
    rendition.restore(segments, {0: b""})
    rendition.begin(rendition.end + 90_000, lambda ticks: Moment(1_680_069_600_000 + ticks // 90))
    for frame in frames(30):
        rendition.put(frame)
    whole = check((await rendition.media()).plain.decode())
    delta = await rendition.media(skip=True)
    assert len(whole.over) > 4500
    check_delta(whole, check(delta.plain.decode()))
    assert len(delta.plain) <= 5000
    for each in (rendition, air.rendition):
        each.close()
    air.writer.stop(20)


async def test_memory_is_flat(air: Air) -> None:
    """Parts that no playlist names any more are let go."""
    held = []
    for frame in frames(40):
        air.rendition.put(frame)
        held.append(air.rendition.stats()["memory_bytes"])
    assert max(held[len(held) // 2 :]) <= max(held[: len(held) // 2]) * 1.2
    now = read((await air.rendition.media()).plain.decode())
    parts = list(itertools.chain.from_iterable(segment.parts for segment in now.segments))
    assert len(air.rendition._window._by_number) == len(parts)


async def test_a_hole_in_the_index(air: Air) -> None:
    """Where the disk knows nothing of a segment, one can go back to behind it: a playlist cannot skip one."""
    segments = [Segment(n, n * 180_000, 180_000, n * 2000, n * 8, 8, 600_000, 0) for n in (0, 1, 3, 4)]
    rendition = Rendition(air.rendition._reel, air.writer, Cut(30), 3600)
    rendition.restore(segments, {0: b""})
    now = check((await rendition.media()).plain.decode())
    assert (now.first, [segment.uri for segment in now.over]) == (3, ["seg-3.m4s", "seg-4.m4s"])


async def written(air: Air) -> None:
    """The disk has all that was given to it, and the rendition knows; the writer works on."""
    await asyncio.to_thread(air.writer.stop, 20)
    air.writer.start()


async def test_a_segment_that_is_lost_is_a_gap(air: Air) -> None:
    """What the disk refuses is played from memory; when that lets go of it, players leave it out."""
    stream = frames(24)
    air.rendition._reel.path(1).mkdir()
    for frame in stream[: len(stream) // 3]:
        air.rendition.put(frame)
    await written(air)
    now = await air.playlist()
    assert air.rendition.lost == 1
    assert not [segment.uri for segment in now.segments if segment.gap]
    assert isinstance(air.rendition.segment(1), list)
    for frame in stream[len(stream) // 3 :]:
        air.rendition.put(frame)
    now = await air.playlist()
    assert [segment.uri for segment in now.segments if segment.gap] == ["seg-1.m4s"]
    with pytest.raises(NotFound):
        air.rendition.segment(1)


async def test_a_full_disk_is_not_noticed_live(air: Air) -> None:
    """While nothing is kept no segment that memory has is left out; afterwards all are."""
    air.rendition.hold(True)
    for frame in frames(24):
        air.rendition.put(frame)
    await written(air)
    now = await air.playlist()
    assert [bool(segment.parts) for segment in now.over] == [not segment.gap for segment in now.over]
    assert air.rendition.lost == len(now.over)


async def test_a_disk_that_lags(air: Air) -> None:
    """A segment is offered from memory until the disk has it whole, however long that takes."""
    disk = threading.Event()
    air.writer.put(partial(disk.wait, 60), lambda error: None)
    for frame in frames(24):
        air.rendition.put(frame)
    parts = (await air.playlist()).over[0].parts
    first = air.rendition.segment(0)
    assert not parts
    assert isinstance(first, list)
    disk.set()
    await written(air)
    path = air.rendition.segment(0)
    assert isinstance(path, Path)
    assert path.read_bytes() == b"".join(first)


async def test_half_a_segment_is_not_offered(air: Air) -> None:
    """A segment is found once it is over: what has a number never changes."""
    for frame in frames(20):
        air.rendition.put(frame)
    await written(air)
    growing = (await air.playlist()).first + len((await air.playlist()).over)
    assert air.rendition._reel.path(growing).exists()
    with pytest.raises(NotFound):
        air.rendition.segment(growing)


async def test_the_end_of_a_segment_is_news(air: Air) -> None:
    """Who asks for a segment when the next one has begun, but has no part, gets a playlist with it."""
    stream = frames(5)
    keys = (n for n, frame in enumerate(stream) if frame.kind is Kind.VIDEO and frame.keyframe)
    key = list(keys)[1]
    for frame in stream[:key]:
        air.rendition.put(frame)
    assert not (await air.playlist()).over
    air.rendition.put(stream[key])
    text = (await air.rendition.media(0)).plain.decode()
    assert [segment.uri for segment in check(text).over] == ["seg-0.m4s"]
