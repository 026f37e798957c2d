"""Backstage: single feeds to producers, as they were encoded; only the packets' headers are our own.

After a loss between publisher and us the picture stands until the next whole keyframe, as in the programme;
a loss between us and the producer is answered from history.
"""

import secrets
import time
from collections import Counter
from collections.abc import Callable
from typing import Protocol

from broadcast.errors import MalformedError
from broadcast.outputs.limits import Bucket
from broadcast.rtp import rtcp
from broadcast.rtp.frame import Codec, Kind
from broadcast.rtp.history import History
from broadcast.rtp.packet import Packet, header
from broadcast.transport.peer import Peer
from broadcast.transport.port import Port
from broadcast.transport.sdp import Track, Watch

KEYFRAME_EVERY = 1.0  # seconds between two keyframes asked of the same feed for those who watch it
REPORT_EVERY = 1.0  # seconds between sender reports


class Source(Protocol):
    """What the relay needs of a feed."""

    id: str
    on_closed: list[Callable[[str], None]]

    def attach_packets(self, sink: Callable[[Kind, Packet], None]) -> Callable[[], None]: ...
    def codecs(self) -> tuple[Codec | None, Codec | None]: ...
    def captured(self, kind: Kind, timestamp: int) -> float | None: ...
    def request_keyframe(self) -> None: ...


