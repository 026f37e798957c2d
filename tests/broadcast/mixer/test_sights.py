"""What the mixer has in sight: ages, and the moment in which another process takes over."""

from broadcast.mixer.sights import GRACE, Sights


def test_a_picture_counts_as_long_as_it_is_held() -> None:
    """It may be as old as `hold`; a feed of which nothing was said is not seen."""
    sights = Sights()
    sights.say({"thony": 0.3, "lanvin": None})
    assert sights.sees("thony", 0.35, 0.0)
    assert not sights.sees("thony", 0.25, 0.0)
    assert not sights.sees("lanvin", 10.0, 0.0)
    assert not sights.sees("vermast", 10.0, 0.0)


def test_another_process_needs_a_moment() -> None:
    """What the one before saw counts for `GRACE`, and no longer; what it did not see does not."""
    sights = Sights()
    sights.say({"thony": 0.0, "lanvin": 0.6})
    sights.begun(10.0)
    assert sights.sees("thony", 0.35, 10.0)
    sights.say({"thony": None, "lanvin": None})
    assert sights.sees("thony", 0.35, 10.0 + GRACE / 2)
    assert not sights.sees("lanvin", 0.35, 10.0 + GRACE / 2)
    assert not sights.sees("thony", 0.35, 10.0 + GRACE)


def test_it_dies_again_before_it_has_spoken() -> None:
    """What was seen before the first death still counts; what was said since counts more."""
    sights = Sights()
    sights.say({"thony": 0.0})
    sights.begun(10.0)
    sights.begun(11.0)
    assert sights.sees("thony", 0.35, 12.5)
    sights.say({"thony": 0.7})
    assert not sights.sees("thony", 0.35, 12.5)
