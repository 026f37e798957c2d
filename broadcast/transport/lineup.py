"""Who gets a burst: peers side by side, as libsrtp and the kernel want them.

A line-up is made once, when somebody comes or goes, and not for each frame: then a burst for a thousand peers
has no line of Python for each of them. It is a snapshot, and owns the keys it points to, so it stays usable
when a peer closes meanwhile; that peer's last packets are dropped at its end.
"""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from pylibsrtp import Session
from pylibsrtp._binding import ffi as srtp_ffi

from broadcast.transport import kernel

if TYPE_CHECKING:
    from broadcast.transport.burst import Outlet
    from broadcast.transport.seal import Seal

Address = tuple[Any, ...]  # as Python's socket module gives it
SEAL_TAG = 16  # bytes that a seal adds


class Target:
    """Where one peer's packets go, and under which keys. `tag` is the bytes that SRTP adds; `outlet` is the
    way out, for who has several; `seal`, if there is one, protects all RTP instead of `session`."""

    __slots__ = ("address", "handle", "name", "outlet", "seal", "session", "tag")

    def __init__(
        self,
        family: int,
        address: Address,
        session: Session,
        tag: int,
        outlet: "Outlet | None" = None,
        seal: "Seal | None" = None,
    ) -> None:
        self.address = address
        self.name = kernel.sockaddr(family, address)
        self.outlet = outlet
        self.session = session  # owns what `handle` points to
        self.handle = session._srtp[0]
        self.seal = seal
        self.tag = tag


class Row:
    """Targets that differ in address and keys only: one way out, one size of tag, one family, all with a seal
    or none. `seals` are those seals' addresses, if they have them."""

    def __init__(self, targets: Sequence[Target]) -> None:
        self.outlet, self.tag = targets[0].outlet, targets[0].tag
        self.targets = targets
        self.handles = [target.handle for target in targets]
        self.names = b"".join(target.name for target in targets)
        self.name_size = len(targets[0].name)
        self.seals = array("Q", [target.seal.address for target in targets if target.seal is not None])
        assert len(self.seals) in (0, len(targets)), "C would read past the end"
        assert not self.seals or self.tag == SEAL_TAG, "seal.c would write past the end"

    @cached_property
    def pointers(self) -> Any:
        """The handles as a C array."""
        return srtp_ffi.new("srtp_t[]", self.handles)

    @cached_property
    def places(self) -> tuple[int, int, int]:
        """For C, where these begin: the seals, the handles, the addresses to send to."""
        arrays = srtp_ffi.from_buffer(self.seals), self.pointers, srtp_ffi.from_buffer(self.names)
        seals, handles, names = (int(srtp_ffi.cast("uintptr_t", each)) for each in arrays)
        return seals, handles, names


class Part(NamedTuple):
    """Neighbours of one row: its targets from number `first` up to `end`."""

    row: Row
    first: int
    end: int

    @property
    def size(self) -> int:
        return self.end - self.first

    @property
    def targets(self) -> Sequence[Target]:
        return self.row.targets[self.first : self.end]

    def cut(self, first: int, end: int) -> "Part":
        """Some of these, numbered from 0."""
        return Part(self.row, self.first + first, min(self.first + end, self.end))

    def without(self, number: int) -> "Part | None":
        """All but one of these."""
        left = [*self.targets[:number], *self.targets[number + 1 :]]
        return Part(Row(left), 0, len(left)) if left else None


class LineUp:
    """Any targets, in rows. Has a length and can be sliced, like a sequence."""

    def __init__(self, parts: Iterable[Part]) -> None:
        self._parts = tuple(parts)
        self._size = sum(part.size for part in self._parts)

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Part]:
        return iter(self._parts)

    def __getitem__(self, some: slice) -> "LineUp":
        first, end, _ = some.indices(self._size)
        if (first, end) == (0, self._size):
            return self
        found = []
        for part in self._parts:
            if max(0, first) < min(end, part.size):
                found.append(part.cut(max(0, first), end))
            first, end = first - part.size, end - part.size
        return LineUp(found)


def line_up(targets: Iterable[Target]) -> LineUp:
    """These targets, those with the same way out, tag and kind of keys side by side."""
    rows: dict[tuple[object, int, bool], list[Target]] = {}
    for target in targets:
        rows.setdefault((target.outlet, target.tag, target.seal is None), []).append(target)
    return LineUp(Part(Row(each), 0, len(each)) for each in rows.values())
