# SPDX-License-Identifier: Apache-2.0
# tests/train_oracle.py - one step and twenty steps of training against PyTorch.
#
#     tests/train_oracle.py [--quern build/quern] [--keep FOLDER] [NETWORK]...
#
# Each network has all its parameters drawn at random, is exported with batch-norm as it
# is, and trained by quern on one batch of eight pictures: SGD, rate 0.01, then twenty
# steps on the same batch.  The reference is PyTorch in float64.  A network passes when
# after one step no tensor of weights is farther off than 1e-5 of its length (running
# variances by ONNX's rule, which is the population's), and no loss of twenty more than
# 1e-3.
#
# A unit that stands at the kink of its activation falls to one side or the other with the
# last bits of its sum, and takes a hundredth of the gradient along, in PyTorch's float32
# as in quern's.  No draw of pictures is right by such an accident, so one of several has
# to be within 1e-5; and where PyTorch's own float32, or float64 with pixels nudged by 1e-7,
# misses the losses of twenty steps by more than 1e-3, three times that is the limit.
#
# SGD with Nesterov momentum and smoothed labels and AdamW, both with decay of matrices
# only, take five steps; and ResNet-18 one with all but its last stage and head frozen.
import argparse
import csv
import os
import shutil
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import torch
import torchvision.models as zoo

BATCH, CLASSES, RATE, STEPS, DRAWS = 8, 8, 0.01, 20, 12
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def vit_tiny():
    return zoo.VisionTransformer(image_size=32, patch_size=8, num_layers=3, num_heads=3,
                                 hidden_dim=96, mlp_dim=192, num_classes=CLASSES)


# Nothing here draws random numbers while it trains.
NETWORKS = {
    "resnet18": (32, lambda: zoo.resnet18(num_classes=CLASSES)),
    "mobilenet_v2": (64, lambda: zoo.mobilenet_v2(num_classes=CLASSES)),
    "vit_tiny": (32, vit_tiny),
    "mobilenet_v3_small": (32, lambda: zoo.mobilenet_v3_small(num_classes=CLASSES)),
    "efficientnet_b0": (64, lambda: zoo.efficientnet_b0(
        num_classes=CLASSES, stochastic_depth_prob=0.0)),
    "shufflenet_v2_x0_5": (64, lambda: zoo.shufflenet_v2_x0_5(num_classes=CLASSES)),
    "densenet121": (32, lambda: zoo.densenet121(num_classes=CLASSES)),
}


def make(name):
    """The network with no two tensors alike, so that the export ties none, and none 0."""
    torch.manual_seed(0)
    size, build = NETWORKS[name]
    net = build()
    with torch.no_grad():
        for tensor in list(net.parameters()) + list(net.buffers()):
            if not tensor.is_floating_point():
                continue
            if tensor.dim() == 1:
                tensor += 0.1 * torch.rand_like(tensor)
            elif not tensor.any():  # or nothing behind it would have a gradient
                tensor += 0.1 * torch.randn(tensor.shape)
    for module in net.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        if isinstance(module, torch.nn.Conv2d) and module.groups > 1:
            # PyTorch draws filters of a channel so small that a step is as long as they
            # are; trained ones are not, and twenty such steps are chaos in any arithmetic
            module.weight.data *= module.groups ** 0.5
    return net, size


def export(net, size, path):
    net.eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(net, torch.zeros(BATCH, 3, size, size), path, opset_version=17,
                          input_names=["x"], output_names=["y"], do_constant_folding=False,
                          dynamic_axes={"x": {0: "N"}, "y": {0: "N"}},
                          training=torch.onnx.TrainingMode.PRESERVE)


def pictures(size, seed):
    draw = np.random.default_rng(seed)
    x = draw.integers(0, 256, (BATCH, size, size, 3), dtype=np.uint8)
    return x, np.arange(BATCH) % CLASSES


# By name: PyTorch's, and quern's options.
OPTIMIZERS = {
    "plain": (lambda p: torch.optim.SGD(p, lr=RATE),
              ["--opt", "sgd", "--lr", str(RATE), "--momentum", "0"]),
    "nesterov": (lambda p: torch.optim.SGD(p, lr=RATE, momentum=0.9, nesterov=True),
                 ["--opt", "sgd", "--lr", str(RATE), "--momentum", "0.9"]),
    "adamw": (lambda p: torch.optim.AdamW(p, lr=1e-3, eps=1e-8),
              ["--opt", "adamw", "--lr", "1e-3"]),
}
DECAY = {"plain": 0.0, "nesterov": 0.1, "adamw": 0.1}
SMOOTHING = {"plain": 0.0, "nesterov": 0.1, "adamw": 0.0}  # of labels


def groups(net, kind):
    """Tensors of one dim are not decayed."""
    every = [p for p in net.parameters() if p.requires_grad]
    return [{"params": [p for p in every if p.dim() < 2], "weight_decay": 0.0},
            {"params": [p for p in every if p.dim() >= 2], "weight_decay": DECAY[kind]}]


