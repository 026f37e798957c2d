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

RIGHT = "(box) => document.querySelector(box).getBoundingClientRect().right"
BEYOND = "(box) => document.querySelector(box).scrollWidth - document.querySelector(box).clientWidth"


@dataclass
class House:
    """The desk, and another producer's hands."""

    desk: Page
    other: Control
    link: str  # the speaker's

    async def stands(self, what: str, selector: str, words: str) -> None:
        """Wait until the desk shows these words there."""
        spot = self.desk.locator(selector).first
        await eventually(what, spot.text_content, lambda text: words in (text or ""))

    async def show(self) -> dict[str, Any]:
        """The show as the desk knows it."""
        show: dict[str, Any] = (await state(self.desk))["show"]
        return show

    async def muted(self) -> list[bool]:
        """Whether the microphones of the panel are closed."""
        people = (await self.show())["people"]
        return [person["level"]["muted"] for person in people if person["id"] in ("thony", "lanvin")]

    async def order(self) -> list[str]:
        """The rundown as it is seen."""
        rows = self.desk.locator("[data-talk]")
        found: list[str] = await rows.evaluate_all("(rows) => rows.map((row) => row.dataset.talk)")
        return found

    async def press(self, selector: str) -> None:
        """Press a button as soon as it is there, however slowly this machine paints it."""
        await self.desk.locator(selector).first.wait_for(state="attached")
        await self.desk.evaluate("(selector) => document.querySelector(selector).click()", selector)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(start_server: Any, event_table: Any, chromium: Any) -> AsyncIterator[House]:
    table = event_table(3)
    panel = {
        "id": "panel",
        "title": "Panel",
        "speakers": ["thony", "lanvin"],
        "layout": "grid",
        "minutes": 10,
    }
    table["talks"].append(panel)
    server: Server = await start_server(table)
    links = await server.links()
    passes = {ident: pass_of(link) for ident, link in links.items()}
    desk = await browsers.page(await chromium.browser(), links["producer"], permissions=["microphone"])
    camera = WhipPublisher(f"{server.url}/whip", passes["thony"])
    async with (
        Control(server.url, passes["producer"]) as other,
        Control(server.url, passes["thony"]),
    ):
        await camera.publish()
        await eventually("the desk", lambda: desk.locator("[data-talk]").count(), (4).__eq__)
        yield House(desk, other, links["thony"])
        await camera.close()


async def test_nothing_is_cut_off_or_makes_the_desk_wider(house: House) -> None:
    """On a laptop and a phone all of it is in sight, also with words that never end."""
    await house.other.command("edit", do="retitle", talk="lanvin", title="x" * 120)
    await house.other.command("message", to="all", text="y" * 200)
    await house.stands("the title", '[data-talk="lanvin"] h3', "x" * 120)
    await house.stands("the note", "#notes", "y" * 200)
    for width, height in ((390, 844), (1440, 900)):
        await house.desk.set_viewport_size({"width": width, "height": height})
        for box in ("html", ".desk-rundown"):
            assert await house.desk.evaluate(BEYOND, box) == 0, (box, width)
        assert await house.desk.evaluate(RIGHT, "#add") < await house.desk.evaluate(RIGHT, ".desk-rundown")


async def test_a_title_from_right_to_left_ends_on_the_left(house: House) -> None:
    """Its exclamation mark follows the last letter, in a page that reads from left to right."""
    await house.other.command("edit", do="retitle", talk="vermast", title="مدن ذكية!")
    await house.stands("the title", '[data-talk="vermast"] h3', "!")
    left = """(at) => {
        const { firstChild } = document.querySelector('[data-talk="vermast"] h3');
        const range = document.createRange();
        range.setStart(firstChild, firstChild.length + at);
        range.setEnd(firstChild, range.startOffset + 1);
        return range.getBoundingClientRect().left;
    }"""
    assert await house.desk.evaluate(left, -1) < await house.desk.evaluate(left, -2)


async def test_who_is_not_ready_on_standby_is_seen_before_the_cut(house: House) -> None:
    """The doubt stands beside TAKE, in the rundown and in the multiview, until the producer answers."""
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


async def test_a_speaker_who_opens_their_page_on_standby_sees_that_they_are_ready(house: House) -> None:
    """Their own last word is not known to the new page: the server's is."""
    assert house.desk.context.browser is not None
    page = await browsers.page(house.desk.context.browser, house.link)
    await eventually("standby", lambda: page.evaluate("document.body.dataset.tally"), "standby".__eq__)
    assert await page.locator("#ready").get_attribute("aria-pressed") == "true"
    await page.close()


