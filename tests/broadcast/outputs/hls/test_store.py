"""Segments on disk: what a crash leaves at any byte is found again, and nothing that was whole is lost."""

import os
import resource
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broadcast.outputs.hls import cmaf
from broadcast.outputs.hls.cmaf import Sample
from broadcast.outputs.hls.playlist import Segment
from broadcast.outputs.hls.store import Reel, current_session, sessions
from tests.support.disks import fill, small_disk

PART = 24_000
INIT = b"init"


def part(number: int) -> bytes:
    return cmaf.fragment(number, number * PART, [Sample(b"x" * (50 + number), PART, True)], 0, [b"sound"])


def segment(msn: int, size: int = 0, count: int = 4) -> Segment:
    return Segment(msn, msn * 4 * PART, count * PART, 1000 + msn, msn * 4, count, size, 0)


def write(reel: Reel, msn: int, count: int = 4, end: bool = True) -> bytes:
    """One segment as the line writes it."""
    reel.begin(segment(msn), INIT)
    data = [part(msn * 4 + n) for n in range(count)]
    for each in data:
        reel.append(msn, each)
    if end:
        assert reel.end(segment(msn, sum(map(len, data)), count))
    return b"".join(data)


@pytest.mark.parametrize("fsync", ["none", "segment", "part"])
def test_what_is_written_is_there(tmp_path: Path, fsync: str) -> None:
    """Segments are found with everything that their playlist needs, by a reel that knows only the folder."""
    reel = Reel(tmp_path / "main", fsync)
    assert reel.load() == []
    data = [write(reel, msn) for msn in range(3)]
    reel.close()
    assert Reel(tmp_path / "main").load() == [segment(msn, len(data[msn])) for msn in range(3)]
    assert [reel.path(msn).read_bytes() for msn in range(3)] == data


@settings(max_examples=60)
@given(st.data())
def test_a_crash_at_any_byte(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Cut the growing segment and the index anywhere: whole parts stay, the rest goes, twice loaded alike."""
    folder = tmp_path_factory.mktemp("reel")
    reel = Reel(folder)
    reel.load()
    first = write(reel, 0)
    whole = write(reel, 1, count=3, end=False)
    reel.close()
    kept = data.draw(st.integers(0, len(whole)))
    os.truncate(reel.path(1), kept)
    expected = list(cmaf.fragments(whole[:kept]))
    found = Reel(folder).load()
    assert found[0] == segment(0, len(first))
    assert found[1:] == ([segment(1, sum(e.size for e in expected), len(expected))] if expected else [])
    assert Reel(folder).load() == found
    assert not expected or reel.path(1).stat().st_size == found[1].size


@settings(max_examples=40)
@given(cut=st.integers(0, 400), junk=st.binary(max_size=20))
def test_a_torn_index(tmp_path_factory: pytest.TempPathFactory, cut: int, junk: bytes) -> None:
    """An index that breaks off anywhere, or ends in rubbish, still gives the segments before, in order."""
    folder = tmp_path_factory.mktemp("reel")
    reel = Reel(folder)
    reel.load()
    data = [write(reel, msn) for msn in range(3)]
    path = folder / "index.jsonl"
    torn = path.read_bytes()[: max(0, path.stat().st_size - cut)]
    path.write_bytes(torn + junk)
    found = Reel(folder).load()
    assert found == [segment(msn, len(data[msn])) for msn in range(len(found))]
    again = Reel(folder)
    again.load()
    write(again, 7)
    assert [each.msn for each in Reel(folder).load()] == [*(each.msn for each in found), 7]


def test_a_segment_that_is_not_whole_goes(tmp_path: Path) -> None:
    """A part that could not be written costs its segment and no other; the index says that it is missing."""
    reel = Reel(tmp_path)
    reel.load()
    write(reel, 0)
    reel.begin(segment(1), INIT)
    reel.append(1, part(4))
    assert not reel.end(segment(1, 2 * len(part(4)), 2))
    write(reel, 2)
    found = Reel(tmp_path).load()
    assert [(each.msn, each.missing) for each in found] == [(0, False), (1, True), (2, False)]
    assert not reel.path(1).exists()


def test_a_full_disk_costs_what_did_not_fit(tmp_path: Path) -> None:
    """An error of the disk is told, the segment is given up, and the next one is tried anew."""
    reel = Reel(tmp_path)
    reel.load()
    write(reel, 0)
    blocked = reel.path(1)
    blocked.mkdir()  # cannot be opened as a file
    with pytest.raises(OSError):
        reel.begin(segment(1), INIT)
    reel.append(1, part(4))
    assert not reel.end(segment(1, len(part(4)), 1))
    blocked.rmdir()
    write(reel, 2)
    assert [(each.msn, each.missing) for each in Reel(tmp_path).load()] == [(0, False), (1, True), (2, False)]


def test_an_init_segment_that_is_refused(tmp_path: Path) -> None:
    """No segment is kept without its init segment, which is tried again with each."""
    reel = Reel(tmp_path)
    reel.load()
    blocked = reel.init_path(0)
    blocked.mkdir()
    with pytest.raises(OSError):
        reel.begin(segment(0), INIT)
    reel.append(0, part(0))
    assert not reel.end(segment(0, len(part(0)), 1))
    blocked.rmdir()
    write(reel, 1)
    assert blocked.read_bytes() == INIT
    assert [(each.msn, each.missing) for each in Reel(tmp_path).load()] == [(0, True), (1, False)]


def test_a_power_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what was made sure of nothing is lost: every segment but the one in the making."""
    sure: dict[int, int] = {}  # the size of each file by its inode

    def fsync(descriptor: int) -> None:
        status = os.fstat(descriptor)
        sure[status.st_ino] = status.st_size

    monkeypatch.setattr(os, "fsync", fsync)
    reel = Reel(tmp_path)
    reel.load()
    data = [write(reel, msn) for msn in range(3)]
    write(reel, 3, count=2, end=False)
    reel.close()
    for path in tmp_path.iterdir():
        os.truncate(path, sure.get(path.stat().st_ino, 0))
    assert reel.init_path(0).read_bytes() == INIT
    assert Reel(tmp_path).load() == [segment(msn, len(data[msn])) for msn in range(3)]


def test_an_index_that_lost_its_end(tmp_path: Path) -> None:
    """Where a segment lies of which no line tells, its number is given to no other: a session begins."""
    first = current_session(tmp_path, "show", 3600, 1_700_000_000.0)
    reel = first.reel("main")
    reel.load()
    for msn in range(3):
        write(reel, msn)
    lines = (reel.folder / "index.jsonl").read_text().splitlines(keepends=True)
    written = (reel.folder / "index.jsonl").stat().st_mtime
    assert current_session(tmp_path, "show", 3600, written).id == first.id
    (reel.folder / "index.jsonl").write_text("".join(lines[:4]))
    assert current_session(tmp_path, "show", 3600, written).id != first.id


def test_a_line_of_the_index_that_does_not_fit(tmp_path: Path) -> None:
    """Half a line on a full disk costs that line, not the one after it."""
    reel = Reel(tmp_path)
    reel.load()
    write(reel, 0)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = (tmp_path / "index.jsonl").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 10, before[1]))
    try:
        with pytest.raises(OSError):
            reel.begin(segment(1), INIT)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (tmp_path / "index.jsonl").stat().st_size == size + 10
    write(reel, 2)
    assert [each.msn for each in Reel(tmp_path).load()] == [0, 2]


