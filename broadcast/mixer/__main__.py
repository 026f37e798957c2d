"""`python -m broadcast.mixer SOCKET BOX`: the mixer's process, started by process.py with two descriptors."""

import logging
import signal
import socket
import sys

from broadcast import priority


def main() -> int:
    """Run until the server closes the socket."""
    # The server ends us in its own order, not a Ctrl-C in a terminal.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    priority.take(priority.FIRST)
    from broadcast.mixer.blackbox import BlackBox
    from broadcast.mixer.worker import Worker  # much to read: first, because the programme waits for it

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s mixer: %(message)s")
    logging.getLogger("libav").setLevel(logging.CRITICAL)  # what bitstreams do wrong is counted by us
    pipe, box = map(int, sys.argv[1:3])
    Worker(socket.socket(fileno=pipe), BlackBox(box)).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
