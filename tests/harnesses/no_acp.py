"""A program that is no agent: prints its usage, then waits for input or ends (`ends`)."""

import sys

sys.stdout.write("usage: tool [options] FILE\n")
sys.stdout.flush()
if "ends" in sys.argv:
    sys.exit(2)
for line in sys.stdin:
    sys.stdout.write(f"unknown command: {line.strip()[:20]}\n")
    sys.stdout.flush()
