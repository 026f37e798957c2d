"""The compiled core, where there is one: `burst.c`, `seal.c` and `ear.c`, called through cffi's ABI mode.

`python -m broadcast.transport.compiled` builds it, if there is a C compiler, into the virtual environment;
`make run` does so. Nothing needs it: without it, or with one of another version, `tray.PlainTray` and
`ear.PlainEar` work.
"""

import errno
import functools
import hashlib
import platform
import shutil
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cffi import FFI

from broadcast.transport.ear import DATAGRAM, TURN, Heard
from broadcast.transport.kernel import MAX_ENTRIES, NAME, address, sockaddr
from broadcast.transport.lineup import Address, Part
from broadcast.transport.tray import ARENA, RTP, Flown, Guard, Layout, lay_out

SOURCES = tuple(Path(__file__).with_name(name) for name in ("burst.c", "seal.c", "ear.c"))
FLAGS = ("-O3", "-shared", "-fPIC")
TRIES: tuple[tuple[str, ...], ...] = ((), ("-DWITHOUT_SEAL",))  # the second for a compiler that is too old
BUILD_SECONDS = 60.0  # the compiler's most

ffi = FFI()
POINTER = ffi.sizeof("void *")
ffi.cdef(
    """
    struct run { int first, packets, segment; };
    struct layout {
        uintptr_t protect, seal;
        const unsigned char *template; const int *plain; const struct run *run;
        int span, added, runs, session;
    };
    int seal_possible(void);
    struct seal *seal_new(const unsigned char *key, const unsigned char *salt);
    void seal_free(struct seal *seal);
    int seal_size(void);
    int seal_packet(struct seal *seal, const unsigned char *packet, unsigned char *out, int *length);
    struct tray *tray_new(void);
    void tray_free(struct tray *tray);
    unsigned char *tray_arena(struct tray *tray);
    int tray_load(struct tray *tray, const struct layout *layout, int sealed, uintptr_t sessions,
                  uintptr_t names, unsigned name_size, int targets);
    int tray_send(struct tray *tray, int fd, int first, int end);
    int tray_fly(struct tray *tray, const struct layout *layout, int sealed, uintptr_t sessions,
                 uintptr_t names, unsigned name_size, int targets, int room, int fd, int *trouble);
    struct rest { int at, size, name, name_size; };
    struct tally { uint64_t datagrams, bytes, unread, known, sent, octets, refused, overflow; };
    struct ear *ear_new(void);
    void ear_free(struct ear *ear);
    const struct rest *ear_rest(struct ear *ear);
    const struct tally *ear_tally(struct ear *ear);
    unsigned char *ear_data(struct ear *ear);
    unsigned char *ear_names(struct ear *ear);
    void ear_learn(struct ear *ear, const unsigned char *name, unsigned name_size, const unsigned char *check,
                   int size, const unsigned char *password, int password_size);
    void ear_hush(struct ear *ear, const unsigned char *name, unsigned size, int tag, double until);
    void ear_forget(struct ear *ear, const unsigned char *name, unsigned size);
    double ear_answered(struct ear *ear, const unsigned char *name, unsigned size);
    int ear_hear(struct ear *ear, int fd, double now);
    """
)


def place() -> Path:
    """Where the core lies that belongs to this source and this machine."""
    made_of = [*(each.read_bytes() for each in SOURCES), *map(str.encode, FLAGS)]
    mark = hashlib.sha256(b"".join(made_of)).hexdigest()[:12]
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
        for more in TRIES:
            command = [compiler, *FLAGS, *more, "-o", str(part), *map(str, SOURCES)]
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
        return ffi.dlopen(str(place()))
    except OSError:
        return None


