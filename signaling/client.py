"""One connection to the desk: its limits, its hello, and what it says (docs/protocol.md, section 4).

`routes.py` owns the socket and a bounded queue behind `Connection`; the desk owns everything else.
"""

from dataclasses import dataclass, field
from typing import Any, Protocol

from signaling.event import Person, Role
from signaling.messages import Hello, Message, Ping, Report, Sit, parse
from signaling.orders import Command
from signaling.refusal import Refused
from signaling.views import dump, millis

HELLO_SECONDS = 10.0
MESSAGES_PER_SECOND = 50.0
MESSAGE_BURST = 100.0  # so that a page may speak up after a silence


@dataclass(frozen=True, slots=True)
class Goodbye:
    """Why the server ends a connection: the `bye` code, its sentence, and the WebSocket close code."""

    code: str
    message: str
    close: int


NO_HELLO = Goodbye("no_hello", "No hello came within ten seconds.", 4408)
FLOOD = Goodbye("flood", "Too many messages; wait a moment before connecting again.", 4429)
TAKEN_OVER = Goodbye("taken_over", "Your link was opened on another device, which has your seat now.", 4409)
REMOVED = Goodbye("removed", "A producer has removed you from the event.", 4403)
SHUTDOWN = Goodbye("shutdown", "The server is restarting; connect again in a moment.", 1001)
BUSY = Goodbye("busy", "The server has no room for more connections.", 1013)


class Connection(Protocol):
    """The way to the other side. Neither method blocks or raises."""

    def send(self, text: str) -> None: ...

    def close(self, code: int, reason: str) -> None: ...


class Front(Protocol):
    """What a client asks of the desk."""

    def time(self) -> tuple[float, float]: ...

    def greet(self, client: "Client", hello: Hello) -> None: ...

    def sit(self, client: "Client") -> None: ...

    def submit(self, client: "Client", command: Command) -> None: ...

    def forget(self, client: "Client") -> None: ...


@dataclass(slots=True)
class Bucket:
    """A token bucket: `rate` a second on average, `burst` at once."""

    rate: float
    burst: float
    level: float
    at: float

    def take(self, now: float) -> bool:
        """Whether one more is allowed at `now` (monotonic)."""
        self.level = min(self.burst, self.level + (now - self.at) * self.rate)
        self.at = now
        if self.level < 1:
            return False
        self.level -= 1
        return True


@dataclass(slots=True, eq=False)
class Client:
    """What `routes.py` talks to: `receive` each text message, `gone` once when the connection has ended.

    `person` is None for an anonymous viewer; nobody is anybody before `greeted`.
    """

    id: str
    address: str
    since: float  # Unix seconds
    opened: float  # monotonic
    desk: Front = field(repr=False)
    connection: Connection = field(repr=False)
    person: Person | None = None
    greeted: bool = False
    page: str = ""
    seated: bool = False  # it has its speaker's one seat
    stats: dict[str, int | float | str] = field(default_factory=dict)
    ended: bool = False
    _bucket: Bucket = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._bucket = Bucket(MESSAGES_PER_SECOND, MESSAGE_BURST, MESSAGE_BURST, self.opened)

    @property
    def role(self) -> str:
        return self.person.role if self.person else Role.VIEWER

    def receive(self, text: str) -> None:
        """One message has come. Bad ones are answered and change nothing."""
        if self.ended:
            return
        mono, wall = self.desk.time()
        if not self._bucket.take(mono):
            self.end(FLOOD)
            return
        try:
            self._act(parse(text), wall)
        except Refused as refused:
            self.refuse(refused.id, refused.as_json()["error"])

    def _act(self, message: Message, wall: float) -> None:
        match message:
            case Ping(sent):
                self.send({"type": "pong", "sent": sent, "now": millis(wall)})
            case Hello():
                if self.greeted:
                    raise Refused("malformed", "You have said hello already.")
                self.desk.greet(self, message)
            case _ if not self.greeted:
                raise Refused("malformed", "Say hello first.")
            case Sit():
                self.desk.sit(self)
            case Report(stats):
                self.stats = stats
            case Command():
                self.desk.submit(self, message)

    def gone(self) -> None:
        """The connection has ended. Idempotent."""
        if not self.ended:
            self.ended = True
            self.desk.forget(self)

    def end(self, why: Goodbye) -> None:
        """Say goodbye and end the connection. Idempotent."""
        if self.ended:
            return
        self.send({"type": "bye", "code": why.code, "message": why.message})
        self.gone()
        self.connection.close(why.close, why.code)

    def send(self, message: dict[str, Any]) -> None:
        if not self.ended:
            self.connection.send(dump(message))

    def send_text(self, text: str) -> None:
        """A message that was serialised once for many."""
        if not self.ended:
            self.connection.send(text)

    def refuse(self, id: str | None, error: dict[str, Any]) -> None:
        """Answer that a command was refused; `id` where it had one."""
        self.send({"type": "error", **({} if id is None else {"id": id}), "error": error})
