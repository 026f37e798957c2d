"""The compiled core: built where it can be, done without where it cannot."""

import os
import sys
from pathlib import Path

import pytest

from broadcast.transport import compiled


def test_without_a_compiler_there_is_a_reason_and_no_core(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine without a C compiler is told so, and nothing is left behind."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert compiled.build() == "there is no C compiler"
    assert not list(tmp_path.iterdir())
    compiled.library.cache_clear()
    assert compiled.library() is None
    monkeypatch.undo()
    compiled.library.cache_clear()


def test_a_compiler_that_fails_is_no_disaster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the compiler gives up, the reason names it, and there is no half-made core."""
    compiler = tmp_path / "cc"
    compiler.write_text("#!/bin/sh\nexit 1\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert compiled.build() == f"{compiler} failed"
    assert not compiled.place().exists()


def test_another_source_is_another_core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A core made from other lines is not taken for this one."""
    before = compiled.place()
    other = tmp_path / "burst.c"
    other.write_text(compiled.SOURCES[0].read_text() + "/* changed */\n")
    monkeypatch.setattr(compiled, "SOURCES", (other, *compiled.SOURCES[1:]))
    assert compiled.place() != before
