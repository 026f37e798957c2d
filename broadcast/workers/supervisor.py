"""Workers: viewers on further cores. Each is a process with a UDP port, handshakes and a fan-out of its own;
the server hands it every frame once, and gives each new viewer to the one with the fewest.

A worker that dies is started again. Its viewers notice by themselves: nothing comes, and their session's URL
says 404 (see docs/protocol.md); they post a new offer and are given to another worker, or, while there is
none, to the server's own port.
"""

import asyncio
import logging
import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from broadcast.errors import OfferError
from broadcast.rtp.frame import Frame, Kind
from broadcast.workers.remote import Remote, Worker, WorkerLost
from broadcast.workers.wire import WorkerSettings

log = logging.getLogger(__name__)

OWN_CORES = 2  # what the server and the mixer need for themselves
START_TIMEOUT = 60.0  # seconds for a process to get ready: a busy machine is slow, and nobody waits for it
SILENT = 10.0  # seconds without its figures after which a worker is killed
WATCH = 0.5  # seconds between looks
# Seconds until a dead one is started anew: its viewers join others just now, and a process that starts would
# take the processor from their handshakes; and one that dies at once is not started all the time.
PAUSE = 2.0


def how_many(setting: str) -> int:
    """Workers for "auto" or a number: auto leaves the server and the mixer a core each."""
    return max(0, (os.cpu_count() or 1) - OWN_CORES) if setting == "auto" else int(setting)


class Workers:
    """One for each of `settings`. Belongs to the event loop's thread. `on_keyframe_needed` is told the
    rendition; `most` is the sessions of all together, beyond which offers are refused (`busy`)."""

    def __init__(self, settings: Sequence[WorkerSettings], most: int) -> None:
        self.on_keyframe_needed: Callable[[str], None] = _nobody
        self.restarts = 0
        self._settings = settings
        self._most = most
        self._workers = {place: self._made(each) for place, each in enumerate(settings)}
        self._tasks: set[asyncio.Task[None]] = set()
        self._dropped = 0  # frames, of those that have died
        self._stopping = False

    async def start(self) -> None:
        """Start all; returns without waiting for them: until one is ready, there is the server's own port."""
        for worker in self._workers.values():
            self._soon(self._begin(worker))
        if self._workers:
            self._soon(self._watch())

    async def stop(self) -> None:
        """End all. Idempotent."""
        self._stopping = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for worker in self._workers.values():
            if not worker.ready:  # it has nobody to say goodbye to
                worker.kill()
        await asyncio.gather(*(worker.close() for worker in self._workers.values()))

    def send(self, frame: Frame, rendition: str = "") -> None:
        """A frame of the programme, or a picture of a smaller rendition, to all. The sound that comes with a
        smaller rendition is the programme's, and left out."""
        if rendition and frame.kind is Kind.AUDIO:
            return
        for worker in self._workers.values():
            if worker.ready:
                worker.send(frame, rendition)

    async def watch(self, offer: str, role: str) -> tuple[Remote, str] | None:
        """A session with the worker that has the fewest, and the SDP answer; None if there is no worker.
        Raises OfferError."""
        while ready := [worker for worker in self._workers.values() if worker.ready]:
            if sum(len(worker.sessions) for worker in ready) >= self._most:
                raise OfferError("The server is full. Try again in a while.", code="busy", status=503)
            try:
                return await min(ready, key=lambda worker: worker.load).watch(offer, role)
            except WorkerLost:
                continue
        return None

    async def until_ready(self) -> None:
        """Until every worker takes viewers, or has died."""
        await asyncio.gather(*(worker.until_ready() for worker in self._workers.values()))

    def pids(self) -> list[int]:
        """The processes that take viewers."""
        return [worker.pid for worker in self._workers.values() if worker.ready and worker.pid is not None]

    def stats(self) -> dict[str, Any]:
        """Gauges and counters for the metrics page: those of all workers' ports and fan-outs added up."""
        total: Counter[str] = Counter()
        for worker in self._workers.values():
            for part, figures in worker.stats.items():
                for name, value in figures.items():
                    if name not in _NOT_SUMS:
                        total[f"{part}_{name}"] += value  # type: ignore[assignment]
        return {
            "configured": len(self._settings),
            "ready": sum(worker.ready for worker in self._workers.values()),
            "viewers": sum(len(worker.sessions) for worker in self._workers.values()),
            "restarts": self.restarts,
            "frames_dropped": self._dropped + sum(worker.dropped for worker in self._workers.values()),
            **total,
        }

    # -- processes ---------------------------------------------------------------------------------------

    def _made(self, settings: WorkerSettings) -> Worker:
        return Worker(settings, lambda name: self.on_keyframe_needed(name), self._gone)

    async def _begin(self, worker: Worker) -> None:
        """Start it; if it does not get ready, `_gone` is next."""
        try:
            await worker.start()
        except OSError as error:
            log.error("a worker does not start: %s", error)
            self._gone(worker)
            return
        try:
            await asyncio.wait_for(worker.until_ready(), START_TIMEOUT)
        except TimeoutError:
            worker.kill()

    def _gone(self, worker: Worker) -> None:
        if self._stopping:
            return
        log.error("worker %s died, starting anew", worker.pid)
        self.restarts += 1
        self._dropped += worker.dropped
        worker.dropped = 0
        self._soon(self._again(worker))

    async def _again(self, worker: Worker) -> None:
        """Another in its place."""
        await worker.close()
        await asyncio.sleep(PAUSE)
        place = next(each for each, own in self._workers.items() if own is worker)
        self._workers[place] = self._made(self._settings[place])
        await self._begin(self._workers[place])

    async def _watch(self) -> None:
        """Kill a worker that is alive but says nothing, unless it is we who are late."""
        while True:
            before = time.monotonic()
            await asyncio.sleep(WATCH)
            now = time.monotonic()
            for worker in self._workers.values():
                if now - before > 2 * WATCH:
                    worker.heard = now
                elif worker.ready and now - worker.heard > SILENT:
                    log.error("worker %s is stuck", worker.pid)
                    worker.heard = now
                    worker.kill()

    def _soon(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


# Figures that make no sense added up.
_NOT_SUMS = frozenset({"loss", "rtt_ms"})


def _nobody(rendition: str) -> None:
    """Stands for the mixer until app.py sets it."""
