"""One browser (or encoder): ICE credentials, the DTLS handshake, SRTP in and out.

A peer is fed by its port, in the receive turn, and calls back synchronously: no task, no queue. It ends
for one of these reasons: "left" (it said goodbye), "silent", "handshake_timeout", "handshake_failed",
or what the caller of `close` says ("closed", "replaced", "shutdown", ...).
"""

import asyncio
import logging
import secrets
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Literal, Protocol

from pylibsrtp import Error as SrtpError
from pylibsrtp import Session

from broadcast.transport.burst import Outlet
from broadcast.transport.dtls import Certificate, Dtls
from broadcast.transport.lineup import Address, Target
from broadcast.transport.offer import Description
from broadcast.transport.sdp import Negotiated, dtls_role
from broadcast.transport.seal import Seal

log = logging.getLogger(__name__)

MAX_PATHS = 8  # proved and remembered for one peer: more than any browser keeps open

Path = tuple[Outlet, Address]  # a socket of ours, an address of theirs


class Exchange(Protocol):
    """What a peer needs of its port."""

    loop: asyncio.AbstractEventLoop

    def burst(self, peers: Collection["Peer"], packets: Sequence[bytes]) -> None: ...
    def moved(self) -> None: ...
    def forget(self, peer: "Peer") -> None: ...
    def answered(self, paths: Iterable[Path]) -> float: ...
    def count(self, what: str, number: int = 1) -> None: ...


def nothing(*_: object) -> None:
    """The callback until somebody sets one."""


