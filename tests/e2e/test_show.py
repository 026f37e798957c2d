"""The show, act by act: two speakers in real browsers, a producer, a screen and a viewer; one programme.

The acts build on one another, as in a theatre: one server and one set of browsers play them all.
"""

import asyncio
import random
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import psutil
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from demo.control import Control, pass_of
from demo.server import Server
from tests.support import browsers
from tests.support.cast import Audience, eventually, join, state, tally
from tests.support.media import camera_file, microphone_file

pytestmark = pytest.mark.asyncio(loop_scope="module")

# What Chromium's cameras show, as Y, U, V, and how that looks in the programme, as R, G, B.
ORANGE, ORANGE_SEEN, LOW = (120, 90, 200), (233, 77, 42), 520.0
BLUE, BLUE_SEEN, HIGH = (110, 190, 90), (49, 116, 234), 940.0


@dataclass
class Show:
    """Everybody in the show."""

    server: Server
    links: dict[str, str]
    thony: Page
    lanvin: Page
    produce: Page
    screen: Audience
    viewer: Audience
    stage_browser: Browser


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def show(
    start_server: Any, event_table: Any, chromium: Any, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Show]:
    folder = tmp_path_factory.mktemp("media")
    # Five browsers and two cameras share the cores: a camera that stalls for a moment is not the subject.
    server: Server = await start_server(event_table(3, limits={"dead_feed_ms": 3000}))
    links = await server.links()

    async def speaker(ident: str, colour: tuple[int, int, int], pitch: float) -> Page:
        # Small pictures: two browsers that encode share the cores with all the others.
        camera = camera_file(folder / f"{ident}.y4m", colour, width=640, height=360)
        microphone = microphone_file(folder / f"{ident}.wav", pitch)
        browser = await chromium.browser(camera, microphone)
        return await browsers.page(browser, links[ident], permissions=["camera", "microphone"])

    audience = await chromium.browser()
    yield Show(
        server=server,
        links=links,
        viewer=Audience(await browsers.page(audience, f"{server.url}/watch")),
        screen=Audience(await browsers.page(audience, links["pavilion"])),
        produce=await browsers.page(audience, links["producer"]),
        thony=await speaker("thony", ORANGE, LOW),
        lanvin=await speaker("lanvin", BLUE, HIGH),
        stage_browser=audience,
    )


async def unbroken(audience: Audience) -> None:
    """Still the first connection, and nothing lost on it, as the browser's own statistics say.

    Whether a picture was late depends on the machine: freezes are counted in `make bench`.
    """
    figures = await audience.received()
    assert figures["peers"] == 1
    assert figures["video.packetsLost"] == 0
    assert figures["audio.packetsLost"] == 0
    assert await audience.connections() == 1


async def test_the_slate_is_on_before_anybody_came(show: Show) -> None:
    """Viewer and screen get pictures of the slate, with nobody on stage."""
    for audience in (show.viewer, show.screen):
        await audience.settle()
        await audience.more_pictures(30)
    assert (await state(show.viewer.page))["show"]["air"]["kind"] == "slate"


async def test_speakers_join_by_their_links(show: Show) -> None:
    """Both check their devices, enter the green room and are ready; the producer sees them so."""
    await asyncio.gather(join(show.thony), join(show.lanvin))
    async with Control(show.server.url, pass_of(show.links["producer"])) as control:
        for ident in ("thony", "lanvin"):
            await control.until(lambda now, who=ident: now.person(who).get("state") == "ready")
            await control.until(lambda now, who=ident: who in now.person(who).get("feeds", ()))
    await tally(show.thony, "off")


async def test_the_producer_takes_one_and_then_the_other(show: Show) -> None:
    """Cue and take by the producer's page: the tallies change, and all see and hear the one on air."""
    for talk, on, off, colour, pitch in (
        ("thony", show.thony, show.lanvin, ORANGE_SEEN, LOW),
        ("lanvin", show.lanvin, show.thony, BLUE_SEEN, HIGH),
    ):
        await cue(show, talk)
        await tally(on, "standby")
        await take(show, talk)
        await tally(on, "air")
        await tally(off, "off")
        for audience in (show.viewer, show.screen):
            await audience.sees(colour)
            await audience.hears(pitch)


async def test_the_programme_never_stopped(show: Show) -> None:
    """No lost packet, and still the first connection, after all those hand-offs."""
    for audience in (show.viewer, show.screen):
        await audience.more_pictures(30)
        await unbroken(audience)


