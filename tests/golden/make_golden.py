#!/usr/bin/env python3
"""Asks PyTorch what every operation, ten steps of training and the recipes should give, and writes it down for the C tests.

    python3 make_golden.py [NAME...]      operations, nets as train_NAME, recipes as recipe_NAME; default: all

Everything is computed in float64. A case's result is reduced to a number by the sum of (result - target)^2, so that the
gradient that flows into the operation differs from element to element; a result of one element is multiplied by 3.
"""
import os
import sys

import numpy as np
import torch

import goldenfile
import op_cases
import recipes
import training

HERE = os.path.dirname(os.path.abspath(__file__))


def run(case):
    """The records of a case, or None where float32 rounding could put a fused relu on its other side."""
    op_cases.activated.margin = float("inf")
    tensors = {i.name: torch.tensor(i.values, dtype=torch.float64, requires_grad=bool(i.grad)) for i in case.inputs}
    result = case.apply(tensors)
    arrays = [("output", result)]
    if result.numel() == 1:
        loss = 3 * result.sum()
        target = []
    else:
        target = [goldenfile.Input("target", result.shape, 7, grad=False)]
        loss = ((result - torch.tensor(target[0].values, dtype=torch.float64)) ** 2).sum()
    loss.backward()
    for i in case.inputs:
        if i.grad:
            arrays.append(("grad." + i.name, tensors[i.name].grad))
            if not tensors[i.name].grad.abs().sum() > 0 and not tensors[i.name].grad.isnan().any():
                return None
    if not case.options.get("eval"):
        arrays += [("after." + name, tensors[name]) for name in tensors if name.startswith("running_")]
    if op_cases.activated.margin < 1e-5:
        return None
    records = ["case %s\n" % case.name]
    records += ["set %s %s\n" % (key, repr(float(value))) for key, value in case.options.items()]
    records = [record.encode() for record in records]
    records += [i.record() for i in case.inputs + target]
    with np.errstate(over="ignore"):
        records += [goldenfile.sampled_record(name, values.detach().numpy()) for name, values in arrays]
    return records


def settled(case):
    """run() with the first seeds that make a fair case."""
    for _ in range(100):
        records = run(case)
        if records is not None:
            return records
        case.inputs = [i.reseeded() for i in case.inputs]
    raise SystemExit("%s: no seed gives gradients that are not zero, away from the kink" % case.name)


def main(names):
    torch.manual_seed(0)
    torch.set_num_threads(2)
    makers = {"train_" + net: (training.records, net) for net in training.NETS}
    makers.update({"recipe_" + name: (recipes.records, name) for name in recipes.RECIPES})
    known = list(op_cases.OPS) + list(makers)
    for name in names or known:
        path = os.path.join(HERE, name + ".gz")
        if name in op_cases.OPS:
            cases = op_cases.OPS[name]
            assert len({case.name for case in cases}) == len(cases), name
            goldenfile.write(path, [record for case in cases for record in settled(case)])
        else:
            records, what = makers[name]
            goldenfile.write(path, records(what))
        print("%-24s %8d bytes" % (name, os.path.getsize(path)))


if __name__ == "__main__":
    main(sys.argv[1:])
