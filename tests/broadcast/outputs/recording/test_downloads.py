"""Downloads: made once, one after another, only where there is room, whoever asks and however often."""

import asyncio
from pathlib import Path

import pytest

from broadcast import chores
from broadcast.errors import RequestError
from broadcast.outputs.recording.cutting import Job, Piece, cut
from broadcast.outputs.recording.downloads import MOST, Downloads
from tests.broadcast.outputs.recording.programme import segments
from tests.support.cast import eventually

WITHIN = 60.0  # seconds


class Disk:
    """One with so many octets that files may take."""

    def __init__(self, usable: int) -> None:
        self.usable = usable

    async def room(self, octets: int) -> bool:
        return octets <= self.usable


def job(size: int, name: str = "a") -> Job:
    """A file of pieces that are not there, so that it fails when it is made."""
    return Job((Piece(f"/nowhere/{name}", "/nowhere/init", 0.0, 2.0, 0.0, size),), 0.0, 2.0, (), {})


async def over(downloads: Downloads, name: str, job: Job) -> str:
    """What has become of a file."""

    async def state() -> str:
        return await asyncio.to_thread(downloads.state, name, job)

    return await eventually(name, state, lambda state: state != "making", WITHIN)


async def test_a_newer_file_takes_the_place_of_the_older(tmp_path: Path) -> None:
    """Two cuts of one talk, asked for one after the other: only the second stays."""
    pieces = segments(tmp_path / "programme", 4, 0.0)
    cuts = [found for end in (2.0, 4.0) if (found := cut(pieces, 0.0, end, [], {})) is not None]
    downloads = Downloads(tmp_path / "downloads", Disk(1 << 30).room)
    for each in cuts:
        assert await downloads.ask("talk", each) == "making"
        assert await downloads.ask("talk", each) == "making"
        assert await over(downloads, "talk", each) == "ready"
    assert list((tmp_path / "downloads").iterdir()) == [downloads.path("talk", cuts[1])]
    assert downloads.made == 2
    await downloads.stop()


@pytest.fixture
def making(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Nothing is made before this is set."""
    begin, run = asyncio.Event(), chores.run

    async def later(module: str, *arguments: str, given: bytes = b"") -> str:
        await begin.wait()
        return await run(module, *arguments, given=given)

    monkeypatch.setattr(chores, "run", later)
    return begin


async def test_what_waits_takes_its_room(tmp_path: Path, making: asyncio.Event) -> None:
    """With room for a file and a half only one of two is taken on; the other one later, when the first has
    failed and takes none."""
    downloads = Downloads(tmp_path, Disk(1500).room)
    first, second = job(1000, "a"), job(1000, "b")
    await downloads.ask("a", first)
    with pytest.raises(RequestError, match="no room"):
        await downloads.ask("b", second)
    making.set()
    assert await over(downloads, "a", first) == "failed"
    assert await downloads.ask("b", second) == "making"
    assert await over(downloads, "b", second) == "failed"


async def test_a_failed_file_is_asked_for_again_without_room(tmp_path: Path) -> None:
    """Nobody gets around the reserve by asking twice."""
    disk = Disk(1500)
    downloads = Downloads(tmp_path, disk.room)
    await downloads.ask("a", job(1000))
    assert await over(downloads, "a", job(1000)) == "failed"
    disk.usable = 500
    with pytest.raises(RequestError, match="no room"):
        await downloads.ask("a", job(1000))


async def test_the_room_is_looked_at_once_more_before_it_is_made(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The disk has filled up since it was ordered: nothing is written, and the log says why."""
    disk = Disk(1500)
    downloads = Downloads(tmp_path / "downloads", disk.room)
    await downloads.ask("a", job(1000))
    disk.usable = 500
    assert await over(downloads, "a", job(1000)) == "failed"
    assert "the disk has no room for it" in caplog.text
    assert not (tmp_path / "downloads").exists()


async def test_too_many_are_refused(tmp_path: Path, making: asyncio.Event) -> None:
    """Past so many that are to be made, one more is `busy`; those that are ordered stay so."""
    downloads = Downloads(tmp_path, Disk(1 << 30).room)
    jobs = [job(1, str(n)) for n in range(MOST + 1)]
    try:
        for n, each in enumerate(jobs[:MOST]):
            await downloads.ask(str(n), each)
        with pytest.raises(RequestError) as refused:
            await downloads.ask(str(MOST), jobs[MOST])
        assert refused.value.code == "busy"
        assert await downloads.ask(str(MOST - 1), jobs[MOST - 1]) == "making"
    finally:
        await downloads.stop()


def test_a_file_is_known_by_its_content() -> None:
    """Another digest for other pieces; of one job it is made up once."""
    one, other = job(1, "a"), job(1, "b")
    assert one.digest != other.digest
    assert one.digest is one.digest
    assert one == job(1, "a")
