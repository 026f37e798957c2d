"""Debian's nginx with its RTMP module, as a service that one streams to."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.caches import program, running, user

MODULE = Path("/usr/lib/nginx/modules/ngx_rtmp_module.so")


def missing() -> bool:
    """Whether it is not installed."""
    return program("nginx") is None or not MODULE.exists()


@asynccontextmanager
async def nginx_rtmp(folder: Path, port: int) -> AsyncIterator[Path]:
    """It takes rtmp://127.0.0.1:PORT/live/KEY, and keeps it as KEY.flv in the folder that this gives."""
    kept = folder / "kept"
    kept.mkdir(parents=True)
    (folder / "nginx.conf").write_text(
        f"load_module {MODULE};\npid {folder}/nginx.pid;\nerror_log {folder}/error.log warn;\n"
        f"worker_processes 1;\n{user()}events {{ worker_connections 64; }}\n"
        f"rtmp {{ server {{ listen 127.0.0.1:{port}; "
        f"application live {{ live on; record all; record_path {kept}; }} }} }}\n"
    )
    where = program("nginx")
    assert where is not None, "ask `missing` first"
    command = [where, "-c", str(folder / "nginx.conf"), "-g", "daemon off;", "-e", str(folder / "error.log")]
    async with running(command, port, folder / "error.log"):
        yield kept
