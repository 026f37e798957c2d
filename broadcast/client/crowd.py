"""N real viewers in one process: each shakes hands as a browser does, then all are read in sweeps.

Until its first whole keyframe a viewer is a `WhepViewer` that decrypts; then its socket is handed to the
sweep, which reads every socket each SWEEP seconds and counts by the thousand. Checks, receiver reports and
NACKs go on for each. The sockets' buffers hold what comes between two sweeps; what they had to drop is
counted apart, because it is not the server's fault.
"""

import asyncio
import contextlib
import resource
import socket
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from broadcast.client import harvest
from broadcast.client.door import ClientSession, hallway
from broadcast.client.harvest import Harvest
from broadcast.client.offers import PAYLOAD_TYPES
from broadcast.client.tally import Tally
from broadcast.client.whep import WhepViewer
from broadcast.errors import MalformedError, PavilionError
from broadcast.rtp import h264, rtcp
from broadcast.rtp.frame import Codec
from broadcast.rtp.packet import parse
from broadcast.transport.dtls import Certificate

SWEEP = 0.05  # seconds between two looks at every socket
REPORT_EVERY = 1.0  # seconds
PATIENCE = 10.0  # seconds for the first keyframe; without one a viewer is counted all the same
RESENDS = 64  # packets that one viewer asks for in one sweep: more than that, and only a keyframe helps
DESCRIPTORS = 100  # besides the viewers' sockets


@dataclass(slots=True, eq=False)
class Member:
    """One viewer of the crowd. Times in monotonic seconds, None if it did not happen."""

    viewer: WhepViewer
    index: int
    sock: socket.socket | None = None  # once the sweep reads it
    keyframe: float | None = None  # when its first one was there as a whole
    reported: list[tuple[int, int]] = field(default_factory=lambda: [(0, 0), (0, 0)])  # expected, lost


