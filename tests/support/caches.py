"""The caches of docs/caching as they are started from Debian's packages: the very files, with other ports."""

import asyncio
import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs" / "caching"


def program(name: str) -> str | None:
    """Where a program is that a package puts among the system's."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/sbin")


def user() -> str:
    """Of nginx' workers, in its configuration: the folder is ours alone."""
    return "user root;\n" if os.geteuid() == 0 else ""


@asynccontextmanager
async def nginx(folder: Path, port: int, origin: int) -> AsyncIterator[str]:
    """nginx with docs/caching/nginx.conf before the server on `origin`; its URL."""
    folder.mkdir(parents=True, exist_ok=True)
    certificate(folder)
    shipped = (DOCS / "nginx.conf").read_text()
    for before, after in (
        (r"/var/cache/nginx/pavilion", str(folder / "cache")),
        (r"server 127\.0\.0\.1:8080", f"server 127.0.0.1:{origin}"),
        (r"listen 443", f"listen 127.0.0.1:{port}"),
        (r"/etc/ssl/pavilion\.pem", str(folder / "cert.pem")),
        (r"/etc/ssl/pavilion\.key", str(folder / "key.pem")),
    ):
        shipped, count = re.subn(before, after, shipped)
        assert count == 1, before
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    (folder / "nginx.conf").write_text(
        f"pid {folder}/nginx.pid;\nerror_log {folder}/error.log warn;\nworker_processes 1;\n"
        f"{user()}"
        f"events {{ worker_connections 4096; }}\nhttp {{\naccess_log off;\n{temporary}{shipped}}}\n"
    )
    where = program("nginx")
    assert where is not None
    command = [where, "-c", str(folder / "nginx.conf"), "-g", "daemon off;", "-e", str(folder / "error.log")]
    async with running(command, port, folder / "error.log"):
        yield f"https://127.0.0.1:{port}"


@asynccontextmanager
async def varnish(folder: Path, port: int, origin: int) -> AsyncIterator[str]:
    """Varnish with docs/caching/varnish.vcl before the server on `origin`; its URL."""
    folder.mkdir(parents=True, exist_ok=True)
    shipped, count = re.subn(r'\.port = "8080"', f'.port = "{origin}"', (DOCS / "varnish.vcl").read_text())
    assert count == 1
    (folder / "pavilion.vcl").write_text(shipped)
    where = program("varnishd")
    assert where is not None
    command = [where, "-F", "-n", str(folder / "work"), "-a", f"127.0.0.1:{port}"]
    command += ["-f", str(folder / "pavilion.vcl"), "-s", "malloc,64m", "-j", "none"]
    async with running(command, port, folder / "varnish.log"):
        yield f"http://127.0.0.1:{port}"


def certificate(folder: Path) -> None:
    """A certificate of its own making for localhost."""
    subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
            ),
            *("-days", "2", "-subj", "/CN=localhost"),
            *("-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")),
        ],
        check=True,
        capture_output=True,
    )


@asynccontextmanager
async def running(command: list[str], port: int, log: Path) -> AsyncIterator[None]:
    """The program until the block ends; it answers on its port when the block begins."""
    with log.open("ab") as out:
        process = await asyncio.create_subprocess_exec(*command, stdout=out, stderr=out)
    try:
        for _ in range(600):
            assert process.returncode is None, log.read_text(errors="replace")
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                break
        else:
            raise AssertionError(f"{command[0]} does not listen: {log.read_text(errors='replace')}")
        yield
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), 15)
            except TimeoutError:
                process.kill()
                await process.wait()
