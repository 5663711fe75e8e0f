"""The published recipes for airbench94 from their description, in PyTorch and float64.

    python3 recipes.py [NAME...]      looks for seeds, and says how far float32 strays from float64

Keller Jordan, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU", 2024, and the same author's variant whose filters are
trained by Muon. One batch is the whole data set and nothing is drawn at random, so that an epoch is a step on the same
pictures and the order in which they come does not matter.
"""
import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from goldenfile import Input, hash32, sampled_record

# All is small, and not for speed alone. Where the two largest values of a pooling window lie within rounding of each other,
# float32 may send a gradient elsewhere than float64, and from there two trainings drift apart by percents of their tensors;
# without such a window they stay together to a few millionths. So there must be few windows, some 10,000 in a step.
BATCH = 16
SIDE = 25  # The least that the net can take.
WIDTHS = (4, 6, 8)
WHITEN_BIAS_EPOCHS = 3
LABEL_SMOOTHING = 0.2


# ---- Pictures ------------------------------------------------------------------------------------------------------------


def pictures_and_labels(seed):
    """(N, SIDE, SIDE, 3) bytes: blocks of 8 x 4 pixels in all channels, pairs of pixels that get stronger from channel to
    channel, and noise that grows to the right and down. With these the eigenvalues of the patches are well apart, and no
    eigenvector has two components of one size."""
    n, y, x, c = np.ogrid[:BATCH, :SIDE, :SIDE, :3]

    def draw(which, index):
        return hash32(seed + which, index.max() + 1).astype(np.int64)[index]

    blocks = draw(0, (n * 8 + y // 8) * 8 + x // 4) % 80
    pairs = draw(1, ((n * SIDE + y) * SIDE + x // 2) * 3 + c) % (24 * (c + 1))
    noise = draw(2, ((n * SIDE + y) * SIDE + x) * 3 + c) % (32 + 2 * x + y)
    return (blocks + pairs + noise).astype(np.uint8), (hash32(seed + 3, BATCH) % np.uint64(10)).astype(np.int64)


def normalised(pictures, dtype):
    """(N, 3, SIDE, SIDE), and the numbers that the channels were normalised by."""
    scaled = pictures.astype(np.float64) / 255
    mean, deviation = scaled.mean((0, 1, 2)).astype(np.float32), scaled.std((0, 1, 2)).astype(np.float32)
    x = (scaled - mean.astype(np.float64)) / deviation.astype(np.float64)
    return torch.tensor(x.transpose(0, 3, 1, 2).copy()).to(dtype), mean, deviation


# ---- Net -----------------------------------------------------------------------------------------------------------------


class Scale(nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return x * self.factor


def group(channels_in, channels):
    def conv(inputs):
        return nn.Conv2d(inputs, channels, 3, padding=1, bias=False)

    def norm():  # The paper's momentum 0.6 is what is kept of the old statistics.
        module = nn.BatchNorm2d(channels, eps=1e-12, momentum=1 - 0.6)
        module.weight.requires_grad = False
        return module

    return [conv(channels_in), nn.MaxPool2d(2), norm(), nn.GELU(), conv(channels), norm(), nn.GELU()]


def airbench94(logit_scale):
    layers, channels = [nn.Conv2d(3, 24, 2), nn.GELU()], 24
    for width in WIDTHS:
        layers += group(channels, width)
        channels = width
    net = nn.Sequential(*layers, nn.MaxPool2d(3), nn.Flatten(), nn.Linear(channels, 10, bias=False), Scale(logit_scale))
    net[0].weight.requires_grad = False
    return net


def second_moments(x):
    patches = F.unfold(x.double(), 2).transpose(1, 2).reshape(-1, x.shape[1] * 4)
    return patches.T @ patches / len(patches)


def whitening_filters(x):
    values, vectors = torch.linalg.eigh(second_moments(x))
    filters = (vectors / torch.sqrt(values + 5e-4)).T.flip(0)
    largest = filters.gather(1, filters.abs().argmax(1, keepdim=True))
    filters = (filters * largest.sign()).reshape(-1, x.shape[1], 2, 2)
    return torch.cat((filters, -filters))


# ---- Recipes -------------------------------------------------------------------------------------------------------------


def summed_loss(net, x, labels):
    return F.cross_entropy(net(x), labels, label_smoothing=LABEL_SMOOTHING, reduction="sum")


class Lookahead:
    def __init__(self, net):
        self.net = net
        self.slow = {name: value.clone() for name, value in net.state_dict().items() if value.is_floating_point()}

    def update(self, decay):
        fast = self.net.state_dict()
        for name, slow in self.slow.items():
            slow.mul_(decay).add_(fast[name], alpha=1 - decay)
            fast[name].copy_(slow)


def train_sgd(net, x, labels, steps):
    """Yields the loss of every step with the net after it; after the last, None with the net that the training ends with."""
    momentum = 0.85
    kilostep = 1024 * (1 + 1 / (1 - momentum))
    lr, weight_decay = 11.5 / kilostep, 0.0153 * BATCH / kilostep
    lr_norm = 64 * lr
    norms = [module.bias for module in net if isinstance(module, nn.BatchNorm2d)]
    others = [p for p in net.parameters() if p.requires_grad and not any(p is bias for bias in norms)]
    optimizer = torch.optim.SGD([dict(params=norms, lr=lr_norm, weight_decay=weight_decay / lr_norm),
                                 dict(params=others, lr=lr, weight_decay=weight_decay / lr)],
                                lr=lr, momentum=momentum, nesterov=True)
    peak = int(0.23 * steps)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: np.interp(step, [0, peak, steps], [0.2, 1, 0.07]))
    lookahead = Lookahead(net)
    for step in range(steps):
        net[0].bias.requires_grad = step < WHITEN_BIAS_EPOCHS
        loss = summed_loss(net, x, labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
        done = step + 1
        if done % 5 == 0:
            lookahead.update(0.95**5 * (done / steps)**3)
        yield float(loss)
    yield None
    lookahead.update(1)


def orthogonalised(g, iterations=3):
    a, b, c = 3.4445, -4.7750, 2.0315
    x = g / (g.norm() + 1e-7)
    tall = x.shape[0] > x.shape[1]
    if tall:
        x = x.T
    for _ in range(iterations):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if tall else x


class Muon:
    def __init__(self, parameters, momentum):
        self.parameters, self.momentum = parameters, momentum
        self.buffers = [torch.zeros_like(p) for p in parameters]

    @torch.no_grad()
    def step(self, lr):
        for p, buffer in zip(self.parameters, self.buffers):
            buffer.mul_(self.momentum).add_(p.grad)
            g = p.grad + self.momentum * buffer
            p.mul_(math.sqrt(len(p)) / p.norm())
            p.sub_(lr * orthogonalised(g.reshape(len(p), -1)).reshape(p.shape))


def train_muon(net, x, labels, steps):
    lr, lr_head, lr_filters, weight_decay = 0.053, 0.67, 0.24, 2e-6 * BATCH
    head = net[-2].weight
    norms = [module.bias for module in net if isinstance(module, nn.BatchNorm2d)]
    groups = [dict(params=[net[0].bias], lr=lr, weight_decay=weight_decay / lr),
              dict(params=norms, lr=lr, weight_decay=weight_decay / lr),
              dict(params=[head], lr=lr_head, weight_decay=weight_decay / lr_head)]
    sgd = torch.optim.SGD(groups, lr=lr, momentum=0.85, nesterov=True)
    muon = Muon([p for p in net.parameters() if p.ndim == 4 and p.requires_grad], momentum=0.6)
    first = [group["lr"] for group in sgd.param_groups]
    for step in range(steps):
        net[0].bias.requires_grad = step < WHITEN_BIAS_EPOCHS
        net.zero_grad(set_to_none=True)
        loss = summed_loss(net, x, labels)
        loss.backward()
        sgd.param_groups[0]["lr"] = first[0] * (1 - step / WHITEN_BIAS_EPOCHS)
        for group, rate in list(zip(sgd.param_groups, first))[1:]:
            group["lr"] = rate * (1 - step / steps)
        sgd.step()
        muon.step(lr_filters * (1 - step / steps))
        yield float(loss)
    yield None


class Recipe:
    def __init__(self, train, steps, logit_scale, head_deviation, seed):
        self.train, self.steps, self.logit_scale = train, steps, logit_scale
        self.head_deviation, self.seed = head_deviation, seed


# 14 is not a multiple of 5: the last steps come after lookahead's last update, and the end takes them back. 23% of it,
# rounded down as the paper's program does or to the nearest, is the same step. The seeds are chosen by `python3 recipes.py`.
RECIPES = {
    "airbench94": Recipe(train_sgd, 14, 1 / 9, 0.15, 5),
    "airbench94-muon": Recipe(train_muon, 10, 1 / 256, 1, 98),
}


# ---- What goes into the golden file --------------------------------------------------------------------------------------


def parameter_input(recipe, index, name, shape):
    """Filters uniform in +- 1 / sqrt(fan_in), the head with the recipe's deviation, biases near 0."""
    seed = 100000 * recipe.seed + index
    if len(shape) == 4:
        return Input(name, shape, seed, 2 * float(np.prod(shape[1:])) ** -0.5)
    if len(shape) == 2:
        return Input(name, shape, seed, math.sqrt(12) * recipe.head_deviation)
    return Input(name, shape, seed, 0.25)


def floats(state):
    return {name: value.detach().double().numpy().copy() for name, value in state.items() if value.is_floating_point()}


def train(recipe, dtype, disturb=0.0):
    """Inputs, losses, whitening filters, the net after the last step and the net at the end. `disturb`: how far weights begin
    off, relative to what they should be."""
    pictures, labels = pictures_and_labels(100000 * recipe.seed + 1000)
    x, mean, deviation = normalised(pictures, dtype)
    net = airbench94(recipe.logit_scale).to(dtype)
    inputs = [Input("mean", grad=False, data=mean), Input("deviation", grad=False, data=deviation)]
    with torch.no_grad():
        net[0].weight.copy_(whitening_filters(x))
        for index, (name, p) in enumerate(net.named_parameters()):
            norm = isinstance(net[int(name.split(".")[0])], nn.BatchNorm2d)
            if not p.requires_grad:
                assert norm or name == "0.weight"
                continue
            inputs.append(parameter_input(recipe, index, name, tuple(p.shape)))
            p.copy_(torch.tensor(inputs[-1].values))
            p.mul_(1 + disturb * torch.randn_like(p))
    losses, last = [], None
    filters = net[0].weight.detach().double().numpy().copy()
    for loss in recipe.train(net, x, torch.tensor(labels), recipe.steps):
        if loss is None:
            last = floats(net.state_dict())
        else:
            losses.append(loss / BATCH)
    return inputs, losses, filters, last, floats(net.state_dict())


def records(name):
    recipe = RECIPES[name]
    inputs, losses, filters, last, end = train(recipe, torch.float64)
    out = [("case %s\n" % name).encode()]
    for key, value in [("batch", BATCH), ("seed", recipe.seed), ("steps", recipe.steps)] + [
            ("width%d" % i, width) for i, width in enumerate(WIDTHS)]:
        out.append(("set %s %s\n" % (key, repr(float(value)))).encode())
    out += [i.record() for i in inputs]
    out += [sampled_record("losses", np.array(losses)), sampled_record("whitening", filters)]
    changes = {key for key in end if not np.array_equal(last[key], end[key])}
    out += [sampled_record("last." + key, last[key]) for key in last if key in changes]
    out += [sampled_record("end." + key, value) for key, value in end.items() if key != "0.weight"]
    return out


# ---- The search for seeds ------------------------------------------------------------------------------------------------


def strays(exact, other):
    """How far losses and final numbers are apart: losses relative, tensors in units of their largest value."""
    losses = max(abs(a / b - 1) for a, b in zip(other[1], exact[1]))
    tensors = max((np.abs(mine[key] - value).max() / np.abs(value).max(), key)
                  for mine, values in ((other[3], exact[3]), (other[4], exact[4])) for key, value in values.items())
    return losses, tensors


def largest_is_clear(filters):
    """Whether rounding can't make another of a filter's components the largest, which has to be positive."""
    top = np.sort(np.abs(filters.reshape(len(filters), -1)), 1)
    return (top[:, -1] / top[:, -2]).min() > 1.003


def search(name, seeds=range(1, 101)):
    """Looks for the seed with which training is least disturbed by weights that begin 1e-6 off, some float32 roundings: with
    others, somewhere a pooling window's two largest values are so near to each other that the gradient goes to the wrong one."""
    recipe = RECIPES[name]
    found = []
    for recipe.seed in seeds:
        exact = train(recipe, torch.float64)
        if not largest_is_clear(exact[2]):
            continue
        runs = [strays(exact, train(recipe, torch.float64, 1e-6)) for _ in range(4)]
        found.append((max(run[1][0] for run in runs), recipe.seed, max(run[0] for run in runs)))
    for tensors, seed, losses in sorted(found)[:3]:
        print("%s: seed %d, disturbed by 1e-6: losses %.1e, tensors %.1e" % (name, seed, losses, tensors))
        recipe.seed = seed
        exact, single = train(recipe, torch.float64), train(recipe, torch.float32)
        losses, tensors = strays(exact, single)
        print("  float32: losses %.1e, tensors %.1e (%s)" % (losses, *tensors))
    print("  losses ", " ".join("%.4f" % loss for loss in exact[1]))


if __name__ == "__main__":
    import sys

    torch.manual_seed(0)
    for recipe_name in sys.argv[1:] or RECIPES:
        search(recipe_name)
