#!/bin/bash
# What can be wrong with data, disks and checkpoints: exit code 1 and one line that names the file.
. "$(dirname "$0")/support.sh"
export HOME="$work/home"
small_cifar data/cifar-10-batches-bin 20
good="$work/data/cifar-10-batches-bin"
train=("$tinycnn" train --model lenet5 --epochs 1 --batch 16)

# ---- Data ----
expect 1 'cifar10: .*cifar-10-batches-bin.*nowhere' "${train[@]}" --data cifar10 --data-dir "$work/nowhere"
TINYCNN_DATA="$work/other" expect 1 "$work/other.*$work/home/.cache/tinycnn" "${train[@]}" --data cifar10
expect 1 'nothing-here: No such file' "${train[@]}" --data nothing-here

broken() {
  rm -rf broken
  cp -r "$good" broken
}
broken && rm broken/data_batch_3.bin
expect 1 'broken/data_batch_3.bin: .*No such file' "${train[@]}" --data broken
broken && head -c 3000 "$good/data_batch_2.bin" >broken/data_batch_2.bin
expect 1 'broken/data_batch_2.bin: .*3000.* 3073' "${train[@]}" --data broken
broken && { pictures 10 3; printf '\x0a'; head -c 3072 /dev/zero; } >broken/data_batch_4.bin
expect 1 'broken/data_batch_4.bin: record 4.* label 10, expected 0 to 9' "${train[@]}" --data broken
broken && : >broken/test_batch.bin
expect 1 'broken/test_batch.bin: .*empty' "${train[@]}" --data broken

tar -C data -czf good.tar.gz cifar-10-batches-bin
head -c $(($(wc -c <good.tar.gz) - 100)) good.tar.gz >cut.tar.gz
expect 1 'cut.tar.gz: ' "${train[@]}" --data cut.tar.gz
echo 'not an archive' >foreign.tar.gz
expect 1 'foreign.tar.gz: ' "${train[@]}" --data foreign.tar.gz
tar -C data/cifar-10-batches-bin -czf part.tar.gz data_batch_1.bin data_batch_2.bin
expect 1 'part.tar.gz: no data_batch_3.bin' "${train[@]}" --data part.tar.gz
[ ! -e runs ] || fail "missing data left a run folder behind"

# ---- Places to write ----
: >file
expect 1 'file/run: cannot be made: Not a directory' "${train[@]}" --data "$good" --out file/run
expect 1 '/proc/nothing: cannot be made: No such file' "${train[@]}" --data "$good" --out /proc/nothing/run
if [ "$(id -u)" -ne 0 ]; then
  mkdir locked && chmod a-w locked
  expect 1 'locked/run: Permission denied' "${train[@]}" --data "$good" --out locked/run
fi
expect 0 '' "${train[@]}" --data "$good" --out first
for file in config.json metrics.jsonl last.safetensors best.safetensors; do
  [ -s "first/$file" ] || fail "first/$file is missing"
done
expect 1 'first: holds a run already' "${train[@]}" --data "$good" --out first
expect 0 '' "${train[@]}" --data good.tar.gz --out second
# From the folder or from the archive: the same pictures, the same net.
cmp first/best.safetensors second/best.safetensors || fail "folder and archive differ"

# ---- Full disks ----
# A limit on the size of files stands for a disk that is full when the checkpoint is written ...
full() {
  (
    trap '' XFSZ
    ulimit -f 64
    exec "$@"
  )
}
expect 1 'small/best.safetensors.*: File too large' full "${train[@]}" --data "$good" --out small
[ -z "$(find small -name '*.safetensors*')" ] || fail "a part of a checkpoint was left behind: $(ls small)"
# ... and /dev/full for one that fills up as the metrics are written.
if [ -w /dev/full ]; then
  mkdir full && ln -s /dev/full full/metrics.jsonl
  expect 1 'full/metrics.jsonl: No space left' "${train[@]}" --data "$good" --out full
