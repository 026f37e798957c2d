"""One kernel call for many viewers: SRTP in place for each of them, then `sendmmsg` with UDP GSO.

A burst is a few RTP packets (a frame) for many peers. They are laid out once in cells with room for SRTP's
tags; each peer gets a copy of them all, protected in place; neighbours of equal size leave as one entry that
the kernel cuts up. Chosen at start: GSO, else plain `sendmmsg`, else `sendto`.

What costs is what is done for each packet and each peer. So cells do not move: the C pointers to them, and
the kernel's structures, are made once, and there are small cells, for sound, lest empty bytes be copied.
libsrtp is called by `map` over lists of pointers, without a line of Python between two packets; lengths and
addresses are written, and checked, for all at once.

Overflow: when the kernel's send buffer is full, datagrams wait in a backlog of BACKLOG bytes and leave in
order as soon as there is room; beyond that the newest are dropped and counted, and NACKs repair it.
"""

import asyncio
import errno
import socket
from array import array
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, repeat
from typing import Any

from pylibsrtp import Session
from pylibsrtp._binding import ffi as srtp_ffi
from pylibsrtp._binding import lib as srtp_lib

from broadcast.transport import kernel

ARENA = 512 * 1024  # bytes protected before a call: they stay within the processor's cache
CELLS = (320, 1424)  # bytes for one packet: of sound, of any kind
BACKLOG = 4 * 1024 * 1024  # bytes
CHUNK = 256  # packets laid out at once: any of them fit ARENA
DRAIN = 256  # datagrams of the backlog sent in one turn of the event loop
MAX_PACKET = 1400  # bytes of plain RTP
MAX_SEGMENTS, MAX_RUN = 64, 65000  # the kernel's limits for one GSO entry: packets, bytes
SRTCP_INDEX = 4  # bytes that SRTCP adds besides the tag (RFC 3711 section 3.4)
GSO_DOUBTS = 64  # refusals in a row after which GSO is given up: one peer's odd route must not end it for all

Address = tuple[Any, ...]  # as Python's socket module gives it
Protect = Callable[[Any, Any, Any], int]  # session, packet, length: as libsrtp has it


class Way(StrEnum):
    """How datagrams leave, best first."""

    GSO = "gso"
    SENDMMSG = "sendmmsg"
    SENDTO = "sendto"


class Target:
    """Where one peer's packets go, and under which keys. `tag` is the bytes that SRTP adds; `outlet` is the
    way out, for who has several."""

    __slots__ = ("address", "handle", "name", "outlet", "session", "tag")

    def __init__(
        self, family: int, address: Address, session: Session, tag: int, outlet: "Outlet | None" = None
    ) -> None:
        self.address = address
        self.name = kernel.sockaddr(family, address)
        self.outlet = outlet
        self.session = session  # owns what `handle` points to
        self.handle = session._srtp[0]
        self.tag = tag


@dataclass(frozen=True, slots=True)
class Layout:
    """Packets as they lie in cells, one in each. `runs` are those that leave together: (first cell, cells,
    segment), where `segment` is 0 for a single packet."""

    template: bytes
    plain: "array[int]"  # bytes of each packet
    whole: "array[int]"  # ... with SRTP's tag
    runs: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Flight:
    """One layout for some targets, protected and ready. Entries are numbered by run, then by target."""

    cells: kernel.Cells
    layout: Layout
    targets: Sequence[Target]


def choose(sock: socket.socket) -> Way:
    """The best way that this machine offers."""
    if not kernel.available():
        return Way.SENDTO
    return Way.GSO if kernel.segments(sock) else Way.SENDMMSG


