"""Recording by the real server: speakers' feeds as they came, and a disk that fills up under the show."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from broadcast.client.whip import WhipPublisher
from demo.control import Control, Refused, pass_of
from demo.server import Server
from tests.broadcast.mixer import material
from tests.broadcast.outputs.recording.frames import probe
from tests.e2e.test_caches import first_playlist
from tests.support.cast import eventually
from tests.support.disks import fill, small_disk

pytestmark = pytest.mark.asyncio(loop_scope="module")

LENGTH = 2.0  # seconds of the material
WITHIN = 60.0  # seconds for anything that should come


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A disk of 32 MB, for all that the server keeps."""
    with small_disk(tmp_path_factory.mktemp("server") / "data", 32) as folder:
        yield folder


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(small: Path, start_server: Any, event_table: Any) -> Server:
    """A server whose recordings and journal are on the small disk, and each start a session of its own."""
    table = event_table(2, recording={"reserve_mib": 8}, hls={"resume_minutes": 0})
    started: Server = await start_server(table, small.parent)
    return started


@asynccontextmanager
async def speaking(server: Server, token: str) -> AsyncIterator[None]:
    """A speaker who sends pictures and sound meanwhile."""
    publisher = WhipPublisher(f"{server.url}/whip", token)
    await publisher.publish()
    pictures = material.encode_video(LENGTH, size=(320, 180), kbps=200)
    sound = material.encode_sound(LENGTH, level=0.0, tone=440.0, tone_level=0.2)
    player = asyncio.create_task(material.play(publisher.send, [pictures, sound], 6000, length=LENGTH))
    try:
        yield
    finally:
        player.cancel()
        await publisher.close()


async def metric(server: Server, name: str) -> float:
    """One figure of /metrics."""
    async with aiohttp.ClientSession() as session, session.get(f"{server.url}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"pavilion_{name} "))


async def reaches(server: Server, name: str, least: float) -> None:
    """Wait until a figure of /metrics is as large."""
    await eventually(name, lambda: metric(server, name), lambda now: now >= least, WITHIN)


async def test_a_full_disk_stops_recordings_and_nothing_else(server: Server, small: Path) -> None:
    """The producer is told, commands are carried out, files play; with room it is recorded again."""
    links = await server.links()
    ballast = small / "ballast"
    async with (
        Control(server.url, pass_of(links["producer"]), "produce") as producer,
        speaking(server, pass_of(links["thony"])),
    ):
        await reaches(server, "recording_octets", 50_000)
        assert producer.health["recording"]["state"] in ("ok", "low")
        fill(ballast)
        await producer.until(lambda now: now.health["recording"]["state"] == "full", WITHIN)
        assert "disk is full" in producer.health["recording"]["notice"]
        assert await metric(server, "recording_disk_full") == 1
        await _carried_out(producer, "lanvin")
        ballast.unlink()
        await producer.until(lambda now: now.health["recording"]["state"] != "full", WITHIN)
        await producer.command("cue", talk="thony")
        octets = await metric(server, "recording_octets")
        await reaches(server, "recording_octets", octets + 50_000)
    await _no_open_files(server)
    files = sorted((small / "recordings" / "gosmart-2023" / "speakers").iterdir())
    assert len(files) >= 2
    for path in files:
        assert path.name.startswith("thony-")
        found = probe(path)
        assert found["video"]
        assert found["audio"]


async def test_a_start_on_a_full_disk(server: Server, small: Path) -> None:
    """The show is there as it was, plays live, and tells the producer; with room all is kept again."""
    links = await server.links()
    ballast = small / "ballast"
    async with Control(server.url, pass_of(links["producer"]), "produce") as producer:
        await producer.until(lambda now: now.state, WITHIN)
        await producer.command("cue", talk="thony")
    await server.stop()
    fill(ballast)
    await server.start()
    async with Control(server.url, pass_of(links["producer"]), "produce") as producer:
        await producer.until(lambda now: now.state and now.state["standby"] == "thony", WITHIN)
        await producer.until(lambda now: now.health, WITHIN)
        assert producer.health["recording"]["state"] == "full"
        async with aiohttp.ClientSession() as http:
            playlist = await first_playlist(server.url)
            async with http.get(f"{playlist}?_HLS_msn=1") as answer:
                assert answer.status == 200
                assert "#EXT-X-PART" in await answer.text()
        await _carried_out(producer, "lanvin")
        ballast.unlink()
        await producer.until(lambda now: now.health["recording"]["state"] != "full", WITHIN)
        await _carried_out(producer, "thony")
        session = small / "programme" / playlist.split("/")[-3]

        async def kept() -> bool:
            return await asyncio.to_thread(lambda: [*session.glob("main/seg-*.m4s")] != [])

        await eventually("segments", kept, bool, WITHIN)
        assert {"session.json", "main"} <= {path.name for path in session.iterdir()}
        assert (session / "main" / "init-0.mp4").stat().st_size > 0
    await server.stop()
    await server.start()
    async with Control(server.url, pass_of(links["producer"])) as producer:
        await producer.until(lambda now: now.state and now.state["standby"] == "thony", WITHIN)


async def _carried_out(producer: Control, talk: str) -> None:
    """The command acts, be it that the journal could not note it, of which the producer is told."""
    try:
        await producer.command("cue", talk=talk)
    except Refused as refused:
        if refused.code != "not_saved":
            raise
    await producer.until(lambda now: now.state["standby"] == talk, WITHIN)


async def _no_open_files(server: Server) -> None:
    name = "recording_open_files"
    await eventually(name, lambda: metric(server, name), lambda now: now == 0, WITHIN)
