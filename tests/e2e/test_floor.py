"""The floor over real feeds: panels that lose people, clips that end, people who are out, edits that stay.

The acts build on one another: one server, two speakers without browsers, a producer.
"""

import asyncio
import contextlib
import itertools
import os
import random
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio

from broadcast.client.whip import WhipPublisher
from broadcast.errors import RequestError
from broadcast.rtp.frame import Codec, Frame
from demo.control import Control, pass_of
from demo.publisher import play
from demo.recording import Recording, load, record
from demo.server import Server
from tests.support.media import bursts

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass
class Speaker:
    """A camera that can be stopped and started while its connection stays."""

    url: str
    pass_: str
    recording: Recording
    publisher: WhipPublisher | None = None
    playing: "asyncio.Task[None] | None" = None

    async def join(self) -> None:
        self.publisher = WhipPublisher(f"{self.url}/whip", self.pass_)
        await self.publisher.publish()
        self.go_on()

    def go_on(self) -> None:
        assert self.publisher is not None
        self.playing = asyncio.create_task(play(self.publisher, self.recording))

    async def garble(self) -> None:
        """Go on sending frames as before, and nothing in them makes sense."""
        await self.stall()
        self.playing = asyncio.create_task(self._garbage())

    async def _garbage(self) -> None:
        assert self.publisher is not None
        begun, dice = time.monotonic(), random.Random(7)
        for number in itertools.count():
            # A slice of no picture: a NAL unit that begins like one, and then noise.
            data = b"\0\0\0\1\x41" + bytes(dice.randrange(4, 256) for _ in range(900))
            at = begun + number / 30
            await asyncio.sleep(max(0.0, at - time.monotonic()))
            self.publisher.send(Frame(Codec.H264, data, round(at * 90000), at, False))

    async def stall(self) -> None:
        if self.playing is not None:
            self.playing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.playing

    async def leave(self) -> None:
        await self.stall()
        if self.publisher is not None:
            await self.publisher.close()


@dataclass
class Floor:
    server: Server
    producer: Control
    passes: dict[str, str]
    people: dict[str, Speaker] = field(default_factory=dict)

    async def told(self, path: str, value: Any) -> None:
        """Wait until this part of `air` is so."""
        try:
            await self.producer.until(lambda now: now.state["air"][path] == value, seconds=20)
        except TimeoutError:
            pytest.fail(f"air.{path} is not {value}: {self.producer.state['air']}\n{self.server.tail()}")


def small(path: Path, colour: tuple[int, int, int], pitch: float, seconds: float) -> Path:
    """A recording of one colour, so small that two cost next to nothing."""
    picture = np.full((180, 320, 3), colour, np.uint8)
    record(path, (picture for _ in range(round(seconds * 30))), bursts(pitch, seconds), kbps=100)
    return path


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def floor(
    start_server: Any, event_table: Any, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Floor]:
    folder = tmp_path_factory.mktemp("floor")
    film = small(folder / "film.mkv", (0, 160, 0), 300.0, 2.0)
    table = event_table(2)
    table["clips"] = [{"id": "film", "file": str(film)}]
    table["talks"] += [
        {"id": "panel", "title": "Panel", "speakers": ["thony", "lanvin"], "layout": "side", "minutes": 10},
        {"id": "film", "title": "A film", "clip": "film", "minutes": 1},
        {"id": "again", "title": "Again", "speakers": ["thony"], "minutes": 10, "automatic": True},
    ]
    server: Server = await start_server(table)
    passes = {ident: pass_of(link) for ident, link in (await server.links()).items()}
    async with Control(server.url, passes["producer"]) as producer:
        floor = Floor(server, producer, passes)
        for ident, colour in (("thony", (200, 60, 20)), ("lanvin", (20, 60, 200))):
            recording = load(small(folder / f"{ident}.mkv", colour, 500.0, 4.0))
            floor.people[ident] = Speaker(server.url, passes[ident], recording)
            await floor.people[ident].join()
            await producer.until(lambda now, who=ident: now.person(who).get("feeds"))
            await producer.command("ready", ready=True, person=ident)
        yield floor
        for speaker in floor.people.values():
            await speaker.leave()


