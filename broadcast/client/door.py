"""WHIP's and WHEP's HTTP: POST an offer, DELETE what came of it (RFC 9725)."""

import json
from types import TracebackType
from typing import Self
from urllib.parse import urljoin

import aiohttp
from aiohttp import ClientSession

from broadcast.errors import RequestError

TIMEOUT = 10.0  # seconds for a whole request
MAX_ANSWER = 64 * 1024  # bytes

__all__ = ["ClientSession", "Door", "hallway"]


def hallway() -> ClientSession:
    """HTTP connections for one door or for many."""
    return ClientSession(timeout=aiohttp.ClientTimeout(TIMEOUT))


class Door:
    """The way in to one endpoint, with one pass. Use it with `async with`, or `await close()` it.

    `hall` may be shared by any number of doors; it is then the caller's to close.
    """

    def __init__(self, url: str, pass_: str | None, hall: ClientSession | None = None) -> None:
        self._headers = {"Authorization": f"Bearer {pass_}"} if pass_ else {}
        self._url = url
        self._session = hall or hallway()
        self._own = hall is None
        self._location: str | None = None

    async def knock(self, offer: str) -> str:
        """POST the offer; returns the answer. Raises RequestError with the server's code and status, or
        `unreachable`."""
        try:
            async with self._session.post(
                self._url,
                data=offer.encode(),
                headers={**self._headers, "Content-Type": "application/sdp"},
            ) as response:
                body = await response.content.read(MAX_ANSWER)
                if response.status != 201:
                    raise _refusal(response.status, body)
                self._location = urljoin(self._url, response.headers.get("Location", ""))
                return body.decode("utf-8", "replace")
        except (aiohttp.ClientError, TimeoutError) as error:
            message = f"No answer from {self._url}: {error}"
            raise RequestError(message, code="unreachable", status=504) from None

    async def open(self) -> bool:
        """Whether the server still knows the session that came of it. True as well if it cannot be asked."""
        if self._location is None:
            return False
        try:
            async with self._session.get(self._location, headers=self._headers) as response:
                return response.status != 404
        except (aiohttp.ClientError, TimeoutError):
            return True

    async def close(self) -> None:
        """DELETE the session if there is one, and let the connection go. A server that is gone is fine."""
        try:
            if self._location is not None:
                location, self._location = self._location, None
                async with self._session.delete(location, headers=self._headers):
                    pass
        except (aiohttp.ClientError, TimeoutError):
            return
        finally:
            if self._own:
                await self._session.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _refusal(status: int, body: bytes) -> RequestError:
    """The server's error shape, or what there is instead of it."""
    try:
        error = json.loads(body)["error"]
        return RequestError(str(error["message"]), code=str(error["code"]), status=status)
    except (ValueError, KeyError, TypeError):
        return RequestError(f"The server answered {status}.", code="refused", status=status)
