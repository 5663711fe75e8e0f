"""The nets of models/ in PyTorch, for the benchmarks. Three of them are those that the golden numbers come from."""
import pathlib
import sys

import torch.nn as nn

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "golden"))
from training import ResNet20, lesson, vgg  # noqa: E402


class Scale(nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return x * self.factor


def airbench94():
    def group(channels_in, channels):
        return [nn.Conv2d(channels_in, channels, 3, padding=1, bias=False), nn.MaxPool2d(2), nn.BatchNorm2d(channels), nn.GELU(),
                nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels), nn.GELU()]

    return nn.Sequential(nn.Conv2d(3, 24, 2), nn.GELU(), *group(24, 64), *group(64, 256), *group(256, 256), nn.MaxPool2d(3),
                         nn.Flatten(), nn.Linear(256, 10, bias=False), Scale(1 / 9))


def stack(width, depth):
    """The net of bench_growth.c."""
    layers, channels = [], 3
    for _ in range(depth):
        layers += [nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        channels = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 10))


NETS = {"lesson": lesson, "vgg": vgg, "resnet20": ResNet20, "airbench94": airbench94}


def build(name):
    """A net of NETS, or "stack:WIDTH:DEPTH"."""
    if name.startswith("stack:"):
        return stack(*(int(number) for number in name.split(":")[1:]))
    return NETS[name]()
