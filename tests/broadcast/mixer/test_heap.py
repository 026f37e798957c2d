"""What was freed goes back to the system."""

import psutil
import pytest

from broadcast.mixer.heap import MUCH, Heap, spare


def test_a_busy_moment_leaves_no_large_process() -> None:
    """After many small blocks that lie among others are freed, hardly more than those others is kept."""
    if not spare():
        pytest.skip("this C library does not say what it keeps")
    blocks = [bytes(2000) for _ in range(40_000)]
    kept = blocks[::10]
    del blocks
    assert spare() >= MUCH
    process = psutil.Process()
    before = process.memory_info().rss
    Heap().trim()
    assert process.memory_info().rss < before - MUCH
    assert len(kept) == 4000
