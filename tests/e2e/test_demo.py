"""`python -m demo`: the show runs by itself, and Ctrl-C ends all of it."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import pytest_asyncio

from demo import toml

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATIENCE = 90.0  # seconds: the first run draws its speakers


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def start_demo(
    event_table: Callable[..., dict[str, Any]], media_cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Any]:
    """Starts `python -m demo` with two talks; ends what a failed test left running."""
    running: list[asyncio.subprocess.Process] = []

    async def start(*options: str) -> asyncio.subprocess.Process:
        folder = tmp_path_factory.mktemp("demo")
        (folder / "config.toml").write_text(toml.dump(event_table(2)), encoding="utf-8")
        places = [
            "--config",
            folder / "config.toml",
            "--folder",
            folder / "run",
            "--cache",
            media_cache / "demo",
        ]
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "demo",
            "--port",
            "0",
            *map(str, places),
            *options,
            stdout=asyncio.subprocess.PIPE,
            preexec_fn=_interruptible,
        )
        running.append(process)
        return process

    yield start
    for process in running:
        if process.returncode is None:
            process.terminate()
            await process.wait()


def _interruptible() -> None:
    """Whoever runs the tests in the background may have told the shell that Ctrl-C is not for them."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


async def read_until(process: asyncio.subprocess.Process, wanted: str) -> list[str]:
    """The lines that the demo prints, up to the one that begins with `wanted`."""
    assert process.stdout is not None
    lines: list[str] = []
    async with asyncio.timeout(PATIENCE):
        while line := (await process.stdout.readline()).decode():
            lines.append(line.rstrip())
            if line.startswith(wanted):
                return lines
    raise AssertionError(f"{wanted!r} was never printed:\n" + "\n".join(lines))


async def test_the_whole_show_once(start_demo: Any) -> None:
    """Every talk comes on air in its order, the links are said first, and it ends by itself with status 0."""
    process = await start_demo("--once", "--speed", "30")
    lines = await read_until(process, "slate: ")
    said = "\n".join(lines)
    assert "/watch" in said
    assert "/produce#pass=" in said
    assert "/screen#pass=" in said
    talks = [line for line in lines if line.startswith("on air: ")]
    assert talks == ["on air: Reorienting Smart Cities", "on air: Reinventing Smart Cities"]
    assert await asyncio.wait_for(process.wait(), PATIENCE) == 0


async def test_ctrl_c_ends_everything(start_demo: Any) -> None:
    """Ctrl-C in the middle of a talk ends speakers, server and mixers, with status 0 and no traceback."""
    process = await start_demo()
    await read_until(process, "on air: ")
    family = psutil.Process(process.pid).children(recursive=True)
    assert family, "the server and its mixers"
    process.send_signal(signal.SIGINT)
    rest = await read_until(process, "ended.")
    assert not [line for line in rest if "Traceback" in line]
    assert await asyncio.wait_for(process.wait(), PATIENCE) == 0
    assert not (await asyncio.to_thread(psutil.wait_procs, family, 5))[1]
