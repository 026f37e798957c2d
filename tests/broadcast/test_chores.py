"""Chores: what they say when they fail, and what killed ones leave behind."""

import asyncio
import sys
from pathlib import Path

import pytest

from broadcast import chores


async def test_a_chore_says_what_went_wrong(tmp_path: Path) -> None:
    """The last line of it; and nothing is left of the file."""
    said = await chores.run("broadcast.outputs.recording.export", str(tmp_path / "a.mp4"), given=b"{}")
    assert "pieces" in said
    assert list(tmp_path.iterdir()) == []


async def test_a_chore_that_is_given_up_is_ended(no_leaks: None) -> None:
    """Whoever waits for it may be cancelled: no process is left."""
    chore = asyncio.create_task(chores.run("signal", "pause"))
    await asyncio.sleep(0)
    chore.cancel()
    with pytest.raises(asyncio.CancelledError):
        await chore


async def test_without_a_process_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where none can be had, that is OSError, for the caller to say."""
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(OSError, match="nowhere"):
        await chores.run("os")


def test_what_a_killed_chore_leaves_is_swept(tmp_path: Path) -> None:
    """Half a file of a killed server's is gone after the next start, whole ones stay."""
    folders = [tmp_path / "clips", tmp_path / "downloads"]
    for folder in folders:
        folder.mkdir()
        (folder / "0-thony.abc.mp4").write_bytes(b"whole")
        (folder / "0-thony.abc.mp4.4711.part").write_bytes(bytes(1000))
    chores.sweep(*folders, tmp_path / "nowhere")
    assert [path.name for folder in folders for path in folder.iterdir()] == ["0-thony.abc.mp4"] * 2
