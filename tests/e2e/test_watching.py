"""A viewer's page: back to a talk and to live again, pause, and LL-HLS by itself where UDP is blocked."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page

from broadcast.client.whip import WhipPublisher
from broadcast.rtp.frame import Codec
from demo.control import Control, pass_of
from demo.publisher import play
from demo.server import Server
from tests.support import browsers
from tests.support.cast import eventually
from tests.support.media import coded_recording
from tests.support.networks import Lines, NotPermitted

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATIENCE = 60.0  # seconds
COLOUR = (40, 90, 120)
TALK_MS = 9000  # so long the talk is on air at least, that is watched again


@dataclass
class Hall:
    """A producer, a talk with a picture of one colour, and a viewer."""

    server: Server
    producer: Control
    page: Page

    async def body(self, key: str) -> str:
        """A word of the page about itself: `way`, `mode`, `media`."""
        found: str = await self.page.evaluate("(key) => document.body.dataset[key] ?? ''", key)
        return found

    async def is_at(self, way: str, *modes: str) -> None:
        """Wait until the programme comes this way, and the page is in one of these modes."""
        await eventually(way, lambda: self.body("way"), way.__eq__, PATIENCE)
        await eventually(f"one of {modes}", lambda: self.body("mode"), modes.__contains__, PATIENCE)

    async def colour(self, player: str) -> list[int]:
        """What the middle of this player's picture shows, as RGB."""
        look = "(id) => probe.colour(document.querySelector(`#${id} video`), 0.5, 0.45)"
        found: list[int] = await self.page.evaluate(look, player) or [-1000] * 3
        return found

    async def shows_the_talk(self, player: str, whether: bool = True) -> None:
        """Wait until the picture of the talk is seen, or (`whether` False) something else is."""

        def good(seen: list[int]) -> bool:
            same = all(abs(a - b) < 30 for a, b in zip(seen, COLOUR, strict=True))
            return same == whether and seen[0] >= 0

        await eventually("the picture", lambda: self.colour(player), good, PATIENCE)

    async def moves(self, player: str) -> None:
        """Wait until the picture has moved on."""
        at = f"document.querySelector('#{player} video').currentTime"
        before = await self.page.evaluate(at)
        await eventually("pictures", lambda: self.page.evaluate(at), lambda now: now > before + 0.5, PATIENCE)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hall(start_server: Any, event_table: Any, chromium: Any, media_cache: Path) -> AsyncIterator[Hall]:
    server: Server = await start_server(event_table(2, limits={"dead_feed_ms": 5000}))
    links = await server.links()
    recording = await asyncio.to_thread(coded_recording, media_cache, 0, COLOUR, 440.0)
    async with contextlib.AsyncExitStack() as stack:
        publisher = WhipPublisher(f"{server.url}/whip", pass_of(links["thony"]))
        stack.push_async_callback(publisher.close)
        await publisher.publish(video=Codec.H264, audio=True)
        playing = asyncio.create_task(play(publisher, recording))
        stack.push_async_callback(_ended, playing)
        producer = await stack.enter_async_context(Control(server.url, pass_of(links["producer"])))
        await producer.until(lambda now: "thony" in now.person("thony").get("feeds", ()), PATIENCE)
        page = await browsers.page(await chromium.browser(), f"{server.url}/watch")
        yield Hall(server, producer, page)


