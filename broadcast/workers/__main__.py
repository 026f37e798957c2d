"""`python -m broadcast.workers FD`: a worker's process, started by supervisor.py. FD is its socket."""

import asyncio
import logging
import signal
import socket
import sys

import uvloop

from broadcast import garbage, priority
from broadcast.workers.worker import Worker


async def work(descriptor: int) -> None:
    """Until the server closes the socket."""
    worker = Worker()
    sock = socket.socket(fileno=descriptor)
    transport, _ = await asyncio.get_running_loop().create_unix_connection(lambda: worker, sock=sock)
    collecting = asyncio.create_task(garbage.keep_away(lambda: worker.idle), name="garbage")
    try:
        await worker.ended.wait()
    finally:
        collecting.cancel()
        await worker.close()
        transport.close()


def main() -> int:
    """Serve viewers."""
    # The server ends us in its own order, not a Ctrl-C in a terminal.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s worker: %(message)s")
    priority.take(priority.FIRST)
    priority.on_time(priority.PASSING)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work(int(sys.argv[1])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
