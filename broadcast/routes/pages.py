"""The pages and their files, and the event's own fonts."""

from pathlib import Path

from aiohttp import web

from broadcast.errors import NotFound
from broadcast.routes.answers import Handler
from broadcast.webfont import EventFonts

WEB = Path(__file__).parents[2] / "web"
PAGES = {"/": "index", "/watch": "watch", "/speak": "speak", "/produce": "produce", "/screen": "screen"}


def add(router: web.UrlDispatcher, fonts: EventFonts) -> None:
    """Route the pages."""
    for path, name in PAGES.items():
        router.add_get(path, _page(WEB / f"{name}.html"))
    for folder in ("css", "js"):
        router.add_get(f"/{folder}/{{path:.+}}", _files(WEB / folder))
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
        path = (root / name).resolve() if "\0" not in name else root
        return path if path.is_relative_to(root) and path.is_file() else None

    async def serve(request: web.Request) -> web.StreamResponse:
        path = find(request.match_info["path"])
        if path is None:
            raise NotFound(f"There is nothing at {request.path}.")
        return web.FileResponse(path, headers={"Cache-Control": "no-cache"})

    return serve
