"""The pictures of the programme in each rendition, and who gets which.

A viewer's rendition changes at a keyframe of the new one. Its SSRC, numbers and timestamps go on without a
hole: numbering.py. Groups are by headers, so who never changed shares all work with everybody like it, and
who did is a group with those who count alike, most often of one.

Up waits for the next regular keyframe; down has one forced, in the smaller rendition alone. Who is on the way
down gets no more keyframe of the larger one: it would only lengthen the queue.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from broadcast.outputs.limits import KeyframeLimiter
from broadcast.outputs.line import Came, Line
from broadcast.outputs.numbering import PAD, Span
from broadcast.outputs.pump import Job, Pump
from broadcast.outputs.stream import PADDING, Face, Stream
from broadcast.outputs.viewer import Group, Viewer, face
from broadcast.rtp.frame import Frame
from broadcast.rtp.packet import sequence_delta
from broadcast.rtp.transport_cc import Arrivals
from broadcast.transport.port import Port
from broadcast.transport.sdp import Track

REPLAY_AGE = 0.3  # seconds: a keyframe younger than this is replayed although a new one might be forced
RESEND_SPAN = 768  # packets back from the newest: libsrtp refuses older ones, and no player waits for them
HEADERS = 60  # bytes of UDP, IP, RTP and SRTP around a payload


class Size(NamedTuple):
    """A rendition as the fan-out knows it; `rate` is what a line must carry for it, in bit/s."""

    name: str
    rate: int


@dataclass(slots=True, eq=False)
class Rendition:
    """One size: its stream, its groups, and its keyframes."""

    name: str  # empty for the full one
    stream: Stream
    limiter: KeyframeLimiter
    groups: dict[Face, Group] = field(default_factory=dict)
    skipping: bool = False  # until the next keyframe, because the machine did not keep up


class Renditions:
    """All sizes, the full one first. `want_keyframe` is told the name of a rendition that needs one."""

    def __init__(
        self,
        port: Port,
        pump: Pump,
        streams: Sequence[Stream],
        sizes: Sequence[Size],
        interval: float,
        want_keyframe: Callable[[str], None],
        counts: Counter[str],
        delay: tuple[float, float] | None,
    ) -> None:
        self._delay = delay
        self._port = port
        self._pump = pump
        self._sizes = sizes
        self._want_keyframe = want_keyframe
        self._counts = counts
        names = ["", *(size.name for size in sizes[1:])]
        self.all = [
            # A smaller one's keyframes cost little, and who needs one has a line that fills up.
            Rendition(name, stream, KeyframeLimiter(interval / 2 if name else interval))
            for name, stream in zip(names, streams, strict=True)
        ]
        self._moving: dict[str, Viewer] = {}  # who waits for a keyframe of another rendition
        self._probed: dict[str, Viewer] = {}  # who gets a smaller one and sends feedback

    @property
    def names(self) -> list[str]:
        """As people know them, the full one first."""
        return [size.name for size in self._sizes]

    def index(self, name: str) -> int | None:
        """The rendition that people call so."""
        return self.names.index(name) if name in self.names else None

    def watching(self, index: int) -> int:
        """How many get this one."""
        return sum(group.size for group in self.all[index].groups.values())

    # -- frames ------------------------------------------------------------------------------------------

    def send(self, frame: Frame, index: int, now: float) -> bool:
        """The next picture of a rendition, to all who get it. False when the machine does not keep up: it is
        left out before it is numbered, and so are those up to the next keyframe."""
        rendition = self.all[index]
        if self._skip(rendition, frame):
            return False
        stream = rendition.stream
        numbered = stream.number(frame, now)
        if numbered is None:
            return True
        if frame.keyframe:
            rendition.limiter.arrived()
            for group in rendition.groups.values():
                group.release()
            for viewer in tuple(self._moving.values()):
                self._at_keyframe(viewer, index, numbered.first, frame.timestamp, now)
        jobs: list[Job] = [
            (live, stream.packets_of(numbered, group.face))
            for group in rendition.groups.values()
            if (live := group.live)
        ]
        for viewer in tuple(self._probed.values()) if index else ():
            if viewer.at == index:
                jobs += self._padding(viewer, now)
        self._pump.put(jobs)
        return True

    def ask(self, now: float) -> None:
        """Have the keyframes made that are due."""
        for rendition in self.all:
            if rendition.limiter.due(now):
                self._want_keyframe(rendition.name)

    def want(self, viewer: Viewer, now: float) -> None:
        """This viewer's picture is broken."""
        self.all[viewer.goal].limiter.want()
        self.ask(now)

    # -- coming and going --------------------------------------------------------------------------------

    def expect(self, now: float) -> None:
        """Somebody is about to join."""
        if now - self.all[0].stream.key_at > REPLAY_AGE:
            self.all[0].limiter.want()
            self.ask(now)

    def join(self, viewer: Viewer, track: Track, now: float) -> None:
        """A picture as soon as can be: by replay, or by a keyframe that all who wait share."""
        viewer.faces = face(track, self._delay), face(track, self._delay, counted=True)
        hears = "transport-cc" in track.feedback and viewer.faces[1].counter > 0
        patience = {} if viewer.patience is None else {"patience": viewer.patience}
        viewer.line = Line([size.rate for size in self._sizes], now, hears=hears, **patience)
        viewer.at = viewer.goal = viewer.line.index = viewer.pinned or 0
        headers = viewer.numbered(0, viewer.line.listening(now))
        rendition = self.all[viewer.at]
        stream, limiter = rendition.stream, rendition.limiter
        young = now - stream.key_at <= REPLAY_AGE
        spent = not limiter.open(now) and not limiter.wanted  # one went out, none is to come
        frames = stream.since_keyframe() if young or spent else []
        first = frames[0].first if frames else stream.next
        viewer.numbers.begin(Span(first, viewer.at, headers))
        viewer.video = self._group(rendition, headers)
        if frames:
            self._counts["replays"] += 1
            viewer.video.join(viewer.peer)
            packets = [packet for each in frames for packet in stream.packets_of(each, headers)]
            self._port.burst([viewer.peer], packets)
        else:
            viewer.video.wait(viewer.peer)
            limiter.want()
            self.ask(now)
        self._follow(viewer)

    def leave(self, viewer: Viewer) -> None:
        """It is gone."""
        self._moving.pop(viewer.peer.id, None)
        self._probed.pop(viewer.peer.id, None)
        self._ungroup(viewer)

    def _group(self, rendition: Rendition, face: Face) -> Group:
        return rendition.groups.setdefault(face, Group(face, self._port))

    def _ungroup(self, viewer: Viewer) -> None:
        group = viewer.video
        if group is not None:
            group.leave(viewer.peer)
            groups = self.all[viewer.at].groups
            if group.empty and groups.get(group.face) is group:
                del groups[group.face]

    # -- what viewers say --------------------------------------------------------------------------------

    def arrivals(self, viewer: Viewer, told: Arrivals, now: float) -> None:
        """When packets of ours arrived."""
        if viewer.line is None:
            return
        came = []
        received, lost = viewer.receipts.read(told)
        for sequence, arrived in received:
            span = viewer.numbers.find(sequence)
            if span is None or sequence in viewer.again:
                continue
            if span.rendition == PAD:
                came.append(Came(span.sent, arrived, len(PADDING) + HEADERS))
                continue
            found = self.all[span.rendition].stream.find(sequence - span.face.shift)
            if found is not None:
                frame, place = found
                came.append(Came(frame.sent, arrived, len(frame.payloads[place]) + HEADERS))
        viewer.line.arrivals(now, came, lost)
        self.review(viewer, now)

    def resend(self, viewer: Viewer, sequences: Iterable[int], now: float) -> bool:
        """These packets again, as far as they are needed and the viewer's share lasts. False when one cannot
        be had: a keyframe is the way then."""
        line = viewer.line
        if line is None:
            return True
        line.trouble(now)
        self.review(viewer, now)
        for sequence in sequences:
            if not self._matters(viewer, sequence) or viewer.again.soon(sequence, now, line.round_trip):
                continue
            packet = self._packet(viewer, sequence)
            if packet is None:
                self._counts["unservable"] += 1
                return False
            copies = viewer.again.take(sequence, len(packet), now, self._sizes[viewer.at].rate)
            if not copies:
                self._counts["resends_refused"] += 1
                break
            self._counts["resent"] += copies
            viewer.peer.send_rtp([packet] * copies)
        return True

    def _matters(self, viewer: Viewer, sequence: int) -> bool:
        """Whether the packet with this number was sent to the viewer, and is needed still: not on its way to
        another rendition, nor from before it came to this one. Sending it would only fill a thin line."""
        if viewer.video is None or viewer.goal > viewer.at or self._age(viewer, sequence) < 0:
            return False
        return viewer.numbers.current(sequence)

    def _packet(self, viewer: Viewer, sequence: int) -> bytes | None:
        """The packet with the viewer's number, byte for byte as it was; None when it cannot be had."""
        span = viewer.numbers.find(sequence) if self._age(viewer, sequence) < RESEND_SPAN else None
        if span is None:
            return None
        if span.rendition == PAD:
            return self.all[viewer.at].stream.padding(sequence, span.timestamp, span.face)
        return self.all[span.rendition].stream.packet(sequence - span.face.shift, span.face)

    def review(self, viewer: Viewer, now: float) -> None:
        """Whether the viewer should get another rendition now, or be listened to more or less closely."""
        line = viewer.line
        if line is None or viewer.video is None:
            return
        viewer.numbers.come_round(self._next(viewer))
        if viewer.peer.id not in self._moving:
            goal = line.choose(now) if viewer.pinned is None else viewer.pinned
            if goal != viewer.at:
                self._aim(viewer, goal, now)
        counts = bool(viewer.video.face.counter)
        if viewer.paused is None and not viewer.video.waits(viewer.peer) and counts != line.listening(now):
            self._reface(viewer, viewer.video.face.shift, now)

    def pin(self, viewer: Viewer, index: int | None, now: float) -> None:
        """This rendition, whatever the line carries; None: what the line carries."""
        viewer.pinned = index
        if viewer.video is None:
            return
        goal = viewer.goal if index is None else index
        if goal != viewer.goal:
            self._aim(viewer, goal, now, force=True)
        self.review(viewer, now)

    # -- changes -----------------------------------------------------------------------------------------

    def _aim(self, viewer: Viewer, goal: int, now: float, force: bool = False) -> None:
        viewer.goal = goal
        if goal == viewer.at and viewer.paused is None:
            self._moving.pop(viewer.peer.id, None)
            return
        self._moving[viewer.peer.id] = viewer
        if force or goal > viewer.at:
            self.all[goal].limiter.want()
            self.ask(now)
        if not force and goal > viewer.at and viewer.paused is None:
            self._pause(viewer, self._next(viewer))

    def _pause(self, viewer: Viewer, number: int) -> None:
        """Nothing more of what it gets: a thin line is to be empty when the keyframe comes."""
        assert viewer.video is not None, "the callers have looked"
        viewer.paused = number
        viewer.video.leave(viewer.peer)

    def _at_keyframe(self, viewer: Viewer, index: int, first: int, timestamp: int, now: float) -> None:
        """A keyframe of this rendition, whose first packet has this number, is about to be sent."""
        if viewer.video is None:
            return
        if viewer.goal == index:
            last = self.all[viewer.at].stream.last
            fresh = viewer.paused is not None or viewer.video.waits(viewer.peer)
            if not fresh and last is not None and last.timestamp >= timestamp:
                return  # it has had the picture of this tick: the next keyframe will do
            self._change(viewer, index, first, now)
        elif viewer.at == index < viewer.goal and viewer.paused is None:
            self._pause(viewer, (first + viewer.video.face.shift) & 0xFFFF)

    def _change(self, viewer: Viewer, index: int, first: int, now: float) -> None:
        assert viewer.line is not None, "whoever has pictures has a line"
        number = self._next(viewer)
        self._ungroup(viewer)
        self._counts["switched_down" if index > viewer.at else "switched_up"] += index != viewer.at
        viewer.at, viewer.paused, viewer.video = index, None, None
        viewer.line.changed(index, now)
        headers = viewer.numbered((number - first) & 0xFFFF, viewer.line.listening(now))
        viewer.numbers.begin(Span(number, index, headers))
        viewer.video = self._group(self.all[index], headers)
        viewer.video.join(viewer.peer)
        self._moving.pop(viewer.peer.id, None)
        self._follow(viewer)

    def _reface(self, viewer: Viewer, shift: int, now: float) -> None:
        """Other headers from the next packet on."""
        assert viewer.line is not None, "the callers have looked"
        self._ungroup(viewer)
        headers = viewer.numbered(shift & 0xFFFF, viewer.line.listening(now))
        rendition = self.all[viewer.at]
        viewer.numbers.note(Span((rendition.stream.next + shift) & 0xFFFF, viewer.at, headers))
        viewer.video = self._group(rendition, headers)
        viewer.video.join(viewer.peer)

    def _follow(self, viewer: Viewer) -> None:
        """Keep in mind who may be probed."""
        if viewer.at and viewer.line is not None and viewer.line.hears:
            self._probed[viewer.peer.id] = viewer
        else:
            self._probed.pop(viewer.peer.id, None)

    def _padding(self, viewer: Viewer, now: float) -> list[Job]:
        """Padding beside the picture, to find out what the line would carry. It takes numbers of its own."""
        group, line = viewer.video, viewer.line
        if group is None or line is None or viewer.pinned is not None or viewer.peer.id in self._moving:
            return []
        if viewer.paused is not None or group.waits(viewer.peer):
            return []
        probing = line.probing
        count = round(line.padding(now) / (len(PADDING) + HEADERS))
        self._counts["probes"] += line.probing and not probing
        if not count:
            return []
        stream, number = self.all[viewer.at].stream, self._next(viewer)
        stamp = stream.timestamp
        viewer.numbers.note(Span(number, PAD, group.face, stamp, now))
        packets = [stream.padding(number + place, stamp, group.face) for place in range(count)]
        self._counts["padding"] += count
        self._reface(viewer, group.face.shift + count, now)
        return [(self._port.line_up([viewer.peer]), packets)]

    def _age(self, viewer: Viewer, sequence: int) -> int:
        """How many packets ago this one was sent; below 0: never."""
        return sequence_delta(self._next(viewer) - 1, sequence)

    def _next(self, viewer: Viewer) -> int:
        """The number of the viewer's next packet."""
        assert viewer.video is not None, "the callers have looked"
        if viewer.paused is not None:
            return viewer.paused
        return (self.all[viewer.at].stream.next + viewer.video.face.shift) & 0xFFFF

    def _skip(self, rendition: Rendition, frame: Frame) -> bool:
        if self._pump.full:
            rendition.skipping = True
        elif frame.keyframe:
            rendition.skipping = False
        if rendition.skipping:
            rendition.limiter.want()
        return rendition.skipping
