"""The archive: two disks, of which each stops only what lies on it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from broadcast import archive as module
from broadcast.archive import Archive
from broadcast.config import parse
from broadcast.feeds.feed import Feed
from broadcast.outputs.recording import guard
from broadcast.rtp.frame import Codec
from tests.broadcast.outputs.recording.frames import feed

GIB = 1 << 30


class Origin:
    """The programme on disk."""

    written = 0

    def __init__(self) -> None:
        self.held: list[bool] = []

    def hold(self, held: bool) -> None:
        self.held.append(held)


@asynccontextmanager
async def started(tmp_path: Path, origin: Any, folder: str = "") -> AsyncIterator[Archive]:
    event = {"id": "now", "name": "Now", "start": datetime.fromtimestamp(1e9, UTC)}
    config = parse({"event": event, "recording": {"folder": folder}})
    archive = Archive(config, tmp_path / "data", origin)
    (tmp_path / "data").mkdir()
    await archive.start()
    try:
        yield archive
    finally:
        await archive.stop()


@pytest.fixture
def disks(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Says how much is free on the disk of recordings and on that of the data folder."""

    def free(recordings: int, data: int) -> None:
        of = {True: recordings, False: data}
        monkeypatch.setattr(guard, "_free", lambda folder: of["recordings" in folder.parts])
        monkeypatch.setattr(module, "_device", lambda folder: "recordings" in folder.parts)

    return free


@pytest.mark.parametrize(("recordings", "data"), [(0, GIB), (GIB, 0)])
async def test_a_full_disk_stops_what_lies_on_it(
    tmp_path: Path, disks: Callable[..., None], recordings: int, data: int
) -> None:
    """Speakers where their disk is full, the programme where its own is; each is said as it is."""
    disks(recordings, data)
    origin = Origin()
    async with started(tmp_path, origin, str(tmp_path / "recordings")) as archive:
        camera = Feed("ada", owner="ada")
        archive.follow(camera)
        for frame in feed(Codec.H264, seconds=1):
            camera.emit(frame, 0.0)
        health = archive.health()
        assert origin.held == [data == 0]
        assert (archive.stats()["frames_dropped"] > 0) == (recordings == 0)
        assert health["state"] == "full"
        assert ("no speaker" if data else "no programme") in health["notice"]
        assert archive.stats()["disk_full"] == 1
        assert await archive.folder_disk.room(1) == (recordings > 0)
        assert await archive.data_disk.room(1) == (data > 0)


async def test_one_disk_has_one_guard(tmp_path: Path) -> None:
    """What is written to it is counted together, so that the time left is right."""
    async with started(tmp_path, Origin()) as archive:
        assert archive.folder_disk is archive.data_disk
        assert archive.health()["state"] in ("ok", "low", "full")


async def test_its_folder_is_marked(tmp_path: Path) -> None:
    """So that rules of retention may take it one day."""
    async with started(tmp_path, Origin()) as archive:
        assert (archive.folder / "event.json").read_text() == '{"event": "now"}\n'
