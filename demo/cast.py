"""The demo's speakers: each with a link like everybody's, a camera over WHIP, and a control connection."""

import asyncio
import hashlib
import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import aiohttp

from broadcast.client.whip import WhipPublisher
from broadcast.errors import PavilionError
from broadcast.rtp.frame import Codec
from demo.control import Control, pass_of
from demo.looks import Look, look_for
from demo.portrait import Portrait
from demo.publisher import play
from demo.recording import FPS, Recording, load, record
from demo.voice import loudness, speak

LOOP_SECONDS = 8.0
VERSION = 3  # of the drawing: a new number makes new recordings
AGAIN_AFTER = 2.0  # seconds, when the server was away


@dataclass(frozen=True, slots=True)
class Role:
    """Who is played: their id, the words in their picture, their look."""

    ident: str
    name: str
    detail: str
    look: Look

    @property
    def file(self) -> str:
        """The name of the cached recording: changes whenever what is drawn changes."""
        what = repr((VERSION, LOOP_SECONDS, self.name, self.detail, sorted(asdict(self.look).items())))
        return f"{self.ident}-{hashlib.sha256(what.encode()).hexdigest()[:12]}.mkv"


def roles(table: dict[str, Any], without: Sequence[str] = ()) -> list[Role]:
    """The speakers of a config.toml in the order of the rundown, but for those whom real people play."""
    people = {person["id"]: person for person in table["people"]}
    order = dict.fromkeys(speaker for talk in table["talks"] for speaker in talk.get("speakers", ()))
    cast = []
    for place, ident in enumerate(order):
        if ident not in without:
            person = people[ident]
            detail = person.get("organisation") or person.get("place") or person.get("title") or ""
            cast.append(Role(ident, person["name"], detail, look_for(place)))
    return cast


async def prepare(cast: Sequence[Role], cache: Path, tell: Callable[[str], None]) -> dict[str, Recording]:
    """Everybody's recording; what the cache lacks is drawn and encoded now, in processes of their own."""
    missing = [role for role in cast if not (cache / role.file).exists()]
    if missing:
        tell(f"Drawing {len(missing)} speakers (once; about {4 * len(missing)} s) ...")
        loop = asyncio.get_running_loop()
        workers = min(len(missing), os.cpu_count() or 1)
        pool = ProcessPoolExecutor(
            workers, initializer=signal.signal, initargs=(signal.SIGINT, signal.SIG_IGN)
        )
        try:
            await asyncio.gather(
                *(loop.run_in_executor(pool, draw, role, cache / role.file) for role in missing)
            )
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    return {role.ident: load(cache / role.file) for role in cast}


def draw(role: Role, path: Path) -> None:
    """Draw, sing and encode one speaker."""
    voice = speak(role.look.pitch, LOOP_SECONDS, seed=round(role.look.pitch * 10))
    portrait = Portrait(role.name, role.detail, role.look, loudness(voice, FPS))
    record(path, (portrait.picture(number) for number in range(round(LOOP_SECONDS * FPS))), voice)


async def perform(url: str, link: str, recording: Recording, *, tell: Callable[[str], None]) -> None:
    """Be one speaker until cancelled: connect, send pictures and sound, say ready; come back if it fails."""
    pass_ = pass_of(link)
    while True:
        try:
            async with Control(url, pass_, page="speak") as control:
                await _on_stage(url, pass_, recording, control)
        except (OSError, aiohttp.ClientError, PavilionError, TimeoutError) as error:
            tell(f"a speaker lost the server ({error or type(error).__name__}); trying again")
        await asyncio.sleep(AGAIN_AFTER)


async def _on_stage(url: str, pass_: str, recording: Recording, control: Control) -> None:
    """Publish and be ready, until the picture or the control connection ends."""
    publisher = WhipPublisher(f"{url}/whip", pass_)
    ended = asyncio.Event()
    publisher.on_closed = lambda reason: ended.set()
    try:
        await publisher.publish(video=Codec.H264, audio=True)
        waits = [
            asyncio.create_task(play(publisher, recording), name="playing"),
            asyncio.create_task(ended.wait(), name="picture"),
            asyncio.create_task(control.until(lambda now: now.closed, float("inf")), name="control"),
        ]
        try:
            await control.command("ready", ready=True)
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
    finally:
        await publisher.close()
