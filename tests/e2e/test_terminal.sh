#!/bin/bash
# On a terminal training shows a bar that is rewritten in place; Ctrl-C there stops it and saves.
. "$(dirname "$0")/support.sh"
command -v script >/dev/null || { echo "skipped: script (bsdutils) is not installed"; exit 77; }
script -qec true /dev/null >/dev/null 2>&1 || { echo "skipped: there are no pseudo-terminals here"; exit 77; }
small_cifar data 200
script -qec "$tinycnn train --model lenet5 --data $work/data --epochs 2 --batch 16 --out run" typescript >/dev/null
tr '\r' '\n' <typescript >lines.txt
grep -Eq 'epoch 1/2 \[[#.]{20}\] [0-9]+/63  loss [0-9.]+  acc [0-9.]+%  [0-9]+ img/s  [0-9]+:[0-9][0-9] left' lines.txt ||
  fail "no bar: $(cat lines.txt)"
grep -Eq 'epoch 2/2  step 126  train loss' lines.txt || fail "no line for the epoch: $(cat lines.txt)"
