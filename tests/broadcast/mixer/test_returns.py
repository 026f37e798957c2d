"""What people hear in the ear: who is mixed for, and what."""

from broadcast.mixer.returns import Returns, returns_from_json
from broadcast.mixer.scene import Return


def test_only_those_who_listen_are_mixed_for() -> None:
    """A return that was said but that nobody listens to is not in use, nor is its talkback."""
    returns = Returns()
    assert not returns.say({"anna": Return(frozenset({"anna"}), ("stage.talkback",)), "ben": Return()})
    assert returns.listen(["ben"])
    assert returns.wanted == {"ben": Return()}
    assert returns.talkback == frozenset()
    assert returns.listen(["ben", "anna"])
    assert returns.talkback == {"stage.talkback"}
    assert not returns.say({"ben": Return(), "anna": Return(frozenset({"anna"}), ("stage.talkback",))})


def test_who_was_given_no_return_does_not_hear_themselves() -> None:
    """A listener that the stage has said nothing about gets the programme less their own feed."""
    returns = Returns()
    returns.listen(["anna"])
    assert returns.wanted == {"anna": Return(frozenset({"anna"}))}


def test_returns_cross_the_pipe_unchanged() -> None:
    """What is written as plain data is read as it was."""
    returns = Returns()
    returns.say({"anna": Return(frozenset({"anna", "anna.slides"}), ("a.talkback", "b.talkback"))})
    returns.listen(["anna", "ben"])
    assert returns_from_json(returns.to_json()) == returns.wanted
