"""The archive: what is kept of the event, where, and what the room on the disks allows.

Wires the feeds to the recorder, and the guards of the disks to all that writes. Nothing here can hold up the
show: a full disk stops the recordings that lie on it, and only them.
"""

import asyncio
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from broadcast.config import Config
from broadcast.feeds.feed import Feed
from broadcast.outputs.hls.origin import Origin
from broadcast.outputs.recording import folders
from broadcast.outputs.recording.disk import MIB, Disk, DiskRules, DiskState
from broadcast.outputs.recording.guard import DiskGuard
from broadcast.outputs.recording.recorder import Recorder

KEPT = ("camera", "slides")  # kinds of feeds: clips are files already, talkback is private

log = logging.getLogger("pavilion.recorder")


class Archive:
    """`await start()`, `follow` each feed that comes up, `await stop()`.

    From the start on `folder_disk` guards where speakers' feeds and downloads go, `data_disk` where the
    programme, prepared clips and the journal do: one guard where that is one disk.
    """

    folder_disk: DiskGuard
    data_disk: DiskGuard

    def __init__(self, config: Config, data: Path, origin: Origin) -> None:
        rules = config.recording
        folder = config.path(rules.folder) if rules.folder else data / "recordings"
        self.folder = folder / config.event.id
        self._data = data
        self._id = config.event.id
        self._names = {person.id: person.name for person in config.people}
        self._event = config.event.name
        self._speakers = rules.speakers
        self._recorder = Recorder(self.folder / folders.SPEAKERS, round(rules.queue_mib * MIB))
        self._origin = origin
        self._rules = DiskRules(rules.reserve_mib * MIB, rules.warn_minutes * 60)
        self._guards: list[DiskGuard] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Look at the disks, then begin."""
        try:
            await asyncio.to_thread(folders.mark, self.folder, self._id)
        except OSError as error:
            log.warning("%s is not marked and will never be erased: %s", self.folder, error.strerror)
        recorder, origin = self._recorder, self._origin
        if await asyncio.to_thread(_device, self.folder) == await asyncio.to_thread(_device, self._data):
            self._guards = [self._guard(self.folder, "nothing", recorder.take_refusal, recorder, origin)]
        else:
            self._guards = [
                self._guard(self.folder, "no speaker", recorder.take_refusal, recorder),
                self._guard(self._data, "no programme", lambda: False, origin),
            ]
        self.folder_disk, self.data_disk = self._guards[0], self._guards[-1]
        recorder.start()
        for guard in self._guards:
            await guard.look()
            self._tasks.append(asyncio.create_task(guard.run(), name="disk guard"))

    def _guard(
        self, folder: Path, kept: str, refused: Callable[[], bool], *writers: Recorder | Origin
    ) -> DiskGuard:
        """Of the disk on which these writers write; when it is full they keep nothing. `refused`: whether the
        disk has said so itself."""

        def on_state(disk: Disk) -> None:
            for writer in writers:
                writer.hold(disk.state is DiskState.FULL)

        def written() -> int:
            return sum(writer.written for writer in writers)

        return DiskGuard(folder, kept, self._rules, written, refused, on_state)

    async def stop(self) -> None:
        """Finish every file. Idempotent."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.to_thread(self._recorder.close)

    def follow(self, feed: Feed) -> None:
        """A feed is up: it is kept to its end, if such feeds are."""
        if not self._speakers or feed.kind not in KEPT:
            return
        picture, sound = feed.codecs()
        inlet = self._recorder.open(
            feed.owner if feed.kind == "camera" else f"{feed.owner}-{feed.kind}",
            f"{self._names.get(feed.owner, feed.owner)}, {self._event}",
            picture is not None,
            sound is not None,
            feed.request_keyframe,
        )
        feed.attach(inlet.put)
        feed.on_closed.append(lambda reason: inlet.close())

    def health(self) -> dict[str, Any]:
        """`recording` of the `health` message (docs/protocol.md, section 6); of two disks the worse."""
        worse = min(self._guards, key=lambda guard: guard.disk.rank)
        disk = worse.disk
        return {
            "state": disk.state,
            "free": disk.free,
            "rate": round(sum(guard.disk.rate for guard in self._guards) * 8),
            "left": None if disk.left is None else round(disk.left),
            "files": int(self._recorder.stats()["open_files"]),
            "notice": worse.notice,
        }

    def stats(self) -> dict[str, float]:
        """For the metrics; of two disks the worse."""
        disk = min((guard.disk for guard in self._guards), key=lambda disk: disk.rank)
        return {
            **self._recorder.stats(),
            "disk_free_octets": disk.free,
            "disk_low": float(disk.state is not DiskState.OK),
            "disk_full": float(disk.state is DiskState.FULL),
        }


def _device(folder: Path) -> int:
    """The file system of a folder that is there, or will be."""
    while not folder.exists():
        folder = folder.parent
    return os.stat(folder).st_dev
