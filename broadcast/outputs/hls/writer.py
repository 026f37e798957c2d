"""One thread that writes segments to disk, so that the event loop never waits for one.

Jobs wait in a queue bounded in bytes and in number. Overflow (a disk that hangs, or cannot keep up): the job
is refused, and whoever gave it must do without. A job that fails is told to its `failed`; the thread goes on.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

log = logging.getLogger(__name__)

MOST_WAITING = 64 << 20  # bytes, three minutes of programme
MOST_JOBS = 10_000  # some have no bytes: files are opened, closed and deleted
LOG_EVERY = 1.0  # seconds


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do on the disk; `failed` is called in the writer's thread."""

    work: Callable[[], None]
    failed: Callable[[OSError], None]
    size: int


class Writer:
    """Start it once; `put` from the event loop."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._given = 0  # bytes ever given, by the loop's thread alone
        self._done = 0  # ... and done, by the writer's
        self._thread: threading.Thread | None = None
        self._logged = 0.0
        self.refused = self.failures = 0

    @property
    def waiting(self) -> int:
        """Bytes that wait to be written."""
        return self._given - self._done

    @property
    def done(self) -> int:
        """Bytes that were written."""
        return self._done

    def start(self) -> None:
        """Begin to work."""
        self._thread = threading.Thread(target=self._run, name="segments", daemon=True)
        self._thread.start()

    def put(self, work: Callable[[], None], failed: Callable[[OSError], None], size: int = 0) -> bool:
        """Do this on the disk, in order; False when too much waits already."""
        if self.waiting + size > MOST_WAITING or self._queue.qsize() >= MOST_JOBS:
            self.refused += 1
            return False
        self._given += size
        self._queue.put(Job(work, failed, size))
        return True

    def stop(self, within: float) -> None:
        """Finish what waits. Blocks: call it in a thread."""
        self._queue.put(None)
        if self._thread is not None:
            self._thread.join(within)

    def _run(self) -> None:
        while (job := self._queue.get()) is not None:
            try:
                job.work()
            except OSError as error:
                self.failures += 1
                if time.monotonic() - self._logged > LOG_EVERY:
                    self._logged = time.monotonic()
                    log.error("segments cannot be kept: %s (%d failures)", error, self.failures)
                job.failed(error)
            except Exception:  # a fault of ours costs one job, not all that follow
                log.exception("a job on the disk failed")
            finally:
                self._done += job.size
