# shellcheck shell=sh
# What tuivm needs from the system, how each need is recognised, and the package that meets it.
# Sourced by setup.sh after lib.sh; sets nothing but functions, so that the tests can call them.

PYTHONS="python3 /usr/bin/python3 python3.14 python3.13 python3.12 python3.11"

# true when the interpreter runs and is 3.11 or newer
python_new_enough() {
    "$1" -I -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

# true when it can also make a virtual environment with pip, and compile against its own headers
python_complete() {
    "$1" -I -c '
import ensurepip, os, sys, sysconfig, venv
header = os.path.join(sysconfig.get_paths()["include"], "Python.h")
sys.exit(sys.version_info < (3, 11) or not os.path.exists(header))' >/dev/null 2>&1
}

# Prints the first interpreter that will do; false when there is none.
find_python() {
    for python in ${TUIVM_PYTHON:-$PYTHONS}; do
        if python_complete "$python"; then
            echo "$python"
            return 0
        fi
    done
    return 1
}

qemu_binary() {
    case $(uname -m) in
        i?86 | x86_64) echo qemu-system-x86_64 ;;
        armv*) echo qemu-system-arm ;;
        ppc64le) echo qemu-system-ppc64 ;;
        *) echo "qemu-system-$(uname -m)" ;;
    esac
}

have_qemu() { have "$(qemu_binary)" || have qemu-kvm || [ -x "${TUIVM_LIBEXEC-/usr/libexec}/qemu-kvm" ]; }

have_qemu_driver() {
    have virtqemud && return 0
    have libvirtd || return 1
    for driver in /usr/lib/libvirt /usr/lib64/libvirt /usr/lib/*/libvirt; do
        [ -e "$driver/connection-driver/libvirt_driver_qemu.so" ] && return 0
    done
    return 1
}

have_compiler() {
    # The binary alone is not enough: Debian's gcc can be there without the C library's headers.
    have cc && echo '#include <stdio.h>' | cc -E -x c - >/dev/null 2>&1
}

have_static_busybox() {
    have busybox || return 1
    # ldd fails on a static binary. A guest's initramfs holds this file and no libraries.
    ! ldd "$(command -v busybox)" >/dev/null 2>&1
}

# What guests' systems need and have drivers for: the wizard's defaults are made of it.
have_osinfo() { [ -e "${TUIVM_OSINFO-/usr/share/osinfo/os}" ]; }

# Which daemons and programs a start needs. Only shell built-ins: this runs at every `make run`.
have_runtime() { have_qemu_driver && have virtlogd && have_qemu && have qemu-img; }

# Prints one unmet need a line, for the level `run` or `test`.
missing_needs() {
    find_python >/dev/null || echo python
    have_compiler || echo compiler
    have pkg-config || echo pkg-config
    { have pkg-config && pkg-config --exists libvirt; } || echo libvirt-headers
    have_qemu_driver || echo libvirt-daemon
    have virtlogd || echo virtlogd
    have virsh || echo virsh
    have_qemu || echo qemu
    have qemu-img || echo qemu-img
    have_osinfo || echo osinfo-db
    [ "$1" = test ] || return 0
    # The tests start a daemon of their own, in the one-piece shape that every system still has.
    have libvirtd || echo libvirtd
    have_static_busybox || echo busybox
    have ip || echo iproute
    have unshare || echo unshare
    have dnsmasq || echo dnsmasq
}

describe() {
    case $1 in
        python) echo "Python 3.11 or newer, with venv, pip and headers" ;;
        compiler) echo "a C compiler and the C library's headers (libvirt-python is compiled here)" ;;
        pkg-config) echo "pkg-config (finds libvirt's headers)" ;;
        libvirt-headers) echo "libvirt's client library and headers" ;;
        libvirt-daemon) echo "libvirtd, or virtqemud, with the QEMU driver" ;;
        libvirtd) echo "libvirtd, in one piece (the tests start one of their own)" ;;
        virtlogd) echo "virtlogd (libvirtd hands it the guests' logs)" ;;
        virsh) echo "virsh" ;;
        qemu) echo "QEMU ($(qemu_binary))" ;;
        qemu-img) echo "qemu-img" ;;
        osinfo-db) echo "osinfo-db (what operating systems need and have drivers for)" ;;
        busybox) echo "a static busybox (the tests boot guests with it)" ;;
        iproute) echo "ip, of iproute2 (the tests give guests a network)" ;;
        unshare) echo "unshare, of util-linux (the tests start a libvirtd of their own)" ;;
        dnsmasq) echo "dnsmasq (the tests boot a guest from a network)" ;;
    esac
}

package_manager() {
    for manager in apt-get dnf zypper pacman; do
        if have "$manager"; then
            echo "$manager"
            return 0
        fi
    done
    return 1
}

# Debian and its children carry more than one Python at times, with the newest not the default one.
apt_python() {
    if python_new_enough /usr/bin/python3 || apt_default_python_new_enough; then
        echo python3 python3-venv python3-dev
        return
    fi
    for version in 3.13 3.12 3.11; do
        if apt-cache show "python$version-venv" >/dev/null 2>&1; then
            echo "python$version python$version-venv python$version-dev"
            return
        fi
    done
    echo python3 python3-venv python3-dev
}

apt_default_python_new_enough() {
    minor=$(apt-cache policy python3 2>/dev/null | sed -n 's/^ *Candidate: 3\.\([0-9]*\).*/\1/p')
    [ "${minor:-0}" -ge 11 ]
}

