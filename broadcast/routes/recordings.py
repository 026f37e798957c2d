"""Recordings over HTTP: what there is, and the files, by addresses that nobody can guess.

A browser's download carries no pass. So a page asks with its pass for a file to be made, and is told its
address once it is: whoever has that may fetch it for some hours.
"""

from typing import TYPE_CHECKING
from urllib.parse import quote

from aiohttp import web

from broadcast.routes.answers import authorise, stored
from broadcast.routes.api import WATCHERS
from broadcast.shelf import Shelf
from signaling.event import Role

if TYPE_CHECKING:
    from broadcast.app import App

HEADERS = {"Cache-Control": "private, no-cache"}


class Recordings:
    """/api/recordings and /recordings."""

    def __init__(self, app: "App", shelf: Shelf, public: bool) -> None:
        self._app = app
        self._shelf = shelf
        self._roles = WATCHERS if public else (Role.PRODUCER.value,)

    def add(self, router: web.UrlDispatcher) -> None:
        """Route them."""
        router.add_get("/api/recordings", self._list)
        router.add_post("/api/recordings/{id}", self._ask)
        router.add_post("/api/recordings/feeds/{file}", self._ask_feed)
        router.add_get("/recordings/{ticket}", self._fetch)

    async def _list(self, request: web.Request) -> web.Response:
        """What can be had."""
        claims = authorise(self._app.desk, request, *self._roles)
        listed = await self._shelf.listed(feeds=claims.role == Role.PRODUCER)
        return web.json_response(listed, headers=HEADERS)

    async def _ask(self, request: web.Request) -> web.Response:
        """A file is to be made; 202 until it is there."""
        authorise(self._app.desk, request, *self._roles)
        answer = await self._shelf.ask(request.match_info["id"])
        return web.json_response(answer, status=200 if answer["state"] == "ready" else 202, headers=HEADERS)

    async def _ask_feed(self, request: web.Request) -> web.Response:
        """A speaker's feed, as it came."""
        authorise(self._app.desk, request, Role.PRODUCER)
        return web.json_response(await self._shelf.ask_feed(request.match_info["file"]), headers=HEADERS)

    async def _fetch(self, request: web.Request) -> web.StreamResponse:
        """The file; also from the middle, where a download was interrupted."""
        ticket = self._shelf.ticket(request.match_info["ticket"])
        disposition = f"attachment; filename*=UTF-8''{quote(ticket.name, safe='')}"
        kind = "video/mp4" if ticket.name.endswith(".mp4") else "video/x-matroska"
        headers = {**HEADERS, "Content-Disposition": disposition, "Content-Type": kind}
        return await stored(ticket.path, headers)
