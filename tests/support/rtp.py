"""What the tests of rtp, feeds and outputs share: made-up frames, a network that loses and shuffles, a peer
in memory."""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from broadcast.rtp import h264
from broadcast.rtp.frame import Codec, Frame
from broadcast.transport.sdp import Extension, Negotiated, Track

# A real SPS and PPS: constrained baseline, 1280 x 720.
SPS = bytes.fromhex("6742c01fda014016ec0440000003004000000f03c60ca8")
PPS = bytes.fromhex("68ce0fc8")


def nal(kind: int, size: int, seed: int = 0) -> bytes:
    """A slice of `size` bytes that begins a picture; never holds a start code, never ends in zero."""
    body = random.Random(seed * 7919 + size).randbytes(max(0, size - 2)).replace(b"\x00", b"\x01")
    return bytes((0x60 | kind, 0x88)) + body


def picture(index: int, *, key: bool = False, size: int = 3000, fps: int = 30) -> Frame:
    """The H264 picture with that number, captured at index / fps."""
    units = [SPS, PPS, nal(h264.IDR, size, index)] if key else [nal(h264.SLICE, size, index)]
    return Frame(Codec.H264, h264.annex_b(units), index * 90000 // fps, index / fps, key)


def vp8_picture(index: int, *, key: bool = False, size: int = 3000) -> Frame:
    """The VP8 picture with that number."""
    body = random.Random(index).randbytes(size)
    head = b"\x10\x02\x00\x9d\x01\x2a\x00\x05\xd0\x02" if key else b"\x11\x02\x00"
    return Frame(Codec.VP8, head + body, index * 3000, index / 30, key)


def sound(index: int) -> Frame:
    """The packet of sound with that number, captured at index / 50."""
    return Frame(Codec.OPUS, b"\xfc" + index.to_bytes(4, "big") * 20, index * 960, index / 50)


def network(
    packets: Iterable[Any], seed: int, *, loss: float = 0.0, twice: float = 0.0, reach: int = 0
) -> list[Any]:
    """What arrives: some lost, some doubled, some up to `reach` places late."""
    dice = random.Random(seed)
    sent = [(index + dice.uniform(0, reach), p) for index, p in enumerate(packets) if dice.random() >= loss]
    sent += [(place + dice.uniform(0, reach), p) for place, p in sent if dice.random() < twice]
    return [packet for _, packet in sorted(sent, key=lambda pair: pair[0])]


def track(codec: Codec, payload_type: int, **changes: Any) -> Track:
    """What a browser and Pavilion agree on for one kind."""
    agreed: dict[str, Any] = {
        "mid": codec.kind,
        "codec": codec,
        "payload_type": payload_type,
        "ssrcs": (),
        "extensions": {Extension.TRANSPORT_CC: 3, Extension.AUDIO_LEVEL: 4},
        "feedback": frozenset({"nack", "nack pli", "ccm fir", "goog-remb", "transport-cc"}),
        "parameters": {},
    }
    return Track(**(agreed | changes))


def nothing(*_: object) -> None:
    """A callback that nobody has set."""


@dataclass(eq=False)
class FakePeer:
    """A peer's outside (transport/peer.py) with a memory in place of a network."""

    media: Negotiated
    id: str = "peer"
    state: str = "connected"
    rtt: float | None = None
    reports_every: float = 0.0
    rtp: list[bytes] = field(default_factory=list)
    rtcp: list[bytes] = field(default_factory=list)
    on_reached: Callable[[], None] = nothing
    on_connected: Callable[[], None] = nothing
    on_rtp: Callable[[bytes, float], None] = nothing
    on_rtcp: Callable[[bytes, float], None] = nothing
    told: list[Callable[[str], None]] = field(default_factory=list)

    def send_rtp(self, packets: Sequence[bytes]) -> None:
        self.rtp += packets

    def send_rtcp(self, data: bytes) -> None:
        self.rtcp.append(data)

    def when_closed(self, callback: Callable[[str], None]) -> None:
        self.told.append(callback)

    def close(self, reason: str = "closed") -> None:
        if self.state != "closed":
            self.state = "closed"
            for callback in self.told:
                callback(reason)


class FakePort:
    """A port's outside (transport/port.py): a burst ends in the peers' memories."""

    def __init__(self) -> None:
        self.bursts: list[tuple[int, int]] = []  # peers, packets
        self.next: list[FakePeer] = []  # what the next answers give

    moves = 0

    def line_up(self, peers: Iterable[FakePeer]) -> tuple[FakePeer, ...]:
        return tuple(peers)

    def burst(self, peers: Sequence[FakePeer], packets: Sequence[bytes]) -> None:
        self.bursts.append((len(peers), len(packets)))
        for peer in peers:
            if peer.state == "connected":
                peer.rtp += packets

    def control(self, peers: Sequence[FakePeer], packet: bytes) -> None:
        for peer in peers:
            peer.send_rtcp(packet)

    def answer_watch(self, offer: str, watch: Any) -> tuple[FakePeer, str]:
        return self.next.pop(0), "answer"


class Clock:
    """Monotonic time that stands still until it is moved."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now
