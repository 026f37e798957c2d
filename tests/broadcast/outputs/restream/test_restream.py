"""Real targets: ffmpeg by RTMP, RTMPS and SRT; those that die, hang, refuse or are not what they seem."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import pytest_asyncio

from broadcast.outputs.restream.line import Patience
from broadcast.outputs.restream.outlet import Order, Settings
from broadcast.outputs.restream.restream import Restream
from broadcast.rtp.frame import Frame
from broadcast.targets import parse
from demo.server import free_port
from tests.support.nginx_rtmp import missing, nginx_rtmp
from tests.support.targets import Listener, Proxy, Seen, certificate, play, programme

PATIENCE = Patience(first=0.3, most=1.0, connect=25.0, stall=10.0)
KEY = "k3y-never-shown"
WITHIN = 60.0  # seconds for anything that should happen
STEP = 0.05  # seconds: no picture is missing, and no sound


@pytest.fixture(scope="module")
def frames() -> list[Frame]:
    return programme()


class Desk:
    """The programme on its way to targets, and what the producer sees of them."""

    def __init__(self, frames: list[Frame], settings: Settings) -> None:
        self.restream = Restream(settings)
        self.restream.start()
        self.playing = asyncio.create_task(play(frames, self.restream.send))

    def want(self, **urls: str) -> None:
        self.restream.want([Order(name, parse(url), url) for name, url in urls.items()])

    def line(self, name: str) -> dict[str, Any]:
        return next(line for line in self.restream.health() if line["id"] == name)

    async def until(self, name: str, good: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait until the target's line is like that."""
        async with asyncio.timeout(WITHIN):
            while not good(self.line(name)):
                assert not self.playing.done(), "the programme goes on"
                await asyncio.sleep(0.02)
        return self.line(name)

    async def live(self, name: str, octets: int = 20_000) -> None:
        """Wait until it is live and has taken so much more."""
        await self.until(name, lambda line: line["state"] == "live")
        wanted = self.restream.stats()["octets"] + octets
        await self.until(name, lambda line: self.restream.stats()["octets"] >= wanted)

    async def failed(self, name: str) -> dict[str, Any]:
        """Wait until it has failed, and say how."""
        return await self.until(name, lambda line: line["code"] is not None)

    async def close(self) -> None:
        self.playing.cancel()
        await asyncio.gather(self.playing, return_exceptions=True)
        await self.restream.stop()


@pytest_asyncio.fixture
async def desk(frames: list[Frame], no_leaks: None) -> AsyncIterator[Desk]:
    desk = Desk(frames, Settings(PATIENCE))
    yield desk
    await desk.close()


@pytest.fixture
def listen(tmp_path: Path) -> Iterator[Callable[[str], Listener]]:
    listeners: list[Listener] = []

    def begin(url: str) -> Listener:
        listeners.append(Listener(url, tmp_path / f"{len(listeners)}.{'flv' if 'rtmp' in url else 'ts'}"))
        return listeners[-1]

    yield begin
    for listener in listeners:
        listener.kill()


def processes() -> list[psutil.Process]:
    found = []
    for each in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess):  # it has just ended
            if "broadcast.outputs.restream" in each.cmdline():
                found.append(each)
    return found


async def test_rtmp_dies_and_comes_back(desk: Desk, listen: Callable[[str], Listener]) -> None:
    """A target plays, dies, is retried, and plays again from a keyframe on, without a hole."""
    url = f"rtmp://127.0.0.1:{free_port()}/live/{KEY}"
    first = listen(url)
    desk.want(tube=url)
    await desk.live("tube")
    await desk.until("tube", lambda line: line["bitrate"] > 20_000)
    first.kill()
    line = await desk.until("tube", lambda line: line["code"] == "refused")
    assert line["state"] in ("retrying", "connecting")
    assert line["reason"]
    second = listen(url)
    await desk.live("tube")
    assert desk.line("tube")["reconnects"] == 1
    desk.want()
    await asyncio.to_thread(second.ended)
    seen = Seen(second.path)
    assert seen.codecs == {"video": "h264", "audio": "aac"}
    assert seen.begins_whole
    assert max(seen.longest_step()) < STEP
    assert abs(seen.pictures[-1] - seen.sounds[-1]) < 0.5, "both go on to the end"


async def test_nginx_rtmp(desk: Desk, tmp_path: Path, tcp_port: int) -> None:
    """What Debian's nginx-rtmp keeps begins with a keyframe and has no hole."""
    if missing():
        pytest.skip("nginx-rtmp is not installed. Say: apt-get install nginx-light libnginx-mod-rtmp")
    async with nginx_rtmp(tmp_path / "nginx", tcp_port) as kept:
        desk.want(tube=f"rtmp://127.0.0.1:{tcp_port}/live/{KEY}")
        await desk.live("tube")
        await desk.close()
    seen = Seen(kept / f"{KEY}.flv")
    assert seen.codecs == {"video": "h264", "audio": "aac"}
    assert seen.begins_whole
    assert max(seen.longest_step()) < STEP


