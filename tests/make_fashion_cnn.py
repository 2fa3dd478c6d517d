# SPDX-License-Identifier: Apache-2.0
"""Trains the small network of `make demo` and writes it as an ONNX file.

    python3 tests/make_fashion_cnn.py [tests/data/fashion-cnn.onnx]

Needs numpy, torch and onnx, and Debian's dataset-fashion-mnist.  Four 3x3 convolutions
(batch normalization is folded into them before writing, so the file holds Conv, Relu,
MaxPool, GlobalAveragePool, Flatten and Gemm only), label smoothing 0.05, horizontal
flips, a triangular learning rate, one thread.  The first 55,000 training images train;
the other 5,000 choose the softmax temperature; the test set is only counted at the end.

RESULT
"""
import gzip
import json
import struct
import sys

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper

SEED, EPOCHS, BATCH, LR, SMOOTH = 7, 10, 128, 0.01, 0.05
FOLDER = "/usr/share/datasets/fashion-mnist/"
CLASSES = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt",
           "Sneaker", "Bag", "Ankle boot"]
MEAN, STD = 0.2860, 0.3530  # of the training images, on the 0..1 scale
WIDTHS = [1, 24, 40, 56, 64]
POOL_AFTER = {0, 2}


def read_idx(name):
    data = gzip.open(FOLDER + name).read()
    rank = data[3]
    dims = struct.unpack(">%dI" % rank, data[4:4 + 4 * rank])
    return np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(dims).copy()


def load(prefix):
    images = read_idx(prefix + "-images-idx3-ubyte.gz").astype(np.float32) / 255
    labels = read_idx(prefix + "-labels-idx1-ubyte.gz").astype(np.int64)
    x = torch.from_numpy((images - MEAN) / STD).unsqueeze(1)
    return x, torch.from_numpy(labels)


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.ModuleList(
            torch.nn.Conv2d(a, b, 3, padding=1, bias=False)
            for a, b in zip(WIDTHS, WIDTHS[1:]))
        self.bn = torch.nn.ModuleList(torch.nn.BatchNorm2d(b) for b in WIDTHS[1:])
        self.fc = torch.nn.Linear(WIDTHS[-1], 10)

    def forward(self, x):
        for i, (conv, bn) in enumerate(zip(self.conv, self.bn)):
            x = F.relu(bn(conv(x)))
            if i in POOL_AFTER:
                x = F.max_pool2d(x, 2)
        return self.fc(x.mean((2, 3)))


def logits_of(net, x):
    net.eval()
    with torch.no_grad():
        return torch.cat([net(b) for b in x.split(500)])


def train(net, x, y):
    steps = EPOCHS * (len(x) // BATCH)
    opt = torch.optim.AdamW(net.parameters(), lr=LR, weight_decay=0.02)
    rate = torch.optim.lr_scheduler.LambdaLR(
        opt, lambda s: min(s / (0.2 * steps), (steps - s) / (0.8 * steps)))
    for epoch in range(EPOCHS):
        net.train()
        order = torch.randperm(len(x))
        total = 0.0
        for step in range(len(x) // BATCH):
            pick = order[step * BATCH:(step + 1) * BATCH]
            batch = x[pick]
            flip = torch.rand(BATCH) < 0.5
            batch[flip] = batch[flip].flip(3)
            loss = F.cross_entropy(net(batch), y[pick], label_smoothing=SMOOTH)
            opt.zero_grad()
            loss.backward()
            opt.step()
            rate.step()
            total += loss.item()
        print("epoch", epoch + 1, "loss %.4f" % (total / (step + 1)), flush=True)


def fit_temperature(logits, y):
    grid = np.arange(0.30, 2.01, 0.01)
    loss = [F.cross_entropy(logits / t, y).item() for t in grid]
    return float(grid[int(np.argmin(loss))])


def write(net, temperature, path):
    nodes, weights, x = [], [], "image"

    def tensor(name, value):
        array = value.detach().numpy().astype(np.float32)
        weights.append(numpy_helper.from_array(array, name))
        return name

    for i, (conv, bn) in enumerate(zip(net.conv, net.bn), 1):
        scale = bn.weight / torch.sqrt(bn.running_var + bn.eps)
        w = tensor("conv%d.weight" % i, conv.weight * scale.reshape(-1, 1, 1, 1))
        b = tensor("conv%d.bias" % i, bn.bias - bn.running_mean * scale)
        nodes.append(helper.make_node("Conv", [x, w, b], ["conv%d" % i], "conv%d" % i,
                                      kernel_shape=[3, 3], pads=[1, 1, 1, 1]))
        x = "relu%d" % i
        nodes.append(helper.make_node("Relu", ["conv%d" % i], [x], x))
        if i - 1 in POOL_AFTER:
            nodes.append(helper.make_node("MaxPool", [x], ["pool%d" % i], "pool%d" % i,
                                          kernel_shape=[2, 2], strides=[2, 2]))
            x = "pool%d" % i
    nodes.append(helper.make_node("GlobalAveragePool", [x], ["mean"], "mean"))
    nodes.append(helper.make_node("Flatten", ["mean"], ["features"], "flatten", axis=1))
    nodes.append(helper.make_node(
        "Gemm", ["features", tensor("fc.weight", net.fc.weight),
                 tensor("fc.bias", net.fc.bias)], ["logits"], "fc", transB=1))
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT,
                                          ["batch", 1, 28, 28])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 10])
    graph = helper.make_graph(nodes, "fashion-cnn", [image], [logits], weights)
    model = helper.make_model(graph, producer_name="quern tests/make_fashion_cnn.py",
                              opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    helper.set_model_props(model, {
        "quern.schema": "1", "quern.classes": json.dumps(CLASSES),
        "quern.size": "28,28", "quern.resize": "stretch", "quern.channels": "gray",
        "quern.mean": str(MEAN), "quern.std": str(STD),
        "quern.temperature": "%.2f" % temperature})
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else "tests/data/fashion-cnn.onnx"
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    x, y = load("train")
    test_x, test_y = load("t10k")
    net = Net()
    train(net, x[:55000], y[:55000])
    temperature = fit_temperature(logits_of(net, x[55000:]), y[55000:])
    right = (logits_of(net, test_x).argmax(1) == test_y).sum().item()
    write(net, temperature, path)
    print("parameters", sum(p.numel() for p in net.parameters()),
          "temperature %.2f" % temperature, "test accuracy %.4f" % (right / 10000))


if __name__ == "__main__":
    main()
