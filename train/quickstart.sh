#!/bin/bash
# quickstart.sh - from a fresh Debian 12 to a trained net: installs what is missing, builds, and trains the lesson
# net on the generated pictures for some seconds. May be run again at any time, from any folder.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

train/setup.sh
cmake --preset release -DTC_TESTS=OFF >/dev/null
echo "Building into $root/build ..."
cmake --build build --parallel "$(nproc)" >build/build.log 2>&1 || {
  cat build/build.log >&2
  exit 1
}

run="runs/quickstart-$(date +%Y%m%d-%H%M%S)"
build/tinycnn train --model lesson --data shapes --epochs 6 --seed 1 --out "$run"

cat <<END

Trained: $root/$run
  best.safetensors   the net        metrics.jsonl   how the training went
Next:
  build/tinycnn eval --checkpoint $run/best.safetensors --data shapes
  build/tinycnn train --model vgg --data shapes --epochs 5
  build/lesson2_pooling
END
