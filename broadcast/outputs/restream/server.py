"""One connection to an RTMP or RTMPS server: the socket under rtmp.py. Blocks, but never for ever."""

import contextlib
import fcntl
import os
import select
import socket
import ssl
import sys
import termios
import time

from broadcast.errors import MalformedError
from broadcast.outputs.restream import rtmp
from broadcast.outputs.restream.line import ENDED, NO_ANSWER, Fault
from broadcast.outputs.restream.reach import REFUSED, SinkError, resolve
from broadcast.targets import Scheme, Target

WRITE_SECONDS = 5.0  # that a write may wait for the other side
SEND_BUFFER = 256 << 10  # octets in the kernel, which doubles them: over a second of the programme
READ = 65536

BAD_CERTIFICATE = Fault("certificate", "Its certificate is not one that this server trusts.")
NOT_RTMP = Fault("not_rtmp", "What answers there does not speak RTMP.")
BAD_NAME = Fault("rejected", "Somebody else sends under this key already.")
REJECTED = Fault("rejected", "It refuses the stream: is the key right?")


class RtmpConnection:
    """Connects and publishes, or raises SinkError. The caller puts messages into `rtmp` and calls `flush`."""

    def __init__(self, target: Target, connect: float, ca_file: str) -> None:
        self._sent = self._taken = 0
        url = f"{target.scheme}://{target.place}/{target.application}"
        self.rtmp = rtmp.Publisher(url, target.application, target.stream, os.urandom(rtmp.HANDSHAKE - 8))
        until = time.monotonic() + connect
        with _told():
            self._socket = _connected(target, connect, ca_file)
            try:
                self._agree(until)
            except BaseException:
                self._socket.close()
                raise
        self._socket.settimeout(WRITE_SECONDS)

    @property
    def octets(self) -> int:
        """How much the server has taken. What waits in the kernel does not count, lest a server that hangs
        seem well until that is full."""
        with contextlib.suppress(OSError):
            waiting = int.from_bytes(fcntl.ioctl(self._socket, termios.TIOCOUTQ, bytes(4)), sys.byteorder)
            self._taken = max(self._taken, self._sent - waiting)
        return self._taken

    def flush(self) -> None:
        """Send what waits, and hear what the server has to say. Raises SinkError."""
        with _told():
            self._send()
            while self._readable():
                self._hear()

    def close(self) -> None:
        """Say goodbye if that is possible at once. Idempotent; raises nothing."""
        with contextlib.suppress(OSError, SinkError):
            self._socket.settimeout(0.5)
            self.rtmp.end()
            self._send()
        self._socket.close()

    def _agree(self, until: float) -> None:
        while not self.rtmp.live:
            left = until - time.monotonic()
            if left <= 0:
                raise SinkError(NO_ANSWER)
            self._socket.settimeout(left)
            try:
                self._send()
                self._hear()
            except ConnectionError:
                raise SinkError(self._hung_up()) from None

    def _send(self) -> None:
        data = self.rtmp.take()
        if data:
            self._socket.sendall(data)
            self._sent += len(data)

    def _hear(self) -> None:
        data = self._socket.recv(READ)
        if not data:
            raise SinkError(self._hung_up())
        self.rtmp.receive(data)

    def _hung_up(self) -> Fault:
        """Many servers say nothing about a key that they do not know."""
        return REJECTED if rtmp.Phase.CONNECT <= self.rtmp.phase < rtmp.Phase.LIVE else ENDED

    def _readable(self) -> bool:
        if isinstance(self._socket, ssl.SSLSocket) and self._socket.pending():
            return True
        return bool(select.select([self._socket], [], [], 0)[0])


class _told(contextlib.AbstractContextManager[None]):
    """Turns what sockets and servers raise into SinkError."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        match error:
            case rtmp.Refused():
                raise SinkError(BAD_NAME if error.code.endswith("BadName") else REJECTED) from None
            case MalformedError():
                raise SinkError(NOT_RTMP) from None
            case ssl.SSLCertVerificationError():
                raise SinkError(BAD_CERTIFICATE) from None
            case ssl.SSLError():
                raise SinkError(NOT_RTMP) from None
            case ConnectionRefusedError():
                raise SinkError(REFUSED) from None
            case TimeoutError():
                raise SinkError(NO_ANSWER) from None
            case OSError():
                raise SinkError(ENDED) from None


def _connected(target: Target, seconds: float, ca_file: str) -> socket.socket:
    resolve(target, socket.SOCK_STREAM)
    plain = socket.create_connection((target.host, target.port), timeout=seconds)
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if target.scheme is not Scheme.RTMPS:
        return plain
    try:
        context = ssl.create_default_context(cafile=ca_file or None)
        return context.wrap_socket(plain, server_hostname=target.host)
    except BaseException:
        plain.close()
        raise
