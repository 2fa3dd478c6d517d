/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/depth_space.c - moves blocks between channels and pixels: ONNX
 * DepthToSpace-28 and SpaceToDepth-28, modes DCR and CRD.  Both are a transposition of
 * the channel axis split into block rows, block columns and the rest. */
#include "engine/ops/grads.h"
#include "engine/index.h"
#include "engine/op.h"
#include "engine/strided.h"

typedef struct block_params {
    int64_t blocksize;
    const char *mode;
} block_params;

static quern_status block_check(const qn_node *node, quern_error *err)
{
    const block_params *p = node->params;
    if (p->blocksize < 1 || p->blocksize > INT32_MAX)
        return qn_fail(err, QUERN_INVALID, "blocksize is %lld",
                       (long long)p->blocksize);
    if (strcmp(p->mode, "DCR") != 0 && strcmp(p->mode, "CRD") != 0)
        return qn_fail(err, QUERN_INVALID, "mode '%s' is not known", p->mode);
    return QUERN_OK;
}

static quern_status depth_to_space_infer(const qn_infer *x, quern_error *err)
{
    const block_params *p = x->params;
    const qn_tensor *in = x->in[0];
    qn_tensor *y = x->out[0];
    int64_t b = p->blocksize;
    if (in->rank != 4 || in->dim[1] % (b * b) != 0)
        return qn_fail(err, QUERN_SHAPE, "input %s for blocks of %lld by %lld",
                       QN_SHAPE(in), (long long)b, (long long)b);
    qn_copy_shape(y, in);
    y->dim[1] = in->dim[1] / (b * b);
    if (__builtin_mul_overflow(in->dim[2], b, &y->dim[2]) ||
        __builtin_mul_overflow(in->dim[3], b, &y->dim[3]))
        return qn_fail(err, QUERN_SHAPE, "input %s times %lld overflows", QN_SHAPE(in),
                       (long long)b);
    return QUERN_OK;
}

static quern_status space_to_depth_infer(const qn_infer *x, quern_error *err)
{
    const block_params *p = x->params;
    const qn_tensor *in = x->in[0];
    qn_tensor *y = x->out[0];
    int64_t b = p->blocksize;
    if (in->rank != 4 || in->dim[2] % b != 0 || in->dim[3] % b != 0)
        return qn_fail(err, QUERN_SHAPE, "input %s for blocks of %lld by %lld",
                       QN_SHAPE(in), (long long)b, (long long)b);
    qn_copy_shape(y, in);
    y->dim[2] = in->dim[2] / b;
    y->dim[3] = in->dim[3] / b;
    if (__builtin_mul_overflow(in->dim[1], b * b, &y->dim[1]))
        return qn_fail(err, QUERN_SHAPE, "input %s times %lld overflows", QN_SHAPE(in),
                       (long long)(b * b));
    return QUERN_OK;
}

/* Strides of batch, channel, block row, block column, row, column on the deep side
 * ([N, b*b*C, H, W]) and on the wide side ([N, C, b*H, b*W]). */
static void block_strides(const block_params *p, int64_t c, int64_t h, int64_t w,
                          int64_t *deep, int64_t *wide)
{
    int64_t b = p->blocksize, plane = h * w;
    bool dcr = strcmp(p->mode, "DCR") == 0;
    const int64_t d[6] = {c * b * b * plane,
                          dcr ? plane : b * b * plane,
                          dcr ? b * c * plane : b * plane,
                          dcr ? c * plane : plane,
                          w,
                          1};
    const int64_t s[6] = {c * b * b * plane, b * b * plane, b * w, 1, b * b * w, b};
    memcpy(deep, d, sizeof d);
    memcpy(wide, s, sizeof s);
}

static quern_status depth_to_space_run(const qn_instr *i, const qn_exec *x,
                                       quern_error *err)
{
    (void)err;
    const block_params *p = i->params;
    const qn_tensor *in = i->in[0], *y = i->out[0];
    int64_t deep[6], wide[6], b = p->blocksize;
    block_strides(p, y->dim[1], in->dim[2], in->dim[3], deep, wide);
    /* in the order of the output: N, C, row, block row, column, block column */
    static const int order[6] = {0, 1, 4, 2, 5, 3};
    const int64_t dims[6] = {y->dim[0], y->dim[1], b, b, in->dim[2], in->dim[3]};
    qn_strided box = {.size = qn_dtype_size(in->dtype), .rank = 6};
    for (int d = 0; d < 6; d++) {
        box.dim[d] = dims[order[d]];
        box.to[d] = wide[order[d]];
        box.from[d] = deep[order[d]];
    }
    qn_strided_copy(x->pool, &box, y->data, in->data);
    return QUERN_OK;
}

static quern_status space_to_depth_run(const qn_instr *i, const qn_exec *x,
                                       quern_error *err)
{
    (void)err;
    const block_params *p = i->params;
    const qn_tensor *in = i->in[0], *y = i->out[0];
    int64_t deep[6], wide[6], b = p->blocksize;
    block_strides(p, in->dim[1], y->dim[2], y->dim[3], deep, wide);
    /* in the order of the output: N, block row, block column, C (or C first), H, W */
    static const int orders[2][6] = {{0, 1, 2, 3, 4, 5}, {0, 2, 3, 1, 4, 5}};
    const int *order = orders[strcmp(p->mode, "DCR") == 0];
    const int64_t dims[6] = {y->dim[0], in->dim[1], b, b, y->dim[2], y->dim[3]};
    qn_strided box = {.size = qn_dtype_size(in->dtype), .rank = 6};
    for (int d = 0; d < 6; d++) {
        box.dim[d] = dims[order[d]];
        box.to[d] = deep[order[d]];
        box.from[d] = wide[order[d]];
    }
    qn_strided_copy(x->pool, &box, y->data, in->data);
    return QUERN_OK;
}

static const qn_attr block_attrs[] = {
    QN_REQUIRED(block_params, blocksize, QN_ATTR_INT),
    QN_STR(block_params, mode, "DCR"),
    QN_ATTRS_END,
};

const qn_op qn_op_depth_to_space = {
    .name = "DepthToSpace",
    .since = 28,
    .min_in = 1,
    .max_in = 1,
    .attrs = block_attrs,
    .params_size = sizeof(block_params),
    .types = {QN_T_ALL},
    .check = block_check,
    .infer = depth_to_space_infer,
    .grad = qn_grad_depth_space,
    .run = depth_to_space_run,
};

const qn_op qn_op_space_to_depth = {
    .name = "SpaceToDepth",
    .since = 28,
    .min_in = 1,
    .max_in = 1,
    .attrs = block_attrs,
    .params_size = sizeof(block_params),
    .types = {QN_T_ALL},
    .check = block_check,
    .infer = space_to_depth_infer,
    .grad = qn_grad_depth_space,
    .run = space_to_depth_run,
};
