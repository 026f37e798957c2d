"""The control WebSocket: a bounded queue for each connection."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from aiohttp import WSCloseCode, WSMsgType, web

from broadcast.config import LimitsConfig
from broadcast.errors import RequestError
from signaling.client import Client

if TYPE_CHECKING:
    from broadcast.app import App

SUBPROTOCOL = "pavilion.v1"


class Control:
    """Every control connection that is open."""

    def __init__(self, app: "App", limits: LimitsConfig) -> None:
        self._app = app
        self._limits = limits
        self._sockets: set[Socket] = set()

    def add(self, router: web.UrlDispatcher) -> None:
        """Route the WebSocket."""
        router.add_get("/ws", self._control)

    def close(self) -> None:
        """Tell everybody that the server stops."""
        for socket in list(self._sockets):
            socket.close(WSCloseCode.GOING_AWAY, "shutdown")

    async def _control(self, request: web.Request) -> web.StreamResponse:
        """The control WebSocket."""
        limits = self._limits
        if len(self._sockets) >= limits.sockets:
            raise RequestError("The server is full. Try again in a minute.", code="busy", status=503)
        offered = request.headers.get("Sec-WebSocket-Protocol", "")
        if SUBPROTOCOL not in (name.strip() for name in offered.split(",")):
            raise RequestError(f"Ask for the WebSocket subprotocol {SUBPROTOCOL}.", code="bad_subprotocol")
        response = web.WebSocketResponse(
            protocols=[SUBPROTOCOL], max_msg_size=limits.message_kib * 1024, heartbeat=20.0, autoping=True
        )
        await response.prepare(request)
        socket = Socket(response, limits.control_queue)
        self._sockets.add(socket)
        try:
            await socket.run(lambda: self._app.desk.connect(socket, request.remote or ""))
        finally:
            self._sockets.discard(socket)
        return response


class Socket:
    """One control connection: messages out wait in a bounded queue, so that nobody waits for a slow page.

    Overflow: the connection is closed as `too_slow`; the page connects again and gets the whole state.
    """

    def __init__(self, response: web.WebSocketResponse, most: int) -> None:
        self._response = response
        self._queue: asyncio.Queue[str | tuple[int, str]] = asyncio.Queue(most + 1)
        self._most = most
        self._closing = False

    def send(self, text: str) -> None:
        """Queue one message; never waits."""
        if self._closing:
            return
        if self._queue.qsize() >= self._most:
            self.close(WSCloseCode.TRY_AGAIN_LATER, "too_slow")
            return
        self._queue.put_nowait(text)

    def close(self, code: int, reason: str) -> None:
        """Close after what is queued."""
        if not self._closing:
            self._closing = True
            self._queue.put_nowait((code, reason))

    async def run(self, connect: Callable[[], Client]) -> None:
        """Read until the other side is gone; a task of its own writes."""
        client = connect()
        writer = asyncio.create_task(self._write(), name="control-writer")
        try:
            async for message in self._response:
                if message.type is WSMsgType.TEXT:
                    client.receive(message.data)
                elif message.type is WSMsgType.BINARY:
                    client.receive("")
        finally:
            client.gone()
            self._closing = True
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)

    async def _write(self) -> None:
        while True:
            item = await self._queue.get()
            if isinstance(item, tuple):
                code, reason = item
                await self._response.close(code=code, message=reason.encode()[:120])
                return
            try:
                await self._response.send_str(item)
            except (ConnectionError, RuntimeError):
                return  # the reader notices, too
