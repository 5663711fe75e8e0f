#!/bin/bash
# import, export, predict: weights, pictures and arrays of other programs come in, a net goes out as C and still decides as
# it did.
tests=$(cd "$(dirname "$0")/.." && pwd)
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
# Every name is listed: the net has 128 tensors, the file 10.
[ "$(grep -c '^missing      ' stdout.txt)" -eq 128 ] || fail "missing: $(cat stdout.txt)"
[ "$(grep -c '^unexpected   ' stdout.txt)" -eq 10 ] || fail "unexpected: $(cat stdout.txt)"
expect_printed '^missing      layer3\.2\.bn2\.running_var \(64\)$'
expect_printed '^unexpected   11\.weight \(10, 84\)$'
expect 1 'of another shape: ' "$tinycnn" import weights.safetensors --model lenet5 --classes 7 --out x.safetensors
expect_printed '^other shape  11\.weight \(10, 84\), expected \(7, 84\)$'
expect 1 'nowhere' "$tinycnn" import nowhere --model lenet5 --out x.safetensors
expect 1 '--mean: 2 numbers, expected one for each of 3 channels' \
  "$tinycnn" import weights.safetensors --model lenet5 --mean 0.1,0.2 --out x.safetensors
expect 2 '0 files, expected one of weights' "$tinycnn" import --out x.safetensors
expect 2 '--out FILE is needed' "$tinycnn" import weights.safetensors
expect 2 '--classes: 1 is not in the range 2' "$tinycnn" import weights.safetensors --classes 1 --out x.safetensors
expect 2 '--classes and --data: the data says' "$tinycnn" import weights.safetensors --data shapes --classes 4 --out x.safetensors
expect 2 '--widths: 5 numbers, expected at most 4' "$tinycnn" import weights.safetensors --model lenet5 --widths 6,16,120,84,1 --out x.safetensors
expect 2 '--mean: a number is expected behind the last comma' "$tinycnn" import weights.safetensors --mean 0.5, --out x.safetensors
expect 2 '--mean: 63 is not in the range 0 to 1' "$tinycnn" import weights.safetensors --mean 63,50,60 --out x.safetensors
# A NaN in a bias; it is no number of a net.
{
  head -c -4 weights.safetensors
  printf '\0\0\300\177'
} >nan.safetensors
expect 1 'nan\.safetensors: [0-9]+\.(weight|bias): holds nan, expected finite numbers' \
  "$tinycnn" import nan.safetensors --model lenet5 --data shapes --out x.safetensors
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
expect 2 'expected different files' "$tinycnn" export --checkpoint "$net" --c both --onnx both
expect 2 'expected different files' "$tinycnn" export --checkpoint "$net" --c ./"$net"
expect 1 './both: is the file of C' "$tinycnn" export --checkpoint "$net" --c both --onnx ./both
expect 1 'nowhere/net.c' "$tinycnn" export --checkpoint "$net" --c nowhere/net.c
expect 0 '' "$tinycnn" export --checkpoint "$net" --c plain.c
grep -q 'normalised: (v - mean) / deviation for values from 0 to 1, mean 0\.[0-9]*, 0\.[0-9]*, 0\.[0-9]*; deviation 0\.' plain.c ||
  fail "no word about what a picture has to be: $(head plain.c)"

