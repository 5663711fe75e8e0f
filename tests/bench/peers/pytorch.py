"""PyTorch's side of compare and growth, as train/cmd_bench.c measures tinycnn: random pictures (3, 32, 32) in float32, SGD with
Nesterov momentum, two steps that are not counted, then the median of seven windows of whole steps.

    python3 pytorch.py bench MODEL BATCH THREADS SECONDS nchw|channels_last [train|infer|both]
    python3 pytorch.py export MODEL FILE.onnx      as an inference engine wants it: eval mode, the batch's size left open
    python3 pytorch.py start MODEL BATCH THREADS   prints a line when the first training step could begin
"""
import json
import resource
import statistics
import sys
import time

import torch
import torch.nn.functional as F

import nets

WINDOWS = 7


def measure(once, batch, seconds):
    """Pictures a second, and the distance between the fastest and the slowest window as a share of that."""
    rates = []
    for _ in range(2):
        once()
    for _ in range(WINDOWS):
        begin, steps, passed = time.perf_counter(), 0, 0.0
        while passed < seconds / WINDOWS:
            once()
            steps += 1
            passed = time.perf_counter() - begin
        rates.append(steps * batch / passed)
    median = statistics.median(rates)
    return median, (max(rates) - min(rates)) / median


def prepare(model, batch, memory_format=torch.contiguous_format):
    torch.manual_seed(1)
    net = nets.build(model).to(memory_format=memory_format)
    x = torch.randn(batch, 3, 32, 32).contiguous(memory_format=memory_format)
    y = torch.randint(10, (batch,))
    return net, x, y, torch.optim.SGD(net.parameters(), lr=1e-4, momentum=0.9, nesterov=True)


def bench(model, batch, threads, seconds, layout, passes="both"):
    batch, seconds = int(batch), float(seconds)
    torch.set_num_threads(int(threads))
    net, x, y, sgd = prepare(model, batch, {"nchw": torch.contiguous_format, "channels_last": torch.channels_last}[layout])

    def train_once():
        loss = F.cross_entropy(net(x), y)
        sgd.zero_grad(set_to_none=True)
        loss.backward()
        sgd.step()

    result = {"threads": torch.get_num_threads()}
    if passes != "infer":
        result["train_img_per_s"], result["train_spread"] = measure(train_once, batch, seconds)
    if passes != "train":
        net.eval()
        with torch.inference_mode():
            result["infer_img_per_s"], result["infer_spread"] = measure(lambda: net(x), batch, seconds)
    result["peak_rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    print(json.dumps(result))


def export(model, path):
    net = nets.build(model).eval()
    torch.onnx.export(net, torch.randn(1, 3, 32, 32), path, opset_version=13, input_names=["x"], output_names=["y"],
                      dynamic_axes={"x": {0: "batch"}, "y": {0: "batch"}})


def start(model, batch, threads):
    torch.set_num_threads(int(threads))
    prepare(model, int(batch))
    print("ready", flush=True)


if __name__ == "__main__":
    {"bench": bench, "export": export, "start": start}[sys.argv[1]](*sys.argv[2:])
