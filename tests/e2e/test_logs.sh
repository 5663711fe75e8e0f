#!/bin/bash
# Logs for other programs: metrics.csv and TensorBoard's events say what metrics.jsonl says, also after an interruption.
tests=$(cd "$(dirname "$0")/.." && pwd)
. "$(dirname "$0")/support.sh"

# field NAME: of each line of metrics.jsonl, null as nothing.
field() {
  sed -E 's/.*"'"$1"'": ([^,}]*).*/\1/; s/^null$//' "$run/metrics.jsonl"
}
column() {
  local number
  number=$(head -1 "$run/metrics.csv" | tr , '\n' | grep -nx "$1" | cut -d: -f1)
  tail -n +2 "$run/metrics.csv" | cut -d, -f"$number"
}
compare() {
  local name
  for name in epoch step train_loss train_acc val_loss val_acc test_loss test_acc tta_acc lr seconds img_per_s; do
    diff <(field $name) <(column $name) || fail "metrics.csv: $name"
  done
  [ "$(wc -l <"$run/metrics.csv")" -eq "$(($(wc -l <"$run/metrics.jsonl") + 1))" ] || fail "metrics.csv: lines"
  if /usr/bin/python3 -c 'import google.protobuf' 2>/dev/null; then
    /usr/bin/python3 "$tests/interchange/read_events.py" "$run"/events.out.tfevents.* >events.csv || fail "the event file is not well formed"
    for name in train_loss:loss/train test_acc:accuracy/test val_acc:accuracy/validation lr:lr; do
      # An event's number is a float.
      paste -d, <(paste -d, <(field step) <(field "${name%:*}") | grep -v ',$') <(grep ",${name#*:}," events.csv) |
        awk -F, '{ d = $2 - $5; if ($1 != $3 || d * d > 1e-12 * $2 * $2) bad = 1; n++ } END { exit bad || n < 1 && "'"$name"'" !~ /val/ }' ||
        fail "events: $name"
    done
  else
    echo "SKIPPED: event files read by Google's protobuf (python3-protobuf)"
  fi
}

small=(--model vgg --widths "4,4,4" --data shapes --quiet)
run=held_out
expect 0 '' "$tinycnn" train "${small[@]}" --val 2000 --eval-every 2 --epochs 2 --csv --tensorboard --out held_out
compare
run="run"
expect 0 '' "$tinycnn" train "${small[@]}" --epochs 2 --schedule constant --csv --tensorboard --out run
compare
# What was written after the checkpoint, and a half of a record, are gone after a resume.
cp -r run cut
tail -1 run/metrics.csv >>cut/metrics.csv
printf '%s' "half" >>cut/metrics.csv
tail -c 40 run/events.out.tfevents.tinycnn >>cut/events.out.tfevents.tinycnn
run="cut"
expect 0 '' "$tinycnn" train --resume cut --epochs 3 --quiet
[ "$(wc -l <cut/metrics.jsonl)" -eq 3 ] || fail "epochs: $(cat cut/metrics.jsonl)"
compare
head -2 run/metrics.csv >cut/metrics.csv
expect 1 'cut/metrics.csv: holds fewer epochs than the 3' "$tinycnn" train --resume cut --epochs 4 --quiet
cat run/metrics.csv run/metrics.csv >cut/metrics.csv
head -c 100 run/events.out.tfevents.tinycnn >cut/events.out.tfevents.tinycnn
expect 1 'cut/events.out.tfevents.tinycnn: holds fewer epochs than the 3' "$tinycnn" train --resume cut --epochs 4 --quiet
expect 0 '' "$tinycnn" train "${small[@]}" --epochs 0.1 --out plain
for name in metrics.csv events.out.tfevents.tinycnn; do
  [ ! -e plain/$name ] || fail "$name is written without being asked for"
done
