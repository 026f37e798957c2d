"""The programme to many peers: one SSRC for each kind, from the first second to the last.

Nothing that a viewer sends goes further than the mixer: lost packets are answered from history, and keyframe
requests become at most one a second. A joiner has sound at once, and a picture from a keyframe forced for
it, or, when the limiter does not allow one, from the newest keyframe replayed. Which rendition of the picture
each peer gets is in renditions.py.
"""

import asyncio
import logging
import secrets
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence

from broadcast.errors import MalformedError
from broadcast.outputs.limits import Bucket
from broadcast.outputs.pump import SOUND_TURN, Pump
from broadcast.outputs.renditions import RESEND_SPAN, Renditions, Size
from broadcast.outputs.stream import Face, Stream
from broadcast.outputs.viewer import LONG, Group, Viewer, face
from broadcast.rtp import rtcp
from broadcast.rtp.frame import Codec, Frame, Kind
from broadcast.rtp.packet import sequence_delta
from broadcast.rtp.transport_cc import Arrivals
from broadcast.transport.peer import Peer
from broadcast.transport.port import Port
from broadcast.transport.sdp import Watch

log = logging.getLogger("pavilion.fanout")

REPORT_EVERY = 2.5  # seconds between two sender reports to the same peer: all is sent by one clock
READ_EVERY = 5.0  # seconds between two receiver reports of a viewer that are read: they only inform
REPORTS = 16  # sender reports that leave together
REPORT_PAUSE = 0.05  # seconds between two looks at who is due
PROMPT = 0.1  # seconds from the answer to the first check of a viewer whose handshake will not last either
SCREEN_PATIENCE = 1.5  # seconds that a queue may stand in a screen's line until its picture is a smaller one
FULL = (Size("full", 3_000_000),)


def _nobody(rendition: str) -> None:
    """Stands for the mixer until app.py sets it."""


