"""The journal keeps what it is given, in order, and nothing of other events."""

import asyncio
import contextlib
import os
import sqlite3
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.facts import Erased, Fact
from signaling.journal import Journal, JournalError
from signaling.records import Record, decode, encode
from tests.support.cast import eventually
from tests.support.disks import fill, small_disk

FACTS = st.one_of(*map(st.builds, Fact.__args__))


@given(st.lists(FACTS, max_size=4))
def test_facts_survive_the_journal(facts: list[Fact]) -> None:
    """Every fact comes back as it went in."""
    assert decode(encode(facts)) == tuple(facts)


@pytest.mark.parametrize(
    "text",
    ["", "7", "[7]", "[{}]", '[{"fact":"Nothing"}]', '[{"fact":"Came"}]', '[{"fact":"Came","x":1}]', "{}x"],
)
def test_lines_that_are_no_facts(text: str) -> None:
    """A line that cannot be read is a ValueError."""
    with pytest.raises(ValueError):
        decode(text)


def record(number: int) -> Record:
    return Record(float(number), (), "ping", f"c{number}", "{}")


@pytest.mark.parametrize("killed", [False, True])
async def test_a_start_on_a_full_disk(tmp_path: Path, killed: bool) -> None:
    """What the journal holds is read without an octet of room; with room, nothing of the show is lost."""
    with small_disk(tmp_path / "disk", 2) as disk:
        path = disk / "journal.sqlite"
        first = Journal(path)
        await first.open("e")
        await first.append([record(1), record(2)])
        left = {each: each.read_bytes() for each in (path, Path(f"{path}-wal"))}
        await first.close()
        if killed:  # the database is as it was before the log was folded in
            for each, content in left.items():
                each.write_bytes(content)
        fill(disk / "ballast")
        again = Journal(path)
        assert [each.id for each in await again.open("e")] == ["c1", "c2"]
        with pytest.raises(JournalError):
            await again.append([record(3)])
        (disk / "ballast").unlink()
        await again.append([record(4)])
        await again.close()
        last = Journal(path)
        assert [each.id for each in await last.open("e")] == ["c1", "c2", "c3", "c4"]
        await last.close()


async def test_no_commit_waits_for_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a sync hangs, commits go on; closing waits for it."""
    disk = threading.Event()
    synced = threading.Event()

    def slow(_: int) -> None:
        synced.set()
        disk.wait()

    monkeypatch.setattr("signaling.journal.os.fsync", slow)
    journal = Journal(tmp_path / "j.sqlite")
    await journal.open("ga")
    await journal.append([record(1)])
    await asyncio.to_thread(synced.wait)
    await journal.append([record(2)])
    await journal.append([record(3)])
    disk.set()
    await journal.close()
    again = Journal(tmp_path / "j.sqlite")
    assert len(await again.open("ga")) == 3
    await again.close()


def descriptors(path: Path) -> list[str]:
    """This process's of that file."""
    found = []
    for each in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):
            found.append(os.readlink(f"/proc/self/fd/{each}"))
    return [name for name in found if name == str(path)]


async def test_the_log_is_folded_when_it_has_grown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that has grown goes into the database while the show runs, nothing is lost by it, and no
    descriptor is gained."""
    monkeypatch.setattr("signaling.journal.FOLD_OCTETS", 100_000)
    monkeypatch.setattr("signaling.journal.SYNC_SECONDS", 0.01)
    path = tmp_path / "j.sqlite"
    journal = Journal(path)
    await journal.open("ga")
    async with asyncio.timeout(20):
        while len(descriptors(path)) < 2:  # noqa: ASYNC110 - another thread's file
            await asyncio.sleep(0.01)
    assert path.stat().st_size < 20_000
    for number in range(300):
        await journal.append([record(number)])
    async with asyncio.timeout(20):
        while path.stat().st_size < 20_000:  # noqa: ASYNC110 - another thread's file
            await asyncio.sleep(0.01)
    assert len(descriptors(path)) == 2
    await journal.close()
    again = Journal(tmp_path / "j.sqlite")
    assert await again.open("ga") == [record(number) for number in range(300)]
    await again.close()


async def test_kept_in_order(tmp_path: Path, no_leaks: None) -> None:
    """What was appended by many at once comes back whole, in order, in another process's life."""
    path = tmp_path / "deep" / "journal.sqlite"
    journal = Journal(path)
    assert await journal.open("ga") == []
    await asyncio.gather(*(journal.append([record(2 * n), record(2 * n + 1)]) for n in range(200)))
    await journal.close()
    await journal.close()
    assert path.stat().st_mode & 0o077 == 0
    other = Journal(path)
    assert await other.open("another event") == []
    await other.append([record(7)])
    await other.close()
    again = Journal(path)
    assert await again.open("ga") == [record(n) for n in range(400)]
    await again.close()


async def test_one_server_at_a_time(tmp_path: Path, no_leaks: None) -> None:
    """A second server on the same journal is refused, and may have it after the first."""
    path = tmp_path / "journal.sqlite"
    first, second = Journal(path), Journal(path)
    await first.open("ga")
    with pytest.raises(JournalError, match="another server"):
        await second.open("ga")
    await first.close()
    assert await second.open("ga") == []
    await second.close()


