"""(P) STUN connectivity checks (RFC 8489, RFC 8445): what an ICE-lite server answers and a client asks.

Only what ICE needs: Binding requests with short-term credentials, their success answers, and the
role-conflict error. Reading is in two steps so that a stranger costs little: `parse` looks at bytes
only, `Binding.authentic` computes the HMAC, and the caller asks it only for a user name that it knows.
Who has been read once is known by a `Habit` from then on.
"""

import hmac
import ipaddress
import struct
import zlib
from dataclasses import dataclass

from broadcast.errors import MalformedError

MAGIC = b"\x21\x12\xa4\x42"
REQUEST, INDICATION, SUCCESS, ERROR = 0x0001, 0x0011, 0x0101, 0x0111
MAX_SIZE = 1280  # bytes; a check is about 100, and nothing that we want is longer
HEADER = 20  # bytes

_USERNAME, _INTEGRITY, _ERROR_CODE, _XOR_ADDRESS = 0x0006, 0x0008, 0x0009, 0x0020
_PRIORITY, _USE_CANDIDATE, _FINGERPRINT = 0x0024, 0x0025, 0x8028
_CONTROLLED, _CONTROLLING = 0x8029, 0x802A
_FINGERPRINT_XOR = 0x5354554E
_MAX_ATTRIBUTES = 32
_HEAD = struct.Struct("!HH4s12s")
_ATTRIBUTE = struct.Struct("!HH")
_INTEGRITY_HEAD = _ATTRIBUTE.pack(_INTEGRITY, 20)
_INTEGRITY_SIZE, _FINGERPRINT_SIZE = 24, 8  # bytes with their heads
_SIGNATURES = _INTEGRITY_SIZE + _FINGERPRINT_SIZE  # at the end

_SIZES = {_INTEGRITY: 20, _PRIORITY: 4, _USE_CANDIDATE: 0, _FINGERPRINT: 4, _CONTROLLED: 8, _CONTROLLING: 8}


@dataclass(frozen=True, slots=True)
class Binding:
    """A Binding message as it came. Nothing in it may be believed before `authentic` says so."""

    kind: int  # REQUEST, INDICATION, SUCCESS or ERROR
    transaction: bytes  # 12 bytes
    username: str  # "<receiver's ufrag>:<sender's ufrag>", or ""
    use_candidate: bool
    controlled: bool  # the sender says that it is the controlled agent
    address: bytes  # XOR-MAPPED-ADDRESS as on the wire, or b""
    _signed: bytes  # what the HMAC covers
    _digest: bytes  # the sender's HMAC, or b""

    def authentic(self, password: bytes) -> bool:
        """True if the message was signed with `password` (RFC 8489 section 14.5)."""
        return bool(self._digest) and hmac.compare_digest(_hmac(password, self._signed), self._digest)


@dataclass(frozen=True, slots=True)
class Habit:
    """What a browser's checks over one path have in common. They come every few seconds for hours, alike but
    for transaction and signatures: to see that costs half of what reading them costs."""

    head: bytes  # type, length and magic
    attributes: bytes  # up to the HMAC

    def again(self, check: bytes, password: bytes) -> bytes | None:
        """The transaction, if this is such a check, signed with `password`; else None: it is to be read. The
        fingerprint behind the HMAC is passed over: it proves less."""
        if check[:8] != self.head or check[HEADER:-_SIGNATURES] != self.attributes:
            return None
        covered = _covered(check, len(check) - _SIGNATURES)
        expected = _INTEGRITY_HEAD + _hmac(password, covered)
        authentic = hmac.compare_digest(expected, check[-_SIGNATURES:-_FINGERPRINT_SIZE])
        return check[8:HEADER] if authentic else None


def habit(check: bytes) -> Habit | None:
    """What to expect after this authentic check. None if it does not end in HMAC and fingerprint, as all
    browsers' do."""
    if check[-_SIGNATURES:][: len(_INTEGRITY_HEAD)] != _INTEGRITY_HEAD:
        return None
    return Habit(check[:8], check[HEADER:-_SIGNATURES])


def parse(data: bytes) -> Binding:
    """Read a Binding message. Raises MalformedError for anything else."""
    size = len(data)
    if not HEADER <= size <= MAX_SIZE or size % 4:
        raise MalformedError("STUN: impossible size")
    kind, length, magic, transaction = _HEAD.unpack_from(data)
    if magic != MAGIC or length != size - HEADER or kind not in (REQUEST, INDICATION, SUCCESS, ERROR):
        raise MalformedError("STUN: not a Binding message")
    found, signed = _attributes(data)
    try:
        username = found.get(_USERNAME, b"").decode("ascii")
    except UnicodeDecodeError:
        raise MalformedError("STUN: user name is not ASCII") from None
    return Binding(
        kind,
        transaction,
        username,
        _USE_CANDIDATE in found,
        _CONTROLLED in found,
        found.get(_XOR_ADDRESS, b""),
        signed,
        found.get(_INTEGRITY, b""),
    )


