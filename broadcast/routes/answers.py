"""What every answer has: security headers, the one shape of errors, CORS for other people's pages."""

import logging
from collections.abc import Awaitable, Callable

from aiohttp import web

from broadcast.errors import NotFound, PassError, PavilionError, RequestError
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


def authorise(desk: Desk, request: web.Request, *roles: str) -> Claims:
    """Who asks, if the pass in the request allows it; without `roles`, anybody's does. Raises `PassError`."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if token and scheme.lower() != "bearer":
        raise PassError("Send the pass as Authorization: Bearer <pass>.", code="pass_invalid")
    try:
        return desk.authorise(token.strip() or None, *roles)
    except PassRefused as refused:
        raise PassError(refused.message, code=refused.code, status=refused.status) from refused


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
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
        allowed = ", ".join(sorted(error.allowed_methods))
        known = RequestError(f"Only {allowed} here.", code="method_not_allowed", status=405)
    except web.HTTPException:
        raise  # redirects, 304 and the like
    except ConnectionResetError:
        raise  # the client is gone; nobody is there to answer
    except Exception:
        log.exception("< %s %s failed", request.method, request.path)
        known = PavilionError("Something failed here; the log says what. Try again.")
    headers = {"Cache-Control": "no-store"}  # a cache in front must not keep a moment's trouble
    if request.path.startswith(("/whip", "/whep", "/api/", "/live/")):
        headers |= CORS
    return web.json_response(known.as_json(), status=known.status, headers=headers)
