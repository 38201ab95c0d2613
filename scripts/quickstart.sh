#!/usr/bin/env bash
# Installs full-w2v into .venv, trains on the small planted corpus, and shows what the vectors know.
# Exits with an error if fewer than 90 % of the planted analogies are right. See data/README.md.
set -euo pipefail
# shellcheck source=scripts/environment.sh
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

install_package ""
command=$venv/bin/full-w2v
corpus=$root/data/planted.txt
tests=(--pairs "$root/data/planted-pairs.txt" --analogies "$root/data/planted-analogies.txt")
vectors=$root/build/quickstart/planted.safetensors
mkdir -p "$(dirname "$vectors")"

# A corpus of 185,000 words is small: twice gensim's passes and twice its rate.
"$command" train "$corpus" --output "$vectors" --vector-size 100 --epochs 10 --alpha 0.05

for word in king walked bigger velmora; do
  echo
  echo "Nearest to '$word':"
  "$command" neighbours "$vectors" "$word"
done
echo
"$command" evaluate "$vectors" "${tests[@]}"
"$command" evaluate "$vectors" "${tests[@]}" --json | "$venv/bin/python" "$root/scripts/check_analogies.py" 0.9

echo
echo "Done. The vectors are in $vectors."
echo "Next: $command train YOUR_CORPUS.txt --output vectors.safetensors   (one sentence a line; $command train --help)"
