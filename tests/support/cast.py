"""People at work in their pages, for the end-to-end tests: what a hand does, and what an eye and ear find."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from playwright.async_api import Error as PageError
from playwright.async_api import Page

PATIENCE = 60.0  # seconds for anything that a page should come to show


class NeverCame(AssertionError):
    """What a test waited for did not happen."""


async def eventually(
    what: str,
    look: Callable[[], Awaitable[Any]],
    good: Callable[[Any], bool] = bool,
    within: float = PATIENCE,
) -> Any:
    """Look again and again until `good(look())`, and return what was seen. Raises `NeverCame`."""
    until = time.monotonic() + within
    while True:
        try:
            seen = await look()
        except PageError as error:  # a page on its way to another cannot be asked
            if "navigation" not in str(error):
                raise
            seen = error
        if not isinstance(seen, PageError) and good(seen):
            return seen
        if time.monotonic() > until:
            raise NeverCame(f"{what}: last seen {seen!r}")
        await asyncio.sleep(0.05)


async def state(page: Page) -> dict[str, Any]:
    """The page's own state."""
    found: dict[str, Any] = await page.evaluate("window.pavilion?.state() ?? {}")
    return found


async def join(page: Page) -> None:
    """A speaker turns on the camera, enters the green room and says ready, as their page asks them to."""
    await page.locator("#start").click()
    await page.locator("#join").click()
    await eventually(
        "the camera is sent", lambda: page.evaluate("document.body.dataset.sending"), "connected".__eq__
    )
    await page.locator("#ready").click()
    await eventually("ready", lambda: page.locator("#ready").get_attribute("aria-pressed"), "true".__eq__)


async def tally(page: Page, light: str) -> None:
    """Wait until a speaker's tally shows "off", "standby" or "air"."""
    await eventually(f"tally {light}", lambda: page.evaluate("document.body.dataset.tally"), light.__eq__)


class Audience:
    """A page with the programme in it, and a probe on its player."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def settle(self) -> None:
        """Wait for the first picture, and begin to look and listen."""
        await eventually(
            "a picture", lambda: self.page.evaluate("document.querySelector('video')?.videoWidth ?? 0")
        )
        await self.page.evaluate(
            """() => {
                window.screenVideo = document.querySelector("pv-player video");
                window.eye = new probe.Watch(screenVideo);
                window.ear = new probe.Ear(screenVideo.srcObject);
            }"""
        )

    async def sees(self, colour: tuple[int, int, int], at: tuple[float, float] = (0.5, 0.45)) -> None:
        """Wait until the middle of the programme has this colour (RGB, about)."""
        await eventually(
            f"the colour {colour}",
            lambda: self.page.evaluate("([x, y]) => probe.colour(screenVideo, x, y)", list(at)),
            lambda seen: seen is not None and all(abs(a - b) < 40 for a, b in zip(seen, colour, strict=True)),
        )

    async def hears(self, pitch: float) -> None:
        """Wait until this tone is the loudest sound."""
        await eventually(
            f"a tone of {pitch} Hz",
            lambda: self.page.evaluate("ear.pitch()"),
            lambda heard: abs(heard[0] - pitch) < 20 and (heard[1] or -200) > -60,
        )

    async def received(self) -> dict[str, float]:
        """The browser's statistics of what this page receives."""
        found: dict[str, float] = await self.page.evaluate("probe.received()")
        return found

    async def pictures(self) -> int:
        """How many pictures were presented since `settle`."""
        found: int = await self.page.evaluate("eye.rows.length")
        return found

    async def more_pictures(self, count: int) -> None:
        """Wait for that many more pictures."""
        before = await self.pictures()
        await eventually(f"{count} more pictures", self.pictures, lambda now: now >= before + count)

    async def connections(self) -> int:
        """How many connections this page has ever made."""
        found: int = await self.page.evaluate("probe.pcs.length")
        return found
