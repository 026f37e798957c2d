"""The programme to many peers: one SSRC for each kind, one numbering, from the first second to the last.

Nothing that a viewer sends goes further than the mixer: lost packets are answered from history, and keyframe
requests become at most one a second. A joiner has sound at once, and a picture from a keyframe forced for
it, or, when the limiter does not allow one, from the newest keyframe replayed.
"""

import asyncio
import logging
import secrets
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence

from broadcast.errors import MalformedError
from broadcast.outputs.limits import Bucket, KeyframeLimiter
from broadcast.outputs.pump import Pump
from broadcast.outputs.stream import Face, Stream
from broadcast.outputs.viewer import Group, Viewer, face
from broadcast.rtp import rtcp
from broadcast.rtp.frame import Codec, Frame, Kind
from broadcast.rtp.packet import sequence_delta
from broadcast.transport.peer import Peer
from broadcast.transport.port import Port
from broadcast.transport.sdp import Watch

log = logging.getLogger("pavilion.fanout")

REPORT_EVERY = 2.5  # seconds between two sender reports to the same peer: all is sent by one clock
READ_EVERY = 5.0  # seconds between two receiver reports of a viewer that are read: they only inform
REPORTS = 16  # sender reports that leave together
REPLAY_AGE = 0.3  # seconds: a keyframe younger than this is replayed although a new one might be forced
RESEND_SPAN = 768  # packets back from the newest: libsrtp refuses older ones, and no player waits for them


def _nobody() -> None:
    """Stands for the mixer until app.py sets it."""


