"""(P) The roster: who is here, with which feeds, and who is ready.

Readiness outlives a connection: who reloads the page or changes the network comes back as they left. A
`Roster` is a value: each change returns a new one.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from signaling.event import Event, Person, Role


class PersonState(StrEnum):
    """The states of a person, as the stage sees them."""

    ABSENT = "absent"
    GREEN_ROOM = "green_room"
    READY = "ready"
    STANDBY = "standby"
    ON_AIR = "on_air"


@dataclass(frozen=True, slots=True)
class Seat:
    """One person. `left`: their page has gone since their feeds came, so the feeds are about to end too.

    `gain_db` comes on top of the automatic level. `removed`: out until a producer admits them.
    """

    person: Person
    connected: bool = False
    ready: bool = False
    left: bool = False
    feeds: tuple[str, ...] = ()
    gain_db: float = 0.0
    muted: bool = False
    removed: bool = False

    @property
    def here(self) -> bool:
        """Whether they can be put on air: by their page, or by an encoder that has none."""
        return not self.removed and (self.connected or (bool(self.feeds) and not self.left))


@dataclass(frozen=True, slots=True)
class Roster:
    """Everybody but the viewers, who are counted and not listed."""

    seats: Mapping[str, Seat]

    @classmethod
    def of(cls, event: Event) -> "Roster":
        """Everybody of the event, all absent."""
        people = (person for person in event.people if person.role != Role.VIEWER)
        return cls(MappingProxyType({person.id: Seat(person) for person in people}))

    def seat(self, person_id: str) -> Seat | None:
        return self.seats.get(person_id)

    def state(self, person_id: str, on_air: Collection[str], standby: Collection[str]) -> PersonState:
        """What the person is, given the people of the talk on air and of those about to be."""
        seat = self.seats[person_id]
        if person_id in on_air:
            return PersonState.ON_AIR
        if not seat.here:
            return PersonState.ABSENT
        if person_id in standby:
            return PersonState.STANDBY
        return PersonState.READY if seat.ready else PersonState.GREEN_ROOM

    def came(self, person_id: str) -> "Roster":
        return self._with(replace(self.seats[person_id], connected=True, left=False))

    def went(self, person_id: str) -> "Roster":
        return self._with(replace(self.seats[person_id], connected=False, left=True))

    def readied(self, person_id: str, ready: bool) -> "Roster":
        return self._with(replace(self.seats[person_id], ready=ready))

    def levelled(self, person_id: str, gain_db: float, muted: bool) -> "Roster":
        return self._with(replace(self.seats[person_id], gain_db=gain_db, muted=muted))

    def removed(self, person_id: str) -> "Roster":
        """Out: they are no longer ready, and what is still connected is about to end."""
        return self._with(replace(self.seats[person_id], removed=True, ready=False))

    def admitted(self, person_id: str) -> "Roster":
        return self._with(replace(self.seats[person_id], removed=False))

    def feed_up(self, feed: str, owner: str) -> "Roster":
        seat = self.seats[owner]
        feeds = seat.feeds if feed in seat.feeds else (*seat.feeds, feed)
        return self._with(replace(seat, feeds=feeds, left=False))

    def feed_down(self, feed: str) -> "Roster":
        roster = self
        for seat in self.seats.values():
            if feed in seat.feeds:
                roster = roster._with(replace(seat, feeds=tuple(one for one in seat.feeds if one != feed)))
        return roster

    def emptied(self) -> "Roster":
        """Nobody is connected and no feed is up; readiness, levels and removals stay."""
        seats = {
            key: replace(seat, connected=False, left=False, feeds=()) for key, seat in self.seats.items()
        }
        return Roster(MappingProxyType(seats))

    def _with(self, seat: Seat) -> "Roster":
        return Roster(MappingProxyType({**self.seats, seat.person.id: seat}))
