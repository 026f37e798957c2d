"""A feed that a browser or an encoder publishes by WHIP: its packets in, frames and feedback out.

The shell around rtp/receiver.py: it owns the timer, writes RTCP, and reads the sender's. Bad input is
counted, logged at most once a second, and changes nothing.
"""

import asyncio
import base64
import binascii
import logging
import secrets
import time
from collections.abc import Callable

from broadcast.errors import MalformedError
from broadcast.feeds.feed import Feed
from broadcast.feeds.meter import FeedHealth
from broadcast.rtp import packet as rtp
from broadcast.rtp import rtcp
from broadcast.rtp.clock import FeedClock
from broadcast.rtp.feedback import Ceiling, KeyframeRequests
from broadcast.rtp.frame import Codec, Frame, Kind
from broadcast.rtp.receiver import ROUND_TRIP, Receiver
from broadcast.rtp.transport_cc import ArrivalLog
from broadcast.transport.peer import Peer
from broadcast.transport.sdp import Extension, Track

log = logging.getLogger("pavilion.whip")

ARRIVALS_EVERY = 0.05  # seconds between transport-cc messages: what Chromium's own receiver sends at most
REPORT_EVERY = 1.0  # seconds between receiver reports ...
REPORT_FIRST = 0.1  # ... and until the first, which carries the ceiling that 720p needs
MAX_BITRATE = 4_000_000  # bit/s, picture and sound of one feed
LEVEL_FALL = 0.5  # dB a packet by which the level shown falls after a peak


