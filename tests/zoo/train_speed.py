# SPDX-License-Identifier: Apache-2.0
"""A training step of quern beside PyTorch's: forward, backward and update (SGD, Nesterov,
label smoothing none) on one batch in memory, in turns, processor time of each.

    python3 tests/zoo/train_speed.py build/quern [--threads 1] [--rounds 8] [NET...]

NET is one of those below.  Prints the median of the rounds' ratios, torch / quern, and
images a second of both.  Needs torch; mobilenet_v2 and resnet18 need torchvision, too.
"""
import argparse, os, subprocess, sys, tempfile, time
import torch
import torch.nn as nn
import torch.nn.functional as F


def conv(i, o, k=3, s=1, g=1):
    return nn.Conv2d(i, o, k, s, k // 2, groups=g, bias=False)


class Fast(nn.Module):
    """Three groups: conv, pool, bn, relu, conv, bn + identity, relu."""

    def __init__(self, c, widths, n=10):
        super().__init__()
        self.a = nn.ModuleList(conv(i, o) for i, o in zip([c] + widths, widths))
        self.b = nn.ModuleList(conv(o, o) for o in widths)
        self.na = nn.ModuleList(nn.BatchNorm2d(o) for o in widths)
        self.nb = nn.ModuleList(nn.BatchNorm2d(o) for o in widths)
        self.fc = nn.Linear(widths[-1], n)

    def forward(self, x):
        for a, na, b, nb in zip(self.a, self.na, self.b, self.nb):
            x = F.relu(na(F.max_pool2d(a(x), 2)))
            x = F.relu(nb(b(x)) + x)
        return self.fc(F.adaptive_max_pool2d(x, 1).flatten(1))


class Tiny(nn.Module):
    def __init__(self, c, w=16, n=10):
        super().__init__()
        self.c = nn.ModuleList([conv(c, w), conv(w, 2 * w), conv(2 * w, 4 * w)])
        self.n = nn.ModuleList([nn.BatchNorm2d(w), nn.BatchNorm2d(2 * w), nn.BatchNorm2d(4 * w)])
        self.fc = nn.Linear(4 * w, n)

    def forward(self, x):
        for k in range(3):
            x = self.c[k](x)
            x = F.relu(self.n[k](F.max_pool2d(x, 2) if k < 2 else x))
        return self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))


class Block(nn.Module):
    def __init__(self, i, o, s):
        super().__init__()
        self.a, self.b = conv(i, o, 3, s), conv(o, o)
        self.na, self.nb = nn.BatchNorm2d(o), nn.BatchNorm2d(o)
        self.p = nn.Sequential(conv(i, o, 1, s), nn.BatchNorm2d(o)) if s > 1 or i != o else nn.Identity()

    def forward(self, x):
        return F.relu(self.nb(self.b(F.relu(self.na(self.a(x))))) + self.p(x))


def resnet(c, per, w=16, n=10):
    layers, i = [conv(c, w), nn.BatchNorm2d(w), nn.ReLU()], w
    for stage in range(3):
        for k in range(per):
            o = w << stage
            layers.append(Block(i, o, 2 if stage and k == 0 else 1))
            i = o
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(i, n))


class Inverted(nn.Module):
    def __init__(self, i, o, s, t):
        super().__init__()
        h, m = i * t, []
        if t > 1:
            m += [conv(i, h, 1), nn.BatchNorm2d(h), nn.ReLU6()]
        m += [conv(h, h, 3, s, h), nn.BatchNorm2d(h), nn.ReLU6(), conv(h, o, 1), nn.BatchNorm2d(o)]
        self.m, self.same = nn.Sequential(*m), s == 1 and i == o

    def forward(self, x):
        return self.m(x) + x if self.same else self.m(x)


def mobile(c, n=10):
    layers, i = [conv(c, 16, 3, 2), nn.BatchNorm2d(16), nn.ReLU6()], 16
    for t, o, k, s in [(1, 16, 1, 1), (4, 24, 2, 2), (4, 32, 3, 2), (4, 64, 3, 2), (4, 96, 2, 1)]:
        for j in range(k):
            layers.append(Inverted(i, o, s if j == 0 else 1, t))
            i = o
    layers += [conv(i, 256, 1), nn.BatchNorm2d(256), nn.ReLU6()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(256, n))


