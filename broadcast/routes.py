"""Every URL of Pavilion, and the only file that imports aiohttp's server.

Pages and their files; WHIP and WHEP (RFC 9725 and its draft for egress); the control WebSocket; health and
metrics. Each handler takes a request apart, asks the right part of the app, and answers; errors of any
kind leave in the one shape of `errors.py`.
"""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from aiohttp import WSCloseCode, WSMsgType, web

from broadcast.config import Config, host_port
from broadcast.doorstep import Doorstep
from broadcast.errors import NotFound, OfferError, PassError, PavilionError, RequestError
from broadcast.transport.peer import Peer
from signaling.client import Client
from signaling.passes import Claims
from signaling.refusal import PassRefused

if TYPE_CHECKING:
    from broadcast.app import App

log = logging.getLogger("pavilion.http")

WEB = Path(__file__).parent.parent / "web"
PAGES = {"/": "index", "/watch": "watch", "/speak": "speak", "/produce": "produce", "/screen": "screen"}
PUBLISHERS = {"camera": "speaker", "slides": "speaker", "talkback": "producer"}  # feed -> whose it is
SUBPROTOCOL = "pavilion.v1"
SDP = "application/sdp"
STOP_SECONDS = 3.0  # how long open requests may take when the server stops

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


class Session(NamedTuple):
    """One WHIP or WHEP session and whose it is; `person` is empty for an anonymous viewer."""

    peer: Peer
    person: str


