"""The speaker's page and the producer's desk, hand in hand: what one says or does, the other shows.

The acts build on one another: one server, one desk and one speaker play them all.
"""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page

from demo.control import Control, pass_of
from demo.server import Server
from tests.support import browsers
from tests.support.cast import eventually, join, state, tally
from tests.support.media import microphone_file

pytestmark = pytest.mark.asyncio(loop_scope="module")

SPEAKER = "thony"
GUEST_ID = "lanvin"
SOUNDS = "!document.querySelector('pv-player video').muted"
THREE_OF_EACH = "--use-fake-device-for-media-stream=device-count=3,fps=10"

# A camera that another program uses, until `cameraTaken` is false, and the page's lines, to be broken.
GUEST = """
window.lines = [];
window.WebSocket = class extends WebSocket {
  constructor(...where) {
    super(...where);
    window.lines.push(this);
  }
};
window.cameraTaken = true;
const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = (wish) => {
  const taken = wish.video && window.cameraTaken;
  return taken ? Promise.reject(new DOMException("Could not start", "NotReadableError")) : open(wish);
};
"""


@dataclass
class House:
    """The desk and one speaker."""

    server: Server
    desk: Page
    speaker: Page
    links: dict[str, str]

    async def talk(self, ident: str) -> dict[str, Any]:
        """A talk as the desk knows it."""
        talks = (await state(self.desk))["show"]["talks"]
        return next(talk for talk in talks if talk["id"] == ident)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(
    start_server: Any, event_table: Any, chromium: Any, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    folder = tmp_path_factory.mktemp("media")
    # These cameras are large, and a busy machine must not take the speaker off the air.
    table = event_table(3, limits={"dead_feed_ms": 2500})
    table["talks"] += [
        {"id": ident, "title": f"More, {ident}", "speakers": [SPEAKER], "minutes": 10}
        for ident in ("second", "third", "fourth")
    ]
    server: Server = await start_server(table)
    links = await server.links()
    microphone = microphone_file(folder / "microphone.wav", 520.0)
    browser = await chromium.browser(None, microphone, THREE_OF_EACH)
    desk = await browsers.page(browser, links["producer"], permissions=["microphone"])
    speaker = await browsers.page(browser, links[SPEAKER], permissions=["camera", "microphone"])
    await join(speaker)
    yield House(server, desk, speaker, links)


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


async def device(page: Page, kind: str) -> str:
    """The id of the camera ("Video") or microphone ("Audio") that is sent."""
    track = f"document.querySelector('#self').srcObject.get{kind}Tracks()[0]"
    found: str = await page.evaluate(f"{track}.getSettings().deviceId")
    return found


async def starts(page: Page) -> int:
    """How many connections have carried the speaker's camera."""
    found: int = (await page.evaluate("window.pavilion.stats()"))["starts"]
    return found


def producer(house: House) -> Control:
    """A second hand at the desk, which says commands."""
    return Control(house.server.url, pass_of(house.links["producer"]), "produce")


@contextlib.asynccontextmanager
async def guest(house: House) -> AsyncIterator[Page]:
    """Another speaker in the green room, without a camera, which another program has."""
    assert house.speaker.context.browser is not None
    fresh = await browsers.context(house.speaker.context.browser, permissions=["camera", "microphone"])
    await fresh.add_init_script(GUEST)
    page = await fresh.new_page()
    await page.goto(house.links[GUEST_ID])
    await press(page, "#start")
    await press(page, "#join:not([hidden])")
    await eventually(
        "the voice is sent", lambda: page.evaluate("document.body.dataset.sending"), "connected".__eq__
    )
    yield page
    await fresh.close()


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


async def test_on_standby_the_producer_is_heard_without_headphones(house: House) -> None:
    """The return is silent there, sounds while the producer speaks, and is silent again."""
    await press(house.desk, f'[data-cue="{SPEAKER}"]')
    await tally(house.speaker, "standby")
    await eventually("silent", lambda: house.speaker.evaluate(SOUNDS), False.__eq__)
    await house.desk.evaluate("document.activeElement.blur()")
    await house.desk.keyboard.down("t")
    await eventually(
        "the voice", lambda: house.speaker.evaluate("document.body.dataset.talkback"), "heard".__eq__
    )
    assert await house.speaker.evaluate(SOUNDS)
    await house.desk.keyboard.up("t")
    await eventually("silent again", lambda: house.speaker.evaluate(SOUNDS), False.__eq__)
    await house.desk.keyboard.press("x")
    await tally(house.speaker, "off")


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
    moved = [order[0], order[2], order[1], *order[3:]]
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


@pytest.mark.parametrize(("picker", "kind"), [("#pick-camera", "Video"), ("#pick-microphone", "Audio")])
async def test_another_device_while_live_keeps_the_seat(house: House, picker: str, kind: str) -> None:
    """The one that was chosen is used and stays chosen, and the same connection goes on."""
    page, before = house.speaker, await starts(house.speaker)
    others = f"[...document.querySelectorAll('{picker} option:not(:checked)')].map((each) => each.value)"
    chosen = (await page.evaluate(others))[-1]
    await page.evaluate("document.querySelector('#devices').open = true")
    await page.select_option(picker, chosen)
    await eventually("the chosen device", lambda: device(page, kind), chosen.__eq__)
    frames = (await page.evaluate("window.pavilion.stats()"))["frames"]
    await eventually(
        "pictures go on",
        lambda: page.evaluate("window.pavilion.stats().frames"),
        lambda now: now > frames + 10,
    )
    assert await page.input_value(picker) == chosen
    assert await starts(page) == before


async def test_a_reload_puts_the_speaker_back_on_their_seat(house: House) -> None:
    """Without a click: the camera is sent again, the tally is what it was, and so are the devices; what was
    switched off stays so."""
    house.speaker.on("dialog", lambda dialog: dialog.accept())  # on air the page asks whether to leave
    devices = [await device(house.speaker, kind) for kind in ("Video", "Audio")]
    await press(house.speaker, "#mic")
    await eventually("off", lambda: text(house.speaker, "#mic"), "Microphone off".__eq__)
    await house.speaker.reload()
    await eventually(
        "the camera is sent",
        lambda: house.speaker.evaluate("document.body.dataset.sending"),
        "connected".__eq__,
    )
    await eventually("on air", lambda: house.speaker.evaluate("document.body.dataset.tally"), "air".__eq__)
    assert [await device(house.speaker, kind) for kind in ("Video", "Audio")] == devices
    sent = "document.querySelector('#self').srcObject.getAudioTracks()[0].enabled"
    assert not await house.speaker.evaluate(sent)
    assert await text(house.speaker, "#mic") == "Microphone off"
    assert await house.speaker.locator("#notices", has_text="Your microphone is off").count()
    await press(house.speaker, "#mic")
    await eventually("heard again", lambda: house.speaker.evaluate(sent))


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


async def test_the_floor_is_passed_only_as_it_was_shown(house: House) -> None:
    """Between the two presses the show moves on: the second one is refused, and the speaker reads why."""
    page = house.speaker
    await eventually(
        "the camera is sent", lambda: page.evaluate("document.body.dataset.sending"), "connected".__eq__
    )
    async with producer(house) as control:
        await control.command("take", talk="second", force=True)
        await control.command("cue", talk="third")
        ready = page.locator("#pass-floor:not([aria-disabled])", has_text="Pass the floor to")
        await eventually("what to pass", ready.count)
        await page.evaluate("{ const now = Date.now(); Date.now = () => now; }")  # no press is too late
        await press(page, "#pass-floor")
        await eventually("armed", page.locator("#pass-floor[data-armed]").count)
        await control.command("take", talk="third", force=True)
        await control.command("cue", talk="fourth")
        await eventually("seen", lambda: state(page), lambda now: now["show"]["standby"] == "fourth")
        await press(page, "#pass-floor")
        await eventually("told", page.locator("#notices", has_text="The show has moved on").count)
        assert (await house.talk("third"))["state"] == "live"


async def test_a_camera_that_was_taken_is_turned_on_later(house: House) -> None:
    """Whoever joins without a picture reads what has the camera, and has it by one press when it is free."""
    async with guest(house) as page:
        told = page.locator("#notices", has_text="in use by another program")
        await eventually("told", told.count)
        assert await page.locator("#pick-camera option:checked").all_text_contents() == ["No camera"]
        await page.evaluate("window.cameraTaken = false")
        await press(page, "#camera")
        await eventually("a picture", lambda: page.evaluate("window.pavilion.stats().frames > 0"))
        assert await page.locator("#notices .notice").count() == 0
        assert await text(page, "#camera") == "Camera on"


async def test_what_a_producer_took_back_is_not_said_again(house: House) -> None:
    """No longer ready by a producer's word: the page does not say "ready" again when its line comes back."""
    async with guest(house) as page, producer(house) as control:
        await press(page, "#ready")
        await eventually("yes", lambda: page.get_attribute("#ready", "aria-pressed"), "true".__eq__)
        await control.command("ready", ready=False, person=GUEST_ID)
        await eventually("no", lambda: page.get_attribute("#ready", "aria-pressed"), "false".__eq__)
        before = await page.evaluate("window.lines.length")
        await page.evaluate("window.lines.at(-1).close()")
        await eventually("a new line", lambda: page.evaluate("window.lines.length"), lambda now: now > before)
        await eventually("its welcome", lambda: state(page), lambda now: now["link"] == "open")
        await control.command("message", to=[GUEST_ID], text="Still there?")
        await eventually("the cue", page.locator("#cues .cue-text", has_text="Still there?").count)
        assert control.person(GUEST_ID)["state"] == "green_room"


async def test_long_words_widen_no_phone(house: House) -> None:
    """A web address in a text cue, and a title of one word: all stays on the screen, "Got it" with it."""
    async with guest(house) as page, producer(house) as control:
        await page.set_viewport_size({"width": 390, "height": 844})
        address = "https://slides.example.org/" + "a" * 63
        await control.command("message", to=[GUEST_ID], text=address)
        await control.command("edit", do="retitle", talk=GUEST_ID, title="Stadt" * 20)
        await eventually("the cue", page.locator("#cues .cue-text", has_text=address).count)
        await eventually("the title", page.locator("#talk-title", has_text="StadtStadt").count)
        right = await page.evaluate("document.querySelector('[data-ack]').getBoundingClientRect().right")
        assert right <= 390
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390


async def test_nothing_went_wrong_in_the_consoles(house: House) -> None:
    """Neither page threw or broke its content security policy."""
    for page in (house.desk, house.speaker):
        assert not [line for line in page.errors if "Failed to load resource" not in line]  # type: ignore[attr-defined]
