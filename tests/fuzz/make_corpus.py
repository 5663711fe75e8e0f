"""make_corpus.py TINYCNN: writes the seeds in corpus/, a few small good files for every target. Needs the standard library,
the golden files beside this folder, and the program for a recipe and a run."""
import gzip
import io
import json
import pathlib
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile
import zlib

HERE = pathlib.Path(__file__).parent
GOLDEN = HERE.parent / "golden"
CORPUS = HERE / "corpus"


def seed(target, name, data):
    assert len(data) < 8192, (target, name, len(data))
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def tar(members, kind=tarfile.USTAR_FORMAT):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=kind) as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    # Without the zeros that fill the last ten kilobytes.
    return out.getvalue().rstrip(b"\0") + bytes(1024)


def png(width, height, depth, color, rows, *chunks):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    raw = b"".join(b"\0" + row for row in rows)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)) +
            b"".join(chunk(*c) for c in chunks) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b""))


def npy(descr, shape, values):
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text + values


def safetensors(tensors, metadata=None):
    header, offset, data = {}, 0, b""
    if metadata:
        header["__metadata__"] = metadata
    for name, shape, kind, values in tensors:
        part = struct.pack(f"<{len(values)}{'f' if kind == 'F32' else 'q'}", *values)
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [offset, offset + len(part)]}
        offset += len(part)
        data += part
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


shutil.rmtree(CORPUS, ignore_errors=True)
small = [("a/one.txt", b"one"), ("a/" + "long" * 40, b"two" * 300)]
seed("gz", "ustar", gzip.compress(tar(small, tarfile.GNU_FORMAT), mtime=0))
seed("gz", "stored", gzip.compress(tar(small[:1]), compresslevel=0, mtime=0))
seed("gz", "two-parts", gzip.compress(tar(small, tarfile.GNU_FORMAT)[:700], mtime=0) + gzip.compress(tar(small, tarfile.GNU_FORMAT)[700:], mtime=0))
seed("tar", "ustar", tar(small[:1]))
seed("tar", "gnu", tar(small, tarfile.GNU_FORMAT)[:3000])
seed("tar", "pax", tar([("x/" + "\u00e4" * 60, b"1")], tarfile.PAX_FORMAT))
seed("tar", "batch", tar([("cifar-10-batches-bin/data_batch_1.bin", bytes(3073))]))
idx = [struct.pack(">4B3I", 0, 0, 8, 3, 2, 2, 1) + bytes(4), struct.pack(">4BI", 0, 0, 8, 1, 2) + b"\0\1",
       struct.pack(">4B3I", 0, 0, 8, 3, 1, 2, 1) + bytes(2), struct.pack(">4BI", 0, 0, 8, 1, 1) + b"\1"]
for i, data in enumerate(idx):
    seed("idx", f"plain{i}", bytes([i]) + data)
    seed("idx", f"gz{i}", bytes([4 + i]) + gzip.compress(data, mtime=0))
seed("cifar", "batch", bytes([0]) + b"\3" + bytes(range(256)) * 12)
seed("cifar", "hundred", bytes([6]) + b"\3\x40" + bytes(range(256)) * 12)
seed("npy", "pictures", b"\0" + npy("|u1", (2, 2, 2), bytes(8)))
seed("npy", "planes", b"\0" + npy("|u1", (2, 1, 5, 5), bytes(50)))
seed("npy", "labels", b"\1" + npy("<i8", (2, 1), struct.pack("<2q", 0, 1)))
seed("npy", "big-endian", b"\1" + npy(">i2", (2,), struct.pack(">2h", 0, 1)))
for name in ("stored", "deflated"):
    seed("npz", name, (GOLDEN / f"arrays/{name}.npz").read_bytes())
net = [("0.weight", [2, 1, 2, 2], "F32", [0.5] * 8), ("0.bias", [2], "F32", [0, 1]), ("1.weight", [2], "F32", [1, 1]),
       ("1.bias", [2], "F32", [0, 0]), ("1.running_mean", [2], "F32", [0, 0]), ("1.running_var", [2], "F32", [1, 1]),
       ("1.num_batches_tracked", [], "I64", [7]), ("3.weight", [2, 2], "F32", [1, 2, 3, 4]), ("3.bias", [2], "F32", [5, 6])]
seed("safetensors", "torch", safetensors(net))
values = sum(len(tensor[3]) * (4 if tensor[2] == "F32" else 8) for tensor in net)
crc = zlib.crc32(safetensors(net)[-values:])
seed("safetensors", "checked", safetensors(net, {"crc32": f"{crc:08x}", "x": "\u00e4"}))
seed("png", "grey1", png(9, 2, 1, 0, [b"\xaa\x80", b"\x55\0"]))
seed("png", "palette", png(2, 2, 8, 3, [b"\0\1", b"\1\0"], (b"PLTE", b"\xff\0\0\0\xff\0"), (b"tRNS", b"\x80")))
seed("png", "rgba16", png(1, 2, 16, 6, [bytes(8), b"\xff" * 8]))
seed("png", "rgb", png(3, 2, 8, 2, [bytes(range(9)), bytes(range(9))], (b"tEXt", b"Comment\0small")))
for path in sorted(GOLDEN.glob("jpeg/*.jpg")):
    if path.stem in ("cmyk", "grey", "orientation6"):
        seed("jpeg", path.stem, path.read_bytes())
seed("recipe", "settings", b"# a recipe\nmodel = vgg\nepochs = 3 # short\nlr = auto\nmilestones = 0.5,0.7\nnesterov = no\n")
seed("recipe", "based", b"recipe = muon-64\nepochs = 2\n")
with tempfile.TemporaryDirectory() as folder:
    subprocess.run([sys.argv[1], "train", "--model", "lenet5", "--data", "shapes", "--epochs", "2", "--quiet", "--out",
                    f"{folder}/run"], check=True)
    run = pathlib.Path(folder) / "run"
    seed("run", "metrics", b"\0" + (run / "metrics.jsonl").read_bytes())
    seed("run", "config", b"\1" + json.dumps(json.loads((run / "config.json").read_text())).encode()[:1500] + b"}")
