#!/bin/bash
# pictures.sh - makes the two pictures of the README anew: two runs on CIFAR-10 (about three minutes), their report in a
# browser, and what one of the nets looks at. Needs chromium.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"$root/build/tinycnn" train --model lesson --data cifar10 --epochs 5 --seed 1 --quiet --out lesson
"$root/build/tinycnn" train --recipe muon-64 --data cifar10 --epochs 5 --seed 1 --quiet --out muon-64
"$root/build/tinycnn" report lesson muon-64 --out report.html
chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --hide-scrollbars --user-data-dir="$work/browser" \
  --screenshot="$root/train/studies/report.png" --window-size=1280,800 report.html 2>/dev/null
"$root/build/tinycnn" visualize --checkpoint muon-64/best.safetensors --data cifar10 --index 0,2,4 --out seen >/dev/null
cp seen/attribution.png "$root/train/studies/attribution.png"
