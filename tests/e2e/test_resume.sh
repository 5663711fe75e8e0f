#!/bin/bash
# A run that was stopped and resumed, again and again, ends with the same bits as one that never was; a net
# with batch norm, so that buffers and counters are part of it, and with gradients of two batches a step.
. "$(dirname "$0")/support.sh"
small_cifar data "$(smaller_if_sanitized 60 40)"
settings=(--model vgg --data "$work/data" --epochs 4 --batch 32 --accumulate 2 --label-smoothing 0.1 --seed 3)

expect 0 '' "$tinycnn" train "${settings[@]}" --out whole

# signal_in_epoch EPOCH NAME NUMBER COMMAND...: lets the command train until EPOCH (from 1) is saved and then for a
# third of an epoch's time, as the log tells it; then the signal stops it in the epoch after.
signal_in_epoch() {
  local epoch=$1 name=$2 number=$3 code=0 process
  shift 3
  "$@" >stdout.txt 2>stderr.txt &
  process=$!
  until [ -s parts/last.safetensors ] && [ "$(metadata parts/last.safetensors training.epoch)" -ge "$epoch" ]; do
    kill -0 "$process" 2>/dev/null || fail "ended before epoch $epoch: $(cat stderr.txt)"
    sleep 0.05
  done
  sleep "$(tail -n 1 parts/metrics.jsonl | sed -E 's/.*"seconds": ([0-9.]+).*/\1/' | awk -v e="$epoch" '{print $1 / e / 3}')"
  kill "-$name" "$process" || fail "$name: ended before its time: $(cat stdout.txt)"
  wait "$process" || code=$?
  [ "$code" -eq $((128 + number)) ] || fail "$name: exit code $code -- $(cat stderr.txt)"
  echo "stopped in epoch $(metadata parts/last.safetensors training.epoch) (from 0) at batch" \
    "$(metadata parts/last.safetensors training.batch)"
}

signal_in_epoch 1 TERM 15 "$tinycnn" train "${settings[@]}" --out parts
grep -q 'stopped by SIGTERM, saved at step [0-9]*; go on with: tinycnn train --resume parts' stderr.txt ||
  fail "$(cat stderr.txt)"
# Bash starts background processes with SIGINT ignored, which the program's own handler replaces.
signal_in_epoch 2 INT 2 "$tinycnn" train --resume parts --threads 1
grep -q 'stopped by SIGINT' stderr.txt || fail "$(cat stderr.txt)"
expect 0 '' "$tinycnn" train --resume parts
same_run whole parts

# Killed between the metrics line and the checkpoint: the line is there, the position is not.
cp -r whole killed
echo '{"epoch": 5, "step": 999}' >>killed/metrics.jsonl
expect 0 '' "$tinycnn" train --resume killed
same_run whole killed

# Killed before anything was saved: begins anew.
mkdir early && cp whole/config.json early/
expect 0 '' "$tinycnn" train --resume early
same_run whole early

# Where the schedule is constant a run may grow, and is then the longer run.
constant=("$tinycnn" train --model lenet5 --data "$work/data" --schedule constant --batch 64)
expect 0 '' "${constant[@]}" --epochs 2 --out longer
expect 0 '' "$tinycnn" train --resume longer --epochs 3
expect 0 '' "${constant[@]}" --epochs 3 --out three
same_run longer three

# By the clock: ends with the step whose end is nearest to its time.
expect 0 '' "$tinycnn" train --model lenet5 --data "$work/data" --minutes 0.02 --out timed
seconds=$(tail -n 1 timed/metrics.jsonl | grep -oE '"seconds": [0-9.]+' | grep -oE '[0-9.]+$')
awk -v s="$seconds" 'BEGIN {exit !(s > 1.1 && s < 10)}' || fail "--minutes 0.02 trained for $seconds s"