class Fanout:
    """`track` is what `Port.answer_watch` needs for a viewer. `playout_delay` (least, most; seconds) is asked
    of players that know the extension; `clock` and `wall` are the monotonic and the Unix time."""

    def __init__(
        self,
        port: Port,
        *,
        playout_delay: tuple[float, float] | None = None,
        keyframe_interval: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        defer: Callable[[Callable[[], None]], object] | None = None,
    ) -> None:
        self.on_keyframe_needed: Callable[[], None] = _nobody
        self._port = port
        self._delay = playout_delay
        self._clock = clock
        self._wall = wall() - clock()  # once, so that a clock that is set does not bend the reports
        self._streams = {
            Kind.VIDEO: _stream(Codec.H264),
            Kind.AUDIO: _stream(Codec.OPUS),
        }
        self.track = Watch(
            video=Codec.H264,
            audio=Codec.OPUS,
            video_ssrc=self._streams[Kind.VIDEO].ssrc,
            audio_ssrc=self._streams[Kind.AUDIO].ssrc,
            cname=secrets.token_hex(8),
        )
        later = defer or (lambda call: asyncio.get_running_loop().call_soon(call))
        self._pumps = {kind: Pump(port.burst, later) for kind in Kind}
        self._groups: dict[Kind, dict[Face, Group]] = {kind: {} for kind in Kind}
        self._viewers: dict[str, Viewer] = {}
        self._limiter = KeyframeLimiter(keyframe_interval)
        self._skipping = False  # video, until the next keyframe, because the machine did not keep up
        self._counts: Counter[str] = Counter()
        self._complaints = Bucket(1, 1)
        self._round: list[Viewer] = []  # who is still to get a sender report in this round
        self._quota = 0.0
        self._reported_at: float | None = None

    def add_viewer(self, peer: Peer, kinds: Collection[Kind] = frozenset(Kind)) -> None:
        """A peer answered with `track` gets the programme as soon as it is connected, until it closes; only
        its picture or its sound, if `kinds` says so."""
        viewer = Viewer(peer, kinds)
        peer.reports_every = READ_EVERY
        self._viewers[peer.id] = viewer
        peer.when_closed(lambda reason: self._left(viewer))
        peer.on_rtcp = lambda data, at: self._feedback(viewer, data)
        peer.on_connected = lambda: self._joined(viewer)
        if peer.state == "connected":
            self._joined(viewer)

    def send(self, frame: Frame) -> None:
        """A frame of the programme to everybody. Overflow: when the machine does not keep up, pictures are
        left out before they are numbered, up to the next keyframe; sound is not."""
        now = self._clock()
        kind = frame.kind
        stream = self._streams[kind]
        if kind is Kind.VIDEO and self._skip(frame):
            self._counts["frames_dropped"] += 1
            self._complain("the machine does not keep up: pictures are left out", now)
            return
        pieces = stream.number(frame, now)
        if not pieces:
            return
        if kind is Kind.VIDEO and frame.keyframe:
            self._limiter.arrived()
            for group in self._groups[kind].values():
                group.release()
        for group in self._groups[kind].values():
            live = group.live
            if live:
                self._pumps[kind].put(live, [stream.packet(piece, group.face) for piece in pieces])
        self._ask(now)
        self._report(now)

    def close(self) -> None:
        """Forget everybody. The peers are the port's to close."""
        for pump in self._pumps.values():
            pump.clear()
        for viewer in tuple(self._viewers.values()):
            self._left(viewer)

    def stats(self) -> dict[str, float]:
        """Counters and gauges for the metrics page; times in ms."""
        video, audio = self._streams[Kind.VIDEO], self._streams[Kind.AUDIO]
        rtts = [viewer.rtt for viewer in self._viewers.values() if viewer.rtt is not None]
        losses = [viewer.loss for viewer in self._viewers.values()]
        return {
            "viewers": len(self._viewers),
            "waiting": sum(group.waiting for group in self._groups[Kind.VIDEO].values()),
            "video_packets": video.packets,
            "video_octets": video.octets,
            "audio_packets": audio.packets,
            "audio_octets": audio.octets,
            "stale_frames": video.stale + audio.stale,
            "keyframes_asked": self._limiter.asked,
            "loss": sum(losses) / len(losses) if losses else 0.0,
            "rtt_ms": 1000 * sum(rtts) / len(rtts) if rtts else 0.0,
            **{
                name: self._counts[name]
                for name in (
                    "frames_dropped",
                    "keyframe_requests",
                    "malformed",
                    "replays",
                    "resent",
                    "resends_refused",
                    "unservable",
                )
            },
        }

    # -- coming and going --------------------------------------------------------------------------------

    def _joined(self, viewer: Viewer) -> None:
        if self._viewers.get(viewer.peer.id) is not viewer or viewer.audio or viewer.video:
            return  # left already, or told twice
        media, now = viewer.peer.media, self._clock()
        if media.audio is not None and Kind.AUDIO in viewer.kinds:
            viewer.audio = self._group(Kind.AUDIO, face(media.audio, self._delay))
            viewer.audio.join(viewer.peer)
        if media.video is not None and Kind.VIDEO in viewer.kinds:
            viewer.video = self._group(Kind.VIDEO, face(media.video, self._delay))
            self._start_picture(viewer, viewer.video, now)
        self._send_reports((viewer,), now)

    def _start_picture(self, viewer: Viewer, group: Group, now: float) -> None:
        """A picture as soon as can be: by replay, or by a keyframe that all who wait share."""
        stream = self._streams[Kind.VIDEO]
        young = now - stream.key_at <= REPLAY_AGE
        spent = not self._limiter.open(now) and not self._limiter.wanted  # one went out, none is to come
        pieces = stream.since_keyframe() if young or spent else []
        if pieces:
            self._counts["replays"] += 1
            group.join(viewer.peer)
            self._port.burst([viewer.peer], [stream.packet(piece, group.face) for piece in pieces])
            return
        group.wait(viewer.peer)
        self._limiter.want()
        self._ask(now)

    def _left(self, viewer: Viewer) -> None:
        if self._viewers.get(viewer.peer.id) is viewer:
            del self._viewers[viewer.peer.id]
        for kind, group in ((Kind.VIDEO, viewer.video), (Kind.AUDIO, viewer.audio)):
            if group is not None:
                group.leave(viewer.peer)
                if group.empty:
                    self._groups[kind].pop(group.face, None)

    def _group(self, kind: Kind, face: Face) -> Group:
        return self._groups[kind].setdefault(face, Group(face, self._port))

    # -- keyframes ---------------------------------------------------------------------------------------

    def _skip(self, frame: Frame) -> bool:
        if self._pumps[Kind.VIDEO].full:
            self._skipping = True
        elif frame.keyframe:
            self._skipping = False
        if self._skipping:
            self._limiter.want()
        return self._skipping

    def _ask(self, now: float) -> None:
        if self._limiter.due(now):
            self.on_keyframe_needed()

    # -- what viewers say --------------------------------------------------------------------------------

    def _feedback(self, viewer: Viewer, data: bytes) -> None:
        now = self._clock()
        try:
            reports = rtcp.parse(data)
        except MalformedError as error:
            self._counts["malformed"] += 1
            self._complain(f"{viewer.peer.id} sends bad RTCP: {error}", now)
            return
        for report in reports:
            if isinstance(report, rtcp.Nack):
                self._resend(viewer, report, now)
            elif isinstance(report, rtcp.Pli | rtcp.Fir):
                self._counts["keyframe_requests"] += 1
                self._want_keyframe(viewer, now)
            elif isinstance(report, rtcp.ReceiverReport | rtcp.SenderReport):
                self._note(viewer, report.blocks, now)

    def _resend(self, viewer: Viewer, nack: rtcp.Nack, now: float) -> None:
        """The very packets again: same key, same number, same bytes. What history no longer has would leave
        the picture broken for seconds, so it means a keyframe."""
        for kind, group in ((Kind.VIDEO, viewer.video), (Kind.AUDIO, viewer.audio)):
            stream = self._streams[kind]
            if group is None or nack.media != stream.ssrc:
                continue
            for sequence in nack.sequences:
                age = sequence_delta(stream.next - 1, sequence)
                if age < 0:
                    continue  # never sent
                piece = stream.piece(sequence) if age < RESEND_SPAN else None
                if piece is None:
                    self._counts["unservable"] += 1
                    if kind is Kind.VIDEO:
                        self._want_keyframe(viewer, now)
                    return
                if not viewer.resends.take(1, now):
                    self._counts["resends_refused"] += 1
                    return
                self._counts["resent"] += 1
                viewer.peer.send_rtp([stream.packet(piece, group.face)])

    def _want_keyframe(self, viewer: Viewer, now: float) -> None:
        if viewer.video is not None and viewer.requests.take(1, now):
            self._limiter.want()
            self._ask(now)

    def _note(self, viewer: Viewer, blocks: tuple[rtcp.ReportBlock, ...], now: float) -> None:
        for block in blocks:
            if block.ssrc == self.track.video_ssrc:
                viewer.loss = block.fraction / 256
            elif block.ssrc != self.track.audio_ssrc:
                continue
            clock = rtcp.middle(rtcp.to_ntp(now + self._wall))
            rtt = rtcp.round_trip(clock, block.last_report, block.delay)
            if rtt is not None:
                viewer.rtt = rtt
                viewer.peer.rtt = rtt

    # -- what viewers are told ---------------------------------------------------------------------------

    def _report(self, now: float) -> None:
        """Sender reports, so that each viewer gets one in REPORT_EVERY: to some at a time, lest a turn be
        long, and to no fewer than REPORTS, because the same report to many is one call."""
        elapsed = 0.0 if self._reported_at is None else now - self._reported_at
        self._reported_at = now
        self._quota = min(self._quota + len(self._viewers) * elapsed / REPORT_EVERY, len(self._viewers))
        if self._quota < min(REPORTS, max(1, len(self._viewers))):
            return
        if len(self._round) < self._quota:
            self._round += [each for each in self._viewers.values() if each.peer.state == "connected"]
        some, self._round = self._round[: int(self._quota)], self._round[int(self._quota) :]
        self._quota -= int(self._quota)
        self._send_reports(some, now)

    def _send_reports(self, viewers: Sequence[Viewer], now: float) -> None:
        wall, cname = now + self._wall, self.track.cname
        reports = {kind: stream.report(now, wall, cname) for kind, stream in self._streams.items()}
        for kinds in ((Kind.VIDEO, Kind.AUDIO), (Kind.VIDEO,), (Kind.AUDIO,)):
            data = b"".join(reports[kind] for kind in kinds)  # b"" before the first frames
            peers = [each.peer for each in viewers if each.gets == kinds and each.peer.state == "connected"]
            if data and peers:
                self._port.control(peers, data)

    def _complain(self, message: str, now: float) -> None:
        if self._complaints.take(1, now):
            log.warning(message)


def _stream(codec: Codec) -> Stream:
    """A stream that begins at random, as RFC 3550 section 5.1 wants; the SSRC is never 0."""
    return Stream(
        codec,
        secrets.randbelow(0xFFFFFFFF) + 1,
        sequence=secrets.randbelow(0x8000),  # a low half: SRTP's first wrap is not in the first seconds
        offset=secrets.randbits(31),
    )
