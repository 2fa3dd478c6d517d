/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/dft.c - Fourier transforms along an axis and of sliding windows: ONNX
 * DFT-20 (axis was an attribute in 17) and STFT-17.  All sums are formed in double. */
#include "engine/index.h"
#include "engine/op.h"
#include "kernels/fft.h"

/* Scratch: the tables and one lane of n complex numbers. */
static quern_status lane_scratch(qn_prep *p, int64_t n, quern_error *err)
{
    size_t room = n > 0 ? qn_fft_room(n) : 1, bytes;
    if (room == 0 || !qn_size_add(room, 2 * (size_t)n, &room) ||
        !qn_size_mul(room, sizeof(double), &bytes))
        return qn_fail(err, QUERN_LIMIT, "a transform of length %lld", (long long)n);
    qn_prep_scratch(p, bytes);
    return QUERN_OK;
}

static double load(const qn_tensor *t, int64_t i)
{
    return t->dtype == QUERN_FLOAT ? (double)((const float *)t->data)[i]
                                   : ((const double *)t->data)[i];
}

static void store(qn_tensor *t, int64_t i, double x)
{
    if (t->dtype == QUERN_FLOAT)
        ((float *)t->data)[i] = (float)x;
    else
        ((double *)t->data)[i] = x;
}

static quern_status check_signal(const qn_tensor *in, bool real_only, bool complex_only,
                                 quern_error *err)
{
    int64_t parts = in->rank > 1 ? in->dim[in->rank - 1] : 0;
    if (parts != 1 && parts != 2)
        return qn_fail(err, QUERN_SHAPE, "input %s does not end in 1 or 2",
                       QN_SHAPE(in));
    if ((real_only && parts != 1) || (complex_only && parts != 2))
        return qn_fail(err, QUERN_SHAPE, "input %s is %s", QN_SHAPE(in),
                       real_only ? "complex, a one-sided transform takes real signals"
                                 : "real, a one-sided inverse takes a spectrum");
    return QUERN_OK;
}

/* DFT ------------------------------------------------------------------------------ */

typedef struct dft_params {
    int64_t inverse, onesided;
} dft_params;

static quern_status dft_lower(qn_graph *g, qn_node *node, quern_error *err)
{
    if (node->opset >= 20) return QUERN_OK;
    int64_t axis = qn_node_int(node, "axis", 1);
    qn_value *v;
    QN_TRY(qn_graph_add_ints(g, 1, &axis, &v, err));
    QN_TRY(qn_node_set_input(node, 2, v, err));
    qn_node_drop_attr(node, "axis");
    return QUERN_OK;
}

static quern_status dft_axis(const qn_tensor *in, const qn_tensor *axis_in, int *axis,
                             quern_error *err)
{
    int64_t a = -2;
    if (axis_in) QN_TRY(qn_scalar_int(axis_in, "axis", &a, err));
    QN_TRY(qn_axis(a, in->rank, false, axis, err));
    if (*axis == in->rank - 1)
        return qn_fail(err, QUERN_SHAPE, "axis %d holds real and imaginary parts",
                       *axis);
    return QUERN_OK;
}

static quern_status dft_infer(const qn_infer *x, quern_error *err)
{
    const dft_params *p = x->params;
    const qn_tensor *in = x->in[0], *length = x->n_in > 1 ? x->in[1] : NULL;
    const qn_tensor *axis_in = x->n_in > 2 ? x->in[2] : NULL;
    qn_tensor *y = x->out[0];
    bool half = p->onesided != 0;
    int axis;
    if (length) QN_TRY(qn_infer_need(x, 1));
    if (axis_in) QN_TRY(qn_infer_need(x, 2));
    QN_TRY(check_signal(in, half && !p->inverse, half && p->inverse, err));
    QN_TRY(dft_axis(in, axis_in, &axis, err));
    int64_t dim = in->dim[axis], n = half && p->inverse ? 2 * (dim - 1) : dim;
    if (length) QN_TRY(qn_scalar_int(length, "dft_length", &n, err));
    if (n < 1)
        return qn_fail(err, QUERN_SHAPE, "a transform of length %lld", (long long)n);
    qn_copy_shape(y, in);
    y->dim[axis] = half && !p->inverse ? n / 2 + 1 : n;
    y->dim[in->rank - 1] = half && p->inverse ? 1 : 2;
    return QUERN_OK;
}