class Crowd:
    """Up to `size` viewers of one WHEP endpoint. Use with `async with`. `kind` is for benchmarks whose
    servers have another door."""

    def __init__(
        self, url: str, size: int, *, pass_: str | None = None, kind: type[WhepViewer] = WhepViewer
    ) -> None:
        self.tally = Tally(size)
        self.members: list[Member] = []  # who is in
        self.failures: Counter[str] = Counter()
        self.gone = 0  # were in, and the server ended it
        self._url, self._pass, self._size, self._kind = url, pass_, size, kind
        self._certificate = Certificate.generateCertificate()
        self._harvest = Harvest()
        self._by_index: dict[int, Member] = {}
        self._drops = 0  # of sockets that are closed
        self._started = 0
        self._due: list[Member] = []  # who is still to report in this round
        self._quota = 0.0
        self._sweeping: asyncio.Task[None] | None = None
        self._hall: ClientSession | None = None

    async def __aenter__(self) -> "Crowd":
        room(self._size + DESCRIPTORS)
        self._hall = hallway()
        self._sweeping = asyncio.create_task(self._sweep_on(), name="crowd sweeps")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._sweeping is not None:
            self._sweeping.cancel()
            await asyncio.gather(self._sweeping, return_exceptions=True)
        self._drops = self.drops()
        for member in self.members:
            member.viewer.on_closed = _nobody
        gate = asyncio.Semaphore(50)

        async def leave(member: Member) -> None:
            async with gate:
                await member.viewer.close()

        await asyncio.gather(*(leave(member) for member in self.members))
        self.members.clear()
        self._by_index.clear()
        if self._hall is not None:
            await self._hall.close()

    async def join(self, count: int, seconds: float = 0.0) -> None:
        """`count` more viewers, spread evenly over `seconds`; back when each is in or has failed."""
        begun = time.monotonic()
        tasks = []
        for number in range(count):
            wait = begun + number * seconds / count - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
            tasks.append(asyncio.create_task(self.join_one(), name=f"viewer {number} joins"))
        await asyncio.gather(*tasks)

    async def join_one(self) -> Member | None:
        """One more viewer; None if it could not get in (`failures` says why)."""
        index = self._started
        self._started += 1
        viewer = self._kind(self._url, self._pass, certificate=self._certificate, hall=self._hall)
        member = Member(viewer, index)
        seen = asyncio.Event()
        viewer.on_packet = _first_keyframe(member, seen)
        try:
            await viewer.watch()
        except PavilionError as error:
            self.failures[error.code] += 1
            return None
        viewer.on_closed = lambda reason: self._left(member)
        self.members.append(member)
        self._by_index[index] = member
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(seen.wait(), PATIENCE)
        if viewer.agent.closed is None:
            self._take_over(member)
        return member

    def drops(self) -> int:
        """Datagrams dropped so far because this process's own buffers were full."""
        return self._drops + harvest.dropped(each.sock for each in self.members if each.sock is not None)

    def settle(self) -> None:
        """Read and count everything that has arrived until now."""
        self._sweep()

    # Inside.

    def _take_over(self, member: Member) -> None:
        tally, viewer = self.tally, member.viewer
        for ssrc, stream in viewer.streams.items():
            track = int(stream.rate == 48000)
            tally.highest[track, member.index] = stream.highest + (1 << 16)
            tally.ssrcs[track, member.index] = ssrc
            tally.packets[track, member.index] = stream.packets
            tally.last[track, member.index] = time.time()
        member.sock = viewer.hand_over()
        harvest.prepare(member.sock)

    def _left(self, member: Member) -> None:
        self.gone += 1
        self.members.remove(member)
        del self._by_index[member.index]

    async def _sweep_on(self) -> None:
        due = time.monotonic()
        while True:
            due = max(due + SWEEP, time.monotonic())
            await asyncio.sleep(due - time.monotonic())
            self._sweep()
            self._report()

    def _sweep(self) -> None:
        for member in tuple(self.members):
            if member.sock is not None:
                self._harvest.read(member.index, member.sock.fileno())
            if self._harvest.full:
                self._count()
        self._count()

    def _count(self) -> None:
        owners, heads, lengths, times = self._harvest.rows()
        rtp = (heads[:, 0] & 0xC0 == 0x80) & ((heads[:, 1] < 192) | (heads[:, 1] > 223))
        others = [
            (int(owners[row]), heads[row, : lengths[row]].tobytes()) for row in (~rtp).nonzero()[0].tolist()
        ]
        sound = PAYLOAD_TYPES[Codec.OPUS]
        missing = self.tally.take(owners[rtp], heads[rtp], lengths[rtp], times[rtp], sound)
        self._harvest.clear()
        for viewer, track, sequences in missing:
            member = self._by_index.get(viewer)
            if member is not None and len(sequences) <= RESENDS:
                member.viewer.ask_again(int(self.tally.ssrcs[track, viewer]), sequences)
        now = time.monotonic()
        for index, data in others:
            if index in self._by_index:
                self._by_index[index].viewer.agent.receive(data, now)

    def _report(self) -> None:
        """Receiver reports of a few at a time, so that each sends one in REPORT_EVERY."""
        self._quota = min(self._quota + len(self.members) * SWEEP / REPORT_EVERY, len(self.members))
        while self._quota >= 1:
            self._quota -= 1
            if not self._due:
                self._due = list(self.members)
            member = self._due.pop()
            if member.sock is not None and member.viewer.agent.closed is None:
                member.viewer.report(self._blocks(member))

    def _blocks(self, member: Member) -> list[rtcp.ReportBlock]:
        blocks = []
        tally, index = self.tally, member.index
        for track in (0, 1):
            if tally.highest[track, index] < 0:
                continue
            ssrc = int(tally.ssrcs[track, index])
            lost = int(tally.missing[track, index] - tally.repaired[track, index])
            expected = int(tally.packets[track, index]) + lost
            before, lost_before = member.reported[track]
            span, gone = expected - before, max(0, lost - lost_before)
            member.reported[track] = expected, lost
            middle, at = member.viewer.heard.get(ssrc, (0, 0.0))
            delay = round((time.monotonic() - at) * 65536) & 0xFFFFFFFF if middle else 0
            fraction = min(255, gone * 256 // span) if span > 0 else 0
            highest = int(tally.highest[track, index]) - (1 << 16)
            blocks.append(rtcp.ReportBlock(ssrc, fraction, lost, highest, 0, middle, delay))
        return blocks


def room(descriptors: int) -> None:
    """Let this process open so many files, as far as the system permits."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < descriptors:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, descriptors), hard))


def _nobody(reason: str) -> None:
    """Stands for who would be told of an end that is wanted."""


def _first_keyframe(member: Member, seen: asyncio.Event) -> Callable[[bytes, float], None]:
    """A viewer's `on_packet` that sets `seen` when the last packet of the first keyframe is there."""
    stamp: bytes | None = None

    def look(packet: bytes, arrival: float) -> None:
        nonlocal stamp
        if member.keyframe is not None or packet[1] & 0x7F != PAYLOAD_TYPES[Codec.H264]:
            return
        try:
            payload = parse(packet).payload
        except MalformedError:
            return
        if stamp is None and _begins_keyframe(payload):
            stamp = packet[4:8]
        if packet[4:8] == stamp and packet[1] & 0x80:
            member.keyframe = arrival
            seen.set()

    return look


def _begins_keyframe(payload: bytes) -> bool:
    """Whether an H264 payload is the first of a keyframe (or has the parameter sets before it)."""
    kind = payload[0] & 0x1F if len(payload) > 3 else 0
    if kind == h264.STAP_A:
        return payload[3] & 0x1F in (h264.SPS, h264.IDR)
    return (payload[1] if kind == h264.FU_A else kind) & 0x1F in (h264.SPS, h264.IDR)