# Pictures of one channel, of which mean and deviation are one number: everything that takes a checkpoint takes it.
idx() { # PICTURES NAME
  printf '\0\0\10\3\0\0\0%b\0\0\0\34\0\0\0\34' "\\x$(printf %02x "$1")" >"grey/$2-images-idx3-ubyte"
  printf '\0\0\10\1\0\0\0%b' "\\x$(printf %02x "$1")" >"grey/$2-labels-idx1-ubyte"
  for ((i = 0; i < $1; i++)); do
    head -c 784 /dev/zero | tr '\0' "\\$(printf %03o $((i % 10 * 25)))" >>"grey/$2-images-idx3-ubyte"
    printf '%b' "\\x0$((i % 10))" >>"grey/$2-labels-idx1-ubyte"
  done
}
mkdir grey
idx 60 train
idx 20 t10k
expect 0 '' "$tinycnn" train --model lenet5 --data grey --epochs 1 --batch 20 --quiet --out greyrun
grey=greyrun/best.safetensors
expect 0 '' "$tinycnn" eval --checkpoint "$grey" --data grey
expect 0 '' "$tinycnn" export --checkpoint "$grey" --c grey.c --preprocess bytes --data grey
expect 0 '' "$tinycnn" explain --checkpoint "$grey"
expect 0 '' "$tinycnn" shift-test --checkpoint "$grey" --data grey
expect 0 '' "$tinycnn" visualize --checkpoint "$grey" --data grey --index 0 --out greyseen
expect 0 '' "$tinycnn" report greyrun
expect 0 '' "$tinycnn" train --resume greyrun
strip_metadata "$grey" grey.safetensors
expect 0 '' "$tinycnn" import grey.safetensors --model lenet5 --data grey --out greyin.safetensors
expect 0 '' "$tinycnn" eval --checkpoint greyin.safetensors --data grey
expect 1 'greyrun/best\.safetensors: a net for pictures of \(1, 28, 28\) and 10 classes; shapes has' \
  "$tinycnn" export --checkpoint "$grey" --c unfit.c --data shapes
[ ! -e unfit.c ] || fail "a net was written whose accuracy cannot be measured"

# Pictures: a net trained on a folder of them decides about files.
if ! "$tinycnn" --version | grep -q 'libpng.*libjpeg'; then exit 0; fi
fixtures=$tests/golden/jpeg
for split in train test; do
  mkdir -p photos/$split/quarters photos/$split/greys
  cp "$fixtures"/orientation*.jpg photos/$split/quarters
  cp "$fixtures"/grey*.jpg photos/$split/greys
