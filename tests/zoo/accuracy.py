# SPDX-License-Identifier: Apache-2.0
"""How well quern's trainings end, each from nothing, on test pictures that chose nothing.

    python3 tests/zoo/accuracy.py build/quern [--seeds 1,2,3] [--threads N] [--out DIR] [ROW...]

A row is one of those below.  Prints, for each, the accuracy of every seed, their mean beside
what is asked of it, processor seconds and pictures a second; ends with 1 if a mean falls
short.  Rows on Fashion-MNIST read Debian's dataset-fashion-mnist; `signs` reads
../shared/data/sign-language-digits.tar; `two-stage` needs torch and torchvision, which
write the network that it starts from.
"""
import argparse, gzip, json, os, resource, subprocess, sys, tarfile, tempfile, time, warnings
import numpy as np

FASHION = "/usr/share/datasets/fashion-mnist"
SIGNS = os.path.join(os.path.dirname(__file__), "../../../shared/data/sign-language-digits.tar")
#  row: data, arguments, mean that is asked for
ROWS = {
    "fast16": ("fashion", "--arch fast16 --epochs 8", 0.923),
    "fast32": ("fashion", "--arch fast32 --epochs 8", 0.933),
    "fast32-20": ("fashion", "--arch fast32 --epochs 20 --ema 0.999 --aug flip=0.5,erase=0.25", 0.943),
    "resnet20": ("fashion", "--arch resnet20 --epochs 20", 0.943),
    "signs": ("signs", "--arch resnet8 --size 64,64 --epochs 20 --val 0.2 --split-seed 0", 0.95),
    "two-stage": ("halves", "", 0.95),
}


def spent():
    use = resource.getrusage(resource.RUSAGE_CHILDREN)
    return use.ru_utime + use.ru_stime


def fashion(kind, what):
    with gzip.open(f"{FASHION}/{kind}-{what}-ubyte.gz") as f:
        raw = f.read()
    return (np.frombuffer(raw, np.uint8, offset=16).reshape(-1, 28, 28) if what == "images-idx3"
            else np.frombuffer(raw, np.uint8, offset=8))


def halves(folder):
    """Two sets: classes 0 to 4, and 5 to 9 counted from 0."""
    for first in (0, 5):
        arrays = {}
        for kind, name in (("train", "train"), ("t10k", "test")):
            images, labels = fashion(kind, "images-idx3"), fashion(kind, "labels-idx1")
            mine = (labels >= first) & (labels < first + 5)
            arrays[f"{name}_images"], arrays[f"{name}_labels"] = images[mine], labels[mine] - first
        np.savez(f"{folder}/half{first}.npz", **arrays)


def random_resnet18(path):
    import torch, torchvision
    torch.manual_seed(0)
    net = torchvision.models.resnet18().train()
    warnings.simplefilter("ignore")
    torch.onnx.export(net, torch.randn(2, 3, 64, 64), path, opset_version=13, input_names=["x"],
                      training=torch.onnx.TrainingMode.TRAINING, do_constant_folding=False,
                      output_names=["y"], dynamic_axes={"x": {0: "N"}, "y": {0: "N"}})


def train(args, data, options, out, seed):
    command = [args.quern, "train", data, *options.split(), "--seed", str(seed), "--threads",
               str(args.threads), "--out", out, "--overwrite", "--quiet"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    with open(f"{out}/report.json") as f:
        report = json.load(f)
    with open(f"{out}/metrics.jsonl") as f:
        speed = [json.loads(line)["images_per_s"] for line in f]
    return report["top1"], float(np.median(speed))


def two_stage(args, out, seed):
    halves(out)
    random_resnet18(f"{out}/resnet18.onnx")
    size = "--size 64,64 --channels rgb"
    train(args, f"{out}/half0.npz", f"--model {out}/resnet18.onnx --epochs 3 {size}", f"{out}/first", seed)
    frozen = "conv1*,bn1*,layer1*,layer2*,layer3*"
    return train(args, f"{out}/half5.npz", f"--model {out}/first/model.onnx --epochs 2 {size} "
                 f"--freeze {frozen}", f"{out}/second", seed)


def once(args, row, out, seed):
    data, options, _ = ROWS[row]
    if data == "halves":
        return two_stage(args, out, seed)
    if data == "signs":
        with tarfile.open(SIGNS) as tar:
            tar.extractall(f"{out}/signs")
        inside = [d for d, sub, _ in os.walk(f"{out}/signs") if len(sub) == 10]
        return train(args, inside[0], options, f"{out}/run", seed)
    return train(args, FASHION, options, f"{out}/run", seed)


def main():
    ask = argparse.ArgumentParser()
    ask.add_argument("quern")
    ask.add_argument("rows", nargs="*", default=list(ROWS))
    ask.add_argument("--seeds", default="1,2,3")
    ask.add_argument("--threads", type=int, default=0)
    ask.add_argument("--out", help="keep the run folders here")
    args = ask.parse_args()
    short = 0
    for row in args.rows:
        scores = []
        for seed in map(int, args.seeds.split(",")):
            with tempfile.TemporaryDirectory() as temporary:
                out = f"{args.out}/{row}-{seed}" if args.out else temporary
                os.makedirs(out, exist_ok=True)
                clock, cpu = time.time(), spent()
                score, speed = once(args, row, out, seed)
                scores.append(score)
                print(f"{row:10} seed {seed}: {100 * score:.2f} %, {spent() - cpu:.0f} s of processor "
                      f"time in {time.time() - clock:.0f} s, {speed:.0f} images/s", flush=True)
        mean, asked = sum(scores) / len(scores), ROWS[row][2]
        short += mean < asked
        print(f"{row:10} mean {100 * mean:.2f} %, {'at least' if mean >= asked else 'SHORT OF'} "
              f"{100 * asked:.1f}", flush=True)
    sys.exit(short > 0)


main()
