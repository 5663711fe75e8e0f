#!/bin/bash
# Recipes, held-out pictures, several seeds, training by the clock.
. "$(dirname "$0")/support.sh"

for recipe in airbench94 airbench94-muon; do
  expect 0 '' "$tinycnn" recipes
  expect_printed "^$recipe  +[^ ]"
  expect 0 '' "$tinycnn" recipes --show "$recipe"
  expect_printed '^optimizer = (sgd|muon)$'
done
expect 2 'there is no recipe x; tinycnn recipes lists them' "$tinycnn" recipes --show x

# A recipe with every part in it, run, stopped and taken up again: the same bits; a flag wins over its line.
small_cifar data 60
cat >mine.txt <<'END'
recipe = airbench94-muon
widths = 8,8,8   # a small net
cutout = 8
rotation = 10
jitter = 0.2,0.2,0.2,0.05
erasing = 0.25
mixup = 0.2
cutmix = 1
average = ema
average-every = 1
small-size = 26
small-until = 0.5
END
mine=("$tinycnn" train --recipe "$work/mine.txt" --data "$work/data" --batch 50 --eval-every 1)
train() { "${mine[@]}" "$@"; }
expect 0 '' train --epochs 2.5 --seed 3 --val 60 --out whole
expect_printed '^airbench94 on .*data \(3, 32, 32\): 240 pictures to train, 60 to validate, 60 to test, [0-9]+ parameters'
expect_printed '^epoch 3/3  step 10 .* validation loss .* test loss .* augmented [0-9.]+%'
expect_printed '^test accuracy [0-9.]+%, [0-9.]+% with test-time augmentation; best validation accuracy [0-9.]+% \(epoch'
[ "$(wc -l <whole/metrics.jsonl)" -eq 3 ] || fail "not 3 lines: $(cat whole/metrics.jsonl)"
[ "$(grep -c '"test_acc": null' whole/metrics.jsonl)" -eq 2 ] || fail "the test pictures were looked at before the end"
[ "$(grep -c '"val_acc": null' whole/metrics.jsonl)" -eq 0 ] || fail "an epoch was not validated"
grep -q '"recipe": "' whole/config.json || fail "the recipe is not named in config.json"
grep -q '"batch": 50,' whole/config.json || fail "--batch did not win"
grep -q '"muon-momentum": 0.6,' whole/config.json || fail "a line of the recipe is not in config.json"

expect 0 '' train --epochs 2.5 --seed 3 --val 60 --threads 1 --out single
same_run whole single

# Stopped in the middle, by a signal as soon as the first line is written.
"${mine[@]}" --epochs 2.5 --seed 3 --val 60 --out halves >/dev/null 2>stop.txt &
pid=$!
until [ -s halves/metrics.jsonl ]; do
  kill -0 "$pid" 2>/dev/null || break
  sleep 0.01
done
kill -INT "$pid" 2>/dev/null || true
code=0
wait "$pid" || code=$?
if [ "$code" -eq 0 ]; then
  echo "the run was over before the signal came"
else
  [ "$code" -eq 130 ] || fail "stopped: exit code $code: $(cat stop.txt)"
  expect 0 '' "$tinycnn" train --resume halves --quiet
fi
same_run whole halves

# The checkpoint says which widths it has.
expect 0 '' "$tinycnn" eval --checkpoint whole/last.safetensors --data "$work/data" --tta shift --json
augmented=$(sed -n 3p whole/metrics.jsonl | grep -oE '"tta_acc": [0-9.]+' | cut -d' ' -f2)
expect_printed "\"accuracy\": ${augmented}[,}]"

# Several seeds: a folder each, and what they say together.
expect 0 '' train --epochs 1 --seeds 3 --seed 5 --tta none --out seeds
expect_printed '^test accuracy over 3 seeds: mean [0-9.]+%, standard deviation [0-9.]+%, 95% confidence interval of the mean'
for seed in 5 6 7; do
  [ -s "seeds/seed-$seed/last.safetensors" ] || fail "seed $seed left no net"
  grep -q "\"seed\": $seed," "seeds/seed-$seed/config.json" || fail "seed $seed: another one in config.json"
done
expect 1 'seeds/seed-6: is there already' train --epochs 1 --seeds 2 --seed 6 --out seeds
expect 0 '' train --epochs 1 --seeds 2 --seed 8 --out seeds --quiet
[ ! -s stdout.txt ] || fail "--quiet printed: $(cat stdout.txt)"

