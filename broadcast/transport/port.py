"""The port: one UDP socket (or one for IPv4 and one for IPv6) for every browser.

Datagrams are told apart by their first byte (RFC 7983). STUN finds its peer by the user name and must be
signed with that peer's password; everything else is taken only from addresses which such a check has
proved. So a stranger's flood costs a table look-up a datagram, and no state grows with it.

Bounds: `max_peers` sessions; MAX_PATHS paths a peer; ear.TURN datagrams before other work gets its turn.
Beyond: `busy` (503); the oldest path is forgotten; the kernel's buffer holds the rest and drops the newest.
"""

import asyncio
import errno
import logging
import secrets
import socket
import time
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from broadcast.errors import MalformedError, OfferError
from broadcast.rtp.frame import Kind
from broadcast.transport import stun
from broadcast.transport.addresses import bind, candidates
from broadcast.transport.burst import Outlet, Way
from broadcast.transport.compiled import CompiledEar
from broadcast.transport.dtls import Certificate
from broadcast.transport.ear import FIRST_NOT_STUN, Ear, PlainEar, lone_report
from broadcast.transport.lineup import LineUp, line_up
from broadcast.transport.offer import Description, parse
from broadcast.transport.peer import MAX_PATHS, Path, Peer
from broadcast.transport.sdp import Local, Negotiated, Watch, answer_publish, answer_watch

log = logging.getLogger(__name__)

RENEW_DAYS = 20  # a certificate with less than this left is not given to new peers
WORTH_A_LINE = 10  # dropped datagrams; a few come late after every goodbye
_NO_IPV6 = frozenset({errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL})
TICK = 1.0  # seconds between looks at who is silent


@dataclass(frozen=True)
class PortSettings:
    """Where to listen, what to tell browsers, and the limits."""

    bind: tuple[tuple[str, int], ...] = (("0.0.0.0", 7000), ("::", 7000))
    advertise: tuple[str, ...] = ()  # "address" or "address:port"; empty: every address of this machine
    max_peers: int = 2000
    handshake_timeout: float = 10.0  # seconds from the answer to connected
    silence_timeout: float = 15.0  # seconds without anything authentic; browsers check every 2 to 5
    rcvbuf: int = 4 * 1024 * 1024  # bytes
    sndbuf: int = 8 * 1024 * 1024  # bytes
    start_kbps: int = 2500  # where a publisher's video starts
    max_kbps: int = 4000  # and where it ends
    compiled: bool = True  # use the compiled core, if there is one


