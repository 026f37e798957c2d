"""`python -m broadcast.mixer FD`: the mixer's process, started by supervisor.py. FD is its socket."""

import logging
import signal
import socket
import sys

from broadcast.mixer.worker import Worker


def main() -> int:
    """Run until the server closes the socket."""
    # The server ends us in its own order, not a Ctrl-C in a terminal.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s mixer: %(message)s")
    logging.getLogger("libav").setLevel(logging.CRITICAL)  # what bitstreams do wrong is counted by us
    Worker(socket.socket(fileno=int(sys.argv[1]))).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
