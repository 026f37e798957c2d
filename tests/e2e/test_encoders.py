"""Encoders that are no browsers: FFmpeg's own WHIP muxer publishes, and its talk is taken."""

import asyncio
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from demo.control import Control, pass_of
from demo.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="module")

# In a process of its own: the muxer blocks while it connects and sends.
FFMPEG = """
import sys, time
from fractions import Fraction
import av
import numpy as np

url, token, certificate, key = sys.argv[1:5]
# Its own certificates are on P-224, which OpenSSL 4 no longer takes: FFmpeg needs one on P-256.
options = {"authorization": token, "cert_file": certificate, "key_file": key}
box = av.open(url, "w", format="whip", options=options)
video = box.add_stream("libx264", rate=30)
video.width, video.height, video.pix_fmt = 1280, 720, "yuv420p"
video.options = {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline", "g": "30", "bf": "0"}
audio = box.add_stream("libopus", rate=48000, layout="stereo")
begun = time.monotonic()
sound = 0
picture = np.full((720, 1280, 3), 90, np.uint8)
for number in range(30 * 120):
    picture[:, :, 0] = number % 250
    frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
    frame.pts, frame.time_base = number, Fraction(1, 30)
    for packet in video.encode(frame):
        box.mux(packet)
    while sound < (number + 1) * 1600:
        piece = av.AudioFrame.from_ndarray(np.zeros((1, 1920), np.int16), format="s16", layout="stereo")
        piece.pts, piece.sample_rate, piece.time_base = sound, 48000, Fraction(1, 48000)
        for packet in audio.encode(piece):
            box.mux(packet)
        sound += 960
    if number == 0:
        print("publishing", flush=True)
    time.sleep(max(0, begun + number / 30 - time.monotonic()))
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(start_server: Any, event_table: Any) -> Server:
    return await start_server(event_table(2))


async def test_ffmpeg_publishes_by_whip(server: Server, tmp_path: Path) -> None:
    """FFmpeg joins with a speaker's pass, its 720p feed is healthy, and the talk can be taken."""
    passes = {ident: pass_of(link) for ident, link in (await server.links()).items()}
    log = tmp_path / "ffmpeg.log"
    with log.open("wb") as out:
        ffmpeg = subprocess.Popen(
            [sys.executable, "-c", FFMPEG, f"{server.url}/whip", passes["thony"], *certificate(tmp_path)],
            stdout=out,
            stderr=out,
        )
    try:
        async with Control(server.url, passes["producer"]) as producer:
            try:
                await producer.until(lambda now: _healthy(now, "thony"), seconds=25)
            except TimeoutError:
                pytest.fail(f"no healthy feed: {producer.health}\n{log.read_text()[-3000:]}\n{server.tail()}")
            await producer.command("take", talk="thony", force=True)
            await producer.until(lambda now: now.air == "thony")
    finally:
        ffmpeg.terminate()
        await asyncio.to_thread(ffmpeg.wait)


def certificate(folder: Path) -> tuple[str, str]:
    """A self-signed certificate on P-256 and its key, as PEM files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "encoder")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(made.public_bytes(pem))
    form, plain = serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    paths[1].write_bytes(key.private_bytes(pem, form, plain))
    return str(paths[0]), str(paths[1])


def _healthy(control: Control, ident: str) -> bool:
    feed = next((feed for feed in control.health.get("feeds", ()) if feed["id"] == ident), {})
    return feed.get("width") == 1280 and feed.get("fps", 0) > 20 and feed.get("verdict") == "good"
