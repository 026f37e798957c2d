"""What workers are told: their ports, and where they can be reached."""

import json

from broadcast.workers.supervisor import how_many
from broadcast.workers.wire import WorkerSettings, spread

OWN = WorkerSettings(
    (("0.0.0.0", 8443), ("::", 8443)),
    ("203.0.113.7", "203.0.113.8:9000", "[2001:db8::1]:9000", "::1"),
    9,
    1,
    2,
)


def test_workers_have_the_ports_after_the_servers_own() -> None:
    """Each its own, of both families, and the same step in what is advertised with a port."""
    first, second = spread(OWN, 2, 0)
    assert first.bind == (("0.0.0.0", 8444), ("::", 8444))
    assert second.bind == (("0.0.0.0", 8445), ("::", 8445))
    assert second.advertise == ("203.0.113.7", "203.0.113.8:9002", "[2001:db8::1]:9002", "::1")
    assert second.max_peers == 9


def test_workers_have_ports_that_are_asked_for() -> None:
    """From a number on; the server's port 0, any that is free, is one for them as well."""
    assert [each.bind[0][1] for each in spread(OWN, 3, 5000)] == [5000, 5001, 5002]
    free = WorkerSettings((("127.0.0.1", 0),), (), 9, 1, 2)
    assert spread(free, 1, 5000)[0].bind == (("127.0.0.1", 0),)


def test_settings_go_through_the_pipe() -> None:
    """As JSON and back."""
    assert WorkerSettings.from_json(json.loads(json.dumps(OWN.to_json()))) == OWN


def test_how_many() -> None:
    """A number is that many; auto is some, or none on a small machine."""
    assert how_many("0") == 0
    assert how_many("3") == 3
    assert how_many("auto") >= 0
