"""One SRT connection, by Debian's libsrt in cffi's ABI mode: PyAV's FFmpeg has no SRT, and an `ffmpeg` would
have the passphrase in its argument list, where everybody on the machine may read it.

libsrt comes with Debian's ffmpeg. Constants are those of its `srt.h`, which are part of its ABI.
"""

import socket
import struct
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import cffi

from broadcast.outputs.restream.line import ENDED, NO_ANSWER, Fault
from broadcast.outputs.restream.reach import REFUSED, SinkError, resolve
from broadcast.targets import Target

LIBRARIES = tuple(f"libsrt{tls}.so.1.{age}" for age in (5, 4) for tls in ("-gnutls", "-openssl", ""))
PAYLOAD = 1316  # octets of one message: seven packets of MPEG-TS, which fit into one datagram
LATENCY = 400  # ms, where the address says nothing: rides out a lost packet four times over 100 ms
SEND_MS = 4000  # longest that a send may wait for room
IDLE_MS = 5000  # silence of the other side after which the connection is broken

_SNDTIMEO, _LATENCY, _PASSPHRASE, _PBKEYLEN = 13, 23, 26, 27
_CONNTIMEO, _STREAMID, _PEERIDLETIMEO = 36, 46, 55
_BAD_SECRET, _UNSECURE, _TIMEOUT = 10, 11, 16  # SRT_REJECT_REASON
_ANSWERS: Mapping[int, Fault] = MappingProxyType({
    _BAD_SECRET: Fault("rejected", "The passphrase is wrong."),
    _UNSECURE: Fault("rejected", "One side has a passphrase, the other has none."),
    _TIMEOUT: NO_ANSWER,
    1401: Fault("rejected", "It asks for other credentials."),
    1403: Fault("rejected", "It does not allow this stream id."),
    1404: Fault("rejected", "It does not know this stream id."),
    1409: Fault("rejected", "Somebody else sends under this stream id."),
})  # fmt: skip
NO_LIBRARY = Fault("no_srt", "This server has no SRT. Say: apt-get install ffmpeg")

_CDEF = """
int srt_startup(void);
int srt_cleanup(void);
int srt_create_socket(void);
int srt_setsockflag(int, int, const void *, int);
int srt_connect(int, const void *, int);
int srt_sendmsg(int, const char *, int, int, int);
int srt_close(int);
int srt_getrejectreason(int);
"""


class SrtConnection:
    """A file to write MPEG-TS to. Raises SinkError when it cannot connect, or has lost the connection."""

    def __init__(self, target: Target, connect: float) -> None:
        self.octets = 0
        self._socket = -1
        self._ffi: Any = cffi.FFI()
        self._ffi.cdef(_CDEF)
        self._srt = self._library()
        self._srt.srt_startup()
        reason = REFUSED
        for family, _, _, _, address in resolve(target, socket.SOCK_DGRAM):
            self._socket = self._srt.srt_create_socket()
            self._set_up(target, connect)
            place = _sockaddr(family, address)
            if self._srt.srt_connect(self._socket, place, len(place)) == 0:
                return
            reason = self._answer()
            self._srt.srt_close(self._socket)
        self._srt.srt_cleanup()
        raise SinkError(reason)

    def write(self, data: bytes) -> int:
        """Send whole packets of MPEG-TS."""
        for start in range(0, len(data), PAYLOAD):
            part = bytes(data[start : start + PAYLOAD])
            if self._srt.srt_sendmsg(self._socket, part, len(part), -1, 1) < 0:
                raise SinkError(ENDED)
            self.octets += len(part)
        return len(data)

    def close(self) -> None:
        """End it. Idempotent."""
        if self._socket >= 0:
            self._srt.srt_close(self._socket)
            self._srt.srt_cleanup()
            self._socket = -1

    def _library(self) -> Any:
        for name in LIBRARIES:
            try:
                return self._ffi.dlopen(name)
            except OSError:
                continue
        raise SinkError(NO_LIBRARY)

    def _set_up(self, target: Target, connect: float) -> None:
        for option, number in (
            (_CONNTIMEO, round(connect * 1000)),
            (_SNDTIMEO, SEND_MS),
            (_PEERIDLETIMEO, IDLE_MS),
            (_LATENCY, target.latency or LATENCY),
            (_PBKEYLEN, target.key_length if target.passphrase else 0),
        ):
            if number:
                self._option(option, struct.pack("=i", number))
        for option, text in ((_STREAMID, target.stream_id), (_PASSPHRASE, target.passphrase)):
            if text:
                self._option(option, text.encode())

    def _option(self, option: int, value: bytes) -> None:
        if self._srt.srt_setsockflag(self._socket, option, value, len(value)) != 0:
            raise SinkError(Fault("failed", "This server's SRT is of another kind than expected."))

    def _answer(self) -> Fault:
        """Why the connection was refused."""
        reason = self._srt.srt_getrejectreason(self._socket)
        return _ANSWERS.get(reason, REFUSED if reason else NO_ANSWER)


def _sockaddr(family: int, address: Any) -> bytes:
    """`struct sockaddr_in` or `sockaddr_in6` (netinet/in.h)."""
    start = struct.pack("=H", family) + struct.pack("!H", address[1])
    if family == socket.AF_INET:
        return start + socket.inet_aton(address[0]) + bytes(8)
    packed = socket.inet_pton(family, address[0].partition("%")[0])
    return start + struct.pack("!I", address[2]) + packed + struct.pack("=I", address[3])
