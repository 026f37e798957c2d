"""Debian's Firefox has no H264 in WebRTC: a good speaker with VP8. (A viewer: test_watching.py.)"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio

from demo.control import Control, Refused, pass_of
from demo.server import Server
from tests.support import browsers
from tests.support.cast import Audience, eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(start_server: Any, event_table: Any) -> Server:
    return await start_server(event_table(2))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def producer(server: Server) -> AsyncIterator[Control]:
    async with Control(server.url, pass_of((await server.links())["producer"])) as control:
        await control.until(lambda now: now.state)
        yield control


async def in_page(driver: Any, script: str) -> Any:
    """The value of a script in Firefox's page."""
    return await asyncio.to_thread(driver.execute_script, f"return {script}")


async def click(driver: Any, selector: str) -> None:
    """Click as soon as it can be clicked."""
    script = f"""(() => {{
        const button = document.querySelector({selector!r});
        if (!button || button.hidden || button.disabled) return false;
        button.click();
        return true;
    }})()"""
    await eventually(f"click on {selector}", lambda: in_page(driver, script))


async def test_a_speaker_with_vp8(server: Server, firefox: Any, chromium: Any, producer: Control) -> None:
    """A speaker in Firefox joins with VP8, is taken, and the viewer in Chromium sees moving pictures."""
    await asyncio.to_thread(firefox.get, (await server.links())["thony"])
    await click(firefox, "#start")
    await click(firefox, "#join")
    await eventually("sent", lambda: in_page(firefox, "document.body.dataset.sending"), "connected".__eq__)
    await click(firefox, "#ready")
    await producer.until(healthy("thony"), seconds=20)
    feed = next(feed for feed in producer.health["feeds"] if feed["id"] == "thony")
    assert feed["codec"] == "vp8"
    await producer.command("cue", talk="thony")
    await producer.until(lambda now: now.person("thony").get("state") == "standby")
    await eventually("taken", lambda: taken(producer))
    viewer = Audience(await browsers.page(await chromium.browser(), f"{server.url}/watch"))
    await viewer.settle()
    await eventually("on air", lambda: in_page(firefox, "document.body.dataset.tally"), "air".__eq__)
    # Firefox's fake camera changes its colour all the time; the slate does not.
    look = "probe.colour(screenVideo, 0.5, 0.45).join()"
    colours: set[str] = set()

    async def gather() -> int:
        colours.add(await viewer.page.evaluate(look))
        return len(colours)

    await eventually("changing colours", gather, lambda count: count >= 5)
    await viewer.more_pictures(30)


async def taken(producer: Control) -> bool:
    """Whether a take went through. On a slow machine Firefox may need more than two seconds for a keyframe:
    then a producer presses again."""
    try:
        await producer.command("take")
    except Refused as refusal:
        if refusal.code != "no_picture":
            raise
        return False
    return True


def healthy(ident: str) -> Callable[[Control], bool]:
    """Whether the producer is told that this feed brings fresh pictures."""

    def test(control: Control) -> bool:
        feeds = {feed["id"]: feed for feed in control.health.get("feeds", ())}
        return bool(feeds.get(ident, {}).get("fps", 0) > 10)

    return test