async def test_srt(desk: Desk, listen: Callable[[str], Listener]) -> None:
    """SRT with a passphrase plays; with a wrong one it is refused, and the producer is told why."""
    port = free_port(socket.SOCK_DGRAM)
    listener = listen(f"srt://127.0.0.1:{port}?mode=listener&passphrase=0123456789")
    desk.want(feed=f"srt://127.0.0.1:{port}?passphrase=9876543210&streamid={KEY}")
    line = await desk.until("feed", lambda line: line["code"] == "rejected")
    assert "passphrase" in line["reason"]
    desk.want(feed=f"srt://127.0.0.1:{port}?passphrase=0123456789&streamid={KEY}")
    await desk.live("feed", 60_000)
    desk.want()
    await asyncio.to_thread(listener.ended)
    seen = Seen(listener.path)
    assert seen.codecs == {"video": "h264", "audio": "aac"}
    assert max(seen.longest_step()) < STEP


async def test_rtmps(frames: list[Frame], tmp_path: Path, listen: Callable[[str], Listener]) -> None:
    """RTMPS plays where the certificate is trusted; where it is not, nothing is sent."""
    port = free_port()
    tls, authority = certificate(tmp_path)
    listen(f"rtmp://127.0.0.1:{port}/live/{KEY}")
    async with Proxy(port).open(tls) as secure:
        url = f"rtmps://localhost:{secure}/live/{KEY}"
        stranger = Desk(frames, Settings(PATIENCE))
        stranger.want(tube=url)
        assert (await stranger.failed("tube"))["code"] == "certificate"
        await stranger.close()
        friend = Desk(frames, Settings(PATIENCE, ca_file=str(authority)))
        friend.want(tube=url)
        await friend.live("tube")
        await friend.close()


async def test_hung_beside_a_healthy_one(desk: Desk, listen: Callable[[str], Listener]) -> None:
    """Targets that stop to read, never answer, or refuse are retried; the one beside them misses nothing."""
    good, behind = (f"rtmp://127.0.0.1:{free_port()}/live/{KEY}" for _ in range(2))
    listener = listen(good)
    listen(behind)
    proxy = Proxy(parse(behind).port)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        async with proxy.open() as port:
            desk.want(
                good=good,
                hung=behind.replace(str(parse(behind).port), str(port)),
                deaf=f"rtmp://127.0.0.1:{deaf.getsockname()[1]}/live/{KEY}",
                none=f"rtmp://127.0.0.1:{free_port()}/live/{KEY}",
            )
            await desk.live("good")
            await desk.live("hung")
            assert (await desk.failed("none"))["code"] == "refused"
            proxy.flowing.clear()
            assert (await desk.failed("hung"))["code"] in ("stalled", "no_answer")
            assert (await desk.failed("deaf"))["code"] == "no_answer"
            assert desk.line("good")["state"] == "live"
            desk.want()
            await asyncio.to_thread(listener.ended)
    assert max(Seen(listener.path).longest_step()) < STEP


async def test_nothing_secret_leaks(desk: Desk, listen: Callable[[str], Listener], caplog: Any) -> None:
    """The key is in no log, no health, no metrics, and in no process' arguments or environment."""
    caplog.set_level(logging.DEBUG)
    url = f"rtmp://127.0.0.1:{free_port()}/live/{KEY}"
    listen(url)
    desk.want(tube=url, none=f"srt://127.0.0.1:{free_port(socket.SOCK_DGRAM)}?streamid={KEY}")
    await desk.live("tube", 1)
    assert processes()
    for child in processes():
        with contextlib.suppress(psutil.NoSuchProcess):  # the one that is refused, again and again
            assert KEY not in f"{child.cmdline()} {child.environ()}"
    await desk.failed("none")
    assert KEY not in f"{desk.restream.health()} {desk.restream.stats()} {caplog.text}"
    assert "tube: live" in caplog.text


async def test_a_process_that_crashes_is_replaced(desk: Desk, listen: Callable[[str], Listener]) -> None:
    """Whatever happens in a target's process, the target is live again."""
    url = f"rtmp://127.0.0.1:{free_port()}/live/{KEY}"
    first = listen(url)
    desk.want(tube=url)
    await desk.live("tube", 1)
    (child,) = processes()
    child.kill()
    await desk.failed("tube")
    await asyncio.to_thread(first.ended)
    listen(url)
    await desk.live("tube", 1)
