"""Lip-sync of the programme as it is sent: its packets decoded here, on the clock of its own sender reports.

What a browser adds on top (its buffers, its sound device) is measured in the browser.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import av
import numpy as np

from broadcast.client.whep import WhepViewer
from broadcast.errors import MalformedError
from broadcast.rtp import rtcp
from tests.bench.rows import pairs

START = b"\0\0\0\1"
OPUS = 111  # payload type that our viewer offers
LOUD = 0.08  # of full scale
QUIET_BEFORE = 0.3  # seconds without a loud sample before a beep begins
BRIGHT = 180


@dataclass
class Tape:
    """Everything that a `WhepViewer` receives from now on: packets, and the newest report of each stream."""

    viewer: WhepViewer
    packets: list[bytes] = field(default_factory=list)
    reports: dict[int, rtcp.SenderReport] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.viewer.on_packet = lambda packet, arrival: self.packets.append(packet)
        inner = self.viewer.agent.on_rtcp

        def listen(data: bytes, arrival: float) -> None:
            try:
                found = [each for each in rtcp.parse(data) if isinstance(each, rtcp.SenderReport)]
            except MalformedError:
                found = []
            self.reports.update({each.ssrc: each for each in found})
            inner(data, arrival)

        self.viewer.agent.on_rtcp = listen

    def beeps_after_flashes(self) -> list[float]:
        """How many ms later than its flash each beep begins; the tape is empty afterwards."""
        packets, self.packets = self.packets, []
        pictures: dict[float, bytes] = {}
        sounds: list[tuple[float, bytes]] = []
        for packet in packets:
            kind, at, payload = self._placed(packet)
            if kind == OPUS:
                sounds.append((at, payload))
            else:
                pictures[at] = pictures.get(at, b"") + b"".join(_annex_b(payload))
        return pairs([at * 1000 for at in _flashes(pictures)], [at * 1000 for at in _beeps(sounds)])

    def _placed(self, packet: bytes) -> tuple[int, float, bytes]:
        """Payload type, time in seconds by the sender reports, payload."""
        kind = packet[1] & 127
        timestamp, ssrc = struct.unpack_from("!II", packet, 4)
        begin = 12 + 4 * (packet[0] & 15)
        if packet[0] & 16:
            begin += 4 + 4 * int.from_bytes(packet[begin + 2 : begin + 4], "big")
        report = self.reports[ssrc]
        ticks = (timestamp - report.timestamp + (1 << 31)) % (1 << 32) - (1 << 31)
        return kind, report.ntp / (1 << 32) + ticks / (48000 if kind == OPUS else 90000), packet[begin:]


def _annex_b(payload: bytes) -> Iterator[bytes]:
    """NAL units, or parts of one, of an H264 payload (RFC 6184, sections 5.6 to 5.8)."""
    kind = payload[0] & 31
    if kind == 24:
        at = 1
        while at + 2 < len(payload):
            size = int.from_bytes(payload[at : at + 2], "big")
            yield START + payload[at + 2 : at + 2 + size]
            at += 2 + size
    elif kind == 28:
        first = payload[1] & 128
        yield START + bytes([payload[0] & 0xE0 | payload[1] & 31]) + payload[2:] if first else payload[2:]
    else:
        yield START + payload


def _flashes(pictures: dict[float, bytes]) -> list[float]:
    decoder = av.CodecContext.create("h264", "r")
    found, lit = [], True
    for at, data in pictures.items():
        try:
            decoded = decoder.decode(av.Packet(data))
        except av.error.FFmpegError:  # before the first keyframe
            continue
        for picture in decoded:
            bright = picture.to_ndarray(format="gray")[340:380, 600:680].mean() > BRIGHT
            if bright and not lit:
                found.append(at)
            lit = bool(bright)
    return found


def _beeps(sounds: Sequence[tuple[float, bytes]]) -> list[float]:
    decoder = av.CodecContext.create("libopus", "r")
    resampler = av.AudioResampler(format="flt", layout="mono", rate=48000)
    found, last = [], sounds[0][0] if sounds else 0.0
    for at, data in sounds:
        samples = [
            part.to_ndarray()[0]
            for frame in decoder.decode(av.Packet(data))
            for part in resampler.resample(frame)
        ]
        for place in np.flatnonzero(np.abs(np.concatenate(samples)) > LOUD) if samples else ():
            when = at + place / 48000
            if when - last > QUIET_BEFORE:
                found.append(when)
            last = when
    return found