def _doubts(feeds: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Who is called dead, and why."""
    return [(feed["id"], feed["why"]) for feed in feeds if feed["verdict"] == "dead"]


async def test_a_panel_loses_one_and_goes_on(floor: Floor) -> None:
    """Who stalls is drawn no longer, the talk stays on air, and they are back when their pictures are."""
    await floor.producer.command("take", talk="panel")
    await floor.told("talk", "panel")
    await floor.people["lanvin"].stall()
    await floor.told("lost", ["lanvin"])
    assert floor.producer.air == "panel"
    floor.people["lanvin"].go_on()
    await floor.told("lost", [])
    assert floor.producer.air == "panel"


async def test_the_slate_when_nobody_is_left(floor: Floor) -> None:
    """Both stall: the slate; one returns: the panel with that one."""
    for speaker in floor.people.values():
        await speaker.stall()
    await floor.told("kind", "slate")
    assert floor.producer.state["air"]["held"] == "panel"
    floor.people["thony"].go_on()
    await floor.told("talk", "panel")
    floor.people["lanvin"].go_on()
    await floor.told("lost", [])


async def test_an_encoder_that_sends_garbage(floor: Floor) -> None:
    """Its frames come as before, and cannot be decoded: it is left out of the panel, the other gives way to
    the slate, producers read why, and each is back with their pictures."""
    thony, lanvin = floor.people["thony"], floor.people["lanvin"]
    await lanvin.garble()
    await floor.told("lost", ["lanvin"])
    await thony.garble()
    await floor.told("kind", "slate")
    await floor.producer.until(
        lambda now: ("thony", "its pictures cannot be decoded") in _doubts(now.health["feeds"]), seconds=20
    )
    for speaker in (thony, lanvin):
        await speaker.stall()
        speaker.go_on()
    await floor.told("talk", "panel")
    await floor.told("lost", [])


async def test_levels_on_air_change_no_picture(floor: Floor) -> None:
    """Mute and gain are heard without another hand-off, and told."""
    await floor.producer.command("level", person="thony", gain_db=-6, muted=True)
    await floor.producer.until(lambda now: now.person("thony")["level"] == {"gain_db": -6.0, "muted": True})
    assert floor.producer.air == "panel"
    await floor.producer.command("level", person="thony", gain_db=0, muted=False)


async def test_a_clip_ends_and_the_next_goes_on_by_itself(floor: Floor) -> None:
    """Two seconds of film, retitled meanwhile, and then the automatic talk, without a command."""
    await floor.producer.command("ready", ready=True, person="thony")
    await floor.producer.command("take", talk="film")
    await floor.producer.command("ready", ready=True, person="thony")
    await floor.producer.command("edit", do="retitle", talk="film", title="The film")
    await floor.told("talk", "again")
    talks = {talk["id"]: talk for talk in floor.producer.state["talks"]}
    lasted = (talks["film"]["ended"] - talks["film"]["started"]) / 1000
    assert talks["film"]["state"] == "done"
    assert lasted >= 1.5, "it was not cut off"
    assert floor.producer.state["moves"][-1]["do"] == "automatic"


async def test_who_is_removed_is_out(floor: Floor) -> None:
    """Their camera ends, the slate comes, and their pass opens nothing until they are admitted."""
    await floor.producer.command("remove", person="thony")
    await floor.told("kind", "slate")
    await floor.people["thony"].leave()
    with pytest.raises(RequestError) as refused:
        await floor.people["thony"].join()
    assert refused.value.code == "removed"
    async with Control(floor.server.url, floor.passes["thony"]) as page:
        await page.until(lambda now: now.closed)
        assert page.bye is not None
        assert page.bye["code"] == "removed"
    await floor.producer.command("admit", person="thony")
    await floor.people["thony"].join()
    await floor.told("talk", "again")


async def test_edits_outlive_the_server(floor: Floor) -> None:
    """After `kill -9` the rundown is as it was last edited, and the same talk is live."""
    await floor.producer.command("edit", do="move", talk="panel", before="thony")
    await floor.producer.command("edit", do="add", talk="more", title="More", speakers=["lanvin"], minutes=7)
    await floor.producer.command("edit", do="extend", talk="again", minutes=5)
    await floor.producer.until(lambda now: any(talk["extended"] == 5 for talk in now.state["talks"]))
    before = floor.producer.state
    process = floor.server.process
    assert process is not None
    os.kill(process.pid, 9)
    await asyncio.to_thread(process.wait)
    for speaker in floor.people.values():
        await speaker.leave()
    await floor.server.start()
    async with Control(floor.server.url, floor.passes["producer"]) as producer:
        await producer.until(lambda now: now.state)
        after = producer.state
        keys = ("id", "title", "minutes", "extended", "started", "state")
        assert [[talk[key] for key in keys] for talk in after["talks"]] == [
            [talk[key] for key in keys] for talk in before["talks"]
        ]
        assert after["air"]["talk"] == "again"
        assert after["air"]["ends"] == before["air"]["ends"]
        await floor.people["thony"].join()
        await producer.until(lambda now: now.person("thony").get("feeds"))
        assert producer.air == "again"
