"""(P) The index of a rendition on disk: one JSON line when a segment begins, one when it is over.

    {"open": 12, "start": 2160000, "wall": 1680069600000, "first": 96, "init": 0, "discontinuity": false}
    {"done": 12, "duration": 180000, "parts": 8, "size": 612345}
    {"lost": 12, "duration": 180000, "parts": 8}

`lost` stands for `done` where the segment could not be kept (a full disk). A crash leaves a segment open, or
a line cut off: the segment's own file then says what it holds (`cmaf.fragments`), and `recovered` closes it.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from broadcast.outputs.hls.cmaf import Fragment
from broadcast.outputs.hls.playlist import Segment


@dataclass(slots=True)
class Index:
    """What the lines say: the segments that are over, oldest first, the one that was being made, and the
    number that was given last."""

    segments: list[Segment] = field(default_factory=list)
    open: dict[str, Any] | None = None
    last: int = -1


def opened(segment: Segment) -> str:
    """The line for a segment that begins; how long it is nobody knows yet."""
    return _line(
        open=segment.msn,
        start=segment.start,
        wall=segment.wall,
        first=segment.first,
        init=segment.init,
        discontinuity=segment.discontinuity,
    )


def closed(segment: Segment) -> str:
    """The line for a segment that is over."""
    if segment.missing:
        return _line(lost=segment.msn, duration=segment.duration, parts=segment.parts)
    return _line(done=segment.msn, duration=segment.duration, parts=segment.parts, size=segment.size)


def read(lines: Iterable[str]) -> Index:
    """The index in these lines. A line that is cut off or makes no sense is left out, and what depends on
    it: a crash writes half a line, a full disk none."""
    index = Index()
    for line in lines:
        try:
            said = json.loads(line)
            if "open" in said:
                index.last = int(said["open"])
                index.open = said
            elif index.open is not None and index.open["open"] == said.get("done", said.get("lost")):
                duration, parts, size = int(said["duration"]), int(said["parts"]), int(said.get("size", 0))
                index.segments.append(_segment(index.open, duration, parts, size, "lost" in said))
                index.open = None
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
    return index


def unbroken(segments: Sequence[Segment]) -> Sequence[Segment]:
    """The last of them that have one number after another: no playlist can leave out one between."""
    breaks = (n for n in range(len(segments) - 1, 0, -1) if segments[n].msn != segments[n - 1].msn + 1)
    return segments[next(breaks, 0) :]


def number(line: str) -> int | None:
    """Of which segment a line speaks; None: it makes no sense."""
    try:
        said = json.loads(line)
        return int(said.get("open", said.get("done", said.get("lost"))))
    except (ValueError, TypeError, AttributeError):
        return None


def recovered(said: dict[str, Any], fragments: Sequence[Fragment]) -> Segment | None:
    """The segment that a crash left open, from the parts in its file; None when there is none."""
    if not fragments:
        return None
    try:
        last = fragments[-1]
        duration = last.start + last.duration - fragments[0].start
        return _segment(said, duration, len(fragments), last.offset + last.size, False)
    except (ValueError, KeyError, TypeError):
        return None


def _segment(said: dict[str, Any], duration: int, parts: int, size: int, missing: bool) -> Segment:
    return Segment(
        int(said["open"]),
        int(said["start"]),
        duration,
        int(said["wall"]),
        int(said["first"]),
        parts,
        size,
        int(said["init"]),
        bool(said["discontinuity"]),
        missing,
    )


def _line(**fields: Any) -> str:
    return json.dumps(fields) + "\n"
