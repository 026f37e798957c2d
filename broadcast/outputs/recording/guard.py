"""Looks at the disk once a second and says what its room allows; `disk.py` decides."""

import asyncio
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

from broadcast.outputs.recording.disk import Disk, DiskRules, DiskState, DiskWatch

EVERY = 1.0  # seconds

log = logging.getLogger("pavilion.disk")


class DiskGuard:
    """`await run()` until it is cancelled. `folder` is made if it is not there; `kept` as in `Disk.told`.

    `written` gives the octets recorded so far, `refused` whether a write has failed since it was asked last;
    `on_state` is called with each new state of the disk, and first of all with the one found.
    """

    def __init__(
        self,
        folder: Path,
        kept: str,
        rules: DiskRules,
        written: Callable[[], int],
        refused: Callable[[], bool],
        on_state: Callable[[Disk], None],
    ) -> None:
        self._folder = folder
        self._kept = kept
        self._reserve = rules.reserve
        self._watch = DiskWatch(rules)
        self._written = written
        self._refused = refused
        self._on_state = on_state
        self._said: DiskState | None = None
        self.disk = Disk(DiskState.OK, 0)  # as it was found last

    async def run(self) -> None:
        """Look, and look again."""
        while True:
            await self.look()
            await asyncio.sleep(EVERY)

    async def room(self, octets: int) -> bool:
        """Whether a file of that size may be made here now without touching the reserve."""
        return (await self.look()).free - octets > self._reserve

    async def look(self) -> Disk:
        """Look once; in a thread, for a folder on the network may not answer."""
        try:
            free = await asyncio.to_thread(_free, self._folder)
        except OSError as error:
            log.error("the room in %s cannot be told: %s", self._folder, error.strerror)
            free = 0  # a disk that does not answer is no place to record to
        now = time.monotonic()
        if self._refused():
            self._watch.refused(now)
        self.disk = self._watch.look(free, self._written(), now)
        if self.disk.state is not self._said:
            if self.disk.state is not DiskState.OK:
                log.warning("%s: %s", self._folder, self.notice)
            elif self._said is not None:
                log.info("%s: the disk has room again", self._folder)
            self._said = self.disk.state
            self._on_state(self.disk)
        return self.disk

    @property
    def notice(self) -> str:
        """For a producer; empty when all is well."""
        return self.disk.told(self._kept)


def _free(folder: Path) -> int:
    """Octets that this process may still write."""
    folder.mkdir(parents=True, exist_ok=True)
    room = os.statvfs(folder)
    return room.f_bavail * room.f_frsize
