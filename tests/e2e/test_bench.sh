#!/bin/bash
# The programs behind tests/bench/layers and growth answer as those scripts read them.
. "$(dirname "$0")/support.sh"

printf '%s\n' '2 4 8 9 3 2 1 1' '2 6 6 8 5 1 6 2' '1 3 4 6 2 1 1 1' >shapes.txt
expect 0 '' "$TC_BUILD/tests/bench_conv" --ask 1 0.001 <shapes.txt
[ "$(grep -cE '^0\.[0-9]*[1-9][0-9]* 0\.[0-9]*[1-9][0-9]* 0\.[0-9]*[1-9][0-9]*$' stdout.txt)" -eq 3 ] || fail "$(cat stdout.txt)"
echo '1 3 4 6 3 1 2 1' >shapes.txt
expect 1 'conv2d: .*groups' "$TC_BUILD/tests/bench_conv" --ask 1 0.001 <shapes.txt

expect 0 '' "$TC_BUILD/tests/bench_growth" 4 3 2 1 0.001
expect_printed '^\{"train_img_per_s": [1-9][0-9.]*, "infer_img_per_s": [1-9][0-9.]*\}$'
expect 2 'usage: bench_growth' "$TC_BUILD/tests/bench_growth" 4 0 2 1 0.001

expect 2 'usage: bench_kernels' "$TC_BUILD/tests/bench_kernels" 0
