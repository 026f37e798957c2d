"""Targets in a real server: typed in at the desk, live, over `kill -9`, and no key anywhere."""

import json
import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from demo.control import Control, Refused, pass_of
from demo.server import free_port
from tests.support.targets import Listener

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEY = "k3y-never-shown"
WITHIN = 60.0  # seconds


@pytest.fixture
def listeners(tmp_path: Path) -> Iterator[Any]:
    begun: list[Listener] = []

    def listen(url: str) -> Listener:
        begun.append(Listener(url, tmp_path / f"{len(begun)}.flv"))
        return begun[-1]

    yield listen
    for listener in begun:
        listener.kill()


def line(producer: Control, name: str) -> dict[str, Any]:
    lines = (producer.health or {}).get("restream", [])
    return next((each for each in lines if each["id"] == name), {"state": "off"})


async def test_typed_in_and_over_a_crash(start_server: Any, event_table: Any, listeners: Any) -> None:
    """A target that was typed in is live, also after `kill -9`; its key is in no message, log, metric."""
    url, nobody = (f"rtmp://127.0.0.1:{free_port()}/live" for _ in range(2))
    fixed = {"id": "fixed", "name": "Fixed", "url": nobody, "key": KEY, "start": True}
    table = event_table(restream={"retry_seconds": 0.5, "retry_most_seconds": 1.0})
    table["targets"] = [fixed]
    server = await start_server(table)
    seen: list[str] = []
    pass_ = pass_of((await server.links())["producer"])
    first = listeners(f"{url}/{KEY}")
    async with Control(server.url, pass_, "test") as producer:
        await producer.command("target", do="add", target="tube", name="Tube", url=url, key=KEY, on=True)
        await producer.until(lambda now: line(now, "tube")["state"] == "live", WITHIN)
        await producer.until(lambda now: line(now, "fixed").get("code") == "refused", WITHIN)
        with pytest.raises(Refused, match="target_fixed"):
            await producer.command("target", do="remove", target="fixed")
        await producer.command("target", do="stop", target="fixed")
        seen += [json.dumps(producer.state), json.dumps(producer.health)]
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait()
    first.ended()
    listeners(f"{url}/{KEY}")
    await server.start()
    async with Control(server.url, pass_, "test") as producer:
        await producer.until(lambda now: line(now, "tube")["state"] == "live", WITHIN)
        assert line(producer, "fixed")["state"] == "off", "it was stopped"
        seen += [json.dumps(producer.state), json.dumps(producer.health)]
    async with aiohttp.ClientSession() as session, session.get(f"{server.url}/metrics") as response:
        seen.append(await response.text())
    seen.append(server.log.read_text(encoding="utf-8", errors="replace"))
    assert "pavilion_restream_live 1" in seen[-2]
    assert not any(KEY in text for text in seen)
    for path in server.folder.glob("data/journal.sqlite*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
