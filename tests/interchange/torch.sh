#!/bin/bash
# torch.sh - nets from PyTorch into tinycnn and back, bit for bit, with the same answers (torch_round_trip.py). Installs
# python3-torch; a minute.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
train/setup.sh interchange
[ -x build/tests/onnx_cases ] || { cmake --preset release && cmake --build build --parallel "$(nproc)"; } >/dev/null
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
/usr/bin/python3 tests/interchange/torch_round_trip.py build "$work"
