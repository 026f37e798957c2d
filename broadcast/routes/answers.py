"""What every answer has: security headers, the one shape of errors, CORS for other people's pages."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from aiohttp import web

from broadcast.errors import MethodRefused, NotFound, PassError, PavilionError, RequestError
from signaling.desk import Desk
from signaling.passes import Claims
from signaling.refusal import PassRefused

log = logging.getLogger("pavilion.http")

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; connect-src 'self' ws: wss:; media-src 'self' blob:; "
    "img-src 'self' data:; style-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self), autoplay=(self)",
}
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "OPTIONS, GET, POST, PUT, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
    "Access-Control-Expose-Headers": "Location, ETag",
    "Access-Control-Max-Age": "86400",
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


# The pass of who may watch, for what cannot send a header: an <img>, Safari's own player, AirPlay. Only GETs
# under its path look at it, which change nothing: there is nothing that another site's page could do with it.
COOKIE, COOKIE_PATH = "pavilion_pass", "/live"


def authorise(desk: Desk, request: web.Request, *roles: str, cookie: bool = False) -> Claims:
    """Who asks, if the pass in the request allows it; without `roles`, anybody's does. `cookie`: the cookie's
    pass counts where no header has one. Raises `PassError`."""
    token = bearer(request) or (request.cookies.get(COOKIE) if cookie else None)
    try:
        return desk.authorise(token, *roles)
    except PassRefused as refused:
        raise PassError(refused.message, code=refused.code, status=refused.status) from refused


def bearer(request: web.Request) -> str | None:
    """The pass in the header. Raises `PassError` where there is something else."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if token and scheme.lower() != "bearer":
        raise PassError("Send the pass as Authorization: Bearer <pass>.", code="pass_invalid")
    return token.strip() or None


def remember(response: web.Response, token: str, *, https: bool) -> None:
    """The browser keeps this pass until it is closed, for the media alone; no script can read it."""
    response.set_cookie(COOKIE, token, path=COOKIE_PATH, httponly=True, samesite="Strict", secure=https)


async def stored(path: Path, headers: Mapping[str, str]) -> web.FileResponse:
    """A file that may be gone. Raises NotFound."""
    if not await asyncio.to_thread(path.is_file):
        raise NotFound("This file is not there (any more).")
    return web.FileResponse(path, headers=headers)


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    if response.status >= 400:
        # A cache in front must not keep a moment's trouble. What aiohttp itself makes an error of has our
        # headers, too: a file that was removed just now, a range that is not in it.
        response.headers["Cache-Control"] = "no-store"
    if request.path.startswith(("/css/", "/js/", "/lib/")):
        response.headers.setdefault("Cache-Control", "no-cache")  # a new page must not meet an old module
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)


@web.middleware
async def errors_in_one_shape(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every error leaves as `{"error": {...}}`; a fault of ours is logged, not shown."""
    try:
        return await handler(request)
    except PavilionError as error:
        known = error
    except web.HTTPRequestEntityTooLarge:
        known = RequestError("The body is too large.", code="body_too_large", status=413)
    except web.HTTPNotFound:
        known = NotFound(f"There is nothing at {request.path}.")
    except web.HTTPMethodNotAllowed as error:
        allow = ", ".join(sorted(error.allowed_methods))
        known = MethodRefused(f"Only {allow} here.", allow)
    except web.HTTPException:
        raise  # redirects, 304 and the like
    except ConnectionResetError:
        return web.Response()  # the client is gone: nobody gets this, and nobody is to read of it
    except Exception:
        log.exception("< %s %s failed", request.method, request.path)
        known = PavilionError("Something failed here; the log says what. Try again.")
    headers = {"Allow": known.allow} if isinstance(known, MethodRefused) else {}
    if request.path.startswith(("/whip", "/whep", "/api/", "/live/")):
        headers |= CORS
    return web.json_response(known.as_json(), status=known.status, headers=headers)