done
expect 0 '' "$tinycnn" train --model vgg --widths 8,8,8 --data photos --input 3,24,20 --batch 2 --epochs 3 --quiet --out pictured
grep -q '"input": \[3,24,20\]' pictured/config.json || fail "no size in config.json"
net=pictured/last.safetensors
(header "$net" || true) | tr -d " \\\\" | grep -q '\["greys","quarters"\]' || fail "classes: $(header "$net")"
expect 0 '' "$tinycnn" eval --checkpoint "$net" --data photos
expect 0 '' "$tinycnn" doctor --data photos --input 3,24,20 --out doctored
expect 0 '' "$tinycnn" predict --checkpoint "$net" photos/test/quarters/orientation6.jpg photos/test/greys
expect_printed '^photos/test/quarters/orientation6\.jpg: [a-z]+ [0-9.]+%, [a-z]+ [0-9.]+%$'
expect_printed '^photos/test/greys/grey\.jpg: '
find photos/test -name 'orientation*' | sort >list.txt
expect 0 '' "$tinycnn" predict --checkpoint "$net" --list list.txt --json --top 1
[ "$(wc -l <stdout.txt)" -eq "$(wc -l <list.txt)" ] || fail "not a line for each picture"
expect_printed '^\{"file": "photos/test/quarters/orientation1\.jpg", "classes": \[\{"class": "[a-z]+", "index": [01], "probability": [0-9.e-]+, "logit": [0-9.e-]+\}\]\}$'
# Turned as they say, all eight are the same picture but for what JPEG loses.
[ "$(sed -E 's/.*"probability": 0?\.([0-9]{2}).*/\1/' stdout.txt | sort -u | wc -l)" -le 2 ] || fail "turned: $(cat stdout.txt)"
# One that cannot be read, or named, does not keep the others from their answers.
echo nothing >photos/broken.png
expect 1 'photos/broken.png: is neither PNG nor JPEG' "$tinycnn" predict --checkpoint "$net" photos/broken.png photos/test/greys/grey.jpg
expect_printed '^photos/test/greys/grey\.jpg: '
cp photos/test/greys/grey.jpg $'photos/\xff.jpg'
expect 1 'this name is not UTF-8, as JSON is' "$tinycnn" predict --checkpoint "$net" --json $'photos/\xff.jpg' photos/test/greys/grey.jpg
rm $'photos/\xff.jpg'
cp photos/test/greys/grey.jpg ./--grey.jpg
expect 0 '' "$tinycnn" predict --checkpoint "$net" -- --grey.jpg
expect 1 'photos: Is a directory' "$tinycnn" predict --checkpoint "$net" --list photos
printf ' \n\n' >empty.txt
expect 1 'empty\.txt: names no picture' "$tinycnn" predict --checkpoint "$net" --list empty.txt
expect 1 'nowhere' "$tinycnn" predict --checkpoint "$net" nowhere.png
expect 0 '' "$tinycnn" predict --checkpoint "$net" photos/train
[ "$(wc -l <stdout.txt)" -eq "$(find photos/train -name '*.jpg' | wc -l)" ] || fail "folders within are not searched"
mkdir photos/none
expect 1 'photos/none: holds no .png, .jpg or .jpeg' "$tinycnn" predict --checkpoint "$net" photos/none
# A folder without a picture keeps nothing else from its answer; a link that leads nowhere is missed.
expect 1 'photos/none: holds no' "$tinycnn" predict --checkpoint "$net" photos/none photos/test/greys/grey.jpg
expect_printed '^photos/test/greys/grey\.jpg: '
ln -s nowhere photos/none/lost.png
expect 1 'photos/none/lost.png: cannot be opened' "$tinycnn" predict --checkpoint "$net" photos/none
rm -r photos/none
expect 2 'name pictures, folders of them, or a --list' "$tinycnn" predict --checkpoint "$net"
expect 2 '--input: 3,64,64, but the pictures of shapes are 3,32,32' "$tinycnn" train --input 3,64,64 --epochs 1
expect 2 '--input: 2 of three numbers' "$tinycnn" train --data photos --input 3,64 --epochs 1
rm photos/broken.png
expect 1 'photos/train: is no data set.s folder: holds neither train/ \(pictures\)' "$tinycnn" train --data photos/train
for split in train test; do cp -r photos/$split/greys photos/$split/$'gr\xfc'; done
expect 1 'expected a name of UTF-8 letters' "$tinycnn" train --data photos --model vgg --out named
[ ! -e named ] || fail "a run with classes that cannot be written down"
rm -r photos/*/$'gr\xfc'
# A long name is whole wherever it stands.
long=$(printf 'x%.0s' {1..62})é
for split in train test; do cp -r photos/$split/greys "photos/$split/$long"; done
expect 0 '' "$tinycnn" train --model vgg --widths 8,8,8 --data photos --input 3,24,20 --batch 2 --epochs 1 --quiet --out named
expect 0 '' "$tinycnn" predict --checkpoint named/last.safetensors --json photos/test/greys
expect_printed "\"class\": \"$long\""
expect 0 '' "$tinycnn" eval --checkpoint named/last.safetensors --data photos
rm -r photos/*/"$long" named
# Names of files are no place for what moves a cursor.
cp photos/test/greys/grey.jpg $'photos/a\e[2Jb\n.jpg'
expect 0 '' "$tinycnn" predict --checkpoint "$net" $'photos/a\e[2Jb\n.jpg'
expect_printed '^photos/a\?\[2Jb\?\.jpg: '
rm $'photos/a\e[2Jb\n.jpg'
# Renamed, the classes have another order: a run does not go on as if nothing were.
expect 0 '' "$tinycnn" train --model vgg --widths 8,8,8 --data photos --input 3,24,20 --batch 2 --epochs 1 --schedule constant --quiet --out named
for split in train test; do mv photos/$split/greys photos/$split/zgreys; done
expect 1 'named/last.safetensors: class 0 of this net is "greys", of photos it is "quarters"' \
  "$tinycnn" train --resume named --epochs 2
for split in train test; do mv photos/$split/zgreys photos/$split/greys; done
expect 0 '' "$tinycnn" train --resume named --epochs 2

# Arrays of NumPy's.
if "$tinycnn" --version | grep -q libzip; then
  expect 0 '' "$tinycnn" train --model resnet20 --data "$tests/golden/arrays/stored.npz" --batch 2 --epochs 1 --quiet --out arrays
fi
