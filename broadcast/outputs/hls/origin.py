"""The origin: every rendition of the session on the air, and what is asked for by URL.

    /live/index.m3u8                                  the renditions
    /live/<session>/<rendition>/media.m3u8            blocking reload, delta updates
    /live/<session>/<rendition>/{init-N.mp4,seg-N.m4s,part-N.m4s}
    /live/<session>/thumbs/<Unix seconds>.jpg

Frames come in by `put`; the first one tells how the programme's clock lies to the session's line.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from broadcast.errors import NotFound, PavilionError
from broadcast.outputs.hls import playlist
from broadcast.outputs.hls.clock import Clock
from broadcast.outputs.hls.cmaf import VIDEO_SCALE
from broadcast.outputs.hls.packager import Cut, whole_base
from broadcast.outputs.hls.playlist import Report, Segment, Variant
from broadcast.outputs.hls.rendition import Rendition
from broadcast.outputs.hls.store import Reel, Session, current_session, keep_thumb
from broadcast.outputs.hls.writer import Writer
from broadcast.rtp.frame import Codec, Frame, Kind

MAIN = "main"  # the rendition in the programme's own size
STOP_SECONDS = 3.0  # for what still waits to be written
JUMP = 0.05  # seconds that a session's line goes on at least, if the clock was set back


@dataclass(frozen=True, slots=True)
class OriginSettings:
    """Times in seconds, rates in kbit/s."""

    data: Path
    event: str
    fps: int = 30
    part: float = 0.25
    segment: float = 2.0
    window: float = 4 * 3600.0  # how far players can rewind
    resume: float = 12 * 3600.0  # a session goes on after a restart within this
    fsync: str = "segment"
    video_kbps: dict[str, int] | None = None  # of each rendition at most, the best first
    audio_kbps: int = 128

    @property
    def cut(self) -> Cut:
        return Cut.of(self.fps, self.part, self.segment)

    @property
    def renditions(self) -> dict[str, int]:
        return self.video_kbps or {MAIN: 2500}


class Origin:
    """`await start()`, then `put` frames. All calls belong to the event loop's thread.

    `boot` tells the Unix time at which the monotonic clock was 0.
    """

    def __init__(
        self, settings: OriginSettings, boot: Callable[[], float] = lambda: time.time() - time.monotonic()
    ) -> None:
        self._settings = settings
        self._boot = boot
        self._writer = Writer()
        self._begun = False
        self.session: Session
        self.renditions: dict[str, Rendition] = {}
        self._reels: dict[str, Reel] = {}
        self.on_segment: Callable[[str, Segment], None] = lambda rendition, segment: None

    async def start(self) -> None:
        """Find the session to go on with, or begin one. Raises PavilionError when the disk refuses."""
        try:
            self.session, found = await asyncio.to_thread(self._load)
        except OSError as error:
            raise PavilionError(
                f"The folder for the recording cannot be used: {error}", code="data_unusable"
            ) from error
        self._writer.start()
        for name, (reel, segments, inits) in found.items():
            rendition = Rendition(reel, self._writer, self._settings.cut, self._settings.window)
            rendition.restore(segments, inits)
            rendition.reports = partial(self._reports, name)
            rendition.on_segment = partial(self._over, name)
            self.renditions[name] = rendition
            self._reels[name] = reel

    async def stop(self) -> None:
        """Keep what there is, and stop writing."""
        for each in self.renditions.values():
            each.close()
        await asyncio.to_thread(self._writer.stop, STOP_SECONDS)

    def put(self, frame: Frame, rendition: str = MAIN) -> None:
        """A picture of this rendition, or a packet (AAC) of the programme's sound, which all share."""
        if frame.codec not in (Codec.H264, Codec.AAC):
            return
        if not self._begun:
            self._begin(frame)
        if frame.kind is Kind.AUDIO:
            for each in self.renditions.values():
                each.put(frame)
        elif rendition in self.renditions:
            self.renditions[rendition].put(frame)

    def hold(self, held: bool) -> None:
        """The disk has no room: keep nothing until it has. What is live goes on."""
        for each in self.renditions.values():
            each.hold(held)

    @property
    def written(self) -> int:
        """Bytes that have gone to the disk."""
        return self._writer.done

    def snapshot(self, second: int, jpeg: bytes) -> None:
        """Keep a small picture of this Unix second. One that the disk refuses is not there."""
        self._writer.put(partial(keep_thumb, self.session, second, jpeg), lambda error: None, len(jpeg))

    def trim(self, session: str, rendition: str, gone: Collection[int]) -> bool:
        """These segments, to which nobody can rewind any more, go from the disk. False: this is not on the
        air, so that nobody writes there."""
        reel = self._reels.get(rendition) if session == self.session.id else None
        if reel is not None:
            self._writer.put(partial(reel.trim, gone), lambda error: None)
        return reel is not None

    # -- by URL --------------------------------------------------------------------------------------

    def rendition(self, session: str, name: str) -> Rendition:
        """The rendition on the air. Raises NotFound, also for a session that is over."""
        rendition = self.renditions.get(name)
        if rendition is None or session != self.session.id:
            raise NotFound("This programme is over.", code="session_over")
        return rendition

    def multivariant(self) -> str:
        """The playlist of renditions. Raises PavilionError (503) before the first keyframe."""
        variants = []
        for name, kbps in self._settings.renditions.items():
            shape = self.renditions[name].shape()
            if shape is None:
                continue
            width, height, codecs = shape
            average = (kbps + self._settings.audio_kbps) * 1000
            uri = f"{self.session.id}/{name}/media.m3u8"
            variants.append(
                Variant(uri, average * 3 // 2, average, width, height, self._settings.fps, codecs)
            )
        if not variants:
            raise PavilionError("The programme is not on the air yet.", code="not_yet", status=503)
        return playlist.multivariant(variants)

    def since(self) -> int | None:
        """How far back one can go: Unix ms; None before the first picture."""
        return self.renditions[MAIN].since()

    def thumb(self, session: str, second: int) -> Path:
        """Where the thumbnail of this Unix second lies, if there is one. Raises NotFound for a session that
        is over."""
        if session != self.session.id:
            raise NotFound("This programme is over.", code="session_over")
        return self.session.thumbs / f"{second}.jpg"

    def stats(self) -> dict[str, float]:
        """Figures for metrics: of all renditions, and of the writer."""
        figures: dict[str, float] = {}
        for each in self.renditions.values():
            for name, value in each.stats().items():
                figures[name] = figures.get(name, 0) + value
        return {
            **figures,
            "unwritten_bytes": self._writer.waiting,
            "write_failures": self._writer.failures,
            "write_refusals": self._writer.refused,
        }

    # -- inside --------------------------------------------------------------------------------------

    def _load(self) -> tuple[Session, dict[str, tuple[Reel, list[Segment], dict[int, bytes]]]]:
        settings = self._settings
        session = current_session(settings.data, settings.event, settings.resume, time.time())
        found = {}
        for name in settings.renditions:
            reel = session.reel(name, settings.fsync)
            segments = reel.load()
            found[name] = (reel, segments, _inits(reel))
        return session, found

    def _begin(self, frame: Frame) -> None:
        """Where the programme's tick 0 lies on the session's line, by this frame."""
        self._begun = True
        zero = frame.captured - frame.timestamp / frame.codec.clock_rate
        ends = max(each.end for each in self.renditions.values())
        elapsed = frame.timestamp * VIDEO_SCALE // frame.codec.clock_rate
        by_clock = round((zero + self._boot() - self.session.started) * VIDEO_SCALE)
        base = whole_base(max(by_clock, ends + round(JUMP * VIDEO_SCALE) - elapsed, 0))
        clock = Clock(zero - base / VIDEO_SCALE, self._boot)
        for each in self.renditions.values():
            each.begin(base, clock.at)

    def _reports(self, own: str) -> Sequence[Report]:
        others = (item for item in self.renditions.items() if item[0] != own)
        found = (each.report(f"../{name}/media.m3u8") for name, each in others)
        return [report for report in found if report is not None]

    def _over(self, rendition: str, segment: Segment) -> None:
        self.on_segment(rendition, segment)


def _inits(reel: Reel) -> dict[int, bytes]:
    found = {}
    for path in reel.folder.glob("init-*.mp4"):
        number = path.stem.removeprefix("init-")
        if number.isdecimal():
            found[int(number)] = path.read_bytes()
    return found
