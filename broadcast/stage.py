"""The stage: where the desk's words (a talk, its people, a layout, the slate) become feeds and scenes.

The desk (signaling) decides what is on air and knows people; the mixer knows feeds and rectangles. This
file is the one translation between them, and remembers what is shown, so that a feed that comes or goes
during a talk changes the picture at once.
"""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from broadcast.feeds.clip import ClipFeed
from broadcast.feeds.feed import Feed
from broadcast.feeds.registry import Feeds
from broadcast.mixer.scene import Card, Layout, Scene, Source, Strip
from broadcast.mixer.supervisor import Mixer
from signaling.event import Person, Slate, Talk

log = logging.getLogger("pavilion.stage")

SLIDES_HOLD = 10.0  # seconds: a shared screen that does not change sends next to nothing


@dataclass(frozen=True, slots=True)
class Shown:
    """What the desk last asked for."""

    token: str
    talk: Talk
    layout: str


class Stage:
    """Implements what the desk asks of the broadcast side (`signaling.desk.Stage`)."""

    def __init__(
        self,
        feeds: Feeds,
        mixer: Mixer,
        clips: Mapping[str, ClipFeed],
        people: Iterable[Person],
        dead_after: float,
    ) -> None:
        self._feeds = feeds
        self._mixer = mixer
        self._clips = clips
        self._people = {person.id: person for person in people}
        self._dead_after = dead_after
        self._staged: frozenset[str] = frozenset()
        self._taps: dict[str, tuple[Feed, Callable[[], None]]] = {}
        self._shown: Shown | None = None
        self._card = Card("")

    # -- what the desk calls -------------------------------------------------------------------------

    def stage(self, talks: Sequence[Talk]) -> None:
        """Decode the feeds of these talks (on air and on standby), and no others."""
        wanted = frozenset(feed for talk in talks for feed in _feeds_of(talk))
        for clip in self._clips.values():
            if clip.id not in wanted:
                clip.stop()
            elif clip.id not in self._staged:
                clip.cue()
        self._staged = wanted
        self._mixer.stage(wanted)
        self._tap()
        for talk in talks:
            if self._shown is None or talk.id != self._shown.talk.id:
                self._mixer.prepare(self._scene(talk, talk.layout))

    def missing(self, talk: Talk) -> list[str]:
        """The cameras (or the clip) of this talk that have no fresh picture."""
        now = time.monotonic()
        shared = [slides for slides in map(slides_of, talk.speakers) if self._feeds.get(slides) is not None]
        return [feed for feed in (*talk.feeds, *shared) if not self._fresh(feed, now)]

    def show_talk(
        self, token: str, talk: Talk, layout: str, people: Sequence[Person], transition: str
    ) -> None:
        """Put a talk on the programme at the next frame; the mixer answers with the token."""
        self._shown = Shown(token, talk, layout)
        if talk.clip and not self._clips[f"clip.{talk.clip}"].playing:
            self._clips[f"clip.{talk.clip}"].play()
        self._mixer.show(self._scene(talk, layout), token, "dissolve" if transition == "dissolve" else "cut")

    def show_slate(self, token: str, slate: Slate) -> None:
        """Put the slate on the programme at the next frame."""
        self._shown = None
        self._card = Card(slate.title, slate.message, slate.until)
        self._mixer.show(Scene(Layout.SLATE, card=self._card), token, "cut")

    def health(self) -> dict[str, Any]:
        """`feeds` and `mixer` of the `health` message (docs/protocol.md, section 6)."""
        now = time.monotonic()
        figures = self._mixer.stats()
        return {
            "feeds": [feed.health(now).as_json() for feed in self._feeds if feed.kind != "talkback"],
            "mixer": {
                "state": self._mixer.state,
                **{k: figures.get(k) for k in ("fps", "late_ms", "restarts")},
            },
        }

    def mixer_up(self) -> bool:
        return self._mixer.state == "up"

    # -- what app.py calls when feeds come and go ------------------------------------------------------

    def feed_added(self, feed: Feed) -> None:
        """A feed is up: the mixer gets it if it is staged, and the talk on air is drawn with it."""
        self._tap()
        self._redraw(feed.id)

    def feed_removed(self, feed: Feed) -> None:
        """A feed is gone."""
        self._tap()
        self._redraw(feed.id)

    def _tap(self) -> None:
        """Hand the frames of every staged feed to the mixer, and of no other."""
        for feed_id, (feed, let_go) in list(self._taps.items()):
            if feed_id not in self._staged or self._feeds.get(feed_id) is not feed:
                let_go()
                del self._taps[feed_id]
        for feed_id in self._staged - self._taps.keys():
            found = self._feeds.get(feed_id)
            if found is not None:
                self._taps[feed_id] = (found, found.attach(partial(self._mixer.frame, feed_id)))
                found.request_keyframe()

    def _redraw(self, feed_id: str) -> None:
        """Slides that start or end during a talk change its picture at once."""
        shown = self._shown
        if shown is not None and feed_id in map(slides_of, shown.talk.speakers):
            self._mixer.show(self._scene(shown.talk, shown.layout), shown.token, "cut")

    def _fresh(self, feed_id: str, now: float) -> bool:
        clip = self._clips.get(feed_id)
        if clip is not None:
            return clip.prepared
        feed = self._feeds.get(feed_id)
        if feed is None:
            return False
        age = feed.health(now).video_age
        return age is not None and age < (SLIDES_HOLD if feed.kind == "slides" else self._dead_after)

    # -- scenes -----------------------------------------------------------------------------------------

    def _scene(self, talk: Talk, wanted: str) -> Scene:
        """The scene of a talk with the feeds that are up now."""
        if talk.clip:
            return Scene(Layout.FULL, (Source(f"clip.{talk.clip}", talk.title),), None, self._card)
        people = [self._people[person] for person in talk.speakers]
        cameras = [Source(person.id, person.name) for person in people]
        slides = [
            Source(slides_of(person.id), talk.title, hold=SLIDES_HOLD)
            for person in people
            if self._feeds.get(slides_of(person.id)) is not None
        ]
        layout = _fitting(wanted, len(cameras), bool(slides))
        sources = (*slides[:1], *cameras) if layout is Layout.PIP else tuple(cameras)
        return Scene(layout, sources, _strip(talk, people), self._card)


def slides_of(person: str) -> str:
    """The id of the feed with this person's shared screen."""
    return f"{person}.slides"


def _feeds_of(talk: Talk) -> list[str]:
    """Every feed that a talk may show: slides, cameras, its clip."""
    return [*map(slides_of, talk.speakers), *talk.feeds]


def _fitting(wanted: str, cameras: int, slides: bool) -> Layout:
    """The layout asked for, or the nearest that the pictures there are allow."""
    layout = Layout(wanted)
    if layout is Layout.PIP and (slides or cameras == 2):
        return layout
    if cameras == 1:
        return Layout.FULL
    if layout is Layout.SIDE and cameras == 2:
        return layout
    return Layout.SIDE if cameras == 2 and layout is not Layout.GRID else Layout.GRID


def _strip(talk: Talk, people: Sequence[Person]) -> Strip:
    """The lower third of a talk: one person with role and place; several by their names alone."""
    if len(people) == 1:
        person = people[0]
        detail = " · ".join(part for part in (person.title, person.organisation, person.place) if part)
        return Strip(person.name, detail, talk.title)
    return Strip(" · ".join(person.name for person in people), "", talk.title)
