"""Clips: those that can be used are, whatever is wrong with the others."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from broadcast.clips import Clips
from broadcast.config import Config, parse
from broadcast.errors import MediaError
from broadcast.feeds.registry import Feeds
from tests.broadcast.feeds.test_clip import make_file

BAD, FILM = {"id": "bad", "file": "bad.mp4"}, {"id": "film", "file": "film.mp4"}


def config(folder: Path, *clips: dict[str, Any]) -> Config:
    event = {"id": "now", "name": "Now", "start": datetime.fromtimestamp(1e9, UTC)}
    return parse({"event": event, "clips": [*clips]}, folder)


async def plenty(octets: int) -> bool:
    return True


async def none(octets: int) -> bool:
    return False


async def test_one_bad_clip_does_not_keep_the_others(tmp_path: Path) -> None:
    """It is a feed of its own, everybody is told, and gone when it is removed."""
    make_file(tmp_path / "film.mp4", seconds=0.4)
    (tmp_path / "bad.mp4").write_bytes(b"no media at all")
    feeds, told = Feeds(), []
    clips = Clips(feeds, tmp_path / "cache", plenty)
    clips.on_prepared = lambda feed: told.append(feed.id)
    await clips.prepare_all(config(tmp_path, BAD, FILM))
    assert told == [*clips.up] == [feed.id for feed in feeds] == ["clip.film"]
    clips.remove("film")
    assert not clips.up
    assert not list(feeds)


async def test_no_clip_is_made_without_room(tmp_path: Path) -> None:
    """The reserve of the disk is not for clips; one that is there already needs none."""
    film = make_file(tmp_path / "film.mp4", seconds=0.4)
    with pytest.raises(MediaError, match="no room"):
        await Clips(Feeds(), tmp_path / "cache", none).prepare("film", film)
    await Clips(Feeds(), tmp_path / "cache", plenty).prepare("film", film)
    await Clips(Feeds(), tmp_path / "cache", none).prepare("film", film)


async def test_a_machine_without_a_process_to_spare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the system refuses is told like a file that cannot be used, and ends nobody's task."""
    film = make_file(tmp_path / "film.mp4", seconds=0.4)
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(MediaError, match=r"film\.mp4"):
        await Clips(Feeds(), tmp_path / "cache", plenty).prepare("film", film)
