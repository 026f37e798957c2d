"""One Chromium with a 720p camera: how it is sent, from the first seconds on."""

from pathlib import Path
from typing import Any

import pytest

from demo.control import Control, pass_of
from demo.server import Server
from tests.support import browsers
from tests.support.cast import eventually, join
from tests.support.media import camera_file, microphone_file

pytestmark = pytest.mark.asyncio(loop_scope="module")

RAMP = 60  # pictures: two seconds of a camera


async def test_a_720p_camera_comes_in_full(
    start_server: Any, event_table: Any, chromium: Any, tmp_path: Path
) -> None:
    """The camera is sent as H264 in its full size within its first two seconds, and the server sees it so."""
    server: Server = await start_server(event_table(1))
    links = await server.links()
    camera = camera_file(tmp_path / "camera.y4m", (120, 90, 200))
    browser = await chromium.browser(camera, microphone_file(tmp_path / "microphone.wav", 520.0))
    page = await browsers.page(browser, links["thony"], permissions=["camera", "microphone"])
    await page.evaluate(
        """() => {
            window.sent = [];
            setInterval(async () => sent.push(...(await probe.sent()).filter((row) => row.frames)), 50);
        }"""
    )
    await join(page)
    rows = await eventually(
        "pictures", lambda: page.evaluate("sent"), lambda rows: rows and rows[-1]["frames"] > RAMP
    )
    print("pictures sent and their width:", [(row["frames"], row["width"]) for row in rows])
    assert {row["codec"] for row in rows} == {"video/H264"}
    assert {row["width"] for row in rows if row["frames"] > RAMP} == {1280}
    async with Control(server.url, pass_of(links["producer"])) as producer:
        await producer.until(lambda now: feed_of(now).get("width") == 1280)
        assert feed_of(producer)["codec"] == "h264"
        await producer.until(lambda now: feed_of(now).get("verdict") == "good")


def feed_of(control: Control) -> dict[str, Any]:
    """What the producer is told of the camera."""
    return next((feed for feed in control.health.get("feeds", ()) if feed["id"] == "thony"), {})
