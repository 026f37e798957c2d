"""Which decoders are at work in a mixer's process, written where it outlives a crash: memory that is shared
with the server, which reads it when the process has died."""

import mmap
import tempfile
from types import TracebackType

SEATS = 64  # feeds that are staged at a time; more are not written down
SIZE = 128  # octets of a seat: picture at work, sound at work, length of the feed's id, the id
LONGEST = SIZE - 3


class Mark:
    """One octet of the box: 1 within `with`, else 0."""

    def __init__(self, memory: mmap.mmap, at: int) -> None:
        self._memory = memory
        self._at = at

    def __enter__(self) -> None:
        self._memory[self._at] = 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._memory[self._at] = 0


class Seat:
    """One feed's place: `picture` and `sound` are to be held while something of it is decoded."""

    def __init__(self, memory: mmap.mmap, at: int, feed: str) -> None:
        name = feed.encode()[:LONGEST]
        memory[at : at + 3 + len(name)] = bytes((0, 0, len(name))) + name
        self.picture = Mark(memory, at)
        self.sound = Mark(memory, at + 1)
        self._memory = memory
        self._at = at

    def free(self) -> None:
        """Nothing of this feed is decoded any more."""
        self._memory[self._at + 2] = 0


class BlackBox:
    """Made by the server; its process gets `fileno()` and opens the same with `BlackBox(number)`."""

    def __init__(self, fileno: int | None = None) -> None:
        self._file = None
        if fileno is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the box
            self._file.truncate(SEATS * SIZE)
            fileno = self._file.fileno()
        self._memory = mmap.mmap(fileno, SEATS * SIZE)

    def fileno(self) -> int:
        """For the process that is to write."""
        assert self._file is not None, "the process was given a number already"
        return self._file.fileno()

    def seat(self, feed: str) -> Seat:
        """A place for this feed. The last one is shared by all that are too many, and by no name."""
        for n in range(SEATS - 1):
            if not self._memory[n * SIZE + 2]:
                return Seat(self._memory, n * SIZE, feed)
        return Seat(self._memory, (SEATS - 1) * SIZE, "")

    def inside(self) -> frozenset[str]:
        """The feeds whose decoders are at work, or were when the process died; none once closed."""
        found: set[str] = set()
        if self._memory.closed:
            return frozenset(found)
        for at in range(0, SEATS * SIZE, SIZE):
            picture, sound, length = self._memory[at : at + 3]
            if length and (picture or sound):
                found.add(self._memory[at + 3 : at + 3 + length].decode(errors="replace"))
        return frozenset(found)

    def close(self) -> None:
        """Let go of the memory. Idempotent."""
        self._memory.close()
        if self._file is not None:
            self._file.close()
