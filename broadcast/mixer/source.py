"""A staged feed inside the mixer: its decoders, its thread, its pictures and sound, in step."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import av
import numpy as np

from broadcast.errors import MediaError
from broadcast.mixer.blackbox import Seat
from broadcast.mixer.decoder import SoundDecoder, VideoDecoder
from broadcast.mixer.loudness import Level
from broadcast.mixer.mixdown import LEAD, LEAVES
from broadcast.mixer.picture import Scaler
from broadcast.mixer.playout import Delay, Shelf
from broadcast.mixer.reader import Reader
from broadcast.mixer.sound import BLOCK, RATE, Samples, Timeline
from broadcast.rtp.frame import Frame, Kind

log = logging.getLogger(__name__)

WAITING = 60  # encoded pictures; beyond, all up to the next keyframe are dropped
ASK_AGAIN = 0.5  # seconds between requests for a keyframe
DAMAGED = 0.35  # seconds of what cannot be decoded, after which the last picture no longer counts
SETTLE, LARGEST_LAG = 0.1, 0.08  # the share of a new lag that counts; seconds
AHEAD = 0.008  # seconds by which sound is ahead of that: makes up for players' longer buffers of sound
FIRM = 0.05  # seconds: sound whose capture time moves by more begins a new line


@dataclass(slots=True, eq=False)
class Picture:
    """A decoded picture. `captured`, `came` (decoded): monotonic seconds. Scaled versions are made once."""

    frame: av.VideoFrame
    captured: float
    came: float
    _scaled: dict[tuple[int, int], av.VideoFrame] = field(default_factory=dict)

    def scaled(self, scaler: Scaler, width: int, height: int) -> av.VideoFrame:
        """The picture in another size. Only the tick's thread calls this."""
        found = self._scaled.get((width, height))
        if found is None:
            found = self._scaled[width, height] = scaler.scale(self.frame, width, height)
        return found


