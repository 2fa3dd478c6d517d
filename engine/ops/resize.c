/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/resize.c - resampling of any axes by nearest, linear or cubic kernels;
 * ONNX Resize-19.  Lowered: Resize-10 (scales only, asymmetric) and Upsample-1, 7, 9.
 *
 * prepare makes a table of taps an axis.  Nearest is a gather over all axes at once,
 * for every element type; the others go axis by axis through scratch. */
#include "engine/ops/resize_blocked.h"
#include "engine/rows8c.h"
#include "engine/op.h"
#include "kernels/resize.h"

#include <math.h>
#include <string.h>

typedef struct resize_params {
    const char *mode, *coordinate_transformation_mode, *nearest_mode;
    const char *keep_aspect_ratio_policy;
    int64_t antialias, exclude_outside;
    float cubic_coeff_a, extrapolation_value;
    qn_ints axes;
} resize_params;

typedef struct resize_state {
    qn_resize how;
    qn_resize_axis axis[QUERN_MAX_RANK];
    bool active[QUERN_MAX_RANK]; /* the axis changes */
    int n_active;
    int64_t buffer; /* elements of each of two buffers in scratch */
    qn_resize_blocked *blocked;
} resize_state;

static const char *const modes[] = {"nearest", "linear", "cubic"};
static const char *const coords[] = {
    "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel",  "align_corners",
    "asymmetric", "tf_crop_and_resize",   "tf_half_pixel_for_nn"};
static const char *const rounds[] = {"round_prefer_floor", "round_prefer_ceil", "floor",
                                     "ceil"};
static const char *const policies[] = {"stretch", "not_larger", "not_smaller"};

#define FIND(list, text) find((list), (int)(sizeof(list) / sizeof *(list)), (text))

static int find(const char *const *list, int n, const char *text)
{
    for (int i = 0; i < n; i++)
        if (strcmp(list[i], text) == 0) return i;
    return -1;
}

static quern_status resize_check(const qn_node *node, quern_error *err)
{
    const resize_params *p = node->params;
    if (FIND(modes, p->mode) < 0)
        return qn_fail(err, QUERN_INVALID, "mode is '%s'", p->mode);
    if (FIND(coords, p->coordinate_transformation_mode) < 0)
        return qn_fail(err, QUERN_INVALID, "coordinate_transformation_mode is '%s'",
                       p->coordinate_transformation_mode);
    if (FIND(rounds, p->nearest_mode) < 0)
        return qn_fail(err, QUERN_INVALID, "nearest_mode is '%s'", p->nearest_mode);
    if (FIND(policies, p->keep_aspect_ratio_policy) < 0)
        return qn_fail(err, QUERN_INVALID, "keep_aspect_ratio_policy is '%s'",
                       p->keep_aspect_ratio_policy);
    return QUERN_OK;
}

/* ---- sizes ---- */

static const qn_tensor *given(const qn_tensor *const *in, int n_in, int i)
{
    return i < n_in && in[i] && qn_tensor_count(in[i]) > 0 ? in[i] : NULL;
}

/* Which axis the k-th value of roi, scales and sizes is for. */
static quern_status listed_axes(const resize_params *p, const qn_tensor *x, int axes[],
                                int *n, quern_error *err)
{
    *n = p->axes.v ? (int)(p->axes.n > QUERN_MAX_RANK ? QUERN_MAX_RANK + 1 : p->axes.n)
                   : x->rank;
    if (*n > x->rank)
        return qn_fail(err, QUERN_INVALID, "%lld axes for X %s", (long long)p->axes.n,
                       QN_SHAPE(x));
    unsigned seen = 0;
    for (int k = 0; k < *n; k++) {
        axes[k] = k;
        if (p->axes.v) QN_TRY(qn_axis(p->axes.v[k], x->rank, false, &axes[k], err));
        if (seen & 1U << axes[k])
            return qn_fail(err, QUERN_INVALID, "axis %d is listed twice", axes[k]);
        seen |= 1U << axes[k];
    }
    return QUERN_OK;
}

static quern_status want_values(const char *name, const qn_tensor *t, int n,
                                quern_error *err)
{
    if (qn_tensor_count(t) == n) return QUERN_OK;
    return qn_fail(err, QUERN_SHAPE, "%s is %s, wanted %d values", name, QN_SHAPE(t),
                   n);
}

static quern_status sized_by_scales(qn_resize_axis *a, double scale, quern_error *err)
{
    float out = floorf((float)scale * (float)a->in);
    if (!(scale > 0) || !(out < 0x1p62f))
        return qn_fail(err, QUERN_DATA, "scale %g", scale);
    a->scale = scale;
    a->out = (int64_t)out;
    return QUERN_OK;
}

