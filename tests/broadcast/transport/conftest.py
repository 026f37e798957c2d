"""A port on the loopback, and clients of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from broadcast.client import offers
from broadcast.client.agent import Agent
from broadcast.rtp.frame import Codec
from broadcast.rtp.packet import header
from broadcast.transport import compiled
from broadcast.transport.dtls import Certificate
from broadcast.transport.peer import Peer
from broadcast.transport.port import Port, PortSettings
from broadcast.transport.sdp import Watch

Join = Callable[..., Awaitable[tuple[Agent, Peer]]]
WATCH = Watch(Codec.H264, Codec.OPUS, 1111, 2222, "programme")


def rtp(sequence: int, size: int = 500, ssrc: int = 1111) -> bytes:
    """A plain packet."""
    return header(102, sequence, sequence * 3000, ssrc) + bytes([sequence & 255]) * (size - 12)


async def until(condition: Callable[[], bool]) -> None:
    """Let the event loop turn until something is so."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - any condition will do, and most are counters
            await asyncio.sleep(0.001)


@pytest.fixture(scope="session")
def certificate() -> Certificate:
    return Certificate.generateCertificate()


@pytest.fixture(params=["compiled", "plain"])
async def port(request: pytest.FixtureRequest) -> AsyncIterator[Port]:
    """With the compiled core, where there is one, and without."""
    core = request.param == "compiled"
    if core and compiled.library() is None:
        pytest.skip("no compiled core here")
    port = await Port.open(PortSettings(bind=(("127.0.0.1", 0), ("::1", 0)), compiled=core))
    yield port
    await port.close()


@pytest.fixture
async def join(port: Port, certificate: Certificate) -> AsyncIterator[Join]:
    """`agent, peer = await join()`: a viewer, or with `publish=True` a publisher, connected."""
    agents: list[Agent] = []

    async def join(
        publish: bool = False, change: Callable[[str], str] = str, answered: Callable[[str], str] = str
    ) -> tuple[Agent, Peer]:
        agent = Agent(certificate=certificate)
        agents.append(agent)
        if publish:
            offer = offers.publish(agent, [(Codec.H264, 101), (Codec.OPUS, 102)], "speaker")
            peer, answer = port.answer_publish(change(offer))
        else:
            peer, answer = port.answer_watch(change(offers.watch(agent, [Codec.H264, Codec.OPUS])), WATCH)
        connected = asyncio.Event()
        peer.on_connected = connected.set
        await agent.connect(answered(answer))
        async with asyncio.timeout(5):
            await connected.wait()
        assert peer.target is not None
        assert (peer.target.seal is not None) == (port.stats()["sealing"] == len(port.addresses))
        return agent, peer

    join.agents = agents  # type: ignore[attr-defined]
    yield join
    for agent in agents:
        agent.close()
