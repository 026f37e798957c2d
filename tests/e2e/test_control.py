"""Strangers and slips on the control WebSocket: a clear refusal, and nothing changes."""

import contextlib
import time
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from demo.control import Control, Refused, pass_of
from demo.server import Server
from tests.support.strangers import forged, signed

pytestmark = pytest.mark.asyncio(loop_scope="module")

NONSENSE = [
    "",
    "x",
    "[]",
    "null",
    "1",
    '"hello"',
    "{}",
    '{"type":1}',
    '{"type":null}',
    '{"type":"take"}',
    "[" * 20000,
    '{"type":"cue","id":5,"talk":"thony"}',
    '{"type":"cue","id":"a","talk":["thony"]}',
    '{"type":"no such thing","id":"b"}',
    '{"type":"ping","sent":' + "9" * 310 + "}",
    '{"type":"take","id":"c","revision":"x"}',
    '{"type":"report","stats":[]}',
    '{"type":"hello","pass":7}',
    '{"type":"slate","id":"d","until":1e999}',
    '{"type":"slate","id":"e","title":"' + "x" * 60000 + '"}',
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(start_server: Any, event_table: Any) -> Server:
    return await start_server(event_table(2))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def passes(server: Server) -> dict[str, str]:
    return {ident: pass_of(link) for ident, link in (await server.links()).items()}


async def test_control_refuses_wrong_passes(server: Server, passes: dict[str, str]) -> None:
    """A wrong pass in `hello` ends the connection with the reason."""
    for token, code in [
        (forged(passes["producer"]), "pass_invalid"),
        (await signed(server, passes["producer"], exp=int(time.time()) - 60), "pass_expired"),
        (await signed(server, passes["producer"], event="another-event"), "pass_foreign"),
    ]:
        async with Control(server.url, token) as control:
            await control.until(lambda now: now.closed)
            assert control.bye is not None
            assert control.bye["code"] == code
            assert not control.state


@pytest.mark.parametrize("text", NONSENSE, ids=range(len(NONSENSE)))
async def test_control_survives_nonsense(server: Server, passes: dict[str, str], text: str) -> None:
    """JSON of the wrong shape changes nothing, and the same connection goes on."""
    async with Control(server.url, passes["producer"]) as control:
        await control.until(lambda now: now.state)
        await control.send_text(text)
        await control.command("cue", talk=None)
        assert control.air is None
        assert not control.closed


async def test_control_commands_that_cannot_be(server: Server, passes: dict[str, str]) -> None:
    """Each refusal has its own code, and the state stays as it was."""
    async with Control(server.url, passes["producer"]) as producer:
        await producer.until(lambda now: now.state)
        for kind, fields, code in [
            ("cue", {"talk": "no-such-talk"}, "unknown_talk"),
            ("take", {"talk": "no-such-talk"}, "unknown_talk"),
            ("take", {}, "nothing_on_standby"),
            ("take", {"talk": "thony"}, "people_missing"),
            ("scene", {"layout": "upside-down"}, "bad_layout"),
            ("scene", {"layout": "grid"}, "not_on_air"),
            ("ready", {"ready": True, "person": "nobody"}, "unknown_person"),
        ]:
            with pytest.raises(Refused) as refusal:
                await producer.command(kind, **fields)
            assert refusal.value.code == code, (kind, fields, refusal.value)
        assert producer.air is None
        assert producer.state["standby"] is None


async def test_control_roles(server: Server, passes: dict[str, str]) -> None:
    """Speakers, screens and viewers may not run the show."""
    for token in (passes["thony"], passes["pavilion"], None):
        async with Control(server.url, token) as somebody:
            await somebody.until(lambda now: now.state)
            for kind, fields in [("cue", {"talk": "thony"}), ("take", {"talk": "thony"}), ("slate", {})]:
                with pytest.raises(Refused) as refusal:
                    await somebody.command(kind, **fields)
                assert refusal.value.code == "role_forbidden"
            assert "problem" not in somebody.state


async def test_ids_of_clients_that_follow_each_other_differ(server: Server, passes: dict[str, str]) -> None:
    """A producer's second client gives other ids than the first, even where it takes the first's memory."""
    for turn in range(8):
        async with Control(server.url, passes["producer"]) as producer:
            await producer.command("cue", talk="thony" if turn % 2 else None)


async def test_the_same_id_acts_once(server: Server, passes: dict[str, str]) -> None:
    """A command sent again is answered alike and acts once; its id for another command is refused."""
    async with Control(server.url, passes["producer"]) as producer:
        await producer.until(lambda now: now.state)
        await producer.command("cue", id="once", talk="thony")
        await producer.until(lambda now: now.state["standby"] == "thony")
        revision = producer.state["revision"]
        await producer.command("cue", id="once", talk="thony")
        with pytest.raises(Refused) as refusal:
            await producer.command("cue", id="once", talk="lanvin")
        assert refusal.value.code == "id_reused"
        assert producer.state["revision"] == revision
        await producer.command("cue", talk=None)


async def test_second_device_takes_over(server: Server, passes: dict[str, str]) -> None:
    """A speaker's second connection is welcome; the first is told, and the speaker stays in the roster."""
    async with Control(server.url, passes["lanvin"], page="speak") as first:
        await first.until(lambda now: now.state)
        async with Control(server.url, passes["lanvin"], page="speak") as second:
            await first.until(lambda now: now.closed)
            assert first.bye is not None
            assert first.bye["code"] == "taken_over"
            await second.until(lambda now: now.state)
            async with Control(server.url, passes["producer"]) as producer:
                await producer.until(lambda now: now.person("lanvin").get("connected"))


async def test_a_flood_is_cut_off(server: Server) -> None:
    """A connection that floods is closed with the reason; the next one is served."""
    async with Control(server.url) as flooder:
        await flooder.until(lambda now: now.state)
        with contextlib.suppress(ConnectionError, aiohttp.ClientError):
            for number in range(5000):
                await flooder.send({"type": "ping", "sent": number})
        await flooder.until(lambda now: now.closed)
        assert flooder.bye is None or flooder.bye["code"] in ("flood", "too_slow")
    async with Control(server.url) as next_one:
        await next_one.until(lambda now: now.state)
