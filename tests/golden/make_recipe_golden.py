#!/usr/bin/env python3
"""What fast recipes for CIFAR-10 need, as plain PyTorch says it: whitening.gz, dirac.gz, muon.gz, average.gz.

    python3 make_recipe_golden.py [NAME...]

Everything is computed in float64 from numbers that are exact in float32. File format: goldenfile.py.
"""
import os
import sys

import numpy as np
import torch

import goldenfile
from goldenfile import Input

HERE = os.path.dirname(os.path.abspath(__file__))


def hashed(shape, seed, scale=2.0, offset=0.0):
    return torch.tensor(goldenfile.hash_values(seed, shape, scale, offset), dtype=torch.float64)


def exact(number):
    return float(np.float32(number))


def case(name, options, inputs, arrays):
    records = [("case %s\n" % name).encode()]
    records += [("set %s %s\n" % (key, repr(float(value)))).encode() for key, value in options.items()]
    records += [i.record() for i in inputs]
    return records + [goldenfile.sampled_record(key, value.numpy()) for key, value in arrays]


# ---- Whitening: the filters of a first convolution from the patches of pictures --------------------------------


def whitening_filters(x, shape, eps):
    o, c, kh, kw = shape
    patches = x.unfold(2, kh, 1).unfold(3, kw, 1).permute(0, 2, 3, 1, 4, 5).reshape(-1, c * kh * kw)
    values, vectors = torch.linalg.eigh(patches.T @ patches / len(patches))
    assert (values[1:] - values[:-1]).min() > 1e-3 * values[-1], "eigenvectors are not well defined"
    vectors = vectors.T.flip(0)
    strongest = vectors.abs().argmax(1, keepdim=True)
    vectors = vectors * vectors.gather(1, strongest).sign()
    filters = vectors / (values.flip(0)[:, None] + eps).sqrt()
    return torch.cat([filters, -filters])[:o].reshape(shape)


def whitening():
    for name, x, shape, eps, offset in (
        ("both_signs", (6, 3, 8, 8), (24, 3, 2, 2), 5e-4, 0.25),
        ("few_filters", (3, 2, 9, 7), (7, 2, 3, 2), 0.0, -0.5),
        ("some_negatives", (5, 4, 6, 5), (6, 4, 1, 1), 0.0625, 0.0),
        ("many_pictures", (131, 1, 4, 5), (12, 1, 3, 2), 1e-2, 0.125),
    ):
        pictures = Input("x", x, 31, 2.0, offset, grad=False)
        filters = whitening_filters(torch.tensor(pictures.values, dtype=torch.float64), shape, eps)
        yield from case(name, {"eps": eps}, [pictures], [("weight", filters)])


# ---- Convolutions that begin as the identity of their first channels ---------------------------------------------


def dirac():
    for o, c, kh, kw in ((5, 3, 3, 3), (4, 4, 2, 2), (3, 2, 1, 5), (6, 6, 4, 3)):
        weight = torch.zeros(o, c, kh, kw)
        torch.nn.init.dirac_(weight[:c])
        yield from case("%dx%dx%dx%d" % (o, c, kh, kw), {}, [], [("weight", weight)])


# ---- Muon ----------------------------------------------------------------------------------------------------------

STEPS = 3
NET = {"0.weight": (24, 3, 2, 2), "0.bias": (24,), "1.weight": (24,), "1.bias": (24,), "2.weight": (150, 24, 3, 3),
       "3.weight": (10, 25, 1, 2), "3.bias": (10,), "4.weight": (7, 10), "4.bias": (7,)}


