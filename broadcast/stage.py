"""The stage: where the desk's words (a talk, its people, a layout, the slate) become feeds and scenes.

The desk (signaling) decides what is on air and knows people; the mixer knows feeds and rectangles. This
file is the one translation between them, and remembers what is shown, so that a feed that comes or goes
during a talk changes the picture at once.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from broadcast.feeds.clip import ClipFeed
from broadcast.feeds.feed import Feed
from broadcast.feeds.registry import Feeds
from broadcast.mixer.scene import Card, Layout, Scene, Source, Strip
from broadcast.mixer.supervisor import Mixer
from signaling.event import Person, Slate, Talk

log = logging.getLogger("pavilion.stage")


@dataclass(frozen=True, slots=True)
class Shown:
    """What the desk last asked for."""

    token: str
    talk: Talk
    layout: str
    people: Sequence[Person]


class Stage:
    """Implements what the desk asks of the broadcast side (`signaling.desk.Stage`)."""

    def __init__(self, feeds: Feeds, mixer: Mixer, clips: dict[str, ClipFeed], dead_after: float) -> None:
        self._feeds = feeds
        self._mixer = mixer
        self._clips = clips
        self._dead_after = dead_after
        self._staged: frozenset[str] = frozenset()
        self._taps: dict[str, tuple[Feed, Callable[[], None]]] = {}
        self._shown: Shown | None = None
        self._card = Card("")
        self._names: dict[str, str] = {}

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

    def missing(self, talk: Talk) -> list[str]:
        """The cameras (or the clip) of this talk that have no fresh picture."""
        now = time.monotonic()
        needed = [f"clip.{talk.clip}"] if talk.clip else list(talk.speakers)
        return [feed for feed in needed if not self._fresh(feed, now)]

    def show_talk(
        self, token: str, talk: Talk, layout: str, people: Sequence[Person], transition: str
    ) -> None:
        """Put a talk on the programme at the next frame; the mixer answers with the token."""
        self._shown = Shown(token, talk, layout, people)
        for person in people:
            self._names[person.id] = person.name
        if talk.clip:
            self._clips[f"clip.{talk.clip}"].play()
        self._mixer.show(self._scene(self._shown), token, transition)

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
            "feeds": [feed.health(now).as_json() for feed in self._feeds],
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
                self._taps[feed_id] = (
                    found,
                    found.attach(lambda frame, to=feed_id: self._mixer.frame(to, frame)),
                )
                found.request_keyframe()

    def _redraw(self, feed_id: str) -> None:
        """Slides that start or end during a talk change its picture at once."""
        shown = self._shown
        if shown is not None and feed_id.endswith(".slides") and feed_id in _feeds_of(shown.talk):
            self._mixer.show(self._scene(shown), shown.token, "cut")

    def _fresh(self, feed_id: str, now: float) -> bool:
        clip = self._clips.get(feed_id)
        if clip is not None:
            return clip.prepared
        feed = self._feeds.get(feed_id)
        if feed is None:
            return False
        age = feed.health(now).video_age
        return age is not None and age < self._dead_after

    # -- scenes -----------------------------------------------------------------------------------------

    def _scene(self, shown: Shown) -> Scene:
        """The scene of a talk with the feeds that are up now."""
        talk = shown.talk
        if talk.clip:
            return Scene(Layout.FULL, (Source(f"clip.{talk.clip}", talk.title),), None, self._card)
        cameras = [Source(person, self._names.get(person, person)) for person in talk.speakers]
        slides = [f"{person}.slides" for person in talk.speakers if self._feeds.get(f"{person}.slides")]
        layout = _fitting(shown.layout, len(cameras), bool(slides))
        sources = (
            (Source(slides[0], talk.title), *cameras) if layout is Layout.PIP and slides else tuple(cameras)
        )
        return Scene(layout, sources, _strip(talk, shown.people), self._card)


def _feeds_of(talk: Talk) -> list[str]:
    """Every feed that a talk may show: cameras, shared slides, its clip."""
    if talk.clip:
        return [f"clip.{talk.clip}"]
    return [feed for person in talk.speakers for feed in (person, f"{person}.slides")]


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
