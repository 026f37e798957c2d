"""A server with the fan-out alone: a recorded programme, played round and round to whoever POSTs to /whep.

Without mixer and desk, so that its CPU time is what the viewers cost, as with a Janus mountpoint that ffmpeg
feeds. `python -m tests.bench.stand RECORDING HTTP_PORT HOST compiled|plain|any` prints "ready" and runs until
it is ended.
"""

import asyncio
import sys
from pathlib import Path

import uvloop
from aiohttp import web

from broadcast.errors import PavilionError, RequestError
from broadcast.outputs.fanout import Fanout
from broadcast.transport.port import Port, PortSettings
from demo.publisher import play
from demo.recording import load


async def serve(recording: Path, http: int, host: str, core: str) -> None:
    """Until cancelled."""
    port = await Port.open(PortSettings(bind=((host, 0),), max_peers=5000, compiled=core != "plain"))
    if core == "compiled" and not port.stats()["compiled"]:
        raise PavilionError("there is no compiled core here")
    fanout = Fanout(port)

    async def watch(request: web.Request) -> web.Response:
        try:
            peer, answer = port.answer_watch(await request.text(), fanout.track)
        except RequestError as error:
            return web.json_response(error.as_json(), status=error.status)
        fanout.add_viewer(peer)
        return web.Response(
            status=201, text=answer, content_type="application/sdp", headers={"Location": "/gone"}
        )

    async def metrics(request: web.Request) -> web.Response:
        return web.json_response({"port": port.stats(), "fanout": fanout.stats()})

    site = web.Application()
    site.router.add_post("/whep", watch)
    site.router.add_get("/metrics", metrics)
    site.router.add_delete("/gone", metrics)
    runner = web.AppRunner(site, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, http, backlog=1024).start()
    print("ready", flush=True)
    await play(fanout, load(recording))


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:5]))
