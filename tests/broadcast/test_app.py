"""The composition root, less what the tests of the whole server show."""

import asyncio
from datetime import UTC, datetime

import pytest

from broadcast.app import App
from broadcast.config import parse
from broadcast.mixer.supervisor import Mixer
from broadcast.production import production_of


async def test_work_that_dies_is_told_at_once(caplog: pytest.LogCaptureFixture) -> None:
    """What happens meanwhile has nobody who waits for it: its end by a fault is in the log."""

    async def keeping() -> None:
        raise FileNotFoundError("thumbs/1686214800.new")

    config = parse({"event": {"id": "now", "name": "Now", "start": datetime.fromtimestamp(1e9, UTC)}})
    app = App(config, Mixer(production_of(config)))
    app._meanwhile("keeper", keeping())
    [task] = [task for task in asyncio.all_tasks() if task.get_name() == "keeper"]
    await asyncio.wait([task])
    await app.stop()
    assert "keeper has ended" in caplog.text
    assert "1686214800.new" in caplog.text