def _attributes(data: bytes) -> tuple[dict[int, bytes], bytes]:
    """The first of each attribute up to MESSAGE-INTEGRITY, and the bytes that this one covers."""
    found: dict[int, bytes] = {}
    signed = b""
    at, size = HEADER, len(data)
    for _ in range(_MAX_ATTRIBUTES):
        if at == size:
            return found, signed
        kind, length = _ATTRIBUTE.unpack_from(data, at)
        end = at + 4 + length
        if end > size or length != _SIZES.get(kind, length):
            raise MalformedError("STUN: an attribute has an impossible length")
        if kind == _FINGERPRINT:
            crc = int.from_bytes(data[at + 4 : end], "big") ^ _FINGERPRINT_XOR
            if end != size or crc != zlib.crc32(data[:at]):
                raise MalformedError("STUN: wrong fingerprint")
        elif kind not in found and _INTEGRITY not in found:  # what follows the HMAC is not covered by it
            found[kind] = data[at + 4 : end]
            if kind == _INTEGRITY:
                signed = _covered(data, at)
        at = end + (-length % 4)
    if at != size:
        raise MalformedError("STUN: too many attributes")
    return found, signed


def _covered(data: bytes, at: int) -> bytes:
    """What an HMAC at this place covers: all before it, as if the message ended with it."""
    return data[:2] + (at + _INTEGRITY_SIZE - HEADER).to_bytes(2, "big") + data[4:at]


def request(
    transaction: bytes,
    username: str,
    password: bytes,
    *,
    nominate: bool,
    priority: int,
    tie_breaker: bytes = bytes(8),
) -> bytes:
    """A controlling agent's connectivity check (RFC 8445 section 7.2.4). `transaction`: 12 random bytes;
    `tie_breaker`: 8, the same in all checks of an agent."""
    body = _attribute(_USERNAME, username.encode("ascii"))
    body += _attribute(_CONTROLLING, tie_breaker) + _attribute(_PRIORITY, priority.to_bytes(4, "big"))
    if nominate:
        body += _attribute(_USE_CANDIDATE, b"")
    return _signed(REQUEST, transaction, body, password)


def success(transaction: bytes, host: str, port: int, password: bytes) -> bytes:
    """The answer to an authentic check that came from `host`, `port`."""
    address = xor_address(transaction, host, port)
    return _signed(SUCCESS, transaction, _attribute(_XOR_ADDRESS, address), password)


def role_conflict(transaction: bytes, password: bytes) -> bytes:
    """The answer to a check whose sender wants to be the controlled agent, as we are (RFC 8445 7.3.1.1)."""
    return _signed(ERROR, transaction, _attribute(_ERROR_CODE, b"\0\0\x04\x57Role Conflict"), password)


def xor_address(transaction: bytes, host: str, port: int) -> bytes:
    """The value of XOR-MAPPED-ADDRESS for an IPv4 or IPv6 `host` (RFC 8489 section 14.2)."""
    if ":" in host:
        family, raw = 2, ipaddress.IPv6Address(host.partition("%")[0]).packed
    else:
        family, raw = 1, bytes(map(int, host.split(".")))  # a socket gave it: it is well-formed
    mask = int.from_bytes((MAGIC + transaction)[: len(raw)], "big")
    hidden = (int.from_bytes(raw, "big") ^ mask).to_bytes(len(raw), "big")
    return struct.pack("!HH", family, port ^ 0x2112) + hidden


def _hmac(password: bytes, message: bytes) -> bytes:
    return hmac.digest(password, message, "sha1")


def _attribute(kind: int, value: bytes) -> bytes:
    return _ATTRIBUTE.pack(kind, len(value)) + value + bytes(-len(value) % 4)


def _signed(kind: int, transaction: bytes, body: bytes, password: bytes) -> bytes:
    """The whole message, with MESSAGE-INTEGRITY (24 bytes) and FINGERPRINT (8 bytes) at its end."""
    covered = _HEAD.pack(kind, len(body) + 24, MAGIC, transaction) + body
    body += _INTEGRITY_HEAD + _hmac(password, covered)
    message = _HEAD.pack(kind, len(body) + 8, MAGIC, transaction) + body
    return message + _attribute(_FINGERPRINT, (zlib.crc32(message) ^ _FINGERPRINT_XOR).to_bytes(4, "big"))
