"""`sendmmsg` with UDP GSO, called through cffi's ABI mode, which needs no compiler.

`Batch` holds the kernel's structures for many datagrams. They are laid out once; what changes from burst to
burst is written for all at once, through strided slices of machine words. Linux on 64 bits only; the caller
asks `available()` first. Layouts are the platform's as cffi computes them.
"""

import errno
import functools
import socket
import struct
from array import array
from typing import Any

from cffi import FFI

SOL_UDP, UDP_SEGMENT = 17, 103
MAX_ENTRIES = 512  # one call's; the kernel takes up to 1024
WORD = 8  # bytes
NAME = 28  # bytes kept for an address: the longer of IPv4's and IPv6's

_ffi = FFI()
_ffi.cdef(
    """
    struct iovec { void *iov_base; size_t iov_len; };
    struct msghdr {
        void *msg_name; unsigned int msg_namelen; struct iovec *msg_iov; size_t msg_iovlen;
        void *msg_control; size_t msg_controllen; int msg_flags;
    };
    struct mmsghdr { struct msghdr msg_hdr; unsigned int msg_len; };
    int sendmmsg(int fd, struct mmsghdr *entries, unsigned int count, int flags);
    """
)
_CONTROL = struct.Struct("@NiiH0N")  # struct cmsghdr with 16 bits of data, padded as CMSG_SPACE says
_CONTROL_LENGTH = struct.calcsize("@NiiH")  # CMSG_LEN(2)


@functools.cache
def _libc() -> Any:
    return _ffi.dlopen(None)


def available() -> bool:
    """True where the C library has `sendmmsg`, and words are what `Batch` takes them for."""
    try:
        return _libc().sendmmsg is not None and _ffi.sizeof("void *") == WORD
    except (OSError, AttributeError):
        return False


def segments(sock: socket.socket) -> bool:
    """True where the kernel knows UDP GSO (Linux 4.18). Whether the route does shows at the first use."""
    try:
        sock.getsockopt(SOL_UDP, UDP_SEGMENT)
    except OSError:
        return False
    return True


def sockaddr(family: int, address: tuple[Any, ...]) -> bytes:
    """The C structure for a socket address as Python gives it."""
    if family == socket.AF_INET6:
        host, port, flow, scope = address
        raw = socket.inet_pton(family, host.partition("%")[0])
        return struct.pack("=H", family) + struct.pack("!HI16s", port, flow, raw) + struct.pack("=I", scope)
    host, port = address
    return struct.pack("=H", family) + struct.pack("!H4s8x", port, socket.inet_pton(family, host))


@functools.lru_cache(512)  # speakers, whose packets are many; a viewer says little
def address(family: int, name: bytes) -> tuple[Any, ...]:
    """The socket address as Python gives it, for the C structure."""
    if family == socket.AF_INET6:
        port, flow, raw = struct.unpack_from("!HI16s", name, 2)
        (scope,) = struct.unpack_from("=I", name, 24)
        return socket.inet_ntop(family, raw), port, flow, scope
    port, raw = struct.unpack_from("!H4s", name, 2)
    return socket.inet_ntop(family, raw), port


class Cells:
    """`count` cells of `size` bytes for packets. `memory` is for the caller to fill; `pointers` lead to each
    cell, for C functions."""

    def __init__(self, count: int, size: int) -> None:
        self.count, self.size = count, size
        self.memory = memoryview(bytearray(count * size))
        self.base = _ffi.from_buffer("unsigned char[]", self.memory)
        self.pointers = [self.base + index * size for index in range(count)]


class Batch:
    """The structures of one call that sends from `cells`. An entry is one or more neighbouring cells that go
    to one address: as a datagram each (GSO), or as the only one."""

    def __init__(self, sock: socket.socket, cells: Cells) -> None:
        self._fd = sock.fileno()
        self._vectors = _ffi.new("struct iovec[]", cells.count)
        self._entries = _ffi.new("struct mmsghdr[]", MAX_ENTRIES)
        self._names = _ffi.new("unsigned char[]", MAX_ENTRIES * NAME)
        self._name_bytes = memoryview(_ffi.buffer(self._names))
        self._controls: dict[int, Any] = {}  # by segment size, of which there are under 1500
        vectors = memoryview(_ffi.buffer(self._vectors)).cast("B").cast("Q")
        first = _address(cells.base)
        vectors[0::2] = array("Q", range(first, first + cells.count * cells.size, cells.size))
        self._lengths = vectors[1::2]
        entries = memoryview(_ffi.buffer(self._entries)).cast("B").cast("Q")
        self._fields = {
            name: entries[_word(name) :: _ffi.sizeof("struct mmsghdr") // WORD]
            for name in ("name", "namelen", "iov", "iovlen", "control", "controllen")
        }

    def address(self, names: bytes, size: int, repeats: int) -> None:
        """Who gets the entries: the first, the second, ... of `names`, of `size` bytes each, `repeats` times
        over."""
        targets, first = len(names) // size, _address(self._names)
        self._name_bytes[: len(names)] = names
        count = targets * repeats
        self._fields["name"][:count] = array("Q", range(first, first + len(names), size)) * repeats
        self._fields["namelen"][:count] = array("Q", (size,)) * count

    def measure(self, lengths: "array[int]") -> None:
        """How many bytes to send of the first, the second, ... cell."""
        self._lengths[: len(lengths)] = lengths

    def assign(self, first: int, count: int, cell: int, step: int, cells: int, segment: int) -> None:
        """What `count` entries from number `first` on send: `cells` neighbouring ones each, which begin at
        `cell` and for every next entry `step` further on. `segment`: the bytes of each but the last, where
        the kernel is to cut them apart; 0 for a single cell."""
        size, fields, some = _ffi.sizeof("struct iovec"), self._fields, slice(first, first + count)
        begin = _address(self._vectors) + cell * size
        fields["iov"][some] = array("Q", range(begin, begin + count * step * size, step * size))
        fields["iovlen"][some] = array("Q", (cells,)) * count
        control = _address(self._controls.get(segment) or self._cut(segment)) if segment else 0
        fields["control"][some] = array("Q", (control,)) * count
        fields["controllen"][some] = array("Q", (_CONTROL.size if segment else 0,)) * count

    def send(self, first: int, end: int) -> tuple[int, int]:
        """Send entries `first` to `end`. Returns how many went, and if none did, the errno."""
        while True:
            sent = _libc().sendmmsg(self._fd, self._entries + first, end - first, socket.MSG_DONTWAIT)
            if sent > 0:
                return sent, 0
            if sent == 0 or _ffi.errno != errno.EINTR:
                return 0, _ffi.errno if sent else errno.EAGAIN

    def _cut(self, segment: int) -> Any:
        control = _ffi.new("unsigned char[]", _CONTROL.pack(_CONTROL_LENGTH, SOL_UDP, UDP_SEGMENT, segment))
        self._controls[segment] = control
        return control


def _word(field: str) -> int:
    """Where a field of `msghdr` lies in a `mmsghdr`, in words."""
    offset = _ffi.offsetof("struct mmsghdr", "msg_hdr") + _ffi.offsetof("struct msghdr", f"msg_{field}")
    return int(offset) // WORD


def _address(pointer: Any) -> int:
    return int(_ffi.cast("uintptr_t", pointer))
