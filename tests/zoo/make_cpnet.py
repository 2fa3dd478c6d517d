#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a CPnet with random weights as ONNX: make_cpnet.py OUT.onnx [NBASE [SEED [DIAM]]]

NBASE is "2,2,4,4,4" (the one of tests/data) or "2,32,64,128,256" (the published size).
Needs cellpose 3.1 and torch; --check compares with onnxruntime.
"""
import copy
import sys

import numpy as np
import torch
from cellpose.resnet_torch import CPnet


class Style(torch.nn.Module):
    """Cellpose's pooling for any size: averages over the whole tile."""

    def forward(self, x):
        s = torch.flatten(torch.nn.functional.adaptive_avg_pool2d(x, 1), 1)
        return s / torch.sum(s ** 2, axis=1, keepdim=True) ** .5


class Flows(torch.nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return self.net(x)[0]


def make(nbase, seed, diam_mean=30.0):
    torch.manual_seed(seed)
    net = CPnet(list(nbase), 3, 3, diam_mean=diam_mean)
    for m in net.modules():
        if isinstance(m, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(m.weight, 0.5, 1.5)
            torch.nn.init.normal_(m.bias, 0, 0.1)
            torch.nn.init.normal_(m.running_mean, 0, 0.1)
            torch.nn.init.uniform_(m.running_var, 0.5, 1.5)
    # Flows of a few pixels a step and about half of the picture in cells.
    net.output[2].weight.data *= 12
    net.output[2].bias.data *= 0
    net.eval()
    with torch.no_grad():
        y = net(torch.rand(1, nbase[0], 224, 224))[0][0]
        net.output[2].bias.data -= y.flatten(1).median(1).values
    return net


def export(net, path, opset=17):
    net = copy.deepcopy(net)  # the exporter fuses in place
    net.make_style = Style()
    axes = {0: "batch", 2: "height", 3: "width"}
    with torch.no_grad():
        torch.onnx.export(Flows(net), torch.rand(1, net.nchan, 64, 64), path,
                          opset_version=opset, input_names=["input"], output_names=["output"],
                          dynamic_axes={"input": axes, "output": axes})


def shorten(path):
    """Names of nodes and values take more room than the weights of a tiny network."""
    import onnx
    model = onnx.load(path)
    short = {"input": "input", "output": "output", "": ""}
    for node in model.graph.node:
        node.name = ""
        node.doc_string = ""
        for names in (node.input, node.output):
            for i, name in enumerate(names):
                names[i] = short.setdefault(name, f"v{len(short)}")
    for tensor in model.graph.initializer:
        tensor.name = short.get(tensor.name, tensor.name)
    del model.graph.value_info[:]
    onnx.save(model, path)


if __name__ == "__main__":
    words = [w for w in sys.argv[1:] if w != "--check"]
    nbase = [int(v) for v in (words[1] if len(words) > 1 else "2,2,4,4,4").split(",")]
    net = make(nbase, int(words[2]) if len(words) > 2 else 1,
               float(words[3]) if len(words) > 3 else 30.0)
    export(net, words[0])
    shorten(words[0])
    if "--check" in sys.argv:
        import onnxruntime
        x = np.random.default_rng(1).random((1, nbase[0], 64, 96), "f4")
        want = net(torch.from_numpy(x))[0].detach().numpy()
        got = onnxruntime.InferenceSession(words[0]).run(None, {"input": x})[0]
        print("worst difference", abs(got - want).max(), "of", abs(want).max())
