"""Ten steps of training with each net that comes with tinycnn, in PyTorch and float64."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from goldenfile import Input, hash32, hash_values, quantised_record, sampled_record

STEPS = 10


def lesson():
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(64 * 8 * 8, 128), nn.ReLU(), nn.Linear(128, 10))


def vgg():
    layers, channels = [], 3
    for width in (32, 64, 128):
        for _ in range(2):
            layers += [nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
            channels = width
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(128 * 4 * 4, 256), nn.ReLU(), nn.Linear(256, 10))


class Block(nn.Module):
    def __init__(self, channels_in, channels, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU()
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.downsample = None
        if stride != 1:
            self.downsample = nn.Sequential(nn.Conv2d(channels_in, channels, 1, stride, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        return self.relu(self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x))))) + shortcut)


class ResNet20(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.relu = nn.ReLU()
        self.layer1 = nn.Sequential(Block(16, 16, 1), Block(16, 16, 1), Block(16, 16, 1))
        self.layer2 = nn.Sequential(Block(16, 32, 2), Block(32, 32, 1), Block(32, 32, 1))
        self.layer3 = nn.Sequential(Block(32, 64, 2), Block(64, 64, 1), Block(64, 64, 1))
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        x = self.layer3(self.layer2(self.layer1(self.relu(self.bn1(self.conv1(x))))))
        return self.fc(x.mean((2, 3)))


class Recipe:
    def __init__(self, build, seed, batch=16, lr=0.05, gain=1.0, norm=(1.0, 0.0)):
        self.build, self.seed, self.batch, self.lr, self.gain, self.norm = build, seed, batch, lr, gain, norm


# The seeds are chosen by `python3 training.py NET`: with them no activation of the first step lies so near to zero, and no
# two pixels of a pooling window so near to each other, that float32 rounding would turn a gradient elsewhere.
#
# Batch norm begins with weights about 0.5 and biases about 1: with fewer activations near zero, ten steps in float32 stay
# within 1e-6 of float64, where PyTorch's usual start drifts apart by 1e-3 however small the learning rate is.
NETS = {
    "lesson": Recipe(lesson, 8, lr=0.05),
    "vgg": Recipe(vgg, 5, lr=0.005, norm=(0.5, 1.0)),
    "resnet20": Recipe(ResNet20, 5, lr=0.005, norm=(0.5, 1.0)),
}


def parameter_input(recipe, index, name, shape, is_norm):
    """Weights uniform in +- gain / sqrt(fan_in); batch norm's weights about 1."""
    seed = 100000 * recipe.seed + index
    if len(shape) > 1:
        return Input(name, shape, seed, 2 * recipe.gain * float(np.prod(shape[1:])) ** -0.5)
    if is_norm:
        return Input(name, shape, seed, 0.25, recipe.norm[0 if name.endswith("weight") else 1])
    return Input(name, shape, seed, 0.25)


def batch_of(recipe, step):
    """Pictures in +-2, and labels."""
    seed = 100000 * recipe.seed + 1000 + step
    pictures = hash_values(seed, (recipe.batch, 3, 32, 32), 4.0, 0.0)
    labels = (hash32(seed + 500, recipe.batch) % np.uint64(10)).astype(np.int64)
    return pictures, labels


def prepared(recipe, dtype):
    net = recipe.build().to(dtype)
    norms = {name for name, module in net.named_modules() if isinstance(module, nn.BatchNorm2d)}
    inputs = [parameter_input(recipe, i, name, tuple(p.shape), name.rpartition(".")[0] in norms)
              for i, (name, p) in enumerate(net.named_parameters())]
    with torch.no_grad():
        for (_, parameter), start in zip(net.named_parameters(), inputs):
            parameter.copy_(torch.tensor(start.values))
    return net, inputs


def train(recipe, dtype, steps=STEPS):
    """Losses, gradients of the first step, and the net after the last."""
    net, inputs = prepared(recipe, dtype)
    optimizer = torch.optim.SGD(net.parameters(), lr=recipe.lr, momentum=0.9, weight_decay=5e-4, nesterov=True)
    losses, gradients = [], None
    for step in range(steps):
        pictures, labels = batch_of(recipe, step)
        loss = F.cross_entropy(net(torch.tensor(pictures, dtype=dtype)), torch.tensor(labels))
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            gradients = {name: p.grad.detach().double().numpy().copy() for name, p in net.named_parameters()}
        optimizer.step()
        losses.append(float(loss))
    return losses, gradients, net, inputs


def records(name):
    recipe = NETS[name]
    losses, gradients, net, inputs = train(recipe, torch.float64)
    out = [("case %s\n" % name).encode()]
    for key, value in (("batch", recipe.batch), ("lr", recipe.lr), ("seed", recipe.seed), ("steps", STEPS)):
        out.append(("set %s %s\n" % (key, repr(float(value)))).encode())
    out += [i.record() for i in inputs]
    out.append(sampled_record("losses", np.array(losses)))
    out += [quantised_record("grad." + key, value) for key, value in gradients.items()]
    out += [sampled_record("after." + key, value.numpy()) for key, value in net.named_buffers() if not key.endswith("tracked")]
    return out


def margin(recipe):
    """The smallest distance of a relu's input from 0 and of a pooling window's two largest values, in the first step, relative
    to the deviation of the tensor they are in."""
    net, _ = prepared(recipe, torch.float64)
    smallest = [float("inf")]

    def relu_seen(_, inputs):
        smallest[0] = min(smallest[0], float(inputs[0].abs().min() / inputs[0].std()))

    def pool_seen(_, inputs):
        n, c, h, w = inputs[0].shape
        windows = inputs[0].reshape(n, c, h // 2, 2, w // 2, 2).transpose(3, 4).reshape(-1, 4)
        top = windows.topk(2, 1).values
        gap = (top[:, 0] - top[:, 1])[top[:, 0] > 0]
        smallest[0] = min(smallest[0], float(gap.min() / inputs[0].std()))

    for module in net.modules():
        if isinstance(module, nn.ReLU):
            module.register_forward_pre_hook(relu_seen)
        if isinstance(module, nn.MaxPool2d):
            module.register_forward_pre_hook(pool_seen)
    with torch.no_grad():
        net(torch.tensor(batch_of(recipe, 0)[0], dtype=torch.float64))
    return smallest[0]


def search(name, seeds=range(1, 61)):
    recipe = NETS[name]
    best = (0.0, 0)
    for recipe.seed in seeds:
        best = max(best, (margin(recipe), recipe.seed))
    recipe.seed = best[1]
    print("%s: seed %d, margin %.2g" % (name, recipe.seed, best[0]))
    exact, exact_gradients, _, _ = train(recipe, torch.float64)
    single, single_gradients, _, _ = train(recipe, torch.float32)
    print("  losses  ", " ".join("%.4f" % loss for loss in exact))
    print("  float32 differs by", " ".join("%.1e" % abs(a / b - 1) for a, b in zip(single, exact)))
    worst = max((np.abs(single_gradients[k] - g).max() / np.abs(g).max(), k) for k, g in exact_gradients.items())
    print("  gradients of the first step differ by %.1e of their scale at most (%s)" % worst)


if __name__ == "__main__":
    import sys

    for net_name in sys.argv[1:] or NETS:
        search(net_name)
