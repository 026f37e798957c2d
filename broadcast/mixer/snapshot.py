"""Small pictures of the programme for timelines: one each so many seconds, as JPEG.

The tick scales its picture down (under a millisecond); a thread compresses it. One that is not ready when the
next is due is not waited for: the next one is left out.
"""

import io
import logging
import queue
import threading
from collections.abc import Callable

import av
from PIL import Image

log = logging.getLogger(__name__)

WIDTH = 256  # pixels; the height follows
QUALITY = 70  # of JPEG: some 8 KB


class Snapshots:
    """`take` each picture with its Unix time; `on_made` gets the Unix second and the JPEG, in a thread."""

    def __init__(self, every: int, on_made: Callable[[int, bytes], None]) -> None:
        self._every = every
        self._on_made = on_made
        self._last: int | None = None
        self._queue: queue.Queue[tuple[int, av.VideoFrame] | None] = queue.Queue(1)
        self._thread = threading.Thread(target=self._run, name="snapshots", daemon=True)
        self._thread.start()

    def take(self, picture: av.VideoFrame, unix: float) -> None:
        """Look whether one is due; the first picture after each multiple of `every` seconds is taken."""
        due = int(unix) // self._every * self._every
        if due == self._last:
            return
        self._last = due
        height = round(picture.height * WIDTH / picture.width / 2) * 2
        try:
            self._queue.put_nowait((due, picture.reformat(WIDTH, height, "rgb24")))
        except queue.Full:
            log.info("a snapshot is left out: the one before is not ready")

    def close(self, within: float) -> None:
        """End the thread."""
        try:
            self._queue.put(None, timeout=within)
        except queue.Full:
            return  # it hangs, and ends with the process
        self._thread.join(within)

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            second, picture = item
            out = io.BytesIO()
            Image.fromarray(picture.to_ndarray()).save(out, "JPEG", quality=QUALITY)
            try:
                self._on_made(second, out.getvalue())
            except OSError as error:
                log.debug("the server has gone: %s", error)
                return
