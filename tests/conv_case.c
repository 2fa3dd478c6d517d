/* SPDX-License-Identifier: Apache-2.0 */
/* tests/conv_case.c - see conv_case.h. */
#include "tests/conv_case.h"

#include <string.h>

static const char *const paddings[] = {"NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"};

int64_t qn_conv_reach(const qn_conv_case *v, int d)
{
    return (v->kernel[d] - 1) * v->dilation[d] + 1;
}

/* Padding and size by the rules of the operator; false if a window does not fit. */
bool qn_conv_settle(qn_conv_case *v)
{
    for (int d = 0; d < v->rank; d++) {
        int64_t *begin = &v->pads[d], *end = &v->pads[v->rank + d];
        if (v->auto_pad[0] == 'S') {
            v->out[d] = (v->in[d] + v->stride[d] - 1) / v->stride[d];
            int64_t total =
                (v->out[d] - 1) * v->stride[d] + qn_conv_reach(v, d) - v->in[d];
            if (total < 0) total = 0;
            *begin =
                strcmp(v->auto_pad, "SAME_LOWER") == 0 ? (total + 1) / 2 : total / 2;
            *end = total - *begin;
            continue;
        }
        if (v->auto_pad[0] == 'V') *begin = *end = 0;
        int64_t room = v->in[d] + *begin + *end - qn_conv_reach(v, d);
        if (room < 0) return false;
        v->out[d] = room / v->stride[d] + 1;
    }
    return true;
}

void qn_conv_choose(qn_test *t, qn_conv_case *v, int round)
{
    static const int64_t sizes[QN_TEST_AXES] = {40, 17, 7};
    do {
        *v = (qn_conv_case){.rank = 1 + round % QN_TEST_AXES,
                            .n = qn_test_int(t, 1, 2),
                            .auto_pad = paddings[qn_test_int(t, 0, 3)],
                            .bias = qn_test_int(t, 0, 1)};
        bool depthwise = qn_test_int(t, 0, 2) == 0;
        v->group = depthwise ? qn_test_int(t, 1, 5) : qn_test_int(t, 1, 3);
        v->ic = depthwise ? 1 : qn_test_int(t, 1, 9);
        v->oc = depthwise ? qn_test_int(t, 1, 2) : qn_test_int(t, 1, 70);
        for (int d = 0; d < v->rank; d++) {
            v->in[d] = qn_test_int(t, 1, sizes[v->rank - 1]);
            v->kernel[d] = qn_test_int(t, 1, qn_test_int(t, 0, 1) ? 5 : 1);
            v->stride[d] = qn_test_int(t, 1, 3);
            v->dilation[d] = qn_test_int(t, 1, 3);
            v->pads[d] = qn_test_int(t, 0, 4);
            v->pads[v->rank + d] = qn_test_int(t, 0, 4);
        }
    } while (!qn_conv_settle(v));
}

void qn_test_fill(qn_test *t, qn_tensor *x)
{
    for (int64_t i = 0, n = qn_tensor_count(x); i < n; i++)
        qn_set_real(x, i, qn_test_uniform(t, -1, 1));
}

void qn_conv_attrs(qn_node *node, const qn_conv_case *v)
{
    qn_node_set_ints(node, "kernel_shape", v->rank, v->kernel, NULL);
    qn_node_set_ints(node, "strides", v->rank, v->stride, NULL);
    qn_node_set_ints(node, "dilations", v->rank, v->dilation, NULL);
    qn_node_set_int(node, "group", v->group, NULL);
    qn_node_set_str(node, "auto_pad", v->auto_pad, NULL);
    if (v->auto_pad[0] == 'N')
        qn_node_set_ints(node, "pads", 2 * v->rank, v->pads, NULL);
}

bool qn_test_step(int rank, const int64_t *dim, int64_t *at)
{
    for (int d = rank - 1; d >= 0; d--) {
        if (++at[d] < dim[d]) return true;
        at[d] = 0;
    }
    return false;
}

int64_t qn_test_flat(int rank, const int64_t *dim, const int64_t *at)
{
    int64_t k = 0;
    for (int d = 0; d < rank; d++)
        k = k * dim[d] + at[d];
    return k;
}

int64_t qn_test_product(int rank, const int64_t *dim)
{
    int64_t n = 1;
    for (int d = 0; d < rank; d++)
        n *= dim[d];
    return n;
}

void qn_conv_note(qn_test *t, const qn_conv_case *v)
{
    qn_note(
        t, "%d axes, in %lld %lld %lld, kernel %lld %lld %lld, group %lld of %lld:%lld",
        v->rank, (long long)v->in[0], (long long)v->in[1], (long long)v->in[2],
        (long long)v->kernel[0], (long long)v->kernel[1], (long long)v->kernel[2],
        (long long)v->group, (long long)v->ic, (long long)v->oc);
}
