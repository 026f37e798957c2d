"""A studio for the tests of the mixer."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.broadcast.mixer.studio import Studio


@pytest_asyncio.fixture
async def studio() -> AsyncIterator[Studio]:
    studio = Studio()
    await studio.mixer.start()
    yield studio
    await studio.close()
