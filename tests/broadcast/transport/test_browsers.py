"""Real browsers against the port: Chromium publishes H264 and views it, Firefox publishes VP8."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web

from broadcast.errors import OfferError
from broadcast.rtp.frame import Codec
from broadcast.rtp.packet import header
from broadcast.rtp.rtcp import Pli
from broadcast.transport.peer import Peer
from broadcast.transport.port import Port
from tests.support import browsers

from .conftest import WATCH, until

CAMERA = """async () => {
    const media = await navigator.mediaDevices.getUserMedia(
        {video: {width: 1280, height: 720, frameRate: 30}, audio: true});
    window.pc = new RTCPeerConnection({bundlePolicy: 'max-bundle'});
    for (const track of media.getTracks())
        pc.addTransceiver(track, {direction: 'sendonly', streams: [media]});
    await pc.setLocalDescription();
    return pc.localDescription.sdp;
}"""
SCREEN = """async () => {
    window.viewer = new RTCPeerConnection({bundlePolicy: 'max-bundle'});
    viewer.addTransceiver('video', {direction: 'recvonly'});
    viewer.addTransceiver('audio', {direction: 'recvonly'});
    window.screen_ = document.createElement('video');
    Object.assign(screen_, {muted: true, autoplay: true});
    document.body.append(screen_);
    viewer.ontrack = (event) => { screen_.srcObject = event.streams[0]; };
    await viewer.setLocalDescription();
    return viewer.localDescription.sdp;
}"""


@asynccontextmanager
async def empty_page() -> AsyncIterator[str]:
    """The address of a page on the loopback, where a browser lets a page use the camera."""

    async def page(request: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><title>test</title>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/", page)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    await runner.cleanup()


def relay(source: Peer, viewer: Peer) -> Counter[int]:
    """Pass every packet of `source` on under the viewer's numbers, and ask for keyframes until one came."""
    counted: Counter[int] = Counter()
    asked = 0.0

    def packet(data: bytes, arrival: float) -> None:
        nonlocal asked
        counted[data[1] & 0x7F] += 1
        payload = 12 + (4 + 4 * int.from_bytes(data[14:16], "big") if data[0] & 0x10 else 0)
        for mine, theirs in (
            (source.media.video, viewer.media.video),
            (source.media.audio, viewer.media.audio),
        ):
            assert mine is not None
            assert theirs is not None
            if data[1] & 0x7F == mine.payload_type:
                head = header(
                    theirs.payload_type,
                    int.from_bytes(data[2:4], "big"),
                    int.from_bytes(data[4:8], "big"),
                    theirs.ssrcs[0],
                    marker=data[1] > 127,
                )
                viewer.send_rtp([head + data[payload:]])
                if mine is source.media.video and arrival - asked > 0.5:
                    asked = arrival
                    source.send_rtcp(Pli(1, int.from_bytes(data[8:12], "big")).build())

    source.on_rtp = packet
    return counted


async def test_chromium_publishes_and_views(port: Port) -> None:
    """Chromium's H264 camera comes in by a WHIP offer and is seen by a WHEP offer."""
    chromium = browsers.Chromium()
    try:
        async with empty_page() as url:
            page = await (await (await chromium.browser()).new_context()).new_page()
            await page.goto(url)
            speaker, answer = port.answer_publish(await page.evaluate(CAMERA))
            left = asyncio.Event()
            reasons: list[str] = []
            speaker.when_closed(lambda reason: (reasons.append(reason), left.set()))
            assert speaker.media.video is not None
            assert speaker.media.video.codec is Codec.H264
            await page.evaluate("sdp => pc.setRemoteDescription({type: 'answer', sdp})", answer)
            viewer, answer = port.answer_watch(await page.evaluate(SCREEN), WATCH)
            counted = relay(speaker, viewer)
            reports: list[bytes] = []
            viewer.on_rtcp = lambda data, arrival: reports.append(data)
            await page.evaluate("sdp => viewer.setRemoteDescription({type: 'answer', sdp})", answer)
            await page.wait_for_function("screen_.getVideoPlaybackQuality().totalVideoFrames > 30")
            width, height = await page.evaluate("[screen_.videoWidth, screen_.videoHeight]")
            assert width * 9 == height * 16
            assert speaker.state == viewer.state == "connected"
            assert counted[speaker.media.video.payload_type] > 50
            assert reports
            viewer.close()
            await page.wait_for_function("viewer.getReceivers()[0].transport.state == 'closed'")
            await page.evaluate("pc.close()")
            async with asyncio.timeout(5):
                await left.wait()
            assert reasons == ["left"]
    finally:
        await chromium.close()


async def test_firefox_publishes_and_views(port: Port) -> None:
    """Debian's Firefox, which has no H264, publishes VP8 and Opus, and views VP8 under its own numbers; for
    an H264 programme it is told that it has no usable codec."""
    async with empty_page() as url, browsers.firefox() as driver:

        async def run(script: str, *arguments: object) -> Any:
            code = f"const done = arguments[arguments.length - 1];({script})(...arguments).then(done, done)"
            return await asyncio.to_thread(driver.execute_async_script, code, *arguments)

        await asyncio.to_thread(driver.get, url)
        speaker, answer = port.answer_publish(await run(CAMERA))
        assert speaker.media.video is not None
        assert speaker.media.audio is not None
        assert speaker.media.video.codec is Codec.VP8
        await run("sdp => pc.setRemoteDescription({type: 'answer', sdp})", answer)
        offer = await run(SCREEN)
        with pytest.raises(OfferError) as refusal:
            port.answer_watch(offer, WATCH)
        assert refusal.value.code == "no_usable_codec"
        viewer, answer = port.answer_watch(offer, replace(WATCH, video=Codec.VP8))
        counted = relay(speaker, viewer)
        await run("sdp => viewer.setRemoteDescription({type: 'answer', sdp})", answer)
        shown = await run(
            """() => new Promise((resolve) => setInterval(async () => {
                for (const each of (await viewer.getStats()).values())
                    if (each.framesDecoded > 30) resolve(each.framesDecoded);
            }, 50))"""
        )
        assert shown > 30
        assert set(counted) == {speaker.media.video.payload_type, speaker.media.audio.payload_type}
        reasons: list[str] = []
        speaker.when_closed(reasons.append)
        await run("async () => pc.close()")
        await until(lambda: reasons == ["left"])
