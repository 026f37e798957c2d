"""Keeps each speaker's feed as it came, in Matroska files; one thread writes them all.

The event loop only puts frames into a queue. Overflow: a feed with more than `most` octets waiting (a disk
that does not keep up) loses frames up to its next keyframe, counted. A killed process loses the second that
was being gathered; a refused write is cut off again, so that what is in the file stays whole.
"""

import errno
import logging
import os
import queue
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from broadcast.outputs.recording import matroska
from broadcast.outputs.recording.reel import Append, Begin, Finish, Order, Reel
from broadcast.rtp.frame import Frame, Kind

IDLE = 1.0  # seconds without a frame after which what waits is written
ASK_EVERY = 1.0  # seconds between two requests for a keyframe
LOG_EVERY = 1.0
STOP_SECONDS = 4.0

log = logging.getLogger("pavilion.recorder")


class Inlet:
    """Where one feed's frames go in; made by `Recorder.open`. All in the event loop's thread."""

    def __init__(
        self, recorder: "Recorder", stem: str, title: str, ask: Callable[[], None], reel: Reel
    ) -> None:
        self.stem = stem
        self.title = title
        self.reel = reel
        self.taken = 0  # octets, counted by the thread; what was put less this waits
        self._recorder = recorder
        self._ask = ask
        self._asked = float("-inf")
        self._given = 0
        self._spoilt = False  # pictures are of no use until the next keyframe
        self._stopped = False
        self._closed = False

    def put(self, frame: Frame) -> None:
        """One more frame. Never waits."""
        recorder = self._recorder
        if self._closed or not self._usable(frame):
            recorder.dropped += not self._closed
            return
        self._stopped = False
        self._given += len(frame.data)
        recorder.queue.put((self, frame))

    def close(self) -> None:
        """The feed is over. Idempotent."""
        if not self._closed:
            self._closed = True
            self._recorder.queue.put((self, None))

    def _usable(self, frame: Frame) -> bool:
        recorder = self._recorder
        if recorder.holding and not self._stopped:
            self._stopped = True
            recorder.queue.put((self, None))  # what there is becomes a whole file
        if recorder.holding or self._given - self.taken > recorder.most:
            self._spoilt = True
            return False
        if frame.kind is Kind.VIDEO and self._spoilt:
            self._spoilt = not frame.keyframe
            if self._spoilt and frame.captured - self._asked >= ASK_EVERY:
                self._asked = frame.captured
                self._ask()
        return frame.kind is Kind.AUDIO or not self._spoilt


class Recorder:
    """`start()`, then `open` for each feed, then `close()`. `most`: octets of one feed that may wait."""

    def __init__(
        self,
        folder: Path,
        most: int,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.folder = folder
        self.most = most
        self.queue: queue.SimpleQueue[tuple[Inlet, Frame | None] | None] = queue.SimpleQueue()
        self.dropped = 0  # frames
        self.written = 0  # octets
        self.files = 0
        self.refused = False  # the disk has: nothing is put in until somebody has taken note
        self._held = False
        self._monotonic = monotonic
        self._wall = wall
        self._tapes: dict[Inlet, Tape] = {}
        self._logged = float("-inf")
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)

    @property
    def holding(self) -> bool:
        """Whether nothing may be recorded now."""
        return self._held or self.refused

    def hold(self, held: bool) -> None:
        """Stop recording, or go on."""
        self._held = held

    def take_refusal(self) -> bool:
        """Whether the disk has refused a write since this was asked last; who asks says `hold` then."""
        refused, self.refused = self.refused, False
        return refused

    def start(self) -> None:
        """Begin to write what is put in."""
        self._thread.start()

    def open(self, stem: str, title: str, pictures: bool, sound: bool, ask: Callable[[], None]) -> Inlet:
        """A feed is up: its files are named `stem` and the time. `ask` gets a keyframe from its source."""
        return Inlet(self, stem, title, ask, Reel(pictures, sound))

    def close(self) -> None:
        """Finish every file. Blocks up to `STOP_SECONDS`: call it in a thread."""
        if self._thread.is_alive():
            self.queue.put(None)
            self._thread.join(STOP_SECONDS)

    def stats(self) -> dict[str, float]:
        """For the metrics."""
        return {
            "files": self.files,
            "open_files": len(self._tapes),
            "octets": self.written,
            "frames_dropped": self.dropped,
            "waiting": self.queue.qsize(),
        }

    # ---- in the recorder's own thread

    def _run(self) -> None:
        swept = self._monotonic()
        while True:
            try:
                item = self.queue.get(timeout=IDLE)
            except queue.Empty:
                item = None
            else:
                if item is None:
                    break
                self._take(*item)
            now = self._monotonic()
            if now - swept >= IDLE:
                swept = now
                self._sweep(now)
        for inlet in tuple(self._tapes):
            self._take(inlet, None)

    def _take(self, inlet: Inlet, frame: Frame | None) -> None:
        tape = self._tapes.get(inlet)
        if tape is None:
            tape = self._tapes[inlet] = Tape(self, inlet.stem, inlet.title)
        if frame is not None:
            inlet.taken += len(frame.data)
            tape.touched = self._monotonic()
        try:
            self._do(inlet, tape, inlet.reel.end() if frame is None else inlet.reel.add(frame))
        except Exception:  # a fault of ours in one feed must not end the others' recording
            log.exception("%s cannot be recorded", inlet.stem)
            inlet.reel.end()
            tape.drop()
        if frame is None:
            del self._tapes[inlet]

    def _sweep(self, now: float) -> None:
        for inlet, tape in tuple(self._tapes.items()):
            if now - tape.touched >= IDLE:
                self._do(inlet, tape, inlet.reel.flush())

    def _do(self, inlet: Inlet, tape: "Tape", orders: list[Order]) -> None:
        try:
            for order in orders:
                tape.do(order)
        except OSError as error:
            inlet.reel.end()
            tape.drop()
            self.refused = True
            if self._monotonic() - self._logged >= LOG_EVERY:
                self._logged = self._monotonic()
                log.error("%s cannot be recorded: %s", inlet.stem, error.strerror)

    def began(self, captured: float) -> float:
        """A time on the monotonic clock in Unix seconds."""
        return self._wall() - self._monotonic() + captured


