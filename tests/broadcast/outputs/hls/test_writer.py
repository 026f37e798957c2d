"""What waits for the disk: in order, bounded, and past every fault."""

import threading

from broadcast.outputs.hls.writer import MOST_JOBS, MOST_WAITING, Writer


def _nothing() -> None:
    """A job that costs no bytes."""


def test_what_waits_is_bounded_in_bytes_and_in_number() -> None:
    """A disk that hangs leads to refusals, not to memory."""
    for size, most in ((0, MOST_JOBS), (MOST_WAITING // 4, 4)):
        writer = Writer()
        given = [writer.put(_nothing, lambda error: None, size) for _ in range(most + 3)]
        assert given == [True] * most + [False] * 3
        assert writer.refused == 3


def test_a_job_that_fails_is_told_and_the_next_one_done() -> None:
    """A full disk fails jobs, a fault of ours too; what comes after them is done, in order."""
    done: list[str] = []

    def full() -> None:
        raise OSError(28, "No space left on device")

    def faulty() -> None:
        raise ValueError("ours")

    writer = Writer()
    writer.start()
    writer.put(lambda: done.append("first"), lambda error: None)
    writer.put(full, lambda error: done.append(error.strerror or ""))
    writer.put(faulty, lambda error: done.append("never"))
    end = threading.Event()
    writer.put(end.set, lambda error: None, 5)
    assert end.wait(30)
    writer.stop(30)
    assert done == ["first", "No space left on device"]
    assert (writer.failures, writer.waiting, writer.done) == (1, 0, 5)
