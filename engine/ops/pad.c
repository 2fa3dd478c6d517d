/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/pad.c - adds or crops at the borders; ONNX Pad-25 (constant, reflect,
 * edge, wrap; negative pads crop) and CenterCropPad-18.  Pads were attributes
 * before 11.
 *
 * Each axis gets a map from output to source position, -1 where the constant goes. Axes
 * at the end that keep their size are moved as one block. */
#include "engine/ops/grads.h"
#include "engine/ops/pad.h"
#include "engine/index.h"
#include "engine/op.h"
#include "engine/strided.h"

#define GRAIN_BYTES (64 << 10)

typedef struct pad_params {
    const char *mode;
    float value; /* opsets 1 and 2 */
} pad_params;

static int mode_of(const char *name)
{
    static const char *const names[] = {"constant", "reflect", "edge", "wrap"};
    for (int i = 0; i < 4; i++)
        if (strcmp(name, names[i]) == 0) return i;
    return -1;
}

static quern_status pad_lower(qn_graph *g, qn_node *node, quern_error *err)
{
    if (node->opset >= 11) return QUERN_OK;
    QN_TRY(qn_lower_ints(g, node, "paddings", 1, err));
    return qn_lower_ints(g, node, "pads", 1, err);
}

static quern_status pad_check(const qn_node *node, quern_error *err)
{
    const pad_params *p = node->params;
    if (mode_of(p->mode) < 0)
        return qn_fail(err, QUERN_INVALID, "mode '%s' is not known", p->mode);
    return QUERN_OK;
}

quern_status qn_pads_read(const void *params, const qn_tensor *const *in, int n_in,
                          qn_pads *pads, quern_error *err)
{
    int rank = in[0]->rank, axes[QUERN_MAX_RANK];
    int64_t list[QUERN_MAX_RANK], n = rank;
    const qn_tensor *axes_in = n_in > 3 ? in[3] : NULL;
    pads->mode = mode_of(((const pad_params *)params)->mode);
    for (int d = 0; d < rank; d++) {
        list[d] = d;
        pads->before[d] = pads->after[d] = 0;
    }
    if (axes_in) QN_TRY(qn_read_ints(axes_in, "axes", rank, list, &n, err));
    QN_TRY(qn_axes(list, n, rank, axes, err));
    if (qn_tensor_count(in[1]) != 2 * n)
        return qn_fail(err, QUERN_SHAPE, "pads has %lld numbers for %lld axes",
                       (long long)qn_tensor_count(in[1]), (long long)n);
    for (int64_t i = 0; i < n; i++) {
        pads->before[axes[i]] = qn_get_int(in[1], i);
        pads->after[axes[i]] = qn_get_int(in[1], i + n);
    }
    return QUERN_OK;
}

static quern_status pad_infer(const qn_infer *x, quern_error *err)
{
    const qn_tensor *in = x->in[0];
    qn_tensor *y = x->out[0];
    qn_pads pads;
    QN_TRY(qn_infer_need(x, 1));
    if (x->n_in > 3 && x->in[3]) QN_TRY(qn_infer_need(x, 3));
    QN_TRY(qn_pads_read(x->params, x->in, x->n_in, &pads, err));
    const int64_t *before = pads.before, *after = pads.after;
    y->rank = in->rank;
    for (int d = 0; d < in->rank; d++) {
        int64_t n = in->dim[d];
        if (__builtin_add_overflow(n, before[d], &n) ||
            __builtin_add_overflow(n, after[d], &n) || n < 0)
            return qn_fail(err, QUERN_SHAPE, "pads %lld and %lld for axis %d of %s",
                           (long long)before[d], (long long)after[d], d, QN_SHAPE(in));
        if (pads.mode != QN_PAD_CONSTANT && in->dim[d] == 0 && n > 0)
            return qn_fail(err, QUERN_SHAPE,
                           "axis %d of %s is empty, nothing to repeat", d,
                           QN_SHAPE(in));
        y->dim[d] = n;
    }
    return QUERN_OK;
}

void qn_pad_map(int64_t *map, int64_t n, int64_t before, int64_t dim, int mode)
{
    int64_t period = 2 * (dim - 1);
    for (int64_t i = 0; i < n; i++) {
        int64_t k = i - before;
        if (k < 0 || k >= dim) {
            if (mode == QN_PAD_CONSTANT) {
                k = -1;
            } else if (mode == QN_PAD_EDGE) {
                k = k < 0 ? 0 : dim - 1;
            } else if (mode == QN_PAD_WRAP) {
                k = (k % dim + dim) % dim;
            } else {
                k = period == 0 ? 0 : (k % period + period) % period;
                k = k >= dim ? period - k : k;
            }
        }
        map[i] = k;
    }
}