/* One transform: which elements it reads and writes. */
typedef struct dft_lane {
    const qn_tensor *in;
    qn_tensor *out;
    int64_t from, to, stride; /* first pairs; pairs from step to step */
    int64_t n_in, n, n_out;   /* steps read, transformed, written */
    int64_t parts, parts_out; /* numbers in a pair */
    bool inverse, hermitian;  /* hermitian: the other half follows by symmetry */
} dft_lane;

static void run_lane(const dft_lane *l, const qn_fft *f, double *z)
{
    int64_t given = l->hermitian ? l->n / 2 + 1 : l->n;
    given = given < l->n_in ? given : l->n_in;
    for (int64_t k = 0; k < 2 * l->n; k++)
        z[k] = 0;
    for (int64_t k = 0; k < given; k++) {
        int64_t at = (l->from + k * l->stride) * l->parts;
        z[2 * k] = load(l->in, at);
        z[2 * k + 1] = l->parts == 2 ? load(l->in, at + 1) : 0;
    }
    if (l->hermitian) {
        z[1] = 0;
        if (l->n % 2 == 0) z[l->n + 1] = 0; /* the middle is real */
        for (int64_t k = 1; k < l->n - k; k++) {
            z[2 * (l->n - k)] = z[2 * k];
            z[2 * (l->n - k) + 1] = -z[2 * k + 1];
        }
    }
    qn_fft_run(f, l->inverse, z);
    double scale = l->inverse ? (double)l->n : 1;
    for (int64_t k = 0; k < l->n_out; k++) {
        int64_t at = (l->to + k * l->stride) * l->parts_out;
        store(l->out, at, z[2 * k] / scale);
        if (l->parts_out == 2) store(l->out, at + 1, z[2 * k + 1] / scale);
    }
}

/* Length of the transform that makes n_out steps. */
static quern_status dft_length(const qn_instr *i, int axis, int64_t *n,
                               quern_error *err)
{
    const dft_params *p = i->params;
    *n = p->onesided && p->inverse ? i->out[0]->dim[axis] : i->in[0]->dim[axis];
    if (i->n_in < 2 || !i->in[1]) return QUERN_OK;
    return qn_scalar_int(i->in[1], "dft_length", n, err);
}

static quern_status dft_prepare(qn_prep *p, quern_error *err)
{
    const qn_instr *i = p->instr;
    int axis;
    int64_t n;
    QN_TRY(dft_axis(i->in[0], i->n_in > 2 ? i->in[2] : NULL, &axis, err));
    QN_TRY(dft_length(i, axis, &n, err));
    return lane_scratch(p, n, err);
}

static quern_status dft_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)x;
    const dft_params *p = i->params;
    const qn_tensor *in = i->in[0];
    qn_tensor *y = i->out[0];
    int axis;
    dft_lane l = {.in = in,
                  .out = y,
                  .parts = in->dim[in->rank - 1],
                  .parts_out = y->dim[y->rank - 1],
                  .inverse = p->inverse != 0,
                  .hermitian = p->inverse && p->onesided};
    QN_TRY(dft_axis(in, i->n_in > 2 ? i->in[2] : NULL, &axis, err));
    QN_TRY(dft_length(i, axis, &l.n, err));
    l.n_in = in->dim[axis];
    l.n_out = y->dim[axis];
    l.stride = qn_dims_count(in, axis + 1, in->rank - 1);
    qn_fft f;
    double *z = i->scratch;
    qn_fft_init(&f, l.n, z + 2 * l.n);
    int64_t outer = qn_dims_count(in, 0, axis);
    for (int64_t o = 0; o < outer; o++)
        for (int64_t k = 0; k < l.stride; k++) {
            l.from = o * l.n_in * l.stride + k;
            l.to = o * l.n_out * l.stride + k;
            run_lane(&l, &f, z);
        }
    return QUERN_OK;
}

static const qn_attr dft_attrs[] = {
    QN_INT(dft_params, inverse, 0),
    QN_INT(dft_params, onesided, 0),
    QN_ATTRS_END,
};

const qn_op qn_op_dft = {
    .name = "DFT",
    .since = 20,
    .first = 17,
    .min_in = 1,
    .max_in = 3,
    .flags = QN_OP_HALF_AS_F32,
    .attrs = dft_attrs,
    .params_size = sizeof(dft_params),
    .types = {QN_T_FLOATS, QN_T_INDEX, QN_T_I64},
    .lower = dft_lower,
    .infer = dft_infer,
    .prepare = dft_prepare,
    .run = dft_run,
};

