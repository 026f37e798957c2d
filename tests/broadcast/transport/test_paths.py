"""The addresses of a port's peers: proved by connectivity checks, moved, bounded, and not to be stolen."""

import asyncio
import secrets
import socket

import pytest

from broadcast.client import offers
from broadcast.client.agent import Agent
from broadcast.rtp.frame import Codec
from broadcast.transport import stun
from broadcast.transport.dtls import Certificate
from broadcast.transport.peer import MAX_PATHS
from broadcast.transport.port import Port

from .conftest import WATCH, Join, rtp, until


async def test_a_client_may_move(port: Port, join: Join) -> None:
    """After an authentic, nominated check from a new address, media goes there, both ways."""
    agent, peer = await join()
    before, paths = peer.path, port.stats()["paths"]
    agent.move()
    await until(lambda: peer.path != before)
    got: list[bytes] = []
    agent.on_rtp = lambda data, arrival: got.append(data)
    peer.send_rtp([rtp(1)])
    await until(lambda: got == [rtp(1)])
    assert port.stats()["paths"] == paths + 1


@pytest.mark.parametrize("number", [0, 1], ids=["IPv4", "IPv6"])
async def test_checks_are_answered_and_heard_for_hours(port: Port, join: Join, number: int) -> None:
    """The first is read, those that are like it are known by their signature: each gets its answer and keeps
    the peer, and one that is not like it is read again."""
    agent, peer = await join()
    agent._timer.cancel()  # its own checks are not the subject
    loop = asyncio.get_running_loop()
    with socket.socket((socket.AF_INET, socket.AF_INET6)[number], socket.SOCK_DGRAM) as browser:
        browser.setblocking(False)
        browser.connect(port.addresses[number])
        for turn, nominate in enumerate([True, True, False, True, True]):
            transaction, before, known = (
                bytes([turn]) * 12,
                peer.heard,
                port.stats().get("rx_checks_known", 0),
            )
            browser.send(
                stun.request(transaction, peer.username, peer.password, nominate=nominate, priority=1)
            )
            answer = stun.parse(await asyncio.wait_for(loop.sock_recv(browser, 2048), 10))
            assert (answer.kind, answer.transaction) == (stun.SUCCESS, transaction)
            assert answer.authentic(peer.password)
            assert answer.address == stun.xor_address(transaction, *browser.getsockname()[:2])
            assert peer.heard > before
            assert port.stats().get("rx_checks_known", 0) - known == (turn in (1, 4)), "like the one before"
            assert peer.path
            assert peer.path[1] == browser.getsockname()
    port.expire(peer.heard + 14.9)
    assert peer.state == "connected"
    port.expire(peer.heard + 15.1)
    assert peer.state == "closed"


async def test_a_client_moves_to_and_fro(port: Port, join: Join) -> None:
    """A check that nominates a path is acted on, however well it is known: the last one decides."""
    agent, peer = await join()
    agent._timer.cancel()  # its own checks are not the subject
    loop = asyncio.get_running_loop()
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as home,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as street,
    ):
        for each in (home, street):
            each.setblocking(False)
            each.connect(port.addresses[0])
        for turn, each in enumerate((home, home, street, home, home, street, street)):
            transaction = bytes([turn]) * 12
            each.send(stun.request(transaction, peer.username, peer.password, nominate=True, priority=1))
            answer = stun.parse(await asyncio.wait_for(loop.sock_recv(each, 2048), 10))
            assert answer.transaction == transaction
            assert peer.path
            assert peer.path[1] == each.getsockname()
    assert port.stats()["rx_checks_known"] == 3


async def test_paths_of_a_peer_are_bounded(port: Port, join: Join) -> None:
    """However often a client moves, the port remembers a few of its paths, and the present one works."""
    agent, peer = await join()
    for _ in range(MAX_PATHS + 5):
        before = peer.path
        agent.move()
        await until(lambda before=before: peer.path != before)  # type: ignore[misc]
    assert port.stats()["paths"] == MAX_PATHS == len(peer.paths)
    got: list[bytes] = []
    agent.on_rtp = lambda data, arrival: got.append(data)
    peer.send_rtp([rtp(1)])
    await until(lambda: got == [rtp(1)])


async def test_one_peer_cannot_take_anothers_path(port: Port, join: Join, certificate: Certificate) -> None:
    """A check with good credentials from an address that is somebody else's changes nothing."""
    agent, peer = await join()
    thief = Agent(certificate=certificate)
    other, _ = port.answer_watch(offers.watch(thief, [Codec.H264]), WATCH)
    check = stun.request(bytes(12), other.username, other.password, nominate=True, priority=1)
    agent._send(check)
    await until(lambda: port.stats().get("rx_stun_taken") == 1)
    assert other.path is None
    assert not other.paths
    assert peer.paths


async def test_forged_checks_cost_no_state(port: Port, join: Join, certificate: Certificate) -> None:
    """A flood of forged and broken checks, handshakes and media from strangers leaves nothing behind, and
    the peers that are there go on."""
    agent, peer = await join()
    waiting, _ = port.answer_watch(offers.watch(Agent(certificate=certificate), [Codec.H264]), WATCH)
    good = stun.request(bytes(12), waiting.username, b"wrong password", nominate=True, priority=1)
    unknown = stun.request(bytes(12), "nobody:here", waiting.password, nominate=True, priority=1)
    hello = bytes.fromhex("16feff0000000000000000002d") + bytes(45)
    flood = [good, unknown, good[:-1], hello, rtp(1), b"", b"\0", secrets.token_bytes(60)]
    before = port.stats()
    strangers = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(20)]
    for _ in range(10):
        for stranger in strangers:
            for datagram in flood:
                stranger.sendto(datagram, port.addresses[0])
        received = port.stats()["rx_datagrams"]
        await until(lambda received=received: port.stats()["rx_datagrams"] >= received + 160)  # type: ignore[misc]
    for stranger in strangers:
        stranger.close()
    after = port.stats()
    assert {name: after[name] for name in ("peers", "connected", "paths")} == {
        name: before[name] for name in ("peers", "connected", "paths")
    }
    assert not waiting.paths
    assert after["tx_datagrams"] == before["tx_datagrams"], "strangers get no answer: nothing to amplify"
    assert after["rx_stun_stranger"] >= 400
    got: list[bytes] = []
    agent.on_rtp = lambda data, arrival: got.append(data)
    peer.send_rtp([rtp(1)])
    await until(lambda: got == [rtp(1)])


async def test_a_flood_is_one_line_in_the_log(port: Port, caplog: pytest.LogCaptureFixture) -> None:
    """However much is dropped, the log says it once, and a few stray datagrams not at all."""
    caplog.set_level("INFO", "broadcast.transport.port")
    port.count("rx_unknown_address", 9)
    port._tell()
    assert not caplog.records
    port.count("rx_stun_stranger", 100_000)
    port._tell()
    port._tell()
    (record,) = caplog.records
    assert "'rx_stun_stranger': 100000" in record.getMessage()
