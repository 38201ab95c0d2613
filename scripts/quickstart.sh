#!/usr/bin/env bash
# Installs full-w2v into .venv, trains on the small planted corpus, and shows what the vectors know.
# Exits with an error if fewer than 90 % of the planted analogies are right. See data/README.md.
set -euo pipefail
# shellcheck source=scripts/environment.sh
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

install_package ""
cd "$root"
vectors=build/quickstart/planted.safetensors
tests=(--pairs data/planted-pairs.txt --analogies data/planted-analogies.txt)
mkdir -p "${vectors%/*}"
export PATH=$venv/bin:$PATH

# 185,000 words are few, so they are passed twice as often and at twice the rate of gensim's defaults.
full-w2v train data/planted.txt --output "$vectors" --epochs 10 --alpha 0.05
echo
echo "Nearest words:"
full-w2v neighbours "$vectors" --count 5 king walked bigger velmora
echo
full-w2v evaluate "$vectors" "${tests[@]}"
full-w2v evaluate "$vectors" "${tests[@]}" --json | python scripts/check_analogies.py 0.9

echo
echo "Done: $root/$vectors"
echo "Next: source $venv/bin/activate"
echo "      full-w2v train YOUR_CORPUS.txt --output vectors.safetensors    (one sentence per line; full-w2v train --help)"
