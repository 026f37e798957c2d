"""One peer that gets a shared stream, and the groups that peers with the same headers form."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace

from broadcast.outputs.limits import Bucket
from broadcast.outputs.line import Line
from broadcast.outputs.numbering import Numbering
from broadcast.outputs.receipts import Receipts
from broadcast.outputs.resends import Resends
from broadcast.outputs.stream import Face
from broadcast.rtp.frame import Kind
from broadcast.rtp.packet import ONE_BYTE_PROFILE, build_extensions, playout_delay
from broadcast.transport.lineup import LineUp
from broadcast.transport.peer import Peer
from broadcast.transport.port import Port
from broadcast.transport.sdp import Extension, Track

# Packets of sound that are sent again, in a second and at once: of pictures see resends.py.
RESENDS, RESENDS_AT_ONCE = 25.0, 50.0
# Keyframes that one viewer may ask for: more than that, and its line is too thin for the programme anyway.
REQUESTS, REQUESTS_AT_ONCE = 0.25, 4.0
# RTCP messages of one viewer that are read: browsers on a bad line send some 80 a second, of which 20 are
# transport-cc, and what a flood costs beyond these is little more than its decryption. Long ones count more.
MESSAGES, MESSAGES_AT_ONCE = 150.0, 300.0
LONG = 256  # octets
# Numbers of packets that they name and that are looked up; one datagram may name 8,000. A player that has
# lost a whole second of 720p asks ten times a second for 250.
NAMED, NAMED_AT_ONCE = 4000.0, 4000.0

ONE_BYTE = ONE_BYTE_PROFILE.to_bytes(2, "big")[:1]


class Group:
    """Peers whose packets of one stream have the same headers. `live` ones get what is sent; `waiting` ones
    do from the next keyframe on. Joining and leaving is cheap: who is live is lined up at the next frame."""

    def __init__(self, face: Face, port: Port) -> None:
        self.face = face
        self._port = port
        self._live: dict[str, Peer] = {}
        self._waiting: dict[str, Peer] = {}
        self._line_up: LineUp | None = None  # None: somebody came or went
        self._moves = 0  # of the port, when that was made

    @property
    def live(self) -> LineUp:
        """A snapshot: it stays as it is when peers come and go."""
        if self._line_up is None or self._moves != self._port.moves:
            self._line_up, self._moves = self._port.line_up(self._live.values()), self._port.moves
        return self._line_up

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @property
    def size(self) -> int:
        return len(self._live) + len(self._waiting)

    def waits(self, peer: Peer) -> bool:
        """Whether this peer has had nothing yet."""
        return peer.id in self._waiting

    @property
    def empty(self) -> bool:
        return not self._live and not self._waiting

    def join(self, peer: Peer) -> None:
        """From now on, this peer gets everything."""
        self._waiting.pop(peer.id, None)
        self._live[peer.id] = peer
        self._line_up = None

    def wait(self, peer: Peer) -> None:
        """This peer needs a keyframe first."""
        self._waiting[peer.id] = peer

    def release(self) -> None:
        """A keyframe is about to be sent: nobody waits any more."""
        if self._waiting:
            self._live.update(self._waiting)
            self._waiting.clear()
            self._line_up = None

    def leave(self, peer: Peer) -> None:
        if self._live.pop(peer.id, None) is not None:
            self._line_up = None
        self._waiting.pop(peer.id, None)


@dataclass(slots=True, eq=False)
class Viewer:
    """A peer with its groups, its limits, and what it last reported. Times in seconds, `loss` 0 to 1."""

    peer: Peer
    kinds: Collection[Kind] = frozenset(Kind)  # of the stream that are sent to it
    video: Group | None = None
    audio: Group | None = None
    resends: Bucket = field(default_factory=lambda: Bucket(RESENDS, RESENDS_AT_ONCE))  # of sound
    requests: Bucket = field(default_factory=lambda: Bucket(REQUESTS, REQUESTS_AT_ONCE))
    messages: Bucket = field(default_factory=lambda: Bucket(MESSAGES, MESSAGES_AT_ONCE))
    named: Bucket = field(default_factory=lambda: Bucket(NAMED, NAMED_AT_ONCE))
    loss: float = 0.0
    rtt: float | None = None
    # Of its pictures: see renditions.py. Renditions are by index, 0 the full one.
    at: int = 0  # what it gets
    goal: int = 0  # what it is to get from the next keyframe of that on
    pinned: int | None = None  # what it asked for
    paused: int | None = None  # its next number, while it gets nothing on the way down
    patience: float | None = None  # of its line, where it is another than most have
    faces: tuple[Face, Face] | None = None  # its headers without and with numbers for transport-cc
    line: Line | None = None
    numbers: Numbering = field(default_factory=Numbering)
    receipts: Receipts = field(default_factory=Receipts)
    again: Resends = field(default_factory=Resends)  # of pictures

    def numbered(self, shift: int, counted: bool) -> Face:
        """Its headers, with numbers so far from the rendition's own."""
        assert self.faces is not None, "it has pictures"
        return replace(self.faces[counted], shift=shift)

    @property
    def gets(self) -> tuple[Kind, ...]:
        """What it is sent, now that it is in."""
        groups = ((Kind.VIDEO, self.video), (Kind.AUDIO, self.audio))
        return tuple(kind for kind, group in groups if group is not None)


def face(track: Track, delay: tuple[float, float] | None, counted: bool = False) -> Face:
    """The headers that a peer negotiated. `delay` is the playout delay (least, most) in seconds to ask for,
    and `counted` whether each packet bears its number for transport-cc, where the peer knows these."""
    elements: dict[int, bytes] = {}
    counter = track.extensions.get(Extension.TRANSPORT_CC) if counted else None
    if counter is not None:
        elements[counter] = bytes(2)
    number = track.extensions.get(Extension.PLAYOUT_DELAY)
    if delay is not None and number is not None:
        elements[number] = playout_delay(*delay)
    if not elements:
        return Face(track.payload_type)
    extension = build_extensions(elements)
    # Behind the extension's head and the element's own: one byte or two (RFC 8285).
    place = 4 + (1 if extension[:1] == ONE_BYTE else 2)
    return Face(track.payload_type, extension, place if counter is not None else 0)
