"""What the tests of `signaling` share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.signaling.house import House


@pytest_asyncio.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    house = House(tmp_path)
    house.wall.now = 6e8
    await house.desk.start()
    yield house
    await house.desk.stop()