class Tape:
    """The open file of one feed, if there is one. Methods raise OSError; `drop` then leaves a whole file."""

    def __init__(self, recorder: Recorder, stem: str, title: str) -> None:
        self._recorder = recorder
        self._stem = stem
        self._title = title
        self._file = -1
        self._path = Path()
        self._head = matroska.Head(b"", 0, 0, 0, 0)
        self._length = 0
        self._at = 0
        self._cues = bytearray()  # as the file will have them: objects would be seven times as large
        self.touched = 0.0

    def do(self, order: Order) -> None:
        """Carry out what the reel says."""
        match order:
            case Begin():
                self._begin(order)
            case Append(at, track, data):
                if self._file >= 0:
                    if track is not None:
                        self._cues += matroska.cue(at, track, self._length - self._head.body_at)
                    self._write(data)
                    self._at = at
            case Finish(milliseconds):
                self._finish(milliseconds)

    def drop(self) -> None:
        """Close the file with what it has, where that needs no room; one without a frame is removed."""
        if self._file < 0:
            return
        try:
            os.ftruncate(self._file, self._length)
            self._patch(self._at, None)
        except OSError as error:
            log.debug("%s stays without its close: %s", self._path.name, error)
        self._let_go()

    def _begin(self, order: Begin) -> None:
        began = self._recorder.began(order.captured)
        self._head = matroska.head(self._title, began, order.picture, order.sound)
        self._file, self._path = _create(self._recorder.folder, f"{self._stem}-{stamp(began)}")
        self._length, self._at, self._cues = 0, 0, bytearray()
        self._write(self._head.data)
        self._recorder.files += 1
        log.info("%s begins", self._path.name)

    def _finish(self, milliseconds: int) -> None:
        if self._file < 0:
            return
        cues_at: int | None = self._length
        try:
            self._write(matroska.cues(self._cues))
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            os.ftruncate(self._file, self._length)
            cues_at = None
        self._patch(milliseconds, cues_at)
        self._let_go()

    def _patch(self, milliseconds: int, cues_at: int | None) -> None:
        for place, data in matroska.closing(self._head, self._length, milliseconds, cues_at):
            os.pwrite(self._file, data, place)

    def _let_go(self) -> None:
        os.close(self._file)
        self._file = -1
        if self._length <= len(self._head.data):
            self._path.unlink(missing_ok=True)
            self._recorder.files -= 1

    def _write(self, data: bytes) -> None:
        """All of it or, by `drop`, nothing. Raises OSError."""
        done = 0
        while done < len(data):
            done += os.write(self._file, memoryview(data)[done:])
        self._length += len(data)
        self._recorder.written += len(data)


def stamp(at: float) -> str:
    """Unix seconds as a name carries them: 20230329T060000Z."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y%m%dT%H%M%SZ")


def _create(folder: Path, stem: str) -> tuple[int, Path]:
    """A new file; a second of the same second gets a number."""
    folder.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        path = folder / (f"{stem}.mkv" if number == 1 else f"{stem}-{number}.mkv")
        try:
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o640), path
        except FileExistsError:
            number += 1
