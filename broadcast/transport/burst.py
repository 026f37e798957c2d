"""One kernel call for many viewers: SRTP in place for each of them, then `sendmmsg` with UDP GSO.

A burst is a few RTP packets (a frame) for many peers. They are laid out once with room for SRTP's tags;
each peer gets a copy of the whole in the arena, protected in place; neighbours of equal size leave as one
entry that the kernel cuts up. Chosen at start: GSO, else plain `sendmmsg`, else `sendto`.

Overflow: when the kernel's send buffer is full, datagrams wait in a backlog of BACKLOG bytes and leave in
order as soon as there is room; beyond that the newest are dropped and counted, and NACKs repair it.
"""

import asyncio
import errno
import socket
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from pylibsrtp import Session
from pylibsrtp._binding import ffi as srtp_ffi
from pylibsrtp._binding import lib as srtp_lib

from broadcast.transport import kernel

ARENA = 512 * 1024  # bytes protected before a call: they stay within the processor's cache
BACKLOG = 4 * 1024 * 1024  # bytes
CHUNK = 256  # packets laid out at once: any of them fit the arena
DRAIN = 256  # datagrams of the backlog sent in one turn of the event loop
MAX_PACKET = 1400  # bytes of plain RTP
MAX_SEGMENTS, MAX_RUN = 64, 65000  # the kernel's limits for one GSO entry: packets, bytes
GSO_DOUBTS = 64  # refusals in a row after which GSO is given up: one peer's odd route must not end it for all

Address = tuple[Any, ...]  # as Python's socket module gives it


class Way(StrEnum):
    """How datagrams leave, best first."""

    GSO = "gso"
    SENDMMSG = "sendmmsg"
    SENDTO = "sendto"


class Target:
    """Where one peer's packets go, and under which keys. `tag` is the bytes that SRTP adds."""

    __slots__ = ("address", "handle", "name", "session", "tag")

    def __init__(self, family: int, address: Address, session: Session, tag: int) -> None:
        self.address = address
        self.name = kernel.sockaddr(family, address)
        self.session = session  # owns what `handle` points to
        self.handle = session._srtp[0]
        self.tag = tag


class Entry(NamedTuple):
    """Packets of one target, one behind the other in the arena. `segment` is 0 for a single packet."""

    target: Target
    offset: int
    length: int
    segment: int
    packets: int


@dataclass(frozen=True, slots=True)
class Layout:
    """Packets as they lie in the arena, each with room for a tag behind it."""

    template: bytes
    packets: tuple[tuple[int, int], ...]  # (offset, plain length)
    runs: tuple[tuple[int, int, int, int], ...]  # (offset, length, segment, count)


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


def lay_out(packets: Sequence[bytes], tag: int, segmented: bool) -> Layout:
    """Where each packet lies, and which leave together (all by themselves unless `segmented`)."""
    sizes = [len(packet) + tag for packet in packets]
    starts = [0]
    for size in sizes:
        starts.append(starts[-1] + size)
    found = runs(sizes) if segmented else [(index, 1) for index in range(len(packets))]
    return Layout(
        template=bytes(tag).join(packets) + bytes(tag),
        packets=tuple((start, len(packet)) for start, packet in zip(starts, packets, strict=False)),
        runs=tuple(
            (starts[first], starts[first + count] - starts[first], sizes[first] if count > 1 else 0, count)
            for first, count in found
        ),
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
        arena = bytearray(ARENA)
        self._view = memoryview(arena)
        self._base = srtp_ffi.from_buffer("unsigned char[]", arena)
        self._length = srtp_ffi.new("int *")
        self._batch = None if self.way is Way.SENDTO else kernel.Batch(sock, arena)
        self._entries: list[Entry] = []
        self._used = 0
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

    def _burst(self, targets: Iterable[Target], packets: Sequence[bytes]) -> None:
        layouts: dict[int, Layout] = {}
        for target in targets:
            layout = layouts.get(target.tag)
            if layout is None:
                layout = layouts[target.tag] = lay_out(packets, target.tag, self.way is Way.GSO)
            if (
                self._used + len(layout.template) > ARENA
                or len(self._entries) + len(layout.runs) > kernel.MAX_ENTRIES
            ):
                self._flush()
            self._add(target, layout)
        self._flush()

    def _add(self, target: Target, layout: Layout) -> None:
        """Copy and protect in place. If libsrtp refuses a packet (a resend too old for it), none goes out."""
        start = self._used
        self._view[start : start + len(layout.template)] = layout.template
        protect, handle, length, base = srtp_lib.srtp_protect, target.handle, self._length, self._base + start
        for offset, size in layout.packets:
            length[0] = size
            if protect(handle, base + offset, length) or length[0] != size + target.tag:
                self._counts["tx_protect_failed"] += 1
                return
        for offset, size, segment, count in layout.runs:
            self._entries.append(Entry(target, start + offset, size, segment, count))
        self._used += len(layout.template)

    def _flush(self) -> None:
        entries, self._entries, self._used = self._entries, [], 0
        if self._batch is None or self._backlog:
            self._send_singly(entries)
            return
        for index, (target, offset, length, segment, _) in enumerate(entries):
            self._batch.put(index, target.name, offset, length, segment)
        done = 0
        while done < len(entries):
            sent, error = self._batch.send(done, len(entries))
            for entry in entries[done : done + sent]:
                self._counts["tx_datagrams"] += entry.packets
                self._counts["tx_bytes"] += entry.length
            if sent:
                done += sent
                self._doubts = 0
            elif error == errno.EAGAIN:
                self._send_singly(entries[done:])
                return
            else:
                self._refused(entries[done])
                done += 1

    def _refused(self, entry: Entry) -> None:
        """The kernel does not want this entry: without GSO it may."""
        self._counts["tx_refused"] += 1
        if entry.segment:
            self._doubts += 1
            if self._doubts >= GSO_DOUBTS:
                self.way = Way.SENDMMSG
            self._send_singly([entry])

    def _send_singly(self, entries: Iterable[Entry]) -> None:
        for address, datagram in self._datagrams(entries):
            if self._backlog or not self._sendto(address, datagram):
                self._keep(address, bytes(datagram))

    def _datagrams(self, entries: Iterable[Entry]) -> Iterator[tuple[Address, memoryview]]:
        for target, offset, length, segment, _ in entries:
            end = offset + length
            for at in range(offset, end, segment or length):
                yield target.address, self._view[at : min(at + (segment or length), end)]

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
