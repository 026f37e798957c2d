"""A flood of strangers' offers from one address does not take everybody's places."""

import contextlib
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcast.doorstep import Doorstep
from broadcast.errors import RequestError


@dataclass
class Guest:
    state: str = "new"


def enter(door: Doorstep, address: str | None, person: str = "") -> Guest:
    """A guest who is answered and stays. Raises RequestError."""
    with door.knock(address, person) as step:
        step.guest = guest = Guest()
    return guest


def full(door: Doorstep, address: str | None) -> bool:
    """Whether one more is refused; who is not goes away again."""
    try:
        with door.knock(address, ""):
            return False
    except RequestError:
        return True


def test_one_address_is_bounded_others_are_not() -> None:
    """The fourth from one address is refused until one of the three has connected or is gone."""
    door = Doorstep(3)
    guests = [enter(door, "192.0.2.1") for _ in range(3)]
    assert full(door, "192.0.2.1")
    assert not full(door, "192.0.2.2")
    assert not full(door, None)
    enter(door, "192.0.2.1", "thony")
    enter(door, "192.0.2.9", "thony")
    assert "192.0.2.9" not in door._steps
    guests[1].state = "connected"
    assert not full(door, "192.0.2.1")
    assert door.refused == 1
    enter(door, "192.0.2.1")
    with pytest.raises(RequestError) as caught:
        enter(door, "192.0.2.1")
    assert (caught.value.code, caught.value.status) == ("busy", 503)


def test_offers_that_are_not_answered_yet_count() -> None:
    """Those that knock at the same moment are counted before any of them is answered; who is refused goes."""
    door = Doorstep(2)
    with contextlib.ExitStack() as offers:
        for _ in range(2):
            offers.enter_context(door.knock("192.0.2.1", ""))
        assert full(door, "192.0.2.1")
    assert not full(door, "192.0.2.1")


def test_an_ipv6_household_is_one_address() -> None:
    """All of a /64 is one; an IPv4 address is the same in its IPv6 form; a zone does not matter."""
    door = Doorstep(1)
    for address in ("2001:db8:1:2:3::4", "::ffff:192.0.2.1", "fe80::1%eth0"):
        enter(door, address)
    assert full(door, "2001:db8:1:2::9")
    assert not full(door, "2001:db8:1:3::9")
    assert full(door, "192.0.2.1")
    assert full(door, "fe80::2%eth1")


@given(st.lists(st.tuples(st.integers(0, 40), st.booleans()), max_size=200))
def test_memory_is_bounded(arrivals: list[tuple[int, bool]]) -> None:
    """There are never many more addresses than those from which somebody waits."""
    door, waiting = Doorstep(2), set()
    for number, connects in arrivals:
        address = f"192.0.2.{number}"
        with contextlib.suppress(RequestError):
            guest = enter(door, address)
            if connects:
                guest.state = "connected"
            else:
                waiting.add(address)
    assert len(door._steps) <= max(4, len(waiting)) + 1
