"""One rendition of the programme: its playlist, its parts in memory, its segments on disk, and who waits.

Memory holds the parts that the playlist names and one line of text for each older segment; the disk holds
everything. All calls belong to the event loop's thread. Nobody waits for the disk here.
"""

import asyncio
import gzip
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from broadcast.errors import NotFound, RequestError
from broadcast.outputs.hls import cmaf, index, playlist
from broadcast.outputs.hls.clock import Moment
from broadcast.outputs.hls.cmaf import VIDEO_SCALE
from broadcast.outputs.hls.packager import Cut, Header, Listener, Opening, Packager, Part
from broadcast.outputs.hls.playlist import Growing, PartLine, Report, Rules, Segment
from broadcast.outputs.hls.store import Reel
from broadcast.outputs.hls.writer import Writer
from broadcast.rtp.frame import Frame
from broadcast.rtp.h264 import picture_size

PART_SKIP = 1024  # part numbers left out after a restart: a cache may know parts that a crash has undone
SLICE = 25  # waiters that are woken in one turn of the loop, so that media in between is not late
LARGE = 32 << 10  # bytes of a playlist beyond which it is compressed in a thread
BEHIND = 2  # segments beyond the newest that may be asked for (RFC 8216bis, section 6.2.5.2)


@dataclass(frozen=True, slots=True)
class Text:
    """A playlist as it is sent."""

    plain: bytes
    packed: bytes


@dataclass(slots=True)
class Old:
    """A segment that is over and in memory: its lines, its bytes. `lost`: the disk has it not."""

    segment: Segment
    parts: tuple[PartLine, ...]
    data: list[bytes]
    lost: bool = False


