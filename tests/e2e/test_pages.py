"""The speaker's page and the producer's desk, hand in hand: what one says or does, the other shows.

The acts build on one another: one server, one desk and one speaker play them all.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page

from demo.server import Server
from tests.support import browsers
from tests.support.cast import eventually, join, state
from tests.support.media import camera_file, microphone_file

pytestmark = pytest.mark.asyncio(loop_scope="module")

SPEAKER = "thony"


@dataclass
class House:
    """The desk and one speaker."""

    server: Server
    desk: Page
    speaker: Page

    async def talk(self, ident: str) -> dict[str, Any]:
        """A talk as the desk knows it."""
        talks = (await state(self.desk))["show"]["talks"]
        return next(talk for talk in talks if talk["id"] == ident)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(
    start_server: Any, event_table: Any, chromium: Any, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    folder = tmp_path_factory.mktemp("media")
    server: Server = await start_server(event_table(3))
    links = await server.links()
    camera = camera_file(folder / "camera.y4m", (120, 90, 200), width=640, height=360)
    browser = await chromium.browser(camera, microphone_file(folder / "microphone.wav", 520.0))
    desk = await browsers.page(browser, links["producer"], permissions=["microphone"])
    speaker = await browsers.page(browser, links[SPEAKER], permissions=["camera", "microphone"])
    await join(speaker)
    yield House(server, desk, speaker)


async def press(page: Page, selector: str) -> None:
    """Press a button, however slowly this machine paints it, and though it may leave the page."""
    there = "(selector) => document.querySelector(selector) !== null"
    await eventually(selector, lambda: page.evaluate(there, selector))
    await page.evaluate("(selector) => setTimeout(() => document.querySelector(selector).click())", selector)


async def write(page: Page, selector: str, words: str) -> None:
    """Fill a field."""
    await page.evaluate(
        "([selector, words]) => { document.querySelector(selector).value = words; }", [selector, words]
    )


async def text(page: Page, selector: str) -> str:
    return await page.locator(selector).first.inner_text()


async def test_a_text_cue_is_read_and_acknowledged(house: House) -> None:
    """What the producer writes stands on the speaker's page; the key G answers that it was read."""
    await write(house.desk, "#note-to", SPEAKER)
    await write(house.desk, "#note-text", "One minute left")
    await press(house.desk, "#note button")
    await eventually(
        "the cue",
        lambda: house.speaker.locator("#cues .cue-text").all_inner_texts(),
        ["One minute left"].__eq__,
    )
    await house.speaker.keyboard.press("g")
    await eventually("read", lambda: text(house.desk, "#notes .note-read"), "read".__eq__)
    await eventually("no cue", house.speaker.locator("#cues li").count, (0).__eq__)


async def test_a_speaker_sees_that_the_producer_speaks(house: House) -> None:
    """While the key T is held, the speaker's page names who speaks, and no longer."""
    await house.desk.evaluate("document.activeElement.blur()")
    await house.desk.keyboard.down("t")
    await eventually(
        "the indicator", lambda: house.speaker.evaluate("document.body.dataset.talkback"), "heard".__eq__
    )
    assert "Stage manager" in await text(house.speaker, "#talkback-word")
    await eventually(
        "my voice",
        lambda: house.desk.evaluate("document.querySelector('#voice').dataset.state"),
        "live".__eq__,
    )
    await house.desk.keyboard.up("t")
    await eventually("silence", lambda: house.speaker.evaluate("document.body.dataset.talkback"), "".__eq__)


async def test_a_closed_microphone_is_told_to_its_owner(house: House) -> None:
    """Mute in the multiview: the speaker's page says so, until it is taken back."""
    mute = f'[data-feed="{SPEAKER}"] .feed-acts button:nth-child(2)'
    await press(house.desk, mute)
    told = house.speaker.locator("#notices", has_text="closed your microphone")
    await eventually("told", told.count)
    await press(house.desk, mute)
    await eventually("taken back", told.count, (0).__eq__)


