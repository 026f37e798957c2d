"""Clips: a media file as a feed. Converted once in a process of its own, then read and sent in real time.

The converted file lies in the cache under the hash of the original's content, so a clip is converted once
in its life. It holds H264 (baseline, 30 pictures a second, a keyframe each second, no wider than 1280 x 720)
and, if the original has sound, Opus: just what a camera sends, so no other part knows the difference.
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from fractions import Fraction
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeAlias

import av

from broadcast import chores
from broadcast.errors import MediaError
from broadcast.feeds.feed import Feed
from broadcast.feeds.prepare import BLOCK, FPS, RATE, VERSION
from broadcast.rtp import h264
from broadcast.rtp.frame import Codec, Frame

log = logging.getLogger(__name__)

STILL_EVERY = 0.25  # seconds between repetitions of the first picture while the clip waits for its take
BATCH = 40  # frames that are read from the disk at once, about half a second
LATE = 1.0  # seconds; a clip that is later than this (a machine that slept) goes on from now
BEFORE = 60.0  # seconds; frames of so long ago still have a timestamp: the keyframe before where one goes on
CHUNK = 1 << 20  # octets
_Frames: TypeAlias = Iterator[tuple[float, Frame]]
Room: TypeAlias = Callable[[int], Awaitable[bool]]  # whether a file of so many octets may be made


async def plenty(octets: int) -> bool:
    """There is always room."""
    return True


class ClipFeed(Feed):
    """`await prepare()` first; then `cue()` (the first picture stands), `play()`, `stop()`.

    Timestamps go on growing over loops and from one play to the next. `on_ended` is called when a clip
    that does not loop has been sent to its end, and when one cannot be read any further: that is not
    `prepared` any more. `own`: the file is a recording of the programme, whose pictures need no conversion.
    """

    def __init__(self, id: str, path: Path, loop: bool, cache_dir: Path, own: bool = False) -> None:
        super().__init__(id, kind="clip")
        self.path = path
        self.loop = loop
        self.on_ended: Callable[[], None] | None = None
        self._cache = cache_dir
        self._own = "own" if own else ""
        self._file: Path | None = None
        self._born = time.monotonic() - BEFORE
        self._task: asyncio.Task[None] | None = None

    @property
    def prepared(self) -> bool:
        """Whether it can be cued and played."""
        return self._file is not None

    @property
    def playing(self) -> bool:
        """Whether it sends anything: cued or playing."""
        return self._task is not None and not self._task.done()

    async def prepare(self, room: Room = plenty) -> None:
        """Convert the file unless the cache has it. Raises MediaError."""
        target = self._cache / f"{await asyncio.to_thread(_digest, self.path)}{self._own}.nut"
        if not target.is_file():
            log.info("%s: converting %s", self.id, self.path.name)
            await _convert(self.path, target, self._own, room)
        self._file = target

    def cue(self) -> None:
        """Send the first picture again and again, so that it stands ready in the mixer."""
        self._start(self._stand)

    def play(self, at: float = 0.0) -> None:
        """Send the clip in real time, from `at` seconds on; a loop goes on where it would be by then."""
        self._start(partial(self._run, at=at))

    def stop(self) -> None:
        """Send nothing more. Idempotent."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def close(self, reason: str = "closed") -> None:
        self.stop()
        super().close(reason)

    def _start(self, work: Callable[[Path], Coroutine[None, None, None]]) -> None:
        self.stop()
        if self._file is not None and self.closed is None:
            self._task = asyncio.create_task(self._watched(work, self._file))

    async def _watched(self, work: Callable[[Path], Coroutine[None, None, None]], path: Path) -> None:
        """A clip that sends nothing more must say so, whatever the reason, for something has to follow."""
        try:
            await work(path)
        except Exception:
            log.exception("%s cannot be read any further", self.id)
            self._file = None
            self._ended()

    def _ended(self) -> None:
        if self.on_ended is not None:
            self.on_ended()

    async def _stand(self, path: Path) -> None:
        batch = await asyncio.to_thread(_batch, _read(path))
        first = next((frame for _, frame in batch if frame.codec is Codec.H264), None)
        while first is not None:
            self._send(first, time.monotonic())
            await asyncio.sleep(STILL_EVERY)

    async def _run(self, path: Path, at: float) -> None:
        start = time.monotonic() - at
        whole = await asyncio.to_thread(_length, path) if at else 0.0
        if self.loop and whole:
            start, at = start + at // whole * whole, at % whole
        if at <= whole:
            while True:
                length = await self._send_all(_read(path, at), start, at)
                if not self.loop or length <= 0:
                    break
                start, at = start + length, 0.0
        self._ended()

    async def _send_all(self, frames: _Frames, start: float, begin: float) -> float:
        """Send one round that began at `start`, from the keyframe before `begin` on; gives its length in
        seconds (whole frames and packets). What is before `begin` comes at once: decoders need it."""
        end = 0.0
        while batch := await asyncio.to_thread(_batch, frames):
            for at, frame in batch:
                wait = start + at - time.monotonic()
                if wait > 0:
                    await asyncio.sleep(wait)
                elif wait < -LATE and at >= begin:
                    start -= wait
                self._send(frame, start + at)
                end = at + (1 / FPS if frame.codec is Codec.H264 else BLOCK / RATE)
        length = _joined(end)
        await asyncio.sleep(max(0.0, start + length - time.monotonic()))
        return length

    def _send(self, frame: Frame, at: float) -> None:
        stamp = round((at - self._born) * frame.codec.clock_rate)
        self.emit(Frame(frame.codec, frame.data, stamp, at, frame.keyframe), time.monotonic())


