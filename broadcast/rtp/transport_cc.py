"""(P) Transport-wide congestion control: tells a sender when each of its packets arrived, so that it can
find what the path carries (draft-holmer-rmcat-transport-wide-cc-extensions-01). Both directions: `ArrivalLog`
writes what we received, `Arrivals` reads what a viewer received.
"""

import struct
from dataclasses import dataclass

from broadcast.errors import MalformedError
from broadcast.rtp.packet import sequence_delta

TICK = 0.00025  # seconds of one receive delta
REFERENCE = 0.064  # seconds of one reference tick
MOST_PACKETS = 256  # in one message, which then fits a datagram; what comes beyond goes unreported
MOST_READ = 4096  # packets that a message of others may tell of: no honest one spans more


class ArrivalLog:
    """Arrivals since the last message, for all streams of one transport."""

    def __init__(self) -> None:
        self._arrivals: dict[int, float] = {}  # extended sequence -> arrival
        self._highest: int | None = None
        self._next: int | None = None  # the first number that no message has covered
        self._messages = 0

    def __len__(self) -> int:
        return len(self._arrivals)

    def received(self, sequence: int, arrival: float) -> None:
        """A packet with this transport-wide 16-bit number came at `arrival` (seconds)."""
        highest = self._highest
        number = sequence if highest is None else highest + sequence_delta(sequence, highest & 0xFFFF)
        if highest is None or number > highest:
            self._highest = number
        if self._next is not None and number < self._next:
            return  # that number was reported as lost: a message never goes back
        if len(self._arrivals) < MOST_PACKETS:
            self._arrivals.setdefault(number, arrival)

    def message(self, ssrc: int, media: int) -> bytes | None:
        """The RTCP message about everything since the last one; None if nothing came."""
        if not self._arrivals:
            return None
        numbers = sorted(self._arrivals)
        first = numbers[0] if self._next is None else max(self._next, numbers[-1] - 4 * MOST_PACKETS)
        numbers = [number for number in numbers if number >= first]
        start = int(self._arrivals[numbers[0]] / REFERENCE)
        statuses, deltas, reached = self._deltas(first, numbers, start * REFERENCE)
        for number in [number for number in self._arrivals if number < reached]:
            del self._arrivals[number]
        self._next = reached
        body = struct.pack(
            "!IIHHI",
            ssrc,
            media,
            first & 0xFFFF,
            len(statuses),
            (start & 0xFFFFFF) << 8 | self._messages & 0xFF,
        )
        self._messages += 1
        body += _chunks(statuses) + deltas
        body += bytes(-len(body) % 4)
        return struct.pack("!BBH", 0x8F, 205, len(body) // 4) + body

    def _deltas(self, first: int, numbers: list[int], reference: float) -> tuple[list[int], bytes, int]:
        """Status of each number (0 lost, 1 small delta, 2 large delta), the deltas, and the number after."""
        statuses: list[int] = []
        parts: list[bytes] = []
        ticks = 0
        for number in numbers:
            delta = round((self._arrivals[number] - reference) / TICK) - ticks
            if not -0x8000 <= delta <= 0x7FFF:
                break  # eight seconds apart: the next message starts here, with its own reference time
            statuses += [0] * (number - first - len(statuses))
            ticks += delta
            small = 0 <= delta <= 0xFF
            statuses.append(1 if small else 2)
            parts.append(bytes((delta,)) if small else struct.pack("!h", delta))
        return statuses, b"".join(parts), first + len(statuses)


def _chunks(statuses: list[int]) -> bytes:
    """Packet status chunks: run lengths where they save something, else vectors of seven two-bit symbols."""
    found = []
    position, size = 0, len(statuses)
    while position < size:
        status = statuses[position]
        run = 1
        while position + run < size and run < 0x1FFF and statuses[position + run] == status:
            run += 1
        if run >= 7 or position + run == size:
            found.append(status << 13 | run)
            position += run
            continue
        chunk = 0xC000
        for index, symbol in enumerate(statuses[position : position + 7]):
            chunk |= symbol << (12 - 2 * index)
        found.append(chunk)
        position += 7
    return struct.pack(f"!{len(found)}H", *found)


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What somebody received of ours: of the `count` packets from number `first` on, those that came, as
    (16-bit number, seconds on the receiver's clock, which starts anywhere and wraps after twelve days)."""

    first: int
    count: int
    received: tuple[tuple[int, float], ...]


def read(body: bytes) -> Arrivals:
    """The message behind its RTCP header. Raises MalformedError; struct.error when it is cut off."""
    first, count, reference = struct.unpack_from("!HHI", body, 8)
    if count > MOST_READ:
        raise MalformedError("transport-cc message about too many packets")
    symbols, position = _symbols(body, count)
    ticks = (reference >> 8) * 256  # a reference tick is 256 small ones
    received = []
    for index, symbol in enumerate(symbols):
        if symbol == 1:
            ticks += body[position] if position < len(body) else _cut_off()
            position += 1
        elif symbol == 2:
            ticks += struct.unpack_from("!h", body, position)[0]
            position += 2
        else:
            continue
        received.append(((first + index) & 0xFFFF, ticks * TICK))
    return Arrivals(first, count, tuple(received))


def _cut_off() -> int:
    raise MalformedError("transport-cc message cut off")


def _symbols(body: bytes, count: int) -> tuple[list[int], int]:
    """One status for each packet, and where the deltas begin."""
    found: list[int] = []
    position = 16
    while len(found) < count:
        chunk: int = struct.unpack_from("!H", body, position)[0]
        position += 2
        if not chunk & 0x8000:
            found += [chunk >> 13] * min(chunk & 0x1FFF, count - len(found))
            if not chunk & 0x1FFF:
                raise MalformedError("transport-cc run of no length")
        elif chunk & 0x4000:
            found += ((chunk >> shift) & 3 for shift in range(12, -1, -2))
        else:
            found += ((chunk >> shift) & 1 for shift in range(13, -1, -1))
    return found[:count], position
