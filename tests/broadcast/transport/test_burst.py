"""Bursts: what is sent together, that it can be read, and what happens when the kernel has no room."""

import asyncio
import errno
import os
import socket
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pylibsrtp import Policy, Session

from broadcast.rtp.packet import header
from broadcast.rtp.rtcp import SenderReport
from broadcast.transport import burst, kernel, seal, tray
from broadcast.transport.burst import Outlet, Way
from broadcast.transport.lineup import Target, line_up
from broadcast.transport.seal import Seal
from tests.support import core

GCM = (Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 28, 16)
CM = (Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 30, 10)


class Viewer:
    """A socket with a key, and the target that leads to it."""

    def __init__(self, family: int, profile: tuple[int, int, int], sealed: bool) -> None:
        kind, size, tag = profile
        key = os.urandom(size)
        self.sock = socket.socket(family, socket.SOCK_DGRAM)
        self.sock.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
        self.sock.setblocking(False)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        policy = Policy(key=key, ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=kind)
        policy.allow_repeat_tx, policy.window_size = True, 1024  # as aiortc has it
        own = Seal(key) if sealed and profile == GCM else None
        self._inbound = Session(Policy(key=key, ssrc_type=Policy.SSRC_ANY_INBOUND, srtp_profile=kind))
        self.reports = self._inbound
        if own:  # another key, so that nobody can read what goes by the wrong one of the two
            policy.key = other = os.urandom(size)
            self.reports = Session(Policy(other, Policy.SSRC_ANY_INBOUND, srtp_profile=kind))
        self.target = Target(family, self.sock.getsockname(), Session(policy), tag, seal=own)

    def datagrams(self) -> list[bytes]:
        found = []
        while True:
            try:
                found.append(self.sock.recv(2048))
            except BlockingIOError:
                return found

    def packets(self) -> list[bytes]:
        return [self._inbound.unprotect(each) for each in self.datagrams()]


class Loop:
    """The two methods of an event loop that an outlet uses."""

    def __init__(self) -> None:
        self.writer: Any = None

    def add_writer(self, sock: socket.socket, callback: Any) -> None:
        self.writer = callback

    def remove_writer(self, sock: socket.socket) -> None:
        self.writer = None


class Scene:
    def __init__(self, family: int, way: Way, profiles: list[tuple[int, int, int]], kind: str) -> None:
        self.sock = socket.socket(family, socket.SOCK_DGRAM)
        self.sock.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
        self.sock.setblocking(False)
        self.counts: Counter[str] = Counter()
        self.loop = Loop()
        self.outlet = Outlet(self.sock, self.loop, self.counts, way, kind != "plain")  # type: ignore[arg-type]
        self.viewers = [Viewer(family, each, kind == "sealed" and self.outlet.compiled) for each in profiles]
        self.targets = [viewer.target for viewer in self.viewers]

    def burst(self, frame: list[bytes]) -> None:
        for part in line_up(self.targets):
            self.outlet.burst(part, frame)


@pytest.fixture(params=["plain", "compiled", "sealed"])
def scene(request: pytest.FixtureRequest) -> Iterator[Any]:
    scenes: list[Scene] = []
    kind = request.param
    if kind == "sealed":
        core.need_seal()
    elif kind == "compiled":
        core.need()

    def make(
        family: int = socket.AF_INET,
        way: Way = Way.GSO,
        profiles: tuple[tuple[int, int, int], ...] = (GCM, CM, GCM),
    ) -> Scene:
        scenes.append(Scene(family, way, list(profiles), kind))
        outlet = scenes[-1].outlet
        assert outlet.compiled is (kind != "plain" and way is not Way.SENDTO)
        assert outlet.sealing is (outlet.compiled and seal.available())
        return scenes[-1]

    yield make
    for each in scenes:
        each.outlet.close()
        each.sock.close()
        for viewer in each.viewers:
            viewer.sock.close()


def packets(*sizes: int, first: int = 0) -> list[bytes]:
    return [header(96, first + i, 0, 7) + os.urandom(size - 12) for i, size in enumerate(sizes)]


@given(st.lists(st.integers(12, 1400), max_size=200), st.sampled_from([0, 10, 16]))
def test_runs_are_what_gso_takes(sizes: list[int], added: int) -> None:
    """Every packet is in one run, in order; in a run all are equal, only the last may be shorter; no run is
    longer than the kernel allows."""
    found = tray.runs(sizes, added)
    assert [first for first, _ in found] == [sum(count for _, count in found[:i]) for i in range(len(found))]
    assert sum(count for _, count in found) == len(sizes)
    for first, count in found:
        run = sizes[first : first + count]
        assert len(set(run[:-1])) <= 1
        assert run[-1] <= run[0]
        assert count <= tray.MAX_SEGMENTS
        assert sum(run) + count * added <= tray.MAX_RUN


