"""The connections of a desk: who they are, who sees what, and who is to be told.

Nothing here decides anything about the show; it only knows the ways to people.
"""

from collections.abc import Iterator
from typing import Any

from signaling.client import HELLO_SECONDS, NO_HELLO, TAKEN_OVER, Client, Goodbye
from signaling.event import Person, Role
from signaling.forecast import Forecast
from signaling.state import State
from signaling.views import BACKSTAGE, StateTexts, common_state, dump, forecast_of, millis

FORECAST_SECONDS = 5.0  # between two states that differ in nothing but what time has moved
MAX_LISTED = 200  # clients in one health message; viewers are left out first


class Crowd:
    """All clients. A client is here from `add` to `remove`, and greeted in between."""

    def __init__(self) -> None:
        self._clients: dict[str, Client] = {}
        self._strangers: dict[str, Client] = {}  # have not said hello; few, and for ten seconds at most
        self._people: dict[str, set[Client]] = {}
        self._newcomers: list[Client] = []
        self._sent = (-1, 0, 0)
        self._public = ""
        self._forecast: Forecast | None = None
        self._forecast_at = float("-inf")

    def __len__(self) -> int:
        return len(self._clients)

    def __iter__(self) -> Iterator[Client]:
        return iter(list(self._clients.values()))

    def add(self, client: Client) -> None:
        self._clients[client.id] = self._strangers[client.id] = client

    def greet(self, client: Client, person: Person | None) -> bool:
        """The client has said who they are; whether they are the first of that person."""
        client.person, client.greeted = person, True
        self._strangers.pop(client.id, None)
        self._newcomers.append(client)
        if person is None:
            return False
        others = self._people.setdefault(person.id, set())
        first = not others
        others.add(client)
        return first

    def sit(self, client: Client) -> None:
        """A speaker has one seat, and this page has it now: the page that had it is told and ended. Pages
        that only check their devices stay. Idempotent; nothing for those who are no speakers."""
        if client.person is None or client.role != Role.SPEAKER:
            return
        client.seated = True
        for other in list(self._people.get(client.person.id, ())):
            if other is not client and other.seated:
                other.end(TAKEN_OVER)

    def remove(self, client: Client) -> bool:
        """Whether this was the last connection of that person."""
        self._clients.pop(client.id, None)
        self._strangers.pop(client.id, None)
        if client.person is None or not client.greeted:
            return False
        others = self._people.get(client.person.id, set())
        others.discard(client)
        if not others:
            self._people.pop(client.person.id, None)
        return not others

    def end_silent(self, mono: float) -> None:
        """End those who have not said hello in time."""
        for client in list(self._strangers.values()):
            if mono - client.opened >= HELLO_SECONDS:
                client.end(NO_HELLO)

    def end_person(self, person_id: str, why: Goodbye) -> None:
        for client in list(self._people.get(person_id, ())):
            client.end(why)

    def end_all(self, why: Goodbye) -> None:
        for client in self:
            client.end(why)

    def tell_state(self, state: State, wall: float) -> None:
        """Send the state to newcomers, and to all who may see what has changed since the last call."""
        newcomers, self._newcomers = self._newcomers, []
        now = (state.revision, state.viewers, state.screens)
        changed = now != self._sent or self._forecast_changed(state, wall)
        if not changed and not newcomers:
            return
        texts = StateTexts(state, wall)
        told = set(newcomers)
        if changed:
            self._sent = now
            self._forecast_at, self._forecast = wall, forecast_of(state, wall)
            public = self._public_changed(state, wall)
            told.update(c for c in self._clients.values() if c.greeted and (public or c.role in BACKSTAGE))
        for client in told:
            client.send_text(texts.text(client.person))

    def _forecast_changed(self, state: State, wall: float) -> bool:
        """Whether time alone has moved what is to come, since somebody or something is late."""
        if 0 <= wall - self._forecast_at < FORECAST_SECONDS:
            return False
        self._forecast_at = wall
        return forecast_of(state, wall) != self._forecast

    def _public_changed(self, state: State, wall: float) -> bool:
        """Whether viewers and screens would see a difference: most of what happens is backstage."""
        view = common_state(state, Role.VIEWER, wall)
        del view["revision"], view["now"]
        before, self._public = self._public, dump(view)
        return before != self._public

    def tell_health(self, health: dict[str, Any]) -> None:
        """Send the health to the producers, if there are any."""
        producers = [c for c in self._clients.values() if c.greeted and c.role == Role.PRODUCER]
        if not producers:
            return
        text = dump({"type": "health", **health, "clients": self._listed()})
        for client in producers:
            client.send_text(text)

    def by_http(self, role: str) -> int:
        """How many pages of this role play LL-HLS, as they report: a cache in front hides who asks for it."""
        return sum(each.role == role and each.stats.get("way") == "hls" for each in self._clients.values())

    def has_producers(self) -> bool:
        return any(client.greeted and client.role == Role.PRODUCER for client in self._clients.values())

    def _listed(self) -> list[dict[str, Any]]:
        greeted = [client for client in self._clients.values() if client.greeted]
        greeted.sort(key=lambda client: client.role == Role.VIEWER)
        return [_describe(client) for client in greeted[:MAX_LISTED]]


def _describe(client: Client) -> dict[str, Any]:
    rtt = client.stats.get("rtt_ms")
    return {
        "id": client.person.id if client.person else "",
        "name": client.person.name if client.person else "",
        "role": client.role,
        "page": client.page,
        "since": millis(client.since),
        "rtt_ms": rtt if not isinstance(rtt, str) else None,
        "stats": client.stats,
    }