apt_qemu() {
    case $(qemu_binary) in
        qemu-system-x86_64) echo qemu-system-x86 ;;
        qemu-system-arm | qemu-system-aarch64) echo qemu-system-arm ;;
        qemu-system-ppc64) echo qemu-system-ppc ;;
        *) echo qemu-system ;;
    esac
}

# Prints the packages that meet a need: packages_for MANAGER NEED
packages_for() {
    case $1:$2 in
        apt-get:python) apt_python ;;
        apt-get:compiler) echo gcc libc6-dev ;;
        apt-get:pkg-config) echo pkg-config ;;
        apt-get:libvirt-headers) echo libvirt-dev ;;
        apt-get:libvirt-daemon | apt-get:libvirtd | apt-get:virtlogd)
            echo libvirt-daemon libvirt-daemon-driver-qemu libvirt-daemon-system ;;
        apt-get:virsh) echo libvirt-clients ;;
        apt-get:qemu) apt_qemu ;;
        apt-get:qemu-img) echo qemu-utils ;;
        apt-get:iproute) echo iproute2 ;;
        apt-get:dnsmasq) echo dnsmasq-base ;;

        dnf:python) echo python3 python3-devel ;;
        dnf:libvirt-headers) echo libvirt-devel ;;
        dnf:libvirt-daemon) echo libvirt-daemon libvirt-daemon-kvm ;;
        dnf:libvirtd) echo libvirt-daemon ;;
        dnf:virtlogd) echo libvirt-daemon-log ;;
        dnf:virsh) echo libvirt-client ;;
        dnf:qemu) echo qemu-kvm ;;
        dnf:iproute) echo iproute ;;

        zypper:python) echo python313 python313-devel ;;
        zypper:libvirt-headers) echo libvirt-devel ;;
        zypper:libvirt-daemon) echo libvirt-daemon libvirt-daemon-qemu ;;
        zypper:libvirtd | zypper:virtlogd) echo libvirt-daemon ;;
        zypper:virsh) echo libvirt-client ;;
        zypper:qemu) echo qemu ;;
        zypper:qemu-img) echo qemu-tools ;;
        zypper:busybox) echo busybox-static ;;

        pacman:python) echo python ;;
        pacman:pkg-config) echo pkgconf ;;
        pacman:libvirt-headers | pacman:libvirt-daemon | pacman:libvirtd) echo libvirt ;;
        pacman:virtlogd | pacman:virsh) echo libvirt ;;
        pacman:qemu) echo qemu-base ;;

        apt-get:busybox) echo busybox-static ;;
        *:compiler) echo gcc ;;
        *:pkg-config) echo pkgconf-pkg-config ;;
        *:qemu-img) echo qemu-img ;;
        *:busybox) echo busybox ;;
        *:iproute) echo iproute2 ;;
        *:unshare) echo util-linux ;;
        *:osinfo-db) echo osinfo-db ;;
        *:dnsmasq) echo dnsmasq ;;
    esac
}

# Prints every package for the needs given, each once: packages_for_all MANAGER NEED...
packages_for_all() {
    manager=$1
    shift
    for need in "$@"; do packages_for "$manager" "$need"; done | tr ' ' '\n' | awk '!seen[$0]++' | xargs
}