class WhipFeed(Feed):
    """Driven by `peer`; closes with it, and closes it. Make it in the event loop, right after the answer."""

    def __init__(
        self,
        id: str,
        peer: Peer,
        *,
        owner: str = "",
        kind: str = "camera",
        max_bitrate: int = MAX_BITRATE,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(id, owner=owner, kind=kind)
        self._peer = peer
        self._clock = clock
        self._wall = wall() - clock()
        self._ssrc = secrets.randbelow(0xFFFFFFFF) + 1  # names us in reports
        self._cname = secrets.token_hex(8)
        self._receivers: dict[int, Receiver] = {}  # by payload type
        self._tracks: dict[int, Track] = {}
        self._video: Receiver | None = None
        shared = FeedClock()
        for track in (peer.media.video, peer.media.audio):
            if track is None:
                continue
            receiver = Receiver(
                track.codec,
                shared,
                nack="nack" in track.feedback,
                parameter_sets=_parameter_sets(track),
            )
            self._receivers[track.payload_type] = receiver
            self._tracks[track.payload_type] = track
            if track.codec.kind is Kind.VIDEO:
                self._video = receiver
        self._keyframes = KeyframeRequests()
        self._fir = 0
        self._ceiling = Ceiling(max_bitrate)
        self._arrivals = ArrivalLog()
        self._arrivals_at = 0.0
        self._report_at: float | None = None
        self._level: float | None = None
        self._malformed = 0
        self._complained = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        peer.when_closed(self.close)
        peer.on_rtp = self._rtp
        peer.on_rtcp = self._rtcp

    @property
    def malformed(self) -> int:
        """Packets that no standard allows, so far."""
        return self._malformed + sum(receiver.malformed for receiver in self._receivers.values())

    def codecs(self) -> tuple[Codec | None, Codec | None]:
        media = self._peer.media
        return (
            media.video.codec if media.video else None,
            media.audio.codec if media.audio else None,
        )

    def request_keyframe(self) -> None:
        """Ask the publisher, at most as often as its line lets it answer; the next keyframe serves all."""
        if self.closed is None and self._peer.state == "connected":
            self._keyframes.want()
            self._ask(self._clock())

    def health(self, now: float) -> FeedHealth:
        loss = self._video.reception.loss if self._video else 0.0
        return self._meter.health(now, loss=loss, rtt=self._peer.rtt, level=self._level)

    def silence(self, now: float) -> float:
        return max(0.0, now - self._peer.heard)

    def close(self, reason: str = "closed") -> None:
        if self.closed is not None:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        super().close(reason)
        self._peer.close(reason)

    # -- packets in ----------------------------------------------------------------------------------------

    def _rtp(self, data: bytes, arrival: float) -> None:
        """A decrypted RTP packet, in the receive turn."""
        if self.closed is not None:
            return
        try:
            packet = rtp.parse(data)
            receiver = self._receivers.get(packet.payload_type)
            if receiver is None:
                return  # a payload type that was never agreed
            self._read_extensions(packet, self._tracks[packet.payload_type], arrival)
        except MalformedError as error:
            self._complain(error, arrival)
            return
        if self._report_at is None:
            self._report_at = arrival + REPORT_FIRST
        self._hand_on(receiver, receiver.packet(packet, arrival), arrival)
        due = receiver.due()
        if due is not None or self._timer is None:
            self._wake_at(arrival + ARRIVALS_EVERY if due is None else due)

    def _read_extensions(self, packet: rtp.Packet, track: Track, arrival: float) -> None:
        if not packet.profile:
            return
        found = packet.extensions()
        number = found.get(track.extensions.get(Extension.TRANSPORT_CC, 0))
        if number is not None and len(number) == 2:
            self._arrivals.received(number[0] << 8 | number[1], arrival)
        element = found.get(track.extensions.get(Extension.AUDIO_LEVEL, 0))
        level = None if element is None else rtp.audio_level(element)
        if level is not None:
            self._level = level if self._level is None else max(level, self._level - LEVEL_FALL)

    def _hand_on(self, receiver: Receiver, frames: list[Frame], now: float) -> None:
        for frame in frames:
            if frame.keyframe and receiver is self._video:
                self._keyframes.arrived()
            self.emit(frame, now)
        if receiver is self._video and receiver.spoilt():
            self._keyframes.want()
            self._ask(now)

    def _rtcp(self, data: bytes, arrival: float) -> None:
        """A decrypted RTCP packet, in the receive turn."""
        try:
            reports = rtcp.parse(data)
        except MalformedError as error:
            self._complain(error, arrival)
            return
        for report in reports:
            if isinstance(report, rtcp.SenderReport):
                for receiver in self._receivers.values():
                    if receiver.ssrc == report.ssrc:
                        receiver.report(report, arrival)
            elif isinstance(report, rtcp.RoundTrip) and report.receiver == self._ssrc:
                now = rtcp.middle(rtcp.to_ntp(arrival + self._wall))
                self._round_trip(rtcp.round_trip(now, report.last_report, report.delay))

    def _round_trip(self, seconds: float | None) -> None:
        if seconds is None:
            return
        self._peer.rtt = seconds
        for receiver in self._receivers.values():
            receiver.round_trip(seconds)

    # -- feedback out --------------------------------------------------------------------------------------

    def _wake_at(self, when: float) -> None:
        """Have `_wake` called at `when` (monotonic), or earlier if it already is to be."""
        if self._timer is not None:
            if self._timer_at <= when:
                return
            self._timer.cancel()
        self._timer_at = when
        delay = max(0.0, when - self._clock())
        self._timer = asyncio.get_running_loop().call_later(delay, self._wake)

    def _wake(self) -> None:
        self._timer = None
        now = self._clock()
        wake = now + ARRIVALS_EVERY
        for receiver in self._receivers.values():
            self._hand_on(receiver, receiver.poll(now), now)
            self._nack(receiver, now)
            due = receiver.due()
            wake = wake if due is None else min(wake, due)
        self._ask(now)
        if now - self._arrivals_at >= ARRIVALS_EVERY:
            self._arrivals_at = now
            message = self._arrivals.message(self._ssrc, self._media_ssrc())
            if message is not None:
                self._peer.send_rtcp(message)
        if self._report_at is not None and now >= self._report_at:
            self._report_at = now + REPORT_EVERY
            self._report(now)
        if self.closed is None:
            self._wake_at(wake)

    def _media_ssrc(self) -> int:
        return next((receiver.ssrc for receiver in self._receivers.values() if receiver.ssrc), 0)

    def _nack(self, receiver: Receiver, now: float) -> None:
        missing = receiver.missing(now)
        if missing and receiver.ssrc is not None:
            self._peer.send_rtcp(rtcp.Nack(self._ssrc, receiver.ssrc, tuple(missing)).build())

    def _ask(self, now: float) -> None:
        """Send a keyframe request if one is due."""
        receiver = self._video
        if receiver is None or receiver.ssrc is None:
            return
        if not self._keyframes.due(now, self._peer.rtt or ROUND_TRIP):
            return
        feedback = self._peer.media.video.feedback if self._peer.media.video else frozenset()
        if "nack pli" in feedback:
            self._peer.send_rtcp(rtcp.Pli(self._ssrc, receiver.ssrc).build())
        elif "ccm fir" in feedback:
            self._fir += 1
            self._peer.send_rtcp(rtcp.Fir(self._ssrc, ((receiver.ssrc, self._fir),)).build())

    def _report(self, now: float) -> None:
        """Receiver report, our clock for the round trip, and the ceiling for the sender's rate."""
        heard = [receiver for receiver in self._receivers.values() if receiver.ssrc is not None]
        blocks = tuple(receiver.reception.block(now) for receiver in heard)
        parts: list[rtcp.ReceiverReport | rtcp.SourceDescription | rtcp.ReferenceTime | rtcp.Remb] = [
            rtcp.ReceiverReport(self._ssrc, blocks),
            rtcp.SourceDescription(self._ssrc, self._cname),
            rtcp.ReferenceTime(self._ssrc, rtcp.to_ntp(now + self._wall)),
        ]
        video = self._peer.media.video
        if self._video is not None and video is not None and "goog-remb" in video.feedback:
            # A sender with transport-cc finds its own rate: for it the ceiling stays where it is.
            loss = 0.0 if Extension.TRANSPORT_CC in video.extensions else self._video.reception.loss
            rate = self._ceiling.update(loss, REPORT_EVERY)
            parts.append(rtcp.Remb(self._ssrc, rate, tuple(each.ssrc for each in heard if each.ssrc)))
        self._peer.send_rtcp(b"".join(part.build() for part in parts))

    def _complain(self, error: MalformedError, now: float) -> None:
        self._malformed += 1
        if now - self._complained >= 1.0:
            self._complained = now
            log.info("%s x malformed input (%d so far): %s", self.id, self._malformed, error)


def _parameter_sets(track: Track) -> list[bytes]:
    """SPS and PPS from the offer's sprop-parameter-sets (RFC 6184 section 8.1); unreadable ones are left."""
    found: list[bytes] = []
    for text in track.parameters.get("sprop-parameter-sets", "").split(","):
        try:
            unit = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            continue
        if unit and len(found) < 8:
            found.append(unit)
    return found