def test_a_full_disk_gets_its_session_later(tmp_path: Path) -> None:
    """A session that begins on a full disk is found again once it has a segment."""
    with small_disk(tmp_path / "disk", 1) as disk:
        fill(disk / "ballast")
        session = current_session(disk, "show", 3600, 1_700_000_000.0)
        reel = session.reel("main")
        assert (reel.load(), sessions(disk)) == ([], [])
        with pytest.raises(OSError):
            reel.begin(segment(0), INIT)
        (disk / "ballast").unlink()
        write(reel, 1)
        assert sessions(disk) == [session]
        assert [each.msn for each in session.reel("main").load()] == [1]


def test_a_crash_and_then_a_full_disk(tmp_path: Path) -> None:
    """What a crash has left open is kept, although the index can say so only later."""
    with small_disk(tmp_path / "disk", 1) as disk:
        reel = Reel(disk)
        reel.load()
        write(reel, 0, count=3, end=False)
        reel.close()
        fill(disk / "ballast")
        again = Reel(disk)
        found = again.load()
        assert [(each.msn, each.parts) for each in found] == [(0, 3)]
        (disk / "ballast").unlink()
        write(again, 1)
        assert [each.msn for each in Reel(disk).load()] == [0, 1]


def test_segments_that_are_erased(tmp_path: Path) -> None:
    """They are gone from the disk and from the index, while the next one is being written."""
    reel = Reel(tmp_path)
    reel.load()
    for msn in range(4):
        write(reel, msn)
    reel.begin(segment(4), INIT)
    reel.append(4, part(4))
    reel.trim({0, 2})
    assert reel.end(segment(4, len(part(4)), 1))
    assert [each.msn for each in Reel(tmp_path).load()] == [1, 3, 4]
    assert [reel.path(msn).exists() for msn in range(5)] == [False, True, False, True, True]


def test_a_session_goes_on(tmp_path: Path) -> None:
    """The newest session of the event goes on if it was written to lately; else there is a new one."""
    first = current_session(tmp_path, "show", 3600, 1_700_000_000.0)
    reel = first.reel("main")
    reel.load()
    write(reel, 0)
    written = (reel.folder / "index.jsonl").stat().st_mtime
    assert current_session(tmp_path, "show", 3600, written + 3000) == first
    assert current_session(tmp_path, "other", 3600, written).id != first.id
    later = current_session(tmp_path, "show", 3600, written + 4000)
    assert later.id != first.id
    assert {each.id for each in sessions(tmp_path) if each.event == "show"} == {first.id, later.id}


def test_a_broken_session_is_left_out(tmp_path: Path) -> None:
    """A session file that makes no sense does not hold up the show."""
    (tmp_path / "programme" / "old").mkdir(parents=True)
    (tmp_path / "programme" / "old" / "session.json").write_text("{")
    assert sessions(tmp_path) == []
    assert current_session(tmp_path, "show", 3600, 1_700_000_000.0).started == 1_700_000_000.0
