#!/bin/bash
# summary, bench and a training that learns: the figures that others build on.
. "$(dirname "$0")/support.sh"

for model in lesson lenet5 vgg resnet20 airbench94; do
  expect 0 '' "$tinycnn" summary --model "$model"
  expect_printed 'conv2d'
done
expect 0 '' "$tinycnn" summary --model lesson
expect_printed '545098 parameters'
expect 0 '' "$tinycnn" summary --model lenet5 --input 1,28,28
expect 1 'lenet5' "$tinycnn" summary --model lenet5 --input 3,4,4

expect 0 '' "$tinycnn" bench --model lenet5 --batch 16 --threads 1 --seconds 0.2 --json
[ "$(wc -l <stdout.txt)" -eq 1 ] || fail "bench --json: not one line"
expect_printed '^\{.*"model": "lenet5", "batch": 16, "threads": 1, .*\}$'
for field in train_img_per_s infer_img_per_s peak_rss_mb; do
  expect_printed "\"$field\": [0-9]*[1-9][0-9]*(\.[0-9]+)?"
done
expect 0 '' "$tinycnn" bench --model lenet5 --batch 4 --seconds 0.1 --profile
expect_printed '^0 +conv2d +[0-9.]+ +[0-9.]+ +[0-9.]+% +[0-9.]+ \( *[0-9]+%\)'
expect 0 '' "$tinycnn" bench --model lenet5 --seconds 0.1
expect_printed '^training .* img/s'

# Every optimiser and every schedule trains: brightness tells the classes apart, so the loss falls.
small_cifar data 60
number=0
for recipe in '--lr 0.02 --schedule constant --no-nesterov' '--optimizer adam --schedule cosine --init he' \
  '--optimizer adamw --schedule onecycle --decay-all' '--lr 0.02 --schedule step --clip-norm 1' \
  '--lr 0.02 --schedule multistep --milestones 0.3,0.6,0.9' '--schedule linear --augment none --eval-every 5 --quiet'; do
  read -ra options <<<"$recipe"
  run="run$((++number))"
  expect 0 '' "$tinycnn" train --model lenet5 --data "$work/data" --epochs 8 --batch 20 "${options[@]}" --out "$run"
  [ "$(wc -l <"$run/metrics.jsonl")" -eq 8 ] || fail "$recipe: not 8 lines of metrics"
  fields=$(grep -cE '^\{"epoch": [0-9]+, "step": [0-9]+, "train_loss": [0-9.e-]+, "train_acc": [0-9.]+, "val_loss": null, "val_acc": null, "test_loss": (null|[0-9.e-]+), "test_acc": (null|[0-9.]+), "tta_acc": null, "lr": [0-9.e-]+, "seconds": [0-9.e-]+, "img_per_s": [0-9.e+]+, "wait_share": (1|0(\.[0-9]+)?|[0-9.]+e-[0-9]+), "start_seconds": [0-9.e-]*[1-9][0-9.e-]*\}$' "$run/metrics.jsonl")
  [ "$fields" -eq 8 ] || fail "$recipe: $(cat "$run/metrics.jsonl")"
  loss() { sed -n "$1p" "$run/metrics.jsonl" | grep -oE '"train_loss": [0-9.e-]+' | cut -d' ' -f2; }
  awk -v a="$(loss 1)" -v b="$(loss 8)" 'BEGIN {exit !(b < a)}' || fail "$recipe: the loss did not fall"
done
# No batch is ready when an epoch begins, so somewhere in 48 epochs the net has waited.
grep -qE '"wait_share": [0-9.]*[1-9]' run?/metrics.jsonl || fail "wait_share: never more than 0"
[ "$(grep -c '"test_acc": null' "$run/metrics.jsonl")" -eq 6 ] || fail "--eval-every 5: $(cat "$run/metrics.jsonl")"
[ ! -s stdout.txt ] || fail "--quiet printed: $(cat stdout.txt)"
