"""The composition root: builds every part, wires them to one another, owns the order of start and stop.

Read `App.start` for what there is, `App._wire` for who tells whom what.
"""

import asyncio
import gc
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from importlib.metadata import version
from typing import Any

from broadcast import chores, garbage, live
from broadcast.archive import Archive
from broadcast.clips import Clips
from broadcast.config import Config
from broadcast.distribution import Distribution
from broadcast.errors import NotFound, PavilionError
from broadcast.feeds.feed import Feed
from broadcast.feeds.registry import Feeds
from broadcast.feeds.whip import WhipFeed
from broadcast.keeper import Keeper
from broadcast.links import passes_of, public_url
from broadcast.mixer.supervisor import Mixer
from broadcast.nights import Nights
from broadcast.outputs.fanout import Fanout
from broadcast.outputs.hls.origin import Origin
from broadcast.outputs.programme import FULL, Programme
from broadcast.outputs.recording.folders import DOWNLOADS
from broadcast.outputs.relay import Relay
from broadcast.outputs.renditions import Size
from broadcast.outputs.requests import KeyframeRequests
from broadcast.outputs.returns import Returns
from broadcast.ports import port_settings, worker_settings
from broadcast.pulse import Pulse
from broadcast.reair import Reairs
from broadcast.routes.site import Routes
from broadcast.rtp.frame import Kind
from broadcast.shelf import Shelf
from broadcast.stage import Stage
from broadcast.translation import event_of
from broadcast.transport.peer import Peer
from broadcast.transport.port import Port
from broadcast.webfont import EventFonts, cache_folder
from broadcast.workers.remote import Remote
from broadcast.workers.supervisor import Workers
from signaling.desk import Desk
from signaling.journal import Journal, JournalError

log = logging.getLogger("pavilion")

TALKBACK = "talkback"  # the kind of a feed that is a producer's private voice
STEP_SECONDS = 5.0  # the longest that one step of the shutdown may take


