#!/bin/bash
# import and export: weights of another program come in, a net goes out as C and still decides as it did.
. "$(dirname "$0")/support.sh"

expect 0 '' "$tinycnn" train --model lenet5 --data shapes --epochs "$(smaller_if_sanitized 2 0.2)" --quiet --out run
net=run/last.safetensors

# A checkpoint without its metadata is what PyTorch would save.
strip_metadata() { # IN OUT
  local length i
  (header "$1" || true) | sed -E 's/"__metadata__": ?\{[^}]*\},? ?//; s/ *$//' >plain.json
  length=$(wc -c <plain.json)
  {
    for ((i = 0; i < 8; i++)); do printf '%b' "\\x$(printf %02x $((length >> 8 * i & 255)))"; done
    cat plain.json
    tensors "$1"
  } >"$2"
}
strip_metadata run/best.safetensors weights.safetensors
expect 0 '' "$tinycnn" import weights.safetensors --model lenet5 --data shapes --out imported.safetensors
expect_printed '^imported\.safetensors: [0-9]+ tensors, [0-9]+ parameters of lenet5 for pictures of \(3, 32, 32\) and 10 classes$'
cmp <(tensors imported.safetensors) <(tensors weights.safetensors) || fail "other tensors"
expect 0 '' "$tinycnn" eval --checkpoint run/best.safetensors --json
cp stdout.txt as_trained.txt
expect 0 '' "$tinycnn" eval --checkpoint imported.safetensors --json
cmp stdout.txt as_trained.txt || fail "another accuracy: $(cat stdout.txt) $(cat as_trained.txt)"
expect 0 '' "$tinycnn" import weights.safetensors --model lenet5 --mean 0.4,0.5,0.6 --deviation 0.2,0.2,0.2 --out plain.safetensors
[ "$(metadata plain.safetensors mean | tr -d ' ')" = '[0.400000006,0.5,0.600000024]' ] || fail "mean: $(metadata plain.safetensors mean)"

expect 1 'weights.safetensors.*missing: .*unexpected: ' "$tinycnn" import weights.safetensors --model resnet20 --out x.safetensors
expect 1 'of another shape: ' "$tinycnn" import weights.safetensors --model lenet5 --classes 7 --out x.safetensors
expect 1 'nowhere' "$tinycnn" import nowhere --model lenet5 --out x.safetensors
expect 1 '--mean: 2 numbers, expected one for each of 3 channels' \
  "$tinycnn" import weights.safetensors --model lenet5 --mean 1,2 --out x.safetensors
expect 2 '0 files, expected one of weights' "$tinycnn" import --out x.safetensors
expect 2 '--out FILE is needed' "$tinycnn" import weights.safetensors
[ ! -e x.safetensors ] || fail "something was written all the same"

# As C: compiled by itself and asked about a picture (test_graph compares the numbers).
expect 0 '' "$tinycnn" export --checkpoint "$net" --c net.c --preprocess unit --data shapes
expect_printed '^net\.c$'
expect_printed 'as saved, [0-9.]+% as written \([+-][0-9.]+ points\); the same decision for (100|99\.9[0-9]?)'
grep -q 'Static memory: [0-9]* bytes' net.c || fail "no word about its memory"
grep -q '"circle", "ring"' net.c || fail "no names of classes"
"${CC:-cc}" -std=c99 -Wall -Wextra -Werror -pedantic -O1 -c net.c -o net.o || fail "net.c does not compile"
expect 0 '' "$tinycnn" export --checkpoint "$net" --c net8.c --int8 --data shapes
expect_printed 'the same decision for (100|9[0-9])'
"${CC:-cc}" -std=c99 -Wall -Wextra -Werror -pedantic -O1 -c net8.c -o net8.o || fail "net8.c does not compile"
[ $(($(wc -c <net8.c) * 2)) -lt "$(wc -c <net.c)" ] || fail "8 bits are not shorter"
expect 2 'name what to write: --c FILE or --onnx FILE' "$tinycnn" export --checkpoint "$net"
expect 2 '--checkpoint FILE is needed' "$tinycnn" export --c net.c
expect 1 'nowhere' "$tinycnn" export --checkpoint nowhere --c net.c
expect 1 'nowhere/net.c' "$tinycnn" export --checkpoint "$net" --c nowhere/net.c
