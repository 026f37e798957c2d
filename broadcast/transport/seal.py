"""A session of `seal.c`: SRTP's AES-128-GCM for who sends, small enough to be fetched ahead of its turn.

It gives the bytes that libsrtp gives, and is used only where it was seen to do so on this machine. SRTCP and
what arrives stay with libsrtp, as does everything where there is no compiled core or another processor.
"""

import contextlib
import functools
import logging
import os

from pylibsrtp import Error, Policy, Session

from broadcast.rtp.packet import header
from broadcast.transport.compiled import ffi, library
from broadcast.transport.lineup import SEAL_TAG

KEY, SALT, TAG = 16, 12, SEAL_TAG  # bytes
SIZES = (0, 1, 15, 16, 17, 111, 112, 113, 127, 128, 129, 500, 1150)  # bytes of payload that are compared


log = logging.getLogger(__name__)


class Seal:
    """One sending session. `key`: master key and salt, KEY + SALT bytes. Only where `available()`. Used like
    a libsrtp session that allows a packet to be sent again: 1,024 packets back, not further. It has
    four SSRCs and headers of up to 128 bytes."""

    __slots__ = ("_session", "address")

    def __init__(self, key: bytes) -> None:
        assert len(key) == KEY + SALT
        made = library().seal_new(key[:KEY], key[KEY : KEY + SALT])
        if made == ffi.NULL:
            raise MemoryError
        self._session = ffi.gc(made, library().seal_free)
        self.address = int(ffi.cast("uintptr_t", made))

    def protect(self, packet: bytes) -> bytes:
        """One packet, protected. Raises ValueError if it is no RTP packet, its number is too old or from
        before the first, or its SSRC one too many."""
        room, length = ffi.new("unsigned char[]", len(packet) + TAG), ffi.new("int *", len(packet))
        if library().seal_packet(self._session, packet + bytes(TAG), room, length):
            raise ValueError("this packet cannot be protected")
        return bytes(ffi.buffer(room, length[0]))


@functools.cache
def available() -> bool:
    """Whether this machine can, and gives what libsrtp gives: for each of SIZES, and past the roll-over."""
    if library() is None or not library().seal_possible():
        return False
    key, agree = os.urandom(KEY + SALT), False
    packets = (header(96, 0x7F00 + 0x4000 * i, i, 7) + os.urandom(size) for i, size in enumerate(SIZES))
    policy = Policy(key, Policy.SSRC_ANY_OUTBOUND, srtp_profile=Policy.SRTP_PROFILE_AEAD_AES_128_GCM)
    with contextlib.suppress(Error, ValueError, MemoryError):  # a libsrtp without AES-GCM, for one
        libsrtp, seal = Session(policy), Seal(key)
        agree = all(libsrtp.protect(packet) == seal.protect(packet) for packet in packets)
    if not agree:
        log.error("seal.c and libsrtp do not agree: please report this, with the kind of processor")
    return agree
