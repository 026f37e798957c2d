"""Small pictures for timelines."""

import io
import queue

import av
import numpy as np
from PIL import Image

from broadcast.mixer.snapshot import WIDTH, Snapshots


def picture(grey: int) -> av.VideoFrame:
    planes = np.full((720 * 3 // 2, 1280), 128, np.uint8)
    planes[:720] = grey
    return av.VideoFrame.from_ndarray(planes, format="yuv420p")


def test_one_each_so_many_seconds() -> None:
    """The first picture after each multiple is taken, named by it, small, and what was shown."""
    made: queue.Queue[tuple[int, bytes]] = queue.Queue()
    snapshots = Snapshots(10, lambda second, jpeg: made.put((second, jpeg)))
    snapshots.take(picture(200), 1_680_069_603.2)
    first = made.get(timeout=30)
    snapshots.take(picture(50), 1_680_069_609.9)
    snapshots.take(picture(120), 1_680_069_610.1)
    second = made.get(timeout=30)
    snapshots.close(30)
    assert made.empty()
    assert [first[0], second[0]] == [1_680_069_600, 1_680_069_610]
    shown = Image.open(io.BytesIO(first[1]))
    assert (shown.width, shown.height) == (WIDTH, 144)
    assert len(first[1]) < 20_000
    assert np.asarray(shown.convert("L")).mean() > np.asarray(Image.open(io.BytesIO(second[1]))).mean()
