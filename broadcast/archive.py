"""The archive: what is kept of the event, where, and what the room on the disk allows.

Wires the feeds to the recorder and the disk's guard to all that writes. Nothing here can hold up the show: a
full disk stops recordings, and only them.
"""

import asyncio
import logging
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
    """`await start()`, `follow` each feed that comes up, `await stop()`."""

    def __init__(self, config: Config, data: Path, origin: Origin) -> None:
        rules = config.recording
        folder = config.path(rules.folder) if rules.folder else data / "recordings"
        self.folder = folder / config.event.id
        self._id = config.event.id
        self._names = {person.id: person.name for person in config.people}
        self._event = config.event.name
        self._speakers = rules.speakers
        self._recorder = Recorder(self.folder / folders.SPEAKERS, round(rules.queue_mib * MIB))
        self._guard = DiskGuard(
            self.folder,
            DiskRules(rules.reserve_mib * MIB, rules.warn_minutes * 60),
            lambda: self._recorder.written + origin.written,
            self._recorder.take_refusal,
            self._on_disk,
        )
        self._origin = origin
        self._reserve = rules.reserve_mib * MIB
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Look at the disk, then begin."""
        try:
            await asyncio.to_thread(folders.mark, self.folder, self._id)
        except OSError as error:
            log.warning("%s is not marked and will never be erased: %s", self.folder, error.strerror)
        self._recorder.start()
        await self._guard.look()
        self._task = asyncio.create_task(self._guard.run(), name="disk guard")

    async def stop(self) -> None:
        """Finish every file. Idempotent."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
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

    def room(self, octets: int) -> bool:
        """Whether a file of that size may be made here without touching the reserve."""
        return self._disk().free - octets > self._reserve

    def health(self) -> dict[str, Any]:
        """`recording` of the `health` message (docs/protocol.md, section 6)."""
        disk = self._disk()
        return {
            "state": disk.state,
            "free": disk.free,
            "rate": round(disk.rate * 8),
            "left": None if disk.left is None else round(disk.left),
            "files": int(self._recorder.stats()["open_files"]),
            "notice": disk.told(),
        }

    def stats(self) -> dict[str, float]:
        """For the metrics."""
        disk = self._disk()
        return {
            **self._recorder.stats(),
            "disk_free_octets": disk.free,
            "disk_low": float(disk.state is not DiskState.OK),
            "disk_full": float(disk.state is DiskState.FULL),
        }

    def _disk(self) -> Disk:
        return self._guard.disk or Disk(DiskState.OK, 0)

    def _on_disk(self, disk: Disk) -> None:
        full = disk.state is DiskState.FULL
        self._recorder.hold(full)
        self._origin.hold(full)
