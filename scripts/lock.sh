#!/bin/sh
# Resolves the newest versions that pyproject.toml allows, in an environment of its own, and writes
# them to constraints.txt. Run it with the oldest Python that is supported: its pins suit newer ones too.
set -eu
cd "$(dirname "$0")/.."
. scripts/lib.sh
. scripts/needs.sh

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
python=$(find_python)
show_and_run "$python" -m venv "$scratch/venv"
show_and_run "$scratch/venv/bin/python" -m pip install -q --upgrade pip
# setuptools is what libvirt-python is built with: not installed beside tuivm, yet pinned for builds.
show_and_run "$scratch/venv/bin/python" -m pip install -q --upgrade . --group dev setuptools
{
    echo "# The versions CI uses. Written by \`make lock\` ($("$python" --version)); do not edit."
    "$scratch/venv/bin/python" -m pip freeze --all --exclude tuivm
} >"$scratch/constraints.txt"
if grep -n ' @ ' "$scratch/constraints.txt"; then
    complain "the packages above came from files, not from an index: constraints.txt is left as it was"
    exit 1
fi
cp "$scratch/constraints.txt" constraints.txt
say "constraints.txt: $(grep -c == constraints.txt) pins"
