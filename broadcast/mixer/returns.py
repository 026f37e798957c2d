"""(P) Whose return is mixed: what the stage says each person should hear, and who listens now."""

from collections.abc import Iterable, Mapping
from typing import Any

from broadcast.mixer.scene import Return


class Returns:
    """The server's side of the returns. `wanted` holds those in use, `talkback` the feeds that these need."""

    def __init__(self) -> None:
        self.wanted: dict[str, Return] = {}
        self.talkback: frozenset[str] = frozenset()
        self._said: dict[str, Return] = {}
        self._listeners: frozenset[str] = frozenset()

    def say(self, returns: Mapping[str, Return]) -> bool:
        """What each person hears, by id. Gives whether anything in use has changed."""
        self._said = dict(returns)
        return self._update()

    def listen(self, people: Iterable[str]) -> bool:
        """Who listens now. Gives whether anything in use has changed."""
        self._listeners = frozenset(people)
        return self._update()

    def to_json(self) -> dict[str, Any]:
        """The returns in use as plain data for the pipe."""
        return {person: each.to_json() for person, each in self.wanted.items()}

    def _update(self) -> bool:
        wanted = {
            # Nobody has said what they hear: never themselves, or they would hear an echo.
            person: self._said.get(person, Return(frozenset({person})))
            for person in sorted(self._listeners)
        }
        if wanted == self.wanted:
            return False
        self.wanted = wanted
        self.talkback = frozenset(feed for each in wanted.values() for feed in each.talkback)
        return True


def returns_from_json(data: Mapping[str, Any]) -> dict[str, Return]:
    """The opposite of `Returns.to_json`."""
    return {person: Return.from_json(each) for person, each in data.items()}
