"""The command line: pavilion serve | links | doctor | load.

`run(argv)` returns the exit status: 0 all well, 1 something failed, 2 the command or config.toml is wrong.
Each command reads what it needs when it is asked for: a server that was killed has to be back at once.
"""

import argparse
import asyncio
import dataclasses
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import uvloop

from broadcast import config as settings
from broadcast import priority
from broadcast.errors import ConfigError, PavilionError
from broadcast.serve import serve


def run(argv: Sequence[str]) -> int:
    """Carry out one command line."""
    options = _parser().parse_args(argv)
    try:
        return int(options.command(options))
    except ConfigError as error:
        print(f"{options.config}: {error}", file=sys.stderr)
        return 2
    except PavilionError as error:
        print(f"pavilion: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pavilion", description="Puts a virtual conference on the air.")
    commands = parser.add_subparsers(required=True, metavar="serve | links | doctor | load")
    for name, command, summary in [
        ("serve", _serve, "serve the event until Ctrl-C"),
        ("links", _links, "print everybody's personal link"),
        ("doctor", _doctor, "check config.toml and this machine before the day"),
    ]:
        sub = commands.add_parser(name, help=summary, description=summary)
        sub.set_defaults(command=command)
        sub.add_argument("--config", default="config.toml", help="the event (default: config.toml)")
        sub.add_argument("--data", help="folder for the journal and the secret (default: server.data)")
        sub.add_argument("--http", metavar="HOST:PORT", help="instead of server.http")
        sub.add_argument(
            "--udp", metavar="HOST:PORT", action="append", help="instead of server.udp; may be repeated"
        )
        if name == "links":
            sub.add_argument("--json", action="store_true", help="for programs")
    _add_load(commands)
    return parser


def _add_load(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    summary = "join as many viewers and say what arrives: any WHEP server"
    sub = commands.add_parser("load", help=summary, description=summary)
    sub.set_defaults(command=_load, config="")
    sub.add_argument("url", help="of the server, or of its WHEP endpoint")
    sub.add_argument("-n", "--viewers", type=_count, default=100, help="how many (default: 100)")
    sub.add_argument("--seconds", type=_positive, default=30.0, help="to watch after joining (default: 30)")
    sub.add_argument("--rate", type=_positive, default=50.0, help="joins a second (default: 50)")
    sub.add_argument("--pass", dest="pass_", metavar="PASS", help="a viewer's pass, where one is asked for")
    sub.add_argument("--json", action="store_true", help="for programs")


def _count(text: str) -> int:
    return int(_positive(text))


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < 1e6:
        raise ValueError(text)
    return value


def _configured(options: argparse.Namespace) -> settings.Config:
    """config.toml with what the command line says instead."""
    config = settings.load(Path(options.config))
    server = config.server
    if options.http:
        settings.host_port("--http", options.http)
        server = dataclasses.replace(server, http=options.http)
    if options.udp:
        for address in options.udp:
            settings.host_port("--udp", address)
        server = dataclasses.replace(server, udp=tuple(options.udp))
    if options.data:
        server = dataclasses.replace(server, data=str(Path(options.data).absolute()))
    return dataclasses.replace(config, server=server)


def _links(options: argparse.Namespace) -> int:
    from broadcast.links import links

    rows = links(_configured(options))
    if options.json:
        print(json.dumps(rows, ensure_ascii=False, indent=2))
        return 0
    for row in rows:
        print(f"{row['name']} ({row['role']})\n  {row['url']}\n")
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from broadcast.doctor import examine

    findings = examine(_configured(options))
    for finding in findings:
        print(f"{'ok  ' if finding.good else 'BAD '} {finding.what}: {finding.says}")
    return 0 if all(finding.good for finding in findings) else 1


def _load(options: argparse.Namespace) -> int:
    from broadcast.client import load

    order = load.Order(options.url, options.viewers, options.seconds, options.rate, options.pass_)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(load.run(order, as_json=options.json))


def _serve(options: argparse.Namespace) -> int:
    config = _configured(options)
    logging.basicConfig(
        level=config.server.log_level.upper(), format="%(asctime)s %(levelname)-7s %(name)s: %(message)s"
    )
    logging.getLogger("aioice").setLevel(logging.WARNING)
    with priority.first(), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(serve(config))
