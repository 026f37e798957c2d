"""Makes the files that people download, one at a time in a process of its own, and keeps them.

A file is made when somebody first asks for it and stays; a newer one of the same name takes its place.
Overflow: past `MOST` files that are to be made, or without room on the disk for all of them, whoever asks for
one more is refused.
"""

import asyncio
import contextlib
import json
import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from broadcast import chores
from broadcast.errors import NotFound, RequestError
from broadcast.outputs.recording.cutting import Job

MOST = 50  # files that are to be made
TICKETS = 1000  # addresses that are good at a time; the oldest go
TICKET_SECONDS = 6 * 3600.0  # as long as a slow line may take to begin

log = logging.getLogger("pavilion.downloads")


@dataclass(frozen=True, slots=True)
class Ticket:
    """An address that nobody can guess: who has it may fetch the file."""

    path: Path
    name: str
    until: float


class Downloads:
    """`ask` for a file until it is "ready"; `ticket` then gives the address. `await stop()` in the end.

    `room` says whether a file of so many octets may be made in the folder now.
    """

    def __init__(self, folder: Path, room: Callable[[int], Awaitable[bool]]) -> None:
        self._folder = folder
        self._room = room
        self._orders: dict[Path, tuple[str, Job]] = {}  # the first is being made
        self._failed: dict[str, Path] = {}  # of each name the file that could not be made last
        self._tickets: dict[str, Ticket] = {}
        self._task: asyncio.Task[None] | None = None
        self.made = 0

    def path(self, name: str, job: Job) -> Path:
        """Where this file is, or will be."""
        return self._folder / f"{name}.{job.digest}.mp4"

    def state(self, name: str, job: Job) -> str:
        """ "ready", "making", "failed" (ask again to try again) or "none". Reads the disk."""
        path = self.path(name, job)
        if path in self._orders:
            return "making"
        if path.is_file():
            return "ready"
        return "failed" if self._failed.get(name) == path else "none"

    async def ask(self, name: str, job: Job) -> str:
        """The state, after the file has been ordered if it is not there. Raises RequestError."""
        state = await asyncio.to_thread(self.state, name, job)
        if state in ("ready", "making"):
            return state
        ordered = sum(each.size for _, each in self._orders.values())
        if not await self._room(ordered + job.size):
            raise RequestError("The disk has no room for this file.", code="disk_full", status=507)
        path = self.path(name, job)
        if len(self._orders) >= MOST and path not in self._orders:
            raise RequestError("Too many downloads are being made; try again.", code="busy", status=503)
        self._failed.pop(name, None)
        self._orders.setdefault(path, (name, job))
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
        while self._orders:
            path, (name, job) = next(iter(self._orders.items()))
            try:
                await self._make(name, job, path)
            finally:
                del self._orders[path]

    async def _make(self, name: str, job: Job, path: Path) -> None:
        log.info("%s: %.1f min are put together", name, (job.end - job.begin) / 60)
        try:
            said = await self._export(job, path)
        except OSError as error:
            said = error.strerror or str(error)
        if said:
            log.error("%s cannot be made: %s", name, said)
            self._failed[name] = path
            return
        self.made += 1
        await asyncio.to_thread(self._replace, name, path)

    async def _export(self, job: Job, path: Path) -> str:
        """Make the file; what went wrong, or an empty text. Raises OSError."""
        if not await self._room(job.size):  # hours may have passed since it was asked for
            return "the disk has no room for it"
        await asyncio.to_thread(self._folder.mkdir, parents=True, exist_ok=True)
        given = await asyncio.to_thread(lambda: json.dumps(job.as_json()).encode())
        return await chores.run("broadcast.outputs.recording.export", str(path), given=given)

    def _replace(self, name: str, path: Path) -> None:
        for other in self._folder.glob(f"{name}.*.mp4"):
            if other != path:
                with contextlib.suppress(OSError):
                    other.unlink()
