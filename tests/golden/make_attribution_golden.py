#!/usr/bin/env python3
"""Writes attribution.gz: saliency, Grad-CAM and occlusion of a small net by PyTorch, for unit/test_attribution.c."""
import os

import torch
import torch.nn.functional as F

from goldenfile import Input, sampled_record, write

SHAPES = [
    ("0.weight", (6, 3, 3, 3), 1.0, 0.0),
    ("0.bias", (6,), 0.4, 0.0),
    ("1.weight", (6,), 1.0, 1.0),
    ("1.bias", (6,), 0.4, 0.0),
    ("1.running_mean", (6,), 0.4, 0.0),
    ("1.running_var", (6,), 1.0, 1.0),
    ("4.weight", (8, 6, 3, 3), 0.8, 0.0),
    ("4.bias", (8,), 0.4, 0.0),
    ("7.weight", (5, 8), 2.0, 0.0),
    ("7.bias", (5,), 0.4, 0.0),
]
SIZE, STRIDE, LABEL = 4, 3, 2

inputs = [Input(name, shape, 10 + i, scale, offset) for i, (name, shape, scale, offset) in enumerate(SHAPES)]
picture = Input("picture", (1, 3, 12, 10), 3, 2.0, 0.0)
w = {one.name: torch.from_numpy(one.values.copy()).double() for one in inputs}


def forward(x):
    """Logits, and the result of the second convolution's relu."""
    y = F.conv2d(x, w["0.weight"], w["0.bias"], padding=1)
    y = F.batch_norm(y, w["1.running_mean"], w["1.running_var"], w["1.weight"], w["1.bias"])
    y = F.max_pool2d(F.relu(y), 2)
    y = F.relu(F.conv2d(y, w["4.weight"], w["4.bias"], padding=1))
    if y.requires_grad:
        y.retain_grad()
    return F.linear(y.mean((2, 3)), w["7.weight"], w["7.bias"]), y


x = torch.from_numpy(picture.values.copy()).double().requires_grad_()
logits, activation = forward(x)
logits[0, LABEL].backward()
saliency = x.grad[0].abs().amax(0)
weights = activation.grad.mean((2, 3), keepdim=True)
cam = F.interpolate(F.relu((weights * activation).sum(1, keepdim=True)), (12, 10), mode="bilinear", align_corners=False)

with torch.no_grad():
    whole = F.softmax(forward(x)[0], 1)
    fall, covers = torch.zeros(12, 10, dtype=torch.double), torch.zeros(12, 10)
    for top in range(0, 12, STRIDE):
        for left in range(0, 10, STRIDE):
            rows = slice(max(top - (SIZE - 1) // 2, 0), top - (SIZE - 1) // 2 + SIZE)
            columns = slice(max(left - (SIZE - 1) // 2, 0), left - (SIZE - 1) // 2 + SIZE)
            hidden = x.clone()
            hidden[:, :, rows, columns] = 0
            fall[rows, columns] += whole[0, LABEL] - F.softmax(forward(hidden)[0], 1)[0, LABEL]
            covers[rows, columns] += 1

records = [b"case small\n", b"set label %d\n" % LABEL, b"set size %d\n" % SIZE, b"set stride %d\n" % STRIDE]
records += [one.record() for one in inputs + [picture]]
records += [
    sampled_record(name, values.detach().numpy())
    for name, values in [
        ("probabilities", whole[0]),
        ("saliency", saliency),
        ("cam", cam[0, 0]),
        ("occlusion", fall / covers.clamp(min=1)),
    ]
]
write(os.path.join(os.path.dirname(__file__), "attribution.gz"), records)