# By the clock: the time is kept (to a step, which takes long on busy cores), and the rate has come down at its end.
expect 0 '' train --minutes 0.05 --batch 20 --out clock
awk -F'"seconds": ' 'END {s = $2 + 0; exit !(s > 2 && s < 6)}' clock/metrics.jsonl || fail "not 3 s: $(tail -1 clock/metrics.jsonl)"
awk -F'"lr": ' 'END {exit !($2 + 0 < 0.1)}' clock/metrics.jsonl || fail "the rate is still high: $(tail -1 clock/metrics.jsonl)"

# A budget for the program to spend: it measures, promises and keeps the time; flags win over the recipe.
for i in 1 2 3 4 5; do
  mkdir -p many
  for ((j = 0; j < 40; j++)); do cat data/data_batch_1.bin; done >"many/data_batch_$i.bin"
done
cp data/test_batch.bin many/
budget() { "$tinycnn" train --data "$work/many" --widths 8,8,8 "$@"; }
expect 0 '' budget --minutes 0.05 --lr 0.01 --weight-decay 1e-5 --accumulate 100 --batch 10 --out budget
expect_printed '^recipe muon-[0-9]+: [0-9]+ img/s, about [0-9.]+ epochs; (too short|expected)'
grep -q '"recipe": "muon-' budget/config.json || fail "no recipe was taken: $(cat budget/config.json)"
grep -q '"lr": 0.01,' budget/config.json || fail "--lr did not win over the recipe"
grep -q '"weight-decay": 1e-05,' budget/config.json || fail "--weight-decay did not win over the recipe"
grep -q '"norm-bias-lr": 0.01,' budget/config.json || fail "the batch norms' rate does not follow --lr"
grep -q '"head-lr": 0.67,' budget/config.json || fail "a line of the recipe is not in config.json"
awk -F'"seconds": ' 'END {s = $2 + 0; exit !(s > 2 && s < 6)}' budget/metrics.jsonl || fail "not 3 s: $(tail -1 budget/metrics.jsonl)"
expect 0 '' budget --minutes 0.02 --model lenet5 --widths 6,16,120,84 --out chosen
[ "$(grep -c promise stdout.txt)" -eq 0 ] || fail "a promise for a net that was chosen"
"$tinycnn" train --data "$work/many" --widths 8,8,8 --minutes 30 --out long >long.txt 2>/dev/null &
until grep -qs 'trained by' long.txt; do
  kill -0 $! 2>/dev/null || fail "ended without a promise: $(cat long.txt)"
  sleep 0.1
done
kill -TERM $!
wait $! || [ $? -eq 143 ] || fail "exit code of a budget that was stopped"
mv long.txt stdout.txt
expect_printed '^recipe muon-[0-9]+: [0-9]+ img/s, about [0-9.]+ epochs; expected test accuracy [0-9.]+% \(of the recipe without your changes\); trained by [0-9:]+, without the time of evaluation$'
expect 0 '' budget --minutes 0.002 --out moment
expect_printed '; too short to say what accuracy to expect; trained by'
expect 2 '--rates: adam and adamw have plain ones only' budget --minutes 1 --optimizer adam

