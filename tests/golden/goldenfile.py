"""The file that carries PyTorch's answers to the C tests, and the numbers both sides start from.

A file is a gzip stream of records. A record is a line of text, followed by float32 or int16 values
(little-endian, row-major N, C, H, W order) where the line says so:

    case NAME
    set KEY NUMBER
    input NAME GRAD NDIM EXTENT... hash SEED SCALE OFFSET      values from hash_values()
    input NAME GRAD NDIM EXTENT... data                        float32 values follow
    array NAME NDIM EXTENT... f32 STEP COUNT                   elements 0, STEP, 2 STEP, ... follow
    array NAME NDIM EXTENT... i16 QUANTUM COUNT                all elements follow, in units of QUANTUM

GRAD is 1 where the gradient of the input is asked for. unit/support/golden.c is the reader.
"""
import gzip

import numpy as np

LARGEST_WHOLE_ARRAY = 2048


def hash32(seed, count):
    """hash32(seed, i) for i in 0 .. count - 1, as uint64 holding 32 bits."""
    mask = np.uint64(0xFFFFFFFF)
    with np.errstate(over="ignore"):
        x = np.arange(count, dtype=np.uint64) * np.uint64(0x9E3779B9)
        x = (x + np.uint64(seed) * np.uint64(0x85EBCA6B) + np.uint64(0x27D4EB2F)) & mask
        x ^= x >> np.uint64(16)
        x = (x * np.uint64(0x21F0AAAD)) & mask
        x ^= x >> np.uint64(15)
        x = (x * np.uint64(0xD35A2D97)) & mask
        x ^= x >> np.uint64(15)
    return x


def hash_values(seed, shape, scale, offset):
    """Uniform in offset +- scale / 2. The product is exact in double, so that C gets the same float32 bits."""
    steps = (hash32(seed, int(np.prod(shape))) >> np.uint64(8)).astype(np.float64) - 2.0**23
    values = steps / 2.0**24 * float(np.float32(scale)) + float(np.float32(offset))
    return values.astype(np.float32).reshape(shape)


class Input:
    """A tensor that a case starts from: hashed, or given value by value."""

    def __init__(self, name, shape=None, seed=0, scale=2.0, offset=0.0, grad=True, data=None):
        self.name, self.grad = name, grad
        self.hashed = None if data is not None else (shape, seed, scale, offset)
        if data is None:
            self.values = hash_values(seed, shape, scale, offset)
            self.source = "hash %d %s %s" % (seed, repr(float(np.float32(scale))), repr(float(np.float32(offset))))
        else:
            self.values = np.asarray(data, dtype=np.float32)
            self.source = "data"

    def reseeded(self):
        if self.hashed is None:
            return self
        shape, seed, scale, offset = self.hashed
        return Input(self.name, shape, seed + 100, scale, offset, self.grad)

    def record(self):
        head = "input %s %d %s %s\n" % (self.name, self.grad, shape_text(self.values.shape), self.source)
        return head.encode() + (self.values.astype("<f4").tobytes() if self.source == "data" else b"")


def shape_text(shape):
    return " ".join(str(extent) for extent in (len(shape), *shape))


def sampled_record(name, values):
    """float32, every STEP-th element of large tensors; STEP is odd and so meets every place of a power of 2."""
    flat = np.asarray(values, dtype=np.float32).reshape(-1)
    step = 1 if flat.size <= LARGEST_WHOLE_ARRAY else (flat.size // LARGEST_WHOLE_ARRAY) | 1
    flat = flat[::step]
    return ("array %s %s f32 %d %d\n" % (name, shape_text(np.shape(values)), step, flat.size)).encode() + flat.astype(
        "<f4"
    ).tobytes()


def quantised_record(name, values):
    """int16 in units of the largest absolute value / 32767: an error of at most 1.5e-5 of that value."""
    flat = np.asarray(values, dtype=np.float64).reshape(-1)
    quantum = float(np.float32(max(np.abs(flat).max(), 1e-30) / 32767))
    head = "array %s %s i16 %s %d\n" % (name, shape_text(np.shape(values)), repr(quantum), flat.size)
    return head.encode() + np.rint(flat / quantum).clip(-32767, 32767).astype("<i2").tobytes()


def write(path, records):
    with open(path, "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as stream:
        for record in records:
            stream.write(record)
