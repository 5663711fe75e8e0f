#!/bin/bash
# onnx.sh - every net of models/, trained for a moment on the generated shapes, as ONNX models (plain, folded, with
# preprocessing) before ONNX's checker and on 1,000 test pictures in onnxruntime, beside what tinycnn says; then a net with
# every layer that there is. Installs python3-onnx and onnxruntime-node; a few minutes.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
train/setup.sh interchange
[ -x build/tests/onnx_cases ] || { cmake --preset release && cmake --build build --parallel "$(nproc)"; } >/dev/null
if [ ! -d build/bench/node_modules/onnxruntime-node ]; then
  mkdir -p build/bench
  # Its install script would fetch libraries for graphics cards; those for the processor are in the package.
  npm install --silent --ignore-scripts --prefix build/bench onnxruntime-node
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/cases"
build/tests/onnx_cases "$work/cases"
for model in lesson lenet5 vgg resnet20 airbench94; do
  build/tinycnn train --model "$model" --data shapes --epochs 2 --seed 1 --quiet --out "$work/$model"
  build/tests/onnx_cases "$work/cases" "trained-$model" "$work/$model/last.safetensors" shapes 1000
done
/usr/bin/python3 tests/interchange/check_onnx.py "$work/cases"
NODE_PATH=build/bench/node_modules node tests/interchange/run_onnx.cjs "$work/cases"
