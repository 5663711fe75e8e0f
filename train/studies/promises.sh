#!/bin/bash
# promises.sh [MINUTES...] - how well `tinycnn train --minutes` keeps what it says beforehand: a row a budget with the
# time and the accuracy that were promised and that came.
set -euo pipefail
tinycnn=${TINYCNN:-build/tinycnn} out=${OUT:-runs/promises}
[ $# -gt 0 ] || set -- 1 2 3 5 10 20
printf '| minutes | recipe | training time | off by | promised | came | epochs |\n|---|---|---|---|---|---|---|\n'
for minutes; do
  folder="$out/$minutes"
  rm -rf "$folder"
  mkdir -p "$out"
  "$tinycnn" train --data cifar10 --minutes "$minutes" --eval-every 1000000 --out "$folder" >"$out/$minutes.log"
  recipe=$(grep -oE '^recipe [^:]+' "$out/$minutes.log" | cut -d' ' -f2)
  promised=$(grep -oE 'expected test accuracy [0-9.]+' "$out/$minutes.log" | grep -oE '[0-9.]+$')
  tail -n 1 "$folder/metrics.jsonl" | awk -v minutes="$minutes" -v recipe="$recipe" -v promised="$promised" '
    function field(key) { return match($0, "\"" key "\": [0-9.e+-]+") ? substr($0, RSTART + length(key) + 4, RLENGTH - length(key) - 4) + 0 : "" }
    { printf "| %g | %s | %.1f s | %+.1f%% | %.1f%% | %.2f%% | %d |\n", minutes, recipe, field("seconds"),
             100 * (field("seconds") / (60 * minutes) - 1), promised, 100 * field("tta_acc"), field("epoch") }'
done
