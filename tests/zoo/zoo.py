# SPDX-License-Identifier: Apache-2.0
# tests/zoo/zoo.py - exports, runs and compares; see run.sh.  A network passes an opset when
# quern's outputs lie within 1e-4 of the largest reference value, for a fixed batch of one
# and for a free batch bound to one and to three, and a training of it can be planned.
import argparse
import json
import os
import subprocess
import sys
import time
import warnings

import numpy as np
import torch
import torchvision.models as zoo

NETWORKS = """alexnet vgg16 resnet18 resnet50 squeezenet1_0 densenet121 googlenet inception_v3
shufflenet_v2_x1_0 mobilenet_v2 mobilenet_v3_small mobilenet_v3_large mnasnet1_0
efficientnet_b0 regnet_y_400mf convnext_tiny vit_b_16 swin_t""".split()
TOLERANCE = 1e-4  # of the largest value of an output
# Nodes left after the passes, of the export at opset 17.
MAX_NODES = {"swin_t": 620, "shufflenet_v2_x1_0": 190}


def build(name):
    """The network with weights from a fixed seed and normalisation that fits them, so that
    activations neither vanish nor explode."""
    torch.manual_seed(0)
    extra = {"init_weights": True} if name in ("googlenet", "inception_v3") else {}
    net = getattr(zoo, name)(weights=None, **extra)
    size = 299 if name == "inception_v3" else 224
    norms = [m for m in net.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    for m in norms:
        m.momentum = None  # the plain mean
    if norms:
        net.train()
        with torch.no_grad():
            net(torch.randn(4, 3, size, size))
    if extra:
        net.aux_logits = False
    return net.eval(), size


def export(net, x, path, opset, free_batch):
    axes = {"x": {0: "N"}, "y": {0: "N"}} if free_batch else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(net, x, path, opset_version=opset, input_names=["x"],
                          output_names=["y"], dynamic_axes=axes)


def worst(got, want):
    """The largest difference as a part of the largest value; infinite if shapes differ."""
    if got.shape != want.shape or not np.isfinite(got).all():
        return float("inf")
    return float(np.abs(got - want).max() / max(np.abs(want).max(), 1e-30))


def run_quern(args, model, x_file, folder):
    out = os.path.join(folder, "out")
    subprocess.run([args.quern, "run", model, "-i", x_file, "-o", out, "--quiet"], check=True,
                   stdout=subprocess.DEVNULL)
    return np.load(os.path.join(out, "y.npy"))


def run_ort(args, model, x_file, folder):
    out = os.path.join(folder, "ort.npy")
    code = ("import sys, numpy as np, onnxruntime as o;"
            "s = o.InferenceSession(sys.argv[1], providers=['CPUExecutionProvider']);"
            "np.save(sys.argv[3], s.run(None, {'x': np.load(sys.argv[2])})[0])")
    subprocess.run([args.ort, "-c", code, model, x_file, out], check=True)
    return np.load(out)


def plan_training(args, model):
    """Plans a training on pictures made up: no gradient may be missing."""
    data = os.path.join(args.folder, "pictures.npz")
    np.savez(data, x_train=np.zeros((16, 32, 32, 3), np.uint8), y_train=np.arange(16) % 8)
    subprocess.run([args.quern, "train", data, "--model", model, "-b", "2", "-e", "1",
                    "--val", "0", "--dry-run", "--quiet", "-o",
                    os.path.join(args.folder, "run")], check=True)


def try_case(args, name, net, size, opset, free_batch, batches):
    kind = "free" if free_batch else "fixed"
    label = f"{name} opset {opset} {kind} batch"
    model = os.path.join(args.folder, f"{name}-{opset}-{kind}.onnx")
    try:
        export(net, torch.zeros(1, 3, size, size), model, opset, free_batch)
    except Exception as why:  # an operator that this opset lacks
        print(f"skip {label}: torch cannot export it ({str(why).splitlines()[0][:80]})")
        return "skipped"
    errors, good = [], True
    try:
        for n in batches:
            x = torch.randn(n, 3, size, size, generator=torch.Generator().manual_seed(n))
            x_file = os.path.join(args.folder, "x.npy")
            np.save(x_file, x.numpy())
            with torch.no_grad():
                want = net(x).numpy()
            got = run_quern(args, model, x_file, args.folder)
            errors.append(f"batch {n}: torch {worst(got, want):.1e}")
            good &= worst(got, want) <= TOLERANCE
            if args.ort:
                other = run_ort(args, model, x_file, args.folder)
                errors.append(f"ort {worst(got, other):.1e}")
                good &= worst(got, other) <= TOLERANCE
        if opset == 17 and not free_batch and name in MAX_NODES:
            told = subprocess.run([args.quern, "inspect", model, "--json"], check=True,
                                  stdout=subprocess.PIPE).stdout
            nodes = json.loads(told)["nodes_after_passes"]
            errors.append(f"{nodes} nodes of at most {MAX_NODES[name]}")
            good &= nodes <= MAX_NODES[name]
        if opset == 17 and free_batch:
            plan_training(args, model)
            errors.append("can be trained")
    except subprocess.CalledProcessError as why:
        errors.append(f"{why.cmd[0]} ended with {why.returncode}")
        good = False
    if not args.keep:
        os.remove(model)
    print(f"{'ok  ' if good else 'FAIL'} {label}: {', '.join(errors)}", flush=True)
    return "passed" if good else "failed"


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--quern", required=True)
    p.add_argument("--folder", required=True)
    p.add_argument("--opsets", default="11 13 17")
    p.add_argument("--ort", help="a python that has onnxruntime")
    p.add_argument("--keep", action="store_true")
    p.add_argument("networks", nargs="*")
    args = p.parse_args()
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    start = time.time()
    for name in args.networks or NETWORKS:
        net, size = build(name)
        for opset in map(int, args.opsets.split()):
            counts[try_case(args, name, net, size, opset, True, (1, 3))] += 1
            if opset == 17:
                counts[try_case(args, name, net, size, opset, False, (1,))] += 1
    print(f"{time.time() - start:.0f} s")
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return counts["failed"] > 0


if __name__ == "__main__":
    sys.exit(main())
