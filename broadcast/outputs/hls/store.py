"""Segments on disk: the programme's recording, and what players rewind to.

    DATA/programme/<session>/session.json            which event, since when (Unix seconds)
    DATA/programme/<session>/<rendition>/index.jsonl see index.py
    DATA/programme/<session>/<rendition>/init-N.mp4, seg-N.m4s
    DATA/programme/<session>/thumbs/<Unix seconds>.jpg

`init-N.mp4` and the segments that name it, one after another, are a fragmented MP4: no repair, no index
needed. A session is one line of time over restarts of the server; `msn` and part numbers go on. Every part is
written as soon as it is made, so a killed process loses at most the one in the making; what a crash of the
whole machine loses is for `fsync` to say.

Readers (downloads, re-air) use `sessions`, `Reel.load` and `Reel.path`; they may read while it grows.
"""

import errno
import json
import logging
import os
import secrets
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from broadcast.errors import MalformedError
from broadcast.outputs.hls import cmaf, index
from broadcast.outputs.hls.playlist import Segment
from broadcast.outputs.whole import keep

log = logging.getLogger(__name__)

FOLDER = "programme"


@dataclass(frozen=True, slots=True)
class Session:
    """One line of time on disk. `started`: Unix seconds, its tick 0."""

    id: str
    folder: Path
    event: str
    started: float

    def reel(self, rendition: str, fsync: str = "segment") -> "Reel":
        """One rendition of it. `fsync`: "none", "segment" or "part", what is made sure of on the disk."""
        reel = Reel(self.folder / rendition, fsync)
        if not self.card[0].exists():
            reel.card = self.card
        return reel

    def renditions(self) -> list[str]:
        """Those that are on disk. Reads it."""
        return [path.parent.name for path in self.folder.glob("*/index.jsonl")]

    @property
    def card(self) -> tuple[Path, bytes]:
        """The file that says what this is, without which nobody finds it again."""
        said = json.dumps({"event": self.event, "started": self.started}) + "\n"
        return self.folder / "session.json", said.encode()

    @property
    def thumbs(self) -> Path:
        return self.folder / "thumbs"


def sessions(data: Path) -> list[Session]:
    """Every session in the data folder, oldest first. Reads the disk."""
    found = []
    for path in (data / FOLDER).glob("*/session.json"):
        try:
            said = json.loads(path.read_text(encoding="utf-8"))
            found.append(Session(path.parent.name, path.parent, str(said["event"]), float(said["started"])))
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("%s is left out: %s", path, error)
    return sorted(found, key=lambda session: session.started)


def current_session(data: Path, event: str, resume_seconds: float, now: float) -> Session:
    """The newest session of this event, if something was written to it that recently and its numbers can go
    on; else a new one.

    `now` in Unix seconds. Reads and writes the disk; a full one gets the new session's card with its first
    segment. Raises OSError where the disk refuses for another reason.
    """
    mine = [session for session in sessions(data) if session.event == event]
    if mine and now - _last_written(mine[-1]) <= resume_seconds:
        folders = {path.parent for path in mine[-1].folder.glob("*/init-*.mp4")}
        if not any(Reel(folder).unsaid() for folder in folders):
            return mine[-1]
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dt%H%M%S")
    ident = f"{stamp}-{secrets.token_hex(3)}"
    session = Session(ident, data / FOLDER / ident, event, now)
    with room_or_later():
        keep(*session.card)
    return session


def keep_thumb(session: Session, second: int, jpeg: bytes) -> None:
    """Write a thumbnail. Raises OSError."""
    keep(session.thumbs / f"{second}.jpg", jpeg, sure=False)


