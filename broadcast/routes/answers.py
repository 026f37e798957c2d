"""What every answer has: security headers, the one shape of errors, CORS for other people's pages."""

import logging
from collections.abc import Awaitable, Callable

from aiohttp import web

from broadcast.errors import NotFound, PavilionError, RequestError

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
    "Access-Control-Allow-Methods": "OPTIONS, POST, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
    "Access-Control-Expose-Headers": "Location, ETag",
    "Access-Control-Max-Age": "86400",
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    if request.path.startswith(("/css/", "/js/")):
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
    headers = CORS if request.path.startswith(("/whip", "/whep")) else None
    return web.json_response(known.as_json(), status=known.status, headers=headers)
