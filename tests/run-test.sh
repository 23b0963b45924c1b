#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# run-test.sh SECONDS PROGRAM [ARGUMENT...]: runs one test, for so long at most,
# with a folder for temporary files of its own, and returns its status; but a
# test that leaves something there fails.
#
# What leaves folders elsewhere cannot be seen here: nbdkit -U - makes one in
# /tmp and leaves it when the start fails.  So no test uses that (lists.sh).

set -u

limit=$1
shift
TMPDIR=$(mktemp -d "${TMPDIR:-/tmp}/mirror-test.XXXXXX") || exit 99
# Tests that give up being root go on in it.
chmod 755 "$TMPDIR"
export TMPDIR
# Control sockets: those of servers that are killed stay.
XDG_RUNTIME_DIR=$(mktemp -d "${TMPDIR%/*}/mirror-run.XXXXXX") || exit 99
chmod 755 "$XDG_RUNTIME_DIR"
export XDG_RUNTIME_DIR
trap 'rm -rf "$TMPDIR" "$XDG_RUNTIME_DIR"' EXIT

timeout -k 10 "$limit" "$@"
status=$?
case $status in
    0 | 77)
        left=$(find "$TMPDIR" -mindepth 1)
        if [ -n "$left" ]; then
            printf 'It left behind:\n%s\n' "$left"
            status=1
        fi ;;
    124 | 137) echo "It was still running after $limit seconds." ;;
esac
exit "$status"
