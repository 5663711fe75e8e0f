#!/bin/bash
# explain: formulas with their numbers, what is seen, what pooling saves; and the layer that fails.
. "$(dirname "$0")/support.sh"

expect 0 '' "$tinycnn" explain --model lesson
squeezed() {
  tr -s ' ' <stdout.txt | grep -Eq -- "$1" || fail "no line \"$1\" in: $(cat stdout.txt)"
}
squeezed '^0 conv2d 32 x 32 x 32 3 x 3 896 884736 0\.0 floor\(\(32 \+ 2\*1 - 1\*\(3-1\) - 1\) / 1\) \+ 1 = 32$'
squeezed '^5 maxpool2d 64 x 8 x 8 10 x 10 0 0 20\.5 floor\(\(16 \+ 2\*0 - 1\*\(2-1\) - 1\) / 2\) \+ 1 = 8$'
# 884736 + 4718592 + 524288 + 1280 = 6.13 million. Without the first pooling all but the first convolution is four times as
# much: 0.885 + 4 * 5.244 = 21.86, that is 72% more than now. Without the second 0.885 + 4.719 + 4 * 0.526 = 7.71: 20%.
expect_printed 'layer 2 keeps one element of 4: the net takes 72% fewer .*\(6\.1 million, not 21\.9\)'
expect_printed 'layer 5 keeps one element of 4: the net takes 20% fewer .*\(6\.1 million, not 7\.7\)'
# Without both: 0.885 + 4 * 4.719 + 16 * 0.526 = 28.17.
expect_printed 'saves 78\.2%: 6\.1 million multiply-adds a picture, not 28\.2'

for model in lenet5 vgg resnet20 airbench94; do
  expect 0 '' "$tinycnn" explain --model "$model"
  expect_printed 'All that makes pictures smaller saves [0-9]'
  [ "$(wc -L <stdout.txt)" -lt 160 ] || fail "$model: lines of $(wc -L <stdout.txt)"
done
expect 0 '' "$tinycnn" explain --model resnet20 --json
[ "$(wc -l <stdout.txt)" -eq 1 ] || fail "--json: not one line"
expect_printed '"layer": "layer3.2.conv2", "type": "conv2d", "output": \[64, 8, 8\], "receptive_field": \[32, 32\], "jump": \[4, 4\]'

expect 2 'no model named|"nothing"|there is no' "$tinycnn" explain --model nothing
expect 2 '--input: 2 numbers' "$tinycnn" explain --input 3,32
expect 1 'lenet5: takes pictures from' "$tinycnn" explain --model lenet5 --input 3,12,12
expect 1 'nowhere' "$tinycnn" explain --checkpoint nowhere.safetensors

# Of a checkpoint the layers that still fit are shown, then the one that fails, with its formula.
small_cifar data 2
expect 0 '' "$tinycnn" train --model lenet5 --data "$work/data" --epochs 0.1 --batch 2 --quiet --out run
expect 0 '' "$tinycnn" explain --checkpoint run/last.safetensors
expect 1 'layer 3: conv2d: height: 4 \+ 2 x padding 0 is less than dilation 1 x \(kernel 5 - 1\) \+ 1 = 5' \
  "$tinycnn" explain --checkpoint run/last.safetensors --input 3,12,12
squeezed '^2 maxpool2d 6 x 4 x 4 '
