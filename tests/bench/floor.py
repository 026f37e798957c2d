"""The floor: floor.c in a process of its own, paced like the stand, to sockets that only listen.

`python -m tests.bench.floor RECORDING LIBRARY HOST libsrtp|sealed` reads a JSON list of ports from standard
input, prints "ready", and sends until it is ended. The crypto is the very libsrtp that Pavilion uses, or its
seal.c.
"""

import asyncio
import json
import os
import socket
import sys
from pathlib import Path

from cffi import FFI
from pylibsrtp import Policy, Session
from pylibsrtp._binding import ffi as srtp_ffi
from pylibsrtp._binding import lib as srtp_lib

from broadcast.rtp.frame import Frame, Kind
from broadcast.rtp.packetise import Packetiser
from broadcast.transport.compiled import seal_function
from broadcast.transport.kernel import sockaddr
from broadcast.transport.seal import KEY, SALT, Seal
from broadcast.transport.tray import runs
from demo.publisher import play
from demo.recording import load

TAG = 16
_ffi = FFI()
_ffi.cdef(
    """
    long floor_send(int fd, uintptr_t protect, uintptr_t seal, uintptr_t *sessions, int session,
                    unsigned char *names, int targets, const unsigned char *frame, int packets, int size,
                    int last, int tag);
    """
)


class Floor:
    """Frames to all ports, by the C loop."""

    def __init__(self, library: str, host: str, sealed: bool, ports: list[int]) -> None:
        self._library = _ffi.dlopen(library)
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8 << 20)
        self._count = len(ports)
        self._own = [Seal(os.urandom(KEY + SALT)) if sealed else _session() for _ in ports]
        sessions = [_address(each) for each in self._own]
        self._sessions = _ffi.new("uintptr_t[]", sessions)
        self._names = _ffi.new(
            "unsigned char[]", b"".join(sockaddr(socket.AF_INET, (host, port)) for port in ports)
        )
        self._protect = int(srtp_ffi.cast("uintptr_t", srtp_ffi.addressof(srtp_lib, "srtp_protect")))
        self._seal, self._size = seal_function() if sealed else (0, 0)
        self._streams = {Kind.VIDEO: Packetiser(102, 11), Kind.AUDIO: Packetiser(111, 22)}

    def send(self, frame: Frame) -> None:
        packets = self._streams[frame.kind].packets(frame)
        for first, count in runs([len(each) + TAG for each in packets]):
            run = packets[first : first + count]
            failed = self._library.floor_send(
                self._sock.fileno(),
                self._protect,
                self._seal,
                self._sessions,
                self._size,
                self._names,
                self._count,
                b"".join(run) + bytes(TAG),  # seal.c reads that far
                count,
                len(run[0]),
                len(run[-1]),
                TAG,
            )
            assert not failed, failed


def _address(session: Session | Seal) -> int:
    return session.address if isinstance(session, Seal) else int(srtp_ffi.cast("uintptr_t", session._srtp[0]))


def _session() -> Session:
    policy = Policy(
        key=os.urandom(KEY + SALT),
        ssrc_type=Policy.SSRC_ANY_OUTBOUND,
        srtp_profile=Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    )
    policy.allow_repeat_tx, policy.window_size = True, 1024  # as our own sessions
    return Session(policy)


if __name__ == "__main__":
    floor = Floor(sys.argv[2], sys.argv[3], sys.argv[4] == "sealed", json.loads(sys.stdin.readline()))
    print("ready", flush=True)
    asyncio.run(play(floor, load(Path(sys.argv[1]))))
