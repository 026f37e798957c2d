"""(P) What a line of the journal says about who did what, for all producers to see."""

import json

from signaling.backstage import Move
from signaling.facts import Began
from signaling.orders import Acknowledge, Ready
from signaling.records import Record

OWN = (Ready.TYPE, Acknowledge.TYPE)  # what speakers say of themselves is seen in their states


def move_of(record: Record) -> Move | None:
    """The move that this record is; None where nothing changed, or nobody did it."""
    began = next((fact for fact in record.facts if isinstance(fact, Began)), None)
    if not record.id:
        return Move(record.at, "", "automatic", began.talk) if began is not None else None
    command = json.loads(record.command)
    if not record.facts or command["type"] in OWN:
        return None
    do = f"{command['type']}.{command['do']}" if "do" in command else command["type"]
    talk = began.talk if began is not None else command.get("talk")
    return Move(record.at, record.person, do, talk, command.get("person") or command.get("target"))
