#!/bin/bash
# ablations.sh [MINUTES [SEEDS [OUT]]] - what each part of a recipe is worth: trains by the clock with all of them, then
# with one left out at a time, and prints a table. Two cores, 5 minutes, 2 seeds: about two hours. Runs that are there
# already are not made again.
set -euo pipefail
minutes=${1:-5} seeds=${2:-2} out=${3:-runs/ablations}
tinycnn=${TINYCNN:-build/tinycnn} recipe=${RECIPE:-muon-128}

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
flip|--flip-mode random --flip 0
translation|--crop-padding 0'

printf '| left out | test accuracy | with six views | deviation | epochs |\n|---|---|---|---|---|\n'
while IFS='|' read -r name options; do
  folder="$out/${name// /-}"
  if [ ! -e "$folder/done" ]; then
    rm -rf "$folder"
    read -ra words <<<"$options"
    "$tinycnn" train --recipe "$recipe" --minutes "$minutes" --seeds "$seeds" --eval-every 1000000 --quiet \
      "${words[@]}" --out "$folder" >/dev/null
    touch "$folder/done"
  fi
  cat "$folder"/seed-*/metrics.jsonl | awk -v name="$name" -v minutes="$minutes" '
    function field(key) { return match($0, "\"" key "\": [0-9.e+-]+") ? substr($0, RSTART + length(key) + 4, RLENGTH - length(key) - 4) + 0 : "" }
    /"test_acc": [0-9]/ { n++; test += field("test_acc"); tta = field("tta_acc"); sum += tta; squares += tta * tta; epochs += field("epoch") }
    END { mean = sum / n; sd = n > 1 ? sqrt((squares - n * mean * mean) / (n - 1) * (squares > n * mean * mean)) : 0
          printf "| %s | %.2f%% | %.2f%% | %.2f%% | %.1f |\n", name, 100 * test / n, 100 * mean, 100 * sd, epochs / n }'
done <<<"$parts"
