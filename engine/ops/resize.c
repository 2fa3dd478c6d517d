/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/resize.c - resampling of any axes by nearest, linear or cubic kernels;
 * ONNX Resize-19.  Lowered: Resize-10 (scales only, asymmetric) and Upsample-1, 7, 9.
 *
 * prepare makes a table of taps an axis.  Nearest is a gather over all axes at once,
 * for every element type; the others go axis by axis through scratch. */
#include "engine/ops/resize_state.h"
#include "engine/ops/grads.h"
#include "engine/rows8c.h"

#include <math.h>
#include <string.h>

static quern_status resize_infer(const qn_infer *x, quern_error *err)
{
    qn_resize_state s;
    QN_TRY(qn_resize_need(x, 1, err));
    QN_TRY(qn_resize_setup(x->params, x->in, x->n_in, &s, err));
    if (!x->out[0]) return QUERN_OK;
    qn_copy_shape(x->out[0], x->in[0]);
    for (int d = 0; d < x->in[0]->rank; d++)
        x->out[0]->dim[d] = s.axis[d].out;
    return QUERN_OK;
}

/* ---- tables and buffers ---- */

/* Elements between passes: what the axes up to `until` have become, the rest as it is.
 */
static int64_t between(const qn_resize_state *s, int rank, int until)
{
    int64_t n = 1;
    for (int d = 0; d < rank; d++)
        n *= d <= until && s->active[d] ? s->axis[d].out : s->axis[d].in;
    return n;
}

quern_status qn_resize_ready(qn_prep *p, qn_resize_state *s, quern_error *err)
{
    void *made;
    int last = -1;
    const qn_tensor *x = p->instr->in[0];
    const bool real = x->dtype == QUERN_FLOAT || x->dtype == QUERN_DOUBLE;
    for (int d = 0; d < x->rank; d++)
        if (s->active[d]) last = d;
    /* Others than float and double pass through double, also before and behind. */
    const int begin = real ? 0 : -1, end = real ? last - 1 : x->rank - 1;
    for (int d = begin; d <= end; d++) {
        const int64_t n = between(s, x->rank, d);
        if (n > s->buffer) s->buffer = n;
    }
    qn_prep_scratch(p, 2 * (size_t)s->buffer * (real ? qn_dtype_size(x->dtype) : 8));
    QN_TRY(qn_prep_state(p, sizeof *s, &made, err));
    *(qn_resize_state *)made = *s;
    return QUERN_OK;
}

static quern_status resize_prepare(qn_prep *p, quern_error *err)
{
    void *made;
    qn_resize_state s;
    const qn_instr *i = p->instr;
    QN_TRY(qn_resize_setup(i->params, i->in, i->n_in, &s, err));
    QN_TRY(qn_resize_tables(p->arena, &s, i->in[0]->rank, err));
    if (i->is_blocked) QN_TRY(qn_resize_blocked_make(p, s.axis, &s.blocked, err));
    if (s.how.mode != QN_NEAREST && qn_tensor_count(i->out[0]) > 0)
        return qn_resize_ready(p, &s, err);
    QN_TRY(qn_prep_state(p, sizeof s, &made, err));
    *(qn_resize_state *)made = s;
    return QUERN_OK;
}

/* Rows and columns only, each output a mixture of at most two inputs. */
static bool resize_can_block(const qn_instr *i, qn_blocked *how)
{
    qn_resize_state s;
    if (!qn_blocked_unary(i, how) || qn_tensor_count(i->out[0]) == 0 ||
        qn_resize_setup(i->params, i->in, i->n_in, &s, NULL) != QUERN_OK ||
        s.how.antialias || s.how.mode == QN_CUBIC ||
        s.how.coord == QN_TF_CROP_AND_RESIZE)
        return false;
    return !s.active[0] && !s.active[1];
}

/* ---- nearest ---- */

typedef struct gather_job {
    const qn_instr *i;
    const qn_resize_state *s;
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
    const qn_resize_state *s = job->s;
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

void qn_resize_passes(const qn_instr *i, const qn_exec *x, const void *in, void *out,
                      bool wide)
{
    const qn_resize_state *s = i->state;
    const qn_resize_params *p = i->params;
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
    const qn_resize_state *s = i->state;
    const qn_tensor *in = i->in[0], *out = i->out[0];
    double *from = i->scratch, *to = from + s->buffer;
    for (int64_t k = 0, n = qn_tensor_count(in); k < n; k++)
        from[k] = qn_get_real(in, k);
    /* An even number of hops from `from` ends where the last result may lie. */
    if (s->n_active % 2 == 0) to = from;
    qn_resize_passes(i, x, from, to, true);
    for (int64_t k = 0, n = qn_tensor_count(out); k < n; k++)
        qn_set_real(i->out[0], k, to[k]);
}

static quern_status resize_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    const qn_resize_state *s = i->state;
    const qn_resize_params *p = i->params;
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
        qn_resize_passes(i, x, in->data, out->data, in->dtype == QUERN_DOUBLE);
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

const qn_attr qn_resize_attrs[] = {
    QN_STR(qn_resize_params, mode, "nearest"),
    QN_STR(qn_resize_params, coordinate_transformation_mode, "half_pixel"),
    QN_STR(qn_resize_params, nearest_mode, "round_prefer_floor"),
    QN_STR(qn_resize_params, keep_aspect_ratio_policy, "stretch"),
    QN_INT(qn_resize_params, antialias, 0),
    QN_INT(qn_resize_params, exclude_outside, 0),
    QN_FLOAT(qn_resize_params, cubic_coeff_a, -0.75f),
    QN_FLOAT(qn_resize_params, extrapolation_value, 0),
    QN_INTS(qn_resize_params, axes),
    QN_ATTRS_END};

const qn_op qn_op_resize = {
    .name = "Resize",
    .since = 19,
    .first = 10,
    .min_in = 1,
    .max_in = 4,
    .flags = QN_OP_HALF_AS_F32,
    .attrs = qn_resize_attrs,
    .params_size = sizeof(qn_resize_params),
    .types = {QN_T_PLAIN | QN_T_STRING | QN_T_COMPLEX, QN_T_FLOATS, QN_T_F32, QN_T_I64},
    .lower = resize_lower,
    .check = qn_resize_check,
    .infer = resize_infer,
    .blocked = resize_can_block,
    .doubles = qn_resize_doubles,
    .grad = qn_grad_resize,
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
