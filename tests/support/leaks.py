"""What a test, or a server under test, must not leave behind: threads, child processes, descriptors."""

import asyncio
import gc
import os
import threading
import time
from collections import Counter
from dataclasses import dataclass

import psutil

PATIENCE = 3.0  # seconds in which the kernel and the garbage collector may finish what was let go


@dataclass(frozen=True)
class Belongings:
    """What a process holds at one moment."""

    threads: int
    children: int
    descriptors: Counter[str]

    def more_than(self, before: "Belongings") -> str:
        """What is here that was not there before; empty if nothing."""
        found = []
        if self.threads > before.threads:
            found.append(f"{self.threads - before.threads} threads")
        if self.children > before.children:
            found.append(f"{self.children - before.children} child processes")
        opened = self.descriptors - before.descriptors
        if opened.total() > (before.descriptors - self.descriptors).total():
            found.append(f"descriptors {dict(opened)}")
        return ", ".join(found)


def belongings(pid: int | None = None) -> Belongings:
    """What a process (default: this one) holds now."""
    process = psutil.Process(pid)
    own = pid is None or pid == os.getpid()
    return Belongings(
        threads=threading.active_count() if own else process.num_threads(),
        children=len(process.children()),
        descriptors=Counter(_descriptors(process.pid)),
    )


def left_over(before: Belongings, pid: int | None = None, patience: float = PATIENCE) -> str:
    """What is left of what came since `before`, once `patience` is over; empty if nothing."""
    until = time.monotonic() + patience
    while True:
        if pid is None:
            gc.collect()
        more = belongings(pid).more_than(before)
        if not more or time.monotonic() > until:
            return more
        time.sleep(0.05)


async def tasks_left(before: set["asyncio.Task[object]"]) -> list[str]:
    """The names of tasks of this loop that were not there before and do not end by themselves at once."""
    until = time.monotonic() + PATIENCE
    while True:
        current = asyncio.current_task()
        left = [task for task in asyncio.all_tasks() - before if task is not current and not task.done()]
        if not left or time.monotonic() > until:
            return [repr(task.get_coro()) for task in left]
        await asyncio.sleep(0.02)


def _descriptors(pid: int) -> list[str]:
    """The kind of each open descriptor: socket, pipe, or the path of a file."""
    kinds = []
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{name}")
        except OSError:
            continue  # the one that listed the folder
        kinds.append(target.partition(":[")[0] if ":[" in target else target)
    return kinds