typedef struct pad_work {
    int rank; /* axes up to the last that changes */
    const int64_t *dim;
    const int64_t *map[QUERN_MAX_RANK];
    int64_t stride[QUERN_MAX_RANK]; /* of the source, in blocks */
    int64_t lo, hi; /* of the last axis: outputs that lie in a row in the source */
    size_t size;
    int64_t block; /* elements */
    const void *value;
    char *to;
    const char *from;
} pad_work;

/* Outputs [i, end) of a row that do not lie together. */
static void pad_scattered(const pad_work *w, char *to, const char *from, int64_t i,
                          int64_t end)
{
    const int64_t *map = w->map[w->rank - 1];
    size_t bytes = (size_t)w->block * w->size;
    while (i < end) {
        char *at = to + (size_t)i * bytes;
        int64_t n = 0; /* outputs outside, side by side */
        while (i + n < end && map[i + n] < 0)
            n++;
        if (n > 0)
            qn_fill(NULL, at, n * w->block, w->size, w->value);
        else
            qn_copy_block(at, from + (size_t)map[i] * bytes, bytes);
        i += n > 0 ? n : 1;
    }
}

static void pad_rows(void *ctx, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const pad_work *w = ctx;
    int last = w->rank - 1;
    int64_t n = w->dim[last];
    size_t bytes = (size_t)w->block * w->size;
    for (int64_t row = begin; row < end; row++) {
        char *to = w->to + (size_t)(row * n) * bytes;
        int64_t rest = row, at = 0;
        bool outside = false;
        for (int d = last - 1; d >= 0; d--) {
            int64_t k = w->map[d][rest % w->dim[d]];
            rest /= w->dim[d];
            outside = outside || k < 0;
            at += k * w->stride[d];
        }
        if (outside) {
            qn_fill(NULL, to, n * w->block, w->size, w->value);
            continue;
        }
        const char *from = w->from + (size_t)at * bytes;
        pad_scattered(w, to, from, 0, w->lo);
        if (w->hi > w->lo)
            memcpy(to + (size_t)w->lo * bytes,
                   from + (size_t)w->map[last][w->lo] * bytes,
                   (size_t)(w->hi - w->lo) * bytes);
        pad_scattered(w, to, from, w->hi, n);
    }
}

/* map: room for the sum of the output's dims. */
static void pad_all(const qn_instr *i, const qn_exec *x, const int64_t *before,
                    int mode, const void *value)
{
    const qn_tensor *in = i->in[0], *y = i->out[0];
    int64_t *map = i->scratch;
    pad_work w = {.rank = in->rank,
                  .dim = y->dim,
                  .size = qn_dtype_size(in->dtype),
                  .value = value,
                  .to = y->data,
                  .from = in->data};
    while (w.rank > 1 && before[w.rank - 1] == 0 &&
           y->dim[w.rank - 1] == in->dim[w.rank - 1])
        w.rank--;
    w.block = qn_dims_count(in, w.rank, in->rank);
    qn_row_major(w.rank, in->dim, w.stride);
    for (int d = 0; d < w.rank; d++) {
        qn_pad_map(map, y->dim[d], before[d], in->dim[d], mode);
        w.map[d] = map;
        map += y->dim[d];
    }
    int last = w.rank - 1;
    w.lo = before[last] < 0 ? 0 : before[last];
    w.lo = w.lo > y->dim[last] ? y->dim[last] : w.lo;
    w.hi = before[last] + in->dim[last];
    w.hi = w.hi < w.lo ? w.lo : w.hi > y->dim[last] ? y->dim[last] : w.hi;
    int64_t rows = qn_dims_count(y, 0, last);
    int64_t bytes = y->dim[last] * w.block * (int64_t)w.size;
    if (bytes == 0) return;
    qn_parallel_for(x->pool, rows, GRAIN_BYTES / bytes + 1, pad_rows, &w);
}

static quern_status pad_prepare(qn_prep *p, quern_error *err)
{
    const qn_tensor *y = p->instr->out[0];
    size_t n = 0, bytes;
    bool fits = true;
    for (int d = 0; d < y->rank; d++)
        fits = fits && qn_size_add(n, (size_t)y->dim[d], &n);
    if (!fits || !qn_size_mul(n, sizeof(int64_t), &bytes))
        return qn_fail(err, QUERN_LIMIT, "output %s is too large", QN_SHAPE(y));
    qn_prep_scratch(p, bytes);
    return QUERN_OK;
}

