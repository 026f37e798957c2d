"""The programme's sound for segments: every packet in its place, whichever process made it."""

import av
import numpy as np
import pytest

from broadcast.mixer.encoder import SegmentSoundEncoder
from broadcast.mixer.sound import BLOCK, RATE


def tone(number: int) -> np.ndarray:
    at = (np.arange(BLOCK) + number * BLOCK) / RATE
    return np.stack([0.3 * np.sin(2 * np.pi * 500 * at)] * 2).astype(np.float32)


@pytest.mark.parametrize("first", [0, 7, 1_000_001])
def test_packets_lie_on_one_grid(first: int) -> None:
    """Wherever a process begins, its packets start at multiples of 1024 and follow one another."""
    encoder = SegmentSoundEncoder(128)
    starts = [at for n in range(60) for at, _ in encoder.encode(tone(first + n), first + n)]
    assert starts == list(range(starts[0], starts[-1] + 1, 1024))
    assert starts[0] % 1024 == 0
    assert 0 <= starts[0] - first * BLOCK + 1024 <= 2048
    assert starts[-1] >= (first + 60) * BLOCK - 4 * 1024


def test_sound_is_where_its_packets_say() -> None:
    """The decoded tone has the phase that the packets' places give it: no delay of the encoder is left."""
    encoder = SegmentSoundEncoder(128)
    packets = [pair for n in range(60) for pair in encoder.encode(tone(n), n)]
    decoder = av.CodecContext.create("aac", "r")
    decoder.extradata = bytes((0x11, 0x90))
    found = [f.to_ndarray()[0] for _, data in packets for f in decoder.decode(av.Packet(data))]
    sound = np.concatenate(found)[4 * 1024 : 40 * 1024]
    first = packets[0][0] + 4 * 1024
    at = (np.arange(len(sound)) + first - SegmentSoundEncoder.AHEAD) / RATE
    wave = np.exp(-2j * np.pi * 500 * at)
    phase = np.angle((sound * wave).mean()) + np.pi / 2  # a sine lags the cosine by a quarter
    assert abs(phase / (2 * np.pi) / 500) < 0.0001  # seconds
