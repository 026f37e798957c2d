"""STUN: the vectors of RFC 5769, another implementation's eyes, and bytes that nobody meant."""

import ipaddress
import tracemalloc

import pytest
from aioice import stun as theirs
from hypothesis import given
from hypothesis import strategies as st

from broadcast.errors import MalformedError
from broadcast.transport import stun

PASSWORD = b"VOkJxbRl1RmTxUk/WvJxBt"
REQUEST = bytes.fromhex(
    "000100582112a442b7e7a701bc34d686fa87dfae"
    "802200105354554e207465737420636c69656e74"
    "002400046e0001ff80290008932ff9b151263b36"
    "0006000965 76746a3a68367659202020"
    "000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2"
    "80280004e57a3bcf".replace(" ", "")
)
ANSWER4 = bytes.fromhex(
    "0101003c2112a442b7e7a701bc34d686fa87dfae"
    "8022000b7465737420766563746f7220"
    "002000080001a147e112a643"
    "000800142b91f599fd9e90c38c7489f92af9ba53f06be7d7"
    "80280004c07d4c96"
)
ANSWER6 = bytes.fromhex(
    "010100482112a442b7e7a701bc34d686fa87dfae"
    "8022000b7465737420766563746f7220"
    "002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9"
    "00080014a382954e4be67bf11784c97c8292c275bfe3ed41"
    "80280004c8fb0b4c"
)
TRANSACTION = bytes.fromhex("b7e7a701bc34d686fa87dfae")


def test_the_rfcs_request_is_read() -> None:
    """RFC 5769 2.1: the request is authentic with its password only, and comes from a controlled agent."""
    binding = stun.parse(REQUEST)
    assert binding.kind == stun.REQUEST
    assert binding.username == "evtj:h6vY"
    assert binding.controlled
    assert not binding.use_candidate
    assert binding.authentic(PASSWORD)
    assert not binding.authentic(PASSWORD + b"!")


@pytest.mark.parametrize(
    ("answer", "host"),
    [(ANSWER4, "192.0.2.1"), (ANSWER6, "2001:db8:1234:5678:11:2233:4455:6677")],
    ids=["v4", "v6"],
)
def test_the_rfcs_answers_are_read(answer: bytes, host: str) -> None:
    """RFC 5769 2.2 and 2.3: answers are authentic, and their address is what we would write."""
    binding = stun.parse(answer)
    assert binding.kind == stun.SUCCESS
    assert binding.authentic(PASSWORD)
    assert binding.address == stun.xor_address(TRANSACTION, host, 32853)


@given(
    st.binary(min_size=12, max_size=12),
    st.ip_addresses().map(str),
    st.integers(1, 65535),
    st.booleans(),
)
def test_others_read_what_we_write(transaction: bytes, host: str, port: int, nominate: bool) -> None:
    """aioice reads our requests, answers and errors as we meant them."""
    asked = theirs.parse_message(
        stun.request(transaction, "abcd:wxyz", PASSWORD, nominate=nominate, priority=7)
    )
    assert asked.check_message_integrity(PASSWORD)
    assert asked.attributes["USERNAME"] == "abcd:wxyz"
    assert ("USE-CANDIDATE" in asked.attributes) == nominate
    answered = theirs.parse_message(stun.success(transaction, host, port, PASSWORD))
    assert answered.check_message_integrity(PASSWORD)
    seen = answered.attributes["XOR-MAPPED-ADDRESS"]
    assert (ipaddress.ip_address(seen[0]), seen[1]) == (ipaddress.ip_address(host), port)
    refused = theirs.parse_message(stun.role_conflict(transaction, PASSWORD))
    assert refused.attributes["ERROR-CODE"] == (487, "Role Conflict")


@pytest.mark.parametrize("message", [REQUEST, ANSWER4, ANSWER6], ids=["request", "v4", "v6"])
def test_no_truncated_message_is_read(message: bytes) -> None:
    """A message cut at any length is malformed."""
    for size in range(len(message)):
        with pytest.raises(MalformedError):
            stun.parse(message[:size])


