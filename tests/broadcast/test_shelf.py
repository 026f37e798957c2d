"""The shelf: what is listed, and that the show never waits for it."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from broadcast import shelf as module
from broadcast.archive import Archive
from broadcast.config import parse
from broadcast.outputs.hls.origin import Origin, OriginSettings
from broadcast.outputs.hls.playlist import Segment
from broadcast.outputs.hls.store import current_session
from broadcast.shelf import Shelf

WALL = 1_680_069_600.0  # Unix seconds


class Told:
    """What the desk tells of the chapters; times in seconds from WALL."""

    def __init__(self) -> None:
        self.chapters: list[dict[str, Any]] = []
        self.state = "break"

    def add(self, talk: str, start: float, end: float | None) -> None:
        times = [None if at is None else round((WALL + at) * 1000) for at in (start, end)]
        speakers = [{"id": talk, "name": talk.title(), "title": "", "organisation": ""}]
        chapter = {"id": f"{len(self.chapters)}-{talk}", "talk": talk, "title": talk, "speakers": speakers}
        self.chapters.append({**chapter, "start": times[0], "end": times[1]})

    def __call__(self) -> dict[str, Any]:
        return {"state": self.state, "chapters": self.chapters}


def recorded(data: Path, seconds: int) -> None:
    """A programme of that length on disk, in segments of two seconds."""
    reel = current_session(data, "now", 0.0, WALL).reel("main")
    reel.load()
    for n in range(seconds // 2):
        segment = Segment(n, n * 180000, 180000, round((WALL + 2 * n) * 1000), n, 1, 1000, 0)
        reel.begin(segment, b"init")
        reel.append(n, bytes(1000))
        assert reel.end(segment)
    reel.close()


@pytest.fixture
def told(tmp_path: Path) -> Told:
    told = Told()
    told.add("ada", 0, 10)
    told.add("grace", 12, 20)
    recorded(tmp_path, 30)
    return told


@pytest.fixture
async def shelf(tmp_path: Path, told: Told) -> AsyncIterator[Shelf]:
    config = parse({"event": {"id": "now", "name": "Now", "start": datetime.fromtimestamp(WALL, UTC)}})
    archive = Archive(config, tmp_path, Origin(OriginSettings(tmp_path, "now")))
    await archive.start()
    yield Shelf(config, tmp_path, archive, told)
    await archive.stop()


async def test_what_is_over_is_listed(shelf: Shelf, told: Told) -> None:
    """Each talk with its length, and the whole while nobody is on air."""
    listed = await shelf.listed(feeds=True)
    assert [(row["id"], row["seconds"], row["state"]) for row in listed["recordings"]] == [
        ("0-ada", 10, "none"),
        ("1-grace", 8, "none"),
        ("event", 20, "none"),
    ]
    told.add("again-p1-0-ada", 22, 26)
    told.state = "live"
    assert [row["id"] for row in (await shelf.listed(feeds=False))["recordings"]] == ["0-ada", "1-grace"]


async def test_the_loop_does_not_wait_for_it(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading, cutting and hashing are for a thread, once for all who ask at a time and soon after."""
    threads: list[int] = []

    def noted(work: Callable[..., Any], *given: Any) -> Any:
        threads.append(threading.get_ident())
        return work(*given)

    monkeypatch.setattr(module, "pieces_of", partial(noted, module.pieces_of))
    monkeypatch.setattr(module, "cut", partial(noted, module.cut))
    await asyncio.gather(*(shelf.listed(feeds=False) for _ in range(5)))
    assert len(threads) == 4  # the pieces, two talks and the whole
    assert threading.get_ident() not in threads


async def test_another_talk_is_found_at_once(shelf: Shelf, told: Told) -> None:
    """What was found is good for as long as the chapters are the same."""
    assert len(await shelf.recordings()) == 3
    told.add("edsger", 22, 28)
    assert [each.talk for each in await shelf.recordings()] == ["ada", "grace", "edsger", ""]


async def test_a_feed_that_vanishes_is_left_out(shelf: Shelf, tmp_path: Path) -> None:
    """The recorder removes a file without a frame, also while somebody lists them."""
    folder = tmp_path / "recordings" / "now" / "speakers"
    folder.mkdir()
    (folder / "ada-20230329T060000Z.mkv").write_bytes(bytes(10))
    (folder / "gone-20230329T060000Z.mkv").symlink_to(folder / "nowhere")
    listed = await shelf.listed(feeds=True)
    assert [row["file"] for row in listed["feeds"]] == ["ada-20230329T060000Z.mkv"]
