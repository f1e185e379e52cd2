#!/bin/sh
# Runs every check, or the stages named:
#   scripts/test.sh [lint|types|imports|unit|ui|live|tty|virthost]...
# virthost comes last: it builds and boots a machine of software.
# All stages run even when one fails; ends with 1 if any did.
set -u
cd "$(dirname "$0")/.." || exit 1
. scripts/lib.sh
PATH="$PWD/.venv/bin:$PATH"
export PATH

# Read by Textual and by libvirt when they are imported: a person's choices must not reach the tests.
unset NO_COLOR COLORTERM TEXTUAL TEXTUAL_FPS TEXTUAL_ANIMATIONS TEXTUAL_COLOR_SYSTEM TEXTUAL_THEME
unset LIBVIRT_DEFAULT_URI LINES COLUMNS

run_stage() {
    case $1 in
        lint)
            ruff check . && ruff format --check .
            ;;
        types) mypy && mypy scripts/daemons.py ;;
        imports) lint-imports ;;
        unit | ui | live | tty) python -m pytest "tests/$1" ;;
        virthost) scripts/virthost-needs.sh && python -m pytest tests/virthost ;;
        *)
            complain "no stage called $1"
            return 2
            ;;
    esac
}

[ $# -gt 0 ] || set -- lint types imports unit ui live tty virthost
summary=
failed=0
for stage in "$@"; do
    printf '\n=== %s ===\n' "$stage"
    started=$(date +%s)
    if run_stage "$stage" </dev/null; then result=ok; else
        result=FAILED
        failed=1
    fi
    line=$(printf '%-8s %-7s %5s s' "$stage" "$result" "$(($(date +%s) - started))")
    printf '=== %s\n' "$line"
    summary="$summary
  $line"
done
printf '\nSummary%s\n' "$summary"
exit $failed