static void keep_aspect(const resize_params *p, qn_resize_axis *axis, const int *axes,
                        int n)
{
    int policy = FIND(policies, p->keep_aspect_ratio_policy);
    double scale = 0;
    for (int k = 0; k < n && policy > 0; k++) {
        double s = axis[axes[k]].scale;
        if (k == 0 || (policy == 1 ? s < scale : s > scale)) scale = s;
    }
    for (int k = 0; k < n && policy > 0; k++) {
        qn_resize_axis *a = &axis[axes[k]];
        a->scale = scale;
        a->out = (int64_t)(scale * (double)a->in + 0.5);
    }
}

/* Sizes, scales and region of every axis of x.  The values must be known. */
static quern_status fit(const resize_params *p, const qn_tensor *const *in, int n_in,
                        qn_resize_axis *axis, quern_error *err)
{
    const qn_tensor *x = in[0], *roi = given(in, n_in, 1);
    const qn_tensor *scales = given(in, n_in, 2), *sizes = given(in, n_in, 3);
    int axes[QUERN_MAX_RANK], n;
    QN_TRY(listed_axes(p, x, axes, &n, err));
    for (int d = 0; d < x->rank; d++)
        axis[d] = (qn_resize_axis){
            .in = x->dim[d], .out = x->dim[d], .scale = 1, .roi = {0, 1}};
    if (x->rank == 0) return QUERN_OK;
    if (!sizes == !scales)
        return qn_fail(err, QUERN_INVALID, "%s scales and sizes are given",
                       sizes ? "both" : "neither");
    QN_TRY(want_values(sizes ? "sizes" : "scales", sizes ? sizes : scales, n, err));
    if (FIND(coords, p->coordinate_transformation_mode) == QN_TF_CROP_AND_RESIZE) {
        if (!roi) return qn_fail(err, QUERN_INVALID, "tf_crop_and_resize without roi");
        QN_TRY(want_values("roi", roi, 2 * n, err));
    } else
        roi = NULL;
    for (int k = 0; k < n; k++) {
        qn_resize_axis *a = &axis[axes[k]];
        if (roi) a->roi[0] = qn_get_real(roi, k);
        if (roi) a->roi[1] = qn_get_real(roi, n + k);
        if (scales) {
            QN_TRY(sized_by_scales(a, qn_get_real(scales, k), err));
            continue;
        }
        a->out = qn_get_int(sizes, k);
        if (a->out < 0 || (a->in == 0 && a->out > 0))
            return qn_fail(err, QUERN_DATA, "size %lld for axis %d of %s",
                           (long long)a->out, axes[k], QN_SHAPE(x));
        a->scale = a->in ? (double)a->out / (double)a->in : 1;
    }
    if (sizes) keep_aspect(p, axis, axes, n);
    return QUERN_OK;
}

static quern_status resize_infer(const qn_infer *x, quern_error *err)
{
    qn_resize_axis axis[QUERN_MAX_RANK];
    const resize_params *p = x->params;
    int coord = FIND(coords, p->coordinate_transformation_mode);
    for (int i = coord == QN_TF_CROP_AND_RESIZE ? 1 : 2; i < x->n_in; i++)
        if (given(x->in, x->n_in, i)) QN_TRY(qn_infer_need(x, i));
    QN_TRY(fit(p, x->in, x->n_in, axis, err));
    if (!x->out[0]) return QUERN_OK;
    qn_copy_shape(x->out[0], x->in[0]);
    for (int d = 0; d < x->in[0]->rank; d++)
        x->out[0]->dim[d] = axis[d].out;
    return QUERN_OK;
}

/* ---- tables and buffers ---- */

/* Elements between passes: what the axes up to `until` have become, the rest as it is.
 */
static int64_t between(const resize_state *s, int rank, int until)
{
    int64_t n = 1;
    for (int d = 0; d < rank; d++)
        n *= d <= until && s->active[d] ? s->axis[d].out : s->axis[d].in;
    return n;
}

