"""Memory that was freed, given back to the system.

glibc keeps what was freed in the middle of its heaps for ever: after a busy minute, in which frames of all
sources waited, the process would stay as large as it was then. Giving back takes milliseconds in which nobody
can allocate, so it is done only when there is much.
"""

import ctypes
import threading

EVERY = 30.0  # seconds
MUCH = 24 << 20  # octets


class _Heaps(ctypes.Structure):
    """`struct mallinfo2` of mallinfo(3), since glibc 2.33: ten numbers, the ninth is what lies free."""

    _fields_ = [("others", ctypes.c_size_t * 8), ("free", ctypes.c_size_t), ("top", ctypes.c_size_t)]


def spare() -> int:
    """Octets that were freed and are kept, or were given back; 0 where the C library does not say."""
    look = getattr(ctypes.CDLL(None), "mallinfo2", None)
    if look is None:
        return 0
    look.restype = _Heaps
    return int(look().free)


class Heap:
    """This process's. Call `trim` now and then."""

    def __init__(self) -> None:
        self._given = 0  # octets of what lies free that are the system's already

    def trim(self) -> None:
        """malloc_trim(3), if there is much to give back."""
        free = spare()
        self._given = min(self._given, free)  # what was taken into use again
        if free - self._given >= MUCH:
            ctypes.CDLL(None).malloc_trim(0)
            self._given = free


def keep_small(closing: threading.Event) -> None:
    """Trim now and then until `closing`. A thread's own."""
    heap = Heap()
    while not closing.wait(EVERY):
        heap.trim()
