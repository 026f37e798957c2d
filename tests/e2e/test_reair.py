"""Re-air, end to end: yesterday's talk by [[reair]], on a screen and for viewers by WebRTC and LL-HLS."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Page

from broadcast.client.whip import WhipPublisher
from broadcast.rtp.frame import Codec
from demo.control import Control, pass_of
from demo.publisher import play
from demo.server import Server
from tests.e2e.test_downloads import kept_until
from tests.e2e.test_watching import Hall
from tests.support import browsers
from tests.support.cast import eventually
from tests.support.media import coded_recording

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATIENCE = 90.0  # seconds
COLOUR = (40, 90, 120)
LONG = 6.0  # seconds that yesterday's talk was on air at least
TITLE = "Callysta Thony: Reorienting Smart Cities"
INDIA = ZoneInfo("Asia/Kolkata")
LOOP, HOUR = "again-c0-0-thony", "again-c1-0-thony"  # what each of the two tables of [[reair]] puts on air


@contextlib.asynccontextmanager
async def speaking(server: Server, token: str, cache: Path) -> AsyncIterator[None]:
    """A speaker before a wall of the colour."""
    recording = await asyncio.to_thread(coded_recording, cache, 0, COLOUR, 440.0)
    publisher = WhipPublisher(f"{server.url}/whip", token)
    try:
        await publisher.publish(video=Codec.H264, audio=True)
        playing = asyncio.create_task(play(publisher, recording))
        yield
        playing.cancel()
        await asyncio.gather(playing, return_exceptions=True)
    finally:
        await publisher.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(start_server: Any, event_table: Any, media_cache: Path) -> Server:
    """A server on its second day: on the first there was a talk, today's begins in some hours."""
    started: Server = await start_server(event_table(2, limits={"dead_feed_ms": 5000}))
    links = await started.links()
    async with (
        Control(started.url, pass_of(links["producer"])) as producer,
        speaking(started, pass_of(links["thony"]), media_cache),
    ):
        await producer.until(lambda now: "thony" in now.person("thony").get("feeds", ()), PATIENCE)
        await producer.command("take", talk="thony", force=True)
        await producer.until(lambda now: now.air == "thony", PATIENCE)
        await kept_until(started, producer.state["air"]["since"] / 1000 + LONG)
        await producer.command("slate")
        await producer.until(lambda now: now.air is None, PATIENCE)
        await kept_until(started, producer.state["air"]["since"] / 1000)
    await started.stop()
    soon = (datetime.now(INDIA) + timedelta(seconds=20)).replace(tzinfo=None)
    started.table["talks"][1]["start"] = datetime.now(INDIA) + timedelta(hours=3)
    started.table["reair"] = [
        {"loop": True},
        {"what": "thony", "at": soon.isoformat(timespec="seconds"), "zone": "Asia/Kolkata"},
    ]
    await started.start()
    return started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hall(server: Server, chromium: Any) -> AsyncIterator[Hall]:
    """A producer, who has nothing to do, and a viewer."""
    async with Control(server.url, pass_of((await server.links())["producer"])) as producer:
        yield Hall(server, producer, await browsers.page(await chromium.browser(), f"{server.url}/watch"))


async def told(server: Server) -> dict[str, Any]:
    """What GET /api/chapters says."""
    async with aiohttp.ClientSession() as http, http.get(f"{server.url}/api/chapters") as answer:
        found: dict[str, Any] = await answer.json()
        return found


async def says(page: Page, id: str, text: str) -> None:
    """Wait until this part of the page says so, in whatever case its style shows."""
    await eventually(id, page.locator(f"#{id}").text_content, text.__eq__, PATIENCE)


async def test_a_viewer_sees_it_by_webrtc(hall: Hall) -> None:
    """It begins by itself; picture and title are those of the talk, and the page says that it is a replay."""
    await hall.is_at("rtc", "replay")
    await hall.shows_the_talk("player")
    await says(hall.page, "now-title", TITLE)
    await says(hall.page, "now-label", "On air again")
    await eventually("replay", lambda: told(hall.server), lambda now: now["state"] == "replay", PATIENCE)


async def test_a_viewer_without_webrtc_sees_it_by_hls(hall: Hall, chromium: Any) -> None:
    """LL-HLS has the same picture, under the same title."""
    page = await (await browsers.context(await chromium.browser())).new_page()
    refusal = {"error": {"code": "no_usable_codec", "message": "No H264."}}
    await page.route("**/whep", lambda route: route.fulfill(status=406, json=refusal))
    await page.goto(f"{hall.server.url}/watch")
    viewer = Hall(hall.server, hall.producer, page)
    await viewer.is_at("hls", "replay")
    await viewer.shows_the_talk("replay")
    await says(page, "now-title", TITLE)
    await hall.producer.until(lambda now: now.state["audience"]["viewers"] == 2, PATIENCE)


async def test_the_wall_of_the_pavilion_shows_it(hall: Hall, chromium: Any) -> None:
    """The screen's picture is the talk's, with the speaker's name in it."""
    page = await browsers.page(await chromium.browser(), (await hall.server.links())["pavilion"])
    wall = Hall(hall.server, hall.producer, page)
    await wall.shows_the_talk("player")
    look = """() => [[0.1, 0.88], [0.5, 0.45]].map(([x, y]) =>
        probe.colour(document.querySelector('#player video'), x, y))"""

    def named(seen: list[list[int] | None]) -> bool:
        strip, middle = seen
        talk = middle is not None and all(abs(a - b) < 30 for a, b in zip(middle, COLOUR, strict=True))
        return talk and strip is not None and max(strip) < 70

    await eventually("the name", lambda: page.evaluate(look), named, PATIENCE)


async def test_the_hour_of_another_zone(hall: Hall) -> None:
    """At nine in India (or so) that talk is on air, whatever the loop plays, and then the loop again."""
    await eventually(
        "both",
        lambda: told(hall.server),
        lambda now: {LOOP, HOUR} <= {each["talk"] for each in now["chapters"]},
        PATIENCE,
    )
    chapters = (await told(hall.server))["chapters"]
    first = next(each for each in chapters if each["talk"] == HOUR)
    at = datetime.fromisoformat(hall.server.table["reair"][1]["at"]).replace(tzinfo=INDIA)
    assert first["start"] >= at.timestamp() * 1000 - 100


async def test_it_ends_when_todays_talk_comes(hall: Hall, media_cache: Path) -> None:
    """A minute before a live talk is planned the slate comes; then the talk is live, and nothing else."""
    links = await hall.server.links()
    await hall.is_at("rtc", "replay")
    now = hall.producer.state["now"]
    await hall.producer.command("edit", do="retime", talk="lanvin", start=now + 45_000)
    await hall.is_at("rtc", "break")
    await hall.shows_the_talk("player", False)
    async with speaking(hall.server, pass_of(links["lanvin"]), media_cache):
        await hall.producer.until(lambda now: "lanvin" in now.person("lanvin").get("feeds", ()), PATIENCE)
        await hall.producer.command("take", talk="lanvin", force=True)
        await hall.is_at("rtc", "live")
        await hall.shows_the_talk("player")
        assert (await told(hall.server))["state"] == "live"
        await says(hall.page, "now-title", "Reinventing Smart Cities")