def vision(name):
    import torchvision
    return getattr(torchvision.models, name)()


NETS = {  # torch's form, quern's name, channels, side, batch
    "tiny": (lambda: Tiny(1), "tiny@28", 1, 28, 128),
    "fast16": (lambda: Fast(1, [16, 32, 64]), "fast16@28", 1, 28, 128),
    "fast32": (lambda: Fast(1, [32, 64, 128]), "fast32@28", 1, 28, 128),
    "resnet8": (lambda: resnet(3, 1), "resnet8@32", 3, 32, 128),
    "resnet20": (lambda: resnet(3, 3), "resnet20@32", 3, 32, 128),
    "mobile-s": (lambda: mobile(3), "mobile-s@64", 3, 64, 64),
    "mobilenet_v2": (lambda: vision("mobilenet_v2"), None, 3, 224, 16),
    "resnet18": (lambda: vision("resnet18"), None, 3, 224, 8),
}


def child_seconds(pid):
    with open(f"/proc/{pid}/stat") as f:
        parts = f.read().rsplit(")", 1)[1].split()
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


class Quern:
    def __init__(self, program, net, model, threads):
        _, name, c, side, batch = NETS[net]
        if name is None:
            name = os.path.join(tempfile.mkdtemp(), net + ".onnx")
            torch.onnx.export(model.eval(), torch.zeros(1, c, side, side), name, opset_version=13,
                              training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False,
                              **({"dynamo": False} if torch.__version__ >= "2.5" else {}))
            model.train()
        self.p = subprocess.Popen([program, "bench", "train", name, "--channels", str(c), "--batch",
                                   str(batch), "--threads", str(threads), "--worker"], text=True,
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.p.stdout.readline() == "ready\n"

    def run(self, k):
        start, wall = child_seconds(self.p.pid), 0
        for _ in range(k):
            self.p.stdin.write("\n")
            self.p.stdin.flush()
            wall += float(self.p.stdout.readline())
        return child_seconds(self.p.pid) - start, wall


class Torch:
    def __init__(self, net, model):
        _, _, c, side, batch = NETS[net]
        self.m = model.train()
        self.x = torch.rand(batch, c, side, side)
        self.t = torch.arange(batch) % 10
        self.o = torch.optim.SGD(model.parameters(), 1e-3, 0.9, weight_decay=5e-4, nesterov=True)

    def run(self, k):
        start, wall = time.process_time(), time.perf_counter()
        for _ in range(k):
            self.o.zero_grad()
            F.cross_entropy(self.m(self.x), self.t).backward()
            self.o.step()
        return time.process_time() - start, time.perf_counter() - wall


def compare(args, net):
    model = NETS[net][0]()
    a, b = Quern(args.quern, net, model, args.threads), Torch(net, model)
    a.run(2), b.run(2)
    clock = 0 if args.threads == 1 else 1
    k = max(1, int(0.4 / max(a.run(2)[clock] / 2, 1e-4)))
    ratios, best = [], [float("inf")] * 2
    for _ in range(args.rounds):
        ta, tb = a.run(k)[clock], b.run(k)[clock]
        ratios.append(tb / ta)
        best = [min(best[0], ta / k), min(best[1], tb / k)]
    ratios.sort()
    n = NETS[net][4]
    print(f"{net:14s} torch {torch.__version__} / quern {ratios[len(ratios) // 2]:.2f} "
          f"[{ratios[0]:.2f}, {ratios[-1]:.2f}]  quern {n / best[0]:.0f}, torch {n / best[1]:.0f} images/s", flush=True)
    a.p.stdin.close()
    a.p.wait()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("quern")
    p.add_argument("nets", nargs="*")
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--rounds", type=int, default=8)
    args = p.parse_args()
    torch.set_num_threads(args.threads)
    for net in args.nets or NETS:
        compare(args, net)


main()
