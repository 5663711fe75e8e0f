#!/bin/bash
# run.sh [SECONDS [TARGET...]] - looks for bytes that do harm: builds the targets with libFuzzer and the address and
# undefined-behaviour sanitizers (clang, libclang-rt-14-dev or newer) and runs each for SECONDS (60), beginning with corpus/.
# Bytes that did harm are kept in build-fuzz/found/; the exit code is then 1. Nothing in corpus/ is changed.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
seconds=${1:-60}
shift || true
cmake -S . -B build-fuzz -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS=-O1 -DTC_FUZZ=ON \
  -DTC_SANITIZE=address,undefined >/dev/null
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  for source in tests/fuzz/fuzz_*.c; do
    name=$(basename "$source" .c)
    targets+=("${name#fuzz_}")
  done
fi
names=()
for target in "${targets[@]}"; do names+=("fuzz_$target"); done
cmake --build build-fuzz --parallel "$(nproc)" --target "${names[@]}" >/dev/null
mkdir -p build-fuzz/found
# What is freed is not kept for long: pictures take up to 201 MB.
export OMP_WAIT_POLICY=passive ASAN_OPTIONS=allocator_may_return_null=1:quarantine_size_mb=16
code=0
for target in "${targets[@]}"; do
  mkdir -p "build-fuzz/corpus/$target"
  if ! "build-fuzz/tests/fuzz_$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -max_len=8192 -print_final_stats=1 \
    -artifact_prefix="build-fuzz/found/$target-" "build-fuzz/corpus/$target" "tests/fuzz/corpus/$target" >"build-fuzz/$target.log" 2>&1; then
    code=1
    tail -40 "build-fuzz/$target.log"
    echo "$target: HARM, see build-fuzz/found/$target-* and build-fuzz/$target.log"
    continue
  fi
  awk -v target="$target" '/ cov: / { for (i = 1; i < NF; i++) if ($i == "cov:") cov = $(i + 1) }
    /stat::number_of_executed_units/ { runs = $2 } /stat::peak_rss_mb/ { rss = $2 }
    END { printf "%-12s %9d runs, %5d places reached, %4d MB at most\n", target, runs, cov, rss }' "build-fuzz/$target.log"
done
exit $code