static quern_status pad_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    const pad_params *p = i->params;
    const qn_tensor *y = i->out[0], *value = i->n_in > 2 ? i->in[2] : NULL;
    qn_pads pads;
    qn_str zero = {0}; /* 16 zero bytes serve every type */
    qn_tensor fill = {.dtype = y->dtype, .rank = 0, .data = &zero};
    QN_TRY(qn_pads_read(p, i->in, i->n_in, &pads, err));
    if (qn_tensor_count(y) == 0) return QUERN_OK;
    if (value && (qn_tensor_count(value) != 1 || value->dtype != y->dtype))
        return qn_fail(err, QUERN_SHAPE, "constant_value is %s %s, not one %s",
                       quern_dtype_name(value->dtype), QN_SHAPE(value),
                       quern_dtype_name(y->dtype));
    if (p->value != 0) qn_set_real(&fill, 0, (double)p->value);
    if (y->rank == 0)
        memcpy(y->data, i->in[0]->data, qn_dtype_size(y->dtype));
    else
        pad_all(i, x, pads.before, pads.mode, value ? value->data : fill.data);
    return QUERN_OK;
}

static const qn_attr pad_attrs[] = {
    QN_STR(pad_params, mode, "constant"),
    QN_FLOAT(pad_params, value, 0),
    QN_ATTRS_END,
};

const qn_op qn_op_pad = {
    .name = "Pad",
    .since = 25,
    .min_in = 2,
    .max_in = 4,
    .attrs = pad_attrs,
    .params_size = sizeof(pad_params),
    .types = {QN_T_ALL, QN_T_I64, QN_T_ALL, QN_T_INDEX},
    .lower = pad_lower,
    .check = pad_check,
    .infer = pad_infer,
    .prepare = pad_prepare,
    .grad = qn_grad_pad,
    .run = pad_run,
};

/* CenterCropPad -------------------------------------------------------------------- */

typedef struct center_params {
    qn_ints axes; /* absent: all */
} center_params;

static quern_status center_infer(const qn_infer *x, quern_error *err)
{
    const center_params *p = x->params;
    const qn_tensor *in = x->in[0];
    qn_tensor *y = x->out[0];
    int64_t list[QUERN_MAX_RANK], want[QUERN_MAX_RANK], n;
    int axes[QUERN_MAX_RANK], rank = in->rank;
    QN_TRY(qn_infer_need(x, 1));
    QN_TRY(qn_read_ints(x->in[1], "the shape", rank, want, &n, err));
    if (n != (p->axes.v ? p->axes.n : rank))
        return qn_fail(err, QUERN_SHAPE, "shape has %lld dims for %lld axes",
                       (long long)n, (long long)(p->axes.v ? p->axes.n : rank));
    for (int64_t i = 0; i < n; i++)
        list[i] = p->axes.v ? p->axes.v[i] : i;
    QN_TRY(qn_axes(list, n, rank, axes, err));
    qn_copy_shape(y, in);
    for (int64_t i = 0; i < n; i++) {
        if (want[i] < 0)
            return qn_fail(err, QUERN_SHAPE, "dim %lld of the shape is %lld",
                           (long long)i, (long long)want[i]);
        y->dim[axes[i]] = want[i];
    }
    return QUERN_OK;
}

static quern_status center_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)err;
    const qn_tensor *in = i->in[0], *y = i->out[0];
    int64_t before[QUERN_MAX_RANK] = {0};
    const qn_str zero = {0};
    if (qn_tensor_count(y) == 0) return QUERN_OK;
    for (int d = 0; d < y->rank; d++) {
        int64_t more = y->dim[d] - in->dim[d]; /* an odd pixel goes to the end */
        before[d] = more >= 0 ? more / 2 : -(-more / 2);
    }
    if (y->rank == 0)
        memcpy(y->data, in->data, qn_dtype_size(y->dtype));
    else
        pad_all(i, x, before, QN_PAD_CONSTANT, &zero);
    return QUERN_OK;
}

static const qn_attr center_attrs[] = {
    QN_INTS(center_params, axes),
    QN_ATTRS_END,
};

const qn_op qn_op_center_crop_pad = {
    .name = "CenterCropPad",
    .since = 18,
    .first = 18,
    .min_in = 2,
    .max_in = 2,
    .attrs = center_attrs,
    .params_size = sizeof(center_params),
    .types = {QN_T_ALL, QN_T_INDEX},
    .infer = center_infer,
    .prepare = pad_prepare,
    .run = center_run,
};
