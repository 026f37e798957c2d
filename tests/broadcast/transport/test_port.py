"""The port with real clients over the loopback, and with strangers."""

import asyncio
import errno
import gc
import os
import secrets
import socket
import weakref

import pytest
import uvloop

from broadcast.client import offers
from broadcast.client.agent import Agent
from broadcast.errors import OfferError, RequestError
from broadcast.rtp import rtcp
from broadcast.rtp.frame import Codec
from broadcast.transport.dtls import Certificate
from broadcast.transport.offer import parse
from broadcast.transport.port import Port, PortSettings

from .conftest import WATCH, Join, rtp, until


@pytest.mark.parametrize("version", ["4", "6"])
async def test_media_flows_both_ways(port: Port, join: Join, version: str) -> None:
    """Over IPv4 and IPv6, RTP and RTCP arrive at both ends as they were sent."""

    def only(answer: str) -> str:
        lines = answer.splitlines(keepends=True)
        return "".join(x for x in lines if "candidate:" not in x or ("::1" in x) == (version == "6"))

    agent, peer = await join(publish=True, answered=only)
    there: list[bytes] = []
    back: list[bytes] = []
    peer.on_rtp = peer.on_rtcp = lambda data, arrival: there.append(data)
    agent.on_rtp = agent.on_rtcp = lambda data, arrival: back.append(data)
    report = bytes.fromhex("80c9000100000065")
    agent.send_rtp([rtp(1)])
    agent.send_rtcp(report)
    peer.send_rtp([rtp(7), rtp(8), rtp(9, 300)])
    peer.send_rtcp(report)
    await until(lambda: len(there) == 2 and len(back) == 4)
    assert there == [rtp(1), report]
    assert sorted(back) == sorted([rtp(7), rtp(8), rtp(9, 300), report])
    assert len(agent.local_address or ()) == (4 if version == "6" else 2)


def test_media_flows_under_uvloop(certificate: Certificate) -> None:
    """The port works the same with uvloop's event loop."""

    async def scene() -> list[bytes]:
        port = await Port.open(PortSettings(bind=(("127.0.0.1", 0),)))
        agent = Agent(certificate=certificate)
        peer, answer = port.answer_watch(offers.watch(agent, [Codec.H264]), WATCH)
        peer.on_connected = lambda: peer.send_rtp([rtp(1), rtp(2)])
        got: list[bytes] = []
        agent.on_rtp = lambda data, arrival: got.append(data)
        await agent.connect(answer)
        await until(lambda: len(got) == 2)
        agent.close()
        await port.close()
        return got

    assert uvloop.run(scene()) == [rtp(1), rtp(2)]


async def test_a_burst_reaches_every_viewer(port: Port, join: Join) -> None:
    """One burst for many peers gives each of them the same packets."""
    viewers = [await join() for _ in range(5)]
    got: list[list[bytes]] = [[] for _ in viewers]
    for (agent, _), box in zip(viewers, got, strict=True):
        agent.on_rtp = lambda data, arrival, box=box: box.append(data)
    frame = [rtp(n, 1100) for n in range(20)] + [rtp(20, 90)]
    port.burst([peer for _, peer in viewers], frame)
    await until(lambda: all(len(box) == 21 for box in got))
    assert all(box == frame for box in got)


async def test_a_resend_is_byte_identical(port: Port, join: Join) -> None:
    """A packet sent again to a peer leaves as exactly the same datagram, so no nonce serves twice."""
    agent, peer = await join()
    seen: list[bytes] = []
    agent._decrypt = False
    agent.on_rtp = lambda data, arrival: seen.append(data)
    peer.send_rtp([rtp(n) for n in range(1, 6)])
    peer.send_rtp([rtp(2)])
    await until(lambda: len(seen) == 6)
    assert seen[5] == seen[1]


async def test_goodbye_from_either_side(port: Port, join: Join) -> None:
    """A closing client is "left" at once; a closing peer tells its client; both are told once."""
    agent, peer = await join()
    reasons: list[str] = []
    peer.when_closed(reasons.append)
    agent.close()
    await until(lambda: bool(reasons))
    peer.close("closed")
    assert reasons == ["left"]
    agent, peer = await join()
    agent.on_closed = reasons.append
    peer.when_closed(reasons.append)
    peer.close("replaced")
    await until(lambda: len(reasons) == 3)
    assert reasons == ["left", "replaced", "left"]
    assert port.stats()["peers"] == port.stats()["paths"] == 0


