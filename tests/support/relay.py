"""A line between browsers and a server: datagrams, and connections, delayed, lost, shaken and held to a rate.

Seeded, so that the same packets are lost in the same order; needs neither root nor a kernel with netem. The
conditions may be changed while it runs. Datagrams beyond the queue are dropped, as by any router.
"""

import asyncio
import contextlib
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

OVERHEAD = 28  # bytes of IP and UDP that count against the rate
CHUNK = 16384  # bytes of a connection passed on at a time
Address = tuple[str, int]


@dataclass
class Conditions:
    """One direction. `loss` 0 to 1; `delay` and `jitter` (up to so much more or less) in seconds; `rate` in
    bit/s; `queue` in seconds at that rate."""

    loss: float = 0.0
    delay: float = 0.0
    jitter: float = 0.0
    rate: float | None = None
    queue: float = 0.3
    passed: int = 0
    lost: int = 0
    dropped: int = 0
    busy: float = 0.0  # until when the line is sending
    dice: random.Random = field(default_factory=lambda: random.Random(1))

    def due(self, size: int, now: float, certain: bool = False) -> float | None:
        """When something of so many bytes comes out; None if it does not. `certain`: part of a connection,
        which repairs its losses itself."""
        if not certain and self.dice.random() < self.loss:
            self.lost += 1
            return None
        if self.rate is not None:
            if self.busy - now > self.queue and not certain:
                self.dropped += 1
                return None
            self.busy = now = max(now, self.busy) + 8 * (size + OVERHEAD) / self.rate
        self.passed += 1
        return now + max(0.0, self.delay + self.dice.uniform(-self.jitter, self.jitter))


class Relay:
    """`async with Relay(udp, tcp) as relay`: browsers are to use `relay.udp` and `relay.tcp` instead, at
    `host`; `down` is towards them."""

    def __init__(self, udp: Address, tcp: Address | None = None, *, host: str = "127.0.0.1") -> None:
        self.down = Conditions()
        self.up = Conditions(dice=random.Random(2))
        self.udp: Address = (host, 0)
        self.tcp: Address = (host, 0)
        self._targets = udp, tcp
        self._near: asyncio.DatagramTransport | None = None
        self._far: dict[Address, asyncio.DatagramTransport] = {}
        self._bad: set[Address] | None = None  # who has this line; None: everybody
        self._opening: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._near, _ = await self._loop.create_datagram_endpoint(
            lambda: _Ear(self._from_browser), local_addr=self.udp
        )
        self.udp = self._near.get_extra_info("sockname")
        if self._targets[1] is not None:
            self._server = await asyncio.start_server(self._connection, *self.tcp)
            self.tcp = self._server.sockets[0].getsockname()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._opening:
            task.cancel()
        await asyncio.gather(*self._opening, return_exceptions=True)
        for transport in (self._near, *self._far.values()):
            if transport is not None:
                transport.close()
        if self._server is not None:
            self._server.close()

    def hold(self) -> None:
        """Whoever is there now has this line; those who come later have a perfect one."""
        self._bad = set(self._far)

    def _way(self, way: Conditions, address: Address) -> Conditions:
        return way if self._bad is None or address in self._bad else Conditions()

    def _pass(self, way: Conditions, send: Callable[[], None], size: int) -> None:
        due = way.due(size, self._loop.time())
        if due is not None:
            self._loop.call_at(due, send)

    def _from_browser(self, data: bytes, address: Address) -> None:
        far = self._far.get(address)
        if far is not None:
            way = self._way(self.up, address)
            self._pass(way, lambda: None if far.is_closing() else far.sendto(data), len(data))
            return
        # The first packets of a new browser wait for its own socket.
        task = asyncio.create_task(self._open(data, address))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _open(self, data: bytes, address: Address) -> None:
        if address not in self._far:
            far, _ = await self._loop.create_datagram_endpoint(
                lambda: _Ear(lambda back, _: self._to_browser(back, address)), remote_addr=self._targets[0]
            )
            if self._far.setdefault(address, far) is not far:
                far.close()
        self._from_browser(data, address)

    def _to_browser(self, data: bytes, address: Address) -> None:
        near = self._near
        assert near is not None, "opened before it is used"
        way = self._way(self.down, address)
        self._pass(way, lambda: None if near.is_closing() else near.sendto(data, address), len(data))

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """HTTP over the same line: in order, with its delay and rate."""
        assert self._targets[1] is not None, "asked for"
        far_reader, far_writer = await asyncio.open_connection(*self._targets[1])
        await asyncio.gather(
            self._pump(reader, far_writer, self.up), self._pump(far_reader, writer, self.down)
        )

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: Conditions
    ) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(CHUNK):
                due = way.due(len(data), self._loop.time(), certain=True)
                assert due is not None, "certain"
                await asyncio.sleep(due - self._loop.time())
                writer.write(data)
                await writer.drain()
        with contextlib.suppress(ConnectionError, OSError):
            writer.close()


class _Ear(asyncio.DatagramProtocol):
    def __init__(self, heard: Callable[[bytes, Address], None]) -> None:
        self._heard = heard

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._heard(data, addr)
