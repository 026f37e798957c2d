"""Which candidates browsers are told."""

import pytest

from broadcast.transport.addresses import bind, candidates

BOUND = [("0.0.0.0", 7000), ("::", 7001)]


def test_advertised_addresses_take_the_ports_bound() -> None:
    """An advertised address has the port of its family, unless it names one; the order stays."""
    told = candidates(BOUND, ["203.0.113.5", "203.0.113.6:9000", "2001:db8::1", "[2001:db8::2]:9001"])
    assert told == [
        ("203.0.113.5", 7000),
        ("203.0.113.6", 9000),
        ("2001:db8::1", 7001),
        ("2001:db8::2", 9001),
    ]


@pytest.mark.parametrize("wrong", ["example.org", "", "1.2.3.4:x", "[::1"])
def test_what_is_no_address_is_refused(wrong: str) -> None:
    """Names and other text raise ValueError: browsers want addresses."""
    with pytest.raises(ValueError):
        candidates(BOUND, [wrong])


def test_own_addresses_end_with_the_loopback() -> None:
    """Bound to every address, all of this machine's are told, the loopback last; else the bound one."""
    told = candidates([("0.0.0.0", 7000)], [])
    assert ("127.0.0.1", 7000) in told
    assert told[-1][0].startswith("127.")
    assert all(":" not in host for host, _ in told)
    assert candidates([("::1", 7001), ("192.0.2.9", 7000)], []) == [("192.0.2.9", 7000), ("::1", 7001)]


def test_both_families_share_a_number() -> None:
    """IPv4 and IPv6 can be bound to the same port number, on every address."""
    four = bind("0.0.0.0", 0, 1 << 20, 1 << 20)
    six = bind("::", four.getsockname()[1], 1 << 20, 1 << 20)
    four.close()
    six.close()
