"""The stage: where the desk's words (a talk, its people, a layout, the slate) become feeds and scenes.

The desk (signaling) decides what is on air and knows people; the mixer knows feeds and rectangles. This
file is the one translation between them, and remembers what is shown, so that a feed that comes or goes
during a talk changes the picture at once.
"""

import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from broadcast.errors import TargetError
from broadcast.feeds.clip import ClipFeed
from broadcast.feeds.feed import Feed
from broadcast.feeds.registry import Feeds
from broadcast.mixer.scene import Card, Layout, Return, Scene, Source, Strip
from broadcast.mixer.supervisor import Mixer
from broadcast.targets import parse as parse_target
from signaling.desk import Level
from signaling.event import Person, Slate, Talk, Target
from signaling.refusal import Refused

log = logging.getLogger("pavilion.stage")

SLIDES = ".slides"  # behind a person's id: their shared screen
SLIDES_HOLD = 10.0  # seconds: a shared screen that does not change sends next to nothing
SLIDES_SILENCE = 2.5  # seconds without even a report, which browsers send each second: the line is gone
WITNESS = 0.1  # seconds: a camera's last frame and its last sign of life are no further apart
QUARANTINED = {"verdict": "dead", "why": "it crashed the mixer twice and must be sent anew"}
UNSEEN = {"verdict": "dead", "why": "its pictures cannot be decoded"}
POOR_SOUND = 0.03  # share of the sound of five seconds that did not come in time
CLIP_HOLD = 5.0  # seconds that a clip's last picture stands, until what follows is ready


