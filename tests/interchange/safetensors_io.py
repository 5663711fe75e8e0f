"""Safetensors by the standard library and NumPy, as the README shows it."""
import json
import struct

import numpy as np

TYPES = {"F32": np.float32, "I64": np.int64}


def load(path):
    data = open(path, "rb").read()
    end = 8 + struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:end])
    header.pop("__metadata__", None)
    return {name: np.frombuffer(data[end + t["data_offsets"][0]:end + t["data_offsets"][1]], TYPES[t["dtype"]])
            .reshape(t["shape"]) for name, t in header.items()}


def save(path, tensors):
    header, offset = {}, 0
    for name, t in tensors.items():
        kind = {v: k for k, v in TYPES.items()}[t.dtype.type]
        header[name] = {"dtype": kind, "shape": t.shape, "data_offsets": [offset, offset := offset + t.nbytes]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(t.tobytes() for t in tensors.values()))
