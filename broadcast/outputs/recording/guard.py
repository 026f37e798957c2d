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
    """`await run()` until it is cancelled. `folder` is made if it is not there.

    `written` gives the octets recorded so far, `refused` whether a write has failed since it was asked last;
    `on_state` is called with each new state of the disk, and first of all with the one found.
    """

    def __init__(
        self,
        folder: Path,
        rules: DiskRules,
        written: Callable[[], int],
        refused: Callable[[], bool],
        on_state: Callable[[Disk], None],
    ) -> None:
        self._folder = folder
        self._watch = DiskWatch(rules)
        self._written = written
        self._refused = refused
        self._on_state = on_state
        self.disk: Disk | None = None  # as it was found last

    async def run(self) -> None:
        """Look, and look again."""
        while True:
            await self.look()
            await asyncio.sleep(EVERY)

    async def look(self) -> None:
        """Look once; in a thread, for a folder on the network may not answer."""
        try:
            free = await asyncio.to_thread(_free, self._folder)
        except OSError as error:
            log.error("the room in %s cannot be told: %s", self._folder, error.strerror)
            free = 0  # a disk that does not answer is no place to record to
        now = time.monotonic()
        if self._refused():
            self._watch.refused(now)
        before, self.disk = self.disk, self._watch.look(free, self._written(), now)
        if before is None or before.state is not self.disk.state:
            if self.disk.state is not DiskState.OK:
                log.warning("%s", self.disk.told())
            elif before is not None:
                log.info("the disk has room again")
            self._on_state(self.disk)


def _free(folder: Path) -> int:
    """Octets that this process may still write."""
    folder.mkdir(parents=True, exist_ok=True)
    room = os.statvfs(folder)
    return room.f_bavail * room.f_frsize
