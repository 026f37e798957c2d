"""The pages and their files, and the event's own fonts."""

import asyncio
import gzip
from pathlib import Path

from aiohttp import web

from broadcast.errors import NotFound
from broadcast.routes.answers import Handler
from broadcast.webfont import EventFonts

WEB = Path(__file__).parents[2] / "web"
PAGES = {"/": "index", "/watch": "watch", "/speak": "speak", "/produce": "produce", "/screen": "screen"}
# The one library of the pages, where npm puts it (web/package.json); without it there is WebRTC alone.
HLS = WEB / "node_modules" / "hls.js" / "dist" / "hls.light.min.mjs"


def add(router: web.UrlDispatcher, fonts: EventFonts) -> None:
    """Route the pages."""
    for path, name in PAGES.items():
        router.add_get(path, _page(WEB / f"{name}.html"))
    for folder in ("css", "js"):
        router.add_get(f"/{folder}/{{path:.+}}", _files(WEB / folder))
    router.add_get("/lib/hls.js", Library(HLS).serve)
    router.add_get("/favicon.ico", _page(WEB / "icon.svg"))
    router.add_get("/icon.svg", _page(WEB / "icon.svg"))
    router.add_get("/fonts/{name}.woff2", _font(fonts))


def _font(fonts: EventFonts) -> Handler:
    """The event's own characters in scripts for which a machine may have no font."""

    async def serve(request: web.Request) -> web.StreamResponse:
        path = fonts.path(request.match_info["name"])
        if path is None:
            raise NotFound("This event needs no such font.")
        return web.FileResponse(path, headers={"Cache-Control": "no-cache", "Content-Type": "font/woff2"})

    return serve


def _page(path: Path) -> Handler:
    """A page, always asked for again, so that a new version is there at the next reload."""

    async def serve(request: web.Request) -> web.StreamResponse:
        return web.FileResponse(path, headers={"Cache-Control": "no-cache"})

    return serve


def _files(folder: Path) -> Handler:
    """The files of a folder. aiohttp's own static route answers an empty 404, not the one error shape."""
    root = folder.resolve()

    def find(name: str) -> Path | None:
        try:
            path = (root / name).resolve()
            return path if path.is_relative_to(root) and path.is_file() else None
        except (OSError, ValueError):  # a name that no file can have: too long, or with a zero in it
            return None

    async def serve(request: web.Request) -> web.StreamResponse:
        path = find(request.match_info["path"])
        if path is None:
            raise NotFound(f"There is nothing at {request.path}.")
        return web.FileResponse(path, headers={"Cache-Control": "no-cache"})

    return serve


class Library:
    """A module of somebody else's at one URL, packed once for all who ask."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._tag = ""
        self._packed = b""

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """The module, or 304 where the browser has it; 404 on a server that was set up without it."""
        try:
            status = self._path.stat()
        except OSError as error:
            raise NotFound("This server was set up without hls.js: say make run.") from error
        headers = {"Cache-Control": "no-cache", "Content-Type": "text/javascript", "Vary": "Accept-Encoding"}
        if "gzip" not in request.headers.get("Accept-Encoding", ""):
            return web.FileResponse(self._path, headers=headers)
        tag = f'"{status.st_mtime_ns:x}-{status.st_size:x}"'
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers={**headers, "ETag": tag})
        if tag != self._tag:
            self._packed = await asyncio.to_thread(lambda: gzip.compress(self._path.read_bytes()))
            self._tag = tag
        return web.Response(body=self._packed, headers={**headers, "ETag": tag, "Content-Encoding": "gzip"})
