"""torch_round_trip.py BUILD FOLDER: every net of models/ from PyTorch to tinycnn and back, and the other way round. Every
tensor has to come back bit for bit; logits of 200 pictures may differ by 1e-5 of the largest. Needs python3-torch."""
import json
import math
import pathlib
import subprocess
import sys

import numpy as np
import torch
import torch.nn as nn

HERE = pathlib.Path(__file__).resolve().parent
sys.path += [str(HERE.parent / "bench/peers")]
from nets import NETS as KNOWN  # noqa: E402
from safetensors_io import load, save  # noqa: E402

BUILD, FOLDER = (pathlib.Path(a).resolve() for a in sys.argv[1:3])
PICTURES, LARGEST = 200, 1e-5


def lenet5():
    return nn.Sequential(nn.Conv2d(3, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                         nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))


NETS = KNOWN | {"lenet5": lenet5}


def tinycnn(*words):
    done = subprocess.run([BUILD / "tinycnn", *map(str, words)], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, words))}: {done.stderr}")


def make(name):
    """A net whose batch norms have seen something."""
    torch.manual_seed(7)
    net = NETS[name]()
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.2)
            nn.init.normal_(module.running_mean, 0, 0.2)
            nn.init.uniform_(module.running_var, 0.5, 2)
            module.num_batches_tracked += 12345
    return net.eval()


def difference(net, name, checkpoint):
    """Of logits, to the largest of them."""
    case = FOLDER / "cases"
    case.mkdir(exist_ok=True)
    subprocess.run([BUILD / "tests/onnx_cases", case, name, checkpoint, "shapes", str(PICTURES)], check=True)
    x = torch.from_numpy(np.fromfile(case / f"{name}.normal.f32", np.float32).reshape(PICTURES, 3, 32, 32))
    ours = np.fromfile(case / f"{name}.logits.f32", np.float32).reshape(PICTURES, 10)
    with torch.no_grad():
        theirs = net(x).numpy()
    assert (ours.argmax(1) == theirs.argmax(1)).all(), f"{name}: another decision"
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


def expect_same(name, a, b):
    assert list(sorted(a)) == list(sorted(b)), f"{name}: {sorted(set(a) ^ set(b))}"
    for key in a:
        assert a[key].dtype == b[key].dtype and a[key].shape == b[key].shape and a[key].tobytes() == b[key].tobytes(), f"{name}: {key}"


def arrays(path):
    return {name: np.array(tensor) for name, tensor in load(path).items()}


def there_and_back(name):
    net, weights, checkpoint = make(name), FOLDER / f"{name}.safetensors", FOLDER / f"{name}-imported.safetensors"
    state = {key: value.numpy() for key, value in net.state_dict().items()}
    save(weights, state)
    tinycnn("import", weights, "--model", name, "--data", "shapes", "--out", checkpoint)
    expect_same(name, state, arrays(checkpoint))
    expect_rules(checkpoint)
    return difference(net, name, checkpoint), len(state)


def trained_here(name):
    out = FOLDER / f"{name}-trained"
    tinycnn("train", "--model", name, "--data", "shapes", "--epochs", 1, "--quiet", "--out", out)
    expect_rules(out / "best.safetensors")
    expect_rules(out / "last.safetensors")
    net = NETS[name]()
    net.load_state_dict({key: torch.from_numpy(value) for key, value in arrays(out / "best.safetensors").items()}, strict=True)
    return difference(net.eval(), f"{name}-trained", out / "best.safetensors")


def expect_rules(path):
    """What the safetensors package asks of a file beyond its own tensors: a header of whole eights of bytes, strings alone as
    metadata, data without holes, each tensor at a multiple of its numbers' size."""
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + length])
    assert length % 8 == 0 and data[8:9] == b"{" and length < 100_000_000, f"{path}: header"
    assert all(isinstance(text, str) for text in header.pop("__metadata__").values()), f"{path}: metadata"
    end = 0
    for name, t in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        size = {"F32": 4, "I64": 8}[t["dtype"]]
        assert t["data_offsets"] == [end, end + size * math.prod(t["shape"])] and end % size == 0, f"{path}: {name}"
        end = t["data_offsets"][1]
    assert end == len(data) - 8 - length, f"{path}: {len(data)} bytes"


def expect_refused():
    """A state_dict with other names and shapes: each is told."""
    net, weights = make("resnet20"), FOLDER / "other.safetensors"
    state = {key: value.numpy() for key, value in net.state_dict().items()}
    state["head.weight"] = state.pop("fc.weight")
    state["conv1.weight"] = state["conv1.weight"][:, :1].copy()
    save(weights, state)
    done = subprocess.run([BUILD / "tinycnn", "import", weights, "--model", "resnet20", "--out", FOLDER / "none.safetensors"],
                          capture_output=True, text=True)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1 and not (FOLDER / "none.safetensors").exists(), done
    wanted = ["missing      fc.weight (10, 64)", "unexpected   head.weight (10, 64)",
              "other shape  conv1.weight (16, 1, 3, 3), expected (16, 3, 3, 3)"]
    assert sorted(done.stdout.splitlines()) == sorted(wanted), done.stdout


expect_refused()
worst = 0
for name in NETS:
    there, tensors = there_and_back(name)
    here = trained_here(name)
    worst = max(worst, there, here)
    print(f"{name:11} {tensors:3} tensors bit for bit; logits off by {there:.1e} of the largest, trained here by {here:.1e}")
if worst > LARGEST:
    raise SystemExit(f"more than {LARGEST}")
