"""DTLS-SRTP for one peer, driven by calls: the only file that knows aiortc (and its private names).

aiortc's own `RTCDtlsTransport.start` needs a task and a queue for each peer and never gives up. Here
its parts (certificate, profiles, fingerprint check, key export) are driven from the receive turn:
datagrams go in by `receive` and come out by `transmit`. What is left is one timer for repeats, which
`shut` cancels. aiortc is pinned exactly because of the names used here.
"""

import asyncio
import contextlib
import datetime
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Literal, cast

from aiortc import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters, RTCIceTransport
from aiortc.rtcdtlstransport import (
    SRTP_AEAD_AES_128_GCM,
    SRTP_PROFILES,
    RTCDtlsTransport,
    SRTPProtectionProfile,
    State,
)
from OpenSSL import SSL
from pylibsrtp import Session

from broadcast.transport.seal import Seal

DATAGRAM = 1500  # bytes; a flight of ours is under 800
HANDSHAKE = (b"\x14", b"\x16")  # first byte of a record: ChangeCipherSpec, Handshake
# A server takes the first that the client has, too: 128 bits are strong, and cost a quarter less than 256.
PROFILES = sorted(SRTP_PROFILES, key=lambda profile: profile is not SRTP_AEAD_AES_128_GCM)
RESEND_AFTER = 0.1  # seconds, doubled each time: OpenSSL alone would wait a whole second
RESEND_LIMIT = 1.6  # seconds; from there on OpenSSL's own timer is the faster one


class Certificate(RTCCertificate):
    """A self-signed certificate, good for 30 days, with one OpenSSL context for all its connections."""

    _context: SSL.Context | None = None

    @property
    def fingerprint(self) -> str:
        """SHA-256, as SDP writes it: `AB:CD:...`."""
        return next(each.value for each in self.getFingerprints() if each.algorithm == "sha-256")

    def days_left(self) -> float:
        return (self.expires - datetime.datetime.now(datetime.UTC)).total_seconds() / 86400

    def _create_ssl_context(self, srtp_profiles: list[SRTPProtectionProfile]) -> SSL.Context:
        if self._context is None:
            self._context = super()._create_ssl_context(srtp_profiles)
            self._context.set_session_cache_mode(SSL.SESS_CACHE_OFF)  # it would keep every peer that came
            self._context.set_mode(SSL.MODE_RELEASE_BUFFERS)  # of those who only listen
        return self._context


