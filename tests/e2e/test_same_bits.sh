#!/bin/bash
# One seed, one result: on one thread, on two and on three; another seed, another result.
. "$(dirname "$0")/support.sh"
small_cifar data "$(smaller_if_sanitized 40 12)"
for model in lesson resnet20; do
  settings=(--model "$model" --data "$work/data" --epochs 2 --batch 48)
  for threads in 1 2 3; do
    expect 0 '' "$tinycnn" train "${settings[@]}" --threads "$threads" --out "$model-$threads"
  done
  same_run "$model-1" "$model-2"
  same_run "$model-1" "$model-3"
  expect 0 '' "$tinycnn" train "${settings[@]}" --seed 2 --out "$model-other"
  ! cmp -s "$model-1/best.safetensors" "$model-other/best.safetensors" || fail "the seed changes nothing"
done
