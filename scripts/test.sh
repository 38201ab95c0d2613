#!/usr/bin/env bash
# Installs full-w2v with its test dependencies into .venv and runs the tests, a file at a time on each of up to
# four cores; arguments go to pytest (-n 0: in one process).
set -euo pipefail
# shellcheck source=scripts/environment.sh
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

install_package test
cd "$root"
exec "$venv/bin/python" -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder "$@"
