#!/bin/sh
# What `make run` does: set up, start the daemons if they are needed, open tuivm. So does `make demo`,
# with "demo" for an argument, which opens on guests of its own. Without a terminal it prints what the
# screen would show. Arguments go to tuivm.
set -eu
cd "$(dirname "$0")/.."
. scripts/lib.sh

scripts/setup.sh run
# tuivm itself says what is wrong with a host that it cannot reach, so it opens all the same.
.venv/bin/python -I scripts/daemons.py || complain "opening tuivm without it"

if { [ -t 0 ] && [ -t 1 ]; } || [ "${1:-}" = demo ]; then
    exec .venv/bin/tuivm "$@"
fi

# As on the screen: a line for each host, and one for each guest.
for view in hosts list; do
    brief=
    [ "$view" = hosts ] || brief=--brief
    echo
    say "$view"
    status=0
    .venv/bin/tuivm "$@" "$view" ${brief:+"$brief"} || status=$?
    # 3 says that some host is out of reach, which is a thing to show and not a failure to show it.
    [ "$status" = 0 ] || [ "$status" = 3 ] || exit "$status"
done
