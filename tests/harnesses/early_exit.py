"""Ends before it says anything, like a program that lacks a library."""

import sys

sys.stderr.write("error while loading shared libraries: libmodel.so.3\n")
sys.exit(127)
