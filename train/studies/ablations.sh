#!/bin/bash
# ablations.sh [EPOCHS [SEEDS]] - what each part of a recipe is worth: trains with all of them, then with one left out at
# a time, and prints a table. By default 3 epochs of muon-256, what five minutes buy on two cores, and two seeds. Epochs
# rather than minutes, so that a busy machine changes nothing; as many runs side by side as there are cores, one thread
# each. The metrics.jsonl of each run is kept in train/studies/results and not made again while it is there. Two cores:
# two hours.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
epochs=${1:-3} seeds=${2:-2}
tinycnn=${TINYCNN:-$root/build/tinycnn} out=${OUT:-$root/runs/ablations}
results=$root/train/studies/results
mkdir -p "$results" "$out"

# what is left out|recipe and options that leave it out
parts='nothing|muon-256
whitening|muon-256 --no-whiten
Dirac initialisation|muon-256 --init pytorch
Muon (airbench94 with batch 1000)|airbench94 --batch 1000
Muon and lookahead|airbench94 --batch 1000 --average none
batch-norm momentum 0.4|muon-256 --bn-momentum 0.1
frozen batch-norm scale|muon-256 --train-bn-scale
head of deviation 1|muon-256 --head-deviation 0 --logit-scale 0
label smoothing|muon-256 --label-smoothing 0
alternating flip|muon-256 --flip-mode random
flip|muon-256 --flip 0
translation|muon-256 --crop-padding 0'

log_of() { # NAME SEED
  local name=${1// /-}
  echo "$results/without-${name//[()]/}-$epochs-epochs-seed-$2.jsonl"
}
measure() { # LOG SEED RECIPE [OPTIONS]
  local log=$1 seed=$2 folder
  folder=$out/$(basename "$log" .jsonl)
  shift 2
  rm -rf "$folder"
  "$tinycnn" train --recipe "$@" --epochs "$epochs" --seed "$seed" --threads 1 --eval-every 1000000 --quiet --out "$folder"
  cp "$folder/metrics.jsonl" "$log.part" && mv "$log.part" "$log"
}

for ((seed = 1; seed <= seeds; seed++)); do
  while IFS='|' read -r name options; do
    log=$(log_of "$name" "$seed")
    [ ! -s "$log" ] || continue
    while [ "$(jobs -pr | wc -l)" -ge "$(nproc)" ]; do wait -n; done
    read -ra words <<<"$options"
    measure "$log" "$seed" "${words[@]}" &
  done <<<"$parts"
done
while [ "$(jobs -pr | wc -l)" -gt 0 ]; do wait -n; done

printf '| left out | test accuracy | with six views | deviation |\n|---|---|---|---|\n'
while IFS='|' read -r name options; do
  logs=()
  for ((seed = 1; seed <= seeds; seed++)); do logs+=("$(log_of "$name" "$seed")"); done
  awk -v name="$name" '
    function field(key) { return match($0, "\"" key "\": [0-9.e+-]+") ? substr($0, RSTART + length(key) + 4, RLENGTH - length(key) - 4) + 0 : 0 }
    /"test_acc": [0-9]/ { n++; test += field("test_acc"); tta = field("tta_acc"); sum += tta; squares += tta * tta }
    END { mean = sum / n; variance = n > 1 ? (squares - n * mean * mean) / (n - 1) : 0
          printf "| %s | %.2f%% | %.2f%% | %.2f%% |\n", name, 100 * test / n, 100 * mean, 100 * sqrt(variance > 0 ? variance : 0) }' \
    "${logs[@]}"
done <<<"$parts"
