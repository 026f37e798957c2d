"""Fixtures for all tests: free ports, leak checks, a server of their own, browsers.

Browsers and servers are module-wide (`loop_scope="module"`), so a module starts them once. A module that
uses them says `pytestmark = pytest.mark.asyncio(loop_scope="module")`.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import settings
from hypothesis import strategies as st

from demo.server import Server, free_port, shortened

ROOT = Path(__file__).parents[1]
CACHE = ROOT / "build" / "tests"  # prepared media, kept between runs

# No test may fail because the machine is busy.
settings.register_profile("pavilion", deadline=None)
settings.load_profile("pavilion")
# Nothing lets a number in that is none, and NaN would not be equal to itself: whoever wants it, says so.
st.register_type_strategy(float, st.floats(allow_nan=False))

StartServer = Callable[..., Awaitable[Server]]


@pytest.fixture
def tcp_port() -> int:
    """A free TCP port of 127.0.0.1."""
    return free_port()


@pytest.fixture
def udp_port() -> int:
    """A free UDP port of 127.0.0.1."""
    return free_port(socket.SOCK_DGRAM)


@pytest.fixture
def no_leaks() -> Iterator[None]:
    """Fails the test if it leaves a thread, a child process or a descriptor behind."""
    from tests.support import leaks

    before = leaks.belongings()
    yield
    assert not leaks.left_over(before), "left behind"


@pytest_asyncio.fixture
async def no_tasks() -> AsyncIterator[None]:
    """Fails the test if it leaves a task of its loop behind."""
    from tests.support import leaks

    before = asyncio.all_tasks()
    yield
    assert not await leaks.tasks_left(before), "left behind"


@pytest.fixture(scope="session")
def media_cache() -> Path:
    """A folder for prepared media that lives on between runs."""
    CACHE.mkdir(parents=True, exist_ok=True)
    return CACHE


@pytest.fixture(scope="session")
def event_table() -> Callable[..., dict[str, Any]]:
    """Makes a small event of config.toml's: its first talks, an hour each, begun ten seconds ago."""

    def table(talks: int = 3, **sections: dict[str, Any]) -> dict[str, Any]:
        made = shortened(ROOT / "config.toml", seconds=3600.0 * talks, lead=-10)
        made["talks"] = made["talks"][:talks]
        for name, section in sections.items():
            made.setdefault(name, {}).update(section)
        made.setdefault("server", {}).setdefault("workers", "0")  # whatever cores this machine has
        return made

    return table


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def start_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[StartServer]:
    """Starts servers as subprocesses, each with a folder and ports of its own, and stops them in the end."""
    servers: list[Server] = []

    async def start(table: dict[str, Any], folder: Path | None = None, host: str = "127.0.0.1") -> Server:
        server = Server(table, folder or tmp_path_factory.mktemp("server"), host=host)
        servers.append(server)
        await server.start()
        return server

    yield start
    statuses = [await server.stop() for server in servers]
    assert not any(statuses), f"exit statuses {statuses}:\n" + "\n".join(server.tail() for server in servers)
    for server in servers:
        log = server.log.read_text(encoding="utf-8", errors="replace")
        assert "Traceback" not in log, f"the server's log holds a traceback:\n{log[-6000:]}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium() -> AsyncIterator[Any]:
    """Makes Chromium browsers: see `tests.support.browsers.Chromium`."""
    from tests.support.browsers import CHROMIUM, BrowserMissing, Chromium, installed

    try:
        installed(CHROMIUM, "Chromium", "chromium")
    except BrowserMissing as missing:
        pytest.fail(str(missing), pytrace=False)
    browsers = Chromium()
    yield browsers
    await browsers.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def firefox() -> AsyncIterator[Any]:
    """A selenium driver of Firefox, with a fake camera. Its calls block: use `asyncio.to_thread`."""
    from tests.support import browsers

    try:
        browsers.installed(browsers.FIREFOX, "Firefox", "firefox-esr")
        browsers.geckodriver()
    except browsers.BrowserMissing as missing:
        pytest.fail(str(missing), pytrace=False)
    async with browsers.firefox() as driver:
        yield driver
