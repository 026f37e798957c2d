"""RTMP by bytes: values, chunks, the way to live, and what hostile servers may send."""

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcast.errors import MalformedError
from broadcast.outputs.restream import amf, flv
from broadcast.outputs.restream.chunks import Joiner, Message, cut
from broadcast.outputs.restream.rtmp import HANDSHAKE, Phase, Publisher, Refused
from broadcast.rtp.h264 import annex_b

VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.dictionaries(st.text(min_size=1, max_size=8), inner, max_size=3),
    max_leaves=8,
)
SPS, PPS = bytes.fromhex("6742c01fda0506"), bytes.fromhex("68ce05f2")
KEYFRAME = annex_b([SPS, PPS, b"\x65\x88\x84\x11"])


@given(st.lists(VALUES, max_size=4))
def test_values_come_back(values: list[Any]) -> None:
    """What is encoded is decoded alike."""
    assert amf.decode(amf.encode(*values)) == values


@given(st.binary(max_size=200))
def test_any_values(data: bytes) -> None:
    """Noise is a value or a documented error."""
    try:
        amf.decode(data)
    except MalformedError:
        return


@given(
    st.lists(
        st.builds(
            Message,
            st.integers(2, 20),
            st.binary(max_size=9000),
            st.sampled_from([0, 40, 0xFFFFFE, 0xFFFFFF, 0x1000000, 0xFFFFFFFF]),
            st.integers(0, 5),
        ),
        max_size=5,
    ),
    st.integers(1, 700),
)
def test_chunks_come_back(messages: list[Message], piece: int) -> None:
    """Messages are cut up and put together again, however the bytes arrive, also past 4.6 hours of time."""
    data = cut(Message(1, (4096).to_bytes(4, "big")), 2, 128)
    data += b"".join(cut(message, 3 + n % 4, 4096) for n, message in enumerate(messages))
    joiner = Joiner()
    found = [each for at in range(0, len(data), piece) for each in joiner.feed(data[at : at + piece])]
    assert found[1:] == messages


def test_short_headers_repeat_what_was() -> None:
    """Chunks of types 1 to 3 take what they leave out from the one before (section 5.3.1.2)."""
    first = cut(Message(20, b"abc", 1000, 7), 3, 128)
    second = b"\x43" + (20).to_bytes(3, "big") + (2).to_bytes(3, "big") + b"\x14" + b"de"
    third = b"\x83" + (5).to_bytes(3, "big") + b"fg"
    fourth = b"\xc3" + b"hi"
    found = Joiner().feed(first + second + third + fourth)
    assert [(each.body, each.timestamp, each.stream) for each in found] == [
        (b"abc", 1000, 7),
        (b"de", 1020, 7),
        (b"fg", 1025, 7),
        (b"hi", 1030, 7),
    ]


@given(st.binary(max_size=400))
def test_any_chunks(data: bytes) -> None:
    """Noise is messages or a documented error, and little is kept."""
    joiner = Joiner()
    try:
        joiner.feed(data)
    except MalformedError:
        return


class Server:
    """The other side, as far as a publisher needs one."""

    def __init__(self) -> None:
        self.joiner = Joiner()
        self.publisher = Publisher("rtmp://host/live", "live", "KEY", bytes(HANDSHAKE - 8))
        hello = self.publisher.take()
        assert (len(hello), hello[0]) == (1 + HANDSHAKE, 3)
        self.publisher.receive(b"\x03" + bytes(2 * HANDSHAKE))
        rest = self.publisher.take()
        self.said = self.heard(rest[HANDSHAKE:])

    def heard(self, data: bytes) -> list[list[Any]]:
        return [amf.decode(each.body) for each in self.joiner.feed(data) if each.kind == 20]

    def answers(self, *values: Any) -> list[list[Any]]:
        self.publisher.receive(cut(Message(20, amf.encode(*values)), 3, 128))
        return self.heard(self.publisher.take())

    def to_publish(self) -> None:
        """Up to the command that names the key."""
        self.answers("_result", 1.0, {"fmsVer": "x"}, {"code": "NetConnection.Connect.Success"})
        self.said = self.answers("_result", 4.0, None, 1.0)


def test_the_way_to_live() -> None:
    """Handshake, connect, createStream, publish; then it is live, and media go out on the stream."""
    server = Server()
    assert server.said[0][0] == "connect"
    assert server.said[0][2]["app"] == "live"
    created = server.answers("_result", 1.0, {}, {"code": "NetConnection.Connect.Success"})
    assert [each[0] for each in created] == ["releaseStream", "FCPublish", "createStream"]
    (publish,) = server.answers("_result", 4.0, None, 9.0)
    assert publish == ["publish", 5.0, None, "KEY", "live"]
    server.answers("onStatus", 0.0, None, {"level": "status", "code": "NetStream.Publish.Start"})
    assert server.publisher.live
    server.publisher.video(b"body", 40)
    (message,) = server.joiner.feed(server.publisher.take())
    assert message == Message(9, b"body", 40, 9)


def test_refusals() -> None:
    """A server that does not want the stream says so in one of three places."""
    server = Server()
    with pytest.raises(Refused, match="Rejected"):
        server.answers("_error", 1.0, None, {"code": "NetConnection.Connect.Rejected"})
    server = Server()
    server.to_publish()
    with pytest.raises(Refused, match="BadName"):
        server.answers("onStatus", 0.0, None, {"level": "error", "code": "NetStream.Publish.BadName"})
    with pytest.raises(MalformedError):
        Publisher("u", "a", "s", bytes(HANDSHAKE - 8)).receive(b"HTTP/1.1 400 Bad Request")


def test_small_talk() -> None:
    """Pings are answered, what was received is acknowledged, and unimportant errors are not refusals."""
    server = Server()
    server.answers("_error", 3.0, None, {"code": "NetStream.Whatever"})
    assert server.publisher.phase is Phase.CONNECT
    server.publisher.receive(cut(Message(4, struct.pack("!HI", 6, 77)), 2, 128))
    (pong,) = server.joiner.feed(server.publisher.take())
    assert (pong.kind, pong.body) == (4, struct.pack("!HI", 7, 77))
    server.publisher.receive(cut(Message(5, (1).to_bytes(4, "big")), 2, 128))
    (acknowledged,) = server.joiner.feed(server.publisher.take())
    assert acknowledged.kind == 3


@given(st.binary(max_size=300))
def test_any_server(data: bytes) -> None:
    """Whatever a server says, it is an answer, a refusal or a documented error."""
    server = Server()
    try:
        server.publisher.receive(data)
    except (Refused, MalformedError):
        return


def test_pictures_and_sound_as_flv() -> None:
    """The headers hold the parameter sets and the sound's configuration, the bodies what is sent."""
    header = flv.video_header(KEYFRAME)
    assert header[:5] == b"\x17\x00\x00\x00\x00"
    assert header[5:] == b"\x01" + SPS[1:4] + b"\xff\xe1\x00\x07" + SPS + b"\x01\x00\x04" + PPS
    assert flv.video(KEYFRAME, True) == b"\x17\x01\x00\x00\x00\x00\x00\x00\x04\x65\x88\x84\x11"
    assert flv.video(annex_b([b"\x41\x9a"]), False)[0] == 0x27
    assert flv.video(annex_b([SPS]), True) == b""
    assert flv.audio_header() == b"\xaf\x00\x11\x90"
    assert flv.audio(b"x") == b"\xaf\x01x"
    with pytest.raises(MalformedError):
        flv.video_header(annex_b([b"\x65\x88"]))
