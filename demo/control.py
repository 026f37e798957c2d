"""A client of `/ws` that is no page: says hello, sends commands, waits for their answers, keeps the state."""

import asyncio
import contextlib
import json
import secrets
from collections.abc import Callable
from itertools import count
from typing import Any, Self

import aiohttp

ANSWER_WITHIN = 30.0  # seconds


class Refused(Exception):
    """The server refused a command; `code` says why."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(f"{error.get('code')}: {error.get('message')}")
        self.code = error.get("code")
        self.error = error


class Control:
    """One control connection. Use as `async with Control(url, pass_) as control`."""

    def __init__(self, url: str, pass_: str | None = None, page: str = "demo") -> None:
        self._url = url.rstrip("/") + "/ws"
        self._hello: dict[str, Any] = {"type": "hello", "client": {"page": page}}
        if pass_:
            self._hello["pass"] = pass_
        self._name = f"demo-{secrets.token_hex(4)}"  # no two clients may give an id of one person twice
        self._ids = count(1)
        self._answers: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._changed = asyncio.Condition()
        self.welcome: dict[str, Any] = {}
        self.state: dict[str, Any] = {}
        self.health: dict[str, Any] = {}
        self.bye: dict[str, Any] | None = None
        self.closed = False

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession()
        try:
            self._socket = await self._session.ws_connect(
                self._url, protocols=("pavilion.v1",), max_msg_size=0
            )
        except BaseException:
            await self._session.close()
            raise
        self._reader = asyncio.create_task(self._read(), name="control reader")
        await self._socket.send_str(json.dumps(self._hello))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._reader.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reader
        await self._socket.close()
        await self._session.close()

    async def send(self, message: dict[str, Any]) -> None:
        """Send any message, right or wrong."""
        await self._socket.send_str(json.dumps(message))

    async def send_text(self, text: str) -> None:
        """Send any text, JSON or not."""
        await self._socket.send_str(text)

    async def command(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Send a command and wait until it is done. Raises `Refused`, or `TimeoutError`."""
        ident = fields.pop("id", None) or f"{self._name}-{next(self._ids)}"
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._answers[ident] = answer
        try:
            await self.send({"type": kind, "id": ident, **fields})
            message = await asyncio.wait_for(answer, ANSWER_WITHIN)
        finally:
            self._answers.pop(ident, None)
        if message["type"] == "error":
            raise Refused(message["error"])
        return message

    async def until(self, test: Callable[["Control"], Any], seconds: float = ANSWER_WITHIN) -> None:
        """Wait until `test(self)` holds; looked at after each message. Raises `TimeoutError`."""
        async with asyncio.timeout(seconds), self._changed:
            await self._changed.wait_for(lambda: bool(test(self)))

    @property
    def air(self) -> str | None:
        """The talk on air, or None for the slate."""
        talk = self.state.get("air", {}).get("talk")
        return talk if isinstance(talk, str) and self.state["air"].get("kind") == "talk" else None

    def person(self, ident: str) -> dict[str, Any]:
        """What the last state says of a person; empty if nothing."""
        return next((person for person in self.state.get("people", []) if person["id"] == ident), {})

    async def _read(self) -> None:
        try:
            async for received in self._socket:
                if received.type is aiohttp.WSMsgType.TEXT:
                    self._take(json.loads(received.data))
                    async with self._changed:
                        self._changed.notify_all()
        finally:
            self.closed = True
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(ConnectionError("the control connection ended"))
            async with self._changed:
                self._changed.notify_all()

    def _take(self, message: dict[str, Any]) -> None:
        kind = message.get("type")
        if kind in ("welcome", "state", "health", "bye"):
            setattr(self, str(kind), message)
        elif kind in ("done", "error"):
            answer = self._answers.get(str(message.get("id")))
            if answer is not None and not answer.done():
                answer.set_result(message)


def pass_of(link: str) -> str:
    """The pass in the fragment of a personal link."""
    return link.partition("#pass=")[2]
