#!/bin/bash
# Lesson 2 shows the numbers that the lesson is about, and measures its claim.
. "$(dirname "$0")/support.sh"
expect 0 '' "$TC_BUILD/lesson2_pooling" --data shapes --effort "$(smaller_if_sanitized 0.02 0.001)" --out out
# squeezed PATTERN: a line of the output matches once runs of blanks are one blank.
squeezed() {
  tr -s ' ' <stdout.txt | grep -Eq -- "$1" || fail "no line \"$1\" in: $(cat stdout.txt)"
}
tr -s ' ' <stdout.txt | grep -A2 '^pooled (2 x 2):' | tail -n 2 | tr -d '\n' | grep -qx ' 6 8 9 7' ||
  fail "the 4 x 4 picture: $(cat stdout.txt)"
squeezed '^ batch \(4, 3, 32, 32\)$'
squeezed '^ conv\(3, 32, 3, padding 1\) \(4, 32, 32, 32\)$'
squeezed '^ maxpool\(2, 2\) \(4, 32, 16, 16\)$'
squeezed 'pool 2, stride 2 floor\(\(32 \+ 2\*0 - 1\*\(2-1\) - 1\) / 2\) \+ 1 = 16$'
# Shift by a pixel: what survives grows with the window, from no pooling to all.
tr -s ' ' <stdout.txt | grep -E '^ 1 pixel' |
  awk '{exit !($3 < $5 && $5 < $4 && $4 < $6 && $6 < $7 && $7 == 1)}' || fail "shifts: $(cat stdout.txt)"
squeezed '^ 0 pixels 1\.000 1\.000 1\.000 1\.000 1\.000$'
# conv1 32*32*32*27, conv2 16*16*64*288, conv3 8*8*128*576, linear 2048*10, and so on.
squeezed '^ pooling 10342400 [0-9]+ 113738 22 x 22$'
squeezed '^ stride 2 2600960 [0-9]+ 113738 15 x 15$'
squeezed '^ nothing 96567296 [0-9]+ 1403978 7 x 7$'
# The experiment: 16, 32, 64 filters; the three small nets end in 64 * 4 * 4 numbers, the last in 64 * 32 * 32.
squeezed '^ max pooling 2\.81 33834 [0-9.]+( [0-9.]+%){6}$'
squeezed '^ stride 2 0\.71 33834 [0-9.]+( [0-9.]+%){6}$'
squeezed '^ nothing 24\.69 678954 [0-9.]+( [0-9.]+%){6}$'
squeezed '^ average pooling 100\.0%( [0-9.]+%){5}$'
squeezed '^ In this run the net with (max pooling|average pooling|stride 2|nothing) bears a shift of 2 pixels best'
[ "$(grep -o '<svg' out/shift.html | wc -l)" -eq 2 ] || fail "shift.html: not two charts"
