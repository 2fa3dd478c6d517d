/* SPDX-License-Identifier: Apache-2.0 */
/* tests/grad_kit.h - gradients against central differences, in double precision.
 *
 * The model of a kit (onnx_kit.h) has float64 inputs with fixed dims and one output Y;
 * the loss is sum(Y * R) with fixed random R.  Its gradient with respect to every
 * float64 input is built by engine/grad.h and compared with
 * (loss(x + eps) - loss(x - eps)) / (2 eps), eps 1e-6. */
#ifndef QN_TESTS_GRAD_KIT_H
#define QN_TESTS_GRAD_KIT_H

#include "tests/onnx_kit.h"
#include "tests/test.h"

/* Numbers for inputs: uniform in [least, most), at least `apart` away from 0 (from
 * kinks, for functions that have theirs there). */
typedef struct qn_grad_range {
    double least, most, apart;
} qn_grad_range;

/* Largest difference of a gradient, relative to the largest gradient of that input;
 * checked to be at most 1e-5.  range NULL: [-1, 1).  Inputs of integer type get 0, 1,
 * 2, ... modulo `indices` (0: not there). */
double qn_check_gradients(qn_test *t, const char *file, int line, qn_kit *k,
                          const qn_grad_range *range, int64_t indices);
#define CHECK_GRADIENTS(t, k, range) qn_check_gradients((t), QN_HERE, (k), (range), 0)

/* Appends loss = sum(y * R) to a graph of bound nodes. */
quern_status qn_random_loss(quern_model *model, qn_value *y, qn_value **loss,
                            quern_error *err);

/* The same for one node: "Add a b -> y", inputs by name with their dims: "a 2 3; b 3".
 * Attributes come from `attrs` (NULL: none), which gets the kit. */
double qn_check_node_gradients(qn_test *t, const char *file, int line, int opset,
                               const char *node, const char *inputs, const char *y_dims,
                               void (*attrs)(qn_kit *k), const qn_grad_range *range);
#define CHECK_NODE_GRADIENTS(t, opset, node, inputs, y_dims, attrs)            \
    qn_check_node_gradients((t), QN_HERE, (opset), (node), (inputs), (y_dims), \
                            (attrs), NULL)

/* The same with constants: "i 3 1; axis:2x1 0 2" are int64 tensors, of rank 1 or with
 * the dims behind the colon; "~scales 1 2.5" is float32 and "?keep 1 0" bool.  `with`
 * holds attributes: "axis=1 mode=edge perm=2,0,1 ~epsilon=0.01 last=[1]". */
typedef struct qn_grad_case {
    const char *node, *inputs, *constants, *y_dims, *with;
    void (*attrs)(qn_kit *k);
    const qn_grad_range *range;
    int opset; /* 0: 21 */
} qn_grad_case;
double qn_check_grad_node(qn_test *t, const char *file, int line,
                          const qn_grad_case *n);
#define CHECK_GRAD_NODE(t, ...) \
    qn_check_grad_node((t), QN_HERE, &(qn_grad_case){__VA_ARGS__})

#endif