@contextmanager
def room_or_later() -> Iterator[None]:
    """What is done here may fail for want of room: it is tried again. Raises every other OSError."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        log.warning("the disk is full: %s", error)


def _last_written(session: Session) -> float:
    times = [path.stat().st_mtime for path in session.folder.glob("*/index.jsonl")]
    return max(times, default=session.started)


class Reel:
    """One rendition on disk. `load` first; all else in one thread, the writer's. Every method may raise
    OSError; then the segment in the making is given up, and the next one is tried anew."""

    def __init__(self, folder: Path, fsync: str = "segment") -> None:
        self.folder = folder
        self._fsync = fsync
        self._file: IO[bytes] | None = None
        self._msn = -1  # of the file
        self._broken = False  # the segment in the making could not be written whole
        self._torn = False  # the last line of the index is cut off
        self._late = ""  # lines that a full disk has refused
        self._init = -1  # the init segment that is surely there
        self.card: tuple[Path, bytes] | None = None  # what the session's first segment has to write, too
        self.held = False  # the disk is too full: segments are not kept

    def path(self, msn: int) -> Path:
        """Where this segment lies."""
        return self.folder / f"seg-{msn}.m4s"

    def init_path(self, number: int) -> Path:
        """Where this init segment lies."""
        return self.folder / f"init-{number}.mp4"

    def load(self) -> list[Segment]:
        """All segments, oldest first. What a crash has left open is closed: cut to its whole parts, and
        said in the index, on a full disk once there is room. Only for who writes; others use `segments`."""
        found = self._read()
        path = self.folder / "index.jsonl"
        self._torn = path.exists() and not path.read_bytes().endswith(b"\n")
        if found.open is not None:
            last = self._recover(found.open)
            if last is not None:
                found.segments.append(last)
                self._late = index.closed(last)
        with room_or_later():
            self._note("")
        return found.segments

    def segments(self) -> list[Segment]:
        """All segments that are over, oldest first. Changes nothing."""
        return self._read().segments

    def unsaid(self) -> bool:
        """Whether segments lie here of which the index does not tell, for a power cut took its end: their
        numbers must not be given to others. Changes nothing."""
        last = self._read().last
        numbers = (path.stem.removeprefix("seg-") for path in self.folder.glob("seg-*.m4s"))
        return any(number.isdecimal() and int(number) > last for number in numbers)

    def begin(self, segment: Segment, init: bytes) -> None:
        """A segment begins, with its init segment; its duration, parts and size are not read."""
        self._drop()
        self._msn, self._broken = segment.msn, True
        # Made sure of at once, and the line before with it: no restart gives this number to another.
        self._note(index.opened(segment), sure=True)
        if self.held:
            return
        if self.card is not None:
            keep(*self.card)
            self.card = None
        if segment.init != self._init:
            keep(self.init_path(segment.init), init, sure=self._fsync != "none")
            self._init = segment.init
        self._file = self.path(segment.msn).open("wb", buffering=0)
        self._broken = False

    def append(self, msn: int, data: bytes) -> None:
        """One part of the segment in the making."""
        if self._file is None or self._broken or msn != self._msn:
            return
        self._broken = True
        written = self._file.write(data)
        if written != len(data):
            raise OSError(f"{written} of {len(data)} bytes written")
        self._sync(self._file, always=self._fsync == "part")
        self._broken = False

    def end(self, segment: Segment) -> bool:
        """The segment is over: kept, or else removed, and missing in the index. Whether it was kept."""
        kept = False
        try:
            if self._file is not None and self._whole(segment):
                self._sync(self._file, always=self._fsync != "none")
                self._note(index.closed(segment))
                kept = True
        finally:
            self._broken = not kept
            self._drop()
            if not kept:
                self._note(index.opened(segment) + index.closed(replace(segment, missing=True)))
        return kept

    def close(self) -> None:
        """Nothing more comes; a segment in the making stays as it is, and is closed by the next `load`."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def trim(self, gone: Collection[int]) -> None:
        """These segments (by msn) go, and their lines in the index first."""
        path = self.folder / "index.jsonl"
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
        keep(path, "".join(line for line in lines if index.number(line) not in gone).encode())
        for msn in gone:
            self.path(msn).unlink(missing_ok=True)

    def _whole(self, segment: Segment) -> bool:
        """Whether all of it is in the file; a part that the writer refused is not."""
        assert self._file is not None, "who asks has looked"
        return not self._broken and segment.msn == self._msn and self._file.tell() == segment.size

    def _drop(self) -> None:
        """Close the file in the making; a broken one goes."""
        if self._file is not None:
            self._file.close()
            self._file = None
            if self._broken:
                self.path(self._msn).unlink(missing_ok=True)

    def _read(self) -> index.Index:
        try:
            with (self.folder / "index.jsonl").open(encoding="utf-8", errors="replace") as lines:
                return index.read(lines)
        except FileNotFoundError:
            return index.Index()

    def _recover(self, said: dict[str, object]) -> Segment | None:
        path = self.folder / f"seg-{said.get('open')}.m4s"
        try:
            data = path.read_bytes()
            segment = index.recovered(said, list(cmaf.fragments(data)))
        except FileNotFoundError:
            return None
        except MalformedError as error:
            log.warning("%s is left out: %s", path, error)
            return None
        if segment is None:
            path.unlink()
            return None
        if segment.size < len(data):
            log.info("%s: cut to its whole parts, %d bytes left out", path, len(data) - segment.size)
            os.truncate(path, segment.size)
        return segment

    def _note(self, line: str, *, sure: bool = False) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "index.jsonl").open("a", encoding="utf-8") as out:
            out.write("\n" * self._torn + self._late + line)
            self._torn = True
            out.flush()
            self._torn, self._late = False, ""
            self._sync(out, always=sure or self._fsync == "part")

    def _sync(self, out: "IO[bytes] | IO[str]", *, always: bool) -> None:
        if always and self._fsync != "none":
            os.fsync(out.fileno())
