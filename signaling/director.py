"""Brings the media side to where the state is; by comparing, so that no change can be missed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from signaling.event import Person, Role, Slate, Talk, Target
from signaling.handoff import Picture
from signaling.state import State


@dataclass(frozen=True, slots=True)
class Level:
    """How loud a speaker is on air, on top of the automatic level."""

    gain_db: float = 0.0
    muted: bool = False


class Stage(Protocol):
    """What the desk asks of the media side; nothing here blocks, and all is called from the event loop."""

    def stage(self, talks: Sequence[Talk]) -> None:
        """Decode the feeds of exactly these talks: on air or held, and those that may come next."""

    def silent(self, talk: Talk) -> list[str]:
        """As `Sight` has it."""

    def missing(self, talk: Talk) -> list[str]:
        """As `Sight` has it.

        Asked some twenty times a second for the talk on air, which is drawn without them, and falls back to
        the slate when none is left.
        """

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
        """Show this at the next frame, without the feeds in `lost`; `Desk.shown(token, ...)` follows with its
        first frame. The same `airing` again (another layout, another title) goes on where it is, as does,
        after a restart, one that is on air `since` that time (Unix seconds)."""

    def show_slate(self, token: str, slate: Slate) -> None:
        """The same for the slate."""

    def levels(self, levels: Mapping[str, Level]) -> None:
        """How loud each speaker is; who is not named is as they come."""

    def ears(self, voices: Mapping[str, tuple[str, ...]]) -> None:
        """The producers who speak into the ear of each speaker; every speaker is named."""

    def bar(self, people: frozenset[str]) -> None:
        """Exactly these people are out: what they send and receive ends."""

    def restream(self, targets: Sequence[Target]) -> None:
        """The programme is sent to exactly these targets."""

    def address(self, url: str, key: str) -> str:
        """As `Sight` has it."""

    def health(self) -> dict[str, Any]:
        """`feeds` and `mixer` of docs/protocol.md, section 6."""

    def mixer_up(self) -> bool:
        """Whether the mixer composes frames."""


class Director:
    """Remembers what the stage was told last."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._staged: tuple[Talk, ...] | None = None
        self._token: str | None = None
        self._levels: dict[str, Level] = {}
        self._ears: dict[str, tuple[str, ...]] | None = None
        self._barred: frozenset[str] = frozenset()
        self._targets: tuple[Target, ...] = ()

    def direct(self, state: State) -> None:
        """Tell the stage what has changed since the last time."""
        seats = state.roster.seats
        barred = frozenset(key for key, seat in seats.items() if seat.removed)
        if barred != self._barred:
            self._barred = barred
            self._stage.bar(barred)
        levels = {
            key: Level(seat.gain_db, seat.muted) for key, seat in seats.items() if seat.gain_db or seat.muted
        }
        if levels != self._levels:
            self._levels = levels
            self._stage.levels(levels)
        ears = {
            key: tuple(state.backstage.voices_to(key))
            for key, seat in seats.items()
            if seat.person.role == Role.SPEAKER
        }
        if ears != self._ears:
            self._ears = ears
            self._stage.ears(ears)
        targets = tuple(target for target in state.targets if target.on)
        if targets != self._targets:
            self._targets = targets
            self._stage.restream(targets)
        self._picture(state)

    def _picture(self, state: State) -> None:
        if state.staged != self._staged:
            self._staged = state.staged
            self._stage.stage(state.staged)
        picture = state.floor.picture
        if picture.token != self._token:
            self._token = picture.token
            self._show(state, picture)

    def _show(self, state: State, picture: Picture) -> None:
        talk = state.rundown.talk(picture.talk)
        if talk is None:
            self._stage.show_slate(picture.token, picture.slate)
            return
        people = [person for one in talk.speakers if (person := state.event.person(one)) is not None]
        self._stage.show_talk(
            picture.token,
            talk,
            picture.layout,
            people,
            picture.transition,
            picture.lost,
            picture.airing,
            picture.since,
        )