# Stopped before training began: as soon as the program catches the signal, and while it measures.
is_caught() {
  local mask
  [ "$(cat "/proc/$1/comm")" = tinycnn ] || return 1
  mask=$(sed -n 's/^SigCgt:\s*//p' "/proc/$1/status")
  [ $((16#$mask & 2)) -ne 0 ]
}
is_measuring() { grep -q '^measuring this machine$' early.txt; }
for moment in is_caught is_measuring; do
  "$tinycnn" train --data "$work/many" --minutes 30 --out early >early.txt 2>stderr.txt &
  until "$moment" $!; do
    kill -0 $! 2>/dev/null || fail "$moment: ended before its time: $(cat stderr.txt)"
    sleep 0.01
  done
  kill -INT $!
  code=0
  wait $! || code=$?
  [ "$code" -eq 130 ] || fail "$moment: exit code $code of a budget that was stopped: $(cat stderr.txt)"
  grep -q 'stopped before training began' stderr.txt || fail "$moment: $(cat stderr.txt)"
  [ ! -e early ] || fail "$moment: a folder is left"
done

# A run of before some options were there goes on with their defaults.
expect 0 '' "$tinycnn" train --model lenet5 --data "$work/data" --epochs 2 --out before
cp -r before now
sed -i -E '/"(recipe|widths|val|muon-lr|average|jitter)":/d' before/config.json
rm before/last.safetensors before/metrics.jsonl
expect 0 '' "$tinycnn" train --resume before
same_run now before

# No flip is no flip, in whatever mode; what is asked for is done on shapes too.
first_loss() { grep -oE '"train_loss": [0-9.e-]+' "$1/metrics.jsonl" | head -1; }
plain=(train --augment standard --crop-padding 0 --epochs 1 --val 0)
expect 0 '' "${plain[@]}" --flip 0 --flip-mode alternating --out flip1
expect 0 '' "${plain[@]}" --flip 0 --flip-mode random --out flip2
expect 0 '' "${plain[@]}" --flip-mode alternating --out flip3
[ "$(first_loss flip1)" = "$(first_loss flip2)" ] || fail "--flip 0 flips"
[ "$(first_loss flip1)" != "$(first_loss flip3)" ] || fail "alternating does not flip"
shapes=("$tinycnn" train --data shapes --model lenet5 --epochs 0.05)
expect 0 '' "${shapes[@]}" --out shapes1
expect 0 '' "${shapes[@]}" --out shapes2 --cutout 16
[ "$(first_loss shapes1)" != "$(first_loss shapes2)" ] || fail "--cutout does nothing on shapes"

# What can go wrong.
printf 'model = vgg\nmomentun = 0.9\n' >wrong.txt
expect 2 'recipe .*wrong.txt, line 2: "momentun" is no setting' "$tinycnn" train --recipe ./wrong.txt
printf '# no\n\nlr 3\n' >wrong.txt
expect 2 'line 3: "lr 3" is not "name = value"' "$tinycnn" train --recipe ./wrong.txt
printf 'lr = fast\n' >wrong.txt
expect 2 'line 1: --lr: "fast" is not a number' "$tinycnn" train --recipe ./wrong.txt --lr 1
printf 'out = x\n' >wrong.txt
expect 2 'line 1: "out" is no setting' "$tinycnn" train --recipe ./wrong.txt
printf 'batch = 1\nbatch = 2\n' >wrong.txt
expect 2 'line 2: batch is set twice' "$tinycnn" train --recipe ./wrong.txt
printf 'recipe = ./wrong.txt\n' >wrong.txt
expect 2 'recipe ./wrong.txt: more than 8 recipes based on each other' "$tinycnn" train --recipe ./wrong.txt
printf 'batch = 1\nrecipe = airbench94\n' >wrong.txt
expect 2 'line 2: the recipe to begin from has to come first' "$tinycnn" train --recipe ./wrong.txt
expect 2 'there is no recipe airbench; known are airbench94' "$tinycnn" train --recipe airbench
expect 2 'recipe ./nowhere: No such file' "$tinycnn" train --recipe ./nowhere
expect 2 '--widths: 5 numbers' "$tinycnn" train --widths 1,2,3,4,5
expect 2 '--jitter' "$tinycnn" train --jitter 1,2
expect 2 'lesson: width 4 is 9; it has 3' "$tinycnn" train --widths 1,2,3,9
expect 2 'lesson: has no batch norm' "$tinycnn" train --bn-eps 0.1
expect 2 '--drop-last: a batch of 9999 is more than' "$tinycnn" train --data "$work/data" --batch 9999 --drop-last
expect 2 '--val: .*300' "$tinycnn" train --data "$work/data" --val 300
expect 2 '--rates: adam and adamw have plain ones only' "$tinycnn" train --optimizer adam --rates sum
expect 2 "--small-size: the net lesson can't take pictures of 16 x 16" "$tinycnn" train --small-size 16 --out small
expect 2 '--small-size: 40 is more than' "$tinycnn" train --model resnet20 --small-size 40 --out small
[ ! -e small ] || fail "--small-size left a folder behind"
for grow in '--average ema' '--average lookahead' '--epochs 1.5' '--val 60'; do
  read -ra options <<<"$grow"
  expect 0 '' "$tinycnn" train --model lenet5 --data "$work/data" --schedule constant --epochs 1 "${options[@]}" --out "grow${grow// /}" --quiet
  expect 2 '--epochs: .*keeps it' "$tinycnn" train --resume "grow${grow// /}" --epochs 3
done
[ ! -e runs ] || fail "a usage error left a run folder behind"
