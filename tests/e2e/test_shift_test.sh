#!/bin/bash
# shift-test: tables, JSON and the page agree with each other and with eval.
. "$(dirname "$0")/support.sh"

expect 0 '' "$tinycnn" train --model lenet5 --data shapes --epochs "$(smaller_if_sanitized 2 0.3)" --quiet --out run
pictures=$(smaller_if_sanitized 400 60)
expect 0 '' "$tinycnn" shift-test --checkpoint run/last.safetensors --pictures "$pictures" --out page.html
expect_printed "^lenet5 on $pictures test pictures of shapes$"
for kind in shift rotation brightness contrast noise blur; do
  expect_printed "^$kind \("
  grep -q "<caption>$kind</caption>" page.html || fail "no table of $kind on the page"
done
[ "$(grep -o '<svg' page.html | wc -l)" -eq 6 ] || fail "not six charts"
grep -A2 '^shift' stdout.txt | tr -s ' ' | grep -q '^ 0 1 2 3 4 6 8$' || fail "shifts: $(cat stdout.txt)"
grep -A4 '^shift' stdout.txt | tr -s ' ' | grep -q '^ kept 100.0%' || fail "kept: $(cat stdout.txt)"

small_cifar few 60
expect 0 '' "$tinycnn" train --model lenet5 --data "$work/few" --epochs 3 --batch 20 --quiet --out other
expect 0 '' "$tinycnn" shift-test --checkpoint other/last.safetensors --data "$work/few" --pictures 0 --json
[ "$(wc -l <stdout.txt)" -eq 1 ] || fail "--json: not one line"
shift_zero=$(grep -oE '"shift": \[\{"severity": 0.0, "accuracy": [0-9.]+' stdout.txt | grep -oE '[0-9.]+$')
blur_zero=$(grep -oE '"blur": \[\{"severity": 0.0, "accuracy": [0-9.]+' stdout.txt | grep -oE '[0-9.]+$')
expect 0 '' "$tinycnn" eval --checkpoint other/last.safetensors --data "$work/few" --json
plain=$(grep -oE '"accuracy": [0-9.]+' stdout.txt | grep -oE '[0-9.]+$')
awk -v a="$shift_zero" -v b="$blur_zero" -v c="$plain" 'BEGIN {exit !(a == b && a - c < 1e-6 && c - a < 1e-6)}' ||
  fail "accuracy without corruption: $shift_zero, $blur_zero, eval says $plain"

expect 2 '--checkpoint FILE is needed' "$tinycnn" shift-test
expect 1 'nowhere' "$tinycnn" shift-test --checkpoint nowhere
small_cifar data 2
expect 1 'class 0 of this net is "circle"' "$tinycnn" shift-test --checkpoint run/last.safetensors --data "$work/data"
expect 1 'nowhere/page.html' "$tinycnn" shift-test --checkpoint run/last.safetensors --pictures 10 --out nowhere/page.html
[ ! -e nowhere ] || fail "something was left behind"
