#!/bin/bash
# ablations.sh [MINUTES [SEEDS]] - what each part of a recipe is worth: trains by the clock with all of them, then with one
# left out at a time, and prints a table. The metrics.jsonl of each run is kept in train/studies/results and not made
# again while it is there. Two cores, 5 minutes, 2 seeds: two hours. RECIPE=NAME takes another recipe.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
minutes=${1:-5} seeds=${2:-2}
tinycnn=${TINYCNN:-$root/build/tinycnn} recipe=${RECIPE:-muon-128} out=${OUT:-$root/runs/ablations}
results=$root/train/studies/results
mkdir -p "$results" "$out"

# name|options that leave the part out
parts='nothing|
whitening|--no-whiten
Dirac initialisation|--init pytorch
Muon|--recipe airbench94 --widths 64,128,128 --logit-scale 0 --batch 500
batch-norm momentum 0.4|--bn-momentum 0.1
frozen batch-norm scale|--train-bn-scale
head of deviation 1|--head-deviation 0 --logit-scale 0
label smoothing|--label-smoothing 0
alternating flip|--flip-mode random
flip|--flip 0
translation|--crop-padding 0'

printf '| left out | test accuracy | with six views | deviation |\n|---|---|---|---|\n'
while IFS='|' read -r name options; do
  read -ra words <<<"$options"
  logs=()
  for ((seed = 1; seed <= seeds; seed++)); do
    log="$results/without-${name// /-}-$minutes-minutes-seed-$seed.jsonl"
    logs+=("$log")
    [ ! -s "$log" ] || continue
    rm -rf "$out/run"
    "$tinycnn" train --recipe "$recipe" --minutes "$minutes" --seed "$seed" --eval-every 1000000 --quiet "${words[@]}" \
      --out "$out/run"
    cp "$out/run/metrics.jsonl" "$log"
  done
  awk -v name="$name" '
    function field(key) { return match($0, "\"" key "\": [0-9.e+-]+") ? substr($0, RSTART + length(key) + 4, RLENGTH - length(key) - 4) + 0 : 0 }
    /"test_acc": [0-9]/ { n++; test += field("test_acc"); tta = field("tta_acc"); sum += tta; squares += tta * tta }
    END { mean = sum / n; variance = n > 1 ? (squares - n * mean * mean) / (n - 1) : 0
          printf "| %s | %.2f%% | %.2f%% | %.2f%% |\n", name, 100 * test / n, 100 * mean, 100 * sqrt(variance > 0 ? variance : 0) }' \
    "${logs[@]}"
done <<<"$parts"
