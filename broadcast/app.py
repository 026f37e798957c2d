"""The composition root: builds every part, wires them to one another, owns the order of start and stop.

Read `App.start` for what there is, and the methods below it for who tells whom what.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable
from pathlib import Path

from broadcast.config import Config, PersonConfig, TalkConfig, host_port
from broadcast.errors import PavilionError
from broadcast.feeds.clip import ClipFeed
from broadcast.feeds.feed import Feed
from broadcast.feeds.registry import Feeds
from broadcast.mixer.settings import ProgrammeSettings
from broadcast.mixer.supervisor import Mixer
from broadcast.outputs.fanout import Fanout
from broadcast.outputs.relay import Relay
from broadcast.routes import Routes
from broadcast.stage import Stage
from broadcast.transport.port import Port, PortSettings
from signaling.desk import Desk
from signaling.event import Event, Person, Slate, Talk
from signaling.journal import Journal
from signaling.passes import Passes, load_or_create_secret

log = logging.getLogger("pavilion")

STEP_SECONDS = 5.0  # the longest that one step of the shutdown may take
PAGES = {"producer": "produce", "speaker": "speak", "screen": "screen", "viewer": "watch"}


class App:
    """The whole server. `await start()`, then `await stop()`, which is safe after a start that failed."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.url = public_url(config)
        self._stops: list[tuple[str, Awaitable[None] | None]] = []
        self._clips: dict[str, ClipFeed] = {}

    async def start(self) -> None:
        """Build and start everything, from the bottom up. Raises `PavilionError` when it cannot."""
        config, limits = self.config, self.config.limits
        data = config.path(config.server.data)
        data.mkdir(parents=True, exist_ok=True)
        passes = _passes(config, data)
        event = event_of(config)

        self.port = await Port.open(
            PortSettings(
                bind=tuple(host_port(f"server.udp[{n}]", a) for n, a in enumerate(config.server.udp)),
                advertise=config.server.advertise,
                max_peers=limits.peers,
                handshake_timeout=limits.handshake_seconds,
                silence_timeout=limits.silence_seconds,
            )
        )
        self._on_stop("UDP port", self.port.close)

        self.mixer = Mixer(_programme(config))
        self.fanout = Fanout(self.port)
        self.mixer.on_frame = self.fanout.send
        self.fanout.on_keyframe_needed = self.mixer.keyframe
        await self.mixer.start()
        self._on_stop("mixer", self.mixer.stop)

        self.feeds = Feeds()
        self.relay = Relay(self.port)
        self.stage = Stage(self.feeds, self.mixer, self._clips, limits.dead_feed_ms / 1000)
        self.desk = Desk(
            event,
            passes,
            Journal(data / "journal.sqlite"),
            self.stage,
            monotonic=time.monotonic,
            wall=time.time,
        )
        self._wire()
        await self._start_clips(data)
        await self.desk.start()
        self._on_stop("desk", self.desk.stop)

        routes = Routes(config, self)
        await routes.start()
        self._on_stop("HTTP", routes.stop)
        log.info("serving %s, media on UDP %s", self.url, ", ".join(config.server.udp))
