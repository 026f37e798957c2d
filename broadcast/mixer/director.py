"""What is on the programme, and how it becomes the next: cuts, dissolves, the picture held after a restart.

`show` and `hold` are called by the thread that reads the pipe, `paint` by the tick of pictures, `gains` by
the tick of sound.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

import av

from broadcast.mixer.artist import Art, Artist
from broadcast.mixer.compose import Dissolve, Look, Painter, drawable
from broadcast.mixer.picture import Canvas
from broadcast.mixer.scene import Card, Layout, Scene
from broadcast.mixer.settings import ProgrammeSettings
from broadcast.mixer.source import Source

DRAWING = 0.5  # seconds that a scene may wait for its art; then it is shown as far as it is drawn
HOLD = 1.0  # seconds that the last picture stands after a restart, while sources have none yet


@dataclass(slots=True, eq=False)
class Pending:
    """A scene to be shown at the next tick at which it is drawn."""

    art: Art
    token: str
    dissolve: bool
    since: float


class Director:
    """Keeps the scene on air."""

    def __init__(self, settings: ProgrammeSettings, artist: Artist) -> None:
        self._settings = settings
        self._artist = artist
        self.changing = threading.Event()  # a scene is drawn: its tick may begin early
        self._lock = threading.Lock()
        self._pending: Pending | None = None
        self._painter: Painter | None = None
        self._dissolve: Dissolve | None = None
        self._gains: dict[str, float] = {}
        self._dissolving = False
        self.cut = False  # whether the last change of scene was one
        self._held: av.VideoFrame | None = None
        self._held_until = 0.0
        self._empty = Canvas(settings.width, settings.height)
        self._last: av.VideoFrame = self._empty.frame

    def warm_up(self) -> None:
        """Have the plain ground drawn, so that not even the first tick is black."""
        art = self._artist.draw(Scene(Layout.SLATE, card=Card("")))
        art.ready.wait(5)
        if art.ground is not None:
            self._empty = art.ground
            self._last = self._empty.frame

    def show(self, scene: Scene, token: str, dissolve: bool) -> None:
        """This scene next. One that still waits is given up: the newest wins."""
        art = self._artist.draw(scene, urgent=True, drawn=self._drawn)
        with self._lock:
            self._pending = Pending(art, token, dissolve, time.monotonic())
            if art.bare or art.ready.is_set():
                self.changing.set()

    def _drawn(self) -> None:
        """The art of some scene is ready; called by the artist."""
        with self._lock:
            if self._pending is not None and self._pending.art.ready.is_set():
                self.changing.set()

    def hold(self, frame: av.VideoFrame | None) -> None:
        """After a restart: show this until the sources have pictures again."""
        size = (self._settings.width, self._settings.height)
        if frame is not None and (frame.width, frame.height) == size:
            self._held = frame
            self._held_until = time.monotonic() + HOLD

    def gains(self) -> tuple[dict[str, float], bool]:
        """The gain of each feed that is heard, and whether the change to it is a dissolve."""
        with self._lock:
            return self._gains, self._dissolving

    def paint(
        self, at: float, sources: Mapping[str, Source], repeat: bool
    ) -> tuple[av.VideoFrame, str | None]:
        """The picture of the tick at `at`, and the token of a scene that is shown for the first time.

        `repeat`: the tick is late; the last picture again will do.
        """
        looks = self._look(at, sources)
        token = self._change(looks)
        if repeat and token is None:
            return self._last, None
        self._last = self._paint(at, looks)
        return self._last, token

    def _look(self, at: float, sources: Mapping[str, Source]) -> dict[str, Look]:
        """The picture of every staged source, shown or not: so a cut finds each of them in step."""
        holds = {s.feed: s.hold for s in self._painter.art.scene.sources} if self._painter else {}
        looks = {}
        for feed, source in sources.items():
            hold = holds.get(feed)
            hold = self._settings.hold_seconds if hold is None else hold
            looks[feed] = Look(source, source.pick(at, feed in holds, hold))
        return looks

    def _change(self, looks: Mapping[str, Look]) -> str | None:
        with self._lock:
            self.changing.clear()
            pending = self._pending
            if pending is None:
                return None
            waited = time.monotonic() - pending.since
            if waited < DRAWING and not drawable(pending.art, _of(pending.art, looks), self._settings):
                return None
            self._pending = None
            old = self._painter
            self._painter = Painter(self._settings, pending.art, self._empty)
            if old is not None:
                self._painter.follow(old)
            ticks = round(self._settings.dissolve_seconds * self._settings.fps)
            self._dissolving = pending.dissolve and old is not None and ticks > 0
            self._dissolve = Dissolve(self._settings, old, ticks) if self._dissolving and old else None
            self.cut = not self._dissolving and pending.art.scene.cuts(old.art.scene if old else None)
            self._gains = {s.feed: s.gain for s in pending.art.scene.sources if s.sound and s.gain > 0}
        self._artist.count(pending.art)
        return pending.token

    def _paint(self, at: float, looks: Mapping[str, Look]) -> av.VideoFrame:
        painter = self._painter
        if painter is None:
            return self._held if self._held is not None else self._empty.frame
        mine = _of(painter.art, looks)
        if self._held is not None:
            if at < self._held_until and mine and not all(look.picture for look in mine):
                return self._held
            self._held = None
        frame = painter.paint(mine)
        if self._dissolve is None:
            return frame
        mixed = self._dissolve.paint(self._dissolve.old.paint(_of(self._dissolve.old.art, looks)), frame)
        if self._dissolve.over:
            self._dissolve = None
        return mixed


def _of(art: Art, looks: Mapping[str, Look]) -> list[Look]:
    none = Look(None, None)
    return [looks.get(source.feed, none) for source in art.scene.pictures]
