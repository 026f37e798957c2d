"""One rendition of the programme: what the packager makes goes to the window, to who waits, and to the disk.

All calls belong to the event loop's thread. Nobody waits for the disk here.
"""

import asyncio
import gzip
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from broadcast.errors import NotFound, RequestError
from broadcast.outputs.hls import cmaf, index, playlist
from broadcast.outputs.hls.clock import Moment
from broadcast.outputs.hls.cmaf import VIDEO_SCALE
from broadcast.outputs.hls.packager import Cut, Header, Listener, Opening, Packager, Part
from broadcast.outputs.hls.playlist import Report, Rules, Segment
from broadcast.outputs.hls.store import Reel
from broadcast.outputs.hls.window import Window
from broadcast.outputs.hls.writer import Writer
from broadcast.rtp.frame import Frame
from broadcast.rtp.h264 import picture_size

PART_SKIP = 1024  # part numbers left out after a restart: a cache may know parts that a crash has undone
SLICE = 25  # waiters that are woken in one turn of the loop, so that media in between is not late
LARGE = 32 << 10  # bytes of a playlist beyond which it is compressed in a thread


@dataclass(frozen=True, slots=True)
class Text:
    """A playlist as it is sent."""

    plain: bytes
    packed: bytes


class Rendition:
    """Feed it with `put`; ask it with `media`, `part` and `segment`."""

    def __init__(self, reel: Reel, writer: Writer, cut: Cut, window: float) -> None:
        self._reel = reel
        self._writer = writer
        self._cut = cut
        rules = Rules(playlist.target_duration(cut.segment_ticks), cut.part_target)
        self._window = Window(rules, round(window * VIDEO_SCALE))
        self._patience = playlist.PART_AGE * rules.target  # seconds (section 6.2.5.2)
        self._inits: dict[int, bytes] = {}
        self._init = -1
        self._packager: Packager | None = None
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
            self._window.remember(segment)
        if segments:
            self._window.go_on(segments[-1], PART_SKIP)
        self._inits = inits
        self._init = max(inits, default=-1)

    def begin(self, base: int, clock: Callable[[int], Moment]) -> None:
        """The programme begins to run, `base` ticks into the session; `clock` tells the date of a tick."""
        self._clock = clock
        self._packager = Packager(
            self._cut,
            base=base,
            msn=self._window.next_msn,
            part=self._window.next_part,
            discontinuity=self._window.next_msn > 0,
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

    @property
    def end(self) -> int:
        """Where the last part ends, in ticks of the session."""
        return self._window.end

    # -- what the packager makes ---------------------------------------------------------------------

    def _new_header(self, header: Header) -> None:
        self._header = header
        data = cmaf.init_segment(header.sps, header.pps)
        if self._inits.get(self._init) == data:
            return
        self._init += 1
        self._inits[self._init] = data

    def _opened(self, opening: Opening) -> None:
        self._finish()
        moment = self._clock(opening.start)
        stepped = moment.steps != self._steps
        segment = Segment(
            *(opening.msn, opening.start, 0, moment.wall, self._window.next_part, 0, 0, self._init),
            discontinuity=opening.discontinuity or stepped,
        )
        self._steps = moment.steps
        self._window.open(segment)
        self._built = {}
        self._writer.put(partial(self._reel.begin, segment, self._inits[self._init]), _ignore)

    def _made(self, part: Part) -> None:
        self._window.add(part)
        self.made += 1
        self._writer.put(partial(self._reel.append, part.msn, part.data), _ignore, len(part.data))
        self._publish()

    def _finish(self) -> None:
        """The segment in the making is over, if there is one."""
        whole = self._window.finish()
        if whole is None:
            return
        loop = asyncio.get_running_loop()

        def told(kept: bool) -> None:
            with suppress(RuntimeError):  # the disk was so slow that the loop is over
                loop.call_soon_threadsafe(self._written, whole.msn, kept)

        # A job of no bytes is never refused.
        self._writer.put(lambda: told(self._reel.end(whole)), lambda error: told(False))
        self.on_segment(whole)

    def _written(self, msn: int, kept: bool) -> None:
        """The disk has spoken of a segment."""
        self._window.settle(msn, kept=kept)
        if not kept:
            self.lost += 1
            self._built = {}

    # -- who waits -----------------------------------------------------------------------------------

    def _publish(self) -> None:
        self._built = {}
        waiters, self._waiters = self._waiters, []
        _wake(waiters)

    async def _next_one(self) -> None:
        """Until the next part is there. Raises RequestError when it takes too long."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            async with asyncio.timeout(self._patience):
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
        if msn is not None and self._window.beyond(msn, part):
            raise RequestError("That is too far ahead.", code="too_far")
        while not self._window or (msn is not None and not self._window.has(msn, part)):
            await self._next_one()
        task = self._built.get(skip)
        if task is None:
            task = self._built[skip] = asyncio.create_task(self._build(skip))
        return await asyncio.shield(task)

    async def part(self, number: int) -> bytes:
        """A part; the one that the playlist hints at is waited for. Raises NotFound, RequestError."""
        self.asked_parts += 1
        while number == self._window.next_part and self._packager is not None:
            await self._next_one()
        return self._window.part(number)

    def segment(self, msn: int) -> list[bytes] | Path:
        """A segment that is over: its pieces while they are in memory, else its file. Raises NotFound."""
        return self._window.segment(msn) or self._reel.path(msn)

    def init(self, number: int) -> bytes:
        """An init segment. Raises NotFound."""
        data = self._inits.get(number)
        if data is None:
            raise NotFound("There is no such init segment.")
        return data

    # -- the playlist --------------------------------------------------------------------------------

    def report(self, uri: str) -> Report | None:
        """How far this rendition is, for the playlists of the others; None before its first part."""
        return self._window.report(uri)

    def since(self) -> int | None:
        """The Unix ms of the oldest picture to which one can rewind; None before the first."""
        oldest = self._window.oldest()
        return None if oldest is None else oldest.wall

    def shape(self) -> tuple[int, int, str] | None:
        """Width, height and CODECS; None before the first keyframe."""
        if self._header is None:
            return None
        return (*picture_size(self._header.sps), cmaf.codecs(self._header.sps))

    async def _build(self, skip: bool) -> Text:
        plain = self._window.write(skip, self.reports()).encode()
        if len(plain) > LARGE:
            return Text(plain, await asyncio.to_thread(gzip.compress, plain, 3, mtime=0))
        return Text(plain, gzip.compress(plain, 3, mtime=0))

    def stats(self) -> dict[str, float]:
        """Figures for metrics."""
        filled = self._packager.filled if self._packager else 0
        return {
            "parts": self.made,
            **self._window.stats(),
            "lost_segments": self.lost,
            "filled_pictures": filled,
            "asked_playlists": self.asked_playlists,
            "asked_parts": self.asked_parts,
            "waiting_requests": len(self._waiters),
        }


def _wake(waiters: Sequence["asyncio.Future[None]"]) -> None:
    """Some of them now, the others in the next turns."""
    for waiter in waiters[:SLICE]:
        if not waiter.done():
            waiter.set_result(None)
    if len(waiters) > SLICE:
        asyncio.get_running_loop().call_soon(_wake, waiters[SLICE:])


def _ignore(error: OSError) -> None:
    """The segment's end finds out that it is not whole."""
