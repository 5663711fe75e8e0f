#!/bin/bash
# The man page and the shells' completions: made from the table that --help is made from, so that nothing is missing, and
# good in the eyes of man, bash and zsh.
. "$(dirname "$0")/support.sh"
docs=$TC_BUILD/docs

# Every option of every command is in all of them.
for command in $("$tinycnn" --help | sed -n 's/^  \([a-z-]*\)  *[A-Z].*/\1/p'); do
  "$tinycnn" "$command" --help >help.txt
  man_part=$(awk -v name="TINYCNN ${command^^}" '/^\.SH/ { on = index($0, "\"" name "\"") > 0 } on' "$docs/man/tinycnn.1" | tr -d "\\\\")
  zsh_part=$(awk -v name="    $command)" '$0 == name { on = 1 } on { print } on && /;;/ { exit }' "$docs/zsh/_tinycnn")
  bash_part=$(awk -v name="    $command)" '$0 == name { on = 1 } on { print } on && /;;/ { exit }' "$docs/bash/tinycnn")
  while read -r option; do
    [ "$option" = help ] || grep -q "fB--$option\bfR\|fB--${option}fR" <<<"$man_part" || fail "man: $command --$option"
    grep -q -- "--${option}[=[]" <<<"$zsh_part" || fail "zsh: $command --$option"
    grep -q -- "--${option}[ \"]" <<<"$bash_part" || fail "bash: $command --$option"
  done < <(sed -nE 's/^  --(\[no-\])?([a-z0-9-]+).*/\2/p' help.txt)
done

if command -v man >/dev/null && command -v groff >/dev/null; then
  man --warnings -l "$docs/man/tinycnn.1" >page.txt 2>warnings.txt
  [ ! -s warnings.txt ] || fail "man warns: $(cat warnings.txt)"
  grep -q 'trains convolutional networks' page.txt || fail "an empty page"
else
  echo "SKIPPED: the page as man shows it (man-db, groff)"
fi

# complete WORD...: what bash offers for the last word.
# shellcheck disable=SC1091
. "$docs/bash/tinycnn"
complete_words() {
  COMP_WORDS=("$@")
  COMP_CWORD=$(($# - 1))
  _tinycnn
  printf '%s\n' "${COMPREPLY[@]}" | sort | paste -sd' '
}
offers() { # EXPECTED WORD...
  local expected=$1 got
  shift
  got=$(complete_words "$@")
  [ "$got" = "$expected" ] || fail "bash offers \"$got\" for \"$*\", expected \"$expected\""
}
mkdir -p some/folder
touch some/file.safetensors
offers 'train' tinycnn tr
offers 'recipes report' tinycnn re
offers '--model' tinycnn train --mod
offers '--nesterov' tinycnn train --nest
offers '--no-nesterov' tinycnn train --no-nest
offers 'adam adamw muon sgd' tinycnn train --optimizer ''
offers 'adam adamw' tinycnn train --optimizer = ad
offers 'lenet5 lesson' tinycnn train --model le
offers 'cifar10 cifar100 cifar100-coarse' tinycnn eval --data ci
offers 'some/file.safetensors' tinycnn eval --checkpoint some/fi
offers 'some/folder' tinycnn train --out some/f
offers 'some/file.safetensors some/folder' tinycnn predict some/f
offers 'mnist' tinycnn fetch mn
offers 'muon-64' tinycnn train --recipe muon-6
offers '' tinycnn train --batch ''
offers '' tinycnn train x

if command -v zsh >/dev/null; then
  zsh -n "$docs/zsh/_tinycnn" || fail "zsh: syntax"
  cat >complete.zsh <<'Z'
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z "PS1=; fpath=($1 \$fpath); autoload -U compinit; compinit -u -D -d $2/dump; zstyle ':completion:*' list-grouped false; echo ready"
zpty -r z line '*ready*ready*'
zpty -w -n z 'tinycnn train --optimizer='$'\t\t'
zpty -r z line '*adamw*'
print -r -- "$line"
Z
  timeout 120 zsh -f complete.zsh "$docs/zsh" "$work" >zsh.txt 2>&1 || fail "zsh: $(cat zsh.txt)"
  if grep -q "can't open pseudo terminal" zsh.txt; then
    echo "SKIPPED: completion in zsh (there are no pseudo-terminals here)"
  else
    grep -q 'adamw' zsh.txt || fail "zsh offers no adamw: $(cat zsh.txt)"
  fi
else
  echo "SKIPPED: completion in zsh"
fi
