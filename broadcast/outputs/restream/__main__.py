"""`python -m broadcast.outputs.restream`: the process of one target, started by child.py and spoken to by its
standard input and output."""

import json
import os
import signal
import sys
from typing import Any

from broadcast.outputs.restream.worker import run

NICE = 5  # the mixer and the viewers come first


def main() -> int:
    """Run until the server closes the input, or the target is lost."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the server ends us in its own order
    os.nice(NICE)
    return run(sys.stdin.buffer, say)


def say(message: dict[str, Any]) -> None:
    """One line for the server, which may have gone."""
    try:
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
