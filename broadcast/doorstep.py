"""(P) Strangers who knocked and have not shaken hands yet: a bounded number from one address.

Each of them takes one of the server's places until its handshake times out. Without a bound, whoever posts
offers faster than that locks the audience out. Real viewers stand here for a tenth of a second, so that a
hall full of people behind one address gets in all the same.
"""

import contextlib
import ipaddress
from collections.abc import Iterator
from typing import Protocol

from broadcast.errors import RequestError


class Guest(Protocol):
    """A peer; its `state` is "new" until it has shaken hands."""

    @property
    def state(self) -> str: ...


class Step:
    """One place on the doorstep; `guest` is who stands there, as soon as the offer is answered."""

    def __init__(self) -> None:
        self.guest: Guest | None = None
        self.left = False  # the offer came to nothing

    @property
    def taken(self) -> bool:
        """Whether somebody waits here."""
        return not self.left if self.guest is None else self.guest.state == "new"


class Doorstep:
    """Overflow: refused. There are never many more addresses than guests. `person` is who has a pass of
    their own: for them there is no bound."""

    def __init__(self, most: int) -> None:
        self.refused = 0
        self._most = most
        self._steps: dict[str, list[Step]] = {}

    @contextlib.contextmanager
    def knock(self, address: str | None, person: str) -> Iterator[Step]:
        """A place for one more from there while their offer is answered, and for the guest after that.
        Raises RequestError (`busy`) while too many wait from there; counted in `refused`."""
        step = Step()
        if not person:
            self._place(_home(address), step)
        try:
            yield step
        finally:
            step.left = step.guest is None

    def _place(self, home: str, step: Step) -> None:
        waiting = [each for each in self._steps.get(home, ()) if each.taken]
        if len(waiting) >= self._most:
            self.refused += 1
            raise RequestError("Too many at once from your network. Try again.", code="busy", status=503)
        self._steps[home] = [*waiting, step]
        if len(self._steps) > 2 * self._most:
            self._sweep()

    def _sweep(self) -> None:
        """Forget the addresses from which nobody waits any more."""
        self._steps = {
            home: waiting
            for home, steps in self._steps.items()
            if (waiting := [step for step in steps if step.taken])
        }


def _home(address: str | None) -> str:
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