class Routes:
    """The HTTP side of the app."""

    def __init__(self, config: Config, app: "App") -> None:
        self._config = config
        self._app = app
        self.doorstep = Doorstep(config.limits.strangers)
        self._sessions: dict[str, Session] = {}
        self._barred: frozenset[str] = frozenset()
        self._sockets: set[Socket] = set()
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen. Raises `PavilionError` when the address is taken or the certificate is bad."""
        site = web.Application(
            middlewares=[_errors_in_one_shape], client_max_size=self._config.limits.sdp_kib * 1024
        )
        site.on_response_prepare.append(_add_headers)
        self._route(site.router)
        self._runner = web.AppRunner(site, access_log=None, shutdown_timeout=STOP_SECONDS)
        await self._runner.setup()
        server = self._config.server
        host, port = host_port("server.http", server.http)
        try:
            await web.TCPSite(self._runner, host, port, ssl_context=self._tls(), backlog=1024).start()
        except OSError as error:
            raise PavilionError(
                f"cannot listen on http {server.http}: {error.strerror}. Is another server running? "
                "Choose another with --http HOST:PORT.",
                code="port_taken",
            ) from error

    async def stop(self) -> None:
        """Close every connection and stop listening."""
        for socket in list(self._sockets):
            socket.close(WSCloseCode.GOING_AWAY, "shutdown")
        if self._runner is not None:
            await self._runner.cleanup()

    def _tls(self) -> ssl.SSLContext | None:
        server = self._config.server
        if not server.tls_cert:
            return None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        try:
            context.load_cert_chain(self._config.path(server.tls_cert), self._config.path(server.tls_key))
        except (OSError, ssl.SSLError) as error:
            raise PavilionError(f"server.tls_cert and server.tls_key cannot be used: {error}") from error
        return context

    def _route(self, router: web.UrlDispatcher) -> None:
        for path, name in PAGES.items():
            router.add_get(path, _page(WEB / f"{name}.html"))
        for folder in ("css", "js"):
            router.add_get(f"/{folder}/{{path:.+}}", _files(WEB / folder))
        router.add_get("/favicon.ico", _page(WEB / "icon.svg"))
        router.add_get("/icon.svg", _page(WEB / "icon.svg"))
        router.add_get("/fonts/{name}.woff2", self._font)
        router.add_get("/ws", self._control)
        router.add_get("/healthz", self._healthz)
        router.add_get("/readyz", self._readyz)
        router.add_get("/metrics", self._metrics)
        router.add_post("/whip", self._whip)
        router.add_post("/whep", self._whep)
        router.add_post("/whep/return", self._whep_return)
        router.add_post("/whep/feeds/{feed}", self._whep_feed)
        for door in ("/whip", "/whep", "/whep/return", "/whep/feeds/{feed}"):
            router.add_route("OPTIONS", door, _options)
        for sessions in ("/whip/sessions/{session}", "/whep/sessions/{session}"):
            router.add_delete(sessions, self._hang_up)
            router.add_patch(sessions, self._no_trickle)
            router.add_route("OPTIONS", sessions, _options)

    async def _font(self, request: web.Request) -> web.StreamResponse:
        """The event's own characters in scripts for which a machine may have no font."""
        path = self._app.fonts.path(request.match_info["name"])
        if path is None:
            raise NotFound("This event needs no such font.")
        return web.FileResponse(path, headers={"Cache-Control": "no-cache", "Content-Type": "font/woff2"})

    # -- media ---------------------------------------------------------------------------------------

    async def _whip(self, request: web.Request) -> web.Response:
        """A speaker's browser or encoder publishes, or a producer talks."""
        role = request.query.get("feed", "camera")
        if role not in PUBLISHERS:
            raise RequestError(f"feed must be one of {', '.join(PUBLISHERS)}.", code="unknown_feed")
        claims = self._authorise(request, PUBLISHERS[role])
        offer = await _offer(request)
        peer, answer = self._app.publish(offer, claims.person, role)
        return self._created(claims, "whip", peer, answer)

    async def _whep(self, request: web.Request) -> web.Response:
        """Somebody watches the programme."""
        claims = self._authorise(request, "viewer", "screen", "speaker", "producer")
        offer = await _offer(request)
        self.doorstep.check(request.remote, claims.person)
        peer, answer = self._app.watch(offer, claims.role)
        self.doorstep.add(request.remote, claims.person, peer)
        return self._created(claims, "whep", peer, answer)

    async def _whep_return(self, request: web.Request) -> web.Response:
        """A speaker watches the programme without hearing themselves."""
        claims = self._authorise(request, "speaker")
        offer = await _offer(request)
        peer, answer = self._app.watch_return(offer, claims.person)
        return self._created(claims, "whep", peer, answer)

    async def _whep_feed(self, request: web.Request) -> web.Response:
        """A producer watches a single feed, untouched."""
        claims = self._authorise(request, "producer")
        offer = await _offer(request)
        peer, answer = self._app.watch_feed(offer, request.match_info["feed"])
        return self._created(claims, "whep", peer, answer)

    def bar(self, people: frozenset[str]) -> None:
        """End every session of these people, and begin none."""
        self._barred = people
        for session in list(self._sessions.values()):
            if session.person in people:
                session.peer.close("removed")

    def _created(self, claims: Claims, door: str, peer: Peer, answer: str) -> web.Response:
        """201 with the answer; the location is unguessable and thereby the key to end the session."""
        if claims.person in self._barred:  # removed while the offer was on its way
            peer.close("removed")
            raise PassError("A producer has removed you from the event.", code="removed", status=403)
        open_ones = {key: each for key, each in self._sessions.items() if each.peer.state != "closed"}
        self._sessions = {**open_ones, peer.id: Session(peer, claims.person)}
        headers = {**CORS, "Location": f"/{door}/sessions/{peer.id}", "ETag": f'"{peer.id}"'}
        return web.Response(status=201, text=answer, content_type=SDP, headers=headers)

    async def _hang_up(self, request: web.Request) -> web.Response:
        """The client ends its session (RFC 9725, section 4.2)."""
        peer = self._session(request)
        del self._sessions[peer.id]
        peer.close("left")
        return web.Response(status=200, headers=CORS)

    async def _no_trickle(self, request: web.Request) -> web.Response:
        """Trickle ICE and ICE restarts are not supported (RFC 9725, section 4.3)."""
        self._session(request)
        raise RequestError(
            "Candidates are in the answer already; for an ICE restart, POST a new offer.",
            code="no_trickle",
            status=405,
        )

    def _session(self, request: web.Request) -> Peer:
        session = self._sessions.get(request.match_info["session"])
        if session is None or session.peer.state == "closed":
            raise NotFound("This session has ended.")
        return session.peer

    def _authorise(self, request: web.Request, *roles: str) -> Claims:
        """Who asks, if the pass allows it. Raises `PassError`."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if token and scheme.lower() != "bearer":
            raise PassError("Send the pass as Authorization: Bearer <pass>.", code="pass_invalid")
        try:
            return self._app.desk.authorise(token.strip() or None, *roles)
        except PassRefused as refused:
            raise PassError(refused.message, code=refused.code, status=refused.status) from refused

    # -- control -------------------------------------------------------------------------------------

    async def _control(self, request: web.Request) -> web.StreamResponse:
        """The control WebSocket."""
        limits = self._config.limits
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

    # -- health --------------------------------------------------------------------------------------

    async def _healthz(self, request: web.Request) -> web.Response:
        """200 while the event loop turns."""
        return web.json_response({"ok": True})

    async def _readyz(self, request: web.Request) -> web.Response:
        """200 once the programme is on the air, 503 with what is missing until then."""
        missing = self._app.not_ready()
        return web.json_response({"ready": not missing, "missing": missing}, status=503 if missing else 200)

    async def _metrics(self, request: web.Request) -> web.Response:
        """Prometheus' text format."""
        lines = []
        refused = ("gauge", "strangers refused because too many from one address wait", self.doorstep.refused)
        figures = {**self._app.metrics(), "pavilion_http_strangers_refused": refused}
        for name, (kind, summary, value) in sorted(figures.items()):
            lines += [f"# HELP {name} {summary}", f"# TYPE {name} {kind}", f"{name} {value:g}"]
        return web.Response(
            text="\n".join(lines) + "\n", headers={"Content-Type": "text/plain; version=0.0.4"}
        )


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


async def _options(request: web.Request) -> web.Response:
    """What may be posted here (RFC 9725, section 4.7), also to pages of other origins."""
    allow = "OPTIONS, DELETE" if "session" in request.match_info else "OPTIONS, POST"
    return web.Response(status=204, headers={**CORS, "Accept-Post": SDP, "Allow": allow})


async def _offer(request: web.Request) -> str:
    """The SDP offer in the body. Raises `OfferError`."""
    if request.content_type != SDP:
        raise OfferError(f"Post an SDP offer as {SDP}.", code="not_sdp", status=415)
    body = await request.read()
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise OfferError("The offer is not UTF-8 text.") from error


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    if request.path.startswith(("/css/", "/js/")):
        response.headers.setdefault("Cache-Control", "no-cache")  # a new page must not meet an old module
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)


@web.middleware
async def _errors_in_one_shape(request: web.Request, handler: Handler) -> web.StreamResponse:
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
