"""Returns: what speakers see and hear backstage. The picture is the programme's own, the very packets that
all viewers get; the sound is each speaker's, on a line of its own, by the same clock.

Lost packets are answered from history. Nothing that a listener sends goes further than this file and the
fan-out.
"""

import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from broadcast.errors import MalformedError
from broadcast.outputs.fanout import Fanout
from broadcast.outputs.limits import Bucket
from broadcast.outputs.stream import Face, Stream
from broadcast.outputs.viewer import face
from broadcast.rtp import rtcp
from broadcast.rtp.frame import Codec, Frame, Kind
from broadcast.transport.peer import Peer
from broadcast.transport.port import Port

REPORT_EVERY = 1.0  # seconds between two sender reports
HISTORY = 128  # packets, 2.5 s
RESENDS, RESENDS_AT_ONCE = 25.0, 50.0  # packets a second that one listener may have sent again


def _nobody(people: Iterable[str]) -> None:
    """Stands for the mixer until app.py sets it."""


@dataclass(slots=True, eq=False)
class Listener:
    """One connection of one person."""

    person: str
    peer: Peer
    stream: Stream
    face: Face | None = None  # once connected
    reported: float = 0.0
    resends: Bucket = field(default_factory=lambda: Bucket(RESENDS, RESENDS_AT_ONCE))


class Returns:
    """`on_listeners` is told who listens whenever that changes. `clock` and `wall` are the monotonic and the
    Unix time."""

    def __init__(
        self,
        port: Port,
        fanout: Fanout,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.on_listeners: Callable[[Iterable[str]], None] = _nobody
        self._port = port
        self._fanout = fanout
        self._clock = clock
        self._wall = wall() - clock()  # once, so that a clock that is set does not bend the reports
        self._listeners: dict[str, Listener] = {}  # by peer
        self._counts: Counter[str] = Counter()

    def watch(self, offer: str, person: str) -> tuple[Peer, str]:
        """A WHEP session for this person: the peer, and the SDP answer. Raises OfferError as
        `Port.answer_watch` does."""
        stream = Stream(
            Codec.OPUS,
            secrets.randbelow(0xFFFFFFFF) + 1,
            sequence=secrets.randbelow(0x8000),
            offset=secrets.randbits(31),
            history=HISTORY,
        )
        peer, answer = self._port.answer_watch(offer, replace(self._fanout.track, audio_ssrc=stream.ssrc))
        self._fanout.add_viewer(peer, kinds=(Kind.VIDEO,))
        listener = Listener(person, peer, stream)
        connected, feedback = peer.on_connected, peer.on_rtcp

        def joined() -> None:
            connected()
            self._joined(listener)

        def said(data: bytes, at: float) -> None:
            feedback(data, at)
            self._feedback(listener, data)

        peer.on_connected, peer.on_rtcp = joined, said
        peer.when_closed(lambda reason: self._left(listener))
        return peer, answer

    def send(self, person: str, frame: Frame) -> None:
        """A packet of this person's sound, to each of their connections."""
        now = self._clock()
        for listener in self._listeners.values():
            if listener.person != person or listener.face is None:
                continue
            numbered = listener.stream.number(frame, now)
            if numbered is not None:
                packets = listener.stream.packets_of(numbered, listener.face)
                self._port.burst([listener.peer], packets)
                self._counts["packets"] += len(packets)
            if now - listener.reported >= REPORT_EVERY:
                self._report(listener, now)

    def stats(self) -> dict[str, float]:
        """Counters and gauges for the metrics page."""
        return {
            "listeners": len(self._listeners),
            "packets": self._counts["packets"],
            "resent": self._counts["resent"],
            "malformed": self._counts["malformed"],
        }

    def _joined(self, listener: Listener) -> None:
        audio = listener.peer.media.audio
        if audio is None:
            return  # the picture alone was asked for
        listener.face = face(audio, None)
        self._listeners[listener.peer.id] = listener
        self._tell()

    def _left(self, listener: Listener) -> None:
        if self._listeners.pop(listener.peer.id, None) is not None:
            self._tell()

    def _tell(self) -> None:
        self.on_listeners({listener.person for listener in self._listeners.values()})

    def _feedback(self, listener: Listener, data: bytes) -> None:
        """The very packets again, as far as history goes."""
        try:
            reports = rtcp.parse(data)
        except MalformedError:
            self._counts["malformed"] += 1  # the fan-out has told the log
            return
        for report in reports:
            if not isinstance(report, rtcp.Nack) or report.media != listener.stream.ssrc or not listener.face:
                continue
            for sequence in report.sequences:
                packet = listener.stream.packet(sequence, listener.face)
                if packet is not None and listener.resends.take(1, self._clock()):
                    self._counts["resent"] += 1
                    listener.peer.send_rtp([packet])

    def _report(self, listener: Listener, now: float) -> None:
        listener.reported = now
        report = listener.stream.report(now, now + self._wall, self._fanout.track.cname)
        if report and listener.peer.state == "connected":
            listener.peer.send_rtcp(report)
