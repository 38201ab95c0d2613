# Sourced by the other scripts: the repository's root, and its virtual environment .venv.
# PYTHON names the interpreter that makes the environment (default: python3).
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=$root/.venv

fail() {
  echo "${0##*/}: $*" >&2
  exit 1
}

# Fails with the missing piece's name before pip fails with a page of text.
check_prerequisites() {
  local python=${PYTHON:-python3} compiler
  command -v "$python" >/dev/null || fail "no $python found; install Python 3.10 or newer, or set PYTHON"
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
    fail "Python 3.10 or newer is needed, $python is $("$python" -V 2>&1); set PYTHON to a newer one"
  "$python" -c 'import ensurepip, venv' 2>/dev/null ||
    fail "$python cannot make virtual environments; on Debian and Ubuntu: apt-get install python3-venv"
  "$python" -c 'import os, sys, sysconfig
sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))' ||
    fail "Python.h is missing; on Debian and Ubuntu: apt-get install python3-dev"
  # The compiler that setuptools will take. It may hold flags too, so it is split into words.
  compiler=${CXX:-$("$python" -c 'import sysconfig; print(sysconfig.get_config_var("CXX") or "c++")')}
  # shellcheck disable=SC2086
  echo 'int main() { if constexpr (true) return 0; }' | $compiler -std=c++17 -x c++ -fsyntax-only - 2>/dev/null ||
    fail "no C++17 compiler works as '$compiler'; on Debian and Ubuntu: apt-get install g++, or set CXX"
}

# Installs this tree into .venv, made at need. Arguments: extras, separated by commas (may be empty).
# Editable, so that an edited Python file counts at once; after an edit under csrc/ run the script again.
install_package() {
  check_prerequisites
  [[ -e $venv ]] || "${PYTHON:-python3}" -m venv "$venv"
  "$venv/bin/python" -m pip --version >/dev/null 2>&1 || fail "$venv has no working pip; remove it and try again"
  echo "Installing full-w2v into $venv: downloads what is missing, then compiles the native modules."
  echo "The first time that takes some minutes without a word, with nvcc some more; later only what has changed."
  local began=$SECONDS
  "$venv/bin/python" -m pip install --quiet --editable "$root${1:+[$1]}"
  echo "Installed after $((SECONDS - began)) s."
}
