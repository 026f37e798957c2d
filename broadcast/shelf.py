"""The shelf: what of the event can be had as a file, and the files themselves.

A talk that is over, and the whole event, are cut from the programme's segments on disk; speakers' feeds are
there as they came. Producers may have all of it, viewers what the config allows.
"""

import asyncio
import contextlib
import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from broadcast.archive import Archive
from broadcast.config import Config
from broadcast.errors import NotFound
from broadcast.outputs.hls.cmaf import VIDEO_SCALE
from broadcast.outputs.hls.store import Session, sessions
from broadcast.outputs.recording import folders
from broadcast.outputs.recording.cutting import Chapter, Job, Piece, cut
from broadcast.outputs.recording.downloads import Downloads, Ticket
from signaling.again import WHOLE
from signaling.event import AGAIN

FRESH = 60.0  # seconds that what was found is good for
SETTLED = 5.0  # seconds after its end, a talk's last segment is on disk
FEED = re.compile(r"[A-Za-z0-9_-]{1,120}\.mkv")


@dataclass(frozen=True, slots=True)
class Recording:
    """One thing that can be had; `job` None: nothing of it was kept."""

    id: str
    talk: str  # empty: the whole
    title: str
    speakers: tuple[str, ...]
    start: float
    end: float
    job: Job | None


@dataclass(frozen=True, slots=True)
class Found:
    """What was found for these chapters; good `until` then (monotonic)."""

    over: list[dict[str, Any]]
    whole: bool
    until: float
    recordings: list[Recording]


class Shelf:
    """`chapters` gives the answer of GET /api/chapters; `data` is the folder with the segments."""

    def __init__(
        self, config: Config, data: Path, archive: Archive, chapters: Callable[[], dict[str, Any]]
    ) -> None:
        self._event = config.event.id
        self._name = config.event.name
        self._data = data
        self._archive = archive
        self._chapters = chapters
        self.downloads = Downloads(archive.folder / folders.DOWNLOADS, archive.folder_disk.room)
        self._finding = asyncio.Lock()  # many may ask at a time: one looks, for all
        self._found = Found([], False, float("-inf"), [])

    async def listed(self, feeds: bool) -> dict[str, Any]:
        """The answer of GET /api/recordings (docs/protocol.md, section 7); `feeds`: with the speakers'."""
        found = await self.recordings()
        return await asyncio.to_thread(self._listed, found, feeds)

    def _listed(self, found: list[Recording], feeds: bool) -> dict[str, Any]:
        return {"recordings": [*map(self._row, found)], "feeds": self._feeds() if feeds else []}

    async def ask(self, id: str) -> dict[str, Any]:
        """Order this recording's file, or say where it is. Raises NotFound, or RequestError."""
        recording = next((each for each in await self.recordings() if each.id == id), None)
        if recording is None or recording.job is None:
            raise NotFound("There is no such recording.")
        state = await self.downloads.ask(id, recording.job)
        if state != "ready":
            return {"state": state}
        title = " - ".join(filter(None, (", ".join(recording.speakers), recording.title)))
        return self._address(self.downloads.path(id, recording.job), f"{_file_name(title)}.mp4")

    async def ask_feed(self, name: str) -> dict[str, Any]:
        """Where a speaker's feed can be fetched. Raises NotFound."""
        path = self._archive.folder / folders.SPEAKERS / name
        if not FEED.fullmatch(name) or not await asyncio.to_thread(path.is_file):
            raise NotFound("There is no such recording.")
        return self._address(path, name)

    def ticket(self, key: str) -> Ticket:
        """What this address opens. Raises NotFound."""
        return self.downloads.find(key, time.monotonic())

    def over(self) -> list[dict[str, Any]]:
        """The chapters of talks that are over. What was on air again is no recording of its own."""
        return _over(self._chapters())

    async def recordings(self) -> list[Recording]:
        """Every talk that is over, in order, and then the whole event, where talks are."""
        said = self._chapters()
        over, whole = _over(said), said["state"] != "live"
        async with self._finding:
            found, now = self._found, time.monotonic()
            if (found.over, found.whole) != (over, whole) or now >= found.until:
                recordings = await asyncio.to_thread(self._find, over, whole)
                settled = not over or over[-1]["end"] / 1000 + SETTLED <= time.time()
                self._found = found = Found(over, whole, now + FRESH if settled else now, recordings)
            return found.recordings

    def _find(self, over: list[dict[str, Any]], whole: bool) -> list[Recording]:
        """Read the disk and cut; takes a second for a day of programme."""
        if not over:
            return []
        pieces = pieces_of(self._data, self._event)
        chapters = [_chapter(each) for each in over]
        found = [
            self._cut(each["id"], each["talk"], chapter.title, chapter.speakers, pieces, [chapter])
            for each, chapter in zip(over, chapters, strict=True)
        ]
        if whole:
            found.append(self._cut(WHOLE, "", self._name, (), pieces, chapters))
        return found

    def _cut(
        self,
        id: str,
        talk: str,
        title: str,
        speakers: tuple[str, ...],
        pieces: list[Piece],
        chapters: list[Chapter],
    ) -> Recording:
        start, end = chapters[0].start, max(chapter.end for chapter in chapters)
        metadata = {
            "title": title,
            "artist": ", ".join(speakers) or self._name,
            "album": self._name,
            "date": datetime.fromtimestamp(start, UTC).isoformat(timespec="seconds"),
        }
        return Recording(id, talk, title, speakers, start, end, cut(pieces, start, end, chapters, metadata))

    def _row(self, recording: Recording) -> dict[str, Any]:
        job = recording.job
        return {
            "id": recording.id,
            "title": recording.title,
            "speakers": list(recording.speakers),
            "start": round(recording.start * 1000),
            "end": round(recording.end * 1000),
            "seconds": round(job.end - job.begin, 3) if job is not None else 0,
            "octets": job.size if job is not None else 0,
            "state": self.downloads.state(recording.id, job) if job is not None else "lost",
        }

    def _feeds(self) -> list[dict[str, Any]]:
        rows = []
        for path in (self._archive.folder / folders.SPEAKERS).glob("*.mkv"):
            with contextlib.suppress(FileNotFoundError):  # the recorder removes those without a frame
                status = path.stat()
                rows.append(
                    {"file": path.name, "octets": status.st_size, "written": round(status.st_mtime * 1000)}
                )
        return sorted(rows, key=lambda row: row["file"])

    def _address(self, path: Path, name: str) -> dict[str, Any]:
        key = self.downloads.ticket(path, name, time.monotonic())
        return {"state": "ready", "url": f"/recordings/{key}", "name": name}