@dataclass(frozen=True, slots=True)
class Shown:
    """What the desk last asked for."""

    token: str
    talk: Talk
    layout: str
    lost: frozenset[str] = frozenset()
    airing: str = ""
    since: float | None = None


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
        self._played: dict[str, str] = {}  # of each clip that is staged, the airing for which it plays
        self._taps: dict[str, tuple[Feed, Callable[[], None]]] = {}
        self._shown: Shown | None = None
        self._card = Card("")
        self._levels: Mapping[str, Level] = {}
        self._voices: frozenset[str] = frozenset()  # the talkback feeds that somebody hears
        self._barred: frozenset[str] = frozenset()
        self._were_unseen: frozenset[str] = frozenset()  # when the health was told last
        self.on_barred: Callable[[frozenset[str]], None] = lambda people: None  # until app.py sets one
        self.on_targets: Callable[[Sequence[Target]], None] = lambda targets: None  # the same
        self.more_health: Callable[[], dict[str, Any]] = dict  # what other parts have to say; app.py sets it

    # -- what the desk calls -------------------------------------------------------------------------

    def stage(self, talks: Sequence[Talk]) -> None:
        """Decode the feeds of these talks (on air and on standby), and no others."""
        wanted = frozenset(feed for talk in talks for feed in _feeds_of(talk))
        for clip in self._clips.values():
            if clip.id not in wanted:
                clip.stop()
                self._played.pop(clip.id, None)
            elif clip.id not in self._staged:
                clip.cue()
        self._staged = wanted
        self._mixer.stage(wanted)
        self._tap()
        for talk in talks:
            if self._shown is None or talk.id != self._shown.talk.id:
                self._mixer.prepare(self._scene(Shown("", talk, talk.layout)))

    def silent(self, talk: Talk) -> list[str]:
        """The cameras (or the clip) of this talk, and the slides that are up, that send no pictures."""
        now = time.monotonic()
        return [feed for feed in self._pictures(talk) if not self._sends(feed, now)]

    def missing(self, talk: Talk) -> list[str]:
        """Those of them that have no fresh picture: they are silent, not staged, or send what cannot be
        decoded."""
        now = time.monotonic()
        return [
            feed for feed in self._pictures(talk) if not (self._sends(feed, now) and self._sees(feed, now))
        ]

    def show_talk(
        self,
        token: str,
        talk: Talk,
        layout: str,
        people: Sequence[Person],
        transition: str,
        lost: Collection[str],
        airing: str,
        since: float | None,
    ) -> None:
        """Put a talk on the programme at the next frame, without the feeds in `lost`; the mixer answers with
        the token. Its clip plays once an `airing`: from the start, or from where it is when it has been on
        air `since` that time (Unix seconds)."""
        self._shown = Shown(token, talk, layout, frozenset(lost), airing, since)
        clip = self._clips.get(f"clip.{talk.clip}") if talk.clip else None
        if clip is not None:
            self._play(clip, self._shown)
        self._mixer.show(self._scene(self._shown), token, "dissolve" if transition == "dissolve" else "cut")

    def show_slate(self, token: str, slate: Slate) -> None:
        """Put the slate on the programme at the next frame."""
        self._shown = None
        self._card = Card(slate.title, slate.message, slate.until)
        self._mixer.show(Scene(Layout.SLATE, card=self._card), token, "cut")

    def levels(self, levels: Mapping[str, Level]) -> None:
        """How loud each speaker is from now on, also on air."""
        self._levels = levels
        self._show_again()

    def ears(self, voices: Mapping[str, tuple[str, ...]]) -> None:
        """The producers who speak into each speaker's ear, beside the programme without their own sound."""
        returns = {
            person: Return(frozenset((person, slides_of(person))), tuple(map(talkback_of, producers)))
            for person, producers in voices.items()
        }
        self._voices = frozenset(feed for each in returns.values() for feed in each.talkback)
        self._mixer.returns(returns)
        self._tap()

    def bar(self, people: frozenset[str]) -> None:
        """End everything that these people send, now and until they are admitted."""
        self._barred = people
        self.on_barred(people)
        for feed in list(self._feeds):
            if feed.owner in people:
                feed.close("removed")

    def restream(self, targets: Sequence[Target]) -> None:
        """The programme is sent to exactly these targets."""
        self.on_targets(targets)

    def address(self, url: str, key: str) -> str:
        """A target's address as it may be shown. Raises Refused `bad_target`."""
        try:
            return parse_target(url, key).address
        except TargetError as error:
            raise Refused(error.code, error.message) from None

    def health(self) -> dict[str, Any]:
        """The `health` message less its `clients` (docs/protocol.md, section 6)."""
        now = time.monotonic()
        figures = self._mixer.stats()
        unseen = frozenset(feed.id for feed in self._feeds if self._unseen(feed.id, now))
        before, self._were_unseen = self._were_unseen, unseen
        return {
            "feeds": [
                {
                    **_with_sound(feed.health(now).as_json(), figures["sources"].get(feed.id, {})),
                    **(QUARANTINED if feed.id in self._mixer.quarantine.feeds else {}),
                    **(UNSEEN if feed.id in unseen & before else {}),
                }
                for feed in self._feeds
                if feed.kind != "talkback"
            ],
            "mixer": {
                "state": self._mixer.state,
                **{k: figures.get(k) for k in ("fps", "nominal_fps", "late_ms", "restarts")},
            },
            **self.more_health(),
        }

    def mixer_up(self) -> bool:
        return self._mixer.state == "up"

    # -- what app.py calls when feeds come and go ------------------------------------------------------

    def feed_added(self, feed: Feed) -> None:
        """A feed is up: the mixer gets it if it is staged, and the talk on air is drawn with it."""
        if feed.owner in self._barred:  # it was on its way when they were removed
            feed.close("removed")
            return
        self._mixer.quarantine.readmit(feed.id)
        self._tap()
        self._redraw(feed.id)

    def clip_prepared(self, clip: ClipFeed) -> None:
        """A clip can be played from now on: it is if it is on air already (after a restart), and if it is
        next, its first picture stands ready."""
        if self._shown is not None and clip.id in self._shown.talk.feeds:
            self._play(clip, self._shown)
        elif clip.id in self._staged:
            clip.cue()

    def uses(self, feed_id: str) -> bool:
        """Whether a feed is on air or on standby."""
        return feed_id in self._staged or (self._shown is not None and feed_id in _feeds_of(self._shown.talk))

    def feed_removed(self, feed: Feed) -> None:
        """A feed is gone."""
        self._tap()
        self._redraw(feed.id)

    def _play(self, clip: ClipFeed, shown: Shown) -> None:
        if self._played.get(clip.id) != shown.airing:
            self._played[clip.id] = shown.airing
            clip.play(0.0 if shown.since is None else max(0.0, time.time() - shown.since))

    def _tap(self) -> None:
        """Hand the frames of every staged feed and every voice in use to the mixer, and of no other."""
        wanted = self._staged | self._voices
        for feed_id, (feed, let_go) in list(self._taps.items()):
            if feed_id not in wanted or self._feeds.get(feed_id) is not feed:
                let_go()
                del self._taps[feed_id]
        for feed_id in wanted - self._taps.keys():
            found = self._feeds.get(feed_id)
            if found is not None:
                self._taps[feed_id] = (found, found.attach(partial(self._mixer.frame, feed_id)))
                found.request_keyframe()

    def _redraw(self, feed_id: str) -> None:
        """Slides that start or end during a talk change its picture at once."""
        shown = self._shown
        if shown is not None and feed_id in map(slides_of, shown.talk.speakers):
            self._show_again()

    def _show_again(self) -> None:
        """Draw what is shown anew, under its own token: the desk knows that it is on air."""
        if self._shown is not None:
            self._mixer.show(self._scene(self._shown), self._shown.token, "cut")

    def _pictures(self, talk: Talk) -> list[str]:
        shared = [slides for slides in map(slides_of, talk.speakers) if self._feeds.get(slides) is not None]
        return [*talk.feeds, *shared]

    def _sees(self, feed_id: str, now: float) -> bool:
        """Whether the mixer has a picture of this feed, as viewers would see it."""
        if feed_id in self._clips:
            return True  # it was decoded when it was prepared
        hold = SLIDES_HOLD if feed_id.endswith(SLIDES) else self._dead_after
        return feed_id in self._staged and self._mixer.sights.sees(feed_id, hold, now)

    def _unseen(self, feed_id: str, now: float) -> bool:
        """Whether a staged feed sends pictures, and the mixer can make nothing of them."""
        return feed_id in self._staged and self._sends(feed_id, now) and not self._sees(feed_id, now)

    def _sends(self, feed_id: str, now: float) -> bool:
        clip = self._clips.get(feed_id)
        if clip is not None:
            return clip.prepared
        feed = self._feeds.get(feed_id)
        if feed is None or feed_id in self._mixer.quarantine.feeds:
            return False
        age = feed.health(now).video_age
        if age is None or feed.kind != "slides":
            return age is not None and age < self._dead_after
        silent = feed.silence(now)
        return age < SLIDES_HOLD and silent < SLIDES_SILENCE and not self._line_lost(feed.owner, silent, now)

    def _line_lost(self, person: str, silent: float, now: float) -> bool:
        """Whether this person's line has gone, and with it the slides, which have been `silent` for so long.

        The slides alone would tell after seconds. The camera sends all the time: one that was sending
        until it fell silent altogether, and no sign of the slides since, is a line that broke.
        """
        camera = self._feeds.get(person)
        if camera is None or self._sends(person, now):
            return False
        health, quiet = camera.health(now), camera.silence(now)
        sent = min((age for age in (health.video_age, health.audio_age) if age is not None), default=None)
        if sent is None or sent - quiet > WITNESS:
            return False  # it was sending nothing anyway
        return self._dead_after - WITNESS <= quiet <= silent

    # -- scenes -----------------------------------------------------------------------------------------

    def _scene(self, shown: Shown) -> Scene:
        """The scene of a talk with the feeds that are up now. Of those that the desk gave up as lost, the
        cameras are not drawn, but heard."""
        talk, lost = shown.talk, shown.lost
        if talk.clip:
            clip = Source(f"clip.{talk.clip}", talk.title, hold=CLIP_HOLD)
            return Scene(Layout.FULL, (clip,), None, self._card)
        people = [self._people[person] for person in talk.speakers]
        cameras = [
            Source(person.id, person.name, self._gain(person.id), drawn=person.id not in lost)
            for person in people
        ]
        slides = [
            Source(slides_of(person.id), talk.title, self._gain(person.id), hold=SLIDES_HOLD)
            for person in people
            if self._feeds.get(slides_of(person.id)) is not None and slides_of(person.id) not in lost
        ]
        layout, pictures = _drawn(shown.layout, slides[:1], [each for each in cameras if each.drawn])
        # Whose picture has died may still speak; but never over the slate.
        voices = tuple(each for each in cameras if not each.drawn) if pictures else ()
        return Scene(layout, (*pictures, *voices), _strip(talk, people), self._card)

    def _gain(self, person: str) -> float:
        """The level that a producer has set for this person, as a factor."""
        level = self._levels.get(person, Level())
        return 0.0 if level.muted else 10.0 ** (level.gain_db / 20)


