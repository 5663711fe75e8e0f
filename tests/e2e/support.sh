# shellcheck shell=bash
# shellcheck disable=SC2034 # variables are for the scripts that source this file
# support.sh - what the end-to-end tests share: a temporary folder, expectations, small data sets.
#
# A test is a script that sources this file; it ends at the first expectation that is not met.
set -euo pipefail
: "${TC_BUILD:?the build folder}"
tinycnn="$TC_BUILD/tinycnn"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
unset TINYCNN_DATA
# Small nets on busy cores: threads that wait shall not spin.
export OMP_WAIT_POLICY=passive

# smaller_if_sanitized NORMAL SANITIZED: sanitizers make a program several times slower.
smaller_if_sanitized() {
  if [ -n "${TC_SANITIZE:-}" ]; then echo "$2"; else echo "$1"; fi
}

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# expect CODE PATTERN COMMAND...: the command ends with CODE, and what it prints on stderr is one line that
# matches the extended regular expression (nothing, if the pattern is empty).
expect() {
  local code=$1 pattern=$2 got=0
  shift 2
  "$@" >stdout.txt 2>stderr.txt || got=$?
  [ "$got" -eq "$code" ] || fail "exit code $got, expected $code: $* -- $(cat stderr.txt)"
  if [ -z "$pattern" ]; then
    [ ! -s stderr.txt ] || fail "unexpected on stderr: $(cat stderr.txt) -- $*"
  else
    [ "$(wc -l <stderr.txt)" -eq 1 ] || fail "not one line on stderr: $(cat stderr.txt) -- $*"
    grep -Eq -- "$pattern" stderr.txt || fail "stderr does not match \"$pattern\": $(cat stderr.txt) -- $*"
  fi
}

# The last command that `expect` ran printed a line that matches.
expect_printed() {
  grep -Eq -- "$1" stdout.txt || fail "stdout does not match \"$1\": $(cat stdout.txt)"
}

# pictures LABELS COUNT: COUNT records in CIFAR-10's layout; labels go round through 0 .. LABELS - 1 and
# say how bright the picture is.
pictures() {
  local i label
  for ((i = 0; i < $2; i++)); do
    label=$((i % $1))
    printf '%b' "\\x$(printf %02x "$label")"
    head -c 1024 /dev/zero | tr '\0' "\\$(printf %03o $((label * 24 + i % 7)))"
    head -c 2048 /dev/zero | tr '\0' "\\$(printf %03o $((200 - label * 16 + i % 5)))"
  done
}

# small_cifar FOLDER COUNT: a data set with COUNT pictures in each of the six files.
small_cifar() {
  mkdir -p "$1"
  pictures 10 "$2" >"$1/data_batch_1.bin"
  for i in 2 3 4 5; do cp "$1/data_batch_1.bin" "$1/data_batch_$i.bin"; done
  cp "$1/data_batch_1.bin" "$1/test_batch.bin"
}

# A safetensors file is 8 bytes of header length, the header, the tensors.
header_length() {
  od -An -tu8 -N8 "$1" | tr -d ' '
}
header() {
  tail -c +9 "$1" | head -c "$(header_length "$1")"
}
# The header but for the times, which no two runs share.
header_without_times() {
  header "$1" | sed -E 's/"training\.(epoch_)?(wait_)?seconds": ?"[^"]*"//g; s/ *$//'
}
tensors() {
  tail -c +$((9 + $(header_length "$1"))) "$1"
}
# metadata FILE KEY: a string of its __metadata__.
metadata() {
  header "$1" | grep -oE "\"$2\": ?\"[^\"]*\"" | sed -E 's/.*"([^"]*)"$/\1/'
}

# same_run A B: two run folders hold the same bits: weights, optimiser, position, results; times aside.
same_run() {
  local file
  for file in last best; do
    cmp <(tensors "$1/$file.safetensors") <(tensors "$2/$file.safetensors") || fail "$file: other tensors"
    cmp <(header_without_times "$1/$file.safetensors") <(header_without_times "$2/$file.safetensors") ||
      fail "$file: another header"
  done
  cmp <(metrics_without_times "$1") <(metrics_without_times "$2") || fail "other metrics"
}
metrics_without_times() {
  sed -E 's/"(seconds|img_per_s|wait_share|start_seconds)": [^,}]*//g' "$1/metrics.jsonl"
}
