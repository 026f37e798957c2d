"""The command line as an organiser meets it: mistakes are one line and status 2, ends are clean."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from demo.control import Control, pass_of
from demo.server import Server

Table = dict[str, Any]


def pavilion(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command and wait for its end."""
    command = [sys.executable, "-m", "broadcast", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def drop(section: str, key: str) -> Callable[[Table], object]:
    return lambda table: table[section].pop(key)


def put(section: str, key: str, value: Any) -> Callable[[Table], object]:
    return lambda table: table.setdefault(section, {}).__setitem__(key, value)


@pytest.mark.parametrize(
    ("spoil", "names"),
    [
        (drop("event", "name"), "event.name"),
        (put("event", "colour", "blue"), "event.colour"),
        (put("event", "timezone", "Asia/Taipeh"), "event.timezone"),
        (put("programme", "fps", 3), "programme.fps"),
        (put("programme", "width", "wide"), "programme.width"),
        (put("server", "http", "nowhere"), "server.http"),
        (put("nonsense", "key", 1), "nonsense"),
        (lambda table: table["talks"][0].update(speakers=["nobody"]), "talks[0].speakers"),
        (lambda table: table["people"][0].update(role="king"), "people[0].role"),
    ],
)
def test_a_wrong_config_is_one_line(
    spoil: Callable[[Table], object], names: str, event_table: Callable[..., Table], tmp_path: Path
) -> None:
    """A mistake in config.toml ends with status 2 and one line that names the key."""
    table = event_table(2)
    spoil(table)
    server = Server(table, tmp_path)
    server.write_config()
    done = pavilion("serve", "--config", str(tmp_path / "config.toml"))
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert names in lines[0]


@pytest.mark.parametrize("content", [b"[event", b"\xff\xfe", b"", b"event = 1"])
def test_a_config_that_is_no_config(content: bytes, tmp_path: Path) -> None:
    """Bytes that are no TOML, or not an event, end with status 2 and one line."""
    (tmp_path / "config.toml").write_bytes(content)
    done = pavilion("serve", "--config", str(tmp_path / "config.toml"))
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr


def test_a_config_that_is_not_there(tmp_path: Path) -> None:
    """A missing file ends with status 2 and one line."""
    done = pavilion("serve", "--config", str(tmp_path / "none.toml"))
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr


def test_links_are_for_people_and_programs(event_table: Callable[..., Table], tmp_path: Path) -> None:
    """`pavilion links` names everybody once, and its JSON holds role, id, name and a URL with a pass."""
    server = Server(event_table(2), tmp_path)
    server.write_config()
    rows = json.loads(pavilion(*server.arguments("links")[3:], "--json").stdout)
    assert {row["id"] for row in rows} == {person["id"] for person in server.table["people"]}
    assert all(set(row) >= {"role", "id", "name", "url"} and "#pass=" in row["url"] for row in rows)
    text = pavilion(*server.arguments("links")[3:]).stdout
    assert all(person["name"] in text for person in server.table["people"])
    assert (tmp_path / "data" / "passes.secret").stat().st_mode & 0o077 == 0


async def test_a_taken_port_is_said(event_table: Callable[..., Table], tmp_path: Path) -> None:
    """A second server on the same port ends with status 1 and a line that says so; the first goes on."""
    server = Server(event_table(2), tmp_path / "first")
    await server.start()
    try:
        second = Server(server.table, tmp_path / "second", http=server.http)
        second.write_config()
        done = await asyncio.to_thread(pavilion, *second.arguments("serve")[3:])
        assert done.returncode == 1, done.stderr
        assert str(server.http) in done.stderr
        assert "Traceback" not in done.stderr
        async with Control(server.url) as viewer:
            await viewer.until(lambda now: now.state)
    finally:
        assert await server.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_ends_when_asked(
    number: signal.Signals, event_table: Callable[..., Table], tmp_path: Path
) -> None:
    """Asked to end it tells its clients, takes its children along, and leaves with status 0."""
    server = Server(event_table(2), tmp_path)
    await server.start()
    assert server.process is not None
    process = psutil.Process(server.process.pid)
    family = [process, *process.children(recursive=True)]
    async with Control(server.url) as viewer:
        await viewer.until(lambda now: now.state)
        process.send_signal(number)
        await viewer.until(lambda now: now.closed)
        assert viewer.bye is not None
        assert viewer.bye["code"] == "shutdown"
    assert await server.stop() == 0
    assert not [member for member in psutil.wait_procs(family, timeout=5)[1] if member.is_running()]


async def test_killed_it_leaves_no_children(event_table: Callable[..., Table], tmp_path: Path) -> None:
    """After `kill -9` of the server its mixers end by themselves, and a new server takes up the show."""
    server = Server(event_table(2), tmp_path)
    await server.start()
    assert server.process is not None
    producer = pass_of((await server.links())["producer"])
    async with Control(server.url, producer) as control:
        await control.until(lambda now: now.state)
        await control.command("cue", talk="lanvin")
    process = psutil.Process(server.process.pid)
    children = process.children(recursive=True)
    mixers = [child for child in children if "broadcast.mixer" in child.cmdline()]
    assert {mixer.nice() for mixer in mixers} == {process.nice()}, "neither waits for the other"
    server.process.kill()
    await server.stop()
    assert children, "the mixer is a child"
    assert not psutil.wait_procs(children, timeout=5)[1]
    await server.start()
    try:
        async with Control(server.url, producer) as control:
            await control.until(lambda now: now.state)
            assert control.state["standby"] == "lanvin"
    finally:
        assert await server.stop() == 0
