"""The compiled core, built as `make run` builds it; tests that need it are skipped where it cannot be."""

import pytest

from broadcast.transport import compiled, seal


def need() -> None:
    """Have the core."""
    if compiled.build():
        pytest.skip("there is no C compiler")
    compiled.library.cache_clear()
    seal.available.cache_clear()


def need_seal() -> None:
    """Have the core, on a processor that seal.c is for: then it must agree with libsrtp."""
    need()
    if not compiled.library().seal_possible():
        pytest.skip("this processor does not have what seal.c needs")
    assert seal.available()
