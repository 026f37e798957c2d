"""Makes the files that people download, one at a time in a process of its own, and keeps them.

A file is made when somebody first asks for it and stays; a newer one of the same name takes its place.
Overflow: past `MOST` files waiting to be made, whoever asks for one more is refused as `busy`.
"""

import asyncio
import contextlib
import json
import logging
import secrets
import sys
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from broadcast.errors import NotFound, RequestError
from broadcast.outputs.recording.cutting import Job

MOST = 50  # files that wait
TICKETS = 1000  # addresses that are good at a time; the oldest go
TICKET_SECONDS = 6 * 3600.0  # as long as a slow line may take to begin
_EXPORT = "import sys; from broadcast.outputs.recording.export import main; main(sys.argv[1])"

log = logging.getLogger("pavilion.downloads")


@dataclass(frozen=True, slots=True)
class Ticket:
    """An address that nobody can guess: who has it may fetch the file."""

    path: Path
    name: str
    until: float


class Downloads:
    """`ask` for a file until it is "ready"; `ticket` then gives the address. `await stop()` in the end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._waiting: deque[tuple[str, Job]] = deque()
        self._making = ""  # the file that is being made
        self._failed: dict[str, str] = {}  # of each name the file that could not be made last
        self._tickets: dict[str, Ticket] = {}
        self._task: asyncio.Task[None] | None = None
        self.made = 0

    def path(self, name: str, job: Job) -> Path:
        """Where this file is, or will be."""
        return self._folder / f"{name}.{job.digest}.mp4"

    def state(self, name: str, job: Job) -> str:
        """ "ready", "making", "failed" (ask again to try again) or "none"."""
        path = self.path(name, job)
        if path.is_file():
            return "ready"
        if path.name == self._making or any(self.path(*each) == path for each in self._waiting):
            return "making"
        return "failed" if self._failed.get(name) == path.name else "none"

    def ask(self, name: str, job: Job) -> str:
        """The state, after the file has been ordered if it is not there. Raises RequestError."""
        state = self.state(name, job)
        if state in ("ready", "making"):
            return state
        if len(self._waiting) >= MOST:
            raise RequestError("Too many downloads are being made; try again.", code="busy", status=503)
        self._failed.pop(name, None)
        self._waiting.append((name, job))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._make_all(), name="downloads")
        return "making"

    def ticket(self, path: Path, name: str, now: float) -> str:
        """A key to this file under this name, good for some hours from `now` (monotonic)."""
        good = {key: each for key, each in self._tickets.items() if each.until > now}
        self._tickets = dict(list(good.items())[-TICKETS + 1 :])
        key = secrets.token_urlsafe(24)
        self._tickets[key] = Ticket(path, name, now + TICKET_SECONDS)
        return key

    def find(self, key: str, now: float) -> Ticket:
        """What this key opens. Raises NotFound."""
        found = self._tickets.get(key)
        if found is None or found.until <= now:
            raise NotFound(
                "This address is no longer good; ask for the download again.", code="ticket_expired"
            )
        return found

    async def stop(self) -> None:
        """Make nothing more."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _make_all(self) -> None:
        while self._waiting:
            name, job = self._waiting.popleft()
            target = self.path(name, job)
            self._making = target.name
            try:
                await self._make(name, job, target)
            finally:
                self._making = ""

    async def _make(self, name: str, job: Job, target: Path) -> None:
        log.info("%s: %.1f min are put together", name, (job.end - job.begin) / 60)
        try:
            said = await _export(job, target)
        except OSError as error:
            said = error.strerror or str(error)
        if said:
            log.error("%s cannot be made: %s", name, said)
            self._failed[name] = target.name
            return
        self.made += 1
        for other in self._folder.glob(f"{name}.*.mp4"):
            if other != target:
                with contextlib.suppress(OSError):
                    other.unlink()


async def _export(job: Job, target: Path) -> str:
    """Make the file; what went wrong, or an empty text. Raises OSError."""
    await asyncio.to_thread(target.parent.mkdir, parents=True, exist_ok=True)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _EXPORT,
        str(target),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, errors = await process.communicate(json.dumps(job.as_json()).encode())
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        raise
    if process.returncode == 0:
        return ""
    lines = errors.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"exit status {process.returncode}"
