"""A publisher over WHIP: encoded frames in, RTP out, with sender reports and answers to NACKs and PLIs.

publisher = WhipPublisher("http://127.0.0.1:8080/whip", pass_)
await publisher.publish(Codec.H264)
publisher.send(frame); publisher.on_keyframe_request = encoder.force_keyframe
await publisher.close()
"""

import asyncio
import secrets
import time
from collections.abc import Callable

from broadcast.client import offers
from broadcast.client.agent import Agent, nothing
from broadcast.client.door import Door
from broadcast.errors import MalformedError, RequestError
from broadcast.rtp import rtcp
from broadcast.rtp.frame import Codec, Frame, Kind
from broadcast.rtp.history import History
from broadcast.rtp.packetise import Packetiser
from broadcast.transport.dtls import Certificate

REPORT_EVERY = 1.0  # seconds
FIRST_REPORT = 0.1  # seconds: until it comes, a server cannot align sound and picture
HISTORY = 1024  # packets: what libsrtp will still protect again


class _Stream:
    """One outgoing RTP stream, and what a sender report needs."""

    def __init__(self, payload_type: int, codec: Codec) -> None:
        self.codec = codec
        self.packetiser = Packetiser(
            payload_type,
            secrets.randbits(32),
            sequence=secrets.randbits(15),  # the lower half: libsrtp dislikes a wrap among the first packets
            timestamp_offset=secrets.randbits(32),
        )
        self.history: History[bytes] = History(HISTORY)
        self.last: Frame | None = None

    def report(self, now: float, wall: float, cname: str) -> bytes:
        """Sender report and CNAME for now; empty before the first frame."""
        if self.last is None:
            return b""
        ahead = round((now - self.last.captured) * self.codec.clock_rate)
        sender = rtcp.SenderReport(
            self.packetiser.ssrc,
            rtcp.to_ntp(wall),
            self.packetiser.timestamp(self.last) + ahead,
            self.packetiser.packets_sent,
            self.packetiser.octets_sent,
        )
        return sender.build() + rtcp.SourceDescription(self.packetiser.ssrc, cname).build()


class WhipPublisher:
    """One published session. `on_keyframe_request()` is called for each PLI or FIR; `on_closed(reason)`
    once. Counters: `frames`, `packets`, `resent`, `keyframe_requests`."""

    def __init__(self, url: str, pass_: str | None = None, *, certificate: Certificate | None = None) -> None:
        self.on_keyframe_request: Callable[[], None] = nothing
        self.frames = self.packets = self.resent = self.keyframe_requests = 0
        self.agent = Agent(certificate=certificate)
        self._door = Door(url, pass_)
        self._cname = secrets.token_hex(8)
        self._streams: dict[Kind, _Stream] = {}
        self._timer: asyncio.TimerHandle | None = None

    @property
    def on_closed(self) -> Callable[[str], None]:
        return self.agent.on_closed

    @on_closed.setter
    def on_closed(self, callback: Callable[[str], None]) -> None:
        self.agent.on_closed = callback

    async def publish(self, video: Codec | None = Codec.H264, audio: bool = True) -> None:
        """Offer, connect, and be ready for `send`. Raises RequestError with the server's code, or
        `unreachable`; everything is released then."""
        codecs = [*([video] if video else []), *([Codec.OPUS] if audio else [])]
        for codec in codecs:
            self._streams[codec.kind] = _Stream(offers.PAYLOAD_TYPES[codec], codec)
        streams = [(each.codec, each.packetiser.ssrc) for each in self._streams.values()]
        try:
            answer = await self._door.knock(offers.publish(self.agent, streams, self._cname))
            self.agent.on_rtcp = self._feedback
            await self.agent.connect(answer)
        except RequestError:
            await self.close()
            raise
        self._timer = asyncio.get_running_loop().call_later(FIRST_REPORT, self._report)

    def send(self, frame: Frame) -> None:
        """Send one encoded frame now. Its codec must be one that was offered."""
        stream = self._streams[frame.kind]
        assert frame.codec is stream.codec, "the frame's codec was not offered"
        first = stream.packetiser.sequence
        packets = stream.packetiser.packets(frame)
        for index, packet in enumerate(packets):
            stream.history.put(first + index, packet)
        stream.last = frame
        self.frames += 1
        self.packets += len(packets)
        self.agent.send_rtp(packets)

    async def close(self) -> None:
        """Say goodbye over DTLS and HTTP. Idempotent."""
        if self._timer is not None:
            self._timer.cancel()
        self.agent.close()
        await self._door.close()

    def _report(self) -> None:
        now, wall = time.monotonic(), time.time()
        for stream in self._streams.values():
            if report := stream.report(now, wall, self._cname):
                self.agent.send_rtcp(report)
        self._timer = asyncio.get_running_loop().call_later(REPORT_EVERY, self._report)

    def _feedback(self, data: bytes, arrival: float) -> None:
        try:
            reports = rtcp.parse(data)
        except MalformedError:
            return
        streams = {stream.packetiser.ssrc: stream for stream in self._streams.values()}
        for report in reports:
            if isinstance(report, rtcp.Nack) and report.media in streams:
                history = streams[report.media].history
                missed = [packet for each in report.sequences if (packet := history.get(each)) is not None]
                self.resent += len(missed)
                self.agent.send_rtp(missed)
            elif isinstance(report, rtcp.Pli | rtcp.Fir):
                self.keyframe_requests += 1
                self.on_keyframe_request()