class Peer:
    """The far end of one WHIP or WHEP session.

    `media` is what was agreed. Set the callbacks right after the answer: `on_reached()` with its first
    authentic check, a handshake before `on_connected()`;
    `on_rtp(packet, arrival)` and `on_rtcp(packet, arrival)` with decrypted bytes and monotonic seconds.
    Whoever wants to know of the end says so with `when_closed`. `rtt` (seconds) is for those who read RTCP
    to set.
    """

    def __init__(
        self,
        exchange: Exchange,
        certificate: Certificate,
        media: Negotiated,
        offer: Description,
        ufrag: str,
        password: str,
        now: float,
    ) -> None:
        self.id = secrets.token_urlsafe(18)  # a secret: who knows it may end the session
        self.name = f"peer {ufrag[:6]}"  # for the log
        self.media = media
        self.state: Literal["new", "connected", "closed"] = "new"
        self.rtt: float | None = None
        self.reports_every = 0.0  # seconds: of lone receiver reports, no more are read than one in this time
        self.on_reached: Callable[[], None] = nothing
        self.on_connected: Callable[[], None] = nothing
        self.on_rtp: Callable[[bytes, float], None] = nothing
        self.on_rtcp: Callable[[bytes, float], None] = nothing
        self.ufrag = ufrag
        self.username = f"{ufrag}:{offer.transport.ufrag}"  # of every check that is meant for this peer
        self.password = password.encode("ascii")
        self.created = now
        self.paths: dict[Path, None] = {}  # proved by authentic checks, oldest first
        self.path: Path | None = None  # the one that we send on: nominated, or the first that was proved
        self.target: Target | None = None  # while connected: `path` with the keys
        self._exchange = exchange
        self._heard = now
        self._closed: list[Callable[[str], None]] = []  # who is to be told
        self._inbound: Session | None = None
        self._seal: Seal | None = None  # for all RTP that goes out, if there is one
        self._dtls: Dtls | None = Dtls(
            exchange.loop,
            certificate,
            dtls_role(offer),
            offer.transport.fingerprints,
            self._transmit,
            self._dtls_changed,
        )

    @property
    def heard(self) -> float:
        """When something authentic came last: a check, RTP or RTCP."""
        return max(self._heard, self._exchange.answered(self.paths))

    def silent(self, now: float, timeout: float) -> bool:
        """Whether nothing has been heard for so many seconds. Cheap while something is."""
        return now - self._heard > timeout and now - self.heard > timeout

    def send_rtp(self, packets: Sequence[bytes]) -> None:
        """Plain RTP packets to this peer alone; dropped unless connected. A packet that was sent before
        leaves byte for byte as then (an answer to a NACK), as long as its number is remembered (1024)."""
        self._exchange.burst((self,), packets)

    def send_rtcp(self, data: bytes) -> None:
        """A plain RTCP packet, compound or not; dropped unless connected."""
        if self.target is None or self.path is None:
            self._exchange.count("tx_not_connected")
            return
        try:
            protected = self.target.session.protect_rtcp(data)
        except (SrtpError, ValueError):
            self._exchange.count("tx_protect_failed")
            return
        outlet, address = self.path
        outlet.send(address, protected)

    def when_closed(self, callback: Callable[[str], None]) -> None:
        """Have `callback(reason)` called once when this peer ends, after those who asked earlier."""
        self._closed.append(callback)

    def close(self, reason: str = "closed") -> None:
        """Say goodbye, release everything, tell who asked with `when_closed`. Idempotent."""
        if self.state == "closed":
            return
        self.state = "closed"
        if self._dtls is not None:
            self._dtls.shut()
        self._exchange.forget(self)
        self._dtls = self._inbound = self._seal = self.target = self.path = None
        self.paths.clear()
        log.info("%s closed: %s", self.name, reason)
        self.on_reached = self.on_connected = self.on_rtp = self.on_rtcp = nothing
        told, self._closed = self._closed, []
        for callback in told:
            callback(reason)

    # What the port calls.

    def checked(self, path: Path, nominated: bool, now: float) -> None:
        """An authentic check came on `path`: the one to use if there is none, or if the peer says so."""
        self._heard = now
        if self.path is None or (nominated and path != self.path):
            self.path = path
            if self.state == "connected":
                self._aim()
        if self._dtls is not None and self._dtls.state == "new":
            self._dtls.begin()
            self.on_reached()

    def receive_dtls(self, datagram: bytes) -> None:
        """A DTLS datagram on a proved path."""
        if self._dtls is not None:
            self._dtls.receive(datagram)

    def receive_srtp(self, datagram: bytes, now: float) -> bool:
        """An SRTP or SRTCP datagram on a proved path (told apart as RFC 5761 says). False if it is none."""
        session = self._inbound
        if session is None:
            self._exchange.count("rx_early")
            return False
        rtcp = 192 <= datagram[1] <= 223
        try:
            packet = session.unprotect_rtcp(datagram) if rtcp else session.unprotect(datagram)
        except (SrtpError, ValueError):
            self._exchange.count("rx_not_authentic")
            return False
        self._heard = now
        if rtcp:
            self.on_rtcp(packet, now)
        else:
            self.on_rtp(packet, now)
        return True

    # Inside.

    def _transmit(self, datagram: bytes) -> None:
        if self.path is not None:
            outlet, address = self.path
            outlet.send(address, datagram)

    def _dtls_changed(self) -> None:
        assert self._dtls is not None  # it does not call once it is shut
        if self._dtls.state == "connected":
            self.state = "connected"
            assert self.path is not None  # DTLS came over it
            self._inbound = self._dtls.inbound
            self._seal = self._dtls.seal if self.path[0].sealing else None
            self._aim()
            log.info("%s connected", self.name)
            self.on_connected()
        elif self._dtls.state == "closed":
            self.close("left")
        else:
            log.info("%s x handshake failed: %s", self.name, self._dtls.failure)
            self._exchange.count("handshakes_failed")
            self.close("handshake_failed")

    def _aim(self) -> None:
        """Send media on the present path from now on."""
        assert self.path is not None  # DTLS came over it
        assert self._dtls is not None
        outlet, address = self.path
        self.target = Target(outlet.family, address, self._dtls.outbound, self._dtls.tag, outlet, self._seal)
        self._exchange.moved()
