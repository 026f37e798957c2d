"""One target as the server sees it: the line's state, the process that carries it, and what it is sent.

The process may hang, crash or be refused: nothing here ever waits for it.
"""

import asyncio
import logging
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from broadcast.outputs.restream.backlog import Backlog
from broadcast.outputs.restream.child import Child
from broadcast.outputs.restream.line import ENDED, Do, Fault, Line, Patience, State
from broadcast.outputs.restream.wire import Word
from broadcast.pipe import pack_frame, pack_json, unpack_json
from broadcast.rtp.frame import Frame
from broadcast.targets import Target

log = logging.getLogger(__name__)

RATE_SECONDS = 3.0  # over which the bit rate is measured

NO_PROCESS = Fault("failed", "This server could not start a process for it.")


@dataclass(frozen=True, slots=True)
class Order:
    """A target that the producer wants on. `url` and `key` as they were given; neither is ever shown."""

    id: str
    target: Target
    url: str = field(repr=False)
    key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """How targets are served. `queue` in octets; `ca_file` empty: this system's authorities."""

    patience: Patience = field(default_factory=Patience)
    queue: int = 2 << 20
    ca_file: str = ""


class Outlet:
    """`on_keyframe_needed` is called when pictures could go on at a keyframe. Call `tick` a few times a
    second, and `send` with each frame of the programme, packed once for all targets."""

    def __init__(self, order: Order, settings: Settings, on_keyframe_needed: Callable[[], None]) -> None:
        self.order = order
        self.line = Line(settings.patience)
        self.octets = 0  # that the target has taken in all
        self._settings = settings
        self._keyframe_needed = on_keyframe_needed
        self._child: Child | None = None
        self._open = False  # the process is connected: it wants frames
        self._backlog = Backlog(settings.queue)
        self._fault: Fault | None = None
        self._dropped = 0  # of connections before this one
        self._taken = 0  # of this connection
        self._rates: deque[tuple[float, int]] = deque(maxlen=64)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def lost(self) -> int:
        """Frames left out because the target did not keep up."""
        return self._dropped + self._backlog.dropped

    def send(self, frame: Frame, packed: bytes) -> None:
        """A frame of the programme. Overflow: see `Backlog`."""
        child = self._child
        if child is None or not self._open:
            return
        if self._backlog.admit(frame, child.waiting):
            child.send(packed)
        elif self._backlog.wants_keyframe and child.waiting <= self._settings.queue // 2:
            self._keyframe_needed()

    def tick(self, now: float, look: Frame | None) -> None:
        """Time has passed; `look` is the programme's last keyframe, without which nothing can begin."""
        if look is None:
            return
        self.line.tick(now, random.random())
        match self.line.due(self._child is not None):
            case Do.OPEN:
                self._begin(look)
            case Do.CLOSE:
                self._end()

    def health(self, now: float, wall: float) -> dict[str, Any]:
        """The line for the producer; times are epoch ms (`wall` is the Unix time of the monotonic `now`)."""
        line = self.line
        live = line.state is State.LIVE
        return {
            "id": self.order.id,
            "state": str(line.state),
            "code": line.reason.code if line.reason else None,
            "reason": line.reason.words if line.reason else "",
            "since": round((wall - now + line.since) * 1000),
            "next_try": None if line.next_try is None else round((wall - now + line.next_try) * 1000),
            "bitrate": self._bitrate(now) if live else 0,
            "dropped": self.lost,
            "reconnects": line.reconnects,
        }

    async def close(self) -> None:
        """End the process, and wait for those that are ending."""
        if self._child is not None:
            self._end()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, look: Frame) -> None:
        child = Child(lambda word, body: self._said(child, word, body), self._gone)
        self._child = child
        self._open, self._fault, self._taken = False, None, 0
        self._dropped += self._backlog.dropped
        self._backlog = Backlog(self._settings.queue)
        self._rates.clear()
        self._soon(self._start(child, look))

    async def _start(self, child: Child, look: Frame) -> None:
        try:
            await child.start()
        except OSError as error:
            log.error("target %s: no process: %s", self.order.id, error.strerror)
            self._fault = NO_PROCESS
            child.gone.set()
            self._gone(child)
            return
        if child is not self._child:  # it was switched off meanwhile
            child.kill()
            await child.gone.wait()
            return
        settings = self._settings
        order = {
            "url": self.order.url,
            "key": self.order.key,
            "connect": settings.patience.connect * 0.8,  # so that it says why, before it is given up
            "ca_file": settings.ca_file,
        }
        child.send(pack_json(Word.TARGET, order))
        child.send(pack_frame(Word.LOOK, look))

    def _end(self) -> None:
        child, self._child, self._open = self._child, None, False
        if child is not None:
            if self.line.state is State.RETRYING:
                child.kill()  # it hangs
            self._soon(child.close())

    def _said(self, child: Child, word: int, body: bytes) -> None:
        """Raises MalformedError."""
        if child is not self._child:
            return
        match word:
            case Word.OPEN:
                self._open = True
                self._keyframe_needed()
            case Word.TOOK:
                self._took(int(unpack_json(body)["octets"]), asyncio.get_running_loop().time())
            case Word.FAILED:
                said = unpack_json(body)
                self._fault = Fault(said["code"], self.order.target.scrub(said["words"]))

    def _took(self, octets: int, now: float) -> None:
        """So much in all, of this connection."""
        if octets <= self._taken:
            return
        self.octets += octets - self._taken
        self._taken = octets
        self._rates.append((now, octets))
        if self.line.state is State.CONNECTING:
            log.info("target %s: live", self.order.id)
        self.line.took(now)

    def _gone(self, child: Child) -> None:
        """The process has ended."""
        if child is not self._child:
            return
        self._child, self._open = None, False
        fault = self._fault or ENDED
        log.warning("target %s: %s %s", self.order.id, fault.code, fault.words)
        self.line.failed(fault, asyncio.get_running_loop().time(), random.random())

    def _bitrate(self, now: float) -> int:
        """Bits a second that it took lately."""
        recent = [each for each in self._rates if each[0] >= now - RATE_SECONDS]
        if len(recent) < 2:
            return 0
        (begun, before), (ended, after) = recent[0], recent[-1]
        return round((after - before) * 8 / (ended - begun)) if ended > begun else 0

    def _soon(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