/* STFT ----------------------------------------------------------------------------- */

typedef struct stft_params {
    int64_t onesided;
} stft_params;

static quern_status frame_length(const qn_tensor *const *in, int n_in, int64_t *n,
                                 quern_error *err)
{
    const qn_tensor *window = n_in > 2 ? in[2] : NULL;
    *n = window ? qn_tensor_count(window) : in[0]->dim[1];
    if (n_in < 4 || !in[3]) return QUERN_OK;
    return qn_scalar_int(in[3], "frame_length", n, err);
}

static quern_status stft_infer(const qn_infer *x, quern_error *err)
{
    const stft_params *p = x->params;
    const qn_tensor *in = x->in[0], *window = x->n_in > 2 ? x->in[2] : NULL;
    qn_tensor *y = x->out[0];
    int64_t step, n;
    if (in->rank != 3)
        return qn_fail(err, QUERN_SHAPE, "signal %s has rank %d, not 3", QN_SHAPE(in),
                       in->rank);
    QN_TRY(check_signal(in, p->onesided != 0, false, err));
    QN_TRY(qn_infer_need(x, 1));
    QN_TRY(qn_scalar_int(x->in[1], "frame_step", &step, err));
    if (x->n_in > 3 && x->in[3]) QN_TRY(qn_infer_need(x, 3));
    QN_TRY(frame_length(x->in, x->n_in, &n, err));
    if (step < 1 || n < 1 || n > in->dim[1])
        return qn_fail(err, QUERN_SHAPE,
                       "frames of %lld, %lld apart, in a signal of %lld", (long long)n,
                       (long long)step, (long long)in->dim[1]);
    if (window && (window->rank != 1 || window->dim[0] != n))
        return qn_fail(err, QUERN_SHAPE, "window %s for frames of %lld",
                       QN_SHAPE(window), (long long)n);
    const int64_t dims[4] = {in->dim[0], (in->dim[1] - n) / step + 1,
                             p->onesided ? n / 2 + 1 : n, 2};
    qn_set_shape(y, y->dtype, 4, dims);
    return QUERN_OK;
}

static quern_status stft_prepare(qn_prep *p, quern_error *err)
{
    int64_t n;
    QN_TRY(frame_length(p->instr->in, p->instr->n_in, &n, err));
    return lane_scratch(p, n, err);
}

static quern_status stft_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)x;
    const qn_tensor *in = i->in[0], *window = i->n_in > 2 ? i->in[2] : NULL;
    qn_tensor *y = i->out[0];
    int64_t step, n, parts = in->dim[2];
    int64_t frames = y->dim[1], bins = y->dim[2], to = 0;
    QN_TRY(qn_scalar_int(i->in[1], "frame_step", &step, err));
    QN_TRY(frame_length(i->in, i->n_in, &n, err));
    qn_fft f;
    double *z = i->scratch;
    qn_fft_init(&f, n, z + 2 * n);
    for (int64_t b = 0; b < in->dim[0]; b++)
        for (int64_t t = 0; t < frames; t++) {
            int64_t from = (b * in->dim[1] + t * step) * parts;
            for (int64_t k = 0; k < n; k++) {
                double w = window ? load(window, k) : 1;
                z[2 * k] = load(in, from + k * parts) * w;
                z[2 * k + 1] = parts == 2 ? load(in, from + k * parts + 1) * w : 0;
            }
            qn_fft_run(&f, false, z);
            for (int64_t k = 0; k < 2 * bins; k++)
                store(y, to++, z[k]);
        }
    return QUERN_OK;
}

static const qn_attr stft_attrs[] = {
    QN_INT(stft_params, onesided, 1),
    QN_ATTRS_END,
};

const qn_op qn_op_stft = {
    .name = "STFT",
    .since = 17,
    .first = 17,
    .min_in = 2,
    .max_in = 4,
    .flags = QN_OP_HALF_AS_F32,
    .attrs = stft_attrs,
    .params_size = sizeof(stft_params),
    .types = {QN_T_FLOATS, QN_T_INDEX, QN_T_FLOATS, QN_T_INDEX},
    .infer = stft_infer,
    .prepare = stft_prepare,
    .run = stft_run,
};
