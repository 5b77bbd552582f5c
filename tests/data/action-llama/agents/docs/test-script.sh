#!/bin/sh
set -eu
echo "script mode"
