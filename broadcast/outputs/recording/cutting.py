"""(P) Which pieces of the programme a download is made of, and where in it each talk begins.

The programme lies on disk as segments on one or several lines of time (a restart after a long pause begins
another). A download is a row of them; what is missing between two (the server was down, the disk full) is
left out, so that the file plays through. Walls are Unix seconds, the rest seconds.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

LEAD = 2.0  # seconds before the first talk that are part of its chapter
TOUCH = 0.002  # seconds between two pieces that are one stretch: rounding


@dataclass(frozen=True, slots=True)
class Piece:
    """One segment on disk: its file, the file that it needs before it, `start` on its own line of time.

    `form`: the same for pieces that can be one stretch of a file (the content of `init`).
    """

    media: str
    init: str
    start: float
    seconds: float
    wall: float
    size: int = 0
    form: str = ""

    @property
    def end(self) -> float:
        return self.wall + self.seconds


@dataclass(frozen=True, slots=True)
class Chapter:
    """A talk as it was on air."""

    title: str
    speakers: tuple[str, ...]
    start: float
    end: float

    @property
    def told(self) -> str:
        """As players list it."""
        return f"{', '.join(self.speakers)}: {self.title}" if self.speakers else self.title


@dataclass(frozen=True, slots=True)
class Mark:
    """A chapter's place in a file, in seconds from the first piece's start."""

    title: str
    start: float
    end: float


@dataclass(frozen=True)  # without slots, for what is cached
class Job:
    """What `export.py` makes a file of: from `begin` to `end`, seconds from the first piece's start."""

    pieces: tuple[Piece, ...]
    begin: float
    end: float
    marks: tuple[Mark, ...]
    metadata: dict[str, str]

    @property
    def size(self) -> int:
        """About how large the file will be, in octets."""
        return sum(piece.size for piece in self.pieces)

    @cached_property
    def digest(self) -> str:
        """Another for each other content. Takes a moment for a long file, once."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:12]

    def as_json(self) -> dict[str, Any]:
        """For the process that does it."""
        return asdict(self)


def job_of(table: dict[str, Any]) -> Job:
    """The reverse of `as_json`."""
    return Job(
        tuple(Piece(**piece) for piece in table["pieces"]),
        table["begin"],
        table["end"],
        tuple(Mark(**mark) for mark in table["marks"]),
        table["metadata"],
    )


def cut(
    pieces: Sequence[Piece], start: float, end: float, chapters: Sequence[Chapter], metadata: dict[str, str]
) -> Job | None:
    """The file of what was on the programme from wall `start` to `end`; None: nothing of it is there.

    `pieces` in the order of their walls. Of several forms (the programme's size was changed in between) the
    one of most of the time is taken, for a file has one.
    """
    within = _alike([piece for piece in pieces if piece.end > start and piece.wall < end])
    if not within:
        return None
    marks = [
        Mark(chapter.told, place(within, chapter.start), place(within, chapter.end))
        for chapter in chapters
        if chapter.end > start and chapter.start < end
    ]
    begin = place(within, start)
    heard = _from(begin, [mark for mark in marks if mark.end > mark.start], metadata.get("title", ""))
    return Job(within, begin, place(within, end), heard, metadata)


def _from(begin: float, marks: list[Mark], title: str) -> tuple[Mark, ...]:
    """MP4's chapters begin with the file: what comes before the first talk is a chapter, too."""
    if marks and marks[0].start - begin >= LEAD:
        return (Mark(title, begin, marks[0].start), *marks)
    return (*(replace(mark, start=begin) for mark in marks[:1]), *marks[1:])


def _alike(pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    seconds: dict[str, float] = {}
    for piece in pieces:
        seconds[piece.form] = seconds.get(piece.form, 0.0) + piece.seconds
    most = max(seconds, key=lambda form: seconds[form], default="")
    return tuple(piece for piece in pieces if piece.form == most)


def place(pieces: Sequence[Piece], wall: float) -> float:
    """Where in a row of pieces this moment is; one that is missing is where the next piece begins."""
    at = 0.0
    for piece in pieces:
        if wall < piece.end:
            return at + max(0.0, wall - piece.wall)
        at += piece.seconds
    return at


def stretches(pieces: Sequence[Piece]) -> list[tuple[float, list[Piece]]]:
    """The pieces in rows without a gap, each with its place in the file."""
    rows: list[tuple[float, list[Piece]]] = []
    at = 0.0
    for piece in pieces:
        last = rows[-1][1][-1] if rows else None
        joins = (
            last is not None
            and last.init == piece.init
            and abs(last.start + last.seconds - piece.start) < TOUCH
        )
        if joins:
            rows[-1][1].append(piece)
        else:
            rows.append((at, [piece]))
        at += piece.seconds
    return rows
