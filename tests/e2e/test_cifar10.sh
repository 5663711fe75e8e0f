#!/bin/bash
# One epoch of the real CIFAR-10, where a tool that prepares it lies beside the checkout.
. "$(dirname "$0")/support.sh"
source=$(cd "$OLDPWD" && cd "$(dirname "$0")/../.." && pwd)
[ -z "${TC_SANITIZE:-}" ] || { echo "skipped: the release build does this"; exit 77; }
data="$TC_BUILD/data"
if [ ! -f "$data/cifar-10-binary.tar.gz" ]; then
  prepare="$source/../shared/data/prepare.py"
  [ -f "$prepare" ] || { echo "skipped: there is no ../shared/data/prepare.py beside the checkout"; exit 77; }
  python=""
  for candidate in python3 /usr/bin/python3; do
    if "$candidate" -c 'import numpy, PIL' 2>/dev/null; then python=$candidate && break; fi
  done
  [ -n "$python" ] || { echo "skipped: python3 with numpy and PIL is not installed"; exit 77; }
  "$python" "$prepare" "$data" >prepare.log
fi
# Straight from the archive; then the saved net measured on the unpacked folder.
expect 0 '' "$tinycnn" train --model lesson --data "$data/cifar-10-binary.tar.gz" --epochs 1 --seed 1 --out run
cat stdout.txt
expect_printed '50000 pictures to train, 10000 to test'
awk -F'"test_acc": ' '{exit !($2 + 0 >= 0.55)}' run/metrics.jsonl || fail "below 55%: $(cat run/metrics.jsonl)"
expect 0 '' "$tinycnn" eval --checkpoint run/best.safetensors --data cifar10 --data-dir "$data" --json
cat stdout.txt
trained=$(grep -oE '"test_acc": [0-9.]+' run/metrics.jsonl | cut -d' ' -f2)
expect_printed "\"accuracy\": ${trained}[,}]"
