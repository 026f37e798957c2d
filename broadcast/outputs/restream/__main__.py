"""`python -m broadcast.outputs.restream`: the process of one target, started by child.py and spoken to by its
standard input and output."""

import os
import signal
import sys
from typing import Any

from broadcast import priority
from broadcast.outputs.restream.wire import Word
from broadcast.outputs.restream.worker import run
from broadcast.pipe import pack_json


def main() -> int:
    """Run until the server closes the input, or the target is lost."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the server ends us in its own order
    priority.take(priority.LATER)
    return run(open(sys.stdin.fileno(), "rb", closefd=False), say)


def say(word: Word, data: dict[str, Any]) -> None:
    """A message for the server, which may have gone."""
    try:
        sys.stdout.buffer.write(pack_json(word, data))
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
