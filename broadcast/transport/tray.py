"""Where the copies of a burst are made: the packets once for each target, protected in place, ready for one
call of the kernel.

`PlainTray` needs no compiler; `compiled.CompiledTray` does the same in C. What costs is what is done for each
packet and each target. So in the plain one cells do not move: the C pointers to them, and the kernel's
structures, are made once, and there are small cells, for sound, lest empty bytes be copied. libsrtp is called
by `map` over lists of pointers, without a line of Python between two packets; lengths and addresses are
written, and checked, for all at once.
"""

import socket
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any, NamedTuple, Protocol

from pylibsrtp._binding import ffi as srtp_ffi
from pylibsrtp._binding import lib as srtp_lib

from broadcast.transport import kernel
from broadcast.transport.lineup import Part

ARENA = 512 * 1024  # bytes protected before a call: they stay within the processor's cache
CELLS = (320, 1424)  # bytes for one packet: of sound, of any kind
MAX_SEGMENTS, MAX_RUN = 64, 65000  # the kernel's limits for one GSO entry: packets, bytes
SRTCP_INDEX = 4  # bytes that SRTCP adds besides the tag (RFC 3711 section 3.4)


@dataclass(frozen=True, slots=True)
class Guard:
    """How libsrtp protects (or seal.c in its place, see compiled.py): its function (session, packet, length),
    that function's address, and the bytes that it adds besides the tag."""

    protect: Callable[[Any, Any, Any], int]
    address: int
    more: int = 0


def _guard(name: str, more: int) -> Guard:
    address = int(srtp_ffi.cast("uintptr_t", srtp_ffi.addressof(srtp_lib, name)))
    return Guard(getattr(srtp_lib, name), address, more)


RTP, RTCP = _guard("srtp_protect", 0), _guard("srtp_protect_rtcp", SRTCP_INDEX)


@dataclass(slots=True, eq=False)
class Layout:
    """Packets as they lie in one target's copy. `runs` are those that leave together: (first packet, packets,
    segment), where `segment` is 0 for a single packet. `plan` is what a tray makes of it for itself."""

    guard: Guard
    template: bytes  # the plain packets with room for what is added
    plain: "array[int]"  # bytes of each packet
    added: int  # bytes to each
    runs: list[tuple[int, int, int]]
    plan: Any = None

    def octets(self, first: int, end: int) -> int:
        """Bytes of some packets with what is added."""
        return sum(self.plain[first:end]) + (end - first) * self.added


class Flown(NamedTuple):
    """How far a flight came: so many targets are served. Where those are not all, the next ones that there is
    room for are in trouble: whether they are `loaded`, and how many of their entries are `sent`."""

    served: int
    loaded: bool = False
    sent: int = 0


class Tray(Protocol):
    """Copies for some targets, and the kernel's entries for them: numbered by run, then by target."""

    def lay_out(self, packets: Sequence[bytes], tag: int, guard: Guard, segmented: bool) -> Layout:
        """How packets lie, and which leave together (all by themselves unless `segmented`)."""

    def room(self, layout: Layout) -> int:
        """For how many targets at a time."""

    def load(self, part: Part, layout: Layout) -> int | None:
        """Copy and protect for all of `part`, no more than there is room for. The number of a target whose
        keys libsrtp does not want to use for these packets (then nothing is loaded), else None."""

    def fly(self, part: Part, layout: Layout) -> Flown:
        """Load and send for as many of `part` as go without trouble, which may be none. Only for who has
        `sendmmsg`."""

    def send(self, first: int, end: int) -> tuple[int, int]:
        """Send entries `first` to `end`. How many went, and if none did, the errno."""

    def datagram(self, layout: Layout, target: int, packet: int) -> memoryview:
        """One datagram of what is loaded."""