async def test_garbage_on_the_media_port_harms_nobody(show: Show) -> None:
    """Thousands of datagrams of nonsense, from strangers, while the show runs: pictures go on."""
    dice = random.Random(5)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.connect((show.server.host, show.server.udp))
        for number in range(6000):
            first = dice.choice((0, 1, 20, 22, 63, 128, 144, 191, 255))
            stranger.send(bytes([first]) + dice.randbytes(dice.randrange(0, 1200)))
            if number % 50 == 0:
                await asyncio.sleep(0)
    await show.viewer.more_pictures(60)
    await unbroken(show.viewer)


async def test_a_killed_mixer_is_back_on_the_same_scene(show: Show) -> None:
    """After `kill -9` of the mixer the same speaker is on the same connections again."""
    assert show.server.process is not None
    mixers = [
        child
        for child in psutil.Process(show.server.process.pid).children(recursive=True)
        if "broadcast.mixer" in " ".join(child.cmdline())
    ]
    busiest = max(mixers, key=lambda child: sum(child.cpu_times()[:2]))
    busiest.kill()
    for audience in (show.viewer, show.screen):
        await audience.more_pictures(60)
        await audience.sees(BLUE_SEEN)
        await audience.hears(HIGH)
        assert await audience.connections() == 1


async def test_a_second_device_takes_over(show: Show) -> None:
    """A link opened on another device: the first keeps the seat until the second enters the green room."""
    second = await browsers.page(
        show.stage_browser, show.links["thony"], permissions=["camera", "microphone"]
    )
    await eventually("the second is in", lambda: second.evaluate("document.body.dataset.link"), "open".__eq__)
    assert await show.thony.evaluate("document.body.dataset.card") == ""
    await join(second)
    await eventually(
        "the first is told", lambda: show.thony.evaluate("document.body.dataset.card"), "taken_over".__eq__
    )
    await second.context.close()


async def test_viewers_leave_nothing_behind(show: Show) -> None:
    """Viewers that come and go leave no thread, child or descriptor in the server."""
    from tests.support import leaks

    assert show.server.process is not None
    pid = show.server.process.pid
    page = await browsers.page(show.stage_browser, f"{show.server.url}/healthz")
    come_and_go = """async () => {
        const { pc, video } = await probe.whep("/whep");
        pc.close(); video.remove();
    }"""
    await page.evaluate(come_and_go)
    before = leaks.belongings(pid)
    for _ in range(8):
        await page.evaluate(come_and_go)
    await page.context.close()
    assert not await asyncio.to_thread(leaks.left_over, before, pid, 10.0)


async def test_a_killed_server_resumes_in_the_middle_of_the_show(show: Show) -> None:
    """After `kill -9` and a new start the pages come back by themselves, and the same talk is on air."""
    assert show.server.process is not None
    show.server.process.kill()
    await asyncio.to_thread(show.server.process.wait)
    await show.server.start()
    await eventually(
        "the speaker is back", lambda: show.lanvin.evaluate("document.body.dataset.tally"), "air".__eq__
    )
    await eventually(
        "the camera is back",
        lambda: show.lanvin.evaluate("document.body.dataset.sending"),
        "connected".__eq__,
    )
    for audience in (show.viewer, show.screen):
        await eventually("a new connection", audience.connections, lambda count: count > 1)
        await audience.sees(BLUE_SEEN)
        await audience.more_pictures(30)


async def test_no_page_had_an_error(show: Show) -> None:
    """No script failed in any page, through all of it."""
    for page in (show.thony, show.lanvin, show.produce, show.screen.page, show.viewer.page):
        faults = [
            text for text in page.errors if "Failed to load resource" not in text and "WebSocket" not in text
        ]
        assert not faults, page.url.partition("#")[0]


async def cue(show: Show, talk: str) -> None:
    """The producer cues a talk by hand."""
    await show.produce.locator(f'[data-cue="{talk}"]').click()


async def take(show: Show, talk: str) -> None:
    """The producer takes what is on standby, and insists where the desk doubts (a talk that is over)."""
    await show.produce.locator("#take:not([aria-disabled])").click()

    async def on_air() -> tuple[str | None, str]:
        insist = show.produce.locator("[data-force]")
        if await insist.count():
            await insist.first.click()
        air = (await state(show.produce))["show"]["air"]
        return air["talk"], await show.produce.locator("#notices").inner_text()

    await eventually(f"{talk} on air", on_air, lambda seen: seen[0] == talk)
