"""One session's transport from the browser's side: full ICE (controlling), DTLS and SRTP over its own socket.

    agent = Agent()
    offer = offers.publish(agent, ...)           # text for the server
    await agent.connect(answer)                  # checks, nominates, shakes hands
    agent.send_rtp(packets); agent.on_rtp = ...  # plain packets both ways
    agent.close()                                # says goodbye

Everything happens in the event loop's thread; there is no task, only timers, which `close` cancels.
"""

import asyncio
import contextlib
import secrets
import socket
import time
from collections.abc import Callable, Sequence

from pylibsrtp import Error as SrtpError

from broadcast.errors import MalformedError, OfferError, RequestError
from broadcast.transport import stun
from broadcast.transport.dtls import Certificate, Dtls
from broadcast.transport.lineup import Address
from broadcast.transport.offer import Description, parse
from broadcast.transport.sdp import dtls_role

CHECK_AT_FIRST = 0.05  # seconds between checks until one is answered
CHECK_LATER = 2.5  # seconds; the server takes fifteen without any for a farewell
SILENCE = 15.0  # seconds without an answer until we call it off
TURN = 64  # datagrams read in one turn of the event loop
DATAGRAM = 2048  # bytes
PRIORITY = (110 << 24) + (65535 << 8) + 255  # of a peer-reflexive candidate (RFC 8445 section 5.1.2.1)


def nothing(*_: object) -> None:
    """The callback until somebody sets one."""


