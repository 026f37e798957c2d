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


def full(step: Doorstep, address: str | None, person: str = "") -> bool:
    before = step.refused
    with contextlib.suppress(RequestError):
        step.check(address, person)
    return step.refused > before


def test_one_address_is_bounded_others_are_not() -> None:
    """The fourth from one address is refused until one of the three has connected or is gone."""
    step, guests = Doorstep(3), [Guest() for _ in range(3)]
    for guest in guests:
        assert not full(step, "192.0.2.1")
        step.add("192.0.2.1", "", guest)
    assert full(step, "192.0.2.1")
    assert not full(step, "192.0.2.2")
    assert not full(step, None)
    assert not full(step, "192.0.2.1", "thony")
    step.add("192.0.2.9", "thony", Guest())
    assert "192.0.2.9" not in step._guests
    guests[1].state = "connected"
    assert not full(step, "192.0.2.1")
    assert step.refused == 1
    step.add("192.0.2.1", "", Guest())
    with pytest.raises(RequestError) as caught:
        step.check("192.0.2.1", "")
    assert (caught.value.code, caught.value.status) == ("busy", 503)


def test_an_ipv6_household_is_one_address() -> None:
    """All of a /64 is one; an IPv4 address is the same in its IPv6 form; a zone does not matter."""
    step = Doorstep(1)
    step.add("2001:db8:1:2:3::4", "", Guest())
    step.add("::ffff:192.0.2.1", "", Guest())
    step.add("fe80::1%eth0", "", Guest())
    assert full(step, "2001:db8:1:2::9")
    assert not full(step, "2001:db8:1:3::9")
    assert full(step, "192.0.2.1")
    assert full(step, "fe80::2%eth1")


@given(st.lists(st.tuples(st.integers(0, 40), st.booleans()), max_size=200))
def test_memory_is_bounded(arrivals: list[tuple[int, bool]]) -> None:
    """There are never many more addresses than those from which somebody waits."""
    step, waiting = Doorstep(2), set()
    for number, connects in arrivals:
        address = f"192.0.2.{number}"
        if not full(step, address):
            guest = Guest("connected" if connects else "new")
            step.add(address, "", guest)
            if not connects:
                waiting.add(address)
    assert len(step._guests) <= max(4, len(waiting)) + 1
