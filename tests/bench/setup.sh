#!/bin/bash
# setup.sh - installs the peers that tests/bench/compare needs and this machine lacks: packages through
# train/setup.sh, onnxruntime into build/bench/. A second run finds all in place and does nothing.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
"$root/train/setup.sh" bench
[ ! -d "$root/build/bench/node_modules/onnxruntime-node" ] || exit 0
echo "setup: installing onnxruntime-node"
mkdir -p "$root/build/bench"
# Its install script would fetch libraries for graphics cards; those for the processor are in the package.
npm install --silent --ignore-scripts --prefix "$root/build/bench" onnxruntime-node