async def test_the_silent_and_the_slow_expire(port: Port, join: Join, certificate: Certificate) -> None:
    """Peers end as "silent" without anything authentic, and as "handshake_timeout" if they never connect."""
    _, peer = await join()
    reasons: list[str] = []
    peer.when_closed(reasons.append)
    slow, _ = port.answer_watch(offers.watch(Agent(certificate=certificate), [Codec.H264]), WATCH)
    slow.when_closed(reasons.append)
    port.expire(slow.created + 10.1)
    assert reasons == ["handshake_timeout"]
    port.expire(peer.heard + 14.9)
    assert reasons == ["handshake_timeout"]
    port.expire(peer.heard + 15.1)
    assert reasons == ["handshake_timeout", "silent"]


async def test_media_keeps_a_peer_that_no_longer_checks(port: Port, join: Join) -> None:
    """Encoders that send no checks once they are connected live by their authentic packets."""
    agent, peer = await join(publish=True)
    before = peer.heard
    got: list[float] = []
    peer.on_rtp = lambda data, arrival: got.append(arrival)
    agent.send_rtp([rtp(1)])
    await until(lambda: bool(got))
    assert peer.heard == got[0] > before


async def test_of_lone_reports_few_are_read(port: Port, join: Join) -> None:
    """Where they only inform, the second receiver report is not read; what asks for something always is."""
    agent, peer = await join()
    got: list[rtcp.Report] = []
    peer.on_rtcp = lambda data, arrival: got.extend(rtcp.parse(data))
    peer.reports_every = 1000.0
    block = rtcp.ReportBlock(1, 0, 0, 0, 0, 0, 0)
    report, nack = rtcp.ReceiverReport(7, (block, block)), rtcp.Nack(7, 1, (5,))
    agent.send_rtcp(report.build())
    await until(lambda: len(got) == 1)
    for sent in (report.build(), nack.build(), report.build() + nack.build()):
        agent.send_rtcp(sent)
    await until(lambda: len(got) >= 4)
    assert [type(each) for each in got] == [rtcp.ReceiverReport, rtcp.Nack, rtcp.ReceiverReport, rtcp.Nack]
    assert port.stats()["rx_reports_unread"] == 1


async def test_nothing_malformed_on_a_proved_path_ends_a_peer(port: Port, join: Join) -> None:
    """Truncated and garbled DTLS, SRTP and SRTCP from a connected client's own address is dropped."""
    agent, peer = await join(publish=True)
    sent: list[bytes] = []
    send = agent._send
    agent._send = sent.append  # type: ignore[method-assign]
    agent.send_rtp([rtp(1, 60)])
    agent.send_rtcp(bytes.fromhex("80c9000100000065"))
    agent._send = send  # type: ignore[method-assign]
    sent.append(bytes.fromhex("17fefd0001000000000005001030") + bytes(15))
    sent.append(bytes.fromhex("16fefd00000000000000040010010000040000000000000400000000"))
    before = port.stats()["rx_datagrams"]
    number = 0
    for datagram in sent:
        for size in range(len(datagram)):
            send(datagram[:size])
            send(datagram[:size] + secrets.token_bytes(8))
            number += 2
    await until(lambda: port.stats()["rx_datagrams"] >= before + number)
    assert peer.state == "connected"
    got: list[bytes] = []
    peer.on_rtp = lambda data, arrival: got.append(data)
    agent.send_rtp([rtp(2)])
    await until(lambda: got == [rtp(2)])


async def test_garbage_during_the_handshake_does_no_harm(port: Port, certificate: Certificate) -> None:
    """A handshake comes through although garbage that looks like DTLS arrives from the same address."""
    agent = Agent(certificate=certificate)
    peer, answer = port.answer_watch(offers.watch(agent, [Codec.H264]), WATCH)
    send = agent._send

    def noisy(datagram: bytes) -> None:
        send(b"\x16" + secrets.token_bytes(50))
        send(datagram[:20])
        send(datagram[:-5])
        send(datagram)

    agent._send = noisy  # type: ignore[method-assign]
    await agent.connect(answer)
    await until(lambda: peer.state == "connected")
    agent.close()


async def test_nonsense_in_a_handshake_ends_it_cleanly(port: Port, certificate: Certificate) -> None:
    """A well-formed record with a nonsensical message is "handshake_failed", and all is released."""
    agent = Agent(certificate=certificate)
    peer, answer = port.answer_watch(offers.watch(agent, [Codec.H264]), WATCH)
    reasons: list[str] = []
    peer.when_closed(reasons.append)
    send = agent._send
    agent._send = lambda _: send(b"\x16\xfe\xfd" + bytes(8) + b"\0\x20" + b"\x55" * 32)  # type: ignore[method-assign]
    with pytest.raises(RequestError):
        await agent.connect(answer, patience=1.0)
    assert reasons == ["handshake_failed"]
    assert port.stats()["paths"] == port.stats()["peers"] == 0


