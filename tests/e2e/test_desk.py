"""The producer's desk under a producer's hands: keys, refusals, doubts, and the rundown.

The acts build on one another: one server and one desk play them all, with a speaker who has no browser.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page

from broadcast.client.whip import WhipPublisher
from demo.control import Control, pass_of
from demo.server import Server
from tests.support import browsers
from tests.support.cast import eventually, state

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass
class House:
    """The desk, another producer's hands, and one speaker."""

    desk: Page
    other: Control
    thony: Control

    async def stands(self, what: str, selector: str, words: str) -> None:
        """Wait until the desk shows these words there."""
        spot = self.desk.locator(selector).first
        await eventually(what, spot.text_content, lambda text: words in (text or ""))

    async def show(self) -> dict[str, Any]:
        """The show as the desk knows it."""
        show: dict[str, Any] = (await state(self.desk))["show"]
        return show

    async def press(self, selector: str) -> None:
        """Press a button as soon as it is there, however slowly this machine paints it."""
        await self.desk.locator(selector).first.wait_for(state="attached")
        await self.desk.evaluate("(selector) => document.querySelector(selector).click()", selector)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(start_server: Any, event_table: Any, chromium: Any) -> AsyncIterator[House]:
    server: Server = await start_server(event_table(3))
    links = await server.links()
    passes = {ident: pass_of(link) for ident, link in links.items()}
    desk = await browsers.page(await chromium.browser(), links["producer"], permissions=["microphone"])
    camera = WhipPublisher(f"{server.url}/whip", passes["thony"])
    async with (
        Control(server.url, passes["producer"]) as other,
        Control(server.url, passes["thony"]) as thony,
    ):
        await camera.publish()
        await eventually("the desk", lambda: desk.locator("[data-talk]").count(), (3).__eq__)
        yield House(desk, other, thony)
        await camera.close()


async def test_who_is_not_ready_on_standby_is_seen_before_the_cut(house: House) -> None:
    """The doubt stands beside TAKE, in the rundown and in the multiview, until the producer answers for them."""
    await house.other.command("cue", talk="thony")
    await house.stands("the doubt", "#doubts", "is not ready yet")
    await house.stands("the tile", '[data-feed="thony"] .feed-state', "Standby, not ready")
    await house.stands("the rundown", '[data-talk="thony"] .rundown-presence', "standby, not ready")
    await house.press('[data-feed="thony"] .feed-acts button:nth-child(3)')
    await house.press("#person-ready:not([hidden])")
    await house.stands("ready", "#person-ready", "Ready")
    await house.press("#person-close")
    await eventually("no doubt", house.desk.locator("#doubts li").count, (0).__eq__)
    await house.stands("the tile", '[data-feed="thony"] .feed-state', "Standby")
