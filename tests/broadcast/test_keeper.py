"""The keeper on a real disk: old events go, journalled first; this one and what is not ours stay."""

import asyncio
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from broadcast import keeper as module
from broadcast.config import parse
from broadcast.keeper import Keeper
from broadcast.outputs.hls.store import current_session
from broadcast.outputs.recording.folders import SPEAKERS, mark

LONG_AGO = 1e9  # Unix seconds


def keeper_of(data: Path, recordings: Path, said: list[tuple[str, int]] | None = None) -> Keeper:
    """One that keeps 30 days, for the event `now`."""
    event = {"id": "now", "name": "Now", "start": datetime.fromtimestamp(LONG_AGO, UTC)}
    config = parse({"event": event, "recording": {"keep_days": 30}})
    told = [] if said is None else said
    return Keeper(config, data, recordings, lambda name, octets: told.append((name, octets)))


def kept(folder: Path, part: str = SPEAKERS) -> Path:
    """A recording in a folder."""
    path = folder / part / "a.mkv"
    path.parent.mkdir(parents=True)
    path.write_bytes(bytes(1000))
    return path


def aged(folder: Path) -> None:
    """All that is in a folder is old."""
    for path in [*folder.rglob("*"), folder]:
        os.utime(path, (LONG_AGO, LONG_AGO))


async def test_old_events_are_erased_and_said_so(tmp_path: Path) -> None:
    """Of last month's event the programme and the recordings go; of this event nothing does."""
    data, recordings = tmp_path / "data", tmp_path / "data" / "recordings"
    folders = {}
    for event in ("last", "now"):
        session = current_session(data, event, 0.0, LONG_AGO)
        folders[event] = [session.folder, recordings / event]
        for folder in folders[event]:
            kept(folder)
        mark(recordings / event, event)
    aged(data)
    said: list[tuple[str, int]] = []
    keeper = keeper_of(data, recordings, said)
    await keeper.look()
    assert not any(folder.exists() for folder in folders["last"])
    assert all(folder.exists() for folder in folders["now"])
    assert len(said) == 2
    assert keeper.erased >= 2000


async def test_what_is_not_ours_stays(tmp_path: Path) -> None:
    """Of a shared folder the neighbours stay, and of an event's own whatever else was put there."""
    video = tmp_path / "video"
    neighbours = [kept(video / "holiday"), kept(video / "broken")]
    (video / "broken" / "event.json").write_text("{")
    ours = kept(video / "last")
    mark(video / "last", "last")
    guest = video / "last" / "notes.txt"
    guest.write_text("mind the gap")
    aged(video)
    await keeper_of(tmp_path / "data", video).look()
    assert all(path.exists() for path in neighbours)
    assert not ours.exists()
    assert guest.exists()


async def test_nothing_is_erased_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock may be wrong when a machine has just started: the first look is an hour later."""
    recordings = tmp_path / "recordings"
    ours = kept(recordings / "last")
    mark(recordings / "last", "last")
    aged(recordings)

    async def slept(seconds: float) -> None:
        assert seconds == module.EVERY
        assert ours.exists()
        raise asyncio.CancelledError

    monkeypatch.setattr(module.asyncio, "sleep", slept)  # type: ignore[attr-defined]
    with pytest.raises(asyncio.CancelledError):
        await keeper_of(tmp_path / "data", recordings).run()


async def test_files_that_vanish_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What others remove while it is measured is left out; the rest is looked at."""
    recordings = tmp_path / "recordings"
    ours = kept(recordings / "last")
    mark(recordings / "last", "last")
    kept(recordings / "last", "downloads")
    aged(recordings)
    walk = os.walk

    def racing(folder: Path) -> Any:
        for where, folders, names in walk(folder):
            yield where, folders, [*names, "1686214800.new"]  # renamed before anybody looked at it

    monkeypatch.setattr(module.os, "walk", racing)  # type: ignore[attr-defined]
    await keeper_of(tmp_path / "data", recordings).look()
    assert not ours.exists()
