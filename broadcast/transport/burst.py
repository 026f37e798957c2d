"""One kernel call for many viewers: SRTP in place for each of them, then `sendmmsg` with UDP GSO.

A burst is a few RTP packets (a frame) for many peers. They are laid out once, with room for SRTP's tags; on a
tray each peer gets a copy of them all, protected in place; neighbours of equal size leave as one entry that
the kernel cuts up. Chosen at start: GSO, else plain `sendmmsg`, else `sendto`; and the tray in C, if it was
compiled, else the one in Python.

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

from broadcast.transport import compiled, kernel, seal
from broadcast.transport.lineup import Address, Part
from broadcast.transport.tray import RTCP, RTP, Flown, Layout, PlainTray, Tray

BACKLOG = 4 * 1024 * 1024  # bytes
CHUNK = 256  # packets laid out at once: any of them fit a tray
DRAIN = 256  # datagrams of the backlog sent in one turn of the event loop
MAX_PACKET = 1400  # bytes of plain RTP
GSO_DOUBTS = 64  # refusals in a row after which GSO is given up: one peer's odd route must not end it for all


class Way(StrEnum):
    """How datagrams leave, best first."""

    GSO = "gso"
    SENDMMSG = "sendmmsg"
    SENDTO = "sendto"


@dataclass(frozen=True, slots=True)
class Flight:
    """One layout for some targets, as it lies on the tray. Entries are numbered by run, then by target."""

    layout: Layout
    part: Part


def choose(sock: socket.socket) -> Way:
    """The best way that this machine offers."""
    if not kernel.available():
        return Way.SENDTO
    return Way.GSO if kernel.segments(sock) else Way.SENDMMSG


class Outlet:
    """The way out of one socket. Belongs to the event loop's thread. `core`: whether to use the compiled
    tray, if there is one."""

    def __init__(
        self,
        sock: socket.socket,
        loop: asyncio.AbstractEventLoop,
        counts: Counter[str],
        way: Way | None = None,
        core: bool = True,
    ) -> None:
        self.family = sock.family
        self.way = choose(sock) if way is None else way
        self.compiled = core and self.way is not Way.SENDTO and compiled.library() is not None
        self.sealing = self.compiled and seal.available()
        self._counts = counts
        self._sock = sock
        self._loop = loop
        self._tray: Tray = (
            compiled.CompiledTray(sock) if self.compiled else PlainTray(sock, self.way is not Way.SENDTO)
        )
        self._doubts = 0
        self._laid: tuple[Sequence[bytes], int, Way, list[Layout]] | None = None
        self._backlog: deque[tuple[Address, bytes]] = deque()
        self.waiting = 0  # bytes in the backlog

    @property
    def manner(self) -> str:
        """How it sends, for the log."""
        return f"{self.way}, {'sealing' if self.sealing else 'compiled' if self.compiled else 'plain'}"

    def close(self) -> None:
        """Forget what waits. The socket is the caller's."""
        if self._backlog:
            self._loop.remove_writer(self._sock)
        self._backlog.clear()
        self.waiting = 0
        self._laid = None

    def send(self, address: Address, datagram: bytes) -> None:
        """One datagram as it is (STUN, DTLS, RTCP), ahead of any backlog; dropped when the kernel is full."""
        if not self._sendto(address, datagram):
            self._counts["tx_overflow"] += 1

    def burst(self, part: Part, packets: Sequence[bytes]) -> None:
        """Plain RTP `packets` to every target, each protected with the target's keys."""
        for layout in self._layouts(packets, part.row.tag):
            self._burst(part, layout)

    def control(self, part: Part, packet: bytes) -> None:
        """A plain RTCP `packet` to every target."""
        self._burst(part, self._tray.lay_out([packet], part.row.tag, RTCP, self.way is Way.GSO))

    def _layouts(self, packets: Sequence[bytes], tag: int) -> list[Layout]:
        """Made once for the same packets, which go to part after part, and over several turns."""
        laid = self._laid
        if laid is None or laid[0] is not packets or laid[1:3] != (tag, self.way):
            usable = [packet for packet in packets if 12 <= len(packet) <= MAX_PACKET]
            self._counts["tx_unusable"] += len(packets) - len(usable)
            chunks = (usable[first : first + CHUNK] for first in range(0, len(usable), CHUNK))
            found = [self._tray.lay_out(each, tag, RTP, self.way is Way.GSO) for each in chunks]
            laid = self._laid = packets, tag, self.way, found
        return laid[3]

    def _burst(self, part: Part, layout: Layout) -> None:
        """As far as it goes without trouble, which is mostly to the end; then some with care, and so on."""
        room, first = self._tray.room(layout), 0
        while first < part.size:
            rest = part.cut(first, part.size)
            singly = self.way is Way.SENDTO or self._backlog
            flown = Flown(0) if singly else self._tray.fly(rest, layout)
            if flown.served:
                packets = len(layout.plain)
                self._sent(flown.served * packets, flown.served * layout.octets(0, packets))
                self._doubts = 0
            if flown.served == rest.size:
                return
            first += flown.served
            some = rest.cut(flown.served, flown.served + room)
            if flown.loaded:
                self._count(Flight(layout, some), 0, flown.sent)
                self._send(Flight(layout, some), flown.sent)
            else:
                self._fly(layout, some)
            first += room

    def _fly(self, layout: Layout, part: Part | None) -> None:
        """Load and send. If libsrtp refuses a packet (a resend too old for it), that target gets none: the
        rest is done again, which gives the same bytes."""
        while part is not None:
            refused = self._tray.load(part, layout)
            if refused is None:
                self._send(Flight(layout, part), 0)
                return
            self._counts["tx_protect_failed"] += 1
            part = part.without(refused)

    def _send(self, flight: Flight, done: int) -> None:
        """What is loaded, less the entries that have left."""
        entries = flight.part.size * len(flight.layout.runs)
        if self.way is Way.SENDTO or self._backlog:
            self._send_singly(flight, range(done, entries))
            return
        while done < entries:
            sent, error = self._tray.send(done, entries)
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
        targets = flight.part.size
        for number, (packet, packets, _) in enumerate(flight.layout.runs):
            sent = max(0, min(end, (number + 1) * targets) - max(first, number * targets))
            self._sent(sent * packets, sent * flight.layout.octets(packet, packet + packets))

    def _sent(self, datagrams: int, size: int) -> None:
        self._counts["tx_datagrams"] += datagrams
        self._counts["tx_bytes"] += size

    def _refused(self, flight: Flight, entry: int) -> None:
        """The kernel does not want this entry: without GSO it may."""
        self._counts["tx_refused"] += 1
        if flight.layout.runs[entry // flight.part.size][2]:
            self._doubts += 1
            if self._doubts >= GSO_DOUBTS:
                self.way = Way.SENDMMSG
            self._send_singly(flight, (entry,))

    def _send_singly(self, flight: Flight, entries: Iterable[int]) -> None:
        for address, datagram in self._datagrams(flight, entries):
            if self._backlog or not self._sendto(address, datagram):
                self._keep(address, bytes(datagram))

    def _datagrams(self, flight: Flight, entries: Iterable[int]) -> Iterator[tuple[Address, memoryview]]:
        targets = flight.part.targets
        for entry in entries:
            number, target = divmod(entry, len(targets))
            first, packets, _ = flight.layout.runs[number]
            for packet in range(first, first + packets):
                yield targets[target].address, self._tray.datagram(flight.layout, target, packet)

    def _sendto(self, address: Address, datagram: bytes | memoryview) -> bool:
        """False if there is no room just now. Other errors are the address's fault: counted, and done."""
        try:
            self._sock.sendto(datagram, address)
        except BlockingIOError:
            return False
        except OSError:
            self._counts["tx_refused"] += 1
        else:
            self._sent(1, len(datagram))
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
