"""Writes optim.json: what torch.optim and torch.nn.utils do with a linear layer of 3 inputs and 2 outputs.

All cases begin with the same weights and see the same gradients. Numbers that go into the optimisers are exact
in binary, so that float and double options mean the same. Run with a Python that has torch 1.13 or newer:

    python3 make_optim_golden.py
"""

import itertools
import json
import math
import pathlib

import torch

STEPS = 6
SHAPES = {"weight": (2, 3), "bias": (2,)}

generator = torch.Generator().manual_seed(20)
START = {name: torch.randn(shape, generator=generator) for name, shape in SHAPES.items()}
GRADIENTS = [{name: torch.randn(shape, generator=generator) for name, shape in SHAPES.items()}
             for _ in range(STEPS)]


def numbers(tensor):
    """The exact values of float32 numbers, as the doubles they are."""
    return [float(value) for value in tensor.flatten()]


def layer():
    return {name: torch.nn.Parameter(value.clone()) for name, value in START.items()}


def run(parameters, optimizer, lr_of_step=None):
    """Weights after every step."""
    history = []
    for step, gradient in enumerate(GRADIENTS):
        for name, parameter in parameters.items():
            parameter.grad = gradient[name].clone()
        for group in optimizer.param_groups:
            if lr_of_step:
                group["lr"] = lr_of_step(step) * group.get("lr_scale", 1)
        optimizer.step()
        history.append({name: numbers(parameter.detach()) for name, parameter in parameters.items()})
    return history


def optimizer_case(name, make, **options):
    parameters = layer()
    return {"optimizer": name, "options": options,
            "history": run(parameters, make(parameters.values(), **options))}


def sgd_cases():
    for momentum, dampening, decay, nesterov in itertools.product((0, 0.875), (0, 0.25), (0, 0.125), (False, True)):
        if nesterov and (momentum == 0 or dampening != 0):
            continue
        yield optimizer_case("sgd", torch.optim.SGD, lr=0.125, momentum=momentum, dampening=dampening,
                             weight_decay=decay, nesterov=nesterov)


def adam_cases():
    for name, make in (("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW)):
        yield optimizer_case(name, make, lr=2**-6, betas=(0.875, 0.96875), eps=2**-10, weight_decay=0.125)
        yield optimizer_case(name, make, lr=2**-6, betas=(0.75, 0.9375), eps=2**-20, weight_decay=0)
        yield optimizer_case(name, make)  # all defaults


def group_case():
    """Half the rate and no decay for the bias, and a rate that changes from step to step."""
    parameters = layer()
    optimizer = torch.optim.SGD([
        {"params": [parameters["weight"]]},
        {"params": [parameters["bias"]], "weight_decay": 0, "lr_scale": 0.5},
    ], lr=1, momentum=0.875, weight_decay=0.125)
    rates = [2.0**-(step + 2) for step in range(STEPS)]
    return {"rates": rates, "history": run(parameters, optimizer, lambda step: rates[step])}


def clip_case(max_norm):
    parameters = layer()
    for name, parameter in parameters.items():
        parameter.grad = GRADIENTS[0][name].clone()
    norm = torch.nn.utils.clip_grad_norm_(parameters.values(), max_norm)
    return {"max_norm": max_norm, "norm": float(norm),
            "clipped": {name: numbers(parameter.grad) for name, parameter in parameters.items()}}


def factors(make, count):
    """The rate at steps 0, 1, ... of a scheduler over the base rate 1."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = make(optimizer)
    result = []
    for _ in range(count):
        result.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if len(result) < count:
            scheduler.step()
    return result


def warm_cosine(step, total, warmup, start, final):
    if step < warmup:
        return start + (1 - start) * step / warmup
    part = min(1, (step - warmup) / (total - warmup))
    return final + (1 - final) * 0.5 * (1 + math.cos(math.pi * part))


def piecewise(step, steps, values):
    if step <= steps[0]:
        return values[0]
    for (a, fa), (b, fb) in itertools.pairwise(zip(steps, values)):
        if step <= b:
            return fa + (fb - fa) * (step - a) / (b - a)
    return values[-1]


def schedule_cases():
    rates = torch.optim.lr_scheduler
    yield {"kind": "step", "step_size": 3, "gamma": 0.5,
           "factors": factors(lambda o: rates.StepLR(o, 3, 0.5), 14)}
    yield {"kind": "step", "step_size": 4, "gamma": 0,
           "factors": factors(lambda o: rates.StepLR(o, 4), 14)}
    yield {"kind": "multi_step", "points_step": [2, 5, 9], "gamma": 0.25,
           "factors": factors(lambda o: rates.MultiStepLR(o, [2, 5, 9], 0.25), 14)}
    yield {"kind": "cosine", "total": 12, "warmup": 0, "warmup_start": 0, "final": 0.125,
           "factors": factors(lambda o: rates.CosineAnnealingLR(o, 12, 0.125), 13)}
    yield {"kind": "cosine", "total": 17, "warmup": 4, "warmup_start": 0.25, "final": 0.0625,
           "factors": factors(lambda o: rates.LambdaLR(o, lambda s: warm_cosine(s, 17, 4, 0.25, 0.0625)), 22)}
    for total, start, div, final in ((20, 0.3, 25, 1e4), (33, 0.25, 10, 100)):
        yield {"kind": "one_cycle", "total": total, "pct_start": start, "div_factor": div, "final_div_factor": final,
               "factors": factors(lambda o: rates.OneCycleLR(
                   o, 1.0, total_steps=total, pct_start=start, anneal_strategy="cos", div_factor=div,
                   final_div_factor=final, three_phase=False, cycle_momentum=False), total)}
    steps, values = [2, 6, 7, 12], [0.25, 1, 0.5, 0]
    yield {"kind": "piecewise_linear", "points_step": steps, "points_factor": values,
           "factors": factors(lambda o: rates.LambdaLR(o, lambda s: piecewise(s, steps, values)), 16)}


def main():
    golden = {
        "start": {name: numbers(value) for name, value in START.items()},
        "gradients": [{name: numbers(value) for name, value in step.items()} for step in GRADIENTS],
        "cases": list(sgd_cases()) + list(adam_cases()),
        "groups": group_case(),
        "clip": [clip_case(0.5), clip_case(100.0)],
        "schedules": list(schedule_cases()),
    }
    path = pathlib.Path(__file__).with_name("optim.json")
    path.write_text(json.dumps(golden, indent=None, separators=(",", ":")).replace("},{", "},\n{") + "\n")


if __name__ == "__main__":
    main()