class Dtls(RTCDtlsTransport):
    """One end of a DTLS-SRTP association.

    `transmit(datagram)` sends to the other end. `on_change()` is called when `state` has become
    "connected" (then `inbound` and `outbound` are the SRTP sessions), "closed" (the other side said
    goodbye) or "failed". At first it is "new", from `begin` on "connecting".
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        certificate: Certificate,
        role: Literal["client", "server"],
        fingerprints: Sequence[tuple[str, str]],
        transmit: Callable[[bytes], None],
        on_change: Callable[[], None],
    ) -> None:
        # aiortc only keeps the ICE transport for methods that are not called here.
        super().__init__(cast(RTCIceTransport, None), [certificate])
        self._set_role(role)
        self._srtp_profiles = PROFILES
        self._clock = loop
        self._certificate = certificate
        self._remote = RTCDtlsParameters([RTCDtlsFingerprint(*each) for each in fingerprints], role="auto")
        self._transmit = transmit
        self._on_change = on_change
        self.failure = "no answer, or not the certificate that was promised"  # why, once it has failed
        self._flight: list[bytes] = []
        self._patience = RESEND_AFTER
        self._timer: asyncio.TimerHandle | None = None

    @property
    def inbound(self) -> Session:
        return self._rx_srtp

    @property
    def outbound(self) -> Session:
        return self._tx_srtp

    @property
    def tag(self) -> int:
        """Bytes that SRTP adds to a packet: 16 with AES-GCM, 10 with HMAC-SHA1-80."""
        assert self._ssl is not None  # since begin()
        return 16 if self._ssl.get_selected_srtp_profile().endswith(b"GCM") else 10

    @cached_property
    def seal(self) -> Seal | None:
        """Another session for RTP that goes out, with the keys of `outbound`; None if their kind is another.
        Use one of the two, and always the same. Only where `seal.available()`."""
        assert self._ssl is not None  # since begin()
        profile = SRTP_AEAD_AES_128_GCM
        if self._ssl.get_selected_srtp_profile() != profile.openssl_profile:
            return None
        size = 2 * (profile.key_length + profile.salt_length)
        keys = self._ssl.export_keying_material(b"EXTRACTOR-dtls_srtp", size)  # RFC 5764 section 4.2
        return Seal(profile.get_key_and_salt(keys, 1 if self._role == "server" else 0))

    def begin(self) -> None:
        """Start the handshake: the client's first flight leaves at once, the server waits for it."""
        assert self._state is State.NEW
        connection = SSL.Connection(self._certificate._create_ssl_context(self._srtp_profiles))
        self._ssl = connection
        if self._role == "server":
            connection.set_accept_state()
        else:
            connection.set_connect_state()
        self._state = State.CONNECTING
        self._advance()

    def receive(self, datagram: bytes) -> None:
        """Take a datagram in."""
        if self._state in (State.CONNECTING, State.CONNECTED):
            assert self._ssl is not None  # since begin()
            late = self._state is State.CONNECTED and self._role == "server" and datagram[:1] in HANDSHAKE
            self._ssl.bio_write(datagram)
            self._patience = RESEND_AFTER
            if (
                not self._advance() and late
            ):  # our last flight was lost, so they repeat theirs, which is a replay
                self._repeat_flight()

    def shut(self) -> None:
        """Say goodbye (close_notify), if there is anybody to say it to. `on_change` is not called again."""
        if self._ssl is not None and self._state is State.CONNECTED:
            with contextlib.suppress(SSL.Error):  # a connection in an odd state has no goodbye
                self._ssl.shutdown()
            self._flush()
        self._state = State.CLOSED
        self._schedule()

    def _advance(self) -> bool:
        """See how far the handshake comes with what has arrived, and what else came. True if that called
        for an answer."""
        assert self._ssl is not None
        before = self._state
        try:
            if self._state is State.CONNECTING:
                self._ssl.do_handshake()
                self._established()
            if self._state is State.CONNECTED:
                self._ssl.recv(DATAGRAM)  # there are no data channels: what comes is alerts and repeats
        except SSL.WantReadError:
            pass
        except SSL.ZeroReturnError:
            self._state = State.CLOSED
        except SSL.Error as error:
            if self._state is State.CONNECTING:
                self._state = State.FAILED
                self.failure = "; ".join(each[-1] for each in error.args[0]) if error.args else "closed"
        answered = self._flush()
        self._schedule()
        if self._state is not before:
            self._on_change()
        return answered

    def _schedule(self) -> None:
        """Set the timer for what is outstanding: OpenSSL's own, or the sooner one of the handshake."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._ssl is None or self._state not in (State.CONNECTING, State.CONNECTED):
            return
        timeout: float | None = self._ssl.DTLSv1_get_timeout()
        if self._state is State.CONNECTING and self._flight and self._patience < RESEND_LIMIT:
            timeout = self._patience if timeout is None else min(self._patience, timeout)
        if timeout is not None:
            self._timer = self._clock.call_later(timeout, self._repeat)

    def _repeat(self) -> None:
        """Send again what was not answered: what has arrived already is dropped there as a replay."""
        assert self._ssl is not None  # since begin()
        self._timer = None
        due = self._ssl.DTLSv1_get_timeout()
        if due is not None and due <= 0:
            try:
                self._ssl.DTLSv1_handle_timeout()
            except SSL.Error:  # too many in a row
                self._state = State.FAILED
            self._flush()
        elif self._state is State.CONNECTING:
            self._patience *= 2
            self._repeat_flight()
        self._schedule()
        if self._state is State.FAILED:
            self._on_change()

    def _repeat_flight(self) -> None:
        for datagram in self._flight:
            self._transmit(datagram)

    def _established(self) -> None:
        """The handshake is done: check whose certificate it was, and take the keys."""
        self._validate_peer_identity(self._remote)
        if self._state is not State.FAILED:
            self._setup_srtp()
        if self._state is not State.FAILED:
            self._state = State.CONNECTED

    def _flush(self) -> bool:
        """Transmit what OpenSSL has written; False if that is nothing."""
        assert self._ssl is not None
        flight = []
        while True:
            try:
                flight.append(self._ssl.bio_read(DATAGRAM))
            except SSL.Error:
                break
        if flight:
            self._flight = flight
            self._repeat_flight()
        return bool(flight)