class Port:
    """Opened by `await Port.open(settings)`. Belongs to that event loop's thread."""

    def __init__(self, settings: PortSettings, sockets: Sequence[socket.socket]) -> None:
        self.loop = asyncio.get_running_loop()
        self.addresses: list[tuple[str, int]] = [sock.getsockname()[:2] for sock in sockets]
        self._settings = settings
        self._candidates = candidates(self.addresses, settings.advertise)
        self._certificate = Certificate.generateCertificate()
        self._counts: Counter[str] = Counter()
        self._told: Counter[str] = Counter()  # what the log knows already
        self._peers: dict[str, Peer] = {}  # by our ufrag
        self._paths: dict[Path, Peer] = {}  # proved by authentic checks
        self.moves = 0  # how often a peer's way changed: line-ups made before are out of date
        self._outlets = [
            (sock, Outlet(sock, self.loop, self._counts, core=settings.compiled)) for sock in sockets
        ]
        self._ears: dict[Outlet, Ear] = {
            outlet: CompiledEar(sock) if outlet.compiled else PlainEar(sock, outlet.send)
            for sock, outlet in self._outlets
        }
        for sock, outlet in self._outlets:
            self.loop.add_reader(sock, self._readable, outlet)
        self._timer = self.loop.call_later(TICK, self._tick)

    @classmethod
    async def open(cls, settings: PortSettings) -> "Port":
        """Bind and listen. Raises OSError if an address cannot be bound, ValueError if `advertise` has
        something else than addresses. A machine without IPv6 goes on without it."""
        sockets: list[socket.socket] = []
        try:
            for host, number in settings.bind:
                try:
                    sockets.append(bind(host, number, settings.rcvbuf, settings.sndbuf))
                except OSError as error:
                    if error.errno not in _NO_IPV6 or host != "::" or not sockets:
                        raise
                    log.warning("no IPv6 on this machine: %s", error)
            port = cls(settings, sockets)
        except (OSError, ValueError):
            for sock in sockets:
                sock.close()
            raise
        ways = ", ".join(each.manner for _, each in port._outlets)
        log.info("listening on UDP %s (sending by %s)", port.addresses, ways)
        return port

    async def close(self) -> None:
        """Say goodbye to every peer, and close the sockets. Idempotent."""
        for peer in list(self._peers.values()):
            peer.close("shutdown")
        self._timer.cancel()
        for sock, outlet in self._outlets:
            self.loop.remove_reader(sock)
            outlet.close()
            sock.close()
        self._outlets = []

    def answer_publish(self, offer: str, kinds: frozenset[Kind] = frozenset(Kind)) -> tuple[Peer, str]:
        """A WHIP session: the peer, and the SDP answer (recvonly), which takes only these kinds of media.

        Raises OfferError: `bad_offer`, `no_usable_codec` (406), `busy` (503).
        """
        description, local = parse(offer), self._local()
        media, answer = answer_publish(description, local, kinds)
        return self._admit(description, local, media), answer

    def answer_watch(self, offer: str, track: Watch) -> tuple[Peer, str]:
        """A WHEP session: the peer, and the SDP answer (sendonly). Raises as `answer_publish` does."""
        description, local = parse(offer), self._local()
        media, answer = answer_watch(description, local, track)
        return self._admit(description, local, media), answer

    def line_up(self, peers: Collection[Peer]) -> LineUp:
        """Those of `peers` that are connected, for any number of bursts until `moves` changes."""
        targets = [target for peer in peers if (target := peer.target) is not None]
        if len(targets) < len(peers):
            self._counts["tx_not_connected"] += len(peers) - len(targets)
        return line_up(targets)

    def burst(self, peers: LineUp | Collection[Peer], packets: Sequence[bytes]) -> None:
        """Plain RTP `packets` to every one of `peers` (those not connected get nothing). The same sequence
        may come several times, and must not have been changed then."""
        for part in peers if isinstance(peers, LineUp) else self.line_up(peers):
            if part.row.outlet is not None:
                part.row.outlet.burst(part, packets)

    def control(self, peers: Collection[Peer], packet: bytes) -> None:
        """A plain RTCP `packet`, the same to every one of `peers` (those not connected get nothing)."""
        for part in self.line_up(peers):
            if part.row.outlet is not None:
                part.row.outlet.control(part, packet)

    def stats(self) -> dict[str, float]:
        """Counters since the start (rx_*, tx_*, handshakes_*), and gauges: peers, connected, paths, backlog
        (bytes that wait for room in the kernel), gso, compiled and sealing (sockets that send by it)."""
        return {
            **self._totals(),
            "peers": len(self._peers),
            "connected": sum(peer.state == "connected" for peer in self._peers.values()),
            "paths": len(self._paths),
            "backlog": sum(outlet.waiting for _, outlet in self._outlets),
            "gso": sum(outlet.way is Way.GSO for _, outlet in self._outlets),
            "compiled": sum(outlet.compiled for _, outlet in self._outlets),
            "sealing": sum(outlet.sealing for _, outlet in self._outlets),
        }

    # What peers call.

    def forget(self, peer: Peer) -> None:
        """The peer has closed."""
        self._peers.pop(peer.ufrag, None)
        for path in peer.paths:
            self._paths.pop(path, None)
            self._unlearn(path)

    def answered(self, paths: Iterable[Path]) -> float:
        """When an ear answered the last check that came over these, 0.0 if none did."""
        return max((self._ears[outlet].answered(address) for outlet, address in paths), default=0.0)

    def moved(self) -> None:
        """A peer has another address, or other keys."""
        self.moves += 1

    def count(self, what: str, number: int = 1) -> None:
        self._counts[what] += number

    # Inside.

    def _local(self) -> Local:
        if len(self._peers) >= self._settings.max_peers:
            raise OfferError("The server is full. Try again in a while.", code="busy", status=503)
        if self._certificate.days_left() < RENEW_DAYS:
            self._certificate = Certificate.generateCertificate()
        return Local(
            ufrag=secrets.token_hex(8),
            password=secrets.token_hex(16),
            fingerprint=self._certificate.fingerprint,
            candidates=self._candidates,
            session=secrets.randbits(62),
            start_kbps=self._settings.start_kbps,
            max_kbps=self._settings.max_kbps,
        )

    def _admit(self, offer: Description, local: Local, media: Negotiated) -> Peer:
        peer = Peer(self, self._certificate, media, offer, local.ufrag, local.password, time.monotonic())
        self._peers[peer.ufrag] = peer
        return peer

    def _readable(self, outlet: Outlet) -> None:
        """One turn: what is there, up to a bound, all with the same arrival time."""
        now = time.monotonic()
        for address, datagram in self._ears[outlet].hear(now):
            self._datagram((outlet, address), datagram, now)

    def _datagram(self, path: Path, datagram: bytes, now: float) -> None:
        first = datagram[0] if len(datagram) >= 12 else 255  # nothing that we know is shorter
        if first < FIRST_NOT_STUN:
            self._stun(path, datagram, now)
            return
        peer = self._paths.get(path)
        if peer is None:
            self._counts["rx_unknown_address"] += 1
        elif 128 <= first < 192:
            if peer.receive_srtp(datagram, now) and peer.reports_every and peer.target is not None:
                self._hush(path, datagram, peer.target.tag, now + peer.reports_every)
        elif 20 <= first < 64:
            peer.receive_dtls(datagram)
        else:
            self._counts["rx_unknown_kind"] += 1

    def _stun(self, path: Path, datagram: bytes, now: float) -> None:
        """Answer a connectivity check, and take its path as proved (RFC 8445 section 7.3)."""
        try:
            binding = stun.parse(datagram)
        except MalformedError:
            self._counts["rx_stun_malformed"] += 1
            return
        if binding.kind != stun.REQUEST:  # an indication keeps a NAT open; we ask nothing, so answers are odd
            self._counts["rx_stun_other"] += 1
            return
        peer = self._peers.get(binding.username.partition(":")[0])
        if peer is None or binding.username != peer.username or not binding.authentic(peer.password):
            self._counts["rx_stun_stranger"] += 1
            return
        outlet, address = path
        if binding.controlled:
            outlet.send(address, stun.role_conflict(binding.transaction, peer.password))
        elif self._prove(peer, path):
            outlet.send(address, stun.success(binding.transaction, address[0], address[1], peer.password))
            self._checked(peer, path, binding.use_candidate, now)
            if path in peer.paths:  # it may have been closed meanwhile
                self._ears[outlet].learn(address, datagram, peer.password)
        else:
            self._counts["rx_stun_taken"] += 1

    def _checked(self, peer: Peer, path: Path, nominated: bool, now: float) -> None:
        """Tell the peer. When it moves, the ears no longer know its other paths, so that a check by which it
        moves back is not one like those before."""
        before = peer.path
        peer.checked(path, nominated, now)
        if peer.path != before:
            for each in peer.paths:
                self._unlearn(each)

    def _hush(self, path: Path, datagram: bytes, tag: int, until: float) -> None:
        """Of lone reports one has been read now, and none need be until then."""
        if lone_report(datagram, tag):
            outlet, address = path
            self._ears[outlet].hush(address, tag, until)

    def _unlearn(self, path: Path) -> None:
        outlet, address = path
        self._ears[outlet].forget(address)

    def _prove(self, peer: Peer, path: Path) -> bool:
        """Remember the path. False if it is another peer's: with credentials of one's own one must not be
        able to take over, by a forged source address, what goes to somebody else."""
        owner = self._paths.get(path)
        if owner is None:
            if len(peer.paths) >= MAX_PATHS:
                oldest = next(each for each in peer.paths if each != peer.path)
                del peer.paths[oldest], self._paths[oldest]
                self._unlearn(oldest)
            peer.paths[path] = None
            self._paths[path] = peer
        return owner in (None, peer)

    def _tick(self) -> None:
        self._timer = self.loop.call_later(TICK, self._tick)
        self.expire(time.monotonic())
        self._tell()

    def _totals(self) -> Counter[str]:
        """Our counters with those of the ears."""
        totals = Counter(self._counts)
        for ear in self._ears.values():
            totals.update(ear.stats())
        return totals

    def _tell(self) -> None:
        """Log what was dropped, if it is worth it."""
        totals = self._totals()
        dropped = {what: totals[what] - self._told[what] for what in _NEWS}
        if sum(dropped.values()) >= WORTH_A_LINE:
            self._told = totals
            log.info("x dropped since the last such line: %s", {what: n for what, n in dropped.items() if n})

    def expire(self, now: float) -> None:
        """Close the peers that are silent, or that have not finished their handshake, at `now`."""
        for peer in list(self._peers.values()):
            if peer.state == "new" and now - peer.created > self._settings.handshake_timeout:
                self._counts["handshakes_timed_out"] += 1
                peer.close("handshake_timeout")
            elif peer.silent(now, self._settings.silence_timeout):
                peer.close("silent")


# What the log tells, in at most one line a second.
_NEWS = frozenset(
    {
        "rx_errors",
        "rx_early",
        "rx_not_authentic",
        "rx_stun_malformed",
        "rx_stun_stranger",
        "rx_stun_taken",
        "rx_unknown_address",
        "rx_unknown_kind",
        "tx_overflow",
        "tx_protect_failed",
        "tx_refused",
    }
)