def zeropower(gradient, steps):
    """The orthogonal matrix next to the gradient's, nearly."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = gradient.reshape(len(gradient), -1)
    x = x / (x.norm() + 1e-7)
    tall = x.shape[0] > x.shape[1]
    if tall:
        x = x.T
    for _ in range(steps):
        products = x @ x.T
        x = a * x + (b * products + c * products @ products) @ x
    return (x.T if tall else x).reshape(gradient.shape)


def muon_run(o, scales):
    weights = {name: hashed(shape, 40 + i) for i, (name, shape) in enumerate(NET.items())}
    buffers = {name: torch.zeros_like(w) for name, w in weights.items() if w.ndim == 4}
    others = {name: torch.nn.Parameter(w) for name, w in weights.items() if w.ndim != 4}
    sgd = torch.optim.SGD([{"params": [w], "lr": o["lr"] * scales(w)} for w in others.values()],
                          momentum=o["sgd_momentum"], weight_decay=o["weight_decay"], nesterov=bool(o["nesterov"]))
    for step in range(STEPS):
        for i, (name, w) in enumerate(weights.items()):
            gradient = hashed(w.shape, 100 * (step + 1) + i, 0.25)
            if name in others:
                others[name].grad = gradient
                continue
            buffers[name] = o["momentum"] * buffers[name] + gradient
            gradient = gradient + o["momentum"] * buffers[name] if o["nesterov"] else buffers[name]
            if o["rescale"]:
                w *= len(w) ** 0.5 / w.norm()
            w -= o["lr"] * scales(w) * zeropower(gradient, int(o["steps"]))
        sgd.step()
    for name, w in weights.items():
        yield "after." + name, (others[name] if name in others else w).detach()
    for name, buffer in buffers.items():
        yield "momentum." + name, buffer


def muon():
    same = lambda w: 1
    for name, o, scales in (
        ("recipe", dict(lr=0.25, momentum=exact(0.6), sgd_momentum=exact(0.85), weight_decay=2**-9, nesterov=1, rescale=1,
                        steps=3), same),
        ("defaults", dict(lr=exact(0.02), momentum=0, sgd_momentum=0, weight_decay=0, nesterov=0, rescale=0, steps=5), same),
        ("plain_momentum", dict(lr=0.125, momentum=exact(0.9), sgd_momentum=0.5, weight_decay=0, nesterov=0, rescale=0,
                                steps=5), same),
        ("rates_apart", dict(lr=0.25, momentum=0.5, sgd_momentum=0.75, weight_decay=0.125, nesterov=1, rescale=0, steps=4),
         lambda w: 0.125 if w.ndim == 1 else 0.5 if w.ndim == 4 else 1),
    ):
        yield from case(name, o, [], muon_run(o, scales))


# ---- Averages --------------------------------------------------------------------------------------------------------

TENSORS = {"0.weight": (6, 3, 3, 3), "0.bias": (6,), "1.weight": (6,), "1.bias": (6,), "2.weight": (300, 170),
           "2.bias": (300,), "1.running_mean": (6,), "1.running_var": (6,)}


def average():
    """value(step) is hashed; after each of the calls of a case, both values and averages are written down."""
    arrays = []
    for i, (name, shape) in enumerate(TENSORS.items()):
        value = lambda step: hashed(shape, 10 * step + i)
        mean, now = value(0), value(1)
        mean = mean.lerp(now, 1 - 0.75)
        now = value(2)
        mean = mean.lerp(now, 1 - 0.25)
        arrays += [("updated." + name, mean.clone())]
        mean, now = now, mean
        arrays += [("swapped." + name, now.clone()), ("swapped.average." + name, mean.clone())]
        mean = mean.lerp(now, 1 - exact(0.9))
        now = mean
        arrays += [("applied." + name, now.clone())]
    yield from case("average", {}, [], arrays)


FILES = {"whitening": whitening, "dirac": dirac, "muon": muon, "average": average}


def main(names):
    for name in names or FILES:
        path = os.path.join(HERE, name + ".gz")
        goldenfile.write(path, FILES[name]())
        print("%-24s %8d bytes" % (name, os.path.getsize(path)))


if __name__ == "__main__":
    main(sys.argv[1:])
