"""Downloads from the real server: a talk and the whole event as MP4, for those who may have them."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from broadcast.shelf import pieces_of
from demo.control import Control, pass_of
from demo.server import Server
from tests.broadcast.outputs.recording.test_export import asked
from tests.e2e.test_recording import WITHIN, speaking
from tests.support.cast import eventually
from tests.support.strangers import bearer

pytestmark = pytest.mark.asyncio(loop_scope="module")

LONG = 5.0  # seconds that the talk is on air at least


async def kept_until(server: Server, wall: float) -> None:
    """Wait until the segments on disk reach this moment (Unix seconds)."""

    async def newest() -> float:
        pieces = await asyncio.to_thread(pieces_of, server.folder / "data", "gosmart-2023")
        return pieces[-1].end if pieces else 0.0

    await eventually("segments", newest, lambda end: end >= wall, WITHIN)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(start_server: Any, event_table: Any) -> Server:
    """A server that has had one talk on air, which is over."""
    started: Server = await start_server(event_table(2))
    links = await started.links()
    async with (
        Control(started.url, pass_of(links["producer"]), "produce") as producer,
        speaking(started, pass_of(links["thony"])),
    ):
        await producer.until(lambda now: "thony" in now.person("thony").get("feeds", ()), WITHIN)
        await producer.command("take", talk="thony", force=True)
        await producer.until(lambda now: now.air == "thony", WITHIN)
        await kept_until(started, producer.state["air"]["since"] / 1000 + LONG)
        await producer.command("slate")
        await producer.until(lambda now: now.air is None, WITHIN)
        await kept_until(started, producer.state["air"]["since"] / 1000)
    return started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tokens(server: Server) -> dict[str, str]:
    return {ident: pass_of(link) for ident, link in (await server.links()).items()}


async def download(server: Server, token: str, id: str, target: Path) -> dict[str, Any]:
    """What ffprobe says of the file that a producer gets."""
    async with aiohttp.ClientSession(headers=bearer(token)) as session:

        async def ask() -> dict[str, Any]:
            async with session.post(f"{server.url}/api/recordings/{id}") as answer:
                assert answer.status in (200, 202), await answer.text()
                found: dict[str, Any] = await answer.json()
                return found

        ready = await eventually(id, ask, lambda said: said["state"] == "ready", WITHIN)
    async with aiohttp.ClientSession() as stranger, stranger.get(server.url + ready["url"]) as answer:
        assert answer.status == 200
        assert "attachment" in answer.headers["Content-Disposition"]
        target.write_bytes(await answer.read())
    return await asyncio.to_thread(asked, target)


async def test_a_talk_and_the_whole_can_be_downloaded(
    server: Server, tokens: dict[str, str], tmp_path: Path
) -> None:
    """The list names what is over; the files have its length, titles, speaker and chapters."""
    async with (
        aiohttp.ClientSession(headers=bearer(tokens["producer"])) as session,
        session.get(f"{server.url}/api/recordings") as answer,
    ):
        listed = await answer.json()
    talk, whole = listed["recordings"]
    assert (talk["speakers"], whole["id"]) == (["Callysta Thony"], "event")
    assert talk["seconds"] >= LONG
    assert [feed["file"].startswith("thony-") for feed in listed["feeds"]] == [True]
    told = await download(server, tokens["producer"], talk["id"], tmp_path / "talk.mp4")
    assert -0.1 <= float(told["format"]["duration"]) - talk["seconds"] <= 2.1  # from the keyframe before it
    assert told["format"]["tags"]["title"] == "Reorienting Smart Cities"
    assert told["format"]["tags"]["artist"] == "Callysta Thony"
    assert len(told["chapters"]) == 1
    assert {stream["codec_name"] for stream in told["streams"]} >= {"h264", "aac"}
    told = await download(server, tokens["producer"], "event", tmp_path / "whole.mp4")
    assert told["chapters"][0]["tags"]["title"] == "Callysta Thony: Reorienting Smart Cities"


async def test_others_get_nothing(server: Server, tokens: dict[str, str]) -> None:
    """Without `recording.public` neither the list nor a file is for viewers and speakers."""
    for token in (tokens["thony"], tokens["pavilion"], ""):
        async with aiohttp.ClientSession(headers=bearer(token) if token else {}) as session:
            for method, path in (
                ("GET", "/api/recordings"),
                ("POST", "/api/recordings/event"),
                ("POST", "/api/recordings/feeds/x.mkv"),
            ):
                async with session.request(method, server.url + path) as answer:
                    assert answer.status in (401, 403)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/recordings/guessed"),
        ("POST", "/api/recordings/99-nobody"),
        ("POST", "/api/recordings/feeds/..%2f..%2fpasses.secret"),
        ("POST", "/api/recordings/feeds/nobody-20230329T060000Z.mkv"),
    ],
)
async def test_what_is_not_there(server: Server, tokens: dict[str, str], method: str, path: str) -> None:
    """A wrong name is 404 in the one shape of errors."""
    async with (
        aiohttp.ClientSession(headers=bearer(tokens["producer"])) as session,
        session.request(method, server.url + path) as answer,
    ):
        assert answer.status == 404
        assert "error" in await answer.json()


async def test_a_talk_is_on_air_again(server: Server, tokens: dict[str, str]) -> None:
    """The producer asks for it: it is in the rundown, on air by itself from the recording, and then over."""
    async with Control(server.url, tokens["producer"], "produce") as producer:
        await producer.until(lambda now: now.state, WITHIN)
        await producer.command("reair", what="thony")
        await producer.until(lambda now: (now.air or "").startswith("again-"), WITHIN)
        talk = next(talk for talk in producer.state["talks"] if talk["id"] == producer.air)
        assert talk["title"] == "Callysta Thony: Reorienting Smart Cities"
        assert talk["minutes"] * 60 >= LONG
        feed = f"clip.{talk['clip']}"
        await producer.until(
            lambda now: any(each["id"] == feed for each in now.health.get("feeds", ())), WITHIN
        )
        began = producer.state["air"]["since"]
        await producer.until(lambda now: now.air is None, WITHIN)
        assert producer.state["air"]["since"] - began >= 1000 * (LONG - 1)