async def test_after_a_text_cue_the_space_bar_takes(house: House) -> None:
    """M, words, Enter, space: the cue is sent and the show goes on; Escape leaves a field as well."""
    await house.desk.evaluate("document.activeElement.blur()")  # of the dialog that was closed just now
    await house.desk.keyboard.press("m")
    await house.desk.keyboard.type("You are next")
    await house.desk.keyboard.press("Enter")
    await house.stands("the cue", "#notes", "You are next")
    await house.desk.locator("#slate-name").focus()
    await house.desk.keyboard.press("Enter")
    assert await house.desk.evaluate("document.activeElement === document.body")
    await house.desk.locator("#note-text").focus()
    await house.desk.keyboard.press("Escape")
    await house.desk.keyboard.press("Space")
    await house.stands("it was taken", "#notices", "Not taken.")


async def test_what_is_refused_can_be_forced_while_the_show_stands_still(house: House) -> None:
    """Take anyway is refused once another producer has changed what is next, and acts when nothing has."""
    await house.other.command("cue", talk="lanvin")
    await house.press("[data-force]")
    await house.stands("too late", '#notices [data-code="stale"]', "Not taken.")
    await house.other.command("cue", talk="thony")
    await eventually("standby", house.show, lambda show: show["standby"] == "thony")
    await house.desk.locator("#take:not([aria-disabled])").wait_for()  # a take right after another is a slip
    await house.desk.keyboard.press("Space")
    await house.press("[data-force]")
    await eventually("on air", house.show, lambda show: show["air"]["talk"] == "thony")


async def test_a_talk_that_is_over_is_cued_anyway(house: House) -> None:
    """Cue is refused, and the button beside the refusal brings the talk back."""
    await house.other.command("slate")
    await eventually("over", house.show, lambda show: show["talks"][0]["state"] == "done")
    await house.press('[data-cue="thony"]')
    await house.stands("refused", '#notices [data-code="talk_over"]', "Not cued.")
    await house.press("[data-force]")
    await eventually("standby", house.show, lambda show: show["standby"] == "thony")


async def test_what_another_producer_edits_meanwhile_stays(house: House) -> None:
    """The form of a talk sends what was changed in it, although it holds what has changed since."""
    await house.press('[data-open="lanvin"]')
    await house.desk.locator("#talk-name").fill("A title from the desk")
    await house.other.command("edit", do="extend", talk="lanvin", minutes=7)
    await eventually("longer", house.show, lambda show: show["talks"][1]["extended"] == 7)
    await house.press("#talk-save")
    await eventually(
        "the title", house.show, lambda show: show["talks"][1]["title"] == "A title from the desk"
    )
    assert (await house.show())["talks"][1]["extended"] == 7


async def test_a_talk_that_moves_up_keeps_the_focus(house: House) -> None:
    """Arrow keys move it on and on, up as well as down."""
    await house.desk.locator('[data-handle="vermast"]').focus()
    for key, order in (
        ("ArrowUp", ["thony", "vermast", "lanvin", "panel"]),
        ("ArrowUp", ["vermast", "thony", "lanvin", "panel"]),
        ("ArrowDown", ["thony", "vermast", "lanvin", "panel"]),
        ("ArrowDown", ["thony", "lanvin", "vermast", "panel"]),
    ):
        await house.desk.keyboard.press(key)
        await eventually("the order", house.order, order.__eq__)
        assert await house.desk.evaluate("document.activeElement.dataset.handle") == "vermast"


async def test_the_next_talk_is_the_one_after_that_on_air(house: House) -> None:
    """N cues what the forecast expects next, although an earlier talk was passed over."""
    early = {"title": "Passed over", "speakers": ["thony"], "minutes": 5, "talk": "early", "before": "thony"}
    await house.other.command("edit", do="add", **early)
    await house.other.command("take", talk="lanvin", force=True)
    await house.other.command("cue", talk=None)
    await eventually(
        "on air", house.show, lambda show: (show["air"]["talk"], show["standby"]) == ("lanvin", None)
    )
    await house.desk.keyboard.press("n")
    await eventually("standby", house.show, lambda show: show["standby"] == "vermast")


async def test_a_panel_is_muted_as_one(house: House) -> None:
    """U mutes all who are on air, and then unmutes them; who is not here is no more on air than before."""
    await house.other.command("take", talk="panel", force=True)
    await house.stands("here", '[data-feed="thony"] .feed-state', "On air")
    await house.stands("not here", '[data-feed="lanvin"] .feed-state', "Absent")
    for muted in (True, False):
        await house.desk.keyboard.press("u")
        await eventually("muted", house.muted, [muted, muted].__eq__)
