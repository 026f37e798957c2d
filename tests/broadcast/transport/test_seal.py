"""Sealing: byte for byte what libsrtp does, whatever is sent and in whatever order."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pylibsrtp import Error, Policy, Session

from broadcast.rtp.packet import header
from broadcast.transport import seal
from broadcast.transport.seal import KEY, SALT, TAG, Seal
from tests.support import core as support


@pytest.fixture(scope="module", autouse=True)
def core() -> None:
    """Built, as `make run` does it."""
    support.need_seal()


def session(key: bytes, kind: int = Policy.SSRC_ANY_OUTBOUND) -> Session:
    policy = Policy(key=key, ssrc_type=kind, srtp_profile=Policy.SRTP_PROFILE_AEAD_AES_128_GCM)
    policy.allow_repeat_tx, policy.window_size = True, 1024  # as aiortc has it
    return Session(policy)


def either(one: Session | Seal, packet: bytes) -> bytes | None:
    """The packet protected, or None if it is refused."""
    try:
        return one.protect(packet)
    except (Error, ValueError):
        return None


steps = st.lists(
    st.tuples(
        st.one_of(st.integers(1, 3), st.integers(-1100, 3000)),  # to the next number
        st.sampled_from([0, 7, 99]),  # SSRC
        st.one_of(st.integers(0, 300), st.integers(0, 1200)),  # bytes of payload
        st.integers(0, 14),  # words of the header's extension
        st.one_of(st.integers(0, 3), st.integers(0, 14)),  # contributing sources: 128 bytes of header at most
    ),
    min_size=1,
    max_size=60,
)


# Some begin high, so that many come round.
firsts = st.one_of(st.integers(0, 0xFFFF), st.integers(0xFC00, 0xFFFF))


@given(key=st.binary(min_size=KEY + SALT, max_size=KEY + SALT), first=firsts, steps=steps)
def test_the_bytes_are_those_of_libsrtp(
    key: bytes, first: int, steps: list[tuple[int, int, int, int, int]]
) -> None:
    """Any keys, headers, sizes and orders of numbers, resends and roll-overs among them: the same bytes, and
    the same packets refused. None is from before the first of its SSRC: the next test has these."""
    libsrtp, own = session(key), Seal(key)
    oldest: dict[int, int] = {}
    newest: dict[int, int] = {}
    for step, ssrc, size, words, sources in steps:
        index = max(newest.get(ssrc, first) + step, oldest.setdefault(ssrc, max(0, first + step)))
        newest[ssrc] = max(index, newest.get(ssrc, 0))
        extension = b"\xbe\xde" + words.to_bytes(2, "big") + os.urandom(4 * words) if words else b""
        head = header(96, index, index * 3000, ssrc)
        start = bytes([head[0] | (0x10 if words else 0) | sources])
        packet = start + head[1:] + os.urandom(4 * sources) + extension + os.urandom(size)
        assert either(own, packet) == either(libsrtp, packet)


def test_a_number_from_before_the_first_is_refused() -> None:
    """It is not taken for one far ahead, as libsrtp does: then the roll-over would be counted too early."""
    key = os.urandom(KEY + SALT)
    own = Seal(key)
    assert own.protect(header(96, 5, 0, 7) + b"sound") == session(key).protect(header(96, 5, 0, 7) + b"sound")
    with pytest.raises(ValueError, match="cannot be protected"):
        own.protect(header(96, 65530, 0, 7) + b"sound")
    assert own.protect(header(96, 6, 0, 7) + b"sound") == session(key).protect(header(96, 6, 0, 7) + b"sound")


def test_numbers_that_have_come_round_several_times() -> None:
    """Who receives can read all of it over three roll-overs."""
    key = os.urandom(KEY + SALT)
    own, inbound = Seal(key), session(key, Policy.SSRC_ANY_INBOUND)
    for index in range(100, 200_000, 97):
        packet = header(96, index, index, 7) + b"picture"
        assert inbound.unprotect(own.protect(packet)) == packet


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"\x80" * 11,
        header(96, 1, 1, 1, extension=b"\xbe\xde\x00\x09"),  # longer than the packet
        bytes([0x90]) + header(96, 1, 1, 1)[1:],  # an extension that is not there
        bytes([0x8F]) + header(96, 1, 1, 1)[1:],  # fifteen sources that are not there
        header(96, 1, 1, 1, extension=b"\xbe\xde\x00\x40" + bytes(256)),  # a header that nobody has
    ],
    ids=["empty", "short", "extension", "no extension", "sources", "long"],
)
def test_what_is_no_packet_is_refused(packet: bytes) -> None:
    """Refused, and the session goes on."""
    key = os.urandom(KEY + SALT)
    own = Seal(key)
    with pytest.raises(ValueError, match="cannot be protected"):
        own.protect(packet)
    good = header(96, 5, 5, 5) + b"sound"
    assert own.protect(good) == session(key).protect(good)


def test_a_session_has_four_streams() -> None:
    """A fifth SSRC is refused, for there is no room to count its packets; the four go on."""
    own = Seal(os.urandom(KEY + SALT))
    packets = [header(96, 1, 1, ssrc) + b"sound" for ssrc in range(5)]
    assert [len(own.protect(packet)) - len(packet) for packet in packets[:4]] == [TAG] * 4
    with pytest.raises(ValueError, match="cannot be protected"):
        own.protect(packets[4])
    assert own.protect(packets[0])


def test_who_does_not_agree_with_libsrtp_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """One wrong byte, and libsrtp does everything."""
    assert seal.available()
    right = Seal.protect
    monkeypatch.setattr(Seal, "protect", lambda self, packet: right(self, packet)[:-1] + b"\0")
    seal.available.cache_clear()
    assert not seal.available()
    seal.available.cache_clear()
