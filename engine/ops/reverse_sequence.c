/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/reverse_sequence.c - reverses the first lens[b] steps of every sequence of
 * a batch; ONNX ReverseSequence-28. */
#include "engine/index.h"
#include "engine/op.h"
#include "engine/strided.h"

typedef struct reverse_params {
    int64_t batch_axis, time_axis;
} reverse_params;

static quern_status reverse_check(const qn_node *node, quern_error *err)
{
    const reverse_params *p = node->params;
    if (!(p->batch_axis == 0 && p->time_axis == 1) &&
        !(p->batch_axis == 1 && p->time_axis == 0))
        return qn_fail(err, QUERN_INVALID,
                       "batch_axis is %lld and time_axis is %lld, not 0 and 1",
                       (long long)p->batch_axis, (long long)p->time_axis);
    return QUERN_OK;
}

static quern_status reverse_infer(const qn_infer *x, quern_error *err)
{
    const reverse_params *p = x->params;
    const qn_tensor *in = x->in[0], *lens = x->in[1];
    if (in->rank < 2 || lens->rank != 1 || lens->dim[0] != in->dim[p->batch_axis])
        return qn_fail(err, QUERN_SHAPE, "sequence_lens %s for an input %s",
                       QN_SHAPE(lens), QN_SHAPE(in));
    qn_copy_shape(x->out[0], in);
    return QUERN_OK;
}

static quern_status reverse_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)x;
    const reverse_params *p = i->params;
    const qn_tensor *in = i->in[0];
    const int64_t *lens = i->in[1]->data;
    int64_t batches = in->dim[p->batch_axis], steps = in->dim[p->time_axis];
    int64_t by_batch = p->batch_axis == 0 ? steps : 1;
    int64_t by_step = p->batch_axis == 0 ? 1 : batches;
    size_t block = (size_t)qn_dims_count(in, 2, in->rank) * qn_dtype_size(in->dtype);
    for (int64_t b = 0; b < batches; b++)
        if (lens[b] < 0 || lens[b] > steps)
            return qn_fail(err, QUERN_DATA, "sequence %lld has length %lld, of %lld",
                           (long long)b, (long long)lens[b], (long long)steps);
    for (int64_t b = 0; b < batches; b++)
        for (int64_t t = 0; t < steps; t++) {
            int64_t from = t < lens[b] ? lens[b] - 1 - t : t;
            qn_copy_block((char *)i->out[0]->data +
                              (size_t)(b * by_batch + t * by_step) * block,
                          (const char *)in->data +
                              (size_t)(b * by_batch + from * by_step) * block,
                          block);
        }
    return QUERN_OK;
}

static const qn_attr reverse_attrs[] = {
    QN_INT(reverse_params, batch_axis, 1),
    QN_INT(reverse_params, time_axis, 0),
    QN_ATTRS_END,
};

const qn_op qn_op_reverse_sequence = {
    .name = "ReverseSequence",
    .since = 28,
    .first = 10,
    .min_in = 2,
    .max_in = 2,
    .attrs = reverse_attrs,
    .params_size = sizeof(reverse_params),
    .types = {QN_T_ALL, QN_T_I64},
    .check = reverse_check,
    .infer = reverse_infer,
    .run = reverse_run,
};
