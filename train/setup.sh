#!/bin/bash
# setup.sh - installs what tinycnn needs and this machine lacks: `setup.sh` to build it, `setup.sh tests` to run
# the tests too, `setup.sh bench` for the programs that tests/bench compares it with. A second run finds all in
# place and does nothing. This is the one list of packages.
set -euo pipefail

build=(gcc libc6-dev make cmake pkg-config libopenblas-dev libjansson-dev zlib1g-dev libpng-dev libjpeg62-turbo-dev libzip-dev
  libcurl4-gnutls-dev nettle-dev libprotobuf-c-dev protobuf-c-compiler libonnx-dev)
tests=(clang libomp-dev check valgrind clang-format shellcheck chromium python3-onnx g++ dpkg-dev file man-db groff-base
  zsh)
# A tool beside the checkout that prepares CIFAR-10 for the tests is written in Python.
if [ -f "$(dirname "${BASH_SOURCE[0]}")/../../shared/data/prepare.py" ]; then tests+=(python3-numpy python3-pil); fi
interchange=(python3-onnx python3-torch python3-numpy)
bench=(python3-torch python3-numpy darknet libdlib-dev g++)
# Node.js may have come from elsewhere, with an npm that Debian's would not stand beside.
command -v node >/dev/null || { bench+=(nodejs) && interchange+=(nodejs); }
command -v npm >/dev/null || { bench+=(npm) && interchange+=(npm); }

packages=("${build[@]}")
case "${1:-}" in
tests) packages+=("${tests[@]}") ;;
bench) packages+=("${bench[@]}") ;;
interchange) packages+=("${interchange[@]}") ;;
esac

# Where there is no dpkg, the compiler and the libraries may be there all the same: say what is needed, go on.
if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  echo "setup: this is no Debian; going on with what is installed. Needed are a C11 compiler with OpenMP, make," >&2
  echo "setup: CMake 3.25 or newer, pkg-config, OpenBLAS, jansson and zlib; if wanted libpng and libjpeg for pictures, libzip" >&2
  echo "setup: for .npz, protobuf-c with onnx.proto for ONNX, libcurl and nettle for fetch; for the tests Check, clang," >&2
  echo "setup: valgrind, chromium, ONNX's Python module." >&2
  echo "setup: (on Debian: ${packages[*]})" >&2
  exit 0
fi

missing=()
for package in "${packages[@]}"; do
  state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$state" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "setup: these packages are missing and need root to install: ${missing[*]}" >&2
    exit 1
  fi
  root=(sudo)
fi
echo "setup: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
"${root[@]}" apt-get update -qq
"${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
