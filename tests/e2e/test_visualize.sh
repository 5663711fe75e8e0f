#!/bin/bash
# visualize: which pictures it makes, and one clear line for what it cannot.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/support.sh"
if "$tinycnn" --version | grep -q 'optional components: none'; then
  echo "skipped: this build has no libpng"
  exit 77
fi
is_png() { [ "$(head -c 8 "$1" | od -An -tx1 | tr -d ' \n')" = 89504e470d0a1a0a ] || fail "$1 is no PNG"; }
# png_size FILE: width and height, from the header.
png_size() { od -An -tu1 -j16 -N8 "$1" | awk '{print $3 * 256 + $4, $7 * 256 + $8}'; }

expect 0 '' "$tinycnn" train --model lenet5 --data shapes --epochs 0.05 --quiet --out run
expect 0 '' "$tinycnn" visualize --checkpoint run/last.safetensors
expect_printed '^visualize-lenet5/filters\.png$'
expect_printed 'Name PNG files, or --data'
is_png visualize-lenet5/filters.png
[ ! -e visualize-lenet5/attribution.png ] || fail "attribution without a picture"

expect 0 '' "$tinycnn" visualize --checkpoint run/last.safetensors --data shapes --index 0,5 --out seen --occlusion-stride 4
for file in filters attribution features-00-0-conv2d features-01-1-relu features-02-2-maxpool2d features-03-3-conv2d; do
  is_png "seen/$file.png"
  expect_printed "^seen/$file\.png$"
done
# Two rows of pictures five times as large.
read -r width height <<<"$(png_size seen/attribution.png)"
if [ "$width" -lt 640 ] || [ "$height" -lt 320 ] || [ "$height" -gt 480 ]; then fail "attribution.png: $width x $height"; fi

# Pictures from files, of another class and layer.
expect 0 '' "$tinycnn" visualize --checkpoint run/last.safetensors "$here/picture.png" "$here/picture.png" --class star \
  --layer 3 --out seen2
expect_printed '^seen2/attribution\.png$'
is_png seen2/attribution.png
# One of another size is cut and resized.
expect 0 '' "$tinycnn" visualize --checkpoint run/last.safetensors seen/filters.png --out seen3
is_png seen3/attribution.png
expect 1 'run/config.json: is neither PNG nor JPEG' "$tinycnn" visualize --checkpoint run/last.safetensors run/config.json
expect 1 'nowhere.png: cannot be opened' "$tinycnn" visualize --checkpoint run/last.safetensors nowhere.png
expect 1 'there is no class "dog"; there are circle, ring' \
  "$tinycnn" visualize --checkpoint run/last.safetensors --data shapes --class dog
expect 1 'there is no layer "conv9"; there are 0, 1, 2' \
  "$tinycnn" visualize --checkpoint run/last.safetensors --data shapes --layer conv9
expect 1 '--index: 2000, shapes has test pictures 0 to 1999' \
  "$tinycnn" visualize --checkpoint run/last.safetensors --data shapes --index 2000
expect 1 'config.json' "$tinycnn" visualize --checkpoint run/config.json
expect 2 '--checkpoint FILE is needed' "$tinycnn" visualize
touch file
expect 1 'file/pictures|file: cannot be made|Not a directory' \
  "$tinycnn" visualize --checkpoint run/last.safetensors --out file/pictures

# A net for other classes is not asked about pictures that it does not know.
small_cifar data 2
expect 1 'class 0 of this net is "circle", of cifar10 it is "airplane"' \
  "$tinycnn" visualize --checkpoint run/last.safetensors --data "$work/data"
expect 1 'class 0 of this net is "circle"' "$tinycnn" eval --checkpoint run/last.safetensors --data "$work/data"