class Line:
    """Feed it with `put`; ask it with `media`, `part` and `segment`."""

    def __init__(self, reel: Reel, writer: Writer, cut: Cut, window: float) -> None:
        self._reel = reel
        self._writer = writer
        self._cut = cut
        self.rules = Rules(playlist.target_duration(cut.segment_ticks), cut.part_target)
        self._window = round(window * VIDEO_SCALE)
        self._texts: deque[tuple[Segment, str]] = deque()  # segments without parts, oldest first
        self._ticks = 0  # how long they are
        self._broken_off = 0  # discontinuities that are no longer in the window
        self._recent: deque[Old] = deque()  # the segments whose parts are listed
        self._unwritten: dict[int, list[bytes]] = {}  # segments of which the disk has not spoken yet
        self._growing: Segment | None = None
        self._parts: list[PartLine] = []  # of the growing segment
        self._data: list[bytes] = []  # ... and their bytes
        self._by_number: dict[int, bytes] = {}  # every part that a playlist may name
        self._inits: dict[int, bytes] = {}
        self._init = -1
        self._packager: Packager | None = None
        self._next_msn = self._next_part = self.end = 0
        self._clock: Callable[[int], Moment] = Moment
        self._steps = 0  # of the wall clock, up to the last segment
        self._waiters: list[asyncio.Future[None]] = []
        self._built: dict[bool, asyncio.Task[Text]] = {}
        self._header: Header | None = None
        self.reports: Callable[[], Sequence[Report]] = lambda: ()  # how far the other renditions are
        self.on_segment: Callable[[Segment], None] = lambda segment: None  # one is over, and being kept
        self.made = self.lost = 0
        self.asked_playlists = self.asked_parts = 0

    # -- the beginning -------------------------------------------------------------------------------

    def restore(self, segments: Sequence[Segment], inits: dict[int, bytes]) -> None:
        """What the disk has of this session. Before the first frame."""
        for segment in index.unbroken(segments):
            self._remember(segment)
        if segments:
            last = segments[-1]
            self._next_msn = last.msn + 1
            self._next_part = last.first + last.parts + PART_SKIP
            self.end = last.start + last.duration
        self._inits = inits
        self._init = max(inits, default=-1)

    def begin(self, base: int, clock: Callable[[int], Moment]) -> None:
        """The programme begins to run, `base` ticks into the session; `clock` tells the date of a tick."""
        self._clock = clock
        self._packager = Packager(
            self._cut,
            base=base,
            msn=self._next_msn,
            part=self._next_part,
            discontinuity=self._next_msn > 0,
            on=Listener(self._new_header, self._opened, self._made),
        )

    def put(self, frame: Frame) -> None:
        """A frame of this rendition, or a packet of the programme's sound."""
        if self._packager is not None:
            self._packager.put(frame)

    def close(self) -> None:
        """Keep what there is of the last part. Who waits is told that the server stops."""
        if self._packager is not None:
            self._packager.flush()
        self._packager = None
        self._writer.put(self._reel.close, _ignore)
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_exception(RequestError("The server stops.", code="shutdown", status=503))
        self._waiters = []

    def hold(self, held: bool) -> None:
        """Keep no segments from the next one on, or do again; players go on in any case."""
        self._reel.held = held

    # -- what the packager makes ---------------------------------------------------------------------

    def _new_header(self, header: Header) -> None:
        self._header = header
        data = cmaf.init_segment(header.sps, header.pps)
        if self._inits.get(self._init) == data:
            return
        self._init += 1
        self._inits[self._init] = data

    def _opened(self, opening: Opening) -> None:
        self._finish(opening.start)
        moment = self._clock(opening.start)
        stepped = moment.steps != self._steps
        self._growing = Segment(
            *(opening.msn, opening.start, 0, moment.wall, self._next_part, 0, 0, self._init),
            discontinuity=opening.discontinuity or stepped,
        )
        self._steps = moment.steps
        self._next_msn = opening.msn + 1
        self._built = {}
        self._writer.put(partial(self._reel.begin, self._growing, self._inits[self._init]), _ignore)

    def _made(self, part: Part) -> None:
        assert self._growing is not None, "a part is in a segment"
        self._parts.append(PartLine(part.number, part.duration, part.independent, len(part.data)))
        self._data.append(part.data)
        self._by_number[part.number] = part.data
        self._next_part = part.number + 1
        self.end = part.start + part.duration
        self.made += 1
        self._age()
        self._writer.put(partial(self._reel.append, part.msn, part.data), _ignore, len(part.data))
        self._publish()

    def _finish(self, next_start: int) -> None:
        """The growing segment is over."""
        if self._growing is None or not self._parts:
            return
        whole = replace(
            self._growing,
            duration=sum(part.duration for part in self._parts),
            parts=len(self._parts),
            size=sum(part.size for part in self._parts),
        )
        self._recent.append(Old(whole, tuple(self._parts), self._data))
        self._unwritten[whole.msn] = self._data
        self._growing, self._parts, self._data = None, [], []
        loop = asyncio.get_running_loop()

        def told(kept: bool) -> None:
            with suppress(RuntimeError):  # the disk was so slow that the loop is over
                loop.call_soon_threadsafe(self._written, whole.msn, kept)

        # A job of no bytes is never refused.
        self._writer.put(lambda: told(self._reel.end(whole)), lambda error: told(False))
        self.on_segment(whole)

    def _written(self, msn: int, kept: bool) -> None:
        """The disk has this segment, or never will: players leave it out once memory has let go of it."""
        del self._unwritten[msn]
        if kept:
            return
        self.lost += 1
        for old in self._recent:
            old.lost = old.lost or old.segment.msn == msn
        for place, (segment, _) in enumerate(self._texts):
            if segment.msn == msn:
                self._texts[place] = self._texted(replace(segment, missing=True), place)
                self._built = {}

    def _age(self) -> None:
        """Let go of parts that no playlist names any more, and of what is out of the window."""
        limit = playlist.PART_AGE * self.rules.target * VIDEO_SCALE
        while len(self._recent) > 1 and self.end - _end(self._recent[0].segment) > limit:
            old = self._recent.popleft()
            for part in old.parts:
                self._by_number.pop(part.number, None)
            self._remember(replace(old.segment, missing=old.lost))

    def _remember(self, segment: Segment) -> None:
        self._texts.append(self._texted(segment, len(self._texts)))
        self._ticks += segment.duration
        while self._ticks > self._window and len(self._texts) > 1:
            gone = self._texts.popleft()[0]
            self._ticks -= gone.duration
            self._broken_off += gone.discontinuity

    def _texted(self, segment: Segment, place: int) -> tuple[Segment, str]:
        before = self._texts[place - 1][0].init if place else None
        return segment, segment.lines((), before)

    # -- who waits -----------------------------------------------------------------------------------

    def _publish(self) -> None:
        self._built = {}
        waiters, self._waiters = self._waiters, []
        _wake(waiters)

    async def _next_one(self) -> None:
        """Until the next part is there. Raises RequestError when it takes too long (section 6.2.5.2)."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            async with asyncio.timeout(playlist.PART_AGE * self.rules.target):
                await waiter
        except TimeoutError as error:
            raise RequestError("Nothing new has come.", code="not_yet", status=503) from error
        finally:
            if not waiter.done():
                waiter.cancel()

    async def media(self, msn: int | None = None, part: int | None = None, skip: bool = False) -> Text:
        """The media playlist, once it has segment `msn`, or its part number `part` (counted from 0 in the
        segment, `_HLS_part`); `skip`: as a delta update. Raises RequestError, NotFound."""
        self.asked_playlists += 1
        if msn is None and part is not None:
            raise RequestError("_HLS_part needs _HLS_msn.", code="bad_hls_part")
        if msn is not None and self._beyond(msn, part):
            raise RequestError("That is too far ahead.", code="too_far")
        while not (self._recent or self._growing or self._texts):
            await self._next_one()
        while msn is not None and not self._has(msn, part):
            await self._next_one()
        if not self._texts and skip:
            skip = False
        task = self._built.get(skip)
        if task is None:
            task = self._built[skip] = asyncio.create_task(self._build(skip))
        return await asyncio.shield(task)

    @property
    def _front(self) -> int:
        """The number of the segment in the making, or of the next one."""
        return self._growing.msn if self._growing else self._next_msn

    def _beyond(self, msn: int, part: int | None) -> bool:
        """Whether this is so far ahead that nobody waits for it (section 6.2.5.2)."""
        if part is None or msn < self._front:
            return msn > self._next_msn - 1 + BEHIND
        there = len(self._parts) if msn == self._front else 0
        return part >= there + self.rules.advance_parts or self._beyond(msn, None)

    def _has(self, msn: int, part: int | None) -> bool:
        if msn < self._front:
            if part is None or msn < self._front - 1 or not self._recent:
                return True
            # A part after the segment's last is the first of the next segment (section 6.2.5.2).
            return part < self._recent[-1].segment.parts or bool(self._parts)
        return msn == self._front and part is not None and len(self._parts) > part

    async def part(self, number: int) -> bytes:
        """A part; the one that the playlist hints at is waited for. Raises NotFound, RequestError."""
        self.asked_parts += 1
        while number == self._next_part and self._packager is not None:
            await self._next_one()
        data = self._by_number.get(number)
        if data is None:
            raise NotFound("This part is over, or not there yet.")
        return data

    def segment(self, msn: int) -> list[bytes] | Path:
        """A segment that is over: its pieces while they are in memory, else its file. Raises NotFound."""
        for old in self._recent:
            if old.segment.msn == msn:
                return old.data
        if msn in self._unwritten:
            return self._unwritten[msn]
        place = msn - self._texts[0][0].msn if self._texts else -1
        if not 0 <= place < len(self._texts) or self._texts[place][0].missing:
            raise NotFound("This segment is over, or not there yet.")
        return self._reel.path(msn)

    def init(self, number: int) -> bytes:
        """An init segment. Raises NotFound."""
        data = self._inits.get(number)
        if data is None:
            raise NotFound("There is no such init segment.")
        return data

    # -- the playlist --------------------------------------------------------------------------------

    def report(self, uri: str) -> Report | None:
        """How far this rendition is, for the playlists of the others; None before its first part."""
        if self._growing is not None and self._parts:
            return Report(uri, self._growing.msn, len(self._parts) - 1)
        if self._recent:
            return Report(uri, self._recent[-1].segment.msn, self._recent[-1].segment.parts - 1)
        return None

    def since(self) -> int | None:
        """The Unix ms of the oldest picture to which one can rewind; None before the first."""
        if self._texts:
            return self._texts[0][0].wall
        oldest = self._recent[0].segment if self._recent else self._growing
        return None if oldest is None else oldest.wall

    def shape(self) -> tuple[int, int, str] | None:
        """Width, height and CODECS; None before the first keyframe."""
        if self._header is None:
            return None
        return (*picture_size(self._header.sps), cmaf.codecs(self._header.sps))

    async def _build(self, skip: bool) -> Text:
        plain = self._write(skip).encode()
        if len(plain) > LARGE:
            return Text(plain, await asyncio.to_thread(gzip.compress, plain, 3, mtime=0))
        return Text(plain, gzip.compress(plain, 3, mtime=0))

    def _write(self, skip: bool) -> str:
        texts, recent = self._texts, self._recent
        skipped = self._skipped() if skip else 0
        first = texts[0][0] if texts else recent[0].segment if recent else self._growing
        assert first is not None, "media() has waited for something"
        out = [playlist.header(self.rules, first.msn, self._broken_off, skipped)]
        # The first segment names its map, whatever came before the window.
        if texts and not skipped:
            out.append(texts[0][0].lines())
        out += (texts[place][1] for place in range(max(1, skipped), len(texts)))
        before = texts[-1][0].init if texts else None
        for old in recent:
            out.append(old.segment.lines(old.parts, before))
            before = old.segment.init
        if self._growing is not None and self._parts:
            g = self._growing
            out.append(Growing(g.msn, g.wall, g.init, g.discontinuity, self._parts).lines(before))
        out.append(playlist.footer(self._next_part, self.reports()))
        return "".join(out)

    def _skipped(self) -> int:
        """How many segments a delta update leaves out; never one whose parts are listed."""
        growing = sum(part.duration for part in self._parts)
        growing += sum(old.segment.duration for old in self._recent)
        tail = [segment.duration for segment, _ in list(self._texts)[-200:]]
        return len(self._texts) - len(tail) + playlist.skippable(tail, growing, self.rules)

    def stats(self) -> dict[str, float]:
        """Figures for metrics."""
        filled = self._packager.filled if self._packager else 0
        return {
            "parts": self.made,
            "segments": len(self._texts) + len(self._recent),
            "lost_segments": self.lost,
            "filled_pictures": filled,
            "asked_playlists": self.asked_playlists,
            "asked_parts": self.asked_parts,
            "waiting_requests": len(self._waiters),
            "memory_bytes": sum(map(len, self._by_number.values())),
        }


def _wake(waiters: Sequence["asyncio.Future[None]"]) -> None:
    """Some of them now, the others in the next turns."""
    for waiter in waiters[:SLICE]:
        if not waiter.done():
            waiter.set_result(None)
    if len(waiters) > SLICE:
        asyncio.get_running_loop().call_soon(_wake, waiters[SLICE:])


def _end(segment: Segment) -> int:
    return segment.start + segment.duration


def _ignore(error: OSError) -> None:
    """The segment's end finds out that it is not whole."""
