"""What repeats itself is dealt with, and all else is left: both ears, with real sockets."""

import contextlib
import secrets
import select
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcast.rtp import rtcp
from broadcast.transport import compiled, kernel, stun
from broadcast.transport.ear import DATAGRAM, SRTCP_INDEX, TURN, Ear, Heard, PlainEar

LONGEST = 20 + 140 + 32  # bytes of a check that the compiled ear keeps
END = b"end"
PASSWORD = b"0123456789abcdef0123456789abcdef"
TAG = 10  # bytes that SRTCP adds, besides the index
REPORT = rtcp.ReceiverReport(7, (rtcp.ReportBlock(1, 0, 0, 0, 0, 0, 0),)).build() + bytes(TAG + SRTCP_INDEX)


@dataclass
class Room:
    """An ear, and a browser that speaks to it."""

    ear: Ear
    browser: socket.socket
    server: socket.socket

    @property
    def address(self) -> tuple[object, ...]:
        return tuple(self.browser.getsockname())

    def says(self, *datagrams: bytes, now: float = 1.0) -> list[Heard]:
        """What of these is left, when all have been heard."""
        heard = self.ear.stats()["rx_datagrams"] + len(datagrams)
        for datagram in datagrams:
            self.browser.send(datagram)
        left: list[Heard] = []
        while self.ear.stats()["rx_datagrams"] < heard:
            assert select.select([self.server], [], [], 10)[0], "a datagram was lost"
            turn = self.ear.hear(now)
            assert len(turn) <= TURN
            left += turn
        return left

    def says_at_once(self, *datagrams: tuple[socket.socket, bytes]) -> list[Heard]:
        """What of these is left in the turn in which all of them are heard: should the network be slow to
        deliver, they are said again."""
        for _ in range(100):
            heard = self.ear.stats()["rx_datagrams"] + len(datagrams)
            for sock, datagram in datagrams:
                sock.sendto(datagram, self.server.getsockname())
            left = self.ear.hear(1.0)
            if self.ear.stats()["rx_datagrams"] == heard:
                return list(left)
            while self.ear.stats()["rx_datagrams"] < heard:
                assert select.select([self.server], [], [], 10)[0], "a datagram was lost"
                self.ear.hear(1.0)
            self.answers()
        raise AssertionError("they never came together")

    def answers(self) -> list[bytes]:
        """What the browser has been told until now."""
        self.server.sendto(END, self.address)
        got = []
        while (datagram := self._next()) != END:
            got.append(datagram)
        return got

    def _next(self) -> bytes:
        assert select.select([self.browser], [], [], 10)[0], "an answer was lost"
        return self.browser.recv(DATAGRAM)


def open_room(core: bool, family: int = socket.AF_INET) -> Room:
    server, browser = socket.socket(family, socket.SOCK_DGRAM), socket.socket(family, socket.SOCK_DGRAM)
    for each in (server, browser):
        each.setblocking(False)
        each.bind(("127.0.0.1" if family == socket.AF_INET else "::1", 0))
    browser.connect(server.getsockname())
    ear = (
        compiled.CompiledEar(server)
        if core
        else PlainEar(server, lambda address, data: answer(server, address, data))
    )
    return Room(ear, browser, server)


def answer(server: socket.socket, address: tuple[object, ...], data: bytes) -> None:
    with contextlib.suppress(OSError):  # as an outlet does
        server.sendto(data, address)


CORES = [
    pytest.param(
        True, id="compiled", marks=pytest.mark.skipif(compiled.library() is None, reason="no core here")
    ),
    pytest.param(False, id="plain"),
]
FAMILIES = [pytest.param(socket.AF_INET, id="IPv4"), pytest.param(socket.AF_INET6, id="IPv6")]


