"""A real Chromium publishes, and watches the programme and the backstage relay: WHIP in, WHEP out."""

import asyncio
import random
import time
from typing import Any

import pytest

from broadcast.feeds.whip import WhipFeed
from broadcast.outputs.fanout import Fanout
from broadcast.outputs.relay import Relay
from broadcast.rtp.frame import Codec
from broadcast.transport.port import Port, PortSettings
from tests.support.browsers import Chromium

pytestmark = pytest.mark.asyncio(loop_scope="module")

PUBLISH = """async (codec) => {
    const stream = await navigator.mediaDevices.getUserMedia(
        {audio: true, video: {width: 1280, height: 720, frameRate: 30}});
    const pc = window.pc = new RTCPeerConnection();
    for (const track of stream.getTracks()) {
        const transceiver = pc.addTransceiver(track, {direction: 'sendonly', streams: [stream]});
        if (track.kind !== 'video') continue;
        const known = RTCRtpSender.getCapabilities('video').codecs;
        transceiver.setCodecPreferences(known.filter((one) => one.mimeType === 'video/' + codec));
        // Until it is connected, Chromium believes in 300 kbit/s and would begin with a smaller picture.
        const parameters = transceiver.sender.getParameters();
        parameters.degradationPreference = 'maintain-resolution';
        await transceiver.sender.setParameters(parameters);
    }
    await pc.setLocalDescription();
    return pc.localDescription.sdp;
}"""
WATCH = """async () => {
    const pc = window.pc = new RTCPeerConnection();
    for (const kind of ['video', 'audio']) pc.addTransceiver(kind, {direction: 'recvonly'});
    const video = window.video = document.createElement('video');
    Object.assign(video, {autoplay: true, muted: true, srcObject: new MediaStream()});
    document.body.append(video);
    pc.ontrack = (event) => video.srcObject.addTrack(event.track);
    await pc.setLocalDescription();
    return pc.localDescription.sdp;
}"""
ANSWER = "(sdp) => window.pc.setRemoteDescription({type: 'answer', sdp})"
INBOUND = """async () => {
    const found = {};
    for (const one of (await window.pc.getStats()).values())
        if (one.type === 'inbound-rtp') found[one.kind] = one;
    return found;
}"""
SHOWN = "(count) => window.video.getVideoPlaybackQuality().totalVideoFrames >= count"


async def page(browser: Any) -> Any:
    """A page where the camera may be used."""
    opened = await (await browser.new_context()).new_page()
    blank = "<!doctype html><title>test</title>"
    await opened.route("**/*", lambda route: route.fulfill(body=blank, content_type="text/html"))
    await opened.goto("http://localhost/")
    return opened


@pytest.mark.parametrize("codec", ["H264", "VP8"])
@pytest.mark.parametrize("loss", [0.0, 0.05], ids=["calm", "lossy"])
async def test_chromium_in_and_out(chromium: Chromium, codec: str, loss: float) -> None:
    """A 720p camera comes in as 720p, also over a line that loses 5 %, and the programme and the backstage
    relay of it are shown without a loss."""
    port = await Port.open(PortSettings(bind=(("127.0.0.1", 0),)))
    browser = await chromium.browser()
    fanout, relay, asked = Fanout(port), Relay(port), 0
    speaker = await page(browser)
    peer, answer = port.answer_publish(await speaker.evaluate(PUBLISH, codec))
    dice, receive = random.Random(1), peer.receive_srtp

    def lossy(datagram: bytes, now: float) -> None:
        if 192 <= datagram[1] <= 223 or dice.random() >= loss:
            receive(datagram, now)

    peer.receive_srtp = lossy  # type: ignore[method-assign]
    feed = WhipFeed("ada", peer, owner="ada")

    def wanted(
        name: str,
    ) -> None:  # here the feed stands for the mixer, whose keyframes cost the speaker nothing
        nonlocal asked
        asked += 1
        feed.request_keyframe()

    fanout.on_keyframe_needed = wanted
    feed.attach(fanout.send)
    watchers = []
    try:
        await speaker.evaluate(ANSWER, answer)
        if codec == "H264":
            watchers.append(await page(browser))
            viewer, answer = port.answer_watch(await watchers[0].evaluate(WATCH), fanout.track)
            fanout.add_viewer(viewer)
            await watchers[0].evaluate(ANSWER, answer)
        backstage = await page(browser)
        watchers.append(backstage)
        _, answer = relay.watch(await backstage.evaluate(WATCH), feed)
        await backstage.evaluate(ANSWER, answer)
        for watcher in watchers:
            await watcher.wait_for_function(SHOWN, arg=90)
            found = await watcher.evaluate(INBOUND)
            assert (found["video"]["frameWidth"], found["video"]["frameHeight"]) == (1280, 720)
            assert found["video"]["packetsLost"] == 0
            assert found["audio"]["packetsReceived"] > 50
        health = feed.health(time.monotonic())
        assert (health.codec, health.width, health.height) == (Codec(codec.lower()), 1280, 720)
        assert health.rtt is not None
        assert feed.malformed == 0
        assert asked <= 2
    finally:
        await browser.close()
        relay.close()
        feed.close()
        fanout.close()
        await asyncio.sleep(0)
        await port.close()
