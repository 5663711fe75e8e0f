#!/bin/bash
# Installs the build into a folder and builds an outside program against it in four ways: CMake's package and
# pkg-config, the shared and the static library.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
: "${TC_BUILD:?the build folder}" "${TC_CC:?the C compiler}" "${TC_CMAKE:?cmake}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix="$work/prefix"

"$TC_CMAKE" --install "$TC_BUILD" --prefix "$prefix" >"$work/install.log"

"$TC_CMAKE" -S "$here" -B "$work/build" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER="$TC_CC" \
  -DCMAKE_C_FLAGS="-Wall -Wextra -Wpedantic -Werror" >"$work/configure.log"
"$TC_CMAKE" --build "$work/build" >"$work/build.log" || { cat "$work/build.log"; exit 1; }
echo "find_package, shared: $("$work/build/with_shared")"
echo "find_package, static: $("$work/build/with_static")"

pc=$(dirname "$(find "$prefix" -name tinycnn.pc)")
export PKG_CONFIG_PATH="$pc"
libdir=$(pkg-config --variable=libdir tinycnn)
read -ra cflags <<<"$(pkg-config --cflags tinycnn)"
read -ra shared <<<"$(pkg-config --libs tinycnn)"
# -ltinycnn would take the shared library, which lies in the same folder.
read -ra static <<<"$(pkg-config --static --libs tinycnn | sed 's/-ltinycnn/-l:libtinycnn.a/')"
"$TC_CC" -std=c11 "$here/outside.c" "${cflags[@]}" "${shared[@]}" -o "$work/pc_shared"
"$TC_CC" -std=c11 "$here/outside.c" "${cflags[@]}" "${static[@]}" -o "$work/pc_static"
echo "pkg-config, shared:   $(LD_LIBRARY_PATH="$libdir" "$work/pc_shared")"
echo "pkg-config, static:   $("$work/pc_static")"

# Who links the shared library needs no other package's .pc file.
PKG_CONFIG_LIBDIR="$pc" pkg-config --cflags --libs tinycnn >/dev/null || { echo "pkg-config asks for other packages"; exit 1; }

# From C++, where there is a compiler for it.
for cxx in g++ clang++; do
  if ! command -v $cxx >/dev/null; then echo "SKIPPED: $cxx"; continue; fi
  for standard in 11 20; do
    $cxx -std=c++$standard -Wall -Wextra -Wpedantic -Wshadow -Werror "$here/outside.cpp" "${cflags[@]}" "${shared[@]}" -o "$work/cxx"
  done
  echo "C++ by $cxx:          $(LD_LIBRARY_PATH="$libdir" "$work/cxx")"
done

"$prefix/bin/tinycnn" --version | grep -q '^tinycnn ' || { echo "the installed program does not run"; exit 1; }
# Only names that begin with tc_ leave the shared library.
others=$(nm -D --defined-only "$libdir"/libtinycnn.so | awk '$2 != "A" {print $3}' | grep -v '^tc_' || true)
[ -z "$others" ] || { echo "libtinycnn.so exports names beside tc_*: $others"; exit 1; }
others=$(nm -g --defined-only "$libdir"/libtinycnn.a 2>/dev/null | awk 'NF == 3 {print $3}' | grep -vE '^(tc_|tci_|TCI_|__odr_asan_gen_tci?_)' || true)
[ -z "$others" ] || { echo "libtinycnn.a defines names beside tc*_*: $others"; exit 1; }
# Whatever a header declares, and is not inline, does.
declared=$(cat "$prefix"/include/tinycnn/*.h | grep -v 'static inline' | tr -d '*' | grep -oE '^[a-z][a-z0-9_ ]* tc_[a-z0-9_]+\(' |
  sed -E 's/.* (tc_[a-z0-9_]+)\($/\1/' | sort -u)
exported=$(nm -D --defined-only "$libdir"/libtinycnn.so | awk '{print $3}')
[ "$(wc -l <<<"$declared")" -gt 100 ] || { echo "only these are declared: $declared"; exit 1; }
for name in $declared; do
  grep -qx "$name" <<<"$exported" || { echo "libtinycnn.so does not export $name"; exit 1; }
done
soname=$(objdump -p "$libdir"/libtinycnn.so | awk '$1 == "SONAME" {print $2}')
if [ "$soname" != libtinycnn.so.0.1 ] || [ ! -e "$libdir/$soname" ]; then echo "SONAME $soname"; exit 1; fi
for page in man/man1/tinycnn.1.gz bash-completion/completions/tinycnn zsh/vendor-completions/_tinycnn; do
  [ -s "$prefix/share/$page" ] || { echo "share/$page is not installed"; exit 1; }
done
