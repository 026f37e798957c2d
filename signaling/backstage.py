"""(P) What producers and speakers say to one another, and who did what: never seen or heard on air.

A `Backstage` is a value: each change returns a new one. Bounded: the oldest text cue and the oldest move go
first.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from signaling.event import Moment
from signaling.facts import Acknowledged, Fact, Left, Restarted, Spoke, Texted

MAX_TEXTS = 30
MAX_MOVES = 20


@dataclass(frozen=True, slots=True)
class TextCue:
    """One text cue; `person` sent it `to` these; `acks`: who has read it when (Unix seconds, as `at`)."""

    id: str
    person: str
    to: tuple[str, ...]
    text: str
    at: float
    acks: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Move:
    """One command that was carried out, or (`person` empty) something that the show did by itself."""

    at: float
    person: str
    do: str
    talk: str | None = None
    who: str | None = None


@dataclass(frozen=True, slots=True)
class Backstage:
    """`talkback`: into whose ears each producer speaks."""

    texts: tuple[TextCue, ...] = ()
    talkback: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    moves: tuple[Move, ...] = ()

    def text(self, message: str) -> TextCue | None:
        return next((cue for cue in self.texts if cue.id == message), None)

    def texts_to(self, person_id: str) -> list[TextCue]:
        return [cue for cue in self.texts if person_id in cue.to]

    def voices_to(self, person_id: str) -> list[str]:
        """The producers who speak to this person now."""
        return [producer for producer, to in self.talkback.items() if person_id in to]

    def apply(self, fact: Fact, now: Moment) -> "Backstage":
        """After this fact; those that do not concern it leave it as it is."""
        match fact:
            case Spoke(person, to):
                return self._spoke(person, to)
            case Left(person) if person in self.talkback:
                return self._spoke(person, ())
            case Restarted() if self.talkback:
                return replace(self, talkback=MappingProxyType({}))
            case Texted(message, person, to, text):
                cue = TextCue(message, person, to, text, now.wall)
                return replace(self, texts=(*self.texts, cue)[-MAX_TEXTS:])
            case Acknowledged(message, person):
                return replace(self, texts=tuple(_acked(cue, message, person, now) for cue in self.texts))
            case _:
                return self

    def noted(self, move: Move) -> "Backstage":
        return replace(self, moves=(*self.moves, move)[-MAX_MOVES:])

    def _spoke(self, person: str, to: tuple[str, ...]) -> "Backstage":
        others = {producer: ears for producer, ears in self.talkback.items() if producer != person}
        return replace(self, talkback=MappingProxyType({**others, person: to} if to else others))


def _acked(cue: TextCue, message: str, person: str, now: Moment) -> TextCue:
    if cue.id != message or person in cue.acks:
        return cue
    return replace(cue, acks=MappingProxyType({**cue.acks, person: now.wall}))
