#!/bin/bash
# fetch: what it says where there is nothing to fetch (test_download has the server that misbehaves).
. "$(dirname "$0")/support.sh"
export no_proxy=127.0.0.1

if ! "$tinycnn" --version | grep -q libcurl; then
  expect 1 'this build has no libcurl' "$tinycnn" fetch mnist --data-dir data
  echo "SKIPPED: this build has no libcurl"
  exit 77
fi
nobody=http://127.0.0.1:1
expect 2 'name data sets: cifar10, cifar100, mnist, fashion-mnist' "$tinycnn" fetch
expect 2 'no data set cifar11, there are' "$tinycnn" fetch mnist cifar11
expect 1 '127\.0\.0\.1:1/cifar-10-binary\.tar\.gz: .*onnect' "$tinycnn" fetch cifar10 --from $nobody --attempts 1 --data-dir a/b/data
[ -z "$(ls -A a/b/data)" ] || fail "left behind: $(ls -A a/b/data)"
TINYCNN_DATA=$work/other expect 1 'mnist/train-images-idx3-ubyte\.gz: .*onnect' "$tinycnn" fetch mnist --from $nobody/mnist/ --attempts 1
[ -d other/mnist ] || fail "no folder for MNIST"
# What is there is looked at, and not replaced.
echo mine >other/mnist/train-images-idx3-ubyte.gz
expect 1 'train-images-idx3-ubyte.gz: 5 bytes, expected 9912422' "$tinycnn" fetch mnist --from $nobody --data-dir other
[ "$(cat other/mnist/train-images-idx3-ubyte.gz)" = mine ] || fail "replaced"
echo no folder >file
expect 1 'file/mnist: cannot be made' "$tinycnn" fetch mnist --data-dir file
expect 1 'ftp' "$tinycnn" fetch mnist --from ftp://127.0.0.1 --attempts 1 --data-dir data
HOME=$work expect 1 'cifar10: .*tinycnn fetch cifar10' "$tinycnn" train --data cifar10 --data-dir data
