#!/bin/bash
# The command line: help, version, and every way to get an option wrong.
. "$(dirname "$0")/support.sh"

expect 0 '' "$tinycnn"
expect_printed '^Usage: tinycnn COMMAND'
expect 0 '' "$tinycnn" --help
for command in fetch train recipes eval predict summary explain visualize shift-test doctor report export import bench; do
  expect_printed "^  $command "
done
expect 0 '' "$tinycnn" --version
expect_printed '^tinycnn [0-9]+\.[0-9]+\.[0-9]+$'
expect_printed '^kernels: '
expect_printed '^BLAS: OpenBLAS'
expect_printed '^optional components: '

for command in fetch train recipes eval predict summary explain visualize shift-test doctor report export import bench; do
  expect 0 '' "$tinycnn" "$command" --help
  expect_printed "^Usage: tinycnn $command"
  # Each option's text ends with its default in brackets.
  options=$(grep -cE '^  --' stdout.txt)
  defaults=$(tail -n +2 stdout.txt | grep -cE '\[[^]]+\]$')
  [ $((options - 1)) -eq "$defaults" ] || fail "$command --help: $options options, $defaults defaults"
done

TINYCNN_ISA=sse9 expect 2 'TINYCNN_ISA is "sse9", expected base, avx2 or avx512' "$tinycnn" recipes
TINYCNN_ISA='' expect 0 '' "$tinycnn" recipes
expect 2 'unknown command "trian"' "$tinycnn" trian
expect 2 'unknown option --epoch; the nearest is --epochs' "$tinycnn" train --epoch 3
expect 2 'unknown option --wieght-decay; the nearest is --weight-decay' "$tinycnn" train --wieght-decay=1
expect 2 'unknown option --frob; --help lists them' "$tinycnn" train --frob
expect 0 '' "$tinycnn" train -h
expect_printed '^Usage: tinycnn train'
expect 2 'unknown option --no-batch' "$tinycnn" train --no-batch
expect 2 'unexpected argument "shapes"' "$tinycnn" train shapes
expect 2 '--batch: "many" is not a whole number' "$tinycnn" train --batch many
expect 2 '--batch: "1.5" is not a whole number' "$tinycnn" train --batch 1.5
expect 2 '--epochs: 0 is not in the range 0.001 to ' "$tinycnn" train --epochs=0
expect 2 '--lr: "nan" is not a number' "$tinycnn" train --lr nan
expect 2 '--lr: -1 is not in the range' "$tinycnn" train --lr -1
expect 2 '--lr: "" is not a number' "$tinycnn" train --lr=
expect 2 '--lr needs a value' "$tinycnn" train --lr
expect 2 '--nesterov takes no value' "$tinycnn" train --nesterov=yes
expect 2 '--optimizer: "lion" is not one of sgd\|adam\|adamw\|muon' "$tinycnn" train --optimizer lion
expect 2 '--milestones: "x" is not a number' "$tinycnn" train --milestones 0.5,x
expect 2 '--milestones: 0.2 after 0.5' "$tinycnn" train --schedule multistep --milestones 0.5,0.2
expect 2 'run folder: a path of 0 bytes' "$tinycnn" train --out ''
expect 2 '--epochs and --minutes' "$tinycnn" train --epochs 2 --minutes 1
for command in train summary bench; do
  expect 2 '--model: .*lenet9.* lesson' "$tinycnn" "$command" --model lenet9
done
expect 2 '--checkpoint FILE is needed' "$tinycnn" eval
expect 2 '--input: 2 numbers' "$tinycnn" summary --input 3,32
expect 2 '--input: 3.5 is not a whole number' "$tinycnn" summary --input 3.5,32,32
[ ! -e runs ] || fail "a usage error left a run folder behind"

# A full disk behind a redirection is a failure, not silence.
if [ -w /dev/full ]; then
  for command in summary --version; do
    code=0
    "$tinycnn" "$command" >/dev/full 2>stderr.txt || code=$?
    [ "$code" -eq 1 ] || fail "$command >/dev/full: exit code $code"
    [ "$(wc -l <stderr.txt)" -eq 1 ] || fail "$command >/dev/full: $(cat stderr.txt)"
  done
  grep -q 'No space left' stderr.txt || fail "--version >/dev/full: $(cat stderr.txt)"
fi