class App:
    """The whole server. `await start()`, then `await stop()`, which is safe after a start that failed.

    `mixer` may have begun already (serve.py); it is started and stopped with the rest.
    """

    def __init__(self, config: Config, mixer: Mixer) -> None:
        self.config = config
        self.mixer = mixer
        self.url = public_url(config)
        self.pulse = Pulse()
        self._stops: list[tuple[str, Callable[[], Awaitable[None]]]] = []
        self._audience: dict[str, tuple[Peer | Remote, str]] = {}  # who watches the programme -> their role

    async def start(self) -> None:
        """Build and start everything, from the bottom up. Raises `PavilionError` when it cannot."""
        config, limits = self.config, self.config.limits
        data = config.path(config.server.data)
        data.mkdir(parents=True, exist_ok=True)

        try:
            self.port = await Port.open(port_settings(config))
        except OSError as error:
            raise PavilionError(
                f"cannot listen on UDP {', '.join(config.server.udp)}: {error.strerror}. Is another server "
                "running? Choose another with --udp HOST:PORT.",
                code="port_taken",
            ) from error
        self._on_stop("UDP port", self.port.close)
        self.programme = Programme([each.name for each in self.mixer.settings.renditions])
        self._on_stop("mixer", self.mixer.stop)
        self.origin = Origin(live.origin_settings(config, self.mixer.settings, data))
        await self.origin.start()
        self._on_stop("HLS", self.origin.stop)
        self.archive = Archive(config, data, self.origin)
        await self.archive.start()
        self._on_stop("recordings", self.archive.stop)
        self.requests = KeyframeRequests(self.mixer.keyframe, time.monotonic)
        sizes = [Size(*each) for each in self.mixer.settings.rates]
        self.fanout = Fanout(self.port, sizes=sizes)
        self.workers = Workers(worker_settings(config, sizes), limits.peers)
        self._on_stop("workers", self.workers.stop)
        self.relay = Relay(self.port)
        self.returns = Returns(self.port, self.fanout)
        self.distribution = Distribution(config)
        self._on_stop("targets", self.distribution.stop)
        self.feeds = Feeds()
        cache = data / "clips"
        await asyncio.to_thread(chores.sweep, cache, self.archive.folder / DOWNLOADS)
        self.clips = Clips(self.feeds, cache, self.archive.data_disk.room)
        event = event_of(config)
        dead_after = limits.dead_feed_ms / 1000
        self.stage = Stage(self.feeds, self.mixer, self.clips.up, event.people, dead_after)
        self.desk = Desk(
            event,
            passes_of(config, data),
            Journal(data / "journal.sqlite"),
            self.stage,
            version=version("pavilion"),
            max_clients=limits.sockets,
        )
        self.shelf = Shelf(config, data, self.archive, self.desk.chapters)
        self._on_stop("downloads", self.shelf.downloads.stop)
        self._wire()
        await self.mixer.start()
        await self.workers.start()
        self._on_stop("feeds", self._close_feeds)
        try:
            await self.desk.start()
        except JournalError as error:
            raise PavilionError(f"The journal cannot be used: {error}", code="journal_unusable") from error
        self.fonts = EventFonts(cache_folder(), [repr(config)])
        self._meanwhile("fonts", self.fonts.prepare())
        keeper = Keeper(config, data, self.archive.folder.parent, self.desk.erasing)
        self._meanwhile("keeper", keeper.run())
        self._meanwhile("nights", Nights(config, data, self.origin, self.desk).run())
        reairs = Reairs(self.desk, self.shelf, self.clips, self.stage.uses)
        self._meanwhile("re-air", reairs.run())
        self._meanwhile("clips", self.clips.prepare_all(config))
        routes = Routes(config, self)
        self.stage.on_barred = routes.bar
        self._on_stop("HTTP", routes.stop)
        self._on_stop("desk", self.desk.stop)  # stops first: it tells everybody why, while they still listen
        await routes.start()
        self._meanwhile("garbage", garbage.keep_away(lambda: self.desk.calm))
        self._meanwhile("pulse", self.pulse.run())
        log.info("serving %s, media on UDP %s", self.url, ", ".join(config.server.udp))

    async def stop(self) -> None:
        """Stop in the opposite order; no step may hold up the others for long."""
        while self._stops:
            name, stop = self._stops.pop()
            try:
                async with asyncio.timeout(STEP_SECONDS):
                    await stop()
            except TimeoutError:
                log.warning("stopping: %s took longer than %g s and was left", name, STEP_SECONDS)
        log.info("stopped")

    def _on_stop(self, name: str, stop: Callable[[], Awaitable[None]]) -> None:
        self._stops.append((name, stop))

    def _meanwhile(self, name: str, work: Coroutine[None, None, None]) -> None:
        """Work for which the show does not wait."""
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(_told)
        self._on_stop(name, lambda: _cancelled(task))

    def _wire(self) -> None:
        """Who tells whom: the mixer's frames to the viewers, feeds to the stage and the desk."""
        self.mixer.on_frame = self.programme.send
        self.mixer.on_rendition = self.programme.send_rendition
        self.programme.attach(self.fanout.send)
        self.mixer.on_segment_sound = self.programme.send_aac
        self.mixer.on_snapshot = self.origin.snapshot
        live.attach(self.origin, self.programme)
        for name, feed in zip(("", *self.programme.renditions), self.programme.feeds, strict=True):
            self.programme.attach(partial(self.workers.send, rendition=name), feed)
            self.programme.attach(partial(self.requests.passed, rendition=name), feed)
        for rendition in self.mixer.settings.renditions:
            sink = partial(self.fanout.send_rendition, rendition.name)
            self.programme.attach(sink, f"{FULL}.{rendition.name}")
        self.distribution.start(self.programme, self.requests.want)
        self.stage.on_targets = self.distribution.send_to
        self.mixer.on_return = self.returns.send
        self.returns.on_listeners = self.mixer.listening
        self.mixer.on_shown = self.desk.shown
        self.mixer.on_state = self.desk.mixer_state
        self.mixer.on_keyframe_wanted = self._keyframe_wanted
        self.mixer.on_quarantine = self._quarantined
        self.fanout.on_keyframe_needed = self.requests.want
        self.workers.on_keyframe_needed = self.requests.want
        self.clips.on_ended = self.desk.clip_ended
        self.clips.on_prepared = self.stage.clip_prepared
        self.feeds.on_added = self._feed_added
        self.feeds.on_removed = self._feed_removed
        self.stage.more_health = self._health
        self.desk.count_audience = self._count_audience

    async def _close_feeds(self) -> None:
        self.relay.close()
        self.feeds.close()
        self.fanout.close()

    # -- what the routes ask ---------------------------------------------------------------------------

    def publish(self, offer: str, person: str, kind: str) -> tuple[Peer, str]:
        """A camera, a shared screen or a talkback voice of this person arrives: it takes the place of the one
        before when it is connected, and not sooner. Raises `OfferError`."""
        kinds = frozenset((Kind.AUDIO,)) if kind == TALKBACK else frozenset(Kind)
        peer, answer = self.port.answer_publish(offer, kinds)
        feed_id = person if kind == "camera" else f"{person}.{kind}"
        feed = WhipFeed(feed_id, peer, owner=person, kind=kind)
        self.feeds.expect(feed)
        peer.on_connected = partial(self.feeds.add, feed)
        return peer, answer

    async def watch(self, offer: str, role: str) -> tuple[Peer | Remote, str]:
        """The programme for one more screen or viewer, by a worker if there is one. Raises `OfferError`."""
        session, answer = await self.workers.watch(offer, role) or self._watch_here(offer, role)
        self._audience[session.id] = (session, role)
        session.when_closed(lambda reason: self._left_audience(session.id))
        return session, answer

    def _watch_here(self, offer: str, role: str) -> tuple[Peer, str]:
        peer, answer = self.port.answer_watch(offer, self.fanout.track)
        self.fanout.add_viewer(peer, role=role)
        return peer, answer

    def watch_return(self, offer: str, person: str) -> tuple[Peer, str]:
        """The programme as this speaker sees and hears it backstage. Raises `OfferError`."""
        return self.returns.watch(offer, person)

    def watch_feed(self, offer: str, feed_id: str) -> tuple[Peer, str]:
        """A single feed for a producer. Raises `NotFound` or `OfferError`."""
        feed = self.feeds.get(feed_id)
        if feed is None or feed.kind == TALKBACK:
            raise NotFound(f"No feed {feed_id} is up.")
        return self.relay.watch(offer, feed)

    def not_ready(self) -> list[str]:
        """What is missing before the programme is on the air; empty when it is."""
        parts = {"mixer": self.stage.mixer_up(), "desk": self.desk.well}
        return [name for name, well in parts.items() if not well]

    def metrics(self) -> dict[str, tuple[str, str, float]]:
        """Name -> (type, help, value) for Prometheus."""
        rows: dict[str, tuple[str, str, float]] = {}
        for part, figures in (
            ("transport", self.port.stats()),
            ("fanout", self.fanout.stats()),
            ("workers", self.workers.stats()),
            ("relay", self.relay.stats()),
            ("returns", self.returns.stats()),
            ("restream", self.distribution.stats()),
            ("mixer", self.mixer.stats()),
            ("desk", self.desk.stats()),
            ("recording", self.archive.stats()),
            ("hls", self.origin.stats()),
            ("server", self._own_stats()),
        ):
            for name, value in figures.items():
                if isinstance(value, int | float):
                    rows[f"pavilion_{part}_{name}"] = ("gauge", f"{name} of the {part}", float(value))
        return rows

    def _own_stats(self) -> dict[str, float]:
        return {
            "tasks": len(asyncio.all_tasks()),
            "longest_pause_ms": 1000 * self.pulse.longest(),
            "objects_put_aside": gc.get_freeze_count(),
        }

    # -- what happens by itself ------------------------------------------------------------------------

    def _feed_added(self, feed: Feed) -> None:
        self.stage.feed_added(feed)
        if feed.closed is None:  # the stage shuts out the feeds of people who were removed
            self.desk.feed_up(feed.id, feed.owner, feed.kind)
            self.archive.follow(feed)

    def _feed_removed(self, feed: Feed, reason: str) -> None:
        self.stage.feed_removed(feed)
        self.desk.feed_down(feed.id, reason)

    def _keyframe_wanted(self, feed_id: str) -> None:
        feed = self.feeds.get(feed_id)
        if feed is not None:
            feed.request_keyframe()

    def _quarantined(self, feed_id: str) -> None:
        self.desk.warn(
            "feed_quarantined",
            f"{feed_id} crashed the mixer twice and is left out until it is sent anew: have that page "
            "reloaded, or another browser or encoder used.",
        )

    def _health(self) -> dict[str, Any]:
        """What the desk's health message holds of the outputs."""
        return {"recording": self.archive.health(), "restream": self.distribution.health()}

    def _left_audience(self, ident: str) -> None:
        self._audience.pop(ident, None)

    def _count_audience(self) -> tuple[int, int]:
        """Viewers and screens whose connection is up: many an offer is made where UDP is swallowed."""
        roles = [role for session, role in self._audience.values() if session.state == "connected"]
        return roles.count("viewer"), roles.count("screen")


def _told(task: "asyncio.Task[None]") -> None:
    """Nobody awaits such a task until the server stops: how it died must be told at once."""
    error = None if task.cancelled() else task.exception()
    if error is not None:
        log.error("%s has ended, by a fault of ours", task.get_name(), exc_info=error)


async def _cancelled(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
