"""(P) One incoming RTP stream, packets in, frames out: order, losses, pictures, our clock, statistics."""

from collections.abc import Iterable

from broadcast.errors import MalformedError
from broadcast.rtp.clock import FeedClock, StreamClock
from broadcast.rtp.depacketise import depacketiser
from broadcast.rtp.feedback import Reception
from broadcast.rtp.frame import Codec, Frame, Kind
from broadcast.rtp.packet import Packet
from broadcast.rtp.reorder import Reorder
from broadcast.rtp.rtcp import SenderReport, from_ntp

AUDIO_PATIENCE = 0.03  # seconds: sound that comes later than this has missed its place in the mix
VIDEO_PATIENCE = (0.12, 0.6)  # seconds, least and most; between them a few round trips for the NACK
ROUND_TRIP = 0.1  # seconds, until it is measured
SILENCE = 1.0  # seconds after which another SSRC may take the place of one that went silent


class Receiver:
    """`clock` is shared by the streams of one feed. `nack`: the sender answers requests for packets."""

    def __init__(
        self, codec: Codec, clock: FeedClock, *, nack: bool = True, parameter_sets: Iterable[bytes] = ()
    ) -> None:
        self.codec = codec
        self.ssrc: int | None = None
        self.malformed = 0
        self.strangers = 0  # packets of a second SSRC while the first still speaks
        self._clock = clock
        self._nack = nack and codec.kind is Kind.VIDEO
        self._sets = tuple(parameter_sets)
        self._last = 0.0
        self._spoilt = False
        self._round_trip = ROUND_TRIP
        self._begin(0)

    def _begin(self, ssrc: int) -> None:
        self.reception = Reception(ssrc, self.codec.clock_rate)
        self.stream = StreamClock(self._clock, self.codec.clock_rate)
        self.order: Reorder[tuple[Packet, float]] = Reorder(patience=AUDIO_PATIENCE, nack=self._nack)
        self.round_trip(self._round_trip)
        self._frames = depacketiser(self.codec, self._sets)

    def packet(self, packet: Packet, arrival: float) -> list[Frame]:
        """A packet came. Gives the frames that it completes; never raises."""
        if packet.ssrc != self.ssrc:
            if self.ssrc is not None and arrival - self._last < SILENCE:
                self.strangers += 1
                return []
            self.ssrc = packet.ssrc
            self._begin(packet.ssrc)
        self._last = arrival
        self.reception.received(packet.sequence, packet.timestamp, arrival)
        found = self._unpack(self.order.push(packet.sequence, (packet, arrival), arrival))
        return found + self._pass_padding() if self.order.due() is not None else found

    def poll(self, now: float) -> list[Frame]:
        """Give up what is missing for too long; gives the frames that this sets free."""
        return self._unpack(self.order.poll(now))

    def missing(self, now: float) -> list[int]:
        """16-bit sequence numbers to ask the sender for now."""
        return self.order.requests(now)

    def due(self) -> float | None:
        """When `poll` or `missing` has something to do."""
        return self.order.due()

    def spoilt(self) -> bool:
        """Whether a picture had to be thrown away for want of a keyframe since the last call."""
        spoilt, self._spoilt = self._spoilt, False
        return spoilt

    def report(self, report: SenderReport, arrival: float) -> None:
        """A sender report of this stream. One without a clock (NTP 0) counts for round trips only."""
        self.reception.sender_report(report.ntp, arrival)
        if report.ntp:
            self.stream.report(report.timestamp, from_ntp(report.ntp), arrival)

    def round_trip(self, seconds: float) -> None:
        """The round trip to the sender, which decides how long a lost packet is worth waiting for."""
        self._round_trip = self.order.round_trip = seconds
        if self.codec.kind is Kind.VIDEO:
            least, most = VIDEO_PATIENCE
            self.order.patience = min(most, max(least, 0.05 + 3 * seconds))

    def _pass_padding(self) -> list[Frame]:
        """Go over holes that held nothing but padding, without a wait and without a request."""
        found: list[Frame] = []
        while self._follows():
            found += self._unpack(self.order.skip())
        return found

    def _follows(self) -> bool:
        """Whether what waits goes on where the last whole picture ended. Padding ahead of it says nothing."""
        for packet, _ in self.order.waiting():
            if self._frames.follows(packet):
                return True
            if packet.payload:
                return False
        return False

    def _unpack(self, released: list[tuple[tuple[Packet, float], bool]]) -> list[Frame]:
        found = []
        for (packet, arrival), lost in released:
            try:
                units = self._frames.push(packet, arrival, lost)
            except MalformedError:
                self.malformed += 1
                units = []
            for unit in units:
                timestamp, captured = self.stream.frame(unit.timestamp, unit.arrival)
                found.append(Frame(self.codec, unit.data, timestamp, captured, unit.keyframe))
            if self._frames.needs_keyframe and (lost or (packet.marker and packet.payload)):
                self._spoilt = True
        return found
