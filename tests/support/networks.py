"""A machine with two lines to this one, for changes of network: a network namespace of Linux.

Needs root and iproute2, and nftables to lose packets. Everything has the process id in its name, so that test
runs do not meet.
"""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Self

WIFI, MOBILE = 0, 1
NOBODY = "02:00:00:00:00:99"  # an address of the link layer that nobody has
QUEUE = "300ms"  # that may stand in a line that is held to a rate
BURST = 3000  # bytes that such a line passes at once


class NotPermitted(Exception):
    """This machine does not let us make namespaces or lines; the text says what it said."""


class Lines:
    """Use as `with Lines() as lines`. `server` is an address of this machine that both lines lead to."""

    def __init__(self) -> None:
        self._tag = str(os.getpid())
        net = f"10.213.{os.getpid() % 256}"
        self.server = f"{net}.1"
        self.space = f"pavilion-{self._tag}"
        # Host's end and theirs, each line a /30 of its own.
        self._ends = [(f"{net}.{8 + 4 * n + 1}", f"{net}.{8 + 4 * n + 2}") for n in (WIFI, MOBILE)]

    def __enter__(self) -> Self:
        try:
            self._ip("netns", "add", self.space)
            self._ip("address", "add", f"{self.server}/32", "dev", "lo")
            self._inside("link", "set", "lo", "up")
            for n, (ours, theirs) in enumerate(self._ends):
                self._ip("link", "add", self._name(n), "type", "veth", "peer", "name", f"line{n}")
                self._ip("link", "set", f"line{n}", "netns", self.space)
                self._ip("address", "add", f"{ours}/30", "dev", self._name(n))
                self._ip("link", "set", self._name(n), "up")
                self._inside("address", "add", f"{theirs}/30", "dev", f"line{n}")
            self.up(WIFI)
        except NotPermitted:
            self._tear_down()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._tear_down()

    def up(self, line: int) -> None:
        """This line works from now on, and all goes over it."""
        self._inside("link", "set", f"line{line}", "up")
        self._inside("route", "replace", "default", "via", self._ends[line][0], "dev", f"line{line}")

    def down(self, line: int) -> None:
        """Nothing passes over this line any more, and its address is gone."""
        self._inside("link", "set", f"line{line}", "down")

    def swallow_udp(self) -> None:
        """From now on UDP goes nowhere without a word, as behind many a firewall; TCP passes."""
        ours, theirs = self._ends[MOBILE]
        self._inside("link", "set", f"line{MOBILE}", "up")
        self._inside("neighbour", "add", ours, "lladdr", NOBODY, "dev", f"line{MOBILE}")
        self._inside(
            "route", "add", "default", "via", ours, "dev", f"line{MOBILE}", "src", theirs, "table", "7"
        )
        self._inside("rule", "add", "ipproto", "udp", "lookup", "7")

    def limit(self, rate: float | None) -> None:
        """So many bit/s each way over the first line, with a queue of QUEUE; None: as many as can be."""
        for space, device in ((), self._name(WIFI)), (("-n", self.space), f"line{WIFI}"):
            if rate is None:
                self._run("tc", *space, "qdisc", "replace", "dev", device, "root", "pfifo")
                continue
            bucket = ("rate", f"{rate:.0f}bit", "burst", str(BURST), "latency", QUEUE)
            self._run("tc", *space, "qdisc", "replace", "dev", device, "root", "tbf", *bucket)

    def lose(self, share: float) -> None:
        """So many of the datagrams over the first line are lost each way, at random: where they arrive, since
        a sender is told of what is dropped at its own end. Connections are spared."""
        rule = f"meta l4proto udp numgen random mod 1000 < {round(1000 * share)} drop;"
        for where, device in ((), self._name(WIFI)), (("ip", "netns", "exec", self.space), f"line{WIFI}"):
            chain = f'chain in {{ type filter hook input priority 0; iifname "{device}" {rule} }}'
            table = f"table inet {self.space}"
            self._run(*where, "nft", f"{table}\ndelete {table}\n{table} {{\n{chain}\n}}")

    def wrapper(self, program: str, folder: Path) -> Path:
        """A script that runs a program on the other machine."""
        script = folder / "there"
        script.write_text(f'#!/bin/sh\nexec ip netns exec {self.space} {program} "$@"\n', encoding="utf-8")
        script.chmod(0o755)
        return script

    def _name(self, line: int) -> str:
        """Of our end; the kernel allows fifteen characters."""
        return f"pv{self._tag}-{line}"

    def _inside(self, *words: str) -> None:
        self._ip("-n", self.space, *words)

    def _ip(self, *words: str) -> None:
        self._run("ip", *words)

    def _run(self, *words: str) -> None:
        if shutil.which(words[0]) is None:
            raise NotPermitted(f"{words[0]} is not installed")
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NotPermitted(f"{' '.join(words)}: {done.stderr.strip()}")

    def _tear_down(self) -> None:
        for words in (
            *(("link", "del", self._name(n)) for n in (WIFI, MOBILE)),
            ("address", "del", f"{self.server}/32", "dev", "lo"),
            ("netns", "del", self.space),
        ):
            if shutil.which("ip") is not None:
                subprocess.run(("ip", *words), capture_output=True, check=False)
        if shutil.which("nft") is not None:
            words = ("nft", "delete", "table", "inet", self.space)
            subprocess.run(words, capture_output=True, check=False)
