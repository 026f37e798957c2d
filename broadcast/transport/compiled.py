"""The compiled core, where there is one: `burst.c`, called through cffi's ABI mode.

`python -m broadcast.transport.compiled` builds it, if there is a C compiler, into the virtual environment;
`make run` does so. Nothing needs it: without it, or with one of another version, `tray.PlainTray` works.
"""

import contextlib
import functools
import hashlib
import platform
import shutil
import socket
import subprocess
import sys
from array import array
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from cffi import FFI
from pylibsrtp._binding import ffi as srtp_ffi

from broadcast.transport.kernel import MAX_ENTRIES
from broadcast.transport.lineup import Part
from broadcast.transport.tray import ARENA, Flown, Guard, Layout, lay_out

SOURCE = Path(__file__).with_name("burst.c")
BUILD_SECONDS = 60.0  # the compiler's most

_ffi = FFI()
_ffi.cdef(
    """
    struct run { int first, packets, segment; };
    struct layout {
        uintptr_t protect; const unsigned char *template; const int *plain, *whole; const struct run *run;
        int span, packets, runs;
    };
    struct tray *tray_new(void);
    void tray_free(struct tray *tray);
    unsigned char *tray_arena(struct tray *tray);
    int tray_load(struct tray *tray, const struct layout *layout, uintptr_t sessions,
                  const unsigned char *names, unsigned name_size, int targets);
    int tray_send(struct tray *tray, int fd, int first, int end);
    int tray_fly(struct tray *tray, const struct layout *layout, uintptr_t sessions,
                 const unsigned char *names, unsigned name_size, int targets, int room, int fd,
                 int *loaded, int *sent);
    """
)


def place() -> Path:
    """Where the core lies that belongs to this source and this machine."""
    mark = hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:12]
    return Path(sys.prefix) / "lib" / "pavilion" / f"burst-{mark}-{platform.machine()}.so"


def build() -> str | None:
    """Compile the core. Returns what is in the way, if something is."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        return "there is no C compiler"
    target = place()
    part = target.with_suffix(".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(part), str(SOURCE)]
        done = subprocess.run(command, capture_output=True, check=False, timeout=BUILD_SECONDS)
        if done.returncode == 0:
            part.replace(target)
            return None
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return f"{compiler} failed"


@functools.cache
def library() -> Any:
    """The core, or None if there is none here."""
    try:
        return _ffi.dlopen(str(place()))
    except OSError:
        return None


class CompiledTray:
    """The tray in C. Only where `library()` gives something."""

    def __init__(self, sock: socket.socket) -> None:
        self._library = library()
        self._descriptor = sock.fileno()
        self._tray = _ffi.gc(self._library.tray_new(), self._library.tray_free)
        self._arena = memoryview(_ffi.buffer(self._library.tray_arena(self._tray), ARENA))

    def lay_out(self, packets: Sequence[bytes], tag: int, guard: Guard, segmented: bool) -> Layout:
        return lay_out(packets, tag, guard, segmented)

    def room(self, layout: Layout) -> int:
        return min(ARENA // len(layout.template), MAX_ENTRIES // len(layout.runs))

    def load(self, part: Part, layout: Layout) -> int | None:
        with _plan(layout) as plan:
            refused: int = self._library.tray_load(self._tray, plan, *_targets(part))
        return None if refused < 0 else refused

    def fly(self, part: Part, layout: Layout) -> Flown:
        loaded, sent = _ffi.new("int *"), _ffi.new("int *")
        with _plan(layout) as plan:
            served = self._library.tray_fly(
                self._tray, plan, *_targets(part), self.room(layout), self._descriptor, loaded, sent
            )
        return Flown(served, bool(loaded[0]), sent[0])

    def send(self, first: int, end: int) -> tuple[int, int]:
        sent: int = self._library.tray_send(self._tray, self._descriptor, first, end)
        return (sent, 0) if sent > 0 else (0, -sent)

    def datagram(self, layout: Layout, target: int, packet: int) -> memoryview:
        start = target * len(layout.template) + layout.offsets[packet]
        return self._arena[start : start + layout.whole[packet]]


@contextlib.contextmanager
def _plan(layout: Layout) -> Iterator[Any]:
    """A layout as C has it, as long as it is needed."""
    runs = array("i", chain.from_iterable(layout.runs))
    plan: Any = _ffi.new("struct layout *")
    plan.protect = layout.guard.address
    plan.template = _ffi.from_buffer("unsigned char[]", layout.template)
    plan.plain = _ffi.from_buffer("int[]", layout.plain)
    plan.whole = _ffi.from_buffer("int[]", layout.whole)
    plan.run = _ffi.cast("struct run *", _ffi.from_buffer(runs))
    plan.span, plan.packets, plan.runs = len(layout.template), len(layout.plain), len(layout.runs)
    yield plan  # `runs` lives until then, and what is pointed to in the layout as well


def _targets(part: Part) -> tuple[int, Any, int, int]:
    """Sessions, addresses, the size of one, and how many: as arguments."""
    row = part.row
    sessions = int(srtp_ffi.cast("uintptr_t", row.pointers + part.first))
    names = _ffi.from_buffer("unsigned char[]", row.names) + part.first * row.name_size
    return sessions, names, row.name_size, part.size


if __name__ == "__main__":
    obstacle = build()
    print(
        "The fan-out's compiled core is built."
        if obstacle is None
        else f"Without a compiled core ({obstacle}): each viewer costs somewhat more of the processor."
    )
