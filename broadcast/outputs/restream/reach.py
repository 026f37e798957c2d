"""How a target's process finds its target, and how it says that it cannot."""

import socket
from typing import Any

from broadcast.outputs.restream.line import Fault
from broadcast.targets import Target

REFUSED = Fault("refused", "It refuses the connection.")
UNKNOWN_HOST = Fault("unknown_host", "There is no host of this name.")


class SinkError(Exception):
    """The target cannot be reached, or takes no more."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.words)
        self.fault = fault


def resolve(target: Target, kind: socket.SocketKind) -> list[Any]:
    """The addresses of the target's host. Raises SinkError."""
    try:
        return socket.getaddrinfo(target.host, target.port, type=kind)
    except (OSError, UnicodeError) as error:
        raise SinkError(UNKNOWN_HOST) from error
