"""Runs `pavilion serve` beside the demo (or a test): the real command, as an organiser would start it."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import tomllib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from demo import toml

READY_WITHIN = 90.0  # seconds; a busy machine takes half a minute to start Python
STOP_WITHIN = 15.0


class ServerFailed(Exception):
    """The server ended or did not become ready; the text says what it printed last."""


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port of 127.0.0.1 that was free a moment ago."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def shortened(path: Path, seconds: float, lead: float) -> dict[str, Any]:
    """The event of a config.toml, starting `lead` seconds from now, its talks lasting `seconds` in all.

    Talks keep their proportions; times that they name themselves are dropped.
    """
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    begin = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=lead)
    table["event"]["start"] = begin
    whole = sum(talk["minutes"] for talk in table["talks"])
    for talk in table["talks"]:
        talk["minutes"] = round(max(0.05, talk["minutes"] / whole * seconds / 60), 3)
        talk.pop("start", None)
    return table


@dataclass
class Server:
    """One running server. `folder` gets its config.toml, its data and server.log."""

    table: dict[str, Any]
    folder: Path
    http: int = field(default_factory=free_port)
    udp: int = field(default_factory=lambda: free_port(socket.SOCK_DGRAM))
    host: str = "127.0.0.1"
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.http}"

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    def arguments(self, command: str) -> list[str]:
        """The command line of `pavilion <command>` for this server."""
        base = [sys.executable, "-m", "broadcast", command, "--config", str(self.folder / "config.toml")]
        ports = ["--http", f"{self.host}:{self.http}", "--udp", f"{self.host}:{self.udp}"]
        return base + ports + ["--data", str(self.folder / "data")]

    def write_config(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "config.toml").write_text(toml.dump(self.table), encoding="utf-8")

    async def start(self) -> None:
        """Start it and wait until /readyz says so. Raises `ServerFailed`."""
        self.write_config()
        process = self._spawn()
        until = time.monotonic() + READY_WITHIN
        while not await asyncio.to_thread(self._is_ready):
            if process.poll() is not None:
                raise ServerFailed(f"pavilion serve ended with status {process.returncode}:\n{self.tail()}")
            if time.monotonic() > until:
                await self.stop()
                raise ServerFailed(
                    f"pavilion serve was not ready within {READY_WITHIN:.0f} s:\n{self.tail()}"
                )
            await asyncio.sleep(0.1)

    async def links(self) -> dict[str, str]:
        """Everybody's personal link, by id, as `pavilion links --json` prints them."""
        return {row["id"]: row["url"] for row in await self.people()}

    async def people(self) -> list[dict[str, str]]:
        """The rows of `pavilion links --json`: role, id, name, url."""
        command = [*self.arguments("links"), "--json"]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, check=False)
        if done.returncode:
            raise ServerFailed(f"pavilion links ended with status {done.returncode}: {done.stderr.decode()}")
        rows: list[dict[str, str]] = json.loads(done.stdout)
        return [{**row, "url": self._local(row["url"])} for row in rows]

    async def stop(self) -> int | None:
        """Ask it to end, wait, and insist if need be; its exit status."""
        process = self.process
        if process is None:
            return None
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                await asyncio.to_thread(process.wait, STOP_WITHIN)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await asyncio.to_thread(process.wait)
        return process.returncode

    def tail(self, lines: int = 20) -> str:
        """The end of its log."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])

    def _spawn(self) -> "subprocess.Popen[bytes]":
        """The process, in a session of its own: Ctrl-C reaches the demo, which then stops it."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.arguments("serve"),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        return self.process

    def _is_ready(self) -> bool:
        try:
            with urlopen(f"{self.url}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    def _local(self, url: str) -> str:
        """A link of this server, whatever public address the config gives it."""
        return self.url + "/" + url.split("://", 1)[-1].partition("/")[2]
