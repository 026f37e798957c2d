"""LL-HLS over HTTP: playlists, parts, segments and thumbnails, for players and for caches in front.

Whatever has a number never changes, so caches may keep it for good; playlists that were waited for may be
kept for a segment or two, others for a second; errors never.
"""

import re
from typing import TYPE_CHECKING

from aiohttp import hdrs, web

from broadcast.errors import NotFound, RequestError
from broadcast.outputs.hls.rendition import Rendition, Text
from broadcast.routes.answers import authorise, stored
from broadcast.routes.api import WATCHERS

if TYPE_CHECKING:
    from broadcast.app import App

PLAYLIST = "application/vnd.apple.mpegurl"
FOREVER = "max-age=31536000, immutable"
WAITED = "max-age=4"  # this very version was asked for
AT_ONCE = "max-age=1"
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "OPTIONS, GET, HEAD",
    "Access-Control-Allow-Headers": "Authorization, Range",
    "Access-Control-Max-Age": "86400",
    "Timing-Allow-Origin": "*",
}
NUMBER = re.compile(r"\d{1,9}")
MEDIA = {"init": "video/mp4", "seg": "video/iso.segment", "part": "video/iso.segment"}


class Hls:
    """The URLs under /live."""

    def __init__(self, app: "App", public: bool) -> None:
        self._app = app
        self._public = public
        self._origin = app.origin

    def add(self, router: web.UrlDispatcher) -> None:
        """Route them."""
        base = "/live/{session}/{rendition}"
        for path, handler in (
            ("/live/index.m3u8", self._multivariant),
            (f"{base}/media.m3u8", self._media),
            (f"{base}/part-{{number}}.m4s", self._part),
            (f"{base}/seg-{{number}}.m4s", self._segment),
            (f"{base}/init-{{number}}.mp4", self._init),
            ("/live/{session}/thumbs/{number}.jpg", self._thumb),
        ):
            router.add_get(path, handler)
            router.add_route("OPTIONS", path, _options)

    async def _multivariant(self, request: web.Request) -> web.StreamResponse:
        """The renditions."""
        headers = self._headers(request, AT_ONCE)
        text = self._origin.multivariant()
        response = web.Response(text=text, content_type=PLAYLIST, headers=headers)
        response.enable_compression()
        return response

    async def _media(self, request: web.Request) -> web.StreamResponse:
        """A media playlist; with _HLS_msn and _HLS_part once it has that (RFC 8216bis, section 6.2.5)."""
        query = request.query
        msn, part = _whole(query.get("_HLS_msn")), _whole(query.get("_HLS_part"))
        headers = self._headers(request, AT_ONCE if msn is None else WAITED)
        text = await self._rendition(request).media(msn, part, query.get("_HLS_skip", "") in ("YES", "v2"))
        return _playlist(request, text, headers)

    async def _part(self, request: web.Request) -> web.StreamResponse:
        headers = self._headers(request, FOREVER)
        data = await self._rendition(request).part(_number(request))
        return web.Response(body=data, content_type=MEDIA["part"], headers=headers)

    async def _segment(self, request: web.Request) -> web.StreamResponse:
        headers = self._headers(request, FOREVER)
        found = self._rendition(request).segment(_number(request))
        if isinstance(found, list):
            return web.Response(body=b"".join(found), content_type=MEDIA["seg"], headers=headers)
        return await stored(found, {**headers, hdrs.CONTENT_TYPE: MEDIA["seg"]})

    async def _init(self, request: web.Request) -> web.StreamResponse:
        headers = self._headers(request, FOREVER)
        data = self._rendition(request).init(_number(request))
        return web.Response(body=data, content_type=MEDIA["init"], headers=headers)

    async def _thumb(self, request: web.Request) -> web.StreamResponse:
        """A small picture of the programme, one each few seconds."""
        headers = self._headers(request, FOREVER)
        path = self._origin.thumb(request.match_info["session"], _number(request, most=12))
        return await stored(path, {**headers, hdrs.CONTENT_TYPE: "image/jpeg"})

    def _rendition(self, request: web.Request) -> Rendition:
        return self._origin.rendition(request.match_info["session"], request.match_info["rendition"])

    def _headers(self, request: web.Request, cache: str) -> dict[str, str]:
        """The headers of an answer, if this person may watch. Raises `PassError`.

        Where everybody may, nobody is asked: players of other makers know no passes.
        """
        if self._public:
            return {**CORS, "Cache-Control": f"public, {cache}"}
        authorise(self._app.desk, request, *WATCHERS, cookie=True)
        return {**CORS, "Cache-Control": f"private, {cache}", "Vary": "Authorization, Cookie"}


def _playlist(request: web.Request, text: Text, headers: dict[str, str]) -> web.Response:
    vary = ", ".join(filter(None, (headers.get("Vary"), "Accept-Encoding")))
    if "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, ""):
        packed = {**headers, "Vary": vary, hdrs.CONTENT_ENCODING: "gzip"}
        return web.Response(body=text.packed, content_type=PLAYLIST, headers=packed)
    return web.Response(body=text.plain, content_type=PLAYLIST, headers={**headers, "Vary": vary})


def _whole(text: str | None) -> int | None:
    """A number of the query. Raises RequestError."""
    if text is not None and not NUMBER.fullmatch(text):
        raise RequestError("_HLS_msn and _HLS_part are whole numbers.", code="bad_hls_query")
    return None if text is None else int(text)


def _number(request: web.Request, most: int = 9) -> int:
    text = request.match_info["number"]
    if not text.isascii() or not text.isdecimal() or len(text) > most:
        raise NotFound(f"There is nothing at {request.path}.")
    return int(text)


async def _options(request: web.Request) -> web.Response:
    """Pages of other origins may play, too."""
    return web.Response(status=204, headers=CORS)
