"""WHIP and WHEP doors over a real port, as small as they can be."""

import socket
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from broadcast.errors import RequestError
from broadcast.rtp.frame import Codec
from broadcast.transport.peer import Peer
from broadcast.transport.port import Port, PortSettings
from broadcast.transport.sdp import Watch

WATCH = Watch(Codec.H264, Codec.OPUS, 11, 22, "programme")


class House:
    """`url` has /whip and /whep; `peers` holds what came in, `deleted` what was ended by DELETE."""

    def __init__(self, port: Port) -> None:
        self.port = port
        self.url = ""
        self.peers: list[Peer] = []
        self.deleted: list[str] = []
        self.passes: list[str | None] = []

    async def post(self, request: web.Request) -> web.Response:
        self.passes.append(request.headers.get("Authorization"))
        offer = await request.text()
        try:
            if request.path == "/whip":
                peer, answer = self.port.answer_publish(offer)
            else:
                peer, answer = self.port.answer_watch(
                    offer, Watch(Codec.H264, Codec.OPUS, 11, 22, "programme")
                )
        except RequestError as error:
            return web.json_response(error.as_json(), status=error.status)
        self.peers.append(peer)
        headers = {"Location": f"/session/{peer.id}"}
        return web.Response(status=201, text=answer, content_type="application/sdp", headers=headers)

    async def delete(self, request: web.Request) -> web.Response:
        self.deleted.append(request.match_info["id"])
        for peer in self.peers:
            if peer.id == request.match_info["id"]:
                peer.close("left")
        return web.Response()


@pytest.fixture
async def house() -> AsyncIterator[House]:
    port = await Port.open(PortSettings(bind=(("127.0.0.1", 0),)))
    house = House(port)
    app = web.Application()
    app.router.add_post("/whip", house.post)
    app.router.add_post("/whep", house.post)
    app.router.add_delete("/session/{id}", house.delete)
    runner = web.AppRunner(app)
    await runner.setup()
    listener = socket.create_server(("127.0.0.1", 0))
    await web.SockSite(runner, listener).start()
    house.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    yield house
    await runner.cleanup()
    await port.close()
