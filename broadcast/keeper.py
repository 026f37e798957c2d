"""The keeper: erases what the rules no longer keep, once an hour, and has it journalled before it is done."""

import asyncio
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from broadcast.config import Config
from broadcast.outputs.hls.store import sessions
from broadcast.outputs.recording.retention import Kept, Rules, surplus

EVERY = 3600.0  # seconds
GIB = 1 << 30

log = logging.getLogger("pavilion.keeper")


class Keeper:
    """`await run()` until it is cancelled. `erasing` is told what is about to go, and how many octets."""

    def __init__(
        self, config: Config, data: Path, recordings: Path, erasing: Callable[[str, int], None]
    ) -> None:
        rules = config.recording
        self._rules = Rules(rules.keep_days or None, round(rules.keep_gib * GIB) or None)
        self._event = config.event.id
        self._data = data
        self._recordings = recordings
        self._erasing = erasing
        self.erased = 0  # octets

    async def run(self) -> None:
        """Look once an hour, where there is a rule."""
        while self._rules != Rules():
            await self.look()
            await asyncio.sleep(EVERY)

    async def look(self) -> None:
        """Erase what is to go now."""
        kept = await asyncio.to_thread(_kept, self._data, self._recordings)
        for each in surplus(kept, self._rules, self._event, time.time()):
            name = f"{each.event}: {Path(each.path).name}"
            log.info("%s is erased, %d MB", name, each.size >> 20)
            self._erasing(name, each.size)
            try:
                await asyncio.to_thread(shutil.rmtree, each.path)
            except OSError as error:
                log.error("%s cannot be erased: %s", each.path, error.strerror)
            else:
                self.erased += each.size


def _kept(data: Path, recordings: Path) -> list[Kept]:
    """Each run of the programme, and each event's folder of recordings."""
    found = [_measured(session.folder, session.event) for session in sessions(data)]
    folders = recordings.iterdir() if recordings.is_dir() else ()
    return found + [_measured(folder, folder.name) for folder in folders if folder.is_dir()]


def _measured(folder: Path, event: str) -> Kept:
    size, newest = 0, folder.stat().st_mtime
    for status in _files(folder):
        size += status.st_size
        newest = max(newest, status.st_mtime)
    return Kept(str(folder), event, newest, size)


def _files(folder: Path) -> Iterable[os.stat_result]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.stat()
