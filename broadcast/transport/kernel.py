"""`sendmmsg` with UDP GSO, called through cffi's ABI mode, which needs no compiler.

`Batch` holds the kernel's structures for one socket, filled and sent again and again. Linux only; the
caller asks `available()` first. Layouts are the platform's own C structures as cffi computes them.
"""

import errno
import functools
import socket
import struct
from typing import Any

from cffi import FFI

SOL_UDP, UDP_SEGMENT = 17, 103
MAX_ENTRIES = 512  # one call's; the kernel takes up to 1024

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
    """True where the C library has `sendmmsg`."""
    try:
        return _libc().sendmmsg is not None
    except (OSError, AttributeError):
        return False


def segments(sock: socket.socket) -> bool:
    """True where the kernel knows UDP GSO (Linux 4.18). Whether the route does shows at the first use."""
    try:
        sock.getsockopt(SOL_UDP, UDP_SEGMENT)
    except OSError:
        return False
    return True


def sockaddr(family: int, address: tuple[Any, ...]) -> Any:
    """The C structure for a socket address as Python gives it."""
    if family == socket.AF_INET6:
        host, port, flow, scope = address
        raw = socket.inet_pton(family, host.partition("%")[0])
        packed = struct.pack("=H", family) + struct.pack("!HI16s", port, flow, raw) + struct.pack("=I", scope)
    else:
        host, port = address
        raw = socket.inet_pton(family, host)
        packed = struct.pack("=H", family) + struct.pack("!H4s8x", port, raw)
    return _ffi.new("unsigned char[]", packed)


class Batch:
    """Entries for one `sendmmsg` call, all pointing into `arena`, a bytearray that the caller fills."""

    def __init__(self, sock: socket.socket, arena: bytearray) -> None:
        self._fd = sock.fileno()
        self._base = _ffi.from_buffer("unsigned char[]", arena)
        self._entries = _ffi.new("struct mmsghdr[]", MAX_ENTRIES)
        self._vectors = _ffi.new("struct iovec[]", MAX_ENTRIES)
        self._headers = [entry.msg_hdr for entry in self._entries]
        self._controls: dict[int, Any] = {}  # by segment size, of which there are under 1500
        for index, header in enumerate(self._headers):
            header.msg_iov = self._vectors + index
            header.msg_iovlen = 1

    def put(self, index: int, name: Any, offset: int, length: int, segment: int) -> None:
        """Entry `index`: `length` bytes at `offset` to `name`, cut each `segment` bytes (0: not at all)."""
        header, vector = self._headers[index], self._vectors[index]
        header.msg_name = name
        header.msg_namelen = len(name)
        vector.iov_base = self._base + offset
        vector.iov_len = length
        if segment:
            header.msg_control = self._controls.get(segment) or self._control(segment)
            header.msg_controllen = _CONTROL.size
        else:
            header.msg_control = _ffi.NULL
            header.msg_controllen = 0

    def send(self, first: int, end: int) -> tuple[int, int]:
        """Send entries `first` to `end`. Returns how many went, and if none did, the errno."""
        while True:
            sent = _libc().sendmmsg(self._fd, self._entries + first, end - first, socket.MSG_DONTWAIT)
            if sent > 0:
                return sent, 0
            if sent == 0 or _ffi.errno != errno.EINTR:
                return 0, _ffi.errno if sent else errno.EAGAIN

    def _control(self, segment: int) -> Any:
        control = _ffi.new("unsigned char[]", _CONTROL.pack(_CONTROL_LENGTH, SOL_UDP, UDP_SEGMENT, segment))
        self._controls[segment] = control
        return control
