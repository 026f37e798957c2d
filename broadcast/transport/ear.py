"""The ear: what comes in on one socket, less what repeats itself.

Browsers say the same for hours: connectivity checks that differ in transaction and signature only, and
receiver reports of which a few are enough. An ear that has been told of them answers the first and passes
over the second, and gives the port the rest. With hundreds of viewers that is most of what they say, so there
is an ear in C (`ear.c`, compiled.py) beside the one here; the same tests run over both.

Only what the port has found authentic is learnt, so nothing grows by strangers. Bounds: TURN datagrams in one
turn; one habit an address, and the port's bound on addresses.
"""

import socket
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from broadcast.transport import stun
from broadcast.transport.lineup import Address

DATAGRAM = 2048  # bytes; longer ones are cut, and then are not authentic
TURN = 24  # datagrams read in one turn of the event loop: about 1 ms
FIRST_NOT_STUN = 4  # a datagram's first byte (RFC 7983)
RECEIVER_REPORT = 201  # RTCP's packet type (RFC 3550 section 12.1)
SRTCP_INDEX = 4  # bytes

Heard = tuple[Address, bytes]


class Ear(Protocol):
    """Of one socket. Times are monotonic seconds."""

    def hear(self, now: float) -> Sequence[Heard]:
        """Read what is there, up to TURN datagrams, and return what is not dealt with, in order. Once a check
        is among it, all checks that follow are: the order of what peers nominate counts."""

    def learn(self, address: Address, check: bytes, password: bytes) -> None:
        """Answer checks from there that are like this one, which was authentic; not if there is no room, or
        it does not end in HMAC and fingerprint, as all browsers' do."""

    def hush(self, address: Address, tag: int, until: float) -> None:
        """Pass over receiver reports from there that come alone, until then. `tag`: bytes of SRTCP's."""

    def forget(self, address: Address) -> None:
        """What comes from there is new again."""

    def answered(self, address: Address) -> float:
        """When a check from there was answered last, 0.0 if none was."""

    def stats(self) -> Counter[str]:
        """Counters since the start, by the port's names."""


def lone_report(datagram: bytes, tag: int) -> bool:
    """Whether an SRTCP datagram holds a receiver report and nothing else. Its first header is not encrypted
    (RFC 3711 section 3.4)."""
    size = 4 + 4 * int.from_bytes(datagram[2:4], "big")
    return (
        b"\x80" <= datagram[:1] < b"\xc0"
        and datagram[1:2] == bytes([RECEIVER_REPORT])
        and len(datagram) == size + tag + SRTCP_INDEX
    )


@dataclass(slots=True)
class _Known:
    """What is known of one address."""

    habit: stun.Habit | None = None
    password: bytes = b""
    answered: float = 0.0
    tag: int = 0
    quiet: float = 0.0


class PlainEar:
    """The ear in Python. `answer(address, datagram)` sends."""

    def __init__(self, sock: socket.socket, answer: Callable[[Address, bytes], None]) -> None:
        self._sock = sock
        self._answer = answer
        self._known: dict[Address, _Known] = {}
        self._counts: Counter[str] = Counter()

    def hear(self, now: float) -> Sequence[Heard]:
        rest: list[Heard] = []
        news = False  # a check is left
        for _ in range(TURN):
            try:
                datagram, address = self._sock.recvfrom(DATAGRAM)
            except BlockingIOError:
                break
            except OSError:  # an error reported by the network, such as a port that is closed
                self._counts["rx_errors"] += 1
                continue
            self._counts["rx_datagrams"] += 1
            self._counts["rx_bytes"] += len(datagram)
            check = len(datagram) > 0 and datagram[0] < FIRST_NOT_STUN
            if (check and news) or not self._dealt_with(address, datagram, now):
                rest.append((address, datagram))
                news = news or check
        return rest

    def learn(self, address: Address, check: bytes, password: bytes) -> None:
        known = self._known.setdefault(address, _Known())
        known.habit, known.password = stun.habit(check), password

    def hush(self, address: Address, tag: int, until: float) -> None:
        known = self._known.setdefault(address, _Known())
        known.tag, known.quiet = tag, until

    def forget(self, address: Address) -> None:
        self._known.pop(address, None)

    def answered(self, address: Address) -> float:
        known = self._known.get(address)
        return 0.0 if known is None else known.answered

    def stats(self) -> Counter[str]:
        return self._counts

    def _dealt_with(self, address: Address, datagram: bytes, now: float) -> bool:
        known = self._known.get(address)
        if known is None:
            return False
        if now < known.quiet and lone_report(datagram, known.tag):
            self._counts["rx_reports_unread"] += 1
            return True
        if known.habit is None:
            return False
        transaction = known.habit.again(datagram, known.password)
        if transaction is None:
            return False
        known.answered = now
        self._answer(address, stun.success(transaction, address[0], address[1], known.password))
        self._counts["rx_checks_known"] += 1
        return True
