"""(P) RTMP, the side that publishes (Adobe, "RTMP Specification 1.0"): what to send, what was answered.

`receive` takes what the server says, `take` gives what it is to be sent; `live` is true once it has agreed.
The handshake is the plain one (section 5.2), which every server takes.
"""

from enum import IntEnum

import broadcast.outputs.restream.amf as amf
from broadcast.errors import MalformedError
from broadcast.outputs.restream.chunks import SENT_SIZE, SET_SIZE, Joiner, Message, cut

HANDSHAKE = 1536  # octets of C1, C2, S1 and S2
VERSION = 3

_ACKNOWLEDGE, _CONTROL, _WINDOW, _AUDIO, _VIDEO, _DATA, _COMMAND = 3, 4, 5, 8, 9, 18, 20
_PING, _PONG = 6, 7
# Chunk streams: 2 is for the protocol itself, the others are customary.
_PROTOCOL_CHUNKS, _COMMAND_CHUNKS, _SOUND_CHUNKS, _PICTURE_CHUNKS = 2, 3, 4, 6
_CONNECT, _CREATE, _PUBLISH = 1.0, 4.0, 5.0  # transaction ids


class Refused(Exception):
    """The server does not want the stream; `code` is its own, such as NetStream.Publish.BadName."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Phase(IntEnum):
    """How far it is."""

    HANDSHAKE = 1
    CONNECT = 2
    CREATE = 3
    PUBLISH = 4
    LIVE = 5


class Publisher:
    """`url` is the address up to and with the application, `stream` the stream's name: the key. `noise` is
    random, `HANDSHAKE` - 8 octets."""

    def __init__(self, url: str, application: str, stream: str, noise: bytes) -> None:
        assert len(noise) == HANDSHAKE - 8, "C1 has a time, zeros, and this"
        self.phase = Phase.HANDSHAKE
        self._url = url
        self._application = application
        self._stream = stream
        self._out = bytearray(bytes((VERSION,)) + bytes(8) + noise)
        self._hello = bytearray()  # what has come of S0, S1 and S2
        self._joiner = Joiner()
        self._size = 128
        self._number = 0  # of the message stream
        self._window = self._taken = self._told = 0

    @property
    def live(self) -> bool:
        """Whether the server takes the stream."""
        return self.phase is Phase.LIVE

    def take(self) -> bytes:
        """What is to be sent now."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def receive(self, data: bytes) -> None:
        """Something has come. Raises Refused, or MalformedError where it is not RTMP."""
        if self.phase is Phase.HANDSHAKE:
            data = self._shake(data)
        self._taken += len(data)
        for message in self._joiner.feed(data):
            self._answer(message)
        if self._window and self._taken - self._told >= self._window:
            self._told = self._taken
            self._protocol(_ACKNOWLEDGE, (self._taken & 0xFFFFFFFF).to_bytes(4, "big"))

    def describe(self, width: int, height: int) -> None:
        """Say what the stream is; once, when it is live."""
        about: dict[str, amf.Value] = {
            "width": width,
            "height": height,
            "videocodecid": 7,
            "audiocodecid": 10,
            "audiosamplerate": 48000,
            "stereo": True,
        }
        body = amf.encode("@setDataFrame", "onMetaData", about)
        self._put(Message(_DATA, body, 0, self._number), _SOUND_CHUNKS)

    def video(self, body: bytes, timestamp: int) -> None:
        """A picture or its header (flv.py), at so many ms."""
        self._put(Message(_VIDEO, body, timestamp, self._number), _PICTURE_CHUNKS)

    def audio(self, body: bytes, timestamp: int) -> None:
        """Sound or its header, at so many ms."""
        self._put(Message(_AUDIO, body, timestamp, self._number), _SOUND_CHUNKS)

    def end(self) -> None:
        """Say goodbye."""
        if self.live:
            self._command("FCUnpublish", 6.0, None, self._stream)
            self._command("deleteStream", 7.0, None, float(self._number))

    def _shake(self, data: bytes) -> bytes:
        """Take S0, S1 and S2; what is behind them."""
        self._hello += data
        if self._hello and self._hello[0] != VERSION:
            raise MalformedError(f"RTMP version {self._hello[0]}")
        whole = 1 + 2 * HANDSHAKE
        if len(self._hello) < whole:
            return b""
        self._out += self._hello[1 : 1 + HANDSHAKE]
        rest = bytes(self._hello[whole:])
        self._hello.clear()
        self.phase = Phase.CONNECT
        self._protocol(SET_SIZE, SENT_SIZE.to_bytes(4, "big"))
        self._size = SENT_SIZE
        about = {
            "app": self._application,
            "type": "nonprivate",
            "flashVer": "FMLE/3.0 (compatible; Pavilion)",
            "tcUrl": self._url,
        }
        self._command("connect", _CONNECT, about)
        return rest

    def _answer(self, message: Message) -> None:
        number = int.from_bytes(message.body[:4], "big")
        if message.kind == _WINDOW:
            self._window = number
        elif message.kind == _CONTROL and int.from_bytes(message.body[:2], "big") == _PING:
            self._protocol(_CONTROL, _PONG.to_bytes(2, "big") + message.body[2:6])
        elif message.kind == _COMMAND:
            self._said(amf.decode(message.body))

    def _said(self, values: list[amf.Value]) -> None:
        name, transaction = (*values, None, None)[:2]
        about = next((each for each in reversed(values) if isinstance(each, dict)), {})
        if name == "_error" and transaction in (_CONNECT, _CREATE, _PUBLISH):
            raise Refused(_code(about))
        if name == "_result" and transaction == _CONNECT and self.phase is Phase.CONNECT:
            self.phase = Phase.CREATE
            self._command("releaseStream", 2.0, None, self._stream)
            self._command("FCPublish", 3.0, None, self._stream)
            self._command("createStream", _CREATE, None)
        elif name == "_result" and transaction == _CREATE and self.phase is Phase.CREATE:
            found = values[3] if len(values) > 3 else None
            self._number = int(found) if isinstance(found, float) and 0 <= found < 1 << 32 else 1
            self.phase = Phase.PUBLISH
            self._command("publish", _PUBLISH, None, self._stream, "live", stream=self._number)
        elif name == "onStatus":
            self._status(about)
        elif name == "close":
            raise Refused("close")

    def _status(self, about: dict[str, amf.Value]) -> None:
        if about.get("level") == "error":
            raise Refused(_code(about))
        if _code(about) == "NetStream.Publish.Start" and self.phase is Phase.PUBLISH:
            self.phase = Phase.LIVE

    def _command(self, name: str, transaction: float, *values: amf.Value, stream: int = 0) -> None:
        body = amf.encode(name, transaction, *values)
        self._put(Message(_COMMAND, body, 0, stream), _COMMAND_CHUNKS)

    def _protocol(self, kind: int, body: bytes) -> None:
        self._put(Message(kind, body), _PROTOCOL_CHUNKS)

    def _put(self, message: Message, chunk_stream: int) -> None:
        self._out += cut(message, chunk_stream, self._size)


def _code(about: dict[str, amf.Value]) -> str:
    code = about.get("code")
    return code if isinstance(code, str) else ""