def _joined(end: float) -> float:
    """A tenth of a second is whole pictures and whole packets, so the next round joins on both."""
    return -(-round(end * 1000) // 100) / 10


def _length(path: Path) -> float:
    """Seconds of one round of a converted clip."""
    with av.open(str(path)) as container:
        return _joined((container.duration or 0) / av.time_base)


def _read(path: Path, begin: float = 0.0) -> _Frames:
    """The frames of a converted clip with their times in seconds, from the last keyframe at or before `begin`
    on. Opens, reads and closes only where it is
    iterated: in a thread. Left behind there, it is closed once its last `_batch` is over, not under it."""
    with av.open(str(path)) as container:
        if begin:
            container.seek(round(begin * av.time_base))
        for packet in container.demux():
            if packet.pts is None or not packet.size:
                continue
            at = float(packet.pts * (packet.time_base or Fraction(1, RATE)))
            if packet.stream.type == "video":
                data = _access_unit(bytes(packet), packet.is_keyframe, packet.stream.codec_context.extradata)
                yield at, Frame(Codec.H264, data, 0, 0.0, packet.is_keyframe)
            else:
                yield at, Frame(Codec.OPUS, bytes(packet), 0, 0.0)


def _batch(frames: _Frames) -> list[tuple[float, Frame]]:
    """The next frames; empty at the end."""
    return list(islice(frames, BATCH))


def _access_unit(data: bytes, keyframe: bool, parameters: bytes | None) -> bytes:
    """As a camera sends it: the file keeps SPS and PPS in its head, a keyframe has them before it."""
    units = [*h264.nal_units(parameters or b""), *h264.nal_units(data)] if keyframe else h264.nal_units(data)
    return h264.annex_b([unit for unit in units if unit[0] & 0x1F != h264.SEI])


def _digest(path: Path) -> str:
    """The hash of a file's content and of the way it is converted. Raises MediaError."""
    digest = hashlib.sha256(VERSION.encode())
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise MediaError(f"clip {path.name}: {error.strerror}") from error
    return digest.hexdigest()[:32]


async def _convert(source: Path, target: Path, own: str, room: Room) -> None:
    """Convert in a process of its own: decoders meet any file. Raises MediaError."""
    try:
        # What comes out is about as large as what goes in, for a recording exactly.
        if not await room((await asyncio.to_thread(source.stat)).st_size):
            raise MediaError(f"clip {source.name}: the disk has no room for it")
        await asyncio.to_thread(target.parent.mkdir, parents=True, exist_ok=True)
        said = await chores.run("broadcast.feeds.prepare", str(source), str(target), own)
    except OSError as error:
        said = error.strerror or str(error)
    if said:
        raise MediaError(f"clip {source.name} cannot be converted: {said}")
