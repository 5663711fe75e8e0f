#!/bin/bash
# A whole short training under valgrind: nothing uninitialised is used, nothing is lost.
. "$(dirname "$0")/support.sh"
[ -z "${TC_SANITIZE:-}" ] || { echo "skipped: valgrind does not run sanitized programs"; exit 77; }
command -v valgrind >/dev/null || { echo "skipped: valgrind is not installed"; exit 77; }
small_cifar data 10
valgrind -q --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite,indirect \
  "$tinycnn" train --model lenet5 --data "$work/data" --epochs 2 --batch 20 --threads 2 --out run \
  >stdout.txt 2>stderr.txt || fail "$(head -n 60 stderr.txt)"
