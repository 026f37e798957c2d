"""pavilion doctor: what this machine can do, and what would fail on the day, told before it."""

import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from broadcast.config import Config, host_port
from broadcast.mixer.fonts import Fonts, shapes

ROOM_GIB = 2.0  # free disk below which the doctor warns


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    what: str
    good: bool
    says: str


def examine(config: Config) -> list[Finding]:
    """Look at everything that a show needs of this machine. Reads and binds, changes nothing."""
    server = config.server
    findings = [
        Finding(
            "config", True, f"{config.event.name}, {len(config.talks)} talks, {len(config.people)} people"
        ),
        Finding("python", sys.version_info >= (3, 11), sys.version.split()[0]),
        Finding("cores", (os.cpu_count() or 1) >= 2, f"{os.cpu_count()} (the mixer wants one of its own)"),
        _port("http", server.http, socket.SOCK_STREAM),
        *(_port("udp", address, socket.SOCK_DGRAM) for address in server.udp),
        _data(config.path(server.data)),
        _https(config),
        _lettering(config),
        _shaping(),
    ]
    if not config.talks:
        findings.append(Finding("rundown", False, "no talks yet: add [[talks]] to the configuration"))
    return findings


def _port(name: str, address: str, kind: socket.SocketKind) -> Finding:
    """Whether the address can be bound."""
    host, port = host_port(name, address)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, kind) as probe:
            if kind is socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        return Finding(f"{name} {address}", False, f"cannot be bound: {error.strerror}")
    return Finding(f"{name} {address}", True, "free")


def _data(folder: Path) -> Finding:
    """Whether the data folder can be written, and how much room there is."""
    where = folder
    while not where.exists():
        where = where.parent
    try:
        with tempfile.TemporaryFile(dir=where):
            pass
    except OSError as error:
        return Finding(f"data {folder}", False, f"cannot be written: {error.strerror}")
    free = shutil.disk_usage(where).free / 2**30
    return Finding(f"data {folder}", free >= ROOM_GIB, f"{free:.0f} GiB free")


def _https(config: Config) -> Finding:
    """Browsers open a camera only over HTTPS, or on localhost."""
    url = config.server.public_url
    if config.server.tls_cert or url.startswith("https://"):
        return Finding("https", True, "speakers' cameras will open")
    return Finding(
        "https",
        True,
        "none: cameras open on this machine only (set server.tls_cert, or a proxy and public_url)",
    )


def _lettering(config: Config) -> Finding:
    """Whether the fonts have every character of the names and titles that are drawn into the programme."""
    fonts = Fonts()
    lacking = {text: fonts.lacking(text) for text in _drawn(config)}
    texts = [text for text, chars in lacking.items() if chars]
    if not texts:
        return Finding("names and titles", True, "the fonts have all their characters")
    more = f" and {len(texts) - 1} more" if len(texts) > 1 else ""
    chars = " ".join(dict.fromkeys("".join(lacking.values())))
    return Finding(
        "names and titles",
        False,
        f'no font has {chars} (in "{texts[0]}"{more}): on the programme such letters are boxes and such '
        "signs missing, so write these words in another way, for instance in Latin letters",
    )


def _shaping() -> Finding:
    """Whether the letters of Arabic, Hindi and others are joined and placed."""
    if shapes():
        return Finding("fribidi", True, "letters of every script are joined and placed")
    return Finding(
        "fribidi",
        False,
        "missing, so letters of Arabic or Hindi are not joined on the programme: apt-get install libfribidi0",
    )


def _drawn(config: Config) -> Iterator[str]:
    """What of the configuration can be read on the programme."""
    yield from (config.event.name, config.event.place, config.slate.title, config.slate.message)
    for person in config.people:
        yield from (person.name, person.title, person.organisation, person.place)
    yield from (talk.title for talk in config.talks)