def _with_sound(health: dict[str, Any], source: Mapping[str, Any]) -> dict[str, Any]:
    """A feed's health with what only the mixer knows of its sound: how loud it is (LUFS), the gain that this
    asks for, and of what was played the share that had not come in time; None while it is not known."""
    sound = {name: source.get(name) for name in ("lufs", "gain_db", "missing")}
    torn = (sound["missing"] or 0) > POOR_SOUND and health["kind"] != "clip"  # which may end, or begin again
    if torn and health["verdict"] == "good":
        return {**health, **sound, "verdict": "poor", "why": "the sound has gaps"}
    return {**health, **sound}


def slides_of(person: str) -> str:
    """The id of the feed with this person's shared screen."""
    return f"{person}{SLIDES}"


def _feeds_of(talk: Talk) -> list[str]:
    """Every feed that a talk may show: slides, cameras, its clip."""
    return [*map(slides_of, talk.speakers), *talk.feeds]


def talkback_of(producer: str) -> str:
    """The id of the feed with this producer's voice."""
    return f"{producer}.talkback"


def _drawn(wanted: str, slides: list[Source], cameras: list[Source]) -> tuple[Layout, tuple[Source, ...]]:
    """The layout asked for, or the nearest that the pictures there are allow; and the pictures in it."""
    layout, several = Layout(wanted), len(cameras)
    if not cameras:
        return Layout.FULL if slides else Layout.SLATE, tuple(slides)
    if layout is Layout.PIP and (slides or several == 2):
        return layout, (*slides, *cameras)
    if several == 1:
        return Layout.FULL, tuple(cameras)
    if several == 2 and layout is not Layout.GRID:
        return Layout.SIDE, tuple(cameras)
    return Layout.GRID, tuple(cameras)


def _strip(talk: Talk, people: Sequence[Person]) -> Strip:
    """The lower third of a talk: one person with role and place; several by their names alone."""
    if len(people) == 1:
        person = people[0]
        detail = " · ".join(part for part in (person.title, person.organisation, person.place) if part)
        return Strip(person.name, detail, talk.title)
    return Strip(" · ".join(person.name for person in people), "", talk.title)