def runs(sizes: Sequence[int], added: int = 0) -> list[tuple[int, int]]:
    """Cut packets into (first, count) that GSO takes as one: all equal in size, the last may be shorter.
    `added` bytes come to each size."""
    found = []
    first = 0
    while first < len(sizes):
        size = sizes[first]
        most = min(len(sizes), first + MAX_SEGMENTS, first + MAX_RUN // (size + added))
        end = first + 1
        while end < most and sizes[end] == size:
            end += 1
        if end < most and sizes[end] < size:
            end += 1
        found.append((first, end - first))
        first = end
    return found


def lay_out(packets: Sequence[bytes], tag: int, guard: Guard, segmented: bool, cell: int = 0) -> Layout:
    """Packets in cells of so many bytes; close together if `cell` is 0."""
    plain, added = array("i", map(len, packets)), tag + guard.more
    found = runs(plain, added) if segmented else [(index, 1) for index in range(len(packets))]
    gaps = (bytes(cell - size) for size in plain) if cell else repeat(bytes(added))
    return Layout(
        guard,
        b"".join(chain.from_iterable(zip(packets, gaps))),  # noqa: B905 - gaps without end
        plain,
        added,
        [(first, count, plain[first] + added if count > 1 else 0) for first, count in found],
    )


class PlainTray:
    """The tray in Python. `batched`: whether this machine has `sendmmsg`; else `send` must not be called."""

    def __init__(self, sock: socket.socket, batched: bool) -> None:
        self._grids = tuple(kernel.Cells(ARENA // size, size) for size in CELLS)
        self._batches = {each: kernel.Batch(sock, each) for each in self._grids} if batched else {}
        self._cells = self._grids[0]  # those in use
        most = max(each.count for each in self._grids)
        lengths = srtp_ffi.new("int[]", most)
        self._lengths = memoryview(srtp_ffi.buffer(lengths)).cast("B").cast("i")
        self._length_pointers = [lengths + index for index in range(most)]

    def lay_out(self, packets: Sequence[bytes], tag: int, guard: Guard, segmented: bool) -> Layout:
        longest = max(map(len, packets)) + tag + guard.more
        layout = lay_out(packets, tag, guard, segmented, next(size for size in CELLS if longest <= size))
        layout.plan = array("i", [size + layout.added for size in layout.plain])
        return layout

    def room(self, layout: Layout) -> int:
        return min(self._grid(layout).count // len(layout.plain), kernel.MAX_ENTRIES // len(layout.runs))

    def load(self, part: Part, layout: Layout) -> int | None:
        # Two counters of one key's packets would drift apart, and a number would be used twice.
        assert layout.guard is RTCP or not part.row.seals, "these targets' RTP is counted by their seals"
        packets, targets = len(layout.plain), part.size
        cells, used = self._grid(layout), targets * packets
        self._cells = cells
        _repeat(cells.memory, layout.template, targets)
        self._lengths[:used] = layout.plain * targets
        handles = chain.from_iterable(map(repeat, part.row.handles[part.first : part.end], repeat(packets)))
        refused = any(map(layout.guard.protect, handles, cells.pointers, self._length_pointers))
        expected = layout.plan * targets
        if refused or self._lengths[:used] != expected:
            return next((i for i in range(used) if self._lengths[i] != expected[i]), 0) // packets
        batch = self._batches.get(cells)
        if batch is not None:
            size = part.row.name_size
            batch.address(part.row.names[part.first * size : part.end * size], size, len(layout.runs))
            batch.measure(array("Q", layout.plan) * targets)
            for number, (first, count, segment) in enumerate(layout.runs):
                batch.assign(number * targets, targets, first, packets, count, segment)
        return None

    def fly(self, part: Part, layout: Layout) -> Flown:
        served, room = 0, self.room(layout)
        while served < part.size:
            some = part.cut(served, served + room)
            if self.load(some, layout) is not None:
                return Flown(served)
            done, entries = 0, some.size * len(layout.runs)
            while done < entries:
                gone, _ = self.send(done, entries)
                if not gone:
                    return Flown(served, True, done)
                done += gone
            served += some.size
        return Flown(served)

    def send(self, first: int, end: int) -> tuple[int, int]:
        return self._batches[self._cells].send(first, end)

    def datagram(self, layout: Layout, target: int, packet: int) -> memoryview:
        start = target * len(layout.template) + packet * self._cells.size
        return self._cells.memory[start : start + layout.plan[packet]]

    def _grid(self, layout: Layout) -> kernel.Cells:
        return next(each for each in self._grids if each.size * len(layout.plain) == len(layout.template))


def _repeat(memory: memoryview, template: bytes, times: int) -> None:
    """Write `template` so many times over, in ever larger steps."""
    done, end = len(template), len(template) * times
    memory[:done] = template
    while done < end:
        step = min(done, end - done)
        memory[done : done + step] = memory[:step]
        done += step