static quern_status make_tables(qn_prep *p, resize_state *s, int rank, quern_error *err)
{
    size_t n = 0, table[QUERN_MAX_RANK];
    for (int d = 0; d < rank; d++) {
        qn_resize_axis *a = &s->axis[d];
        a->taps = qn_resize_taps(&s->how, a->scale);
        if (!qn_size_mul((size_t)a->taps, (size_t)a->out, &table[d]) ||
            !qn_size_add(n, table[d], &n))
            return qn_fail(err, QUERN_LIMIT, "%lld taps on axis %d", (long long)a->taps,
                           d);
    }
    char *room;
    size_t elem = sizeof(int64_t) + sizeof(double), bytes;
    if (!qn_size_mul(n, elem, &bytes))
        return qn_fail(err, QUERN_LIMIT, "%zu taps in all", n);
    resize_state made = *s;
    QN_TRY(qn_prep_state(p, sizeof *s + bytes, (void **)&room, err));
    *(resize_state *)room = made;
    s = (resize_state *)room;
    room += sizeof *s;
    for (int d = 0; d < rank; d++) {
        s->axis[d].index = (int64_t *)room;
        s->axis[d].coef = (double *)(room + table[d] * sizeof(int64_t));
        room += table[d] * elem;
        qn_resize_table(&s->how, &s->axis[d]);
    }
    return QUERN_OK;
}

static quern_status resize_prepare(qn_prep *p, quern_error *err)
{
    const qn_instr *i = p->instr;
    const resize_params *params = i->params;
    const qn_tensor *x = i->in[0];
    resize_state s = {.n_active = 0};
    QN_TRY(fit(params, i->in, i->n_in, s.axis, err));
    s.how = (qn_resize){
        .mode = (qn_resize_mode)FIND(modes, params->mode),
        .coord = (qn_resize_coord)FIND(coords, params->coordinate_transformation_mode),
        .round = (qn_resize_round)FIND(rounds, params->nearest_mode),
        .antialias = params->antialias != 0,
        .exclude_outside = params->exclude_outside != 0,
        .cubic_a = (double)params->cubic_coeff_a};
    int last = -1;
    for (int d = 0; d < x->rank; d++) {
        const qn_resize_axis *a = &s.axis[d];
        s.active[d] =
            a->in != a->out || a->scale != 1 || a->roi[0] != 0 || a->roi[1] != 1;
        s.n_active += s.active[d];
        if (s.active[d]) last = d;
    }
    bool real = x->dtype == QUERN_FLOAT || x->dtype == QUERN_DOUBLE;
    if (s.how.mode != QN_NEAREST && qn_tensor_count(i->out[0]) > 0) {
        /* Values between passes; others than float and double pass through double. */
        int from = real ? 0 : -1, to = real ? last - 1 : x->rank - 1;
        for (int d = from; d <= to; d++) {
            int64_t n = between(&s, x->rank, d);
            if (n > s.buffer) s.buffer = n;
        }
        qn_prep_scratch(p, 2 * (size_t)s.buffer * (real ? qn_dtype_size(x->dtype) : 8));
    }
    QN_TRY(make_tables(p, &s, x->rank, err));
    resize_state *made = i->state;
    return i->is_blocked ? qn_resize_blocked_make(p, made->axis, &made->blocked, err)
                         : QUERN_OK;
}

/* Rows and columns only, each output a mixture of at most two inputs. */
static bool resize_can_block(const qn_instr *i, qn_blocked *how)
{
    const resize_params *p = i->params;
    qn_resize_axis axis[QUERN_MAX_RANK];
    if (!qn_blocked_unary(i, how) || p->antialias || qn_tensor_count(i->out[0]) == 0 ||
        FIND(modes, p->mode) == QN_CUBIC ||
        FIND(coords, p->coordinate_transformation_mode) == QN_TF_CROP_AND_RESIZE ||
        fit(p, i->in, i->n_in, axis, NULL) != QUERN_OK)
        return false;
    for (int d = 0; d < 2; d++)
        if (axis[d].in != axis[d].out || axis[d].scale != 1) return false;
    return true;
}

/* ---- nearest ---- */

typedef struct gather_job {
    const qn_instr *i;
    const resize_state *s;
    const void *outside; /* the extrapolation value */
} gather_job;

static void gather_row(size_t elem, const qn_resize_axis *a, const char *x, char *y,
                       const void *outside)
{
    for (int64_t o = 0; o < a->out; o++) {
        const void *from = a->index[o] < 0 ? outside : x + (size_t)a->index[o] * elem;
        switch (elem) { /* constant sizes become single moves */
        case 1:
            memcpy(y + o, from, 1);
            break;
        case 4:
            memcpy(y + o * 4, from, 4);
            break;
        case 8:
            memcpy(y + o * 8, from, 8);
            break;
        default:
            memcpy(y + (size_t)o * elem, from, elem);
        }
    }
}

