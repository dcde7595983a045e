#!/bin/sh
# Makes the Python environment in .venv from a lock file whose every package is pinned by hash.
# Usage: scripts/environment.sh LOCK_FILE     (from the folder of the checkout)
set -eu
lock=$1
stamp=.venv/.installed-$(basename "$lock")

fail() {
    echo "planmark: $1" >&2
    echo "  next: $2" >&2
    exit 1
}

for candidate in "${PYTHON:-}" python3.12 python3.11 python3.13 python3.14 python3; do
    [ -n "$candidate" ] && command -v "$candidate" >/dev/null 2>&1 || continue
    if "$candidate" -c 'import sys; sys.exit(not ((3, 11) <= sys.version_info[:2] <= (3, 14)))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
[ -n "${python:-}" ] || fail "no Python from 3.11 to 3.14 was found" \
    "apt install python3 python3-venv, or PYTHON=/path/to/python make env"

wanted() {
    { cat "$1" pyproject.toml; "$python" --version; pwd; } | cksum
}
# What tests need includes what Planmark needs, so an environment for tests serves both.
for have in "$lock" requirements/dev.lock; do
    made=.venv/.installed-$(basename "$have")
    if [ -f "$made" ] && [ "$(cat "$made")" = "$(wanted "$have")" ]; then
        exit 0
    fi
done

started=$(date +%s)
echo "Making the Python environment from $lock (about one minute the first time) ..."
# A folder that was moved or half made is made anew: an environment holds its own path.
if ! .venv/bin/python -c "import os, sys; sys.exit(os.path.realpath(sys.prefix) != os.path.realpath('.venv'))" 2>/dev/null; then
    rm -rf .venv
    "$python" -m venv .venv 2>/dev/null || fail "Python cannot make a virtual environment" \
        "apt install python3-venv (Debian and Ubuntu ship it apart)"
fi
rm -f .venv/.installed-*
.venv/bin/python -m pip --disable-pip-version-check install --quiet uv ||
    fail "the installer could not be fetched" "check that a Python package registry can be reached (proxy: HTTPS_PROXY)"
# Compiled once, here: every command imports some thousands of modules, and compiling them takes as long as the rest of it.
.venv/bin/python -m uv pip install --quiet --compile-bytecode --python .venv/bin/python --require-hashes --requirement "$lock" ||
    fail "the packages of $lock could not be installed" "read the message above; run the same command again to go on"
.venv/bin/python -m uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable . ||
    fail "planmark itself could not be installed" "read the message above"
wanted "$lock" >"$stamp"
echo "Environment ready after $(($(date +%s) - started)) s."
