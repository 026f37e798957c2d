"""Priorities: taken with the session's where this user may, and given back when the show is over."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from broadcast import priority

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/autogroup").exists(), reason="this kernel groups no processes by session"
)

HEAD = """
import os, subprocess, sys, threading
from broadcast import priority
def tell():
    print(os.getpriority(os.PRIO_PROCESS, 0), open("/proc/self/autogroup").read().split()[-1])
def rank():
    print(os.sched_getparam(0).sched_priority)
"""


def told(script: str) -> list[str]:
    """What a process in a session of its own prints."""
    command = [sys.executable, "-c", HEAD + script]
    done = subprocess.run(
        command, capture_output=True, text=True, start_new_session=True, timeout=30, check=True
    )
    return done.stdout.splitlines()


def test_stepping_back_is_for_the_session_as_well() -> None:
    """Anybody may step back."""
    assert told("priority.take(priority.LAST); tell()") == ["10 10"]


def test_going_first_ends_with_the_show() -> None:
    """Where it is permitted; else all stays as it is. Afterwards the session is as it was."""
    probe = "try: os.setpriority(os.PRIO_PROCESS, 0, -1)\nexcept OSError: print('not permitted')"
    meanwhile, after = told("with priority.first(): tell()\ntell()")
    if told(probe):
        assert (meanwhile, after) == ("0 0", "0 0")
    else:
        assert (meanwhile, after) == ("-10 -10", "-10 0")


def test_on_time_is_one_thread_alone() -> None:
    """Neither a thread that it starts, which may decode what strangers send, nor a process."""
    script = """
priority.on_time(priority.BEAT)
rank()
thread = threading.Thread(target=rank)
thread.start()
thread.join()
child = "import os; print(os.sched_getparam(0).sched_priority)"
print(subprocess.check_output([sys.executable, "-c", child], text=True))
"""
    assert " ".join(told(script)).split() == [str(permitted(priority.BEAT)), "0", "0"]


def test_on_one_core_nothing_is_in_real_time() -> None:
    """Who had too much to do there would stop everybody else."""
    held = "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})"
    assert told(f"{held}\npriority.on_time(priority.BEAT)\nrank()") == ["0"]


def test_the_server_is_on_time_while_it_serves() -> None:
    """And as any other afterwards."""
    assert told("with priority.first(): rank()\nrank()") == [str(permitted(priority.PASSING)), "0"]


def permitted(rank: int) -> int:
    """The rank as far as this user may have it, and this machine has more than one core."""
    script = f"os.sched_setscheduler(0, os.SCHED_RR, os.sched_param({rank}))"
    may = not told(f"try: {script}\nexcept OSError: print('not permitted')")
    return rank if may and len(os.sched_getaffinity(0)) > 1 else 0