class CompiledTray:
    """The tray in C. Only where `library()` gives something."""

    def __init__(self, sock: socket.socket) -> None:
        self._library = library()
        self._descriptor = sock.fileno()
        self._tray = ffi.gc(self._library.tray_new(), self._library.tray_free)
        self._arena = memoryview(ffi.buffer(self._library.tray_arena(self._tray), ARENA))
        self._seal = seal_function()
        self._trouble = ffi.new("int[2]")

    def lay_out(self, packets: Sequence[bytes], tag: int, guard: Guard, segmented: bool) -> Layout:
        layout = lay_out(packets, tag, guard, segmented)
        pointed = (
            ffi.from_buffer("unsigned char[]", layout.template),
            ffi.from_buffer("int[]", layout.plain),
            ffi.new("struct run[]", layout.runs),
        )
        seal, session = self._seal
        numbers = len(layout.template), layout.added, len(layout.runs), session
        plan = ffi.new("struct layout *", (guard.address, seal, *pointed, *numbers))
        layout.plan = plan, pointed  # what it points to must last as long
        return layout

    def room(self, layout: Layout) -> int:
        return min(ARENA // len(layout.template), MAX_ENTRIES // len(layout.runs))

    def load(self, part: Part, layout: Layout) -> int | None:
        refused: int = self._library.tray_load(self._tray, layout.plan[0], *_targets(part, layout))
        return None if refused < 0 else refused

    def fly(self, part: Part, layout: Layout) -> Flown:
        targets, room, trouble = _targets(part, layout), self.room(layout), self._trouble
        served: int = self._library.tray_fly(
            self._tray, layout.plan[0], *targets, room, self._descriptor, trouble
        )
        return Flown(served, bool(trouble[0]), trouble[1])

    def send(self, first: int, end: int) -> tuple[int, int]:
        sent: int = self._library.tray_send(self._tray, self._descriptor, first, end)
        return (sent, 0) if sent > 0 else (0, -sent)

    def datagram(self, layout: Layout, target: int, packet: int) -> memoryview:
        start = target * len(layout.template) + layout.octets(0, packet)
        return self._arena[start : start + layout.octets(packet, packet + 1)]


class CompiledEar:
    """The ear in C. Only where `library()` gives something."""

    def __init__(self, sock: socket.socket) -> None:
        self._library = library()
        self._descriptor, self._family = sock.fileno(), sock.family
        self._ear = ffi.gc(self._library.ear_new(), self._library.ear_free)
        self._rest = self._library.ear_rest(self._ear)
        self._tally = self._library.ear_tally(self._ear)
        self._data = ffi.buffer(self._library.ear_data(self._ear), TURN * DATAGRAM)
        self._names = ffi.buffer(self._library.ear_names(self._ear), TURN * NAME)
        self._errors = 0

    def hear(self, now: float) -> Sequence[Heard]:
        count: int = self._library.ear_hear(self._ear, self._descriptor, now)
        if count < 0 and count != -errno.EAGAIN:
            self._errors += 1
        return [self._left(self._rest[number]) for number in range(count)]

    def learn(self, address: Address, check: bytes, password: bytes) -> None:
        self._library.ear_learn(self._ear, *self._name(address), check, len(check), password, len(password))

    def hush(self, address: Address, tag: int, until: float) -> None:
        self._library.ear_hush(self._ear, *self._name(address), tag, until)

    def forget(self, address: Address) -> None:
        self._library.ear_forget(self._ear, *self._name(address))

    def answered(self, address: Address) -> float:
        at: float = self._library.ear_answered(self._ear, *self._name(address))
        return at

    def stats(self) -> Counter[str]:
        tally = self._tally
        return Counter(
            rx_datagrams=tally.datagrams,
            rx_bytes=tally.bytes,
            rx_errors=self._errors,
            rx_reports_unread=tally.unread,
            rx_checks_known=tally.known,
            tx_datagrams=tally.sent,
            tx_bytes=tally.octets,
            tx_refused=tally.refused,
            tx_overflow=tally.overflow,
        )

    def _left(self, rest: Any) -> Heard:
        name = self._names[rest.name : rest.name + rest.name_size]
        return address(self._family, name), self._data[rest.at : rest.at + rest.size]

    def _name(self, address: Address) -> tuple[bytes, int]:
        name = sockaddr(self._family, address)
        return name, len(name)


def seal_function() -> tuple[int, int]:
    """The address of seal.c's function, and the bytes of a session; zeros without."""
    if not library().seal_possible():
        return 0, 0
    return int(ffi.cast("uintptr_t", library().seal_packet)), library().seal_size()


def _targets(part: Part, layout: Layout) -> tuple[bool, int, int, int, int]:
    """As arguments: whether seal.c protects, the sessions, the addresses, the size of one, how many."""
    row = part.row
    sealed = layout.guard is RTP and len(row.seals) > 0
    seals, handles, names = row.places
    sessions = (seals if sealed else handles) + POINTER * part.first
    return sealed, sessions, names + row.name_size * part.first, row.name_size, part.size


if __name__ == "__main__":
    obstacle = build()
    print(
        "The fan-out's compiled core is built."
        if obstacle is None
        else f"Without a compiled core ({obstacle}): each viewer costs somewhat more of the processor."
    )
