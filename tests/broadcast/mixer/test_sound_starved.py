"""A source that falls silent for longer than the timeline keeps, and then speaks again."""

import numpy as np
import pytest

from broadcast.mixer.sound import BLOCK, KEPT, Timeline


@pytest.mark.parametrize("silence", [KEPT // 2, KEPT - BLOCK, KEPT, 2 * KEPT, 5 * KEPT])
def test_a_packet_after_a_long_silence_is_played(silence: int) -> None:
    """The player went on without sound; the next packet is heard where it belongs."""
    timeline = Timeline()
    packet = np.full((2, BLOCK), 0.5, np.float32)
    timeline.write(0, packet)
    timeline.read(silence, BLOCK)
    timeline.write(silence + BLOCK // 2, packet)
    timeline.write(silence + BLOCK // 2 + BLOCK, packet)
    samples, there = timeline.read(silence + BLOCK, BLOCK)
    assert there.all()
    assert samples.min() == pytest.approx(0.5)
