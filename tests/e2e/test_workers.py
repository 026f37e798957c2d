"""A server with workers: one is killed, and its viewers are back on the other, each by their own means."""

import asyncio
import os
import signal
from typing import Any

import pytest
import pytest_asyncio

from demo.server import Server
from tests.support import browsers
from tests.support.cast import Audience, eventually
from tests.support.workers import Fan, metric, neighbours, serving, until_ready, workers

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(start_server: Any, event_table: Any) -> Server:
    started: Server = await start_server(event_table(2, server={"workers": "2", "worker_udp": neighbours()}))
    await until_ready(started)
    return started


async def test_our_client_is_back_on_the_other_worker(server: Server) -> None:
    """kill -9 of one of two workers: its viewer joins the other, whose own viewer notices nothing, and the
    dead one is replaced."""
    fans = [Fan(server), Fan(server)]
    for fan in fans:
        await fan.join()
    lost, kept = fans
    first, second = (serving(server, fan.viewer.answer) for fan in fans)
    assert first.pid != second.pid
    tasks = [asyncio.create_task(fan.stay()) for fan in fans]
    try:
        os.kill(first.pid, signal.SIGKILL)
        async with asyncio.timeout(120):
            while lost.joined < 2 or lost.viewer.packets < 50:  # noqa: ASYNC110 - packets come one by one
                await asyncio.sleep(0.02)
        assert first.pid not in [each.pid for each in workers(server) if each.is_running()]
        assert kept.joined == 1, "whom it did not concern stays"
        await until_ready(server)
        assert await metric(server, "pavilion_workers_restarts") >= 1
        assert await metric(server, "pavilion_workers_viewers") >= 1
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for fan in fans:
            await fan.viewer.close()


async def test_a_page_is_back_on_the_other_worker(server: Server, chromium: Any) -> None:
    """The page notices by itself that nothing comes and that its session has ended, long before ICE would."""
    await until_ready(server)
    page = await browsers.page(await chromium.browser(), f"{server.url}/watch")
    audience = Audience(page)
    await audience.settle()
    await audience.more_pictures(10)
    for process in workers(server):
        os.kill(process.pid, signal.SIGKILL)  # whichever it is on: then the server's own port serves

    async def connected_again() -> bool:
        return await audience.connections() >= 2 and (await audience.received())["peers"] == 1

    await eventually("a new connection", connected_again, within=120)

    async def shown() -> int:
        return int((await audience.received()).get("video.framesDecoded", 0))

    await eventually("pictures again", shown, lambda now: now > 10, within=120)
    await page.close()
