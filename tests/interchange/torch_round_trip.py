"""torch_round_trip.py BUILD FOLDER: every net of models/ from PyTorch to tinycnn and back, and the other way round. Every
tensor has to come back bit for bit; logits of 200 pictures may differ by 1e-5 of the largest. Needs python3-torch."""
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


def there_and_back(name):
    net, weights, checkpoint = make(name), FOLDER / f"{name}.safetensors", FOLDER / f"{name}-imported.safetensors"
    state = {key: value.numpy() for key, value in net.state_dict().items()}
    save(weights, state)
    tinycnn("import", weights, "--model", name, "--data", "shapes", "--out", checkpoint)
    expect_same(name, state, load(checkpoint))
    return difference(net, name, checkpoint), len(state)


def trained_here(name):
    out = FOLDER / f"{name}-trained"
    tinycnn("train", "--model", name, "--data", "shapes", "--epochs", 1, "--quiet", "--out", out)
    net, tensors = NETS[name](), load(out / "best.safetensors")
    net.load_state_dict({key: torch.from_numpy(value.copy()) for key, value in tensors.items()}, strict=True)
    return difference(net.eval(), f"{name}-trained", out / "best.safetensors")


worst = 0
for name in NETS:
    there, tensors = there_and_back(name)
    here = trained_here(name)
    worst = max(worst, there, here)
    print(f"{name:11} {tensors:3} tensors bit for bit; logits off by {there:.1e} of the largest, trained here by {here:.1e}")
if worst > LARGEST:
    raise SystemExit(f"more than {LARGEST}")