async def test_a_wrong_certificate_is_refused(port: Port, certificate: Certificate) -> None:
    """Who does not hold the certificate of the offer's fingerprint is not let in."""
    agent = Agent(certificate=certificate)
    other = Certificate.generateCertificate().fingerprint
    offer = offers.watch(agent, [Codec.H264]).replace(certificate.fingerprint, other)
    peer, answer = port.answer_watch(offer, WATCH)
    reasons: list[str] = []
    peer.when_closed(reasons.append)
    await agent.connect(answer)  # the client is content: it is the server that looks
    await until(lambda: bool(reasons))
    assert reasons == ["handshake_failed"]
    agent.close()


async def test_the_offerer_may_be_the_dtls_server(port: Port, join: Join) -> None:
    """An encoder that offers a=setup:passive is connected to."""
    _, peer = await join(change=lambda offer: offer.replace("setup:actpass", "setup:passive"))
    assert peer.state == "connected"


async def test_a_full_port_says_busy(certificate: Certificate) -> None:
    """Beyond max_peers an offer is answered with `busy` and 503, and a free place is given again."""
    port = await Port.open(PortSettings(bind=(("127.0.0.1", 0),), max_peers=1))
    offer = offers.watch(Agent(certificate=certificate), [Codec.H264])
    peer, _ = port.answer_watch(offer, WATCH)
    with pytest.raises(OfferError) as refusal:
        port.answer_watch(offer, WATCH)
    assert (refusal.value.code, refusal.value.status) == ("busy", 503)
    peer.close()
    port.answer_watch(offer, WATCH)
    await port.close()


async def test_an_old_certificate_is_renewed(port: Port, monkeypatch: pytest.MonkeyPatch) -> None:
    """New peers get a new certificate when the old one nears its end."""
    offer = offers.watch(Agent(), [Codec.H264])
    first = parse(port.answer_watch(offer, WATCH)[1]).transport.fingerprints
    assert parse(port.answer_watch(offer, WATCH)[1]).transport.fingerprints == first
    monkeypatch.setattr(Certificate, "days_left", lambda self: 19.0)
    assert parse(port.answer_watch(offer, WATCH)[1]).transport.fingerprints != first


def open_descriptors() -> int:
    """How many there are, without those that only wait to be collected, as an earlier test's loop does."""
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


async def test_nothing_is_left_of_a_peer(port: Port, join: Join) -> None:
    """Fifty sessions come and go, and leave no object, descriptor, timer or task."""
    first, peer = await join()
    first.close()
    await until(lambda: port.stats()["peers"] == 0)
    tasks, descriptors = len(asyncio.all_tasks()), open_descriptors()
    gone = []
    for _ in range(50):
        agent, peer = await join()
        gone += [weakref.ref(agent), weakref.ref(peer), weakref.ref(peer._dtls)]
        agent.close()
        await until(lambda peer=peer: peer.state == "closed")  # type: ignore[misc]
    await until(lambda: port.stats()["peers"] == 0)
    assert len(asyncio.all_tasks()) == tasks
    assert open_descriptors() == descriptors
    del agent, peer, first
    join.agents.clear()  # type: ignore[attr-defined]
    gc.collect()
    assert [ref for ref in gone if ref() is not None] == []


async def test_a_closed_port_leaves_nothing() -> None:
    """Opened and closed again, a port has given its sockets back; the address can be bound at once."""
    descriptors = open_descriptors()
    port = await Port.open(PortSettings(bind=(("127.0.0.1", 0),)))
    bound = port.addresses[0]
    await port.close()
    await port.close()
    assert open_descriptors() == descriptors
    again = await Port.open(PortSettings(bind=(bound,)))
    await again.close()


async def test_a_machine_without_ipv6_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where IPv6 is switched off, "::" is left out; any other address that cannot be bound is an error."""
    real = socket.socket

    def without(family: int, kind: int) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
        return real(family, kind)

    monkeypatch.setattr("broadcast.transport.addresses.socket.socket", without)
    port = await Port.open(PortSettings(bind=(("0.0.0.0", 0), ("::", 0))))
    assert len(port.addresses) == 1
    await port.close()
    for bad in ((("::", 0),), (("0.0.0.0", 0), ("::1", 0))):
        with pytest.raises(OSError, match="not supported"):
            await Port.open(PortSettings(bind=bad))


async def test_an_address_that_is_taken_is_an_error(port: Port) -> None:
    """Opening on a taken port raises OSError and leaves no socket."""
    descriptors = open_descriptors()
    with pytest.raises(OSError, match="in use"):
        await Port.open(PortSettings(bind=(("127.0.0.1", 0), port.addresses[0])))
    assert open_descriptors() == descriptors
