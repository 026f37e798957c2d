"""The mixer's artist: draws what scenes need in a thread of its own and hands it over ready to blend.

The tick only looks at the fields of an `Art`: what is not drawn yet is None and left out or waited for.
"""

import logging
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

from broadcast.mixer.layout import Box, boxes
from broadcast.mixer.picture import Canvas, Overlay, from_rgb, overlay
from broadcast.mixer.scene import Layout, Scene
from broadcast.mixer.settings import ProgrammeSettings
from broadcast.mixer.titles import Drawing, Titles

log = logging.getLogger(__name__)

KEPT = 48  # drawings; the one unused for longest goes first
WAITING = 32  # scenes to be drawn; the oldest that is not shown goes first
COUNT_STEP = 0.1  # seconds between looks at the countdown


@dataclass(slots=True, eq=False)
class Art:
    """Everything drawn for one scene, filled by the artist, read by the tick.

    `backed` is set when everything that lies around pictures is there, `ready` when also what stands in
    for missing ones is. The strip comes when it comes, and is faded in.
    """

    scene: Scene
    boxes: tuple[Box, ...]
    drawn: Callable[[], None]  # called by the artist when it is ready
    ground: Canvas | None = None
    card: Canvas | None = None
    empties: list[Canvas] = field(default_factory=list)  # one for each box
    corners: list[list[Overlay]] = field(default_factory=list)  # four for each framed box
    strip: Overlay | None = None
    countdown: Overlay | None = None
    counted: int | None = None
    backed: bool = False
    ready: threading.Event = field(default_factory=threading.Event)

    @property
    def bare(self) -> bool:
        """Whether pictures of the programme's size leave nothing open that would have to be drawn."""
        return bool(self.boxes) and not any(box.framed for box in self.boxes)


class Artist:
    """Owns the drawing thread. `wall`: Unix seconds, for countdowns."""

    def __init__(self, settings: ProgrammeSettings, wall: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._wall = wall
        self._titles = Titles(settings)
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()
        self._waiting: deque[Art] = deque()
        self._counting: Art | None = None
        self._wake = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="artist", daemon=True)
        self._thread.start()

    def draw(self, scene: Scene, urgent: bool = False, drawn: Callable[[], None] = lambda: None) -> Art:
        """The art of a scene: empty now, filled soon; before all others when `urgent`. `drawn` is called by
        the drawing thread when it is ready."""
        layout = scene.layout if scene.pictures else Layout.SLATE
        places = boxes(layout, len(scene.pictures), self._settings.width, self._settings.height)
        art = Art(scene, places, drawn)
        with self._wake:
            if len(self._waiting) >= WAITING:
                self._waiting.popleft().ready.set()
            if urgent:
                self._waiting.appendleft(art)
            else:
                self._waiting.append(art)
            self._wake.notify()
        return art

    def count(self, art: Art) -> None:
        """Keep the countdown of this art true from now on (and of no other)."""
        with self._wake:
            self._counting = art
            self._wake.notify()

    def close(self, timeout: float) -> None:
        """End the thread."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        self._thread.join(timeout)

    def _run(self) -> None:
        while True:
            with self._wake:
                if not self._waiting and not self._closed:
                    self._wake.wait(COUNT_STEP if _counts(self._counting) else None)
                if self._closed:
                    return
                art = self._waiting.popleft() if self._waiting else None
                counting = self._counting
            if art is not None:
                self._guarded(self._fill, art)
                art.ready.set()
                art.drawn()
            if counting is not None and _counts(counting):
                self._guarded(self._count, counting)

    def _guarded(self, draw: Callable[[Art], None], art: Art) -> None:
        """What cannot be drawn is left out; the scenes that follow need this thread."""
        try:
            draw(art)
        except Exception:
            log.exception("this scene cannot be drawn: %s", art.scene)

    def _fill(self, art: Art) -> None:
        scene, titles = art.scene, self._titles
        framed = tuple(box for box in art.boxes if box.framed)
        drawn = self._once(("drawn", framed), lambda: titles.ground(framed))
        art.ground = self._once(("ground", framed), lambda: from_rgb(drawn))
        art.corners = [self._corners(box, framed, drawn) if box.framed else [] for box in art.boxes]
        art.backed = True
        if scene.strip is not None:
            strip = scene.strip
            art.strip = self._once(("strip", strip), lambda: overlay(*titles.strip(strip)))
        if scene.card is not None:
            card = scene.card
            art.card = self._once(("card", card), lambda: from_rgb(titles.card(card)))
            self._count(art)
        art.empties = [
            self._once(
                ("empty", source.label, box.width, box.height),
                lambda source=source, box=box: from_rgb(
                    titles.placeholder(source.label, box.width, box.height)
                ),  # type: ignore[misc]
            )
            for source, box in zip(scene.pictures, art.boxes, strict=False)
        ]

    def _corners(self, box: Box, framed: tuple[Box, ...], ground: Drawing) -> list[Overlay]:
        found: list[Overlay] = self._once(
            ("corners", box, framed),
            lambda: [overlay(*corner) for corner in self._titles.corners(box, ground)],
        )
        return found

    def _count(self, art: Art) -> None:
        """Redraw the countdown when its second has changed; none once it is over."""
        card = art.scene.card
        if card is None or card.until is None:
            return
        left = card.until - self._wall()
        seconds = int(left + 0.999) if left > 0 else None
        if seconds == art.counted:
            return
        art.counted = seconds
        art.countdown = overlay(*self._titles.countdown(seconds)) if seconds is not None else None

    def _once(self, key: Hashable, make: Callable[[], Any]) -> Any:
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = make()
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return found


def _counts(art: Art | None) -> bool:
    return art is not None and art.scene.card is not None and art.scene.card.until is not None
