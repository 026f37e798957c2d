"""(P) Strangers who were answered and have not shaken hands yet: a bounded number from one address.

Each of them takes one of the server's places until its handshake times out. Without a bound, whoever posts
offers faster than that locks the audience out. Real viewers stand here for a tenth of a second, so that a
hall full of people behind one address gets in all the same.
"""

import ipaddress
from typing import Protocol


class Guest(Protocol):
    """A peer; its `state` is "new" until it has shaken hands."""

    @property
    def state(self) -> str: ...


class Doorstep:
    """Overflow: `full` says so, and the caller refuses. There are never more addresses than guests."""

    def __init__(self, most: int) -> None:
        self.refused = 0
        self._most = most
        self._guests: dict[str, list[Guest]] = {}

    def full(self, address: str | None) -> bool:
        """Whether nobody more may wait from there; a yes is counted."""
        place = _place(address)
        waiting = [guest for guest in self._guests.get(place, ()) if guest.state == "new"]
        if waiting:
            self._guests[place] = waiting
        else:
            self._guests.pop(place, None)
        self.refused += len(waiting) >= self._most
        return len(waiting) >= self._most

    def add(self, address: str | None, guest: Guest) -> None:
        """One more from there."""
        self._guests.setdefault(_place(address), []).append(guest)
        if len(self._guests) > 2 * self._most:
            self.sweep()

    def sweep(self) -> None:
        """Forget the addresses from which nobody waits any more."""
        self._guests = {
            place: waiting
            for place, guests in self._guests.items()
            if (waiting := [guest for guest in guests if guest.state == "new"])
        }


def _place(address: str | None) -> str:
    """What counts as one address: of IPv6 the /64, because each household has that many."""
    try:
        found = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return address or ""
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.IPv6Network((int(found) >> 64 << 64, 64)))
    return str(found)
