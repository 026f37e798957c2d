"""(P) Where the programme is sent: what each change leads to, or why it is refused."""

from signaling.event import Sight, Target
from signaling.facts import Fact, TargetAdded, TargetRemoved, TargetSwitched
from signaling.orders import AddTarget, Aim, RemoveTarget, StartTarget, StopTarget
from signaling.refusal import Refused
from signaling.state import State

MAX_TARGETS = 16  # each that is on has a process of its own


def decide_target(state: State, sight: Sight, command: Aim) -> list[Fact]:
    """The facts that this command leads to; none where all is as wished already. Raises Refused."""
    match command:
        case AddTarget():
            return _add(state, sight, command)
        case RemoveTarget(target=name):
            if _target(state, name).fixed:
                raise Refused(
                    "target_fixed", "It stands in config.toml: stop it, or take it out there.", target=name
                )
            return [TargetRemoved(name)]
        case StartTarget(target=name):
            return [] if _target(state, name).on else [TargetSwitched(name, True)]
        case StopTarget(target=name):
            return [TargetSwitched(name, False)] if _target(state, name).on else []
    raise Refused("unknown_type", "There is no such change of a target.")


def _target(state: State, name: str) -> Target:
    found = next((target for target in state.targets if target.id == name), None)
    if found is None:
        raise Refused("unknown_target", f"There is no target {name!r}.", target=name)
    return found


def _add(state: State, sight: Sight, command: AddTarget) -> list[Fact]:
    names = [target.id for target in state.targets]
    if len(names) >= MAX_TARGETS:
        raise Refused("targets_full", f"There can be {MAX_TARGETS} targets.")
    name = command.target if command.target is not None else _free_name(state, names)
    if name in names:
        raise Refused("target_exists", f"There is a target {name!r} already.", target=name)
    address = sight.address(command.url, command.key)
    facts: list[Fact] = [TargetAdded(name, command.name, address, command.url, command.key)]
    return [*facts, TargetSwitched(name, True)] if command.on else facts


def _free_name(state: State, names: list[str]) -> str:
    number = state.revision + 1
    while f"target-{number}" in names:
        number += 1
    return f"target-{number}"
