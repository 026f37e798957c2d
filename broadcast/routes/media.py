"""Publishing and watching over WebRTC: WHIP (RFC 9725) and its draft for egress, WHEP."""

from typing import TYPE_CHECKING, NamedTuple

from aiohttp import web

from broadcast.doorstep import Doorstep
from broadcast.errors import MethodRefused, NotFound, OfferError, PassError, RequestError
from broadcast.routes.answers import CORS, authorise
from broadcast.transport.peer import Peer
from broadcast.workers.remote import Remote
from signaling.passes import Claims

if TYPE_CHECKING:
    from broadcast.app import App

PUBLISHERS = {"camera": "speaker", "slides": "speaker", "talkback": "producer"}  # feed -> whose it is
SDP = "application/sdp"
SESSION_METHODS = "OPTIONS, GET, DELETE"
RENDITION = "/whep/sessions/{session}/rendition"


class Session(NamedTuple):
    """One WHIP or WHEP session and whose it is; `person` is empty for an anonymous viewer."""

    peer: Peer | Remote
    person: str


class Media:
    """The doors of WHIP and WHEP, and the sessions that are open."""

    def __init__(self, app: "App", doorstep: Doorstep) -> None:
        self._app = app
        self._doorstep = doorstep
        self._sessions: dict[str, Session] = {}
        self._barred: frozenset[str] = frozenset()

    def add(self, router: web.UrlDispatcher) -> None:
        """Route the doors."""
        router.add_post("/whip", self._whip)
        router.add_post("/whep", self._whep)
        router.add_post("/whep/return", self._whep_return)
        router.add_post("/whep/feeds/{feed}", self._whep_feed)
        for door in ("/whip", "/whep", "/whep/return", "/whep/feeds/{feed}"):
            router.add_route("OPTIONS", door, _options)
        for sessions in ("/whip/sessions/{session}", "/whep/sessions/{session}"):
            router.add_get(sessions, self._ask_after)
            router.add_delete(sessions, self._hang_up)
            router.add_patch(sessions, self._no_trickle)
            router.add_route("OPTIONS", sessions, _options)
        router.add_get(RENDITION, self._rendition)
        router.add_put(RENDITION, self._pin)
        router.add_route("OPTIONS", RENDITION, _options)

    async def _whip(self, request: web.Request) -> web.Response:
        """A speaker's browser or encoder publishes, or a producer talks."""
        role = request.query.get("feed", "camera")
        if role not in PUBLISHERS:
            raise RequestError(f"feed must be one of {', '.join(PUBLISHERS)}.", code="unknown_feed")
        claims = authorise(self._app.desk, request, PUBLISHERS[role])
        offer = await _offer(request)
        peer, answer = self._app.publish(offer, claims.person, role)
        return self._created(claims, "whip", peer, answer)

    async def _whep(self, request: web.Request) -> web.Response:
        """Somebody watches the programme."""
        claims = authorise(self._app.desk, request, "viewer", "screen", "speaker", "producer")
        offer = await _offer(request)
        with self._doorstep.knock(request.remote, claims.person) as step:
            peer, answer = await self._app.watch(offer, claims.role)
            step.guest = peer
        return self._created(claims, "whep", peer, answer)

    async def _whep_return(self, request: web.Request) -> web.Response:
        """A speaker watches the programme without hearing themselves."""
        claims = authorise(self._app.desk, request, "speaker")
        offer = await _offer(request)
        peer, answer = self._app.watch_return(offer, claims.person)
        return self._created(claims, "whep", peer, answer)

    async def _whep_feed(self, request: web.Request) -> web.Response:
        """A producer watches a single feed, untouched."""
        claims = authorise(self._app.desk, request, "producer")
        offer = await _offer(request)
        peer, answer = self._app.watch_feed(offer, request.match_info["feed"])
        return self._created(claims, "whep", peer, answer)

    def bar(self, people: frozenset[str]) -> None:
        """End every session of these people, and begin none."""
        self._barred = people
        for session in list(self._sessions.values()):
            if session.person in people:
                session.peer.close("removed")

    def _created(self, claims: Claims, door: str, peer: Peer | Remote, answer: str) -> web.Response:
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

    async def _ask_after(self, request: web.Request) -> web.Response:
        """Whether a session from which nothing comes any more is still there: 204, or 404 (join again)."""
        self._session(request)
        return web.Response(status=204, headers={**CORS, "Cache-Control": "no-store"})

    async def _no_trickle(self, request: web.Request) -> web.Response:
        """Trickle ICE and ICE restarts are not supported (RFC 9725, section 4.3)."""
        self._session(request)
        raise MethodRefused(
            "Candidates are in the answer already; for an ICE restart, POST a new offer.",
            SESSION_METHODS,
            code="no_trickle",
        )

    async def _rendition(self, request: web.Request, wish: str | None = None) -> web.Response:
        """Which rendition this session asked for and gets, and which there are."""
        session, fanout = self._session(request), self._app.fanout
        if isinstance(session, Remote):
            found = await session.rendition(wish)
        else:
            if wish is not None:
                fanout.pin(session.id, wish)
            found = fanout.rendition(session.id)
        if found is None:
            raise NotFound("This session does not watch the programme.")
        body = {"rendition": found[0], "sent": found[1], "renditions": fanout.renditions.names}
        return web.json_response(body, headers=CORS)

    async def _pin(self, request: web.Request) -> web.Response:
        """The viewer asks for one rendition, or for what the line carries."""
        try:
            wish = (await request.json())["rendition"]
        except (ValueError, LookupError, TypeError):
            wish = None
        names = ["auto", *self._app.fanout.renditions.names]
        if wish not in names:
            message = f'Send {{"rendition": one of {", ".join(names)}}}.'
            raise RequestError(message, code="unknown_rendition")
        return await self._rendition(request, wish)

    def _session(self, request: web.Request) -> Peer | Remote:
        session = self._sessions.get(request.match_info["session"])
        if session is None or session.peer.state == "closed":
            raise NotFound("This session has ended.")
        return session.peer


async def _options(request: web.Request) -> web.Response:
    """What may be posted here (RFC 9725, section 4.7), also to pages of other origins."""
    allow = SESSION_METHODS if "session" in request.match_info else "OPTIONS, POST"
    if request.path.endswith("/rendition"):
        allow = "OPTIONS, GET, PUT"
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
