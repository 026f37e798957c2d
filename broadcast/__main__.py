"""python -m broadcast, and the command `pavilion`: the only place that may end the process."""

import sys

from broadcast.cli import run


def main() -> None:
    """Run the command line and leave with its exit status."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
