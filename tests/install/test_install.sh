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

"$prefix/bin/tinycnn" --version | grep -q '^tinycnn ' || { echo "the installed program does not run"; exit 1; }
# Only names that begin with tc_ leave the shared library.
others=$(nm -D --defined-only "$libdir"/libtinycnn.so | awk '$2 != "A" {print $3}' | grep -v '^tc_' || true)
[ -z "$others" ] || { echo "libtinycnn.so exports names beside tc_*: $others"; exit 1; }
