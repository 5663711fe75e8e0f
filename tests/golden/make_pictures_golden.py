#!/usr/bin/env python3
"""Asks torch and torchvision what should become of pictures, and writes it down for the C tests.

    python3 make_pictures_golden.py      writes picture_*.gz

Values are float64 here; pictures hold what goldenfile.hash_values() gives, in N, C, H, W order. Written with
torch 1.13 and torchvision 0.14 (Debian's python3-torchvision).
"""
import os

import torch
from torch.nn import functional as F
from torchvision.transforms import functional as TF

import goldenfile

HERE = os.path.dirname(os.path.abspath(__file__))


def picture(seed, *shape, scale=1.0, offset=0.5):
    """A picture of values 0 .. 1 as both sides make it, and as a tensor."""
    given = goldenfile.Input("x", shape, seed, scale, offset, grad=False)
    return given, torch.tensor(given.values, dtype=torch.float64)


def case(name, given, arrays, **options):
    records = [("case %s\n" % name).encode()]
    records += [("set %s %s\n" % (key, repr(float(value)))).encode() for key, value in options.items()]
    records.append(given.record())
    return records + [goldenfile.sampled_record(key, values.numpy()) for key, values in arrays.items()]


def views():
    """The views of airbench94's infer_mirror_translate()."""
    for shape in [(2, 3, 5, 4), (1, 1, 2, 2), (1, 4, 6, 7)]:
        given, x = picture(11, *shape)
        h, w = shape[2:]
        padded = F.pad(x, (1, 1, 1, 1), "reflect")
        shown = []
        for one in (x, padded[:, :, :h, :w], padded[:, :, 2 : h + 2, 2 : w + 2]):
            shown += [one, one.flip(-1)]
        yield case("%dx%dx%d" % shape[1:], given, {"view%d" % i: v for i, v in enumerate(shown)})


def resize():
    """(channels, from, to): smaller, larger, both, one direction only, single pixels, more than two to one."""
    for channels, old, new in [
        (3, (8, 8), (5, 5)), (3, (32, 32), (24, 20)), (3, (7, 5), (16, 11)), (4, (6, 9), (4, 13)), (1, (5, 5), (5, 3)),
        (2, (5, 5), (2, 5)), (3, (1, 1), (3, 2)), (1, (9, 7), (1, 1)), (3, (32, 31), (6, 3)), (1, (3, 200), (3, 7)),
        (3, (32, 32), (64, 48)), (1, (2, 2), (3, 3)),
    ]:  # fmt: skip
        given, x = picture(12, 1, channels, *old)
        y = F.interpolate(x, size=new, mode="bilinear", antialias=True, align_corners=False)
        name = "%dx%dx%d_to_%dx%d" % (channels, *old, *new)
        yield case(name, given, {"y": y}, height=new[0], width=new[1])


def rotation():
    for seed, shape in enumerate([(3, 32, 32), (1, 5, 8), (4, 7, 6), (2, 1, 1), (3, 2, 3), (3, 9, 9)]):
        for angle in [0, 3.25, -17.5, 45, 90, 180, -122]:
            if shape[1] == 32 and angle not in (-17.5, 45):
                continue
            given, x = picture(20 + seed, 1, *shape)
            y = TF.rotate(x, angle, TF.InterpolationMode.BILINEAR)
            yield case("%dx%dx%d_by_%g" % (*shape, angle), given, {"y": y}, angle=angle)


def color():
    """Random pictures, and all pixels whose channels are multiples of a quarter: grey ones, ties, black and white."""
    quarters = torch.cartesian_prod(*[torch.arange(5) / 4.0] * 3).T.reshape(1, 3, 25, 5)
    pictures = {"quarters": goldenfile.Input("x", data=quarters, grad=False), "random": picture(30, 1, 3, 12, 11)[0],
                "one_channel": picture(31, 1, 1, 6, 5)[0], "single": picture(32, 1, 3, 1, 1)[0]}  # fmt: skip
    factors = {"brightness": [0, 0.4, 1, 1.75], "contrast": [0, 0.4, 1, 1.75], "saturation": [0, 0.4, 1, 1.75],
               "hue": [-0.5, -0.21, 0, 0.125, 0.5]}  # fmt: skip
    for title, given in pictures.items():
        x = torch.tensor(given.values, dtype=torch.float64)
        for kind, values in factors.items():
            if title == "one_channel" and kind in ("saturation", "hue"):
                continue
            arrays = {"%s%d" % (kind, i): getattr(TF, "adjust_" + kind)(x, f) for i, f in enumerate(values)}
            yield case("%s_%s" % (title, kind), given, arrays,
                       **{"%s%d" % (kind, i): f for i, f in enumerate(values)})  # fmt: skip


def write(name, cases):
    goldenfile.write(os.path.join(HERE, "picture_%s.gz" % name), [record for one in cases for record in one])


if __name__ == "__main__":
    write("views", views())
    write("resize", resize())
    write("rotation", rotation())
    write("color", color())