def runs(sizes: Sequence[int]) -> list[tuple[int, int]]:
    """Cut packets into (first, count) that GSO takes as one: all equal in size, the last may be shorter."""
    found = []
    first = 0
    while first < len(sizes):
        size = sizes[first]
        most = min(len(sizes), first + MAX_SEGMENTS, first + MAX_RUN // size)
        end = first + 1
        while end < most and sizes[end] == size:
            end += 1
        if end < most and sizes[end] < size:
            end += 1
        found.append((first, end - first))
        first = end
    return found


def lay_out(packets: Sequence[bytes], tag: int, cell: int, segmented: bool) -> Layout:
    """Packets in cells of `cell` bytes, and which leave together (all by themselves unless `segmented`)."""
    plain = array("i", map(len, packets))
    whole = array("i", [size + tag for size in plain])
    found = runs(whole) if segmented else [(index, 1) for index in range(len(packets))]
    return Layout(
        template=b"".join(packet.ljust(cell, b"\0") for packet in packets),
        plain=plain,
        whole=whole,
        runs=tuple((first, count, whole[first] if count > 1 else 0) for first, count in found),
    )


class Outlet:
    """The way out of one socket. Belongs to the event loop's thread."""

    def __init__(
        self,
        sock: socket.socket,
        loop: asyncio.AbstractEventLoop,
        counts: Counter[str],
        way: Way | None = None,
    ) -> None:
        self.family = sock.family
        self.way = choose(sock) if way is None else way
        self._counts = counts
        self._sock = sock
        self._loop = loop
        self._grids = tuple(kernel.Cells(ARENA // size, size) for size in CELLS)
        self._batches = {each: kernel.Batch(sock, each) for each in self._grids if self.way is not Way.SENDTO}
        most = max(each.count for each in self._grids)
        lengths = srtp_ffi.new("int[]", most)
        self._lengths = memoryview(srtp_ffi.buffer(lengths)).cast("B").cast("i")
        self._length_pointers = [lengths + index for index in range(most)]
        self._doubts = 0
        self._backlog: deque[tuple[Address, bytes]] = deque()
        self.waiting = 0  # bytes in the backlog

    def close(self) -> None:
        """Forget what waits. The socket is the caller's."""
        if self._backlog:
            self._loop.remove_writer(self._sock)
        self._backlog.clear()
        self.waiting = 0

    def send(self, address: Address, datagram: bytes) -> None:
        """One datagram as it is (STUN, DTLS, RTCP), ahead of any backlog; dropped when the kernel is full."""
        if not self._sendto(address, datagram):
            self._counts["tx_overflow"] += 1

    def burst(self, targets: Sequence[Target], packets: Sequence[bytes]) -> None:
        """Plain RTP `packets` to every target, each protected with the target's keys."""
        usable = [packet for packet in packets if 12 <= len(packet) <= MAX_PACKET]
        self._counts["tx_unusable"] += len(packets) - len(usable)
        for first in range(0, len(usable), CHUNK):
            self._burst(targets, usable[first : first + CHUNK])

    def control(self, targets: Sequence[Target], packet: bytes) -> None:
        """A plain RTCP `packet` to every target."""
        self._burst(targets, [packet], srtp_lib.srtp_protect_rtcp, SRTCP_INDEX)

    def _burst(
        self,
        targets: Sequence[Target],
        packets: Sequence[bytes],
        protect: Protect = srtp_lib.srtp_protect,
        more: int = 0,
    ) -> None:
        longest = max(map(len, packets))
        tags = {target.tag for target in targets}
        for tag in tags:
            own = targets if len(tags) == 1 else [target for target in targets if target.tag == tag]
            cells = next(each for each in self._grids if longest + tag + more <= each.size)
            layout = lay_out(packets, tag + more, cells.size, self.way is Way.GSO)
            most = min(cells.count // len(packets), kernel.MAX_ENTRIES // len(layout.runs))
            for first in range(0, len(own), most):
                self._send(self._protect(cells, layout, own[first : first + most], protect))

    def _protect(
        self, cells: kernel.Cells, layout: Layout, targets: Sequence[Target], protect: Protect
    ) -> Flight:
        """Each target's copy of the packets, protected in place by one pass without Python in it. If libsrtp
        refuses a packet (a resend too old for it), that target gets none: the rest is done again, which
        gives the same bytes."""
        packets = len(layout.plain)
        while targets:
            used = len(targets) * packets
            _repeat(cells.memory, layout.template, len(targets))
            self._lengths[:used] = layout.plain * len(targets)
            handles = chain.from_iterable(map(repeat, [each.handle for each in targets], repeat(packets)))
            refused = any(map(protect, handles, cells.pointers, self._length_pointers))
            expected = layout.whole * len(targets)
            if not refused and self._lengths[:used] == expected:
                break
            wrong = next((i for i in range(used) if self._lengths[i] != expected[i]), 0) // packets
            self._counts["tx_protect_failed"] += 1
            targets = [*targets[:wrong], *targets[wrong + 1 :]]
        return Flight(cells, layout, targets)

    def _send(self, flight: Flight) -> None:
        batch, layout, targets = self._batches.get(flight.cells), flight.layout, len(flight.targets)
        entries = targets * len(layout.runs)
        if batch is None or self._backlog or not entries:
            self._send_singly(flight, range(entries))
            return
        batch.address([target.name for target in flight.targets], len(layout.runs))
        batch.measure(array("Q", layout.whole) * targets)
        for number, (first, cells, segment) in enumerate(layout.runs):
            batch.assign(number * targets, targets, first, len(layout.whole), cells, segment)
        done = 0
        while done < entries:
            sent, error = batch.send(done, entries)
            if sent:
                self._count(flight, done, done + sent)
                done += sent
                self._doubts = 0
            elif error == errno.EAGAIN:
                self._send_singly(flight, range(done, entries))
                return
            else:
                self._refused(flight, done)
                done += 1

    def _count(self, flight: Flight, first: int, end: int) -> None:
        """Entries `first` to `end` have left."""
        targets = len(flight.targets)
        for number, (cell, cells, _) in enumerate(flight.layout.runs):
            sent = min(end, (number + 1) * targets) - max(first, number * targets)
            if sent > 0:
                self._counts["tx_datagrams"] += sent * cells
                self._counts["tx_bytes"] += sent * sum(flight.layout.whole[cell : cell + cells])

    def _refused(self, flight: Flight, entry: int) -> None:
        """The kernel does not want this entry: without GSO it may."""
        self._counts["tx_refused"] += 1
        if flight.layout.runs[entry // len(flight.targets)][2]:
            self._doubts += 1
            if self._doubts >= GSO_DOUBTS:
                self.way = Way.SENDMMSG
            self._send_singly(flight, (entry,))

    def _send_singly(self, flight: Flight, entries: Iterable[int]) -> None:
        for address, datagram in self._datagrams(flight, entries):
            if self._backlog or not self._sendto(address, datagram):
                self._keep(address, bytes(datagram))

    def _datagrams(self, flight: Flight, entries: Iterable[int]) -> Iterator[tuple[Address, memoryview]]:
        whole, size = flight.layout.whole, flight.cells.size
        for entry in entries:
            number, target = divmod(entry, len(flight.targets))
            first, cells, _ = flight.layout.runs[number]
            for cell in range(first, first + cells):
                start = (target * len(whole) + cell) * size
                yield flight.targets[target].address, flight.cells.memory[start : start + whole[cell]]

    def _sendto(self, address: Address, datagram: bytes | memoryview) -> bool:
        """False if there is no room just now. Other errors are the address's fault: counted, and done."""
        try:
            self._sock.sendto(datagram, address)
        except BlockingIOError:
            return False
        except OSError:
            self._counts["tx_refused"] += 1
        else:
            self._counts["tx_datagrams"] += 1
            self._counts["tx_bytes"] += len(datagram)
        return True

    def _keep(self, address: Address, datagram: bytes) -> None:
        if self.waiting + len(datagram) > BACKLOG:
            self._counts["tx_overflow"] += 1
            return
        if not self._backlog:
            self._loop.add_writer(self._sock, self._drain)
        self._backlog.append((address, datagram))
        self.waiting += len(datagram)

    def _drain(self) -> None:
        for _ in range(min(DRAIN, len(self._backlog))):
            address, datagram = self._backlog[0]
            if not self._sendto(address, datagram):
                return
            self._backlog.popleft()
            self.waiting -= len(datagram)
        if not self._backlog:
            self._loop.remove_writer(self._sock)


def _repeat(memory: memoryview, template: bytes, times: int) -> None:
    """Write `template` so many times over, in ever larger steps."""
    done, end = len(template), len(template) * times
    memory[:done] = template
    while done < end:
        step = min(done, end - done)
        memory[done : done + step] = memory[:step]
        done += step
