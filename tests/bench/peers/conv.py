"""oneDNN's side of layers, through PyTorch: python3 conv.py THREADS SECONDS.

Reads lines "n c o size kernel stride groups dilation" and answers each with six median times in seconds: forward, backward
to the input, backward to the weight, in PyTorch's usual memory format and then in channels_last.
"""
import statistics
import sys
import time

import torch

MOST_REPEATS = 101


def measure(passes, seconds):
    """The passes take turns; the first two rounds are not counted."""
    times = [[] for _ in passes]
    begin = time.perf_counter()
    while len(times[0]) < 5 or (len(times[0]) < 2 + MOST_REPEATS and time.perf_counter() - begin < seconds):
        for one, kept in zip(passes, times):
            start = time.perf_counter()
            one()
            kept.append(time.perf_counter() - start)
    return [statistics.median(kept[2:]) for kept in times]


def answer(n, c, o, size, kernel, stride, groups, dilation, memory_format, seconds):
    padding = dilation * (kernel - 1) // 2
    x = torch.rand(n, c, size, size).sub_(0.5).contiguous(memory_format=memory_format)
    w = torch.rand(o, c // groups, kernel, kernel).sub_(0.5).contiguous(memory_format=memory_format)

    def forward():
        return torch.ops.aten.convolution(x, w, None, [stride] * 2, [padding] * 2, [dilation] * 2, False, [0, 0], groups)

    dy = torch.rand_like(forward()).sub_(0.5)

    def backward(to_input, to_weight):
        return torch.ops.aten.convolution_backward(dy, x, w, None, [stride] * 2, [padding] * 2, [dilation] * 2, False, [0, 0],
                                                   groups, [to_input, to_weight, False])

    return measure([forward, lambda: backward(True, False), lambda: backward(False, True)], seconds)


torch.set_num_threads(int(sys.argv[1]))
with torch.inference_mode():
    for line in sys.stdin:
        numbers = [int(number) for number in line.split()]
        times = [t for layout in (torch.contiguous_format, torch.channels_last)
                 for t in answer(*numbers, layout, float(sys.argv[2]))]
        print(*times, flush=True)
