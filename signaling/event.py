"""(P) The event as planned: its people, its talks, its slate; and what a moment is.

Everything here comes from `config.toml` and never changes while the server runs; what happens to it during
the show lives in `rundown.py`, `roster.py` and `handoff.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, Protocol

AGAIN = "again-"  # with which the ids of re-aired talks and their clips begin
LAYOUTS = ("full", "pip", "side", "grid")
TRANSITIONS = ("cut", "dissolve")


class Role(StrEnum):
    """What a pass allows its bearer to do."""

    PRODUCER = "producer"
    SPEAKER = "speaker"
    SCREEN = "screen"
    VIEWER = "viewer"


class Moment(NamedTuple):
    """Now, by both clocks: `mono` measures how long things last, `wall` is what people read (Unix seconds).

    The wall clock may be set while the show runs, so only what people ask for by the hour goes by it: when a
    re-air begins, and what is still to come.
    """

    mono: float
    wall: float


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a personal link."""

    id: str
    name: str
    role: str
    title: str = ""
    organisation: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Talk:
    """One item of the rundown. `start` in Unix seconds, or None: after the one before.

    `clip` is the id of a clip (its feed is `clip.<id>`), `slides` the id of a feed. `automatic`: it goes on
    by itself when the talk before it ends by itself.
    """

    id: str
    title: str
    speakers: tuple[str, ...] = ()
    layout: str = "full"
    start: float | None = None
    minutes: float = 15.0
    clip: str | None = None
    slides: str | None = None
    automatic: bool = False

    @property
    def feeds(self) -> tuple[str, ...]:
        """The feeds that its scene is made of: slides first, then each speaker's camera, then the clip."""
        slides = (self.slides,) if self.slides else ()
        clip = (f"clip.{self.clip}",) if self.clip else ()
        return (*slides, *self.speakers, *clip)


@dataclass(frozen=True, slots=True)
class Slate:
    """What the card says; `until` is the end of its countdown in Unix seconds."""

    title: str
    message: str = ""
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """Where the programme is sent, beside the viewers. `address` may be shown; `url` and `key` never are, and
    are empty where the target is `fixed`: then they stand in the config. `on`: it is to be sent there now."""

    id: str
    name: str
    address: str
    on: bool = False
    fixed: bool = False
    url: str = field(default="", repr=False)
    key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Plan:
    """A re-air: `what` is "event" or a talk's id; `at` in Unix seconds, or None: as soon as nothing is live.

    `loop`: again and again while nothing is live. `stopped`: a producer has ended it until they take one of
    its talks.
    """

    id: str
    what: str
    at: float | None = None
    loop: bool = False
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class Event:
    """The whole plan. `start` and `end` in Unix seconds, `timezone` an IANA name."""

    id: str
    name: str
    subtitle: str = ""
    place: str = ""
    timezone: str = "UTC"
    start: float = 0.0
    end: float = 0.0
    talks: tuple[Talk, ...] = ()
    people: tuple[Person, ...] = ()
    clips: tuple[str, ...] = ()
    slate: Slate = field(default_factory=lambda: Slate(""))
    public_viewers: bool = True
    targets: tuple[Target, ...] = ()
    plans: tuple[Plan, ...] = ()

    def has_clip(self, clip: str) -> bool:
        """Whether a talk may have this clip: one of the config, or a recording that is played again."""
        return clip in self.clips or clip.startswith(AGAIN)

    def person(self, person_id: str) -> Person | None:
        return next((person for person in self.people if person.id == person_id), None)

    def talk(self, talk_id: str) -> Talk | None:
        return next((talk for talk in self.talks if talk.id == talk_id), None)


class Sight(Protocol):
    """What the stage can see right now; the pure files ask it and never change it."""

    def silent(self, talk: Talk) -> Sequence[str]:
        """The feeds that this talk needs, and the slides that are up, that send no pictures."""

    def missing(self, talk: Talk) -> Sequence[str]:
        """Those of them that the mixer has no fresh picture of: also what is not staged, or cannot be
        decoded."""

    def mixer_up(self) -> bool:
        """Whether the mixer composes frames."""

    def address(self, url: str, key: str) -> str:
        """A target's address as it may be shown. Raises Refused `bad_target` if nothing can be sent there."""
