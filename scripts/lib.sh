# shellcheck shell=sh
# Shared by the scripts beside this file; sourced, never run.

# A login shell of a normal user on Debian has no sbin on its PATH, yet that is where libvirtd lives.
# TUIVM_SBIN replaces the list (the tests of these scripts use it to show them a bare machine).
PATH="$PATH${TUIVM_SBIN-:/usr/local/sbin:/usr/sbin:/sbin}"
export PATH

say() { printf '%s\n' "tuivm: $*"; }
complain() { printf '%s\n' "tuivm: $*" >&2; }

have() { command -v "$1" >/dev/null 2>&1; }

# Every command that changes something is shown before it runs.
show_and_run() {
    printf '+ %s\n' "$*"
    "$@"
}

is_root() { [ "$(id -u)" -eq 0 ]; }

# What to put before a command that needs root; empty for root.
sudo_word() { if is_root; then :; else echo sudo; fi; }
