"""(P) What of a rendition is offered: old segments as a text each, the last with parts in memory, and the
one in the making.

Whatever a playlist names can be had until no playlist names it any more.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

import broadcast.outputs.hls.playlist as playlist
from broadcast.errors import NotFound
from broadcast.outputs.hls.cmaf import VIDEO_SCALE
from broadcast.outputs.hls.packager import Part
from broadcast.outputs.hls.playlist import Growing, PartLine, Report, Rules, Segment

BEHIND = 2  # segments beyond the newest that may be asked for (RFC 8216bis, section 6.2.5.2)
TAIL = 200  # segments at the end among which those are that no delta update skips


@dataclass(slots=True)
class Recent:
    """A segment in memory, in the making or over: its lines, its bytes. `lost`: the disk has it not."""

    segment: Segment
    parts: list[PartLine]
    data: list[bytes]
    lost: bool = False


class Window:
    """`remember` what the disk has; then `open` each segment, `add` its parts and `finish` it.

    `ticks`: how long it is beyond the segments in memory.
    """

    def __init__(self, rules: Rules, ticks: int) -> None:
        self.rules = rules
        self._length = ticks
        self._texts: deque[tuple[Segment, str]] = deque()  # segments without parts, oldest first
        self._ticks = 0  # how long they are
        self._broken_off = 0  # discontinuities that are no longer in the window
        self._recent: deque[Recent] = deque()  # the segments that are over and whose parts are listed
        self._growing: Recent | None = None
        self._by_number: dict[int, bytes] = {}  # every part that a playlist may name
        self._unwritten: dict[int, list[bytes]] = {}  # segments of which the disk has not spoken yet
        self.next_msn = self.next_part = 0
        self.end = 0  # of the last part, in ticks of the session

    # -- what there is -------------------------------------------------------------------------------

    def open(self, segment: Segment) -> None:
        """A segment begins."""
        self._growing = Recent(segment, [], [])
        self.next_msn = segment.msn + 1

    def add(self, part: Part) -> None:
        """A part of the segment in the making."""
        assert self._growing is not None, "a part is in a segment"
        self._growing.parts.append(PartLine(part.number, part.duration, part.independent, len(part.data)))
        self._growing.data.append(part.data)
        self._by_number[part.number] = part.data
        self.next_part = part.number + 1
        self.end = part.start + part.duration
        self._age()

    def finish(self) -> Segment | None:
        """The segment in the making is over; `settle` it when the disk has spoken. None: there is none."""
        done, self._growing = self._growing, None
        if done is None or not done.parts:
            return None
        done.segment = replace(
            done.segment,
            duration=sum(part.duration for part in done.parts),
            parts=len(done.parts),
            size=sum(part.size for part in done.parts),
        )
        self._recent.append(done)
        self._unwritten[done.segment.msn] = done.data
        return done.segment

    def settle(self, msn: int, *, kept: bool) -> None:
        """The disk has this segment, or never will: players leave it out once memory has let go of it."""
        del self._unwritten[msn]
        if kept:
            return
        for recent in self._recent:
            recent.lost = recent.lost or recent.segment.msn == msn
        place = self._place(msn)
        if place is not None:
            self._texts[place] = self._texted(replace(self._texts[place][0], missing=True), place)

    def remember(self, segment: Segment) -> None:
        """A segment that only the disk has. What is older than the window goes."""
        self._texts.append(self._texted(segment, len(self._texts)))
        self._ticks += segment.duration
        while self._ticks > self._length and len(self._texts) > 1:
            gone = self._texts.popleft()[0]
            self._ticks -= gone.duration
            self._broken_off += gone.discontinuity

    def go_on(self, last: Segment, skip: int) -> None:
        """The next segment comes after this one, and leaves out so many numbers of parts."""
        self.next_msn = last.msn + 1
        self.next_part = last.first + last.parts + skip
        self.end = last.start + last.duration

    def _age(self) -> None:
        """Let go of parts that no playlist names any more."""
        limit = self.end - playlist.PART_AGE * self.rules.target * VIDEO_SCALE
        while len(self._recent) > 1 and _end(self._recent[0].segment) < limit:
            old = self._recent.popleft()
            for part in old.parts:
                del self._by_number[part.number]
            self.remember(replace(old.segment, missing=old.lost))

    def _texted(self, segment: Segment, place: int) -> tuple[Segment, str]:
        before = self._texts[place - 1][0].init if place else None
        return segment, segment.lines((), before)

    def _place(self, msn: int) -> int | None:
        """Where among the texts this segment is."""
        place = msn - self._texts[0][0].msn if self._texts else -1
        return place if 0 <= place < len(self._texts) else None

    # -- what is asked for ---------------------------------------------------------------------------

    def __bool__(self) -> bool:
        """Whether there is something to offer."""
        return bool(self._texts or self._recent or self._parts)

    @property
    def front(self) -> int:
        """The number of the segment in the making, or of the next one."""
        return self._growing.segment.msn if self._growing else self.next_msn

    @property
    def _parts(self) -> Sequence[PartLine]:
        """Of the segment in the making."""
        return self._growing.parts if self._growing else ()

    def beyond(self, msn: int, part: int | None) -> bool:
        """Whether this is so far ahead that nobody waits for it (section 6.2.5.2)."""
        if part is None or msn < self.front:
            return msn > self.next_msn - 1 + BEHIND
        there = len(self._parts) if msn == self.front else 0
        return part >= there + self.rules.advance_parts or self.beyond(msn, None)

    def has(self, msn: int, part: int | None) -> bool:
        """Whether the playlist has this segment, whole, or its part of this place."""
        if msn < self.front:
            if part is None or msn < self.front - 1 or not self._recent:
                return True
            # A part after the segment's last is the first of the next segment (section 6.2.5.2).
            return part < self._recent[-1].segment.parts or bool(self._parts)
        return msn == self.front and part is not None and len(self._parts) > part

    def part(self, number: int) -> bytes:
        """A part. Raises NotFound."""
        data = self._by_number.get(number)
        if data is None:
            raise NotFound("This part is over, or not there yet.")
        return data

    def segment(self, msn: int) -> list[bytes] | None:
        """The pieces of a segment that is over; None: its file is there, and nothing in memory. Raises
        NotFound."""
        for recent in self._recent:
            if recent.segment.msn == msn:
                return recent.data
        if msn in self._unwritten:
            return self._unwritten[msn]
        place = self._place(msn)
        if place is None or self._texts[place][0].missing:
            raise NotFound("This segment is over, or not there yet.")
        return None

    def report(self, uri: str) -> Report | None:
        """How far this rendition is, for the playlists of the others; None before its first part."""
        for last in (self._growing, *reversed(self._recent)):
            if last is not None and last.parts:
                return Report(uri, last.segment.msn, len(last.parts) - 1)
        return None

    def oldest(self) -> Segment | None:
        """The first segment to which one can rewind."""
        if self._texts:
            return self._texts[0][0]
        first = self._recent[0] if self._recent else self._growing
        return None if first is None else first.segment

    def write(self, skip: bool, reports: Sequence[Report]) -> str:
        """The media playlist; `skip`: as a delta update, where there is something to skip."""
        texts, first = self._texts, self.oldest()
        assert first is not None, "who asks has waited for something"
        skipped = self._skipped() if skip else 0
        out = [playlist.header(self.rules, first.msn, self._broken_off, skipped)]
        # The first segment names its map, whatever came before the window.
        if texts and not skipped:
            out.append(texts[0][0].lines())
        out += (texts[place][1] for place in range(max(1, skipped), len(texts)))
        before = texts[-1][0].init if texts else None
        for recent in self._recent:
            out.append(recent.segment.lines(recent.parts, before))
            before = recent.segment.init
        if self._growing is not None and self._parts:
            g = self._growing.segment
            out.append(Growing(g.msn, g.wall, g.init, g.discontinuity, self._parts).lines(before))
        out.append(playlist.footer(self.next_part, reports))
        return "".join(out)

    def _skipped(self) -> int:
        """How many segments a delta update leaves out; never one whose parts are listed."""
        growing = sum(part.duration for part in self._parts)
        growing += sum(recent.segment.duration for recent in self._recent)
        tail = [segment.duration for segment, _ in list(self._texts)[-TAIL:]]
        return len(self._texts) - len(tail) + playlist.skippable(tail, growing, self.rules)

    def stats(self) -> dict[str, float]:
        """Figures for metrics."""
        return {
            "segments": len(self._texts) + len(self._recent),
            "memory_bytes": sum(map(len, self._by_number.values())),
        }


def _end(segment: Segment) -> int:
    return segment.start + segment.duration
