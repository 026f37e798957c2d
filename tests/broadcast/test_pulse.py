"""The pulse: a pause of the event loop is seen, and forgotten after a minute."""

import asyncio
import time

import pytest

from broadcast import pulse
from broadcast.pulse import Pulse


async def test_a_pause_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """What keeps the loop for a tenth of a second shows as no less; when as many beats have come, no more."""
    monkeypatch.setattr(pulse, "EVERY", 0.001)
    own = Pulse()
    beating = asyncio.create_task(own.run())
    try:
        await asyncio.sleep(0.01)
        time.sleep(0.1)  # the fault that is to be seen
        await asyncio.sleep(0.01)
        assert own.longest() >= 0.09
    finally:
        beating.cancel()


async def test_a_pause_is_forgotten() -> None:
    """After a minute's counts without one."""
    own = Pulse()
    own._kept.append(0.5)
    assert own.longest() == 0.5
    own._kept.extend([0.001] * pulse.KEPT)
    assert own.longest() == 0.001