class Relay:
    """Every feed that somebody watches has a `Channel`; it goes with its last peer, or with the feed."""

    def __init__(self, port: Port, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._port = port
        self._clock = clock
        self._channels: dict[Source, Channel] = {}
        self.counts: Counter[str] = Counter()

    def watch(self, offer: str, feed: Source) -> tuple[Peer, str]:
        """A WHEP session for one feed: the peer, and the SDP answer. When the feed closes, so does the
        peer ("feed_closed"). Raises OfferError as `Port.answer_watch` does."""
        channel = self._channels.get(feed) or Channel(self._port, feed, self._clock, self.counts)
        peer, answer = self._port.answer_watch(offer, channel.track)
        if feed not in self._channels:
            self._channels[feed] = channel
            channel.open(lambda reason: self._feed_closed(feed))
        peer.when_closed(lambda reason: self._left(feed, peer))
        peer.on_rtcp = lambda data, at: channel.feedback(peer, data)
        peer.on_connected = lambda: channel.join(peer)
        channel.expect(peer)
        return peer, answer

    def stats(self) -> dict[str, float]:
        """Counters and gauges for the metrics page."""
        peers = sum(len(channel.peers) for channel in self._channels.values())
        return {"feeds": len(self._channels), "peers": peers, **self.counts}

    def close(self) -> None:
        """Let go of every feed and peer."""
        for feed in tuple(self._channels):
            self._feed_closed(feed)

    def _left(self, feed: Source, peer: Peer) -> None:
        channel = self._channels.get(feed)
        if channel is not None and channel.leave(peer):
            del self._channels[feed]
            channel.close()

    def _feed_closed(self, feed: Source) -> None:
        channel = self._channels.pop(feed, None)
        if channel is not None:
            channel.close()
            for peer in tuple(channel.peers.values()):
                peer.close("feed_closed")


class _Line:
    """One kind of a channel: the feed's numbers shifted to our own."""

    def __init__(self, codec: Codec, ssrc: int) -> None:
        self.codec = codec
        self.ssrc = ssrc
        self.history: History[Packet] = History(1024)
        self.packets = 0
        self.octets = 0
        self._source: int | None = None
        self._sequence = secrets.randbelow(0x8000)
        self._timestamp = secrets.randbits(31)
        self._shift = (0, 0)
        self._last: tuple[int, int, float] | None = None  # newest timestamp: ours, the feed's; when it left

    def shift(self, packet: Packet, now: float) -> Packet:
        """The packet with our numbers. A publisher's new SSRC goes on where the old one ended."""
        if packet.ssrc != self._source:
            self._source = packet.ssrc
            stamp = self._timestamp
            if self._last is not None:
                stamp = self._last[0] + round((now - self._last[2]) * self.codec.clock_rate)
            self._shift = (self._sequence + 1 - packet.sequence, stamp - packet.timestamp)
        sequence = (packet.sequence + self._shift[0]) & 0xFFFF
        timestamp = (packet.timestamp + self._shift[1]) & 0xFFFFFFFF
        ours = Packet(0, packet.marker, sequence, timestamp, self.ssrc, packet.payload)
        if (sequence - self._sequence) & 0xFFFF < 0x8000:
            self._sequence = sequence
            self._last = (timestamp, packet.timestamp, now)
        self.history.put(sequence, ours)
        self.packets += 1
        self.octets += len(packet.payload)
        return ours

    def report(self, feed: Source, now: float, wall: float, cname: str) -> bytes:
        """A sender report, by the feed's own idea of when its newest packet was captured: so picture and
        sound agree as they do in the programme."""
        if self._last is None:
            return b""
        ours, theirs, sent = self._last
        captured = feed.captured(self.codec.kind, theirs)
        timestamp = ours + round((now - (sent if captured is None else captured)) * self.codec.clock_rate)
        report = rtcp.SenderReport(self.ssrc, rtcp.to_ntp(wall), timestamp, self.packets, self.octets)
        return report.build() + rtcp.SourceDescription(self.ssrc, cname).build()


class Channel:
    """One feed to those who watch it. `peers` holds also those that are not connected yet."""

    def __init__(self, port: Port, feed: Source, clock: Callable[[], float], counts: Counter[str]) -> None:
        self.peers: dict[str, Peer] = {}
        self._port = port
        self._feed = feed
        self._clock = clock
        self._counts = counts
        self._wall = time.time() - clock()
        self._detach: Callable[[], None] | None = None
        self._on_end: Callable[[str], None] | None = None
        self._requests = Bucket(1 / KEYFRAME_EVERY, 1)
        self._reported = 0.0
        video, audio = feed.codecs()
        self._lines = {
            kind: _Line(codec, secrets.randbelow(0xFFFFFFFF) + 1)
            for kind, codec in ((Kind.VIDEO, video), (Kind.AUDIO, audio))
            if codec is not None
        }
        self._live: dict[Kind, dict[int, list[Peer]]] = {kind: {} for kind in Kind}  # by payload type
        self.track = Watch(
            video=video,
            audio=audio,
            video_ssrc=self._ssrc(Kind.VIDEO),
            audio_ssrc=self._ssrc(Kind.AUDIO),
            cname=secrets.token_hex(8),
        )

    def open(self, on_end: Callable[[str], None]) -> None:
        """Begin to listen to the feed; `on_end` is told when it closes."""
        self._detach = self._feed.attach_packets(self._forward)
        self._on_end = on_end
        self._feed.on_closed.append(on_end)

    def close(self) -> None:
        """Stop listening."""
        if self._detach is not None:
            self._detach()
            self._detach = None
        if self._on_end in self._feed.on_closed:
            self._feed.on_closed.remove(self._on_end)

    def expect(self, peer: Peer) -> None:
        """This peer was answered."""
        self.peers[peer.id] = peer

    def join(self, peer: Peer) -> None:
        """This peer is connected: it gets everything from now on, and a keyframe soon."""
        for kind, track in _tracks(peer):
            if kind in self._lines:
                self._live[kind].setdefault(track.payload_type, []).append(peer)
        self._ask()

    def leave(self, peer: Peer) -> bool:
        """This peer is gone. Gives whether it was the last."""
        self.peers.pop(peer.id, None)
        for groups in self._live.values():
            for payload_type, peers in tuple(groups.items()):
                if peer in peers:
                    peers.remove(peer)
                if not peers:
                    del groups[payload_type]
        return not self.peers

    def feedback(self, peer: Peer, data: bytes) -> None:
        """RTCP of a peer: lost packets again, keyframes asked of the feed at most once a second."""
        try:
            reports = rtcp.parse(data)
        except MalformedError:
            self._counts["malformed"] += 1
            return
        for report in reports:
            if isinstance(report, rtcp.Nack):
                self._resend(peer, report)
            elif isinstance(report, rtcp.Pli | rtcp.Fir):
                self._ask()

    def _forward(self, kind: Kind, packet: Packet) -> None:
        groups, line = self._live[kind], self._lines.get(kind)
        if line is None:
            return
        now = self._clock()
        ours = line.shift(packet, now)
        for payload_type, peers in groups.items():
            self._port.burst(peers, (_bytes(ours, payload_type),))
        if now - self._reported >= REPORT_EVERY:
            self._reported = now
            self._report(now)

    def _resend(self, peer: Peer, nack: rtcp.Nack) -> None:
        for kind, track in _tracks(peer):
            line = self._lines.get(kind)
            if line is None or nack.media != line.ssrc:
                continue
            for sequence in nack.sequences:
                packet = line.history.get(sequence)
                if packet is not None:
                    self._counts["resent"] += 1
                    peer.send_rtp([_bytes(packet, track.payload_type)])

    def _ask(self) -> None:
        if self._requests.take(1, self._clock()):
            self._feed.request_keyframe()

    def _report(self, now: float) -> None:
        cname, wall = self.track.cname, now + self._wall
        data = b"".join(line.report(self._feed, now, wall, cname) for line in self._lines.values())
        for peer in self.peers.values():
            if peer.state == "connected" and data:
                peer.send_rtcp(data)

    def _ssrc(self, kind: Kind) -> int:
        line = self._lines.get(kind)
        return line.ssrc if line is not None else 0


def _tracks(peer: Peer) -> list[tuple[Kind, Track]]:
    pairs = ((Kind.VIDEO, peer.media.video), (Kind.AUDIO, peer.media.audio))
    return [(kind, track) for kind, track in pairs if track is not None]


def _bytes(packet: Packet, payload_type: int) -> bytes:
    head = header(payload_type, packet.sequence, packet.timestamp, packet.ssrc, marker=packet.marker)
    return head + packet.payload
