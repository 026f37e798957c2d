"""(P) The words between the server and its workers. How messages are made is in pipe.py."""

from dataclasses import asdict, dataclass, replace
from enum import IntEnum
from typing import Any


class Word(IntEnum):
    """The messages. To a worker: SETTINGS to RENDITION; to the server: READY to STATS."""

    SETTINGS = 1  # the first: where to listen
    FRAME = 2  # of the programme; of a smaller rendition, if it has a name
    OFFER = 3  # {"id", "offer", "role"}: somebody wants to watch
    CLOSE = 4  # {"peer", "reason"}: end this session
    RENDITION = 5  # {"id", "peer", "name"}: this one ("auto": what the line carries); null only asks
    READY = 20  # {}: may be sent viewers
    ANSWER = 21  # {"id", "peer", "answer"}, {"id", "wish", "sent"} or {"id", "code", "message", "status"}
    CONNECTED = 22  # {"peer"}
    LEFT = 23  # {"peer", "reason"}
    KEYFRAME = 24  # {"rendition"}: its viewers need one
    STATS = 25  # {"transport": {...}, "fanout": {...}}: each second


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What a worker's port is told. Times in seconds."""

    bind: tuple[tuple[str, int], ...]
    advertise: tuple[str, ...]
    max_peers: int
    handshake_timeout: float
    silence_timeout: float
    sizes: tuple[tuple[str, int], ...] = (("full", 3_000_000),)  # renditions: name, bit/s; the full one first

    def to_json(self) -> dict[str, Any]:
        """For the pipe."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "WorkerSettings":
        """From the pipe."""
        bind = tuple((str(host), int(port)) for host, port in data["bind"])
        sizes = tuple((str(name), int(rate)) for name, rate in data["sizes"])
        return cls(**{**data, "bind": bind, "advertise": tuple(data["advertise"]), "sizes": sizes})


def spread(settings: WorkerSettings, count: int, first: int) -> list[WorkerSettings]:
    """The settings of so many workers, from those of the server's own port. Worker n has UDP port
    `first` + n; if `first` is 0, the n-th after the server's own. Ports that are advertised move alike."""
    return [
        replace(
            settings,
            bind=tuple((host, _moved(port, number, first)) for host, port in settings.bind),
            advertise=tuple(_advertised(each, number, first) for each in settings.advertise),
        )
        for number in range(count)
    ]


def _moved(port: int, number: int, first: int) -> int:
    """A worker's port for the server's; 0 (any that is free) stays 0."""
    if not port:
        return 0
    return first + number if first else port + 1 + number


def _advertised(address: str, number: int, first: int) -> str:
    """`host`, `host:port` or `[host]:port`, with the worker's port."""
    host, _, port = address.rpartition(":")
    if not port.isdigit() or (":" in host and not host.startswith("[")):
        return address
    return f"{host}:{_moved(int(port), number, first)}"
