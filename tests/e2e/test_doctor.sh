#!/bin/bash
# doctor: a healthy set, and one with everything wrong that can be planted.
golden=$(cd "$(dirname "$0")/../golden" && pwd)
. "$(dirname "$0")/support.sh"

expect 0 '' "$tinycnn" doctor --data shapes --no-near
expect_printed '^shapes: 10000 training and 2000 test pictures of 32 x 32, 3 channels, 10 classes$'
expect_printed '^ +circle +1000 +10\.00% +200 +10\.00%$'
expect_printed '^shapes: nothing to warn of$'
if "$tinycnn" --version | grep -q libpng; then
  for class in 00-circle 09-hourglass; do
    [ -s "doctor-shapes/class-$class.png" ] || fail "no sheet of $class"
  done
else
  expect_printed 'no sheets: PNG pictures are left out of this build'
fi

# Six files of 30 pictures of one colour a plane: the same pictures in all files, classes 0 to 5 only.
mkdir bad
pictures 6 30 >bad/data_batch_1.bin
for i in 2 3 4 5; do cp bad/data_batch_1.bin "bad/data_batch_$i.bin"; done
# The test pictures: some of training, but called otherwise.
{
  head -c 3073 bad/data_batch_1.bin
  printf '\003'
  head -c 6146 bad/data_batch_1.bin | tail -c 3072
} >bad/test_batch.bin
expect 0 '' "$tinycnn" doctor --data "$work/bad" --sheet 4 --out sheets
expect_printed '^warning: class 6 \(frog\) has no training picture$'
expect_printed '^warning: class 9 \(truck\) has no test picture$'
expect_printed '^warning: 150 training pictures are of one colour$'
expect_printed '^warning: 2 test pictures \(100\.00%\) have an exact copy in training: they measure memory$'
expect_printed '^warning: [0-9]+ pairs of exact copies within training$'
expect_printed '^warning: [0-9]+ pairs? of exact copies have different labels$'
expect_printed '^warning: channel 0: mean'
expect_printed '^cifar10: [0-9]+ warnings$'

expect 0 '' "$tinycnn" doctor --data "$work/bad" --json
[ "$(wc -l <stdout.txt)" -eq 1 ] || fail "--json: not one line"
expect_printed '"leaked": \[2, 0\]'
[ ! -e doctor-cifar10 ] || fail "--json drew something"

printf '\012' | dd of=bad/test_batch.bin conv=notrunc status=none
expect 1 'test_batch.bin: record 1 of 2 has label 10, expected 0 to 9' "$tinycnn" doctor --data "$work/bad"
expect 1 'nowhere' "$tinycnn" doctor --data nowhere
expect 2 '--input: 2 of three numbers' "$tinycnn" doctor --data shapes --input 3,32
# Pictures land in a folder that is called after the last name of a path.
if "$tinycnn" --version | grep -q libzip; then
  expect 0 '' "$tinycnn" doctor --data "$golden/arrays/stored.npz"
  [ -d doctor-stored.npz ] || fail "no folder of sheets: $(ls)"
fi
