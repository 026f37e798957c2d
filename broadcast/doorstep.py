"""(P) Strangers who were answered and have not shaken hands yet: a bounded number from one address.

Each of them takes one of the server's places until its handshake times out. Without a bound, whoever posts
offers faster than that locks the audience out. Real viewers stand here for a tenth of a second, so that a
hall full of people behind one address gets in all the same.
"""

import ipaddress
from typing import Protocol

from broadcast.errors import RequestError


class Guest(Protocol):
    """A peer; its `state` is "new" until it has shaken hands."""

    @property
    def state(self) -> str: ...


class Doorstep:
    """Overflow: `check` refuses. There are never more addresses than guests. `person` is who has a pass of
    their own: for them there is no bound."""

    def __init__(self, most: int) -> None:
        self.refused = 0
        self._most = most
        self._guests: dict[str, list[Guest]] = {}

    def check(self, address: str | None, person: str) -> None:
        """Raises RequestError (`busy`) while too many wait from there; counted in `refused`."""
        place = _place(address)
        waiting = [guest for guest in self._guests.get(place, ()) if guest.state == "new"]
        if waiting:
            self._guests[place] = waiting
        else:
            self._guests.pop(place, None)
        if len(waiting) >= self._most and not person:
            self.refused += 1
            raise RequestError("Too many at once from your network. Try again.", code="busy", status=503)

    def add(self, address: str | None, person: str, guest: Guest) -> None:
        """One more from there."""
        if not person:
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