async def _ended(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_before_the_first_talk(hall: Hall) -> None:
    """The curtain tells when it begins, in the viewer's own time; there is nothing to go back to yet."""
    await hall.is_at("rtc", "soon")
    assert await hall.page.locator("#curtain").is_visible()
    assert "your time" in await hall.page.locator("#curtain-own").inner_text()
    assert not await hall.page.locator("#timeline").is_visible()


async def test_live_by_webrtc(hall: Hall) -> None:
    """A talk is taken: the viewer sees it live, and the bar begins to grow."""
    await hall.producer.command("take", talk="thony", force=True)
    await hall.is_at("rtc", "live")
    await hall.shows_the_talk("player")
    assert not await hall.page.locator("#curtain").is_visible()
    await eventually("the bar", hall.page.locator("#timeline").is_visible, bool, PATIENCE)
    on_air = "Date.now() - window.pavilion.state().show.talks[0].started"
    await eventually(
        "some seconds of it", lambda: hall.page.evaluate(on_air), lambda now: now >= TALK_MS, PATIENCE
    )
    await hall.producer.command("slate")
    await hall.is_at("rtc", "break")
    await hall.shows_the_talk("player", False)


async def test_who_comes_near_the_controls_has_the_library(hall: Hall) -> None:
    """It is fetched before the first jump, when somebody may want one."""
    fetched = "performance.getEntriesByType('resource').some(({name}) => name.endsWith('/lib/hls.js'))"
    await hall.page.locator("#timeline").hover()
    await eventually("hls.js", lambda: hall.page.evaluate(fetched), bool, PATIENCE)


async def test_back_to_a_talk_and_to_live_again(hall: Hall) -> None:
    """One press in the agenda plays the talk from its start; one key, and the viewer is live again."""
    await hall.page.locator('[data-talk="thony"] .agenda-watch').click()
    await hall.is_at("hls", "behind")
    await hall.shows_the_talk("replay")
    await hall.moves("replay")
    talk = hall.producer.state["talks"][0]
    assert await hall.page.locator("#now-title").inner_text() == talk["title"]
    assert "behind live" in str(await hall.page.locator("#timeline").get_attribute("aria-valuetext"))
    await eventually("no WebRTC meanwhile", lambda: hall.body("media"), "idle".__eq__, PATIENCE)
    await hall.page.keyboard.press("l")
    await hall.is_at("rtc", "break")
    await hall.shows_the_talk("player", False)
    await hall.moves("player")


async def test_a_pause_goes_on_where_it_was(hall: Hall) -> None:
    """The space bar stops a live picture; after some seconds it goes on from there, behind live."""
    await hall.page.keyboard.press("Space")
    await hall.is_at("hls", "behind")
    late = "window.pavilion.stats().behind_s"
    await eventually("some seconds", lambda: hall.page.evaluate(late), lambda now: now >= 6, PATIENCE)
    assert await hall.page.locator("#big-play").is_visible()
    await hall.page.keyboard.press("Space")
    await hall.moves("replay")
    assert await hall.page.evaluate(late) >= 5
    await hall.page.locator("#live").click()
    await hall.is_at("rtc", "break")


async def test_the_bar_by_keys_and_by_pointer(hall: Hall) -> None:
    """Home goes to the beginning; a press on a talk's place on the bar goes there; its name stands by."""
    timeline = hall.page.locator("#timeline")
    await timeline.focus()
    await hall.page.keyboard.press("Home")
    await hall.is_at("hls", "behind")
    box = await timeline.bounding_box()
    assert box is not None
    strip = await hall.page.locator('.timeline-strip[data-talk="thony"]').bounding_box()
    assert strip is not None
    title = hall.producer.state["talks"][0]["title"]
    await hall.page.mouse.move(strip["x"] + strip["width"] / 2, box["y"] + box["height"] / 2)
    await eventually("the title", lambda: hall.page.locator(".timeline-title").inner_text(), title.__eq__)
    await hall.page.mouse.down()
    await hall.page.mouse.up()
    await eventually("the talk", lambda: hall.page.locator("#now-title").inner_text(), title.__eq__, PATIENCE)
    await hall.shows_the_talk("replay")


async def test_over_and_again(hall: Hall) -> None:
    """When all is over the curtain says so and offers the whole again; what is then seen is a replay."""
    for talk in hall.producer.state["talks"][1:]:
        await hall.producer.command("edit", do="skip", talk=talk["id"])
    await hall.page.keyboard.press("l")
    await hall.is_at("rtc", "over")
    await hall.page.locator("#curtain-watch").click()
    await hall.is_at("hls", "replay")
    await hall.shows_the_talk("replay")


async def test_nothing_went_wrong_in_the_console(hall: Hall) -> None:
    """No page error, nothing that the content security policy refused."""
    errors = [line for line in hall.page.errors if "Failed to load resource" not in line]  # type: ignore[attr-defined]
    assert not errors


async def test_firefox_without_h264_shows_the_programme(hall: Hall, firefox: Any) -> None:
    """Debian's Firefox has no H264 in WebRTC: the page plays LL-HLS by itself, with nothing to press."""
    await asyncio.to_thread(firefox.get, f"{hall.server.url}/watch")

    async def seen() -> list[Any]:
        script = """const video = document.querySelector('#replay video');
            return [document.body.dataset.way, video.videoWidth, video.currentTime, video.paused]"""
        found: list[Any] = await asyncio.to_thread(firefox.execute_script, script)
        return found

    way, width, at, _ = await eventually("LL-HLS", seen, lambda now: now[0] == "hls" and now[1], PATIENCE)
    assert (way, width > 0) == ("hls", True)
    await eventually("pictures", seen, lambda now: now[2] > at + 1 and not now[3], PATIENCE)


async def test_where_udp_is_blocked(start_server: Any, event_table: Any, tmp_path: Path) -> None:
    """A machine whose UDP is swallowed gets the picture by LL-HLS, by itself."""
    with contextlib.ExitStack() as stack:
        try:
            lines = stack.enter_context(Lines())
            lines.swallow_udp()
        except NotPermitted as refusal:
            pytest.skip(f"no namespaces of our own here (they need root): {refusal}")
        server: Server = await start_server(event_table(2), host=lines.server)
        chromium = browsers.Chromium()
        try:
            program = lines.wrapper(browsers.installed(browsers.CHROMIUM, "Chromium", "chromium"), tmp_path)
            page = await browsers.page(await chromium.browser(program=program), f"{server.url}/watch")
            blocked = Hall(server, None, page)  # type: ignore[arg-type]
            await blocked.is_at("hls", "soon")
            await blocked.moves("replay")
            assert await blocked.body("media") != "connected"
        finally:
            await chromium.close()
