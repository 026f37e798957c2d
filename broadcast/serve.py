"""`pavilion serve`: the mixer's process first, then the server around it.

After a crash the programme has to be back at once. The mixer needs half a second until it can begin, and the
server as long to read its own code; so each does it on a core of its own.
"""

import asyncio
import contextlib
import logging
import signal

from broadcast.config import Config
from broadcast.mixer.supervisor import Mixer
from broadcast.production import production_of

log = logging.getLogger("pavilion")


async def serve(config: Config) -> int:
    """Start everything, wait for SIGINT or SIGTERM, stop everything in order. Raises PavilionError."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    mixer = Mixer(production_of(config))
    try:
        await mixer.begin()
        await _run(config, mixer, told)
    finally:  # the app stops it in its order; this is for when there was none yet
        with contextlib.suppress(asyncio.CancelledError):
            await mixer.stop()
    return 0


async def _run(config: Config, mixer: Mixer, told: asyncio.Event) -> None:
    from broadcast.app import App  # the most of the code: read while the mixer gets ready beside it

    app = App(config, mixer)
    try:
        await app.start()
        _say_where(config, app.url)
        await told.wait()
        log.info("stopping: asked to")
    finally:
        with contextlib.suppress(asyncio.CancelledError):
            await app.stop()


def _say_where(config: Config, url: str) -> None:
    """Tell the organiser where to go from here."""
    from broadcast.links import links  # read by now, with the app

    print(f"\n{config.event.name} is on the air.\n  watch: {url}/watch", flush=True)
    for row in links(config, url):
        if row["role"] in ("producer", "screen"):
            print(f"  {row['name']} ({row['role']}): {row['url']}", flush=True)
    print("  everybody's personal links: .venv/bin/pavilion links\n  stop: Ctrl-C\n", flush=True)
