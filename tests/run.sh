#!/bin/bash
# run.sh - every test: sets the machine up, builds with gcc and clang (warnings are errors) and with the address and
# undefined-behaviour sanitizers, looks at the form of the sources, and runs ctest on all three builds. May be run from
# any folder; a second run builds only what changed. ctest's summary of the release build comes last.
# shellcheck disable=SC2317 # stage() calls the functions
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
jobs=$(nproc)
# Tests share the cores: threads that wait shall not spin.
export OMP_WAIT_POLICY=passive
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# stage NAME COMMAND...: runs the command and says how long it took; its output is shown where it fails.
stage() {
  local name=$1 since=$SECONDS
  shift
  if "$@" >"$log" 2>&1; then
    printf '%-48s ok %5d s\n' "$name" $((SECONDS - since))
  else
    cat "$log"
    printf '%-48s FAILED\n' "$name"
    exit 1
  fi
}

build() { # PRESET FOLDER COMPILER
  cmake --preset "$1" -B "$2" -DTC_TESTS=ON -DTC_WERROR=ON -DCMAKE_C_COMPILER="$3" &&
    cmake --build "$2" --parallel "$jobs"
}
form_of_sources() {
  find lib models datasets train tests -name '*.[ch]' -print0 | xargs -0 clang-format --dry-run --Werror
}
form_of_scripts() {
  find .ci train tests \( -name '*.sh' -o -path .ci/run \) -print0 | xargs -0 shellcheck -x -e SC1091,SC2154
}

stage "setup" train/setup.sh tests
stage "build: gcc, release" build release build gcc
stage "build: gcc, address and undefined sanitizers" build asan build-asan gcc
if command -v clang >/dev/null; then stage "build: clang, release" build release build-clang clang; fi
if command -v clang-format >/dev/null; then stage "form of the C sources" form_of_sources; fi
if command -v shellcheck >/dev/null; then stage "form of the scripts" form_of_scripts; fi
if command -v clang >/dev/null; then
  stage "clang: unit tests" ctest --test-dir build-clang -LE e2e -E '^(install|deb)$' --output-on-failure --parallel "$jobs"
fi
stage "sanitizers: all tests" ctest --test-dir build-asan --output-on-failure --parallel "$jobs"
echo "so far: $SECONDS s"
ctest --test-dir build --output-on-failure --parallel "$jobs"