def pieces_of(data: Path, event: str) -> list[Piece]:
    """Every segment of the event that is on disk, by its time: the best rendition of each session."""
    found: list[Piece] = []
    for session in sessions(data):
        if session.event == event:
            found += _best(session)
    return sorted(found, key=lambda piece: piece.wall)


def _best(session: Session) -> list[Piece]:
    reels = [_reel(session, name) for name in session.renditions()]
    return max(reels, key=_octets) if reels else []


def _octets(pieces: list[Piece]) -> int:
    return sum(piece.size for piece in pieces)


def _reel(session: Session, rendition: str) -> list[Piece]:
    reel = session.reel(rendition)
    forms: dict[int, str] = {}
    pieces = []
    for segment in reel.segments():
        if segment.missing:
            continue
        init = reel.init_path(segment.init)
        if segment.init not in forms:
            forms[segment.init] = _digest(init)
        if forms[segment.init]:
            pieces.append(
                Piece(
                    str(reel.path(segment.msn)),
                    str(init),
                    segment.start / VIDEO_SCALE,
                    segment.duration / VIDEO_SCALE,
                    segment.wall / 1000,
                    segment.size,
                    forms[segment.init],
                )
            )
    return pieces


def _digest(path: Path) -> str:
    """The same for the same content; empty where the file is not there."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    except OSError:
        return ""


def _over(said: dict[str, Any]) -> list[dict[str, Any]]:
    chapters = said["chapters"]
    return [each for each in chapters if each["end"] is not None and not each["talk"].startswith(AGAIN)]


def _chapter(told: dict[str, Any]) -> Chapter:
    speakers = tuple(each["name"] for each in told["speakers"])
    return Chapter(told["title"], speakers, told["start"] / 1000, told["end"] / 1000)


def _file_name(text: str) -> str:
    """A text as a file's name on any system."""
    return re.sub(r'[\x00-\x1f<>:"/\\|?*]+', " ", text).strip(" .-")[:120] or "recording"