def train_torch(net, x, y, dtype, steps, nudge=None, kind="plain", frozen=()):
    """Losses before each step, and the state at the end; of each batch-norm the number of
    elements that its statistics are of, and its momentum."""
    net = net.to(dtype).train()
    for name, module in net.named_modules():
        if name.startswith(frozen) and frozen:  # batch-norm's statistics, too
            module.eval().requires_grad_(False)
    x = torch.tensor(x.transpose(0, 3, 1, 2).copy()).to(dtype) / 255
    if nudge is not None:
        noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(nudge))
        x = x * (1 + 1e-7 * noise.to(dtype))
    x = (x - torch.tensor(MEAN, dtype=dtype).view(3, 1, 1)) / torch.tensor(
        STD, dtype=dtype).view(3, 1, 1)
    y = torch.tensor(y, dtype=torch.int64)
    counts = {}
    for name, module in net.named_modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.register_forward_hook(
                lambda m, i, o, name=name: counts.update(
                    {name: (o.numel() // o.shape[1], m.momentum)}))
    optimizer = OPTIMIZERS[kind][0](groups(net, kind))
    losses = []
    for _ in range(steps):
        loss = torch.nn.functional.cross_entropy(net(x), y, label_smoothing=SMOOTHING[kind])
        losses.append(float(loss))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    state = {k: v.detach().numpy().astype(np.float64) for k, v in net.state_dict().items()}
    return losses, state, counts


def population(state, start, counts):
    """Running variances after one step by ONNX's rule instead of PyTorch's."""
    for name, (n, momentum) in counts.items():
        key = name + ".running_var"
        kept = (1 - momentum) * start[key]
        state[key] = kept + (state[key] - kept) * (n - 1) / n


def varints(data):
    value = shift = 0
    for byte in data:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            yield value
            value = shift = 0


def fields(data):
    """(number, value) of the fields of a protobuf message; value is bytes or an int."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        tag = varint()
        if tag & 7 == 0:
            yield tag >> 3, varint()
            continue
        size = varint() if tag & 7 == 2 else 8 if tag & 7 == 1 else 4
        yield tag >> 3, data[at:at + size]
        at += size


def initializers(data):
    """The float32 initializers of a model by name, as quern writes them (raw data)."""
    found = {}
    graph = next(value for number, value in fields(data) if number == 7)
    for number, tensor in fields(graph):
        if number != 5:
            continue
        parts = list(fields(tensor))
        dims = []
        for n, v in parts:
            if n == 1:  # packed or one by one
                dims += [v] if isinstance(v, int) else list(varints(v))
        by_number = dict(parts)
        if by_number.get(2) == 1 and 9 in by_number:
            values = np.frombuffer(by_number[9], "<f4").astype(np.float64)
            found[by_number[8].decode()] = values.reshape(dims)
    return found


def run_quern(args, paths, epochs, kind="plain", freeze=None):
    """Each epoch is one step; the losses before them and the tensors at the end."""
    model, data, out = paths
    command = [args.quern, "train", data, "--model", model, "--keep-head", "-b", str(BATCH),
               "-e", str(epochs), "--val", "0", "--aug", "none", "--sched", "constant",
               "--label-smoothing", str(SMOOTHING[kind]),
               "--mean", ",".join(map(str, MEAN)), "--std", ",".join(map(str, STD)), "--channels", "rgb", "--quiet", "-o", out,
               "--wd", str(DECAY[kind])] + OPTIMIZERS[kind][1]
    command += ["--freeze", freeze] if freeze else []
    shutil.rmtree(out, ignore_errors=True)
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    with open(os.path.join(out, "metrics.csv")) as rows:
        losses = [float(row["train_loss"]) for row in csv.DictReader(rows)]
    with open(os.path.join(out, "last.onnx"), "rb") as file:
        return losses, initializers(file.read())


def compare(state, start, want):
    """The worst tensor: its difference as a part of its length, and as a part of the length
    of the step."""
    worst = (0.0, 0.0, "", 0)
    for name, tensor in want.items():
        if "num_batches" in name:
            continue
        if name not in state or state[name].shape != tensor.shape:
            raise RuntimeError("no tensor '%s' of shape %s" % (name, tensor.shape))
        off = np.linalg.norm(state[name] - tensor)
        part = off / max(np.linalg.norm(tensor), 1e-30)
        step = off / max(np.linalg.norm(tensor - start[name]), 1e-30)
        if part >= worst[0]:
            worst = (part, step, name, worst[3])
        worst = worst[:3] + (worst[3] + 1,)
    return worst


def apart(a, b):
    return max(abs(p - q) for p, q in zip(a, b))


def one_step(args, name, paths, start):
    """The first draw of pictures whose step agrees, or the best: what compare says, its
    number, and PyTorch's own miss in float32."""
    best = None
    for seed in range(DRAWS):
        x, y = pictures(NETWORKS[name][0], seed)
        want, counts = train_torch(make(name)[0], x, y, torch.float64, 1)[1:]
        single = train_torch(make(name)[0], x, y, torch.float32, 1)[1]
        population(want, start, counts)
        population(single, start, counts)
        np.savez(paths[1], x_train=x, y_train=y)
        got = compare(run_quern(args, paths, 1)[1], start, want)
        if best is None or got[0] < best[0][0]:
            best = (got, seed, compare(single, start, want)[0])
        if got[0] <= 1e-5:
            break
    return best


def twenty_steps(args, name, paths, x, y):
    """The miss, the limit, and the losses."""
    want = train_torch(make(name)[0], x, y, torch.float64, STEPS)[0]
    others = [train_torch(make(name)[0], x, y, torch.float32, STEPS)[0]]
    others += [train_torch(make(name)[0], x, y, torch.float64, STEPS, k)[0] for k in range(2)]
    losses = run_quern(args, paths, STEPS)[0]
    assert len(losses) == STEPS
    limit = max(1e-3, 3 * max(apart(other, want) for other in others))
    return apart(losses, want), limit, losses


def prepare(name, folder):
    """Model, data and run folder; the state at the start."""
    net, size = make(name)
    start = {k: v.numpy().astype(np.float64) for k, v in net.state_dict().items()}
    paths = [os.path.join(folder, name + end) for end in (".onnx", ".npz", "")]
    export(net, size, paths[0])
    return paths, start


def check(args, name, folder):
    paths, start = prepare(name, folder)
    (part, step, tensor, n), seed, single = one_step(args, name, paths, start)
    x, y = pictures(NETWORKS[name][0], seed)
    np.savez(paths[1], x_train=x, y_train=y)
    off, limit, losses = twenty_steps(args, name, paths, x, y)
    good = part <= 1e-5 and off <= limit
    print("%-19s %s: one step %.1e at %s (%.1e of its step; torch float32 %.1e), draw %d, "
          "%d tensors; 20 losses %.1e, limit %.1e, %.4f to %.4f"
          % (name, "passed" if good else "FAILED", part, tensor, step, single, seed, n, off,
             limit, losses[0], losses[-1]))
    return good


def check_optimizer(args, kind, folder):
    """Five steps of the ViT, which has no kinks.  The bias of its keys has no gradient
    either, of which AdamW makes steps of rounding errors."""
    paths, start = prepare("vit_tiny", folder)
    x, y = pictures(32, 0)
    np.savez(paths[1], x_train=x, y_train=y)
    _, want, _ = train_torch(make("vit_tiny")[0], x, y, torch.float64, 5, kind=kind)
    _, got = run_quern(args, paths, 5, kind)
    _, single, _ = train_torch(make("vit_tiny")[0], x, y, torch.float32, 5, kind=kind)
    want = {k: v for k, v in want.items() if "in_proj_bias" not in k}
    part, step, tensor, n = compare(got, start, want)
    limit = max(1e-5, 3 * compare(single, start, want)[0])
    print("%-19s %s: five steps %.1e at %s (%.1e of the way), limit %.1e, %d tensors"
          % (kind, "passed" if part <= limit else "FAILED", part, tensor, step, limit, n))
    return part <= limit


def check_frozen(args, name, folder):
    """One step of ResNet-18 with all but its last stage and head frozen."""
    paths, start = prepare("resnet18", folder)
    stages = ("conv1", "bn1", "layer1", "layer2", "layer3")
    best = None
    for seed in range(DRAWS):
        x, y = pictures(NETWORKS["resnet18"][0], seed)
        np.savez(paths[1], x_train=x, y_train=y)
        _, want, counts = train_torch(make("resnet18")[0], x, y, torch.float64, 1, frozen=stages)
        population(want, start, {k: v for k, v in counts.items() if not k.startswith(stages)})
        got = compare(run_quern(args, paths, 1, freeze=",".join(s + ".*" for s in stages))[1],
                      start, want)
        if best is None or got[0] < best[0]:
            best = got + (seed,)
        if got[0] <= 1e-5:
            break
    print("%-19s %s: one step %.1e at %s (%.1e of its step), %d tensors, draw %d"
          % (name, "passed" if best[0] <= 1e-5 else "FAILED", best[0], best[2], best[1],
             best[3], best[4]))
    return best[0] <= 1e-5


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quern", default="build/quern")
    parser.add_argument("--keep", metavar="FOLDER")
    parser.add_argument("networks", nargs="*")
    args = parser.parse_args()
    torch.set_num_threads(1)
    failed = 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.keep or temporary
        checks = {kind: check_optimizer for kind in list(OPTIMIZERS)[1:]}
        checks.update({"frozen": check_frozen}, **{name: check for name in NETWORKS})
        for name in args.networks or checks:
            try:
                good = checks[name](args, name, folder)
            except RuntimeError as error:
                print("%-19s FAILED: %s" % (name, error))
                good = False
            failed += not good
            sys.stdout.flush()
    print("%d failed" % failed)
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
