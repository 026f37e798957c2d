"""What other programs may ask in JSON: the chapters of the programme."""

from typing import TYPE_CHECKING, Any

from aiohttp import web

from broadcast.routes.answers import CORS, authorise, bearer, remember

if TYPE_CHECKING:
    from broadcast.app import App

WATCHERS = ("viewer", "screen", "speaker", "producer")
FRESH = "max-age=1"  # seconds: a cache in front answers for a thousand viewers when a talk begins


class Api:
    """The JSON answers of docs/protocol.md, section 7."""

    def __init__(self, app: "App") -> None:
        self._app = app

    def add(self, router: web.UrlDispatcher) -> None:
        """Route them."""
        router.add_get("/api/chapters", self._chapters)

    async def _chapters(self, request: web.Request) -> web.Response:
        """When each talk was on air, and the state of the event; whoever needs a pass to watch gets a cookie
        for the media, too."""
        claims = authorise(self._app.desk, request, *WATCHERS)
        cache = f"{'private' if claims.person else 'public'}, {FRESH}"
        headers = {**CORS, "Cache-Control": cache, "Vary": "Authorization"}
        response = web.json_response({**self._app.desk.chapters(), **self._recording()}, headers=headers)
        token = bearer(request)
        if token and not self._app.config.event.public_viewers:
            remember(response, token, https=self._app.url.startswith("https:"))
        response.enable_compression()
        return response

    def _recording(self) -> dict[str, Any]:
        """How far back one can go, and where the small pictures are."""
        origin = self._app.origin
        since = origin.since()
        if since is None:
            return {"rewind": None, "thumbs": None}
        every = self._app.config.hls.thumbnail_seconds
        url = f"/live/{origin.session.id}/thumbs/{{time}}.jpg"
        return {"rewind": {"from": since}, "thumbs": {"url": url, "every": every}}
