#!/bin/bash
# export --onnx: models that ONNX's own checker takes, whose answers (where onnxruntime is installed, see
# tests/interchange/onnx.sh) are tinycnn's.
. "$(dirname "$0")/support.sh"
interchange=$(cd "$(dirname "$0")/../interchange" && pwd)

expect 0 '' "$tinycnn" train --model vgg --widths 8,8,8 --data shapes --epochs 0.2 --quiet --out run
if ! "$tinycnn" --version | grep -q protobuf-c; then
  expect 1 'net.onnx: this build has no protobuf-c' "$tinycnn" export --checkpoint run/last.safetensors --onnx net.onnx
  echo "SKIPPED: this build has no protobuf-c"
  exit 77
fi
expect 0 '' "$tinycnn" export --checkpoint run/last.safetensors --onnx net.onnx --fold --preprocess bytes --data shapes
expect_printed '^net\.onnx$'
expect_printed 'the same decision for (100|99\.9[0-9]?)'
[ "$(strings -n 3 net.onnx | grep -c '"circle","ring"')" -eq 1 ] || fail "no names of classes"
expect 2 '--fold is for --onnx FILE' "$tinycnn" export --checkpoint run/last.safetensors --c net.c --fold
expect 2 '--int8 is for --c FILE' "$tinycnn" export --checkpoint run/last.safetensors --onnx x.onnx --int8
expect 1 'nowhere/x.onnx' "$tinycnn" export --checkpoint run/last.safetensors --onnx nowhere/x.onnx

mkdir cases
"$TC_BUILD/tests/onnx_cases" cases
"$TC_BUILD/tests/onnx_cases" cases trained run/last.safetensors shapes 300
if /usr/bin/python3 -c 'import onnx' 2>/dev/null; then
  /usr/bin/python3 "$interchange/check_onnx.py" cases || fail "the checker refuses a model"
else
  echo "SKIPPED: ONNX's checker (python3-onnx)"
fi
modules=$(dirname "$interchange")/../build/bench/node_modules
if [ -d "$modules/onnxruntime-node" ] && command -v node >/dev/null; then
  NODE_PATH=$modules node "$interchange/run_onnx.cjs" cases || fail "onnxruntime answers otherwise"
else
  echo "SKIPPED: onnxruntime (tests/interchange/onnx.sh installs it)"
fi
