"""Every target: those that the producer wants on, and the programme for each of them."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable
from typing import Any

from broadcast.outputs.restream.line import State
from broadcast.outputs.restream.outlet import Order, Outlet, Settings
from broadcast.outputs.restream.wire import Word
from broadcast.pipe import pack_frame
from broadcast.rtp.frame import Codec, Frame, Kind

TICK = 0.2  # seconds between two looks at every line


def _nobody() -> None:
    """Stands for the fan-out until app.py sets it."""


class Restream:
    """`start`, `want` as often as it changes, `send` with each frame of the programme; and then `stop`."""

    def __init__(self, settings: Settings) -> None:
        self.on_keyframe_needed: Callable[[], None] = _nobody
        self._settings = settings
        self._outlets: dict[str, Outlet] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._look: Frame | None = None
        self._ticking: asyncio.Task[None] | None = None
        self._octets = self._dropped = self._reconnects = 0  # of outlets that have gone

    def start(self) -> None:
        """Begin to look after the lines."""
        self._ticking = asyncio.create_task(self._tick(), name="restream")

    async def stop(self) -> None:
        """End every connection. Idempotent."""
        if self._ticking is not None:
            self._ticking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ticking
            self._ticking = None
        self.want(())
        await asyncio.gather(*self._ending, return_exceptions=True)

    def want(self, orders: Iterable[Order]) -> None:
        """Exactly these targets are on. One whose address has changed begins anew."""
        wanted = {order.id: order for order in orders}
        for name, outlet in list(self._outlets.items()):
            if wanted.get(name) != outlet.order:
                del self._outlets[name]
                self._let_go(outlet)
        now = asyncio.get_running_loop().time()
        for name, order in wanted.items():
            if name not in self._outlets:
                outlet = Outlet(order, self._settings, lambda: self.on_keyframe_needed())
                outlet.line.start(now)
                self._outlets[name] = outlet

    def send(self, frame: Frame) -> None:
        """A picture of the programme, or its sound as AAC; Opus, which no target takes, is left out.
        Costs nothing while no target is on."""
        if frame.codec is Codec.OPUS:
            return
        if frame.kind is Kind.VIDEO and frame.keyframe:
            self._look = frame
        if not self._outlets:
            return
        packed = pack_frame(Word.FRAME, frame)
        for outlet in self._outlets.values():
            outlet.send(frame, packed)

    def health(self) -> list[dict[str, Any]]:
        """The targets that are on, for the producer (docs/protocol.md, section 6). No secrets."""
        now, wall = asyncio.get_running_loop().time(), time.time()
        return [outlet.health(now, wall) for outlet in self._outlets.values()]

    def stats(self) -> dict[str, float]:
        """Counters and gauges for the metrics page."""
        outlets = list(self._outlets.values())
        return {
            "targets": len(outlets),
            "live": sum(outlet.line.state is State.LIVE for outlet in outlets),
            "retrying": sum(outlet.line.state is State.RETRYING for outlet in outlets),
            "octets": self._octets + sum(outlet.octets for outlet in outlets),
            "frames_dropped": self._dropped + sum(outlet.lost for outlet in outlets),
            "reconnects": self._reconnects + sum(outlet.line.reconnects for outlet in outlets),
        }

    def _let_go(self, outlet: Outlet) -> None:
        self._octets += outlet.octets
        self._dropped += outlet.lost
        self._reconnects += outlet.line.reconnects
        outlet.line.stop(asyncio.get_running_loop().time())
        task = asyncio.create_task(outlet.close())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _tick(self) -> None:
        while True:
            now = asyncio.get_running_loop().time()
            for outlet in self._outlets.values():
                outlet.tick(now, self._look)
            await asyncio.sleep(TICK)