static void gather_rows(void *ctx, int64_t begin, int64_t end, int worker)
{
    const gather_job *job = ctx;
    const resize_state *s = job->s;
    const qn_tensor *x = job->i->in[0], *y = job->i->out[0];
    size_t elem = qn_dtype_size(x->dtype);
    int last = x->rank - 1;
    (void)worker;
    for (int64_t n = begin; n < end; n++) {
        int64_t rest = n, from = 0, pitch = 1;
        bool outside = false;
        for (int d = last - 1; d >= 0; d--) {
            int64_t at = s->axis[d].index[rest % s->axis[d].out];
            rest /= s->axis[d].out;
            outside = outside || at < 0;
            from += at * pitch;
            pitch *= x->dim[d];
        }
        char *to = (char *)y->data + (size_t)(n * y->dim[last]) * elem;
        if (!outside)
            gather_row(elem, &s->axis[last],
                       (const char *)x->data + (size_t)(from * x->dim[last]) * elem, to,
                       job->outside);
        for (int64_t o = 0; o < y->dim[last] && outside; o++)
            memcpy(to + (size_t)o * elem, job->outside, elem);
    }
}

/* ---- linear and cubic ---- */

typedef struct pass_job {
    const qn_resize_axis *axis;
    int64_t inner;
    bool wide;
    double outside;
    const void *x;
    void *y;
} pass_job;

static void run_pass(void *ctx, int64_t begin, int64_t end, int worker)
{
    const pass_job *j = ctx;
    (void)worker;
    if (j->wide)
        qn_resize_lines_f64(j->axis, j->inner, j->outside, j->x, j->y, begin, end);
    else
        qn_resize_lines_f32(j->axis, j->inner, (float)j->outside, j->x, j->y, begin,
                            end);
}

static void run_passes(const qn_instr *i, const qn_exec *x, const void *in, void *out,
                       bool wide)
{
    const resize_state *s = i->state;
    const resize_params *p = i->params;
    const qn_tensor *t = i->in[0];
    int left = s->n_active;
    int64_t outer = 1;
    char *spare = i->scratch;
    char *other = spare + (size_t)s->buffer * (wide ? 8 : 4);
    if (in == spare) spare = other, other = i->scratch;
    for (int d = 0; d < t->rank; d++) {
        if (!s->active[d]) {
            outer *= t->dim[d];
            continue;
        }
        void *to = --left ? spare : out;
        if (left) spare = other, other = to;
        pass_job job = {&s->axis[d], qn_dims_count(t, d + 1, t->rank),
                        wide,        (double)p->extrapolation_value,
                        in,          to};
        int64_t lines = job.inner == 1 ? outer : outer * s->axis[d].out;
        int64_t len = job.inner == 1 ? s->axis[d].out : job.inner;
        qn_parallel_for(x->pool, lines, (16 << 10) / (len + 1) + 1, run_pass, &job);
        outer *= s->axis[d].out;
        in = to;
    }
}

static void resize_others(const qn_instr *i, const qn_exec *x)
{
    const resize_state *s = i->state;
    const qn_tensor *in = i->in[0], *out = i->out[0];
    double *from = i->scratch, *to = from + s->buffer;
    for (int64_t k = 0, n = qn_tensor_count(in); k < n; k++)
        from[k] = qn_get_real(in, k);
    /* An even number of hops from `from` ends where the last result may lie. */
    if (s->n_active % 2 == 0) to = from;
    run_passes(i, x, from, to, true);
    for (int64_t k = 0, n = qn_tensor_count(out); k < n; k++)
        qn_set_real(i->out[0], k, to[k]);
}

static quern_status resize_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    const resize_state *s = i->state;
    const resize_params *p = i->params;
    const qn_tensor *in = i->in[0], *out = i->out[0];
    if (qn_tensor_count(out) == 0) return QUERN_OK;
    if (i->is_blocked) return qn_resize_blocked_run(i, x, s->blocked);
    if (s->n_active == 0) return qn_run_copy(i, x, err);
    if (s->how.mode == QN_NEAREST) {
        char value[16] = {0};
        qn_tensor outside = {.dtype = in->dtype, .rank = 0, .data = value};
        if (QN_BIT(in->dtype) & QN_T_PLAIN)
            qn_set_real(&outside, 0, (double)p->extrapolation_value);
        gather_job job = {i, s, value};
        int64_t width = out->dim[out->rank - 1];
        qn_parallel_for(x->pool, qn_dims_count(out, 0, out->rank - 1),
                        (16 << 10) / (width + 1) + 1, gather_rows, &job);
    } else if (in->dtype == QUERN_FLOAT || in->dtype == QUERN_DOUBLE)
        run_passes(i, x, in->data, out->data, in->dtype == QUERN_DOUBLE);
    else if (QN_BIT(in->dtype) & QN_T_PLAIN)
        resize_others(i, x);
    else
        return qn_fail(err, QUERN_UNSUPPORTED, "%s values in mode '%s'",
                       quern_dtype_name(in->dtype), p->mode);
    return QUERN_OK;
}