async def test_a_damaged_file_is_put_aside(tmp_path: Path) -> None:
    """A file that is no database does not stop the show: it is kept under another name."""
    path = tmp_path / "journal.sqlite"
    path.write_bytes(b"not a database at all" * 1000)
    journal = Journal(path)
    assert await journal.open("ga") == []
    await journal.append([record(1)])
    await journal.close()
    assert [name for name in os.listdir(tmp_path) if name.startswith("journal.sqlite.damaged-")]


@pytest.mark.parametrize("killed", [False, True])
async def test_a_start_while_somebody_writes_into_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed: bool
) -> None:
    """The show starts with what the journal holds; as soon as it is let go nothing of the show is lost."""
    monkeypatch.setattr("signaling.journal.BUSY_SECONDS", 0.01)
    path = tmp_path / "journal.sqlite"
    first = Journal(path)
    await first.open("e")
    await first.append([record(1), record(2)])
    left = {each: each.read_bytes() for each in (path, Path(f"{path}-wal"))}
    await first.close()
    if killed:  # what was written stands in the log alone
        for each, content in left.items():
            each.write_bytes(content)
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    again = Journal(path)
    assert [each.id for each in await again.open("e")] == ["c1", "c2"]
    with pytest.raises(JournalError, match="locked"):
        await again.append([record(3)])
    blocker.execute("ROLLBACK")
    blocker.close()
    await again.append([record(4)])
    await again.close()
    last = Journal(path)
    assert [each.id for each in await last.open("e")] == ["c1", "c2", "c3", "c4"]
    await last.close()


async def damaged(path: Path) -> None:
    """A journal of 1500 lines of an event and one of another, with a page in its middle wiped out."""
    for event, count in (("ga", 1500), ("other", 1)):
        journal = Journal(path)
        await journal.open(event)
        await journal.append([record(number) for number in range(count)])
        await journal.close()
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 4096] = bytes(4096)
    path.write_bytes(content)


async def test_what_can_be_read_of_a_damaged_file_is_saved(tmp_path: Path) -> None:
    """One page that is gone costs the lines on it alone, of this event and of others; it is told how many."""
    path = tmp_path / "journal.sqlite"
    await damaged(path)
    journal = Journal(path)
    saved = await journal.open("ga")
    assert 1200 < len(saved) < 1500
    assert saved == sorted(saved, key=lambda each: each.at)
    assert {each.id for each in saved} >= {"c0", "c1499"}
    aside = min(name for name in os.listdir(tmp_path) if ".damaged-" in name)
    assert f" {len(saved) + 1} of its lines" in journal.damage
    assert aside in journal.damage
    await journal.append([record(1500)])
    await journal.close()
    again = Journal(path)
    assert await again.open("ga") == [*saved, record(1500)]
    assert again.damage == ""
    await again.close()
    other = Journal(path)
    assert await other.open("other") == [record(0)]
    await other.close()


async def test_a_damaged_line_is_left_out(tmp_path: Path) -> None:
    """One line that cannot be read costs that line alone."""
    path = tmp_path / "journal.sqlite"
    journal = Journal(path)
    await journal.open("ga")
    await journal.append([record(1), record(2)])
    await journal.close()
    with sqlite3.connect(path) as database:
        database.execute("UPDATE journal SET facts = '[7]' WHERE id = 'c1'")
    database.close()
    journal = Journal(path)
    assert await journal.open("ga") == [record(2)]
    await journal.close()


async def test_no_right_to_write(tmp_path: Path) -> None:
    """A journal that cannot be made is an error that names the file."""
    blocker = tmp_path / "file"
    blocker.write_text("")
    with pytest.raises(JournalError, match="file"):
        await Journal(blocker / "journal.sqlite").open("ga")


async def test_what_cannot_be_written_at_all_ends_nothing(tmp_path: Path, no_leaks: None) -> None:
    """Half a character, from a file's name: that record is refused, and the next one is written."""
    journal = Journal(tmp_path / "journal.sqlite")
    await journal.open("e")
    with pytest.raises(JournalError):
        await journal.append([Record(1.0, (Erased("\ud800", 7),))])
    await journal.append([record(2)])
    await journal.close()
    again = Journal(tmp_path / "journal.sqlite")
    assert await again.open("e") == [record(2)]
    await again.close()


async def test_who_has_left_something_out_writes_nothing_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_leaks: None
) -> None:
    """A journal with a hole would bring back another show: past the hole there is nothing, whatever fails."""
    monkeypatch.setattr("signaling.journal.MAX_WAITING", 2)
    path = tmp_path / "journal.sqlite"
    journal = Journal(path)
    await journal.open("e")
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN EXCLUSIVE")
    held = [asyncio.create_task(journal.append([record(1)]))]
    await eventually("it is taken up", _is_empty(journal), bool, 60)
    held += [asyncio.create_task(journal.append([record(number)])) for number in (2, 3)]
    await asyncio.sleep(0)
    with pytest.raises(JournalError, match="keep up"):
        await journal.append([record(4)])
    assert all(isinstance(each, JournalError) for each in await asyncio.gather(*held, return_exceptions=True))
    blocker.execute("ROLLBACK")
    blocker.close()
    with pytest.raises(JournalError, match="given up"):
        await journal.append([record(5)])
    await journal.close()
    again = Journal(path)
    assert await again.open("e") == []
    await again.close()


def _is_empty(journal: Journal) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return journal._queue.qsize() == 0

    return look
