"""One worker, and one viewer's session in it, as the server sees them. See supervisor.py."""

import asyncio
import itertools
import logging
import time
from collections.abc import Callable
from typing import Any, Literal

from broadcast.child import Child
from broadcast.errors import OfferError
from broadcast.pipe import unpack_json
from broadcast.rtp.frame import Frame, Kind
from broadcast.workers.wire import Word, WorkerSettings

log = logging.getLogger(__name__)

ANSWER_TIMEOUT = 5.0  # seconds for an answer to an offer: a worker takes a few ms, unless it is starved


class WorkerLost(Exception):
    """It died, or it hangs: ask another."""


class Remote:
    """What the doors need of a viewer's session (transport/peer.py), wherever it is served."""

    def __init__(self, ident: str, worker: "Worker") -> None:
        self.id = ident
        self.state: Literal["new", "connected", "closed"] = "new"
        self._worker = worker
        self._closed: list[Callable[[str], None]] = []

    def when_closed(self, callback: Callable[[str], None]) -> None:
        """Have `callback(reason)` called once when this session ends, after those who asked earlier."""
        self._closed.append(callback)

    def close(self, reason: str = "closed") -> None:
        """End it. Idempotent."""
        if self.state != "closed":
            self._worker.end(self, reason)
            self.ended(reason)

    async def rendition(self, name: str | None) -> tuple[str, str | None] | None:
        """What this viewer asked for and gets, after asking for `name` if there is one."""
        try:
            return None if self.state == "closed" else await self._worker.rendition(self, name)
        except WorkerLost:
            return None

    def ended(self, reason: str) -> None:
        """It has ended: tell who asked. Idempotent."""
        if self.state != "closed":
            self.state = "closed"
            told, self._closed = self._closed, []
            for callback in told:
                callback(reason)


class Worker:
    """One process. `on_want(rendition)` is told that its viewers need a keyframe; `on_gone(worker)` once,
    when it has died and its sessions have ended."""

    def __init__(
        self,
        settings: WorkerSettings,
        on_want: Callable[[str], None],
        on_gone: Callable[["Worker"], None],
    ) -> None:
        self.sessions: dict[str, Remote] = {}
        self.stats: dict[str, dict[str, float]] = {}
        self.dropped = 0  # frames
        self.heard = time.monotonic()  # when it last said something
        self._settings = settings
        self._on_want = on_want
        self._on_gone = on_gone
        self._child = Child("broadcast.workers", self._said, self._lost)
        self._asked: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._numbers = itertools.count(1)
        self._skipping: set[str] = set()  # renditions that wait for a keyframe, because frames were dropped

    @property
    def pid(self) -> int | None:
        return self._child.pid

    @property
    def load(self) -> int:
        """Its viewers, and those who will be."""
        return len(self.sessions) + len(self._asked)

    @property
    def ready(self) -> bool:
        """Whether it takes viewers."""
        return self._child.ready.is_set() and not self._child.gone.is_set()

    async def start(self) -> None:
        """Start the process; later it is `ready`, or `on_gone` is called. Raises OSError."""
        await self._child.start()
        self._child.send_json(Word.SETTINGS, self._settings.to_json())

    async def until_ready(self) -> None:
        """Until it takes viewers or has died."""
        waits = [asyncio.ensure_future(each.wait()) for each in (self._child.ready, self._child.gone)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def close(self) -> None:
        """End it, in order."""
        await self._child.close()

    def kill(self) -> None:
        """End it at once."""
        self._child.kill()

    def send(self, frame: Frame, rendition: str = "") -> None:
        """A frame of the programme. Overflow (it does not read): frames are dropped; pictures go on with the
        next keyframe."""
        picture = frame.kind is Kind.VIDEO
        if picture and rendition in self._skipping and not frame.keyframe:
            self.dropped += 1
        elif self._child.send_frame(Word.FRAME, frame, rendition):
            if picture:
                self._skipping.discard(rendition)
        else:
            self.dropped += 1
            if picture and rendition not in self._skipping:
                self._skipping.add(rendition)
                self._on_want(rendition)

    async def watch(self, offer: str, role: str) -> tuple[Remote, str]:
        """A session for one more viewer, and the SDP answer. Raises OfferError, or WorkerLost."""
        said = await self._ask(Word.OFFER, {"offer": offer, "role": role})
        if "code" in said:
            raise OfferError(said["message"], code=said["code"], status=said["status"])
        session = self.sessions.get(said["peer"])
        if session is None:
            raise WorkerLost  # in the very moment
        return session, said["answer"]

    async def rendition(self, session: Remote, name: str | None) -> tuple[str, str | None] | None:
        """What this viewer asked for and gets, after asking for `name` if there is one; None if it does not
        watch. Raises WorkerLost."""
        said = await self._ask(Word.RENDITION, {"peer": session.id, "name": name})
        return None if said["wish"] is None else (said["wish"], said["sent"])

    async def _ask(self, word: Word, question: dict[str, Any]) -> dict[str, Any]:
        number = next(self._numbers)
        answered = self._asked[number] = asyncio.get_running_loop().create_future()
        self._child.send_json(word, {"id": number, **question})
        try:
            return await asyncio.wait_for(answered, ANSWER_TIMEOUT)
        except TimeoutError:
            log.error("worker %s does not answer", self.pid)
            self.kill()
            raise WorkerLost from None
        finally:
            self._asked.pop(number, None)

    def end(self, session: Remote, reason: str) -> None:
        """End one of its sessions."""
        self.sessions.pop(session.id, None)
        self._child.send_json(Word.CLOSE, {"peer": session.id, "reason": reason})

    # -- what it says ------------------------------------------------------------------------------------

    def _said(self, word: int, body: bytes) -> None:
        said = unpack_json(body)
        self.heard = time.monotonic()
        if word == Word.READY:
            self._child.ready.set()
        elif word == Word.ANSWER:
            if "peer" in said:
                self.sessions[said["peer"]] = Remote(said["peer"], self)
            asked = self._asked.pop(said["id"], None)
            if asked is not None and not asked.done():
                asked.set_result(said)
            elif "peer" in said:  # nobody waits any more
                self.sessions[said["peer"]].close("abandoned")
        elif word == Word.CONNECTED:
            session = self.sessions.get(said["peer"])
            if session is not None:
                session.state = "connected"
        elif word == Word.LEFT:
            left = self.sessions.pop(said["peer"], None)
            if left is not None:
                left.ended(said["reason"])
        elif word == Word.KEYFRAME:
            self._on_want(said["rendition"])
        elif word == Word.STATS:
            self.stats = said

    def _lost(self) -> None:
        for asked in self._asked.values():
            if not asked.done():
                asked.set_exception(WorkerLost())
        sessions, self.sessions = list(self.sessions.values()), {}
        for session in sessions:
            session.ended("worker_died")
        self._on_gone(self)