class Agent:
    """The controlling end. `on_rtp(packet, arrival)` and `on_rtcp(packet, arrival)` get decrypted bytes
    and monotonic seconds; `on_closed(reason)` is called once: "left" (the server said goodbye),
    "silent", "failed" (the handshake), or what `close` was given.

    With `decrypt=False` RTP is handed on as it came: its header is readable, and hundreds of viewers in
    one process cost half. `certificate` may be shared by any number of agents.
    """

    def __init__(self, *, certificate: Certificate | None = None, decrypt: bool = True) -> None:
        self.certificate = certificate or Certificate.generateCertificate()
        self.ufrag = secrets.token_hex(4)
        self.password = secrets.token_hex(16)
        self._tie_breaker = secrets.token_bytes(8)
        self.on_rtp: Callable[[bytes, float], None] = nothing
        self.on_rtcp: Callable[[bytes, float], None] = nothing
        self.on_closed: Callable[[str], None] = nothing
        self.rtt: float | None = None  # seconds, from the last answered check
        self.received = 0  # datagrams of RTP and RTCP
        self.closed: str | None = None
        self._decrypt = decrypt
        self._loop = asyncio.get_running_loop()
        self._sockets: dict[int, socket.socket] = {}  # by address family
        self._remote: Address | None = None  # once a check was answered
        self._sock: socket.socket | None = None  # the one that reaches it
        self._candidates: list[tuple[int, Address]] = []
        self._username = ""
        self._secret = b""
        self._asked: dict[bytes, float] = {}  # transactions in flight: when
        self._answered = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._dtls: Dtls | None = None
        self._settled = asyncio.Event()  # connected, or closed

    @property
    def local_address(self) -> Address | None:
        """Our end of the nominated path."""
        return self._sock.getsockname() if self._sock else None

    async def connect(self, answer: str, patience: float = 10.0) -> Description:
        """Reach the server that gave this SDP answer; returns the answer read.

        Raises OfferError if the answer cannot be used, RequestError (`unreachable`) if nothing answers in
        `patience` seconds or the handshake fails. Either way the agent is closed then.
        """
        try:
            description = parse(answer)
            self._begin(description)
            async with asyncio.timeout(patience):
                await self._settled.wait()
        except TimeoutError:
            self.close("timeout")
        except BaseException:
            self.close("failed")
            raise
        if self.closed is not None:
            raise RequestError(f"No connection over UDP: {self.closed}.", code="unreachable", status=504)
        return description

    def send_rtp(self, packets: Sequence[bytes]) -> None:
        """Plain RTP packets; dropped unless connected."""
        if self._dtls is not None and self._dtls.state == "connected":
            for packet in packets:
                self._send(self._dtls.outbound.protect(packet))

    def send_rtcp(self, data: bytes) -> None:
        """A plain RTCP packet; dropped unless connected."""
        if self._dtls is not None and self._dtls.state == "connected":
            self._send(self._dtls.outbound.protect_rtcp(data))

    def close(self, reason: str = "closed") -> None:
        """Say goodbye and release everything. Idempotent."""
        if self.closed is not None:
            return
        self.closed = reason
        if self._timer is not None:
            self._timer.cancel()
        if self._dtls is not None:
            self._dtls.shut()
            self._dtls = None
        for sock in self._sockets.values():
            self._loop.remove_reader(sock)
            sock.close()
        self._sockets.clear()
        self._sock = None
        self._settled.set()
        on_closed = self.on_closed
        self.on_rtp = self.on_rtcp = self.on_closed = nothing
        on_closed(reason)

    def hand_over(self) -> socket.socket:
        """The connected socket, for somebody else to read from now on: RTP is theirs, all else goes to
        `receive`. Checks go on, and `close` closes it."""
        assert self._sock is not None  # connected
        assert self._remote is not None
        self._loop.remove_reader(self._sock)
        self._sock.connect(self._remote)
        return self._sock

    def receive(self, data: bytes, now: float) -> None:
        """A datagram that somebody else has read: STUN, DTLS or RTCP."""
        if self._sock is None or self._remote is None or len(data) < 12:
            return
        if data[0] < 4:
            self._answer(self._sock, data, self._remote, now)
        else:
            self._secured(data, now)

    def move(self) -> None:
        """Go on from a new local port, as a phone does that changes networks."""
        assert self._sock is not None  # connected
        family = self._sock.family
        self._loop.remove_reader(self._sock)
        self._sock.close()
        self._sock = self._open(family)
        if self._timer is not None:
            self._timer.cancel()
        self._check()

    def _begin(self, description: Description) -> None:
        transport = description.transport
        if not transport.ufrag or not transport.password or not transport.fingerprints:
            raise OfferError("The answer has no ICE or DTLS attributes.")
        self._username = f"{transport.ufrag}:{self.ufrag}"
        self._secret = transport.password.encode()
        for host, port in transport.candidates:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            with contextlib.suppress(OSError):  # no IPv6 here: the other candidates will do
                if family not in self._sockets:
                    self._open(family)
                address: Address = (host, port, 0, 0) if family == socket.AF_INET6 else (host, port)
                self._candidates.append((family, address))
        self._dtls = Dtls(
            self._loop,
            self.certificate,
            dtls_role(description),
            transport.fingerprints,
            self._send,
            self._dtls_changed,
        )
        self._answered = time.monotonic()
        self._check()

    def _open(self, family: int) -> socket.socket:
        sock = socket.socket(family, socket.SOCK_DGRAM)
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        sock.bind(("::" if family == socket.AF_INET6 else "0.0.0.0", 0))
        self._sockets[family] = sock
        self._loop.add_reader(sock, self._readable, sock)
        return sock

    def _check(self) -> None:
        """Ask on every path until one answers, then nominate that one and keep it alive."""
        now = time.monotonic()
        if now - self._answered > SILENCE:
            self.close("silent")
            return
        targets = self._candidates
        if self._remote is not None and self._sock is not None:
            targets = [(self._sock.family, self._remote)]
        for family, address in targets:
            transaction = secrets.token_bytes(12)
            if len(self._asked) >= 64:
                del self._asked[next(iter(self._asked))]
            self._asked[transaction] = now
            message = stun.request(
                transaction,
                self._username,
                self._secret,
                nominate=self._remote is not None,
                priority=PRIORITY,
                tie_breaker=self._tie_breaker,
            )
            with contextlib.suppress(OSError):  # no route to this candidate
                self._sockets[family].sendto(message, address)
        self._timer = self._loop.call_later(
            CHECK_AT_FIRST if self._remote is None else CHECK_LATER, self._check
        )

    def _readable(self, sock: socket.socket) -> None:
        now = time.monotonic()
        for _ in range(TURN):
            try:
                data, address = sock.recvfrom(DATAGRAM)
            except OSError:
                return
            if len(data) < 12:
                continue
            if data[0] < 4:
                self._answer(sock, data, address, now)
            elif address == self._remote and self._dtls is not None:
                self._secured(data, now)
            if self.closed:
                return

    def _answer(self, sock: socket.socket, data: bytes, address: Address, now: float) -> None:
        try:
            binding = stun.parse(data)
        except MalformedError:
            return
        if binding.kind == stun.REQUEST:
            self._be_checked(sock, binding, address)
            return
        asked = self._asked.pop(binding.transaction, None)
        if binding.kind != stun.SUCCESS or asked is None or not binding.authentic(self._secret):
            return
        self.rtt = now - asked
        self._answered = now
        if self._remote is None:
            self._remote, self._sock = address, sock
            if self._timer is not None:
                self._timer.cancel()
            self._check()  # nominates
            assert self._dtls is not None  # since _begin()
            self._dtls.begin()

    def _be_checked(self, sock: socket.socket, binding: stun.Binding, address: Address) -> None:
        """Answer a check of a server that is no ICE-lite one."""
        secret = self.password.encode()
        if binding.username.partition(":")[0] == self.ufrag and binding.authentic(secret):
            with contextlib.suppress(OSError):
                sock.sendto(stun.success(binding.transaction, address[0], address[1], secret), address)

    def _secured(self, data: bytes, now: float) -> None:
        assert self._dtls is not None
        if 20 <= data[0] < 64:
            self._dtls.receive(data)
        elif 128 <= data[0] < 192 and self._dtls.state == "connected":
            self.received += 1
            session = self._dtls.inbound
            try:
                if 192 <= data[1] <= 223:
                    self.on_rtcp(session.unprotect_rtcp(data), now)
                else:
                    self.on_rtp(session.unprotect(data) if self._decrypt else data, now)
            except SrtpError:
                return  # a replay, or not for us

    def _send(self, datagram: bytes) -> None:
        if self._sock is not None and self._remote is not None:
            with contextlib.suppress(OSError):  # full, or gone: RTP repairs itself
                self._sock.sendto(datagram, self._remote)

    def _dtls_changed(self) -> None:
        assert self._dtls is not None  # it does not call once it is shut
        if self._dtls.state == "connected":
            self._settled.set()
        else:
            self.close("left" if self._dtls.state == "closed" else "failed")
