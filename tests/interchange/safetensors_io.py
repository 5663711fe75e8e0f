"""Safetensors by the standard library alone; the README shows load()."""
import json
import struct

TYPES = {"F32": "f", "I64": "q"}


def load(path):
    data = open(path, "rb").read()
    end = 8 + struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:end])
    header.pop("__metadata__", None)
    tensors = {}
    for name, t in header.items():
        begin, behind = t["data_offsets"]
        tensors[name] = memoryview(data)[end + begin:end + behind].cast(TYPES[t["dtype"]], t["shape"])
    return tensors


def save(path, tensors):
    """tensors: names with what has the buffer protocol, row-major: memoryview, array.array, NumPy's arrays."""
    header, offset, parts = {}, 0, []
    for name, tensor in tensors.items():
        view = memoryview(tensor)
        kind = {"f": "F32", "q": "I64", "l": "I64"}[view.format]
        header[name] = {"dtype": kind, "shape": view.shape, "data_offsets": [offset, offset + view.nbytes]}
        offset += view.nbytes
        parts.append(view.tobytes())
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(parts))
