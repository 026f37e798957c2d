"""The handshake between two ends, in memory: on lines that lose, and with nobody there."""

import random
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest

from broadcast.rtp.packet import header
from broadcast.transport.dtls import RESEND_LIMIT, Certificate, Dtls
from broadcast.transport.seal import TAG
from tests.support import core


class Clock:
    """Timers of a simulated event loop: `fire` runs the next one."""

    def __init__(self) -> None:
        self.now = 0.0
        self._timers: list[tuple[float, int, Any]] = []
        self._number = 0

    def call_later(self, delay: float, callback: Callable[[], None]) -> Any:
        self._number += 1
        timer = (self.now + delay, self._number, callback)
        self._timers.append(timer)
        timers = self._timers

        class Handle:
            def cancel(self) -> None:
                if timer in timers:
                    timers.remove(timer)

        return Handle()

    @property
    def waiting(self) -> int:
        return len(self._timers)

    def fire(self) -> None:
        self._timers.sort(key=lambda each: each[:2])
        self.now, _, callback = self._timers.pop(0)
        callback()


class Line:
    """A client and a server, and a line between them that drops what `loses` says."""

    def __init__(self, certificate: Certificate, loses: Callable[[int], bool]) -> None:
        self.clock = Clock()
        self.changes: list[tuple[str, str]] = []
        self._queue: deque[tuple[Dtls, bytes]] = deque()
        self._sent = 0
        self._loses = loses
        prints = [("sha-256", certificate.fingerprint)]
        self.client = Dtls(
            self.clock,  # type: ignore[arg-type]
            certificate,
            "client",
            prints,
            lambda data: self._send(self.server, data),
            lambda: self.changes.append(("client", self.client.state)),
        )
        self.server = Dtls(
            self.clock,  # type: ignore[arg-type]
            certificate,
            "server",
            prints,
            lambda data: self._send(self.client, data),
            lambda: self.changes.append(("server", self.server.state)),
        )
        self.server.begin()
        self.client.begin()

    def _send(self, to: Dtls, data: bytes) -> None:
        self._sent += 1
        if not self._loses(self._sent):
            self._queue.append((to, data))

    def deliver(self) -> None:
        while self._queue:
            to, data = self._queue.popleft()
            to.receive(data)

    @property
    def up(self) -> bool:
        return self.client.state == self.server.state == "connected"


@pytest.fixture(scope="module")
def certificate() -> Certificate:
    return Certificate.generateCertificate()


def test_a_calm_line_needs_no_timer(certificate: Certificate) -> None:
    """Without loss the handshake is done in one go, both ends say so once, and no timer is left."""
    line = Line(certificate, lambda number: False)
    line.deliver()
    assert line.up
    assert sorted(line.changes) == [("client", "connected"), ("server", "connected")]
    assert line.clock.waiting == 0
    packet = bytes.fromhex("8060000100000000000000070102")
    assert line.server.inbound.unprotect(line.client.outbound.protect(packet)) == packet
    assert line.client.inbound.unprotect(line.server.outbound.protect(packet)) == packet
    assert len(line.client.outbound.protect(packet)) == len(packet) + line.client.tag


def test_what_is_sealed_is_for_the_other_end(certificate: Certificate) -> None:
    """Two ends agree on AES-128-GCM, and each can read what the other seals, over a roll-over too."""
    core.need_seal()
    line = Line(certificate, lambda number: False)
    line.deliver()
    for one, other in ((line.client, line.server), (line.server, line.client)):
        assert one.tag == TAG
        own = one.seal
        assert own is not None
        for number in (1, 2, 0x7FFF, 0xFFFE, 0x1_0001):
            packet = header(96, number, 0, 7) + b"sound"
            assert other.inbound.unprotect(own.protect(packet)) == packet
            assert own.protect(packet) == one.outbound.protect(packet)


@pytest.mark.parametrize("first", [1, 2, 3, 4])
def test_a_lost_flight_comes_again_soon(certificate: Certificate, first: int) -> None:
    """Whichever flight is lost, it is sent again after a tenth of a second, not OpenSSL's whole one."""
    line = Line(certificate, lambda number: number == first)
    line.deliver()
    while not line.up:
        line.clock.fire()
        line.deliver()
    assert line.clock.now <= 0.3


@pytest.mark.parametrize("seed", range(20))
def test_a_bad_line_does_not_stop_the_handshake(certificate: Certificate, seed: int) -> None:
    """With every fourth datagram lost at random in the first ten, the handshake comes through within the
    quick repeats."""
    chance = random.Random(seed)
    line = Line(certificate, lambda number: number <= 10 and chance.random() < 0.25)
    line.deliver()
    for _ in range(12):
        if line.up:
            break
        line.clock.fire()
        line.deliver()
    assert line.up


def test_with_nobody_there_it_repeats_ever_more_slowly(certificate: Certificate) -> None:
    """Unanswered, the quick repeats stop; `shut` leaves no timer."""
    line = Line(certificate, lambda number: True)
    for _ in range(4):
        line.clock.fire()
    assert line.clock.now <= 2 * RESEND_LIMIT
    line.client.shut()
    line.server.shut()
    assert line.clock.waiting == 0
    assert line.changes == []


def test_repeats_are_not_answered_with_repeats(certificate: Certificate) -> None:
    """Both last flights arriving again after the handshake do not set off an endless exchange."""
    line = Line(certificate, lambda number: False)
    line.deliver()
    for datagram in line.client._flight:
        line.server.receive(datagram)
    for datagram in line.server._flight:
        line.client.receive(datagram)
    line.deliver()
    assert line.up
    assert line._sent < 12


def test_goodbye_is_heard(certificate: Certificate) -> None:
    """`shut` on one end is "closed" on the other, once; the one that shut hears nothing more."""
    line = Line(certificate, lambda number: False)
    line.deliver()
    line.changes.clear()
    line.client.shut()
    line.deliver()
    line.server.shut()
    line.deliver()
    assert line.changes == [("server", "closed")]


def test_garbage_after_the_handshake_changes_nothing(certificate: Certificate) -> None:
    """Once connected, no bytes from a stranger end the association."""
    line = Line(certificate, lambda number: False)
    line.deliver()
    chance = random.Random(1)
    for size in range(200):
        line.server.receive(bytes([chance.randrange(20, 64)]) + chance.randbytes(size))
        line.server.receive(bytes.fromhex("15fefd000000000000000000020200")[: size + 1])  # a forged alert
    assert line.server.state == "connected"