class Source:
    """One staged feed. `push` is called by the thread that reads the pipe, `pick` by the tick of pictures,
    `block` by the tick of sound; pictures are decoded in a thread of the source's own. `close` ends that.

    `want`: called with the feed's id when a keyframe is needed; from any of the threads. `seat` is where it
    says that it decodes. `level` measures
    its loudness from the moment it is staged; None: it is not levelled.
    """

    def __init__(
        self,
        feed: str,
        want: Callable[[str], None],
        half_frame: float,
        seat: Seat,
        level: Level | None = None,
    ) -> None:
        self.feed = feed
        self.level = level
        self.delay = Delay()
        self.decoded = 0
        self.failed = 0
        self.scaler = Scaler()  # of the tick's thread
        # Of the picture at the last tick, seconds. None: there is none, or what came since is damaged.
        self.age: float | None = None
        self._lag = half_frame  # by which pictures are shown after they are due; the sound follows them
        self._want = want
        self._seat = seat
        self._asked = 0.0
        self._lock = threading.Lock()  # over delay, shelf and timeline
        self._shelf: Shelf[Picture] = Shelf()
        self._timeline = Timeline()
        self._reader = Reader(self._timeline)
        self._offset: float | None = None  # captured minus timestamp, seconds
        self._ear = SoundDecoder()
        self._eye = VideoDecoder()
        self._queue: deque[Frame] = deque()
        self._wake = threading.Condition()
        self._need_keyframe = True
        self._damaged: float | None = None  # since when what comes cannot be decoded
        self._closed = False
        self._thread = threading.Thread(target=self._decode, name=f"decode {feed}", daemon=True)
        self._thread.start()

    # -- the pipe's thread -------------------------------------------------------------------------------

    def push(self, frame: Frame) -> None:
        """A frame of the feed. Bounded: when decoding lags, pictures are dropped up to the next keyframe."""
        if frame.kind is Kind.AUDIO:
            self._hear(frame)
            return
        with self._wake:
            if frame.keyframe:
                self._need_keyframe = False
            elif len(self._queue) >= WAITING:
                self._queue.clear()
                self._need_keyframe = True
            if not self._need_keyframe:
                self._queue.append(frame)
                self._wake.notify()
        if self._need_keyframe:
            self._ask(time.monotonic())

    def close(self) -> None:
        """End the thread, free the decoders. Returns at once; `join` waits."""
        with self._wake:
            self._closed = True
            self._queue.clear()
            self._wake.notify()

    def join(self, timeout: float) -> None:
        """Wait for the thread after `close`."""
        self._thread.join(timeout)

    def _hear(self, frame: Frame) -> None:
        try:
            with self._seat.sound:
                samples = self._ear.decode(frame.data)
        except MediaError as error:
            self._note(error)
            return
        if self.level is not None:
            self.level.add(samples)
        now = time.monotonic()
        offset = frame.captured - frame.timestamp / RATE
        with self._lock:
            if self._offset is None or abs(offset - self._offset) > FIRM:
                self._offset = offset
            else:
                self._offset += 0.02 * (offset - self._offset)
            self._timeline.write(frame.timestamp, samples)
            self.delay.sound(frame.captured, now)

    # -- the decoding thread -------------------------------------------------------------------------------

    def _decode(self) -> None:
        while (frame := self._next()) is not None:
            try:
                with self._seat.picture:
                    picture = self._eye.decode(frame)
            except MediaError as error:
                self._note(error)
                self._damaged = self._damaged or time.monotonic()
                with self._wake:
                    self._need_keyframe = not any(waiting.keyframe for waiting in self._queue)
                    while self._queue and not self._queue[0].keyframe:
                        self._queue.popleft()
                self._ask(time.monotonic())
                continue
            if picture is None:
                continue
            now = time.monotonic()
            with self._lock:
                self._damaged = None
                self.decoded += 1
                self.delay.picture(frame.captured, now)
                self._shelf.add(Picture(picture, frame.captured, now))
        self._eye.close()
        self._seat.free()

    def _next(self) -> Frame | None:
        with self._wake:
            while not self._queue and not self._closed:
                self._wake.wait()
            return None if self._closed else self._queue.popleft()

    def _ask(self, now: float) -> None:
        if now - self._asked >= ASK_AGAIN:
            self._asked = now
            self._want(self.feed)

    def _note(self, error: MediaError) -> None:
        self.failed += 1
        if self.failed < 10 or self.failed % 100 == 0:
            log.info("%s x %s (%d so far)", self.feed, error, self.failed)

    # -- the tick of pictures ------------------------------------------------------------------------------

    def pick(self, now: float, heard: bool, hold: float) -> Picture | None:
        """The picture for the tick at `now`; None when there is none, or the last is older than `hold`.

        `heard`: the source is on the programme, so its delay changes gently.
        """
        with self._lock:
            delay = self.delay.update(now, self._slack(), not heard)
            before = self._shelf.shown
            due = now - delay - self.delay.shift
            picture = self._shelf.pick(due)
            if picture is None:
                self.age = None
                return None
            renewed = picture is not before
            age = 0.0 if renewed else now - picture.came
            self.age = None if self._damaged is not None and now - self._damaged > DAMAGED else age
            if renewed:
                lag = min(max(due - picture.captured, 0.0), LARGEST_LAG)
                self._lag += SETTLE * (lag - self._lag)
            return picture if age <= hold else None

    # -- the tick of sound ---------------------------------------------------------------------------------

    def block(self, now: float, lead: float) -> Samples:
        """The sound that belongs to the programme's 20 ms from `now`, read `lead` seconds early to make up
        for what the limiter and the encoder hold back."""
        with self._lock:
            if self._offset is None:
                return np.zeros((2, BLOCK), np.float32)
            due = now + lead + AHEAD - self._lag - self.delay.value - self.delay.shift
            return self._reader.block(round((due - self._offset) * RATE))

    def _slack(self) -> float:
        """By how many seconds sound may come later than pictures and still be there when its block is made:
        the last sample of a block is read `LEAD` early, and the block leaves before its 20 ms are over."""
        return self._lag - AHEAD + LEAVES - LEAD - BLOCK / RATE

    @property
    def goal(self) -> float:
        """The gain in dB that its loudness asks for."""
        return 0.0 if self.level is None else self.level.goal

    @property
    def counted(self) -> tuple[int, int]:
        """How many samples were played so far, and how many of them had not come in time."""
        return self._reader.played, self._reader.missing

    def settle(self, now: float) -> None:
        """Judge the delay of a source without pictures, for which nobody calls `pick`."""
        with self._lock:
            self.delay.update(now, self._slack())

    def rest(self) -> None:
        """The source is not heard."""
        with self._lock:
            self._reader.rest()
