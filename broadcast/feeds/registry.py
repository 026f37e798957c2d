"""All feeds that are up, by id."""

from collections.abc import Callable, Iterator

from broadcast.feeds.feed import Feed
from broadcast.feeds.meter import FeedHealth


def _nobody(feed: Feed, reason: str = "") -> None:
    """Stands for a listener until app.py sets one."""


class Feeds:
    """At most one feed for each id: a new one replaces the old (`on_removed` comes before `on_added`).

    A feed that closes by itself leaves by itself. Listeners must not raise.
    """

    def __init__(self) -> None:
        self.on_added: Callable[[Feed], None] = _nobody
        self.on_removed: Callable[[Feed, str], None] = _nobody
        self._feeds: dict[str, Feed] = {}
        self._expected: dict[str, Feed] = {}

    def __iter__(self) -> Iterator[Feed]:
        return iter(tuple(self._feeds.values()))

    def __len__(self) -> int:
        return len(self._feeds)

    def get(self, id: str) -> Feed | None:
        """The feed with that id, if it is up."""
        return self._feeds.get(id)

    def expect(self, feed: Feed) -> None:
        """A feed whose connection is being made: `add` it when that is up. Until then one with the same id
        stays; another one that was only expected is closed, so that nobody can have many."""
        before = self._expected.pop(feed.id, None)
        self._expected[feed.id] = feed
        feed.on_closed.append(lambda reason: self._forget(feed))
        if before is not None:
            before.close("replaced")

    def add(self, feed: Feed) -> None:
        """A feed is up. One with the same id is closed as "replaced" first."""
        self._forget(feed)
        self.remove(feed.id, "replaced")
        self._feeds[feed.id] = feed
        feed.on_closed.append(lambda reason: self._closed(feed, reason))
        self.on_added(feed)

    def remove(self, id: str, reason: str = "closed") -> None:
        """Close the feed with that id, if it is up."""
        feed = self._feeds.get(id)
        if feed is not None:
            feed.close(reason)

    def health(self, now: float) -> list[FeedHealth]:
        """How every feed does at `now`."""
        return [feed.health(now) for feed in self._feeds.values()]

    def close(self) -> None:
        """Close all of them."""
        for feed in (*self._feeds.values(), *self._expected.values()):
            feed.close("shutdown")

    def _forget(self, feed: Feed) -> None:
        if self._expected.get(feed.id) is feed:
            del self._expected[feed.id]

    def _closed(self, feed: Feed, reason: str) -> None:
        if self._feeds.get(feed.id) is feed:
            del self._feeds[feed.id]
            self.on_removed(feed, reason)
