"""A viewer over WHEP: counts what comes, reports on it, and can ask for what is missing.

viewer = WhepViewer("http://127.0.0.1:8080/whep")
viewer.on_packet = lambda packet, arrival: ...
await viewer.watch()
...; print(viewer.streams); await viewer.close()
"""

import asyncio
import secrets
import socket
import time
from collections.abc import Callable, Sequence

from broadcast.client import offers
from broadcast.client.agent import Agent, nothing
from broadcast.client.door import ClientSession, Door
from broadcast.errors import MalformedError, RequestError
from broadcast.rtp import rtcp
from broadcast.rtp.feedback import Reception
from broadcast.rtp.frame import Codec
from broadcast.transport.dtls import Certificate

REPORT_EVERY = 1.0  # seconds


class WhepViewer:
    """One viewing session. `on_packet(packet, arrival)` gets each plain RTP packet and its monotonic
    arrival; with `decrypt=False` its payload stays encrypted, which is enough to count and is cheap.

    `streams` has an rtp.feedback.Reception for each SSRC: packets, jitter, loss. `posted` and `first_packet`
    are monotonic seconds (None before). `answer` is the server's SDP.
    """

    def __init__(
        self,
        url: str,
        pass_: str | None = None,
        *,
        certificate: Certificate | None = None,
        decrypt: bool = True,
        hall: ClientSession | None = None,
    ) -> None:
        self.on_packet: Callable[[bytes, float], None] = nothing
        self.agent = Agent(certificate=certificate, decrypt=decrypt)
        self.streams: dict[int, Reception] = {}
        self.packets = self.bytes = 0
        self.heard: dict[int, tuple[int, float]] = {}  # each SSRC's last sender report: middle bits, arrival
        self.posted: float | None = None
        self.first_packet: float | None = None
        self.answer = ""
        self._ssrc = secrets.randbits(32)
        self._door = Door(url, pass_, hall)
        self._timer: asyncio.TimerHandle | None = None

    @property
    def on_closed(self) -> Callable[[str], None]:
        return self.agent.on_closed

    @on_closed.setter
    def on_closed(self, callback: Callable[[str], None]) -> None:
        self.agent.on_closed = callback

    async def watch(self, video: Codec | None = Codec.H264, audio: bool = True) -> None:
        """Offer and connect. Raises RequestError with the server's code, or `unreachable`; everything is
        released then."""
        codecs = [*([video] if video else []), *([Codec.OPUS] if audio else [])]
        self.posted = time.monotonic()
        self.agent.on_rtp = self._packet
        self.agent.on_rtcp = self._control
        try:
            self.answer = await self.negotiate(codecs)
            await self.agent.connect(self.answer)
        except RequestError:
            await self.close()
            raise
        self._timer = asyncio.get_running_loop().call_later(REPORT_EVERY, self._report)

    async def negotiate(self, codecs: Sequence[Codec]) -> str:
        """Offer, and return the server's SDP. Raises RequestError."""
        return await self._door.knock(offers.watch(self.agent, codecs))

    async def known(self) -> bool:
        """Whether the server still knows this session: what to ask when nothing comes any more. If not, join
        anew."""
        return await self._door.open()

    def ask_again(self, ssrc: int, sequences: Sequence[int]) -> None:
        """NACK: send these packets again."""
        self.agent.send_rtcp(rtcp.Nack(self._ssrc, ssrc, tuple(sequences)).build())

    def ask_keyframe(self, ssrc: int) -> None:
        """PLI."""
        self.agent.send_rtcp(rtcp.Pli(self._ssrc, ssrc).build())

    def hand_over(self) -> socket.socket:
        """The connected socket: from now on somebody else reads it (see Agent.hand_over) and reports."""
        if self._timer is not None:
            self._timer.cancel()
        return self.agent.hand_over()

    def report(self, blocks: Sequence[rtcp.ReportBlock]) -> None:
        """Tell the server how much arrived."""
        self.agent.send_rtcp(rtcp.ReceiverReport(self._ssrc, tuple(blocks)).build())

    async def close(self) -> None:
        """Say goodbye over DTLS and HTTP. Idempotent."""
        if self._timer is not None:
            self._timer.cancel()
        self.agent.close()
        await self._door.close()

    def _packet(self, packet: bytes, arrival: float) -> None:
        if self.first_packet is None:
            self.first_packet = arrival
        self.packets += 1
        self.bytes += len(packet)
        ssrc = int.from_bytes(packet[8:12], "big")
        stream = self.streams.get(ssrc)
        if stream is None:
            if len(self.streams) >= 8:
                return  # not a server of ours
            audio = packet[1] & 0x7F == offers.PAYLOAD_TYPES[Codec.OPUS]
            stream = self.streams[ssrc] = Reception(ssrc, 48000 if audio else 90000)
        stream.received(int.from_bytes(packet[2:4], "big"), int.from_bytes(packet[4:8], "big"), arrival)
        self.on_packet(packet, arrival)

    def _control(self, data: bytes, arrival: float) -> None:
        try:
            reports = rtcp.parse(data)
        except MalformedError:
            return
        for report in reports:
            if isinstance(report, rtcp.SenderReport) and report.ssrc in self.streams:
                self.streams[report.ssrc].sender_report(report.ntp, arrival)
                self.heard[report.ssrc] = rtcp.middle(report.ntp), arrival

    def _report(self) -> None:
        now = time.monotonic()
        self.report([stream.block(now) for stream in self.streams.values()])
        self._timer = asyncio.get_running_loop().call_later(REPORT_EVERY, self._report)
