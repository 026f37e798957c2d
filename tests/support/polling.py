"""Many players of LL-HLS in one cheap process: python -m tests.support.polling URL CLIENTS SECONDS.

Each does what a player does: asks for the version of the playlist that has the next part (as a delta update),
then for that part. They decode nothing, and what all get alike is read once. Prints one JSON object.
"""

import asyncio
import gzip
import json
import re
import ssl
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urljoin, urlsplit

LENGTH = re.compile(rb"content-length: *(\d+)", re.I)
PACKED = re.compile(rb"content-encoding: *gzip", re.I)
HIGHEST = 4096  # playlists that are remembered as read


@dataclass
class Crowd:
    """What all clients share: the address, what playlists say, and the figures."""

    host: str
    port: int
    tls: ssl.SSLContext | None
    until: float
    statuses: Counter[int] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    unlike: int = 0  # parts that were not the same bytes for all
    waits: list[float] = field(default_factory=list)  # ms from asking for a part to having it
    octets: int = 0
    _read: dict[bytes, tuple[int, int, str]] = field(default_factory=dict)
    _parts: dict[str, int] = field(default_factory=dict)

    def next_of(self, body: bytes, packed: bool) -> tuple[int, int, str]:
        """The segment and part to ask for next, and the URL of the newest part."""
        known = self._read.get(body)
        if known is None:
            known = _next(gzip.decompress(body) if packed else body)
            if len(self._read) > HIGHEST:
                self._read.clear()
            self._read[body] = known
        return known

    def part(self, url: str, body: bytes) -> None:
        """Take down that somebody has this part."""
        print_of = hash(body)
        if self._parts.setdefault(url, print_of) != print_of:
            self.unlike += 1


def _next(text: bytes) -> tuple[int, int, str]:
    lines = text.decode().splitlines()
    msn, parts, newest = 0, 0, ""
    for line in lines:
        if line.startswith("#EXT-X-MEDIA-SEQUENCE:"):
            msn = int(line.partition(":")[2])
        elif line.startswith("#EXT-X-SKIP:"):
            msn += int(line.partition("=")[2])
        elif line.startswith("#EXT-X-PART:"):
            parts += 1
            newest = line.partition('URI="')[2].partition('"')[0]
        elif line.startswith("#EXTINF:"):
            msn, parts = msn + 1, 0
    return msn, parts, newest


class Client(asyncio.Protocol):
    """One player on one connection."""

    def __init__(self, crowd: Crowd, playlist: str) -> None:
        self._crowd = crowd
        self._playlist = playlist
        self._buffer = bytearray()
        self._wanted = (0, 0)
        self._asked = ""
        self._at = 0.0
        self._transport: asyncio.Transport | None = None
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's do not descend from asyncio's
        self._get(self._playlist)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._buffer[:end])
        length = LENGTH.search(head)
        whole = end + 4 + (int(length[1]) if length else 0)
        if len(self._buffer) < whole:
            return
        body = bytes(self._buffer[end + 4 : whole])
        del self._buffer[:whole]
        self._answer(int(head[9:12]), body, bool(PACKED.search(head)))

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            if time.monotonic() < self._crowd.until:
                self._crowd.statuses[0] += 1
            self.done.set_result(None)

    def _answer(self, status: int, body: bytes, packed: bool) -> None:
        crowd = self._crowd
        crowd.statuses[status] += 1
        crowd.octets += len(body)
        if time.monotonic() >= crowd.until:
            assert self._transport is not None
            self._transport.close()
        elif self._asked.startswith("part") or status != 200:
            if status == 200:
                crowd.part(self._asked, body)
                crowd.waits.append((time.monotonic() - self._at) * 1000)
            msn, part = self._wanted
            self._get(f"{self._playlist}?_HLS_msn={msn}&_HLS_part={part}&_HLS_skip=YES")
        else:
            msn, part, newest = crowd.next_of(body, packed)
            self._wanted = (msn, part)
            self._get(newest)

    def _get(self, name: str) -> None:
        assert self._transport is not None
        self._at, self._asked = time.monotonic(), name.rpartition("/")[2]
        path = name if name.startswith("/") else urljoin(self._playlist, name)
        self._crowd.asked[path] += 1
        self._transport.write(
            f"GET {path} HTTP/1.1\r\nHost: {self._crowd.host}\r\nAccept-Encoding: gzip\r\n\r\n".encode()
        )


async def poll(url: str, clients: int, seconds: float) -> dict[str, Any]:
    """Play for so long; the figures."""
    parts = urlsplit(url)
    tls = None
    if parts.scheme == "https":
        tls = ssl.create_default_context()
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    host, port = parts.hostname or "127.0.0.1", parts.port or (443 if tls else 80)
    crowd = Crowd(host, port, tls, time.monotonic() + seconds)
    loop = asyncio.get_running_loop()
    begun = time.monotonic()
    all_of_them = []
    for _ in range(clients):
        _, client = await loop.create_connection(lambda: Client(crowd, parts.path), host, port, ssl=tls)
        all_of_them.append(client)
        await asyncio.sleep(0.002)  # a crowd, not a flood
    coming = time.monotonic() - begun
    await asyncio.wait([client.done for client in all_of_them], timeout=seconds + 15)
    versions = [path for path in crowd.asked if "_HLS_msn" in path]
    return {
        "clients": clients,
        "coming": coming,  # seconds until all were there: so long the plain playlist is asked for
        "requests": sum(crowd.asked.values()),
        "statuses": {str(status): count for status, count in crowd.statuses.items()},
        "parts": len([path for path in crowd.asked if "/part-" in path]),
        "versions": len(versions),
        "unlike": crowd.unlike,
        "octets": crowd.octets,
        "part_ms": sorted(crowd.waits)[len(crowd.waits) // 2] if crowd.waits else None,
        "paths": sorted(path for path in crowd.asked if "/part-" in path or "_HLS_msn" in path),
    }


if __name__ == "__main__":
    import uvloop

    figures = uvloop.run(poll(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
    figures.pop("paths")
    print(json.dumps(figures))