@pytest.fixture(params=CORES)
def core(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture(params=FAMILIES)
def room(core: bool, request: pytest.FixtureRequest) -> Iterator[Room]:
    room = open_room(core, request.param)
    yield room
    room.browser.close()
    room.server.close()


def check(
    transaction: bytes = b"", *, nominate: bool = True, user: str = "abcd:wxyz", password: bytes = PASSWORD
) -> bytes:
    transaction = transaction or secrets.token_bytes(12)
    return stun.request(transaction, user, password, nominate=nominate, priority=7)


def test_strangers_and_news_are_left(room: Room) -> None:
    """Whatever nobody has spoken of comes out as it came in, with its sender, in order."""
    sent = [check(), b"", b"x", REPORT, secrets.token_bytes(1400), secrets.token_bytes(DATAGRAM)]
    assert room.says(*sent) == [(room.address, each) for each in sent]
    assert not room.answers()
    assert room.ear.answered(room.address) == 0.0
    stats = room.ear.stats()
    assert (stats["rx_datagrams"], stats["rx_bytes"]) == (len(sent), sum(map(len, sent)))


def test_more_than_a_turn(room: Room) -> None:
    """Of many datagrams the rest waits for the next turn, in order; of no datagram nothing comes."""
    many = [bytes([number]) for number in range(3 * TURN)]
    assert [data for _, data in room.says(*many)] == many
    assert not room.ear.hear(1.0)


def test_known_checks_are_answered(room: Room) -> None:
    """Each by its own transaction, with the sender's address, signed; and the ear knows when."""
    room.ear.learn(room.address, check(), PASSWORD)
    transactions = [secrets.token_bytes(12) for _ in range(3)]
    assert not room.says(*map(check, transactions), now=42.5)
    host, port = room.browser.getsockname()[:2]
    assert room.answers() == [stun.success(each, host, port, PASSWORD) for each in transactions]
    assert room.ear.answered(room.address) == 42.5
    assert room.ear.stats()["rx_checks_known"] == 3


@given(st.binary(min_size=12, max_size=12), st.text("abcdefgh", min_size=1, max_size=200), st.booleans())
@pytest.mark.parametrize("core", CORES)
def test_any_check_is_answered_as_stun_says(
    core: bool, transaction: bytes, user: str, nominate: bool
) -> None:
    """Byte for byte what `stun.success` makes, whatever the user, its length and the transaction. Only a
    check too long for the compiled ear is left."""
    room = open_room(core)
    password = user.encode()[:64]
    with room.browser, room.server:
        room.ear.learn(room.address, check(nominate=nominate, user=user, password=password), password)
        again = check(transaction, nominate=nominate, user=user, password=password)
        left = [data for _, data in room.says(again)]
        assert left == ([again] if core and len(again) > LONGEST else [])
        expected = stun.success(transaction, *room.browser.getsockname(), password)
        assert room.answers() == ([] if left else [expected])


def test_what_is_not_quite_the_same_is_left(room: Room) -> None:
    """Another flag, user or password, another length, or any bit turned over before the fingerprint."""
    room.ear.learn(room.address, check(), PASSWORD)
    good = check()
    others = [
        check(nominate=False),
        check(user="abce:wxyz"),
        check(password=b"another"),
        *(good[:size] for size in range(0, len(good), 3)),
        good + bytes(4),
    ]
    for bit in range(8 * (len(good) - 8)):
        altered = bytearray(good)
        altered[bit // 8] ^= 1 << bit % 8
        others.append(bytes(altered))
    assert [data for each in others for _, data in room.says(each)] == others
    assert not room.answers()


def test_behind_a_check_that_is_left_all_checks_are(room: Room) -> None:
    """In one turn, that is: who nominates last is to be acted on last. What is no check stays out of it."""
    room.ear.learn(room.address, check(), PASSWORD)
    room.ear.hush(room.address, TAG, 10.0)
    sent = check(), check(nominate=False), check(), REPORT
    left = room.says_at_once(*((room.browser, datagram) for datagram in sent))
    assert [data for _, data in left] == [sent[1], sent[2]]
    assert len(room.answers()) == 1
    left = room.says_at_once(*((room.browser, datagram) for datagram in (b"", b"\x04", check())))
    assert [data for _, data in left] == [b"", b"\x04"]
    assert len(room.answers()) == 1


def test_who_cannot_be_answered_takes_no_other_with_it(core: bool) -> None:
    """A check from port 0, where nothing can be sent: those that come with it are answered all the same."""
    room = open_room(core)
    with room.browser, room.server:
        try:
            raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
        except PermissionError:
            pytest.skip("only who may open raw sockets sends from port 0")
        room.ear.learn(room.address, check(), PASSWORD)
        room.ear.learn(("127.0.0.1", 0), check(), PASSWORD)
        odd = check()
        head = struct.pack("!4H", 0, room.server.getsockname()[1], 8 + len(odd), 0)
        with raw:
            assert not room.says_at_once(*[(raw, head + odd), (room.browser, check())] * 3)
        assert len(room.answers()) == 3


def test_what_is_forgotten_is_new(room: Room) -> None:
    """And what was never known can be forgotten as well."""
    room.ear.forget(room.address)
    room.ear.learn(room.address, check(), PASSWORD)
    room.ear.hush(room.address, TAG, 100.0)
    room.ear.forget(room.address)
    again = check()
    assert [data for _, data in room.says(again, REPORT)] == [again, REPORT]


def test_another_password_replaces_the_first(room: Room) -> None:
    """An address that is learnt anew keeps nothing of before."""
    room.ear.learn(room.address, check(), PASSWORD)
    room.ear.learn(room.address, check(password=b"another"), b"another")
    old, new = check(), check(password=b"another")
    assert not room.says(new)
    assert len(room.answers()) == 1
    assert [data for _, data in room.says(old)] == [old]


def test_a_check_without_its_signatures_at_the_end_is_never_known(room: Room) -> None:
    """One without fingerprint is read each time."""
    bare = check()[:-8]
    bare = bare[:2] + (len(bare) - 20).to_bytes(2, "big") + bare[4:]
    room.ear.learn(room.address, bare, PASSWORD)
    assert [data for _, data in room.says(bare)] == [bare]


def test_lone_reports_are_passed_over_until_then(room: Room) -> None:
    """What is longer, shorter, of another kind or later is left, and all of it from another address."""
    room.ear.hush(room.address, TAG, 10.0)
    longer, other_kind = REPORT + bytes(4), b"\xc1" + REPORT[1:]
    assert [data for _, data in room.says(other_kind, now=9.9)] == [other_kind]
    sender = REPORT[:1] + b"\xc8" + REPORT[2:]
    assert [data for _, data in room.says(REPORT, longer, REPORT[:-4], sender, REPORT[:3], now=9.9)] == [
        longer,
        REPORT[:-4],
        sender,
        REPORT[:3],
    ]
    assert room.ear.stats()["rx_reports_unread"] == 1
    short = b"\x80\xc9\0\0" + bytes(SRTCP_INDEX)
    room.ear.hush(room.address, 0, 10.0)
    assert not room.says(short, now=9.9)
    assert room.says(REPORT, now=10.0)
    with socket.socket(room.browser.family, socket.SOCK_DGRAM) as other:
        other.connect(room.server.getsockname())
        stranger = replace(room, browser=other)
        assert [data for _, data in stranger.says(REPORT, now=9.0)] == [REPORT]


@given(st.lists(st.binary(max_size=120), max_size=TURN))
@pytest.mark.parametrize("core", CORES)
def test_any_bytes_are_left_as_they_are(core: bool, datagrams: list[bytes]) -> None:
    """Noise from an address that is known is neither answered nor lost, unless it is a lone report."""
    room = open_room(core)
    with room.browser, room.server:
        room.ear.learn(room.address, check(), PASSWORD)
        assert [data for _, data in room.says(*datagrams)] == datagrams
        assert not room.answers()


def test_a_crowd_takes_nothing_from_who_is_known(core: bool) -> None:
    """More addresses than the compiled ear has room for: who was there first is known all the time, and who
    comes when the crowd has gone is known as well."""
    crowd = [(f"10.0.{host}.1", port) for host in range(100) for port in range(10000, 10100)]
    room, other = open_room(core), open_room(False)
    with room.browser, room.server, other.browser, other.server:
        room.ear.learn(room.address, check(), PASSWORD)
        for address in crowd:
            room.ear.learn(address, check(), PASSWORD)
            room.ear.hush(address, TAG, 10.0)
        assert not room.says(check())
        for address in crowd:
            room.ear.forget(address)
        other.browser.connect(room.server.getsockname())
        late = replace(room, browser=other.browser)
        room.ear.learn(late.address, check(), PASSWORD)
        assert not late.says(check())
        assert not room.says(check())


@given(st.integers(0, 0xFFFF), st.ip_addresses())
def test_addresses_come_back(port: int, host: IPv4Address | IPv6Address) -> None:
    """From Python's form to the kernel's and back."""
    family = socket.AF_INET6 if host.version == 6 else socket.AF_INET
    name = socket.inet_ntop(family, host.packed)
    address = (name, port, 0, 3) if host.version == 6 else (name, port)
    assert kernel.address(family, kernel.sockaddr(family, address)) == address
