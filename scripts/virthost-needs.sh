#!/bin/sh
# Installs what a virtual host (tuivm/virthost) needs and this machine lacks, or says what it is.
# TUIVM_NO_INSTALL=1 installs nothing.
set -eu
cd "$(dirname "$0")/.."
. scripts/lib.sh

missing=$(.venv/bin/python -c '
from tuivm.virthost.needs import missing_packages
print(*missing_packages())')
[ -n "$missing" ] || exit 0
if [ "${TUIVM_NO_INSTALL:-0}" != 0 ] || ! have apt-get || { ! is_root && ! have sudo; }; then
    .venv/bin/python -c '
from tuivm.virthost.needs import missing, words
print("\n".join(f"tuivm: {line}" for line in words(missing())))' >&2
    complain "nothing was installed: do it by hand, then run this again"
    exit 1
fi
say "missing on this machine for the virtual host: $missing"
# Lists of words are split on purpose.
# shellcheck disable=SC2046,SC2086
{
    show_and_run $(sudo_word) apt-get -q update || complain "going on with the list that is here"
    show_and_run $(sudo_word) env DEBIAN_FRONTEND=noninteractive apt-get \
        -o DPkg::Lock::Timeout=300 install -y --no-install-recommends $missing
}