class Fanout:
    """`track` is what `Port.answer_watch` needs for a viewer. `playout_delay` (least, most; seconds) is asked
    of players that know the extension; `sizes` are the renditions, the full one first; `clock` and `wall` are
    the monotonic and the Unix time. `on_keyframe_needed` is told the rendition's name, empty for the full.
    """

    def __init__(
        self,
        port: Port,
        *,
        sizes: Sequence[Size] = FULL,
        playout_delay: tuple[float, float] | None = None,
        keyframe_interval: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        defer: Callable[[Callable[[], None]], object] | None = None,
    ) -> None:
        self.on_keyframe_needed: Callable[[str], None] = _nobody
        self._port = port
        self._delay = playout_delay
        self._clock = clock
        self._wall = wall() - clock()  # once, so that a clock that is set does not bend the reports
        videos = _streams(Codec.H264, len(sizes))
        self._streams = {Kind.VIDEO: videos[0], Kind.AUDIO: _streams(Codec.OPUS, 1)[0]}
        self.track = Watch(
            video=Codec.H264,
            audio=Codec.OPUS,
            video_ssrc=self._streams[Kind.VIDEO].ssrc,
            audio_ssrc=self._streams[Kind.AUDIO].ssrc,
            cname=secrets.token_hex(8),
        )
        self._counts: Counter[str] = Counter()
        later = defer or (lambda call: asyncio.get_running_loop().call_soon(call))
        self._pumps = {
            Kind.VIDEO: Pump(port.burst, later),
            Kind.AUDIO: Pump(port.burst, later, SOUND_TURN),
        }
        self.renditions = Renditions(
            port,
            self._pumps[Kind.VIDEO],
            videos,
            sizes,
            keyframe_interval,
            lambda name: self.on_keyframe_needed(name),
            self._counts,
            playout_delay,
        )
        self._listeners: dict[Face, Group] = {}  # of the sound
        self._viewers: dict[str, Viewer] = {}
        self._complaints = Bucket(1, 1)
        self._round: list[Viewer] = []  # who is still to get a sender report in this round
        self._quota = 0.0
        self._reported_at: float | None = None

    def add_viewer(
        self,
        peer: Peer,
        kinds: Collection[Kind] = frozenset(Kind),
        role: str = "viewer",
    ) -> None:
        """A peer answered with `track` gets the programme as soon as it is connected, until it closes; only
        its picture or its sound, if `kinds` says so. A screen keeps the best rendition for longer."""
        since = self._clock()
        viewer = Viewer(peer, kinds, patience=SCREEN_PATIENCE if role == "screen" else None)
        peer.reports_every = READ_EVERY
        self._viewers[peer.id] = viewer
        peer.when_closed(lambda reason: self._left(viewer))
        peer.on_rtcp = lambda data, at: self._feedback(viewer, data)
        peer.on_reached = lambda: self._reached(viewer, since)
        peer.on_connected = lambda: self._joined(viewer)
        if peer.state == "connected":
            self._joined(viewer)

    def send(self, frame: Frame) -> None:
        """Sound to everybody, or a picture to those who get the full rendition. Overflow: when the machine
        does not keep up, pictures are left out before they are numbered, up to the next keyframe; sound is
        not."""
        now = self._clock()
        if frame.kind is Kind.VIDEO:
            self._picture(frame, 0, now)
        else:
            stream = self._streams[Kind.AUDIO]
            numbered = stream.number(frame, now)
            if numbered is not None:
                groups = self._listeners.values()
                jobs = [(group.live, stream.packets_of(numbered, group.face)) for group in groups]
                self._pumps[Kind.AUDIO].put(jobs)
        self.renditions.ask(now)
        self._report(now)

    def send_rendition(self, name: str, frame: Frame) -> None:
        """A picture of a smaller rendition to those who get that; anything else is left out."""
        index = self.renditions.index(name)
        if index and frame.kind is Kind.VIDEO:
            self._picture(frame, index, self._clock())

    def rendition(self, peer_id: str) -> tuple[str, str | None] | None:
        """What this viewer asked for ("auto" or a name), and what it gets, None if no pictures yet; None if
        there is no such viewer."""
        viewer = self._viewers.get(peer_id)
        if viewer is None:
            return None
        names = self.renditions.names
        wish = "auto" if viewer.pinned is None else names[viewer.pinned]
        return wish, None if viewer.video is None else names[viewer.at]

    def pin(self, peer_id: str, name: str) -> bool:
        """This viewer asks for a rendition, or "auto" for what its line carries. False if there is no such
        viewer or rendition."""
        viewer, index = self._viewers.get(peer_id), self.renditions.index(name)
        if viewer is None or (index is None and name != "auto"):
            return False
        self.renditions.pin(viewer, index, self._clock())
        return True

    def _picture(self, frame: Frame, index: int, now: float) -> None:
        if not self.renditions.send(frame, index, now):
            self._counts["frames_dropped"] += 1
            self._complain("the machine does not keep up: pictures are left out", now)

    def close(self) -> None:
        """Forget everybody. The peers are the port's to close."""
        for pump in self._pumps.values():
            pump.clear()
        for viewer in tuple(self._viewers.values()):
            self._left(viewer)

    def stats(self) -> dict[str, float]:
        """Counters and gauges for the metrics page; times in ms."""
        videos, audio = [each.stream for each in self.renditions.all], self._streams[Kind.AUDIO]
        rtts = [viewer.rtt for viewer in self._viewers.values() if viewer.rtt is not None]
        losses = [viewer.loss for viewer in self._viewers.values()]
        return {
            "viewers": len(self._viewers),
            "waiting": sum(group.waiting for each in self.renditions.all for group in each.groups.values()),
            "viewers_smaller": sum(map(self.renditions.watching, range(1, len(videos)))),
            "video_packets": sum(video.packets for video in videos),
            "video_octets": sum(video.octets for video in videos),
            "audio_packets": audio.packets,
            "audio_octets": audio.octets,
            "stale_frames": sum(video.stale for video in videos) + audio.stale,
            "keyframes_asked": sum(each.limiter.asked for each in self.renditions.all),
            "loss": sum(losses) / len(losses) if losses else 0.0,
            "rtt_ms": 1000 * sum(rtts) / len(rtts) if rtts else 0.0,
            **{
                name: self._counts[name]
                for name in (
                    "frames_dropped",
                    "keyframe_requests",
                    "malformed",
                    "padding",
                    "probes",
                    "replays",
                    "resent",
                    "resends_refused",
                    "switched_down",
                    "switched_up",
                    "unread",
                    "unservable",
                )
            },
        }

    # -- coming and going --------------------------------------------------------------------------------

    def _reached(self, viewer: Viewer, since: float) -> None:
        """It will be connected in a moment: its keyframe is made meanwhile. Not over long lines, where the
        keyframe would be too old by then."""
        now = self._clock()
        if Kind.VIDEO in viewer.kinds and now - since < PROMPT:
            self.renditions.expect(now)

    def _joined(self, viewer: Viewer) -> None:
        if self._viewers.get(viewer.peer.id) is not viewer or viewer.audio or viewer.video:
            return  # left already, or told twice
        media, now = viewer.peer.media, self._clock()
        if media.audio is not None and Kind.AUDIO in viewer.kinds:
            headers = face(media.audio, self._delay)
            viewer.audio = self._listeners.setdefault(headers, Group(headers, self._port))
            viewer.audio.join(viewer.peer)
        if media.video is not None and Kind.VIDEO in viewer.kinds:
            self.renditions.join(viewer, media.video, now)
        self._send_reports((viewer,), now)

    def _left(self, viewer: Viewer) -> None:
        if self._viewers.get(viewer.peer.id) is viewer:
            del self._viewers[viewer.peer.id]
        self.renditions.leave(viewer)
        if viewer.audio is not None:
            viewer.audio.leave(viewer.peer)
            if viewer.audio.empty:
                self._listeners.pop(viewer.audio.face, None)

    # -- what viewers say --------------------------------------------------------------------------------

    def _feedback(self, viewer: Viewer, data: bytes) -> None:
        now = self._clock()
        if not viewer.messages.take(1 + len(data) // LONG, now):
            self._counts["unread"] += 1
            return
        try:
            reports = rtcp.parse(data)
        except MalformedError as error:
            self._counts["malformed"] += 1
            self._complain(f"{viewer.peer.id} sends bad RTCP: {error}", now)
            return
        for report in reports:
            if isinstance(report, Arrivals):
                if viewer.named.take(report.count, now):
                    self.renditions.arrivals(viewer, report, now)
                else:
                    self._counts["unread"] += 1
            elif isinstance(report, rtcp.Nack):
                self._resend(viewer, report, now)
            elif isinstance(report, rtcp.Pli | rtcp.Fir):
                self._counts["keyframe_requests"] += 1
                self._want_keyframe(viewer, now)
            elif isinstance(report, rtcp.ReceiverReport | rtcp.SenderReport):
                self._note(viewer, report.blocks, now)

    def _resend(self, viewer: Viewer, nack: rtcp.Nack, now: float) -> None:
        """The very packets again: same key, same number, same bytes. What history no longer has would leave
        the picture broken for seconds, so it means a keyframe."""
        if not viewer.named.take(len(nack.sequences), now):
            self._counts["unread"] += 1
        elif nack.media == self.track.video_ssrc:
            if not self.renditions.resend(viewer, nack.sequences, now):
                self._want_keyframe(viewer, now)
        elif nack.media == self.track.audio_ssrc and viewer.audio is not None:
            self._resend_sound(viewer, viewer.audio, nack.sequences, now)

    def _resend_sound(self, viewer: Viewer, group: Group, sequences: Sequence[int], now: float) -> None:
        stream = self._streams[Kind.AUDIO]
        for sequence in sequences:
            age = sequence_delta(stream.next - 1, sequence)
            packet = stream.packet(sequence, group.face) if 0 <= age < RESEND_SPAN else None
            if packet is None:
                self._counts["unservable"] += age >= 0
            elif viewer.resends.take(1, now):
                self._counts["resent"] += 1
                viewer.peer.send_rtp([packet])
            else:
                self._counts["resends_refused"] += 1
                return

    def _want_keyframe(self, viewer: Viewer, now: float) -> None:
        if viewer.video is not None and viewer.requests.take(1, now):
            self.renditions.want(viewer, now)

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
            if viewer.line is not None and block.ssrc == self.track.video_ssrc:
                viewer.line.report(now, viewer.loss, viewer.rtt)
                self.renditions.review(viewer, now)

    # -- what viewers are told ---------------------------------------------------------------------------

    def _report(self, now: float) -> None:
        """Sender reports, so that each viewer gets one in REPORT_EVERY: to some at a time, lest a turn be
        long, and to no fewer than REPORTS, because the same report to many is one call."""
        if self._reported_at is None:
            self._reported_at = now
        elapsed = now - self._reported_at
        if elapsed < REPORT_PAUSE:
            return
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
        alike: dict[tuple[Kind, ...], list[Peer]] = {}
        for each in viewers:
            if each.peer.state == "connected":
                alike.setdefault(each.gets, []).append(each.peer)
        for kinds, peers in alike.items():
            data = b"".join(reports[kind] for kind in kinds)  # b"" before the first frames
            if data:
                self._port.control(peers, data)

    def _complain(self, message: str, now: float) -> None:
        if self._complaints.take(1, now):
            log.warning(message)


def _streams(codec: Codec, count: int) -> list[Stream]:
    """Streams of one SSRC and one clock that begin at random, as RFC 3550 section 5.1 wants; the SSRC is
    never 0."""
    ssrc, offset = secrets.randbelow(0xFFFFFFFF) + 1, secrets.randbits(31)
    # A low half: SRTP's first wrap is not in the first seconds.
    return [Stream(codec, ssrc, sequence=secrets.randbelow(0x8000), offset=offset) for _ in range(count)]
