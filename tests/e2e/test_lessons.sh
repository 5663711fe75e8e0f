#!/bin/bash
# Lessons 1, 3 and 4 on the generated shapes: their numbers, their pictures, and what they do not take. (Lesson 2 has a
# test of its own.)
. "$(dirname "$0")/support.sh"
effort=$(smaller_if_sanitized 0.05 0.01)
printed() { tr -s ' ' <stdout.txt | grep -Eq -- "$1" || fail "no line \"$1\" in: $(cat stdout.txt)"; }
has_pictures() { # FILE...: in the folder `out`
  local file
  for file in "$@"; do
    [ -s "out/$file" ] || [[ $file = *.png && $(grep -c 'no picture' stdout.txt) -gt 0 ]] || fail "no out/$file"
  done
}

expect 0 '' "$TC_BUILD/lesson1_filters" --data shapes --effort "$effort" --out out
tr -s ' ' <stdout.txt | grep -A3 '^answer (3 x 4):' | tail -n 3 | tr -d '\n' | grep -qx ' 0 36 36 0 0 36 36 0 0 36 36 0' ||
  fail "the edge: $(cat stdout.txt)"
printed '^ filter 3, padding 1, stride 2 floor\(\(32 \+ 2\*1 - 1\*\(3-1\) - 1\) / 2\) \+ 1 = 16$'
printed '^ Sobel x number [0-9 ]+, [+-][01]\.[0-9]+ \(chance passes 0\.[89]'
has_pictures handmade.png padding.png learned.png nearest.png

expect 0 '' "$TC_BUILD/lesson3_training" --data shapes --effort "$effort" --out out
printed '^ epoch 1 training: loss [0-9.]+, [0-9.]+% right test: loss [0-9.]+, [0-9.]+% right$'
printed '^ circle [0-9.]+%'
printed 'the same to the last bit$'
printed '^ both [0-9.]+% [0-9.]+% apart by -?[0-9.]+ points$'
has_pictures curves.html net.safetensors
[ "$(grep -o '<svg' out/curves.html | wc -l)" -eq 6 ] || fail "curves.html: not six charts"

expect 0 '' "$TC_BUILD/lesson4_augmentation" --data shapes --effort "$(smaller_if_sanitized 0.02 0.003)" --out out
printed '^ with augmentation [0-9.]+% [0-9.]+% apart by'
printed '^ shift 0 1 2 4 6 pixels$'
has_pictures transforms.png mixed.png robustness.html
[ "$(grep -o '<svg' out/robustness.html | wc -l)" -eq 6 ] || fail "robustness.html: not six charts"

for lesson in lesson1_filters lesson2_pooling lesson3_training lesson4_augmentation; do
  expect 0 '' "$TC_BUILD/$lesson" --help
  expect_printed "^Usage: $lesson"
  expect 2 "^$lesson: unrecognized option '--epoch'" "$TC_BUILD/$lesson" --epoch 3
  expect 2 "^$lesson: --effort: \"much\", expected a number" "$TC_BUILD/$lesson" --effort much
  expect 2 "^$lesson: \"shapes\" is no option" "$TC_BUILD/$lesson" shapes
  expect 1 "^$lesson: data set nowhere: " "$TC_BUILD/$lesson" --data nowhere
  touch file
  expect 1 "^$lesson: file/out: cannot be made: " "$TC_BUILD/$lesson" --data shapes --out file/out
done
# Where there is no CIFAR-10 the shapes take its place, and the lesson says so.
HOME=$work expect 0 '' "$TC_BUILD/lesson1_filters" --effort "$effort" --out out
expect_printed '^CIFAR-10 is not here'