def test_equal_packets_leave_together() -> None:
    """A frame of equal packets with a shorter last one is a single run."""
    assert tray.runs([1200] * 10 + [300]) == [(0, 11)]
    assert tray.runs([40, 1200, 1200, 1200]) == [(0, 1), (1, 3)]


@pytest.mark.parametrize("way", list(Way))
@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6], ids=["v4", "v6"])
def test_each_way_delivers_the_same(scene: Any, way: Way, family: int) -> None:
    """By GSO, sendmmsg and sendto, over IPv4 and IPv6, with both kinds of keys, each gets each packet."""
    it = scene(family, way)
    assert it.outlet.way is way
    frame = packets(30, *[1150] * 70, 200)
    it.burst(frame)
    for viewer in it.viewers:
        assert viewer.packets() == frame
    assert it.counts["tx_datagrams"] == 3 * 72
    assert it.counts["tx_bytes"] == 3 * sum(map(len, frame)) + 72 * (16 + 10 + 16)


def test_a_burst_larger_than_the_arena(scene: Any) -> None:
    """Frames and audiences of any size go out in several calls."""
    it = scene(profiles=(GCM,) * 3)
    frame = packets(*[1400] * 600)
    for viewer in it.viewers:
        viewer.sock.setsockopt(socket.SOL_SOCKET, 33, 1 << 24)  # SO_RCVBUFFORCE
    it.burst(frame)
    assert it.counts["tx_datagrams"] == 1800
    assert it.viewers[2].packets() == frame


def test_a_resend_is_byte_identical(scene: Any) -> None:
    """The same packet again is the same datagram; one too old for libsrtp is counted, and nothing is sent."""
    it = scene(profiles=(GCM,))
    frame = packets(*[100] * 1200)
    it.burst(frame)
    sent = it.viewers[0].datagrams()
    it.burst([frame[500]])
    assert it.viewers[0].datagrams() == [sent[500]]
    it.burst([frame[5]])
    assert it.viewers[0].datagrams() == []
    assert it.counts["tx_protect_failed"] == 1


@pytest.mark.parametrize("way", list(Way))
def test_control_packets_for_many(scene: Any, way: Way) -> None:
    """The same report to everybody can be read by each, again and again."""
    it = scene(way=way)
    reports = [SenderReport(7, number << 32, 2, 3, 4).build() for number in range(3)]
    for report in reports:
        for part in line_up(it.targets):
            it.outlet.control(part, report)
    for viewer in it.viewers:
        assert [viewer.reports.unprotect_rtcp(each) for each in viewer.datagrams()] == reports


def test_unusable_packets_are_left_out(scene: Any) -> None:
    """What is no RTP packet, or too long for one, is counted and the rest goes out."""
    it = scene(profiles=(GCM,))
    frame = [b"", b"short", *packets(100), bytes(1401)]
    it.burst(frame)
    it.burst([])
    assert it.viewers[0].packets() == [frame[2]]
    assert it.counts["tx_unusable"] == 3


