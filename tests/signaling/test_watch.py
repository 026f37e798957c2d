"""The watch on a talk: when it is dead, when it is back, and how it damps a line that flaps."""

from signaling.watch import RESTART_GRACE, RETURN_LIMIT, TAKE_GRACE, Verdict, Watch

STEP = 0.05


class Observer:
    """Looks every 50 ms and follows the verdicts as the show does."""

    def __init__(self, patient: bool = False) -> None:
        self.watch = Watch()
        self.now = 100.0
        self.on_air = True
        self.patient = patient

    def see(self, alive: bool, seconds: float) -> float | None:
        """Seconds until the first verdict, or None if there was none in that time."""
        for step in range(1, round(seconds / STEP) + 1):
            self.now += STEP
            verdict = self.watch.look("one", self.on_air, alive, self.patient, self.now)
            if verdict is not None:
                assert verdict is (Verdict.BACK if alive else Verdict.DEAD)
                self.on_air = verdict is Verdict.BACK
                return round(step * STEP, 3)
        return None


def test_dead_and_back() -> None:
    """A talk that had pictures is dead within two looks, and back after 150 ms of them or little more."""
    observer = Observer()
    assert observer.see(True, 1) is None
    assert observer.see(False, 1) == 0.1
    assert observer.see(False, 1) is None
    back = observer.see(True, 1)
    assert back is not None
    assert back <= 0.25


def test_flapping_takes_longer_each_time() -> None:
    """A line that comes and goes has to prove itself for longer and longer, up to a limit."""
    observer = Observer()
    observer.see(True, 1)
    waits = []
    for _ in range(7):
        observer.see(False, 1)
        waits.append(observer.see(True, 10))
    assert all(wait is not None for wait in waits)
    firm = [wait for wait in waits if wait is not None]
    assert firm == sorted(firm)
    assert firm[0] <= 0.25
    assert RETURN_LIMIT <= firm[-1] <= RETURN_LIMIT + 2 * STEP


def test_old_falls_are_forgiven() -> None:
    """After half a minute without a fall the talk returns as fast as at first."""
    observer = Observer()
    for _ in range(4):
        observer.see(True, 5)
        observer.see(False, 1)
    observer.see(True, 5)
    observer.see(True, 35)
    observer.see(False, 1)
    back = observer.see(True, 5)
    assert back is not None
    assert back <= 0.25


def test_interrupted_return_starts_again() -> None:
    """Pictures that stop before the wait is over do not count."""
    observer = Observer()
    observer.see(True, 1)
    observer.see(False, 1)
    assert observer.see(True, 0.1) is None
    assert observer.see(False, 0.1) is None
    assert observer.see(True, 0.1) is None


def test_graces() -> None:
    """A talk just taken has a second to show a picture, after a restart ten; a forced one any time."""
    taken = Observer().see(False, 60)
    assert taken is not None
    assert TAKE_GRACE <= taken <= TAKE_GRACE + 2 * STEP
    restarted = Observer()
    restarted.watch.restarted(restarted.now)
    wait = restarted.see(False, 60)
    assert wait is not None
    assert RESTART_GRACE <= wait <= RESTART_GRACE + 2 * STEP
    forced = Observer(patient=True)
    assert forced.see(False, 60) is None
    assert forced.see(True, 1) is None
    assert forced.see(False, 1) == 0.1


def test_a_stall_of_our_own_kills_nobody() -> None:
    """One look after a long pause of this process, however dark, is no verdict."""
    observer = Observer()
    observer.see(True, 1)
    observer.now += 5
    assert observer.see(False, 0.05) is None
    assert observer.see(True, 1) is None
