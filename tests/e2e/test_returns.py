"""Backstage through real connections: a speaker hears the others and not themselves; who may talk to whom."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import numpy as np
import pytest
import pytest_asyncio

from broadcast.client.whep import WhepViewer
from broadcast.client.whip import WhipPublisher
from broadcast.errors import RequestError
from broadcast.rtp.frame import Codec, Frame
from broadcast.rtp.packet import parse
from demo.control import Control, pass_of
from demo.server import Server
from tests.broadcast.mixer import material
from tests.support.strangers import bearer, offer, refused

pytestmark = pytest.mark.asyncio(loop_scope="module")

LENGTH = 2.0  # seconds of each piece of material
OPUS = 111


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(start_server: Any, event_table: Any) -> Server:
    return await start_server(event_table(2))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def passes(server: Server) -> dict[str, str]:
    return {ident: pass_of(link) for ident, link in (await server.links()).items()}


class Listener:
    """A speaker's return, its sound packets kept."""

    def __init__(self, viewer: WhepViewer) -> None:
        self.viewer = viewer
        self.packets: list[Frame] = []
        self.kinds: set[int] = set()
        viewer.on_packet = self._packet

    def _packet(self, data: bytes, arrival: float) -> None:
        packet = parse(data)
        self.kinds.add(packet.payload_type)
        if packet.payload_type == OPUS:
            self.packets.append(Frame(Codec.OPUS, bytes(packet.payload), packet.timestamp, arrival))

    async def loudness(self, seconds: float) -> float:
        """RMS in dBFS of the next seconds."""
        before = len(self.packets)
        async with asyncio.timeout(20):
            while len(self.packets) < before + seconds * 50:  # noqa: ASYNC110 - packets come by themselves
                await asyncio.sleep(0.02)
        _, samples = material.decode_sound(self.packets[before:])
        return float(10 * np.log10(np.square(samples[0, 4800:]).mean() + 1e-12))


class Backstage:
    """Speakers with and without a voice, and their returns."""

    def __init__(self, server: Server, passes: dict[str, str], stack: AsyncExitStack) -> None:
        self._server = server
        self._passes = passes
        self._stack = stack

    async def speak(self, person: str) -> None:
        publisher = WhipPublisher(f"{self._server.url}/whip", self._passes[person])
        self._stack.push_async_callback(publisher.close)
        await publisher.publish()
        pictures = material.encode_video(LENGTH, size=(320, 180), kbps=200)
        sound = material.encode_sound(LENGTH, level=0.0, tone=440.0, tone_level=0.2)
        player = asyncio.create_task(material.play(publisher.send, [pictures, sound], 600, length=LENGTH))
        self._stack.callback(player.cancel)

    async def talk_back(self) -> None:
        publisher = WhipPublisher(f"{self._server.url}/whip?feed=talkback", self._passes["producer"])
        self._stack.push_async_callback(publisher.close)
        await publisher.publish(None)
        sound = material.encode_sound(LENGTH, level=0.0, tone=880.0, tone_level=0.2)
        player = asyncio.create_task(material.play(publisher.send, [sound], 600, length=LENGTH))
        self._stack.callback(player.cancel)

    async def listen(self, person: str, door: str = "/whep/return") -> Listener:
        viewer = WhepViewer(self._server.url + door, self._passes[person])
        self._stack.push_async_callback(viewer.close)
        listener = Listener(viewer)
        await viewer.watch()
        return listener


@pytest_asyncio.fixture(loop_scope="module")
async def backstage(server: Server, passes: dict[str, str]) -> AsyncIterator[Backstage]:
    async with AsyncExitStack() as stack:
        yield Backstage(server, passes, stack)


async def test_a_speaker_on_air_hears_nothing_of_themselves(
    server: Server, passes: dict[str, str], backstage: Backstage
) -> None:
    """Thony is on air: Lanvin hears her in his return, and she does not, by more than 40 dB; both see."""
    async with Control(server.url, passes["producer"], "produce") as producer:
        await backstage.speak("thony")
        await producer.until(lambda now: "thony" in now.person("thony").get("feeds", ()))
        thony, lanvin = [await backstage.listen(person) for person in ("thony", "lanvin")]
        await producer.command("take", talk="thony", force=True)
        others = -100.0
        async with asyncio.timeout(20):
            while others < -40:
                others = await lanvin.loudness(0.5)
        assert others - await thony.loudness(1.0) > 40
        assert len(thony.kinds) == len(lanvin.kinds) == 2, "sound and picture"
        await producer.command("slate")


async def test_a_producer_talks_into_one_ear_and_nobody_else_hears_it(
    server: Server, passes: dict[str, str], backstage: Backstage
) -> None:
    """Thony is called: she hears the voice, Lanvin and the programme do not; then nobody does."""
    async with Control(server.url, passes["producer"], "produce") as producer:
        await backstage.talk_back()
        await producer.until(lambda now: "producer.talkback" in now.person("producer").get("feeds", ()))
        thony, lanvin = [await backstage.listen(person) for person in ("thony", "lanvin")]
        programme = await backstage.listen("lanvin", "/whep")
        await producer.command("talkback", on=True, to=["thony"])
        async with asyncio.timeout(20):
            while await thony.loudness(0.5) < -40:
                pass
        assert await lanvin.loudness(0.5) < -80
        assert await programme.loudness(0.5) < -80
        await producer.command("talkback", on=False)
        async with asyncio.timeout(20):
            while await thony.loudness(0.5) > -80:
                pass


async def test_returns_are_for_speakers(server: Server, passes: dict[str, str]) -> None:
    """Not for screens, producers or strangers."""
    async with aiohttp.ClientSession(server.url) as http:
        for headers, status, code in [
            ({"Content-Type": "application/sdp"}, 401, "pass_missing"),
            (bearer(passes["pavilion"]), 403, "role_forbidden"),
            (bearer(passes["producer"]), 403, "role_forbidden"),
        ]:
            async with http.post("/whep/return", data=offer("recvonly"), headers=headers) as answer:
                await refused(answer, status, code)
        async with http.options("/whep/return") as answer:
            assert answer.status == 204


async def test_only_producers_talk_back_and_only_by_voice(server: Server, passes: dict[str, str]) -> None:
    """A speaker may not; a picture beside the voice is declined; nobody can watch the voice, and no
    multiview shows it."""
    with pytest.raises(RequestError) as refusal:
        await WhipPublisher(f"{server.url}/whip?feed=talkback", passes["thony"]).publish(None)
    assert refusal.value.code == "role_forbidden"
    async with Control(server.url, passes["producer"], "produce") as producer:
        publisher = WhipPublisher(f"{server.url}/whip?feed=talkback", passes["producer"])
        try:
            await publisher.publish(Codec.H264, audio=True)
            await producer.until(lambda now: "producer.talkback" in now.person("producer").get("feeds", ()))
            await producer.until(lambda now: now.health)
            assert all(feed["kind"] != "talkback" for feed in producer.health["feeds"])
            with pytest.raises(RequestError) as refusal:
                await WhepViewer(f"{server.url}/whep/feeds/producer.talkback", passes["producer"]).watch()
            assert refusal.value.code == "not_found"
        finally:
            await publisher.close()