def test_without_gso_on_the_route_packets_go_singly(scene: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the kernel refuses segments the packets go out all the same, and GSO is given up in the end."""
    it = scene(profiles=(GCM, GCM))
    send = it.outlet._tray.send

    def refuse(first: int, end: int) -> tuple[int, int]:
        segmented = it.outlet.way is Way.GSO and first < len(it.targets)  # its first run, of two packets
        return (0, errno.EIO) if segmented else send(first, first + 1)

    monkeypatch.setattr(it.outlet._tray, "send", refuse)
    monkeypatch.setattr(it.outlet._tray, "fly", lambda part, layout: tray.Flown(0))
    for number in range(burst.GSO_DOUBTS):
        it.burst(packets(500, 500, 100, first=3 * number))
    assert it.outlet.way is Way.SENDMMSG
    it.burst(packets(500, 500, 100, first=1000))
    assert len(it.viewers[0].packets()) == len(it.viewers[1].packets()) == 3 * burst.GSO_DOUBTS + 3


def test_one_bad_address_does_not_stop_the_others(scene: Any) -> None:
    """The kernel's refusal of one target is counted; the rest get their packets, and GSO stays."""
    it = scene(profiles=(GCM, GCM, GCM))
    it.targets[1].address = ("255.255.255.255", 9)  # broadcast, which needs a permission
    it.targets[1].name = kernel.sockaddr(socket.AF_INET, it.targets[1].address)
    frame = packets(500, 500)
    it.burst(frame)
    assert [len(viewer.packets()) for viewer in it.viewers] == [2, 0, 2]
    assert it.counts["tx_refused"] == 3  # the segments together, then each by itself
    assert it.outlet.way is Way.GSO


def test_trouble_in_the_middle_of_many(scene: Any) -> None:
    """Targets whose keys are used up, or whose address the kernel refuses, are left out of a burst of several
    calls; everybody else gets everything once."""
    it = scene(profiles=(GCM,) * 9)
    for bad in (2, 6):
        it.targets[bad].address = ("255.255.255.255", 9)
        it.targets[bad].name = kernel.sockaddr(socket.AF_INET, it.targets[bad].address)
    old = packets(*[100] * 1200)
    ahead, it.targets = it.targets, [it.targets[4]]
    it.burst(old)  # this one is far ahead: for it the frame below is too old
    assert len(it.viewers[4].datagrams()) == 1200
    it.targets = ahead
    for viewer in it.viewers:
        viewer.sock.setsockopt(socket.SOL_SOCKET, 33, 1 << 24)  # SO_RCVBUFFORCE
    it.burst(packets(*[1400] * 100))  # three targets a call
    assert [len(viewer.packets()) for viewer in it.viewers] == [100, 100, 0, 100, 0, 100, 0, 100, 100]
    assert it.counts["tx_protect_failed"] == 1
    assert it.outlet.way is Way.GSO


def test_what_finds_no_room_waits_in_order(scene: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the send buffer is full, the rest of a burst and all later ones leave in order, with time."""
    it = scene(profiles=(GCM,))
    send = it.outlet._tray.send
    room = [2]

    def full(first: int, end: int) -> tuple[int, int]:
        if room[0] <= 0:
            return 0, errno.EAGAIN
        room[0] -= 1
        return send(first, first + 1)

    monkeypatch.setattr(it.outlet._tray, "send", full)
    monkeypatch.setattr(it.outlet._tray, "fly", lambda part, layout: tray.Flown(0))
    plain = it.sock

    class Full:
        """The socket, full."""

        def sendto(self, data: bytes, address: Any) -> int:
            raise BlockingIOError(errno.EAGAIN, "full")

    it.outlet._sock = Full()
    frame = packets(100, 200, 300, 300, 400)
    it.burst(frame)
    it.burst(later := packets(50, first=9))
    assert it.loop.writer is not None
    assert it.viewers[0].packets() == frame[:2]
    it.outlet._sock = plain
    it.loop.writer()
    assert it.viewers[0].packets() == frame[2:] + later
    assert it.loop.writer is None
    assert it.outlet.waiting == 0


@pytest.mark.parametrize("way", list(Way))
def test_the_backlog_is_bounded(scene: Any, way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the backlog's bytes the newest datagrams are dropped and counted; `close` forgets the rest."""
    it = scene(way=way, profiles=(GCM,))
    monkeypatch.setattr(burst, "BACKLOG", 10_000)
    monkeypatch.setattr(it.outlet._tray, "send", lambda first, end: (0, errno.EAGAIN))
    monkeypatch.setattr(it.outlet._tray, "fly", lambda part, layout: tray.Flown(0))
    monkeypatch.setattr(Outlet, "_sendto", lambda self, address, datagram: False)
    for number in range(10):
        it.burst(packets(*[984] * 5, first=5 * number))
    assert it.outlet.waiting == 10_000
    assert it.counts["tx_overflow"] == 40
    it.outlet.close()
    assert it.loop.writer is None
    assert it.outlet.waiting == 0


async def test_the_event_loop_drains_the_backlog() -> None:
    """On a real full socket the backlog leaves by the event loop as the reader makes room."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    ours.setblocking(False)
    theirs.setblocking(False)
    counts: Counter[str] = Counter()

    class Connected:
        """A connected socket that takes sendto."""

        fileno = ours.fileno
        family = ours.family

        def sendto(self, data: bytes, address: Any) -> int:
            return ours.send(data)

    outlet = Outlet(Connected(), asyncio.get_running_loop(), counts, Way.SENDTO)  # type: ignore[arg-type]
    policy = Policy(key=os.urandom(28), ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=GCM[0])
    target = Target(socket.AF_INET, ("127.0.0.1", 1), Session(policy), 16)
    for part in line_up([target]):
        outlet.burst(part, packets(*[1000] * 1000))
    assert outlet.waiting > 0
    got = 0
    async with asyncio.timeout(10):
        while got < 1000:
            got += len(await asyncio.get_running_loop().sock_recv(theirs, 2048)) // 1016
    assert outlet.waiting == 0
    assert counts["tx_datagrams"] == 1000
    outlet.close()
    ours.close()
    theirs.close()
