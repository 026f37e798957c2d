"""The keeper: erases what the rules no longer keep, once an hour, and has it journalled before it is done."""

import asyncio
import contextlib
import logging
import os
import shutil
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from pathlib import Path

from broadcast.config import Config
from broadcast.outputs.hls.store import sessions
from broadcast.outputs.recording import folders
from broadcast.outputs.recording.retention import Kept, Rules, surplus

EVERY = 3600.0  # seconds
GIB = 1 << 30

log = logging.getLogger("pavilion.keeper")


async def hourly(look: Callable[[], Awaitable[None]]) -> None:
    """`look`, until it is cancelled; not at once, for a machine that has just started may not know yet what
    time it is, and all would seem old."""
    while True:
        await asyncio.sleep(EVERY)
        try:
            await look()
        except OSError as error:
            log.error("the recordings cannot be read: %s", error)


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
        if self._rules != Rules():
            await hourly(self.look)

    async def look(self) -> None:
        """Erase what is to go now."""
        kept = await asyncio.to_thread(_kept, self._data, self._recordings)
        for each in surplus(kept, self._rules, self._event, time.time()):
            name = f"{each.event}: {Path(each.path).name}"
            log.info("%s is erased, %d MB", name, each.size >> 20)
            self._erasing(name, each.size)
            try:
                await asyncio.to_thread(_erase, Path(each.path))
            except OSError as error:
                log.error("%s cannot be erased: %s", each.path, error.strerror)
            else:
                self.erased += each.size


def _kept(data: Path, recordings: Path) -> list[Kept]:
    """Each run of the programme, and each event's folder of recordings."""
    programmes = [_measured(run.folder, run.event, [run.folder]) for run in sessions(data)]
    events = folders.events(recordings)
    return programmes + [_measured(folder, event, folders.ours(folder)) for event, folder in events]


def _measured(folder: Path, event: str, parts: Iterable[Path]) -> Kept:
    size, newest = 0, folder.stat().st_mtime
    for status in (status for part in parts for status in _files(part)):
        size += status.st_size
        newest = max(newest, status.st_mtime)
    return Kept(str(folder), event, newest, size)


def _files(folder: Path) -> Iterator[os.stat_result]:
    for where, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):  # it has gone, or has another name by now
                yield os.lstat(os.path.join(where, name))


def _erase(path: Path) -> None:
    if (path / folders.MARK).is_file():
        folders.erase(path)
    else:
        shutil.rmtree(path)
