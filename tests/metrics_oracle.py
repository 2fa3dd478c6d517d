#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# tests/metrics_oracle.py - every figure of engine/metrics.h once more, by scikit-learn.
# Called by test_metrics_oracle: the first file has a line "label weight p p p ..." per
# item, the second a line "name value" per figure.  Exit 77: scikit-learn is not there.
import sys

try:
    import numpy as np
    from sklearn import metrics as sk
except ImportError:
    sys.exit(77)

table = np.loadtxt(sys.argv[1])
label, w, p = table[:, 0].astype(int), table[:, 1], table[:, 2:]
classes = np.arange(p.shape[1])
said = p.argmax(axis=1)
hit = said == label
onehot = (label[:, None] == classes).astype(float)
confidence = p.max(axis=1)


def ece(edges_of):
    total = 0.0
    for inside in edges_of:
        if w[inside].sum() > 0:
            total += abs((w * hit)[inside].sum() - (w * confidence)[inside].sum())
    return total / w.sum()


want = {"top1": sk.accuracy_score(label, said, sample_weight=w),
        # of equal answers the first stands first here and the last there: mirrored
        "top5": sk.top_k_accuracy_score(classes[-1] - label, p[:, ::-1], k=5, labels=classes,
                                        sample_weight=w),
        "balanced_accuracy": sk.balanced_accuracy_score(label, said, sample_weight=w),
        "kappa": sk.cohen_kappa_score(label, said, sample_weight=w),
        "mcc": sk.matthews_corrcoef(label, said, sample_weight=w),
        "loss": -(w * np.log(p[np.arange(len(p)), label])).sum() / w.sum(),
        "brier": (w * ((p - onehot) ** 2).sum(axis=1)).sum() / w.sum(),
        "confidence": (w * confidence).sum() / w.sum()}
for kind in "macro", "weighted":
    precision, recall, f1, _ = sk.precision_recall_fscore_support(
        label, said, average=kind, sample_weight=w, zero_division=0)
    want[kind + "_precision"], want[kind + "_f1"] = precision, f1
    if kind == "macro":
        want["macro_recall"] = recall
auc, ap = [], []
for k in classes:
    if onehot[:, k].any():
        auc.append(sk.roc_auc_score(onehot[:, k], p[:, k], sample_weight=w))
        ap.append(sk.average_precision_score(onehot[:, k], p[:, k], sample_weight=w))
want["roc_auc"], want["average_precision"] = np.mean(auc), np.mean(ap)
edges = np.linspace(0, 1, 16)
want["ece"] = ece([(confidence > a) & (confidence <= b) for a, b in zip(edges, edges[1:])])
order = np.argsort(confidence, kind="stable")
want["ece_mass"] = ece([order[len(p) * i // 15:len(p) * (i + 1) // 15] for i in range(15)])

fails = 0
for line in open(sys.argv[2]):
    name, got = line.split()
    value = want.pop(name)
    if not abs(float(got) - value) <= 1e-9 * max(1, abs(value)):
        print(f"{name}: {got}, scikit-learn has {value}")
        fails += 1
for name in want:
    print(f"{name}: missing")
    fails += 1
sys.exit(fails > 0)