@pytest.mark.parametrize("message", [REQUEST, ANSWER4], ids=["request", "answer"])
def test_no_altered_message_is_believed(message: bytes) -> None:
    """With any one bit turned over, a message is malformed, not authentic, or says the same as before (the
    bit was behind the signature)."""
    original = stun.parse(message)
    for bit in range(8 * len(message)):
        altered = bytearray(message)
        altered[bit // 8] ^= 1 << bit % 8
        try:
            binding = stun.parse(bytes(altered))
        except MalformedError:
            continue
        assert binding == original or not binding.authentic(PASSWORD)


@given(st.binary(min_size=12, max_size=12), st.booleans())
def test_a_check_that_comes_again(transaction: bytes, nominate: bool) -> None:
    """It is known as the last one's like by any transaction, and says its own; and not if it has the other
    flag, another user's name or another password, or one bit turned over before the fingerprint."""

    def check(transaction: bytes, flag: bool, name: str = "abcd:wxyz", password: bytes = PASSWORD) -> bytes:
        return stun.request(transaction, name, password, nominate=flag, priority=7)

    first = check(TRANSACTION, nominate)
    habit = stun.habit(first)
    assert habit
    again = check(transaction, nominate)
    assert habit.again(again, PASSWORD) == transaction
    assert habit.again(again[:-8] + b"anything", PASSWORD) == transaction, (
        "the fingerprint adds nothing to the HMAC"
    )
    others = [
        check(transaction, not nominate),
        check(transaction, nominate, "abce:wxyz"),
        check(transaction, nominate, password=b"another"),
        *(again[:size] for size in range(0, len(again), 4)),
        again + bytes(4),
    ]
    for bit in range(8 * (len(again) - 8)):
        altered = bytearray(again)
        altered[bit // 8] ^= 1 << bit % 8
        others.append(bytes(altered))
    assert not any(habit.again(each, PASSWORD) for each in others)


def test_an_odd_check_has_no_habit() -> None:
    """One without fingerprint is read each time."""
    bare = stun.request(TRANSACTION, "abcd:wxyz", PASSWORD, nominate=False, priority=1)[:-8]
    bare = bare[:2] + (len(bare) - 20).to_bytes(2, "big") + bare[4:]
    assert stun.parse(bare).authentic(PASSWORD)
    assert stun.habit(bare) is None


def test_what_follows_the_signature_is_not_believed() -> None:
    """An attribute behind MESSAGE-INTEGRITY, which anybody could have added, is passed over."""
    unsigned = stun.request(TRANSACTION, "abcd:wxyz", PASSWORD, nominate=False, priority=1)[:-8]
    added = unsigned + bytes.fromhex("00250000")
    message = added[:2] + (len(added) - 20).to_bytes(2, "big") + added[4:]
    binding = stun.parse(message)
    assert binding.authentic(PASSWORD)
    assert not binding.use_candidate


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_malformed(data: bytes) -> None:
    """Whatever comes, `parse` raises MalformedError or nothing."""
    try:
        stun.parse(data)
    except MalformedError:
        return


@given(st.sampled_from([0x0001, 0x0101, 0x0111]), st.binary(max_size=200), st.data())
def test_any_attributes_are_read_or_malformed(kind: int, body: bytes, data: st.DataObject) -> None:
    """Behind a good header, too, any bytes are read or malformed, and never authentic."""
    body = body[: len(body) // 4 * 4]
    at = data.draw(st.integers(0, max(0, len(body) // 4 - 1))) * 4
    body = body[:at] + bytes.fromhex("00080014") + body[at + 4 :]
    message = kind.to_bytes(2, "big") + len(body).to_bytes(2, "big") + stun.MAGIC + bytes(12) + body
    try:
        assert not stun.parse(message).authentic(PASSWORD)
    except MalformedError:
        return


def test_nothing_is_kept_of_who_has_gone() -> None:
    """Of a thousand viewers, each with a password and an address of their own, no memory stays."""

    def come_and_go(number: int) -> None:
        password = f"password of {number:09}".encode()
        check = stun.request(TRANSACTION, "abcd:wxyz", password, nominate=True, priority=1)
        assert stun.parse(check).authentic(password)
        stun.success(TRANSACTION, f"10.0.{number // 250}.{number % 250}", 1024 + number, password)

    come_and_go(0)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(1, 1001):
            come_and_go(number)
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < 10_000, f"{grown} octets for 1000 viewers"
