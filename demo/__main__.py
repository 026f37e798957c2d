"""`python -m demo`: the whole reference event in about four minutes, without any camera.

Starts the server, draws and plays every speaker over real WHIP, and runs the show by itself. All pages are
live meanwhile. Ctrl-C ends everything in order.
"""

import argparse
import asyncio
import contextlib
import signal
import sys
from pathlib import Path
from typing import Any

from demo.cast import perform, prepare, roles
from demo.control import Control, pass_of
from demo.recording import Recording
from demo.server import Server, ServerFailed, free_port, shortened
from demo.show import run_show

SHOW_SECONDS = 240.0  # for all talks together
LEAD = 10.0  # seconds from the start of the server to the first talk


def main() -> int:
    """Run the demo; the exit status is 0 when it ended as asked."""
    options = _parser().parse_args()
    try:
        with asyncio.Runner() as runner:
            runner.run(demo(options))
    except (KeyboardInterrupt, asyncio.CancelledError):
        _tell("ended.")
    except ServerFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


async def demo(options: argparse.Namespace) -> None:
    """Everything, from drawing the speakers to stopping the server."""
    task = asyncio.current_task()
    assert task is not None, "demo() runs in a task: asyncio.Runner makes one"
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    table = shortened(Path(options.config), SHOW_SECONDS / options.speed, LEAD)
    cast = roles(table, options.without)
    recordings = await prepare(cast, Path(options.cache), _tell)
    table = shortened(Path(options.config), SHOW_SECONDS / options.speed, LEAD)  # drawing took its time
    for journal in (Path(options.folder) / "data").glob("journal*"):
        journal.unlink()  # a new show; the secret stays, so that links of the last run still open
    server = Server(table, Path(options.folder), http=options.port or free_port(), host=options.host)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(server.stop)
        await server.start()
        links = await server.links()
        _say_links(server.url, links, table, options.without)
        speakers = asyncio.create_task(_speakers(server.url, links, recordings), name="speakers")
        stack.push_async_callback(_end, speakers)
        producer = next(person["id"] for person in table["people"] if person.get("role") == "producer")
        control = await stack.enter_async_context(Control(server.url, pass_of(links[producer]), page="robot"))
        await run_show(control, table["talks"], _tell, once=options.once)


async def _speakers(url: str, links: dict[str, str], recordings: dict[str, Recording]) -> None:
    async with asyncio.TaskGroup() as group:
        for ident, recording in recordings.items():
            group.create_task(perform(url, links[ident], recording, tell=_tell), name=f"speaker {ident}")


async def _end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _say_links(url: str, links: dict[str, str], table: dict[str, Any], without: list[str]) -> None:
    names = {person["id"]: person["name"] for person in table["people"]}
    roles_of = {person["id"]: person.get("role", "speaker") for person in table["people"]}
    _tell("The event is live. Open, in any browser on this machine:")
    _tell(f"  viewer      {url}/watch")
    for ident, link in links.items():
        if roles_of[ident] in ("producer", "screen") or ident in without:
            _tell(f"  {roles_of[ident]:<11} {link}")
        if ident in without:
            _tell(f"              ({names[ident]} is left to you: join and say ready)")
    _tell("Ctrl-C ends it.\n")


def _tell(text: str) -> None:
    print(text, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m demo", description="The reference event without any camera."
    )
    parser.add_argument("--config", default="config.toml", help="the event (default: config.toml)")
    parser.add_argument("--once", action="store_true", help="end after the last talk")
    parser.add_argument(
        "--speed", type=float, default=1.0, help="2 makes the talks half as long (default: 1)"
    )
    parser.add_argument(
        "--without", action="append", default=[], metavar="ID", help="leave this speaker to you"
    )
    parser.add_argument(
        "--port", type=int, default=8080, help="of the pages; 0: any free one (default: 8080)"
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--folder", default="build/demo/run", help="for the server's config, log and data")
    parser.add_argument("--cache", default="build/demo", help="for the speakers' recordings")
    return parser


if __name__ == "__main__":
    sys.exit(main())