/* ---- old forms ---- */

static quern_status set_words(qn_node *node, quern_error *err)
{
    QN_TRY(qn_node_set_str(node, "coordinate_transformation_mode", "asymmetric", err));
    return qn_node_set_str(node, "nearest_mode", "floor", err);
}

static quern_status resize_lower(qn_graph *g, qn_node *node, quern_error *err)
{
    (void)g;
    if (node->opset >= 11) return QUERN_OK;
    qn_value *scales = node->n_in > 1 ? node->in[1] : NULL;
    QN_TRY(qn_node_set_input(node, 1, NULL, err));
    QN_TRY(qn_node_set_input(node, 2, scales, err));
    return set_words(node, err);
}

/* Form 1 has height_scale and width_scale, form 7 a list, form 9 an input. */
static quern_status upsample_scales(qn_graph *g, qn_node *node, qn_value **scales,
                                    quern_error *err)
{
    const qn_attr_value *list = qn_node_attr(node, "scales");
    float four[4] = {1, 1, qn_node_float(node, "height_scale", 0),
                     qn_node_float(node, "width_scale", 0)};
    *scales = node->n_in > 1 ? node->in[1] : NULL;
    if (*scales) return QUERN_OK;
    bool old = !list && four[2] > 0 && four[3] > 0;
    if (!old && (!list || list->kind != QN_ATTR_FLOATS))
        return qn_fail(err, QUERN_INVALID, "scales are missing");
    qn_tensor t = {.dtype = QUERN_FLOAT,
                   .rank = 1,
                   .dim = {old ? 4 : list->floats.n},
                   .data = old ? four : (void *)list->floats.v};
    qn_tensor copy;
    QN_TRY(qn_tensor_copy(g->arena, &copy, &t, err));
    return qn_graph_add_constant(g, "", &copy, scales, err);
}

static quern_status upsample_lower(qn_graph *g, qn_node *node, quern_error *err)
{
    qn_value *scales;
    QN_TRY(upsample_scales(g, node, &scales, err));
    const char *mode = qn_node_str_is(node, "mode", "linear") ||
                               qn_node_str_is(node, "mode", "bilinear")
                           ? "linear"
                           : "nearest";
    const char *gone[] = {"scales", "height_scale", "width_scale"};
    for (int k = 0; k < 3; k++)
        qn_node_drop_attr(node, gone[k]);
    QN_TRY(qn_node_set_input(node, 1, NULL, err));
    QN_TRY(qn_node_set_input(node, 2, scales, err));
    QN_TRY(qn_node_set_str(node, "mode", mode, err));
    node->op_type = "Resize";
    return set_words(node, err);
}

static const qn_attr resize_attrs[] = {
    QN_STR(resize_params, mode, "nearest"),
    QN_STR(resize_params, coordinate_transformation_mode, "half_pixel"),
    QN_STR(resize_params, nearest_mode, "round_prefer_floor"),
    QN_STR(resize_params, keep_aspect_ratio_policy, "stretch"),
    QN_INT(resize_params, antialias, 0),
    QN_INT(resize_params, exclude_outside, 0),
    QN_FLOAT(resize_params, cubic_coeff_a, -0.75f),
    QN_FLOAT(resize_params, extrapolation_value, 0),
    QN_INTS(resize_params, axes),
    QN_ATTRS_END};

const qn_op qn_op_resize = {
    .name = "Resize",
    .since = 19,
    .first = 10,
    .min_in = 1,
    .max_in = 4,
    .flags = QN_OP_HALF_AS_F32,
    .attrs = resize_attrs,
    .params_size = sizeof(resize_params),
    .types = {QN_T_PLAIN | QN_T_STRING | QN_T_COMPLEX, QN_T_FLOATS, QN_T_F32, QN_T_I64},
    .lower = resize_lower,
    .check = resize_check,
    .infer = resize_infer,
    .blocked = resize_can_block,
    .prepare = resize_prepare,
    .run = resize_run,
};

/* Never bound: every form of it becomes a Resize. */
const qn_op qn_op_upsample = {
    .name = "Upsample",
    .since = 10,
    .min_in = 1,
    .max_in = 2,
    .types = {QN_T_PLAIN | QN_T_STRING | QN_T_COMPLEX, QN_T_F32},
    .lower = upsample_lower,
};