async def test_the_rundown_is_edited_while_it_runs(house: House) -> None:
    """By keyboard a talk moves; by the form it gets another title and length; +5 extends what is on air."""
    order = [talk["id"] for talk in (await state(house.desk))["show"]["talks"]]
    await house.desk.evaluate('(id) => document.querySelector(`[data-handle="${id}"]`).focus()', order[2])
    await house.desk.keyboard.press("ArrowUp")
    moved = [order[0], order[2], order[1]]
    await eventually(
        "the new order",
        lambda: house.desk.evaluate(
            "[...document.querySelectorAll('pv-rundown [data-talk]')].map((row) => row.dataset.talk)"
        ),
        moved.__eq__,
    )
    await press(house.desk, f'[data-open="{order[1]}"]')
    await write(house.desk, "#talk-name", "Another title")
    await write(house.desk, "#talk-minutes", "45")
    await press(house.desk, "#talk-save")
    await eventually("the title", lambda: house.talk(order[1]), lambda talk: talk["title"] == "Another title")
    await eventually("the length", lambda: house.talk(order[1]), lambda talk: talk["minutes"] == 45)
    await press(house.desk, f'[data-cue="{SPEAKER}"]')
    await eventually("standby", lambda: house.talk(SPEAKER), lambda talk: talk["state"] == "standby")
    await press(house.desk, "#take:not([aria-disabled])")
    await eventually("on air", lambda: house.talk(SPEAKER), lambda talk: talk["state"] == "live")
    await eventually("the clock", lambda: house.speaker.locator("#clock-label").inner_text(), "left".__eq__)
    before = (await house.talk(SPEAKER))["minutes"]
    await press(house.desk, '#extend [data-minutes="5"]')
    await eventually("five more", lambda: house.talk(SPEAKER), lambda talk: talk["minutes"] == before + 5)
    assert "changed the length" in await text(house.desk, "#moves")


async def test_another_camera_while_live_keeps_the_seat(house: House) -> None:
    """Choosing a device replaces the track: the same connection goes on."""
    starts = (await house.speaker.evaluate("window.pavilion.stats()"))["starts"]
    await house.speaker.evaluate("document.querySelector('#pick-camera').dispatchEvent(new Event('change'))")
    before = (await house.speaker.evaluate("window.pavilion.stats()"))["frames"]
    await eventually(
        "pictures of the new track",
        lambda: house.speaker.evaluate("window.pavilion.stats().frames"),
        lambda frames: frames > before + 10,
    )
    assert (await house.speaker.evaluate("window.pavilion.stats()"))["starts"] == starts


async def test_a_reload_puts_the_speaker_back_on_their_seat(house: House) -> None:
    """Without a click: the camera is sent again, and the tally is what it was."""
    house.speaker.on("dialog", lambda dialog: dialog.accept())  # on air the page asks whether to leave
    await house.speaker.reload()
    await eventually(
        "the camera is sent",
        lambda: house.speaker.evaluate("document.body.dataset.sending"),
        "connected".__eq__,
    )
    await eventually("on air", lambda: house.speaker.evaluate("document.body.dataset.tally"), "air".__eq__)


async def test_a_removed_speaker_is_told_so_and_comes_back_when_admitted(house: House) -> None:
    """Removing takes two presses; the speaker's page shows a card, and their own button brings them back."""
    await press(house.desk, f'[data-feed="{SPEAKER}"] .feed-acts button:nth-child(3)')
    await press(house.desk, "#person-remove")
    assert (await house.talk(SPEAKER))["state"] == "live"
    await press(house.desk, "#person-remove")
    await eventually(
        "the card", lambda: house.speaker.evaluate("document.body.dataset.card"), "removed".__eq__
    )
    await press(house.desk, "#person-admit")
    await eventually(
        "admitted",
        lambda: house.desk.evaluate("document.querySelector('#person-admit').hidden"),
    )
    async with house.speaker.expect_event("load"):
        await press(house.speaker, "#card-button")
    await eventually(
        "no card", lambda: house.speaker.evaluate("document.body.dataset.card ?? 'none'"), "".__eq__
    )


async def test_nothing_went_wrong_in_the_consoles(house: House) -> None:
    """Neither page threw or broke its content security policy."""
    for page in (house.desk, house.speaker):
        assert not [line for line in page.errors if "Failed to load resource" not in line]  # type: ignore[attr-defined]
