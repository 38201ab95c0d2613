#!/usr/bin/env bash
# Installs full-w2v with its test dependencies into .venv and runs the tests; arguments go to pytest.
set -euo pipefail
# shellcheck source=scripts/environment.sh
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

install_package test
cd "$root"
exec "$venv/bin/python" -m pytest "$@"
