#!/bin/bash
# The .deb: what cpack makes is installed by dpkg into a folder of its own, runs from there, and leaves nothing when it is
# purged.
set -euo pipefail
: "${TC_BUILD:?the build folder}" "${TC_CMAKE:?cmake}"
for tool in dpkg-deb dpkg-shlibdeps file; do
  command -v $tool >/dev/null || { echo "SKIPPED: $tool (packages dpkg, dpkg-dev, file)"; exit 77; }
done
fail() {
  echo "FAILED: $*" >&2
  exit 1
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"$(dirname "$TC_CMAKE")/cpack" -G DEB --config "$TC_BUILD/CPackConfig.cmake" -B "$work/made" >cpack.log 2>&1 || fail "$(cat cpack.log)"
deb=$(echo made/*.deb)
[ -f "$deb" ] || fail "not one .deb: $deb"
for field in Package Version Architecture Maintainer Section Depends Description; do
  [ -n "$(dpkg-deb -f "$deb" $field)" ] || fail "no field $field"
done
dpkg-deb -f "$deb" Depends | grep -q 'libc6.*libopenblas0\|libopenblas0.*libc6' || fail "Depends: $(dpkg-deb -f "$deb" Depends)"
! dpkg-deb -c "$deb" | awk '$1 ~ /^-/ && $2 != "root/root"' | grep . || fail "files that are not root's"

# What it depends on is here (it was built here), but this dpkg has an empty database: its word on that is not asked.
mkdir -p root/var/lib/dpkg/{info,updates,triggers} root/usr
touch root/var/lib/dpkg/status
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v fakeroot >/dev/null || { echo "SKIPPED: installing needs root or fakeroot"; exit 0; }
  as_root=(fakeroot)
fi
quiet=(--root="$work/root" --force-depends --force-not-root --force-script-chrootless --log="$work/dpkg.log")
"${as_root[@]}" dpkg "${quiet[@]}" -i "$deb" >install.log 2>&1 || fail "$(cat install.log)"
[ "$(dpkg --root="$work/root" -V tinycnn)" = "" ] || fail "dpkg -V: $(dpkg --root="$work/root" -V tinycnn)"
export OMP_WAIT_POLICY=passive
root/usr/bin/tinycnn train --model lesson --data shapes --epochs 0.1 --quiet --out run || fail "the installed program does not train"
[ -s run/last.safetensors ] || fail "no checkpoint"
zcat root/usr/share/man/man1/tinycnn.1.gz | grep -q '^\.TH TINYCNN' || fail "no manual page"
! readelf -d root/usr/bin/tinycnn root/usr/lib/*.so* | grep -E 'RPATH|RUNPATH' || fail "a path of the build within"
"${as_root[@]}" dpkg "${quiet[@]}" -P tinycnn >purge.log 2>&1 || fail "$(cat purge.log)"
left=$(find root -path root/var -prune -o -type f -print)
[ -z "$left" ] || fail "left behind: $left"
[ -z "$(dpkg --root="$work/root" -l tinycnn 2>/dev/null | grep tinycnn || true)" ] || fail "dpkg still knows it"
echo "a package of $(wc -c <"$deb") bytes"
