"""Reads many sockets at low cost: `recvmmsg` into one arena, handed on as columns of numbers.

Only the first HEAD bytes of a datagram are copied (an RTP header; STUN and RTCP as a whole), its true length
and its arrival come with it. So a thousand viewers can be read by one process which looks at no packet by
itself, and as arrivals are dated by the kernel, it may read late. Linux only.
"""

import socket
import struct
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from cffi import FFI
from numpy.typing import NDArray

HEAD = 160  # bytes kept of each datagram: the longest RTCP compound of a viewer's two streams fits
ROWS = 8192  # datagrams in one harvest: 1.3 MB
MOST = 256  # datagrams read from one socket in one call
CONTROL = 64  # bytes for the kernel's time stamp
SO_TIMESTAMPNS, SO_MEMINFO, MEMINFO_DROPS = 35, 55, 8

_ffi = FFI()
_ffi.cdef(
    """
    struct iovec { void *iov_base; size_t iov_len; };
    struct msghdr {
        void *msg_name; unsigned int msg_namelen; struct iovec *msg_iov; size_t msg_iovlen;
        void *msg_control; size_t msg_controllen; int msg_flags;
    };
    struct mmsghdr { struct msghdr msg_hdr; unsigned int msg_len; };
    int recvmmsg(int fd, struct mmsghdr *entries, unsigned int count, int flags, void *timeout);
    """
)
# `struct mmsghdr` and the time stamp's control message, for numpy; the platform pads as C does.
_HEADER = np.dtype(
    [
        ("name", np.uintp),
        ("name_length", np.uint32),
        ("vector", np.uintp),
        ("vectors", np.uintp),
        ("control", np.uintp),
        ("control_length", np.uintp),
        ("flags", np.int32),
    ],
    align=True,
)
_ENTRY = np.dtype([("header", _HEADER), ("length", np.uint32)], align=True)
_STAMP = np.dtype([("length", np.uintp), ("level", np.int32), ("kind", np.int32), ("time", np.int64, 2)])


class Rows(NamedTuple):
    """Datagrams as columns; they hold until the next `clear`. `times` are Unix seconds."""

    owners: NDArray[np.int64]
    heads: NDArray[np.uint8]
    lengths: NDArray[np.int64]
    times: NDArray[np.float64]


class Harvest:
    """One arena, filled socket by socket by `read`, looked at by `rows`, emptied by `clear`."""

    def __init__(self) -> None:
        self._libc: Any = _ffi.dlopen(None)
        self._heads = np.zeros((ROWS, HEAD), np.uint8)
        self._controls = np.zeros((ROWS, CONTROL), np.uint8)
        self._vectors = np.zeros((ROWS, 2), np.uintp)
        self._vectors[:, 0] = self._heads.ctypes.data + np.arange(ROWS, dtype=np.uintp) * HEAD
        self._vectors[:, 1] = HEAD
        self._entries = np.zeros(ROWS, _ENTRY)
        size = _ffi.sizeof("struct iovec")
        headers = self._entries["header"]
        headers["vector"] = self._vectors.ctypes.data + np.arange(ROWS, dtype=np.uintp) * size
        headers["vectors"] = 1
        headers["control"] = self._controls.ctypes.data + np.arange(ROWS, dtype=np.uintp) * CONTROL
        headers["control_length"] = CONTROL
        assert _ENTRY.itemsize == _ffi.sizeof("struct mmsghdr"), "numpy and C lay structures out alike"
        self._base = _ffi.cast("struct mmsghdr *", self._entries.ctypes.data)
        self._used = 0
        self._owners: list[int] = []
        self._counts: list[int] = []

    @property
    def full(self) -> bool:
        """Whether the next socket might not find room: look at the rows, and clear."""
        return ROWS - self._used < MOST

    def read(self, owner: int, descriptor: int) -> int:
        """What waits in one socket, up to MOST; never blocks. Returns how many that was."""
        room = min(MOST, ROWS - self._used)
        flags = socket.MSG_DONTWAIT | socket.MSG_TRUNC
        count: int = self._libc.recvmmsg(descriptor, self._base + self._used, room, flags, _ffi.NULL)
        if count <= 0:
            return 0
        self._used += count
        self._owners.append(owner)
        self._counts.append(count)
        return count

    def rows(self) -> Rows:
        """Everything read since the last `clear`."""
        used = self._used
        stamps = self._controls[:used].view(_STAMP)[:, 0]["time"]
        return Rows(
            np.repeat(np.array(self._owners, np.int64), self._counts),
            self._heads[:used],
            self._entries["length"][:used].astype(np.int64),
            stamps[:, 0] + stamps[:, 1] * 1e-9,
        )

    def clear(self) -> None:
        self._entries["header"]["control_length"][: self._used] = CONTROL  # the kernel wrote what it used
        self._used = 0
        self._owners.clear()
        self._counts.clear()


def prepare(sock: socket.socket) -> None:
    """Have the kernel date what arrives at a socket."""
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)


def dropped(socks: Iterable[socket.socket]) -> int:
    """Datagrams that the kernel has thrown away because these sockets' own buffers were full."""
    total = 0
    for sock in socks:
        info = sock.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, 36)
        total += struct.unpack_from("=9I", info)[MEMINFO_DROPS]
    return total
