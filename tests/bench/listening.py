"""The programme's sound as it is sent, taken down and judged: silence, clicks, levels, loudness."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import av
import numpy as np
from numpy.typing import NDArray

from broadcast.client.whep import WhepViewer
from broadcast.mixer.loudness import Level
from broadcast.rtp.frame import Codec
from broadcast.rtp.packet import parse
from demo.recording import AUDIO_RATE, AUDIO_TICK, OPUS_DELAY, Recording, Sample

Wave = NDArray[np.float32]
OPUS = 111  # payload type that our viewer offers
BLOCK = 240  # samples in which silence is looked for, 5 ms
SILENT = 10 ** (-50 / 20)  # RMS
HIGH = 4000.0  # Hz: above it a click has energy, and the tones of the bench have none
SPAN = 0.15  # seconds round a cut


@dataclass
class SoundTape:
    """Every Opus packet that a viewer receives from now on: (RTP timestamp, arrival, payload)."""

    viewer: WhepViewer
    packets: list[tuple[int, float, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.viewer.on_packet = self._packet

    def _packet(self, data: bytes, arrival: float) -> None:
        packet = parse(data)
        if packet.payload_type == OPUS:
            self.packets.append((packet.timestamp, arrival, bytes(packet.payload)))

    def wave(self) -> tuple[float, Wave]:
        """When the first sample came (monotonic seconds, the quickest packet's), and all of them, mono."""
        first = self.packets[0][0]
        begun = min(at - (stamp - first) % (1 << 32) / AUDIO_RATE for stamp, at, _ in self.packets)
        return begun, decoded(payload for _, _, payload in self.packets)


def decoded(packets: Iterable[bytes]) -> Wave:
    """The samples of Opus packets, mono at 48 kHz."""
    decoder = av.CodecContext.create("libopus", "r")
    decoder.sample_rate, decoder.layout, decoder.format = AUDIO_RATE, "stereo", "flt"
    resampler = av.AudioResampler(format="fltp", layout="stereo", rate=AUDIO_RATE)
    parts = [
        part.to_ndarray().mean(axis=0)
        for packet in packets
        for frame in decoder.decode(av.Packet(packet))
        for part in resampler.resample(frame)
    ]
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def longest_silence(wave: Wave) -> tuple[float, float]:
    """How long it is, in ms to 5 ms, and the seconds from the beginning to its end."""
    count = len(wave) // BLOCK
    soft = np.sqrt(np.square(wave[: count * BLOCK].reshape(count, BLOCK)).mean(axis=1)) < SILENT
    longest = run = end = 0
    for number, each in enumerate(soft):
        run = run + 1 if each else 0
        if run > longest:
            longest, end = run, number + 1
    return longest * BLOCK / AUDIO_RATE * 1000, end * BLOCK / AUDIO_RATE


def sharpest(wave: Wave) -> float:
    """The peak above `HIGH` Hz in dBFS: a click, where there are only low tones."""
    spectrum = np.fft.rfft(wave * np.hanning(len(wave)))
    spectrum[np.fft.rfftfreq(len(wave), 1 / AUDIO_RATE) < HIGH] = 0
    return _decibels(float(np.abs(np.fft.irfft(spectrum, len(wave))).max()))


def around(begun: float, wave: Wave, at: float) -> Wave:
    """The sound around a moment."""
    middle = round((at - begun) * AUDIO_RATE)
    return wave[max(0, middle - round(SPAN * AUDIO_RATE)) : middle + round(SPAN * AUDIO_RATE)]


def rms(wave: Wave) -> float:
    """In dBFS."""
    return _decibels(float(np.sqrt(np.square(wave).mean())))


def loudness(wave: Wave) -> float | None:
    """Gated, in LUFS as if played by both loudspeakers; None: there is no voice."""
    level = Level(-23.0, 40.0)
    for start in range(0, len(wave), AUDIO_TICK):
        level.add(np.repeat(wave[None, start : start + AUDIO_TICK], 2, axis=0))
    return level.lufs


def voiced(recording: Recording, wave: Wave) -> Recording:
    """The recording with this sound (as long as its pictures) in place of its own, without a seam: it is
    encoded twice on end, and the second round kept."""
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = AUDIO_RATE, "mono", "flt"
    encoder.bit_rate = 64000
    encoder.options = {"frame_duration": "20"}
    packets: list[bytes] = []
    twice = np.roll(np.tile(wave, 2), -OPUS_DELAY).astype(np.float32)
    for start in range(0, len(twice), AUDIO_TICK):
        piece = av.AudioFrame.from_ndarray(
            twice[None, start : start + AUDIO_TICK], format="flt", layout="mono"
        )
        piece.pts, piece.sample_rate = start, AUDIO_RATE
        packets += map(bytes, encoder.encode(piece))
    count = len(wave) // AUDIO_TICK
    sounds = [
        Sample(Codec.OPUS, data, number * AUDIO_TICK / AUDIO_RATE, True)
        for number, data in enumerate(packets[count : 2 * count])
    ]
    pictures = [sample for sample in recording.samples if sample.codec is not Codec.OPUS]
    return replace(recording, samples=tuple(sorted(pictures + sounds, key=lambda sample: sample.at)))


def tone(hertz: float, decibels: float, seconds: float) -> Wave:
    """A steady sine of that RMS in dBFS."""
    at = np.arange(round(seconds * AUDIO_RATE)) / AUDIO_RATE
    return (10 ** (decibels / 20) * np.sqrt(2) * np.sin(2 * np.pi * hertz * at)).astype(np.float32)


def babble(decibels: float, seconds: float, seed: int) -> Wave:
    """Something like speech, of about that loudness in LUFS: see tests/broadcast/mixer/tones.py."""
    from tests.broadcast.mixer import tones

    found: Sequence[Wave] = tones.babble(seconds, decibels, seed)
    return found[0]


def _decibels(value: float) -> float:
    return float(20 * np.log10(max(value, 1e-6)))
