"""A speaker whose machine changes its network in the middle of their talk."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page

from demo.control import Control, pass_of
from demo.server import Server
from tests.support import browsers
from tests.support.cast import eventually, join, tally
from tests.support.media import camera_file, microphone_file
from tests.support.networks import MOBILE, WIFI, Lines, NotPermitted

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATIENCE = 60.0  # seconds


@dataclass
class Away:
    """A speaker on another machine, who is on air, and a producer here."""

    lines: Lines
    page: Page
    producer: Control

    async def told(self, **air: Any) -> None:
        """Wait until `air` is so."""
        try:
            await self.producer.until(lambda now: air.items() <= now.state["air"].items(), seconds=PATIENCE)
        except TimeoutError:
            pytest.fail(f"not {air}: {self.producer.state['air']}, {self.producer.state['people']}")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def away(start_server: Any, event_table: Any, tmp_path_factory: Any) -> AsyncIterator[Away]:
    async with contextlib.AsyncExitStack() as stack:
        try:
            lines = stack.enter_context(Lines())
        except NotPermitted as refusal:
            pytest.skip(f"no namespaces of our own here (they need root): {refusal}")
        folder: Path = tmp_path_factory.mktemp("away")
        server: Server = await start_server(event_table(2), host=lines.server)
        links = await server.links()
        chromium = browsers.Chromium()
        stack.push_async_callback(chromium.close)
        browser = await chromium.browser(
            camera_file(folder / "camera.y4m", (120, 90, 200), width=320, height=180),
            microphone_file(folder / "voice.wav", 500.0),
            f"--unsafely-treat-insecure-origin-as-secure={server.url}",  # no camera without
            program=lines.wrapper(browsers.installed(browsers.CHROMIUM, "Chromium", "chromium"), folder),
        )
        page = await browsers.page(browser, links["thony"], permissions=["camera", "microphone"])
        producer = await stack.enter_async_context(Control(server.url, pass_of(links["producer"])))
        yield Away(lines, page, producer)


async def test_back_on_the_seat_from_another_network(away: Away) -> None:
    """The Wi-Fi goes, another network comes: slate, and the speaker is on air again without a click."""
    await join(away.page)
    await away.producer.until(lambda now: "thony" in now.person("thony").get("feeds", ()), PATIENCE)
    await away.producer.command("take", talk="thony")
    await tally(away.page, "air")
    starts = await away.page.evaluate("performance.timeOrigin")

    away.lines.down(WIFI)
    await away.told(kind="slate", held="thony", returns=True)
    away.lines.up(MOBILE)
    await away.told(kind="talk", talk="thony")
    await eventually(
        "the page is told of its seat",
        lambda: away.page.evaluate("[document.body.dataset.sending, document.body.dataset.tally]"),
        ["connected", "air"].__eq__,
        PATIENCE,
    )
    assert await away.page.evaluate("performance.timeOrigin") == starts, "it was never reloaded"


async def test_from_one_network_to_the_next_at_once(away: Away) -> None:
    """The new network is there before the old one goes: on air again, over the same page."""
    away.lines.up(WIFI)
    away.lines.down(MOBILE)
    for _ in range(2):  # the first may have been measured before the line broke
        before = away.producer.health
        await away.producer.until(lambda now, old=before: now.health is not old, PATIENCE)
    await away.producer.until(lambda now: now.air == "thony" and _sends(now), PATIENCE)
    await tally(away.page, "air")


def _sends(control: Control) -> bool:
    """Whether the speaker's camera is seen."""
    feeds = control.health.get("feeds", ())
    return any(feed["id"] == "thony" and feed["verdict"] != "dead" for feed in feeds)
