#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# tests/fuzz/make_seeds.py - writes the small models that fuzzing starts from, one for each
# corner of the format: control flow, functions, sequences, strings, sparse and typed data.
# Needs the python package onnx; the files it wrote are checked in.
import os

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper as nh

OUT = os.path.join(os.path.dirname(__file__), "corpus", "fuzz_model")
F, I = T.FLOAT, T.INT64


def vi(name, dtype=F, shape=(2, 3)):
    return h.make_tensor_value_info(name, dtype, shape)


def const(name, array):
    return nh.from_array(np.asarray(array), name)


def save(name, nodes, ins, outs, inits=(), opset=17, functions=(), sparse=(), extra=()):
    graph = h.make_graph(nodes, name, ins, outs, list(inits), sparse_initializer=list(sparse))
    imports = [h.make_opsetid("", opset)] + list(extra)
    model = h.make_model(graph, opset_imports=imports, functions=list(functions), ir_version=8)
    with open(os.path.join(OUT, name + ".onnx"), "wb") as f:
        f.write(model.SerializeToString())


def node(op, ins, outs, **attrs):
    return h.make_node(op, ins, outs, **attrs)


def main():
    os.makedirs(OUT, exist_ok=True)
    x, y = vi("x"), vi("y")
    rng = np.random.default_rng(1)

    def w(*shape):
        return rng.standard_normal(shape).astype(np.float32)

    save("relu", [node("Relu", ["x"], ["y"])], [x], [y])
    save("conv", [node("Conv", ["x", "w", "b"], ["c"], pads=[1, 1, 1, 1], strides=[2, 2]),
                  node("BatchNormalization", ["c", "b", "b", "b", "v"], ["n"]),
                  node("Relu", ["n"], ["r"]),
                  node("MaxPool", ["r"], ["p"], kernel_shape=[2, 2]),
                  node("GlobalAveragePool", ["p"], ["y"])],
         [vi("x", F, ("N", 2, 8, 8))], [vi("y", F, None)],
         [const("w", w(2, 2, 3, 3)), const("b", w(2)), const("v", np.ones(2, np.float32))])
    save("gemm", [node("Gemm", ["x", "w", "b"], ["g"], transB=1, alpha=0.5),
                  node("Softmax", ["g"], ["y"], axis=-1)],
         [x], [vi("y", F, (2, 4))], [const("w", w(4, 3)), const("b", w(4))])
    save("shape", [node("Shape", ["x"], ["s"]), node("Gather", ["s", "i"], ["g"]),
                   node("Concat", ["g", "m"], ["c"], axis=0), node("Reshape", ["x", "c"], ["y"])],
         [vi("x", F, ("a", "b"))], [vi("y", F, None)],
         [const("i", np.array([0], np.int64)), const("m", np.array([-1], np.int64))])
    then = h.make_graph([node("Neg", ["x"], ["t"])], "then", [], [vi("t", F, None)])
    other = h.make_graph([node("Add", ["x", "x"], ["e"])], "else", [], [vi("e", F, None)])
    save("if", [node("ReduceSum", ["x"], ["s"], keepdims=0), node("Greater", ["s", "z"], ["c"]),
                node("If", ["c"], ["y"], then_branch=then, else_branch=other)],
         [x], [vi("y", F, None)], [const("z", np.float32(0))])
    body = h.make_graph([node("Add", ["v", "x"], ["w"]), node("Identity", ["c"], ["d"]),
                         node("Identity", ["w"], ["o"])], "body",
                        [vi("i", I, ()), vi("c", T.BOOL, ()), vi("v", F, None)],
                        [vi("d", T.BOOL, ()), vi("w", F, None), vi("o", F, None)])
    save("loop", [node("Loop", ["n", "", "x"], ["y", "ys"], body=body)], [x],
         [vi("y", F, None), vi("ys", F, None)], [const("n", np.int64(3))])
    scan = h.make_graph([node("Add", ["s", "r"], ["t"]), node("Identity", ["t"], ["o"])], "scan",
                        [vi("s", F, (3,)), vi("r", F, (3,))], [vi("t", F, (3,)), vi("o", F, (3,))])
    save("scan", [node("Scan", ["z", "x"], ["f", "y"], num_scan_inputs=1, body=scan)], [x],
         [vi("f", F, (3,)), y], [const("z", np.zeros(3, np.float32))])
    f = h.make_function("local", "Twice", ["a"], ["b"],
                        [node("Mul", ["a", "k"], ["b"]),
                         h.make_node("Constant", [], ["k"], value_float=2.0)][::-1],
                        [h.make_opsetid("", 17)])
    save("function", [h.make_node("Twice", ["x"], ["y"], domain="local")], [x], [y],
         functions=[f], extra=[h.make_opsetid("local", 1)])
    f = h.make_function("local", "Leaky", ["a"], ["b"], [node("LeakyRelu", ["a"], ["b"])],
                        [h.make_opsetid("", 17)], attributes=["alpha"])
    ref = f.node[0].attribute.add()
    ref.name, ref.ref_attr_name, ref.type = "alpha", "alpha", onnx.AttributeProto.FLOAT
    save("function_attr", [h.make_node("Leaky", ["x"], ["y"], domain="local", alpha=0.2)], [x], [y],
         functions=[f], extra=[h.make_opsetid("local", 1)])
    save("sequence", [node("SplitToSequence", ["x"], ["s"], axis=0), node("SequenceLength", ["s"], ["n"]),
                      node("SequenceAt", ["s", "k"], ["a"]), node("ConcatFromSequence", ["s"], ["y"], axis=1)],
         [x], [vi("y", F, None), vi("n", I, ()), vi("a", F, None)], [const("k", np.int64(1))])
    save("string", [node("StringNormalizer", ["s"], ["y"], case_change_action="UPPER", stopwords=["b"])],
         [], [vi("y", T.STRING, None)], [h.make_tensor("s", T.STRING, [3], [b"a", b"b", b"c"])])
    values = h.make_tensor("sp", F, [2], [1.5, -2.0])
    sp = h.make_sparse_tensor(values, h.make_tensor("spi", I, [2], [1, 4]), [2, 3])
    save("sparse", [node("Add", ["x", "sp"], ["y"])], [x], [y], sparse=[sp])
    save("typed", [node("Cast", ["h"], ["a"], to=F), node("Cast", ["d"], ["b"], to=F),
                   node("Cast", ["q"], ["c"], to=F), node("Sum", ["a", "b", "c", "x"], ["y"])],
         [x], [y], [const("h", np.ones((2, 3), np.float16)),
                    h.make_tensor("d", T.DOUBLE, [3], [1.0, 2.0, 3.0]),
                    h.make_tensor("q", T.INT8, [3], [-1, 0, 1])])
    save("four_bit", [node("DequantizeLinear", ["q", "s"], ["y"])], [], [vi("y", F, (5,))],
         [h.make_tensor("q", T.INT4, [5], [1, -8, 7, 0, 3]), const("s", np.float32(0.5))], opset=21)
    save("nonzero", [node("NonZero", ["x"], ["z"]), node("Transpose", ["z"], ["t"]),
                     node("Unique", ["x"], ["u", "i", "j", "k"])],
         [x], [vi("t", I, None), vi("u", F, None)])
    save("pad_slice", [node("Pad", ["x", "p"], ["a"], mode="reflect"),
                       node("Slice", ["a", "b", "e", "ax", "st"], ["y"])], [x], [vi("y", F, None)],
         [const("p", np.array([0, 1, 0, 2], np.int64)), const("b", np.array([-1], np.int64)),
          const("e", np.array([-9], np.int64)), const("ax", np.array([1], np.int64)),
          const("st", np.array([-2], np.int64))])
    save("resize", [node("Resize", ["x", "", "s"], ["y"], mode="linear")], [vi("x", F, (1, 1, 3, 3))],
         [vi("y", F, None)], [const("s", np.array([1, 1, 2, 0.5], np.float32))])
    save("conv_transpose", [node("ConvTranspose", ["x", "w"], ["y"], strides=[2, 2], output_padding=[1, 1])],
         [vi("x", F, (1, 2, 3, 3))], [vi("y", F, None)], [const("w", w(2, 2, 3, 3))])
    save("lstm", [node("LSTM", ["x", "w", "r"], ["y", "h"], hidden_size=2)], [vi("x", F, (2, 1, 3))],
         [vi("y", F, None), vi("h", F, None)], [const("w", w(1, 8, 3)), const("r", w(1, 8, 2))])
    save("einsum", [node("Einsum", ["x", "x"], ["y"], equation="ij,kj->ik")], [x], [vi("y", F, (2, 2))])
    save("topk", [node("TopK", ["x", "k"], ["v", "i"], axis=1), node("OneHot", ["i", "d", "o"], ["y"])],
         [x], [vi("v", F, None), vi("y", F, None)],
         [const("k", np.array([2], np.int64)), const("d", np.int64(3)), const("o", np.array([0, 1], np.float32))])
    save("old_opset", [node("Upsample", ["x", "s"], ["u"], mode="nearest"),
                       node("Unsqueeze", ["u"], ["q"], axes=[0]), node("Squeeze", ["q"], ["y"], axes=[0])],
         [vi("x", F, (1, 1, 2, 2))], [vi("y", F, None)], [const("s", np.array([1, 1, 2, 2], np.float32))],
         opset=9)
    save("attention", [node("MatMul", ["x", "w"], ["q"]), node("Transpose", ["q"], ["k"], perm=[1, 0]),
                       node("MatMul", ["q", "k"], ["s"]), node("Div", ["s", "d"], ["e"]),
                       node("Softmax", ["e"], ["p"]), node("MatMul", ["p", "q"], ["o"]),
                       node("LayerNormalization", ["o", "g", "g"], ["y"])],
         [x], [vi("y", F, None)], [const("w", w(3, 3)), const("d", np.float32(1.7)), const("g", w(3))])
    save("expand_zero", [node("Expand", ["x", "s"], ["e"]), node("ReduceMax", ["e"], ["y"], axes=[0])],
         [vi("x", F, (1, 3))], [vi("y", F, None)], [const("s", np.array([0, 3], np.int64))], opset=13)
    save("cycle", [node("Add", ["x", "b"], ["a"]), node("Relu", ["a"], ["b"])], [x], [vi("b")])
    save("huge", [node("ConstantOfShape", ["s"], ["c"]), node("ReduceSum", ["c"], ["y"])], [],
         [vi("y", F, None)], [const("s", np.array([1 << 20, 1 << 20, 1 << 20], np.int64))])
    save("external", [node("Add", ["x", "e"], ["y"])], [x], [y],
         [external("e", "../../etc/passwd", [2, 3])])


def external(name, location, dims):
    t = T(name=name, data_type=F, dims=dims, data_location=T.EXTERNAL)
    for key, value in (("location", location), ("offset", "0"), ("length", "24")):
        entry = t.external_data.add()
        entry.key, entry.value = key, value
    return t


if __name__ == "__main__":
    main()
