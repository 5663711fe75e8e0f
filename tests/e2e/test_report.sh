#!/bin/bash
# report: whole runs, odd runs, several runs, a run that goes on; and folders that are none.
. "$(dirname "$0")/support.sh"
has() { grep -q -- "$2" "$1" || fail "$1 has no \"$2\""; }
charts() { grep -o '<svg' "$1" | wc -l; }

epochs=$(smaller_if_sanitized 2 1)
expect 0 '' "$tinycnn" train --model lenet5 --data shapes --epochs "$epochs" --quiet --out one
expect 0 '' "$tinycnn" report one
expect_printed '^one/report.html$'
has one/report.html '<h1>Training run one</h1>'
has one/report.html '<td>finished</td>'
has one/report.html 'Confusion matrix'
has one/report.html 'Class by class'
has one/report.html 'Expected calibration error'
has one/report.html 'taken for'
has one/report.html '<th scope="row">processor</th>'
has one/report.html '<th scope="row">label-smoothing</th>'
[ "$(charts one/report.html)" -ge 7 ] || fail "$(charts one/report.html) charts"
grep -Eq 'https?:|<script' one/report.html && fail "the page asks for something from elsewhere"

# Of one epoch, interrupted, with a line half written.
expect 0 '' "$tinycnn" train --model lenet5 --data shapes --epochs 0.2 --quiet --out short
expect 0 '' "$tinycnn" report short
has short/report.html 'finished'
cp -r one broken
printf '{"epoch": 3, "train_lo' >>broken/metrics.jsonl
rm broken/last.safetensors
expect 0 '' "$tinycnn" report broken
has broken/report.html '1 line of metrics.jsonl could not be read'
has broken/report.html 'stopped before anything was saved'
cp -r one nothing
rm nothing/*.safetensors nothing/metrics.jsonl
expect 0 '' "$tinycnn" report nothing
has nothing/report.html 'No epoch has ended yet'
has nothing/report.html 'no net is saved yet'
cp -r one nan
sed -i 's/"train_loss": [0-9.e-]*/"train_loss": null/; s/"test_acc": [0-9.e-]*/"test_acc": null/' nan/metrics.jsonl
expect 0 '' "$tinycnn" report nan
grep -Eiq '[^a-z](nan|inf)[^a-z]' <(grep -o '<svg.*</svg>' nan/report.html) && fail "NaN in a chart"
# Its data is gone.
small_cifar data 20
expect 0 '' "$tinycnn" train --model lenet5 --data "$work/data" --epochs 1 --batch 20 --quiet --out gone
mv data elsewhere
expect 0 '' "$tinycnn" report gone
has gone/report.html 'The test pictures could not be looked at'
expect 0 '' "$tinycnn" report gone --data "$work/elsewhere"
has gone/report.html 'Confusion matrix'

expect 0 '' "$tinycnn" report one short gone --out all.html
has all.html '<h1>3 training runs</h1>'
has all.html 'short: test'
has all.html 'What gone does'

# While a run goes on the page reloads itself; afterwards it is whole and does not.
"$tinycnn" train --model lenet5 --data "$work/elsewhere" --epochs 100000 --batch 20 --quiet --out live &
trainer=$!
until [ -s live/metrics.jsonl ]; do
  kill -0 "$trainer" 2>/dev/null || fail "the run ended before its first epoch"
  sleep 0.1
done
expect 1 'another process trains this run' "$tinycnn" train --resume live
"$tinycnn" report live --live >live.txt 2>&1 &
reporter=$!
until [ -s live/report.html ]; do
  kill -0 "$reporter" 2>/dev/null || fail "report --live ended early: $(cat live.txt)"
  sleep 0.1
done
has live/report.html 'http-equiv="refresh"'
has live/report.html 'running,'
kill -TERM "$trainer"
wait "$trainer" || true
wait "$reporter" || fail "report --live ended with $?: $(cat live.txt)"
has live/report.html 'can be resumed'
has live/report.html 'Confusion matrix'
grep -q 'http-equiv' live/report.html && fail "the finished page still reloads itself"

expect 2 'name the folder of a run' "$tinycnn" report
mkdir empty
expect 1 'empty: holds no run: there is no config.json' "$tinycnn" report empty
expect 1 'nowhere: No such file' "$tinycnn" report nowhere
expect 1 'one/config.json: is not a folder' "$tinycnn" report one/config.json
expect 1 'empty: holds no run' "$tinycnn" report one empty --out both.html
[ ! -e both.html ] || fail "a page was written all the same"
expect 1 'missing/page.html' "$tinycnn" report one --out missing/page.html
