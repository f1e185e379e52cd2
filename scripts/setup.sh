#!/bin/sh
# Makes this machine ready: system packages that are missing, then the virtual environment in .venv.
#   scripts/setup.sh [run|test]     `test` adds what the tests and checks need
# TUIVM_NO_INSTALL=1  installs no system package: says what is missing, and fails if something is
# TUIVM_PYTHON=...    the interpreter to make .venv with
# Lists of words (needs, packages, an absent sudo) are split on purpose, all through this file:
# shellcheck disable=SC2046,SC2086
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
. scripts/lib.sh
. scripts/needs.sh

level=${1:-run}
case $level in
    run | test) ;;
    *)
        complain "usage: scripts/setup.sh [run|test]"
        exit 2
        ;;
esac
venv_python=$root/.venv/bin/python

# What .venv was made from. A change in any of it makes the environment anew.
venv_key() {
    echo "$root"
    "$venv_python" -I -S -c 'import sys; print(sys.version)' 2>/dev/null || echo "no python"
    cksum <pyproject.toml
    cksum <constraints.txt
}

stamp() { echo "$root/.venv/.made-for-$1"; }

venv_is_current() {
    key=$(venv_key)
    for stamp in "$(stamp "$level")" "$(stamp test)"; do
        [ -e "$stamp" ] && [ "$(cat "$stamp")" = "$key" ] && return 0
    done
    return 1
}

all_is_here() {
    have_runtime && venv_is_current && { [ "$level" = run ] || [ -z "$(missing_needs test)" ]; }
}

may_install() { [ "${TUIVM_NO_INSTALL:-0}" = 0 ]; }

list_is_fresh=
update_apt_list() {
    show_and_run $(sudo_word) apt-get -q update ||
        complain "apt-get update failed; going on with the list that is here"
    list_is_fresh=yes
}

# The test guests' kernel comes with `apt-get download`, which asks for the version that the list
# has: a list that is absent or old asks for a file that is gone. Once a guest was built it is kept.
refresh_kernel_list() {
    [ "$level" = test ] && [ -z "$list_is_fresh" ] && have apt-get && may_install || return 0
    for built in "${XDG_CACHE_HOME:-${HOME:-/root}/.cache}"/tuivm/tests/appliance-*; do
        [ -e "$built" ] && [ "${CI:-}" != true ] && return 0
    done
    is_root || have sudo || return 0
    update_apt_list
}

install_packages() {
    # $1: the package manager; the rest: needs
    manager=$1
    shift
    sudo=$(sudo_word)
    case $manager in
        apt-get)
            # A list of packages that is old, or absent as in a fresh container, makes installs fail.
            update_apt_list
            show_and_run $sudo env DEBIAN_FRONTEND=noninteractive apt-get \
                -o DPkg::Lock::Timeout=300 install -y --no-install-recommends \
                $(packages_for_all apt-get "$@")
            ;;
        dnf) show_and_run $sudo dnf install -y $(packages_for_all dnf "$@") ;;
        zypper) show_and_run $sudo zypper --non-interactive install $(packages_for_all zypper "$@") ;;
        pacman) show_and_run $sudo pacman -S --needed --noconfirm $(packages_for_all pacman "$@") ;;
    esac
}

list_missing() {
    say "missing on this machine:"
    for need in "$@"; do printf '  - %s\n' "$(describe "$need")"; done
}

meet_needs() {
    missing=$(missing_needs "$level")
    [ -n "$missing" ] || return 0
    list_missing $missing
    if ! manager=$(package_manager); then
        complain "no apt-get, dnf, zypper or pacman here: install the above by hand, then run this again"
        return 1
    fi
    if ! may_install; then
        say "packages that bring it ($manager): $(packages_for_all "$manager" $missing)"
        complain "nothing was installed, because TUIVM_NO_INSTALL is set"
        return 1
    fi
    if ! is_root && ! have sudo; then
        complain "not root, and there is no sudo; have root install: $(packages_for_all "$manager" $missing)"
        return 1
    fi
    if ! install_packages "$manager" $missing; then
        complain "$manager failed: its own words are above. Nothing else was changed; run this again when it is mended"
        return 1
    fi
    missing=$(missing_needs "$level")
    [ -z "$missing" ] && return 0
    list_missing $missing
    complain "$manager installed what it has, and the above is still missing: install it by hand"
    return 1
}

venv_is_usable() {
    # A moved checkout leaves scripts that name the old place, and an upgraded system a dead python.
    [ -e .venv/bin/pip ] && grep -qF "$root/.venv/bin/python" .venv/bin/pip && python_new_enough "$venv_python"
}

pip_install() {
    status_file=$root/.venv/.pip-status
    log=$root/.venv/pip.log
    {
        status=0
        show_and_run "$venv_python" -m pip install --disable-pip-version-check --progress-bar off -q "$@" || status=$?
        echo "$status" >"$status_file"
    } 2>&1 | tee "$log"
    [ "$(cat "$status_file")" = 0 ] && return 0
    if grep -qE 'NewConnectionError|ConnectTimeout|ReadTimeout|Connection (refused|reset)|name resolution|ProxyError|SSLError|Network is unreachable' "$log"; then
        complain "pip cannot reach a package index from here. Check the network, a proxy (https_proxy), or a mirror (PIP_INDEX_URL); then run this again"
    else
        complain "pip failed; what it said is above and in .venv/pip.log"
    fi
    return 1
}

make_venv() {
    if ! venv_is_usable; then
        python=$(find_python)
        say "making .venv with $("$python" --version) ($python)"
        show_and_run "$python" -m venv --clear .venv
    fi
    rm -f "$(stamp run)" "$(stamp test)"
    say "installing tuivm and the libraries it stands on into .venv (about a minute the first time)"
    pip_install -c constraints.txt --upgrade pip || return 1
    set -- -c constraints.txt --build-constraint constraints.txt -e .
    [ "$level" = run ] || set -- "$@" --group dev
    pip_install "$@" || return 1
    venv_key >"$(stamp "$level")"
}

if ! all_is_here; then
    meet_needs
    venv_is_current || make_venv
    say "ready"
fi
refresh_kernel_list
