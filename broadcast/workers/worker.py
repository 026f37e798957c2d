"""A worker's process: a port and a fan-out for some of the viewers, told by the server what to do.

It holds nothing that must survive: when it dies, its viewers come again and are given to others.
"""

import asyncio
import logging
import time
from typing import Any, cast

from broadcast.errors import MalformedError, PavilionError
from broadcast.outputs.fanout import Fanout
from broadcast.outputs.renditions import Size
from broadcast.pipe import Pieces, pack_json, unpack_frame, unpack_json
from broadcast.transport.peer import Peer
from broadcast.transport.port import Port, PortSettings
from broadcast.workers.wire import Word, WorkerSettings

log = logging.getLogger(__name__)

STATS_EVERY = 1.0  # seconds
WAITING = 4 << 20  # octets that the server has not taken; beyond, it has hung, and the worker ends


class Worker(asyncio.Protocol):
    """`ended` is set when the server has closed the pipe, or cannot be worked for."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()
        self._pieces = Pieces()
        self._transport: asyncio.Transport | None = None
        self._port: Port | None = None
        self._fanout: Fanout | None = None
        self._peers: dict[str, Peer] = {}
        self._beginning: asyncio.Task[None] | None = None
        self._reporting: asyncio.TimerHandle | None = None

    async def close(self) -> None:
        """Say goodbye to the viewers."""
        if self._reporting is not None:
            self._reporting.cancel()
        if self._beginning is not None:
            self._beginning.cancel()
            await asyncio.gather(self._beginning, return_exceptions=True)
        if self._fanout is not None:
            self._fanout.close()
        if self._port is not None:
            await self._port.close()

    @property
    def idle(self) -> bool:
        """Nobody watches here."""
        return not self._peers

    # -- asyncio.Protocol --------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's do not descend from asyncio's

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self.ended.set()

    def data_received(self, data: bytes) -> None:
        try:
            for word, body in self._pieces.feed(data):
                self._handle(word, body)
        except MalformedError as error:
            log.error("the server speaks in riddles: %s", error)
            self.ended.set()

    # -- what the server says ----------------------------------------------------------------------------

    def _handle(self, word: int, body: bytes) -> None:
        if word == Word.FRAME:
            if self._fanout is not None:
                name, frame = unpack_frame(body)
                if name:
                    self._fanout.send_rendition(name, frame)
                else:
                    self._fanout.send(frame)
        elif word == Word.SETTINGS:
            self._beginning = asyncio.create_task(self._begin(WorkerSettings.from_json(unpack_json(body))))
        elif word == Word.OFFER:
            self._offered(unpack_json(body))
        elif word == Word.CLOSE:
            said = unpack_json(body)
            peer = self._peers.get(said["peer"])
            if peer is not None:
                peer.close(said["reason"])
        elif word == Word.RENDITION:
            self._asked_rendition(unpack_json(body))

    async def _begin(self, settings: WorkerSettings) -> None:
        try:
            self._port = await Port.open(
                PortSettings(
                    bind=settings.bind,
                    advertise=settings.advertise,
                    max_peers=settings.max_peers,
                    handshake_timeout=settings.handshake_timeout,
                    silence_timeout=settings.silence_timeout,
                )
            )
        except OSError as error:
            log.error("cannot listen on UDP %s: %s", settings.bind, error.strerror)
            self.ended.set()
            return
        self._fanout = Fanout(self._port, sizes=[Size(*each) for each in settings.sizes])
        self._fanout.on_keyframe_needed = lambda name: self._say(Word.KEYFRAME, {"rendition": name})
        self._say(Word.READY, {})
        self._report()

    def _offered(self, said: dict[str, Any]) -> None:
        assert self._port is not None, "offers come after READY"
        assert self._fanout is not None
        try:
            peer, answer = self._port.answer_watch(said["offer"], self._fanout.track)
        except PavilionError as error:
            refusal = {"code": error.code, "message": error.message, "status": error.status}
            self._say(Word.ANSWER, {"id": said["id"], **refusal})
            return
        self._peers[peer.id] = peer
        self._fanout.add_viewer(peer, role=said["role"])
        connected = peer.on_connected

        def joined() -> None:
            connected()
            self._say(Word.CONNECTED, {"peer": peer.id})

        peer.on_connected = joined
        peer.when_closed(lambda reason: self._left(peer, reason))
        self._say(Word.ANSWER, {"id": said["id"], "peer": peer.id, "answer": answer})

    def _asked_rendition(self, said: dict[str, Any]) -> None:
        assert self._fanout is not None, "there was an offer"
        if said["name"] is not None:
            self._fanout.pin(said["peer"], said["name"])
        wish, sent = self._fanout.rendition(said["peer"]) or (None, None)
        self._say(Word.ANSWER, {"id": said["id"], "wish": wish, "sent": sent})

    def _left(self, peer: Peer, reason: str) -> None:
        self._peers.pop(peer.id, None)
        self._say(Word.LEFT, {"peer": peer.id, "reason": reason})

    def _report(self) -> None:
        assert self._port is not None, "begun"
        assert self._fanout is not None
        self._reporting = asyncio.get_running_loop().call_later(STATS_EVERY, self._report)
        cpu = {"cpu_seconds": time.process_time()}
        self._say(Word.STATS, {"transport": {**self._port.stats(), **cpu}, "fanout": self._fanout.stats()})

    def _say(self, word: Word, data: dict[str, Any]) -> None:
        if self._transport is None:
            return
        self._transport.write(pack_json(word, data))
        if self._transport.get_write_buffer_size() > WAITING:
            self.ended.set()
