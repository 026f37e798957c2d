"""The clips that talks may show: those of the configuration, and recordings that are on air again."""

import logging
from collections.abc import Callable
from pathlib import Path

from broadcast.config import Config
from broadcast.errors import MediaError
from broadcast.feeds.clip import ClipFeed, Room
from broadcast.feeds.registry import Feeds

log = logging.getLogger("pavilion.clips")


class Clips:
    """`up`: those that can be played, by the ids of their feeds. `cache`: the folder of what is sent.

    app.py sets who is told: `on_ended` with a clip's name, `on_prepared` with its feed.
    """

    def __init__(self, feeds: Feeds, cache: Path, room: Room) -> None:
        self._feeds = feeds
        self._cache = cache
        self._room = room
        self.up: dict[str, ClipFeed] = {}
        self.on_ended: Callable[[str], None] = lambda name: None
        self.on_prepared: Callable[[ClipFeed], None] = lambda feed: None

    async def prepare_all(self, config: Config) -> None:
        """The configuration's, one after another; until then their talks have no picture."""
        for clip in config.clips:
            try:
                await self.prepare(clip.id, config.path(clip.file), loop=clip.loop)
            except MediaError as error:
                log.error("%s cannot be used: %s", clip.id, error)

    async def prepare(self, name: str, path: Path, *, loop: bool = False, own: bool = False) -> None:
        """A file as a feed, in a form that all browsers play. `own`: see ClipFeed. Raises MediaError."""
        feed = ClipFeed(f"clip.{name}", path, loop=loop, cache_dir=self._cache, own=own)
        await feed.prepare(self._room)
        feed.on_ended = lambda: self.on_ended(name)
        self.up[feed.id] = feed
        self._feeds.add(feed)
        self.on_prepared(feed)

    def remove(self, name: str) -> None:
        """Nobody will show it any more."""
        self.up.pop(f"clip.{name}", None)
        self._feeds.remove(f"clip.{name}")
