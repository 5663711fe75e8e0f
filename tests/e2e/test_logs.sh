#!/bin/bash
# metrics.csv and TensorBoard's event file: the same numbers as metrics.jsonl, whatever happens to the run.
reader=$(cd "$(dirname "$0")/../interchange" && pwd)/read_events.py
. "$(dirname "$0")/support.sh"
events="$TC_BUILD/tests/print_events"

protobuf=yes
/usr/bin/python3 -c 'import google.protobuf' 2>/dev/null || {
  protobuf=
  echo "SKIPPED: event files read by Google's protobuf (python3-protobuf)"
}

# csv_of RUN: metrics.jsonl as a table.
csv_of() {
  head -n 1 "$1/metrics.jsonl" | grep -oE '"[a-z_]+":' | tr -d '":' | paste -sd,
  sed -E 's/"[a-z_]+": //g; s/[{} ]//g; s/null//g' "$1/metrics.jsonl"
}
# scalars_of RUN TAG FIELD: step and value of each epoch, from the event file and from metrics.jsonl; null is left out.
scalars_of() {
  "$events" "$1"/events.out.tfevents.* >events.txt || fail "the event file is damaged"
  awk -v tag="$2" '$2 == tag {print $1, $3}' events.txt >from_events.txt
  sed -nE "s/.*\"step\": ([0-9]+).*\"$3\": ([^,}]+).*/\1 \2/p" "$1/metrics.jsonl" | grep -v null >from_lines.txt || true
}
# An event's number is a float: equal to six digits.
same_scalars() {
  [ "$(wc -l <from_events.txt)" -eq "$(wc -l <from_lines.txt)" ] &&
    paste -d' ' from_events.txt from_lines.txt |
    awk '{d = $2 - $4; if ($1 != $3 || d * d > 1e-12 * $4 * $4) exit 1}'
}
# in_step RUN EPOCHS: all three logs have so many epochs and say the same.
in_step() {
  [ "$(wc -l <"$1/metrics.jsonl")" -eq "$2" ] || fail "$1: $(wc -l <"$1/metrics.jsonl") lines, expected $2"
  diff <(csv_of "$1") "$1/metrics.csv" || fail "$1: metrics.csv differs"
  [ "$(find "$1" -name 'events.out.tfevents.*' | wc -l)" -eq 1 ] || fail "$1: not one event file"
  local pair
  for pair in loss/train=train_loss accuracy/train=train_acc loss/validation=val_loss accuracy/validation=val_acc \
    loss/test=test_loss accuracy/test=test_acc accuracy/test_augmented=tta_acc lr=lr img_per_s=img_per_s; do
    scalars_of "$1" "${pair%=*}" "${pair#*=}"
    same_scalars || fail "$1: $pair: $(paste from_events.txt from_lines.txt)"
  done
  if [ -n "$protobuf" ]; then /usr/bin/python3 "$reader" "$1" || fail "$1: Google's protobuf reads something else"; fi
}

small_cifar data 20
settings=(--model lenet5 --data "$work/data" --epochs 3 --batch 16 --seed 2 --schedule constant)
logs=(--csv --tensorboard)

# Nothing is written that was not asked for.
expect 0 '' "$tinycnn" train "${settings[@]}" --out plain
[ "$(find plain -type f -printf '%f\n' | sort | paste -sd' ')" = \
  'best.safetensors config.json last.safetensors metrics.jsonl' ] || fail "$(ls plain)"

# Validation at each epoch, test pictures at the end only, with test-time augmentation.
expect 0 '' "$tinycnn" train "${settings[@]}" "${logs[@]}" --val 40 --tta mirror --out whole
in_step whole 3
scalars_of whole accuracy/validation val_acc
[ "$(wc -l <from_events.txt)" -eq 3 ] || fail "validation: $(cat from_events.txt)"
scalars_of whole loss/test test_loss
[ "$(wc -l <from_events.txt)" -eq 1 ] || fail "test: $(cat from_events.txt)"
grep -q '"csv": true' whole/config.json || fail "config.json does not hold --csv"

# They change nothing else.
expect 0 '' "$tinycnn" train "${settings[@]}" "${logs[@]}" --out logged
same_run plain logged
in_step logged 3

# Asked for later, they have all epochs; of a finished run too. A run goes on as it was asked before.
expect 0 '' "$tinycnn" train --resume plain "${logs[@]}"
in_step plain 3
expect 0 '' "$tinycnn" train --resume plain --epochs 4
in_step plain 4
# Without, and with them again: the epoch between is there.
expect 0 '' "$tinycnn" train --resume plain --epochs 5 --no-csv --no-tensorboard
expect 0 '' "$tinycnn" train --resume plain --epochs 6 "${logs[@]}"
in_step plain 6

# What is no epoch (a blank line, by hand) is none.
cp -r plain blank
{
  echo
  cat plain/metrics.jsonl
} >blank/metrics.jsonl
expect 0 '' "$tinycnn" train --resume blank --epochs 7
[ "$(grep -c '"epoch": ' blank/metrics.jsonl)" -eq 7 ] || fail "an epoch is lost: $(cat blank/metrics.jsonl)"

# Killed at any time: what is written is whole, and after the resume nothing is lost or doubled.
"$tinycnn" train "${settings[@]}" "${logs[@]}" --epochs 200 --out killed >/dev/null 2>&1 &
process=$!
disown "$process"
until [ -s killed/last.safetensors ]; do
  kill -0 "$process" 2>/dev/null || fail "ended before its time"
  sleep 0.02
done
kill -KILL "$process"
while kill -0 "$process" 2>/dev/null; do sleep 0.02; done
"$events" killed/events.out.tfevents.* >/dev/null || fail "a part of a record is left"
# As if killed between the logs and the checkpoint, and in the middle of a row and a record.
line=$(tail -n 1 killed/metrics.jsonl)
echo "$line" >>killed/metrics.jsonl
printf '7,1' >>killed/metrics.csv
head -c 40 killed/events.out.tfevents.* >torn
cat torn >>"$(echo killed/events.out.tfevents.*)"
! "$events" killed/events.out.tfevents.* >/dev/null 2>&1 || fail "the reader sees no damage"
epochs=$(metadata killed/last.safetensors training.epoch || true) # head leaves before tail is done
epochs=$((epochs + 2))
sed -i 's/"epochs": 200/"epochs": '$epochs'/' killed/config.json
expect 0 '' "$tinycnn" train --resume killed
in_step killed "$epochs"

# Places that cannot be written: one line.
mkdir -p taken/metrics.csv
expect 1 'taken/metrics\.csv: cannot be replaced: it is not a regular file' \
  "$tinycnn" train "${settings[@]}" --csv --out taken
expect 2 '--csv takes no value' "$tinycnn" train --csv=x
