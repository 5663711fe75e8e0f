#!/bin/bash
# leaderboard.sh [MINUTES...] - a row of the README's leaderboard for each budget: three seeds of `tinycnn train
# --minutes`, whose metrics.jsonl are kept in train/studies/results. SEEDS=K takes another number of seeds.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
tinycnn=${TINYCNN:-$root/build/tinycnn} out=${OUT:-$root/runs/leaderboard} seeds=${SEEDS:-3}
results=$root/train/studies/results
[ $# -gt 0 ] || set -- 1 5 15 20
printf '| minutes | recipe | parameters | test accuracy | command |\n|---|---|---|---|---|\n'
for minutes; do
  folder="$out/$minutes"
  mkdir -p "$out" "$results"
  rm -rf "$folder"
  "$tinycnn" train --data cifar10 --minutes "$minutes" --seeds "$seeds" --eval-every 1000000 --out "$folder" >"$out/$minutes.log"
  for run in "$folder"/seed-*; do cp "$run/metrics.jsonl" "$results/$minutes-minutes-$(basename "$run").jsonl"; done
  recipe=$(grep -oE '^recipe [^:]+' "$out/$minutes.log" | cut -d' ' -f2)
  parameters=$(grep -oE '[0-9]+ parameters' "$out/$minutes.log" | head -n 1 | cut -d' ' -f1)
  accuracy=$(grep -oE 'mean [0-9.]+%, standard deviation [0-9.]+%' "$out/$minutes.log" | sed -E 's/mean ([0-9.]+%), standard deviation ([0-9.]+%)/\1 +- \2/')
  # shellcheck disable=SC2016 # the backquotes are Markdown's
  printf '| %s | %s | %s | %s | `tinycnn train --data cifar10 --minutes %s --seeds %s` |\n' \
    "$minutes" "$recipe" "$parameters" "$accuracy" "$minutes" "$seeds"
done