fi
# A disk that really is full needs the right to mount one.
mkdir disk
if [ "$(id -u)" -eq 0 ] && mount -t tmpfs -o size=64k tmpfs disk 2>/dev/null; then
  expect 1 'disk/run/.*: No space left' "${train[@]}" --data "$good" --out disk/run
  umount disk
fi

# A path that config.json cannot hold.
cp -r "$good" $'d\xe4ta'
expect 2 '--data: is not UTF-8 text, as config.json is' "${train[@]}" --data $'d\xe4ta' --out named
[ ! -e named ] || fail "a folder of no run is left"

# ---- Checkpoints ----
evaluate=("$tinycnn" eval --data "$good" --checkpoint)
expect 0 '' "${evaluate[@]}" first/best.safetensors
expect_printed '^lenet5: loss [0-9.]+, accuracy [0-9.]+% \([0-9]+ of 20\)$'
expect 0 '' "${evaluate[@]}" first/best.safetensors --json
expect_printed '"model": "lenet5".*"accuracy": [0-9.]+'
expect 1 'none.safetensors: .*No such file' "${evaluate[@]}" none.safetensors
head -c 1000 first/best.safetensors >cut.safetensors
expect 1 'cut.safetensors: ' "${evaluate[@]}" cut.safetensors
size=$(wc -c <first/best.safetensors)
head -c $((size - 1)) first/best.safetensors >cut.safetensors
expect 1 'cut.safetensors: ' "${evaluate[@]}" cut.safetensors
head -c 4 first/best.safetensors >cut.safetensors
expect 1 'cut.safetensors: ' "${evaluate[@]}" cut.safetensors
# One byte of a weight turned over.
{
  head -c $((size - 20)) first/best.safetensors
  tail -c 20 first/best.safetensors | head -c 1 | tr '\000-\377' '\200-\377\000-\177'
  tail -c 19 first/best.safetensors
} >turned.safetensors
expect 1 'turned.safetensors: .*(crc|CRC)' "${evaluate[@]}" turned.safetensors
expect 1 'first/config.json: ' "${evaluate[@]}" first/config.json

# ---- Resuming ----
expect 1 'nowhere/config.json: ' "$tinycnn" train --resume nowhere
expect 2 '--lr: the run in first has 0.05 and keeps it' "$tinycnn" train --resume first --lr 0.2
expect 2 '--epochs: the run in first has 1 and keeps it' "$tinycnn" train --resume first --epochs 2
expect 2 '--out: a resumed run stays in its folder' "$tinycnn" train --resume first --out elsewhere
expect 0 '' "$tinycnn" train --resume first --lr 0.05 --threads 1
cp -r first bad && echo '{"model": ' >bad/config.json
expect 1 'bad/config.json: line ' "$tinycnn" train --resume bad
# setting KEY VALUE: another value in bad/config.json.
setting() {
  sed "s/\"$1\": [^,]*/\"$1\": $2/" first/config.json >bad/config.json
}
setting epochs 0
expect 1 'bad/config.json: --epochs: 0 is not in the range' "$tinycnn" train --resume bad
setting model null
expect 1 'bad/config.json: "model" is not' "$tinycnn" train --resume bad
setting batchsize 1 && sed -i 's/"batch"/"batches"/' bad/config.json
expect 1 'bad/config.json: "batches" is no setting of a run' "$tinycnn" train --resume bad
rm -r bad && cp -r first bad && cp cut.safetensors bad/last.safetensors
expect 1 'bad/last.safetensors: ' "$tinycnn" train --resume bad
cp first/best.safetensors bad/last.safetensors
expect 1 'bad/last.safetensors: .*only a run.s last.safetensors can be resumed' "$tinycnn" train --resume bad
rm -r bad && cp -r first bad && : >bad/metrics.jsonl
expect 1 'bad/metrics.jsonl: 0 epochs, the checkpoint was made after 1' "$tinycnn" train --resume bad

# ---- Divergence ----
expect 3 'diverged: NaN or infinity at step [0-9]+ .*(result of|parameter|gradient of) ' \
  "$tinycnn" train --model lesson --data "$good" --lr 1e6 --epochs 20 --out diverged
