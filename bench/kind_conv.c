/* SPDX-License-Identifier: Apache-2.0 */
/* bench/kind_conv.c - convolution, depthwise convolution and pooling in two dims. */
#include "bench/kinds.h"
#include "bench/truth.h"

#include <math.h>

enum { N, IC, H, W, OC, K, S, P, D, G, BIAS, ADD, ACT };
enum { DW_N, DW_C, DW_H, DW_W, DW_K, DW_S, DW_P, DW_D, DW_BIAS, DW_ACT };
enum { POOL_N, POOL_C, POOL_H, POOL_W, POOL_K, POOL_S, POOL_P, POOL_TYPE };

#define NUMBER(name, n, least, otherwise)                 \
    {                                                     \
        name, QN_FIELD_NUMBERS, n, least, otherwise, NULL \
    }

static const qn_problem_field conv_fields[] = {
    [N] = NUMBER("n", 1, 1, 1),
    [IC] = NUMBER("ic", 1, 1, QN_NEEDED),
    [H] = NUMBER("h", 1, 1, QN_NEEDED),
    [W] = NUMBER("w", 1, 1, QN_LIKE(H)),
    [OC] = NUMBER("oc", 1, 1, QN_NEEDED),
    [K] = NUMBER("k", 2, 1, 1),
    [S] = NUMBER("s", 2, 1, 1),
    [P] = NUMBER("p", 4, 0, 0),
    [D] = NUMBER("d", 2, 1, 1),
    [G] = NUMBER("g", 1, 1, 1),
    [BIAS] = {"bias", QN_FIELD_FLAG, 0, 0, 0, NULL},
    [ADD] = {"add", QN_FIELD_FLAG, 0, 0, 0, NULL},
    [ACT] = {"act", QN_FIELD_WORD, 0, 0, 0, QN_ACT_WORDS},
    {.name = NULL},
};
static const qn_problem_alias conv_aliases[] = {
    {"g", G, -1}, {"n", N, -1},  {"c", IC, -1}, {"h", H, -1},
    {"w", W, -1}, {"k", OC, -1}, {"r", K, 0},   {"s", K, 1},
    {"u", S, -1}, {"p", P, -1},  {"d", D, -1},  {NULL, 0, 0},
};

static const qn_problem_field dw_fields[] = {
    [DW_N] = NUMBER("n", 1, 1, 1),
    [DW_C] = NUMBER("c", 1, 1, QN_NEEDED),
    [DW_H] = NUMBER("h", 1, 1, QN_NEEDED),
    [DW_W] = NUMBER("w", 1, 1, QN_LIKE(DW_H)),
    [DW_K] = NUMBER("k", 2, 1, QN_NEEDED),
    [DW_S] = NUMBER("s", 2, 1, 1),
    [DW_P] = NUMBER("p", 4, 0, 0),
    [DW_D] = NUMBER("d", 2, 1, 1),
    [DW_BIAS] = {"bias", QN_FIELD_FLAG, 0, 0, 0, NULL},
    [DW_ACT] = {"act", QN_FIELD_WORD, 0, 0, 0, QN_ACT_WORDS},
    {.name = NULL},
};
static const qn_problem_alias dw_aliases[] = {
    {"n", DW_N, -1}, {"c", DW_C, -1}, {"h", DW_H, -1}, {"w", DW_W, -1}, {"r", DW_K, 0},
    {"s", DW_K, 1},  {"u", DW_S, -1}, {"p", DW_P, -1}, {"d", DW_D, -1}, {NULL, 0, 0},
};

static const qn_problem_field pool_fields[] = {
    [POOL_N] = NUMBER("n", 1, 1, 1),
    [POOL_C] = NUMBER("c", 1, 1, QN_NEEDED),
    [POOL_H] = NUMBER("h", 1, 1, QN_NEEDED),
    [POOL_W] = NUMBER("w", 1, 1, QN_LIKE(POOL_H)),
    [POOL_K] = NUMBER("k", 2, 1, QN_NEEDED),
    [POOL_S] = NUMBER("s", 2, 1, 1),
    [POOL_P] = NUMBER("p", 4, 0, 0),
    [POOL_TYPE] = {"type", QN_FIELD_WORD, 0, 0, 0, "max avg"},
    {.name = NULL},
};
static const qn_problem_alias pool_aliases[] = {
    {"n", POOL_N, -1}, {"c", POOL_C, -1}, {"h", POOL_H, -1},
    {"w", POOL_W, -1}, {"r", POOL_K, 0},  {"s", POOL_K, 1},
    {"u", POOL_S, -1}, {"p", POOL_P, -1}, {NULL, 0, 0},
};

/* ---- geometry -------------------------------------------------------------------- */

static void set_window(qn_window *w, const qn_problem *p, int h, int k, int d)
{
    w->rank = 2;
    for (int a = 0; a < 2; a++) {
        w->in[a] = p->v[h + a][0];
        w->kernel[a] = p->v[k][a];
        w->stride[a] = p->v[k + 1][a];
        w->begin[a] = p->v[k + 2][a];
        w->end[a] = p->v[k + 2][2 + a];
        w->dilation[a] = d < 0 ? 1 : p->v[d][a];
        w->out[a] = (w->in[a] + w->begin[a] + w->end[a] -
                     (w->kernel[a] - 1) * w->dilation[a] - 1) /
                        w->stride[a] +
                    1;
    }
}

qn_conv_problem qn_conv_problem_of(const qn_problem *p)
{
    qn_conv_problem c = {.n = p->v[N][0], .ic = p->v[IC][0]};
    if (p->kind == &qn_kind_conv_f32 || p->kind == &qn_kind_gradw_f32) {
        set_window(&c.w, p, H, K, D);
        c.oc = p->v[OC][0];
        c.groups = p->v[G][0];
        c.has_bias = p->v[BIAS][0];
        c.has_add = p->v[ADD][0];
        c.act = qn_truth_act(p->v[ACT][0]);
        c.is_depthwise = c.groups > 1 && c.groups == c.ic && c.oc == c.ic;
        return c;
    }
    c.oc = c.groups = c.ic;
    c.is_depthwise = true;
    if (p->kind == &qn_kind_dw_f32) {
        set_window(&c.w, p, DW_H, DW_K, DW_D);
        c.has_bias = p->v[DW_BIAS][0];
        c.act = qn_truth_act(p->v[DW_ACT][0]);
    } else {
        set_window(&c.w, p, POOL_H, POOL_K, -1);
    }
    return c;
}

static quern_status check(const qn_problem *p, quern_error *err)
{
    const qn_conv_problem c = qn_conv_problem_of(p);
    if (c.ic % c.groups || c.oc % c.groups)
        return qn_fail(err, QUERN_INVALID, "%lld and %lld channels in %lld groups",
                       (long long)c.ic, (long long)c.oc, (long long)c.groups);
    for (int a = 0; a < 2; a++) {
        const int64_t span = (c.w.kernel[a] - 1) * c.w.dilation[a] + 1;
        if (span > c.w.in[a] + c.w.begin[a] + c.w.end[a])
            return qn_fail(err, QUERN_INVALID, "a window of %lld over %lld %s",
                           (long long)span, (long long)c.w.in[a],
                           a ? "columns" : "rows");
    }
    const double most = 1 << 30;
    if ((double)c.n * (double)c.ic * (double)c.w.in[0] * (double)c.w.in[1] > most ||
        (double)c.n * (double)c.oc * (double)c.w.out[0] * (double)c.w.out[1] > most ||
        (double)c.oc * (double)(c.ic / c.groups) * (double)c.w.kernel[0] *
                (double)c.w.kernel[1] >
            most)
        return qn_fail(err, QUERN_INVALID, "an operand of more than 2^30 elements");
    return QUERN_OK;
}

/* ---- convolution ----------------------------------------------------------------- */

static void conv_shape(const qn_problem *p, qn_truth *t)
{
    const qn_conv_problem c = qn_conv_problem_of(p);
    const int64_t taps = c.w.kernel[0] * c.w.kernel[1] * (c.ic / c.groups);
    const int64_t plane = c.w.out[0] * c.w.out[1];
    t->n_out = c.n * c.oc * plane;
    t->n_in = 4;
    t->in[0].name = "x";
    t->in[0].n = c.n * c.ic * c.w.in[0] * c.w.in[1];
    t->in[1].name = "w";
    t->in[1].n = c.oc * taps;
    t->in[2].name = "bias";
    t->in[2].n = c.has_bias ? c.oc : 0;
    t->in[3].name = "add";
    t->in[3].n = c.has_add ? t->n_out : 0;
    t->cost = (double)taps;
    t->flops = 2 * (double)t->n_out * (double)taps;
    t->bytes =
        4.0 * (double)(t->in[0].n + t->in[1].n + t->in[2].n + t->in[3].n + t->n_out);
    t->terms = (double)taps + c.has_bias + c.has_add;
    t->is_sum = c.act.kind == QN_ACT_NONE || c.act.kind == QN_ACT_RELU;
    /* Activations are smooth with slopes of at most 1.13, and cost a few ulps. */
    t->ulps = t->is_sum ? 0 : 8;
    if (!t->is_sum) t->terms = 1.2 * t->terms + 8;
}

static double conv_at(const qn_truth *t, int64_t index, double *mass)
{
    const qn_conv_problem c = qn_conv_problem_of(t->p);
    const qn_window *w = &c.w;
    const int64_t plane = w->out[0] * w->out[1], in_plane = w->in[0] * w->in[1];
    const int64_t pixel = index % plane, channel = index / plane % c.oc;
    const int64_t image = index / plane / c.oc, icg = c.ic / c.groups;
    const int64_t at[2] = {pixel / w->out[1], pixel % w->out[1]};
    const int64_t group = channel / (c.oc / c.groups);
    const double *x = t->x[0] + (image * c.ic + group * icg) * in_plane;
    const double *f = t->x[1] + channel * icg * w->kernel[0] * w->kernel[1];
    double sum = c.has_bias ? t->x[2][channel] : 0, total = fabs(sum);
    for (int64_t i = 0; i < icg; i++)
        for (int64_t ky = 0; ky < w->kernel[0]; ky++)
            for (int64_t kx = 0; kx < w->kernel[1]; kx++, f++) {
                const int64_t r =
                    at[0] * w->stride[0] + ky * w->dilation[0] - w->begin[0];
                const int64_t s =
                    at[1] * w->stride[1] + kx * w->dilation[1] - w->begin[1];
                if (r < 0 || r >= w->in[0] || s < 0 || s >= w->in[1]) continue;
                const double product = *f * x[i * in_plane + r * w->in[1] + s];
                sum += product;
                total += fabs(product);
            }
    if (c.has_add) sum += t->x[3][index];
    if (c.has_add) total += fabs(t->x[3][index]);
    *mass = total;
    return qn_truth_act_of(c.act, sum);
}

const qn_problem_kind qn_kind_conv_f32 = {
    .name = "conv_f32",
    .brief = "conv",
    .summary = "convolution in two dims",
    .fields = conv_fields,
    .aliases = conv_aliases,
    .flag_field = {BIAS, ADD},
    .act_field = ACT,
    .check = check,
    .shape = conv_shape,
    .at = conv_at,
};

const qn_problem_kind qn_kind_dw_f32 = {
    .name = "dw_f32",
    .brief = "dw",
    .summary = "depthwise convolution: one filter a channel",
    .fields = dw_fields,
    .aliases = dw_aliases,
    .flag_field = {DW_BIAS, -1},
    .act_field = DW_ACT,
    .check = check,
    .shape = conv_shape,
    .at = conv_at,
};

/* ---- the gradient of filters ---- */

static quern_status gradw_check(const qn_problem *p, quern_error *err)
{
    const qn_conv_problem c = qn_conv_problem_of(p);
    if (c.has_bias || c.has_add || c.act.kind != QN_ACT_NONE)
        return qn_fail(err, QUERN_INVALID, "filters have no bias, sum or activation");
    return check(p, err);
}

static void gradw_shape(const qn_problem *p, qn_truth *t)
{
    const qn_conv_problem c = qn_conv_problem_of(p);
    const int64_t plane = c.w.out[0] * c.w.out[1];
    t->n_out = c.oc * (c.ic / c.groups) * c.w.kernel[0] * c.w.kernel[1];
    t->n_in = 2;
    t->in[0].name = "x";
    t->in[0].n = c.n * c.ic * c.w.in[0] * c.w.in[1];
    t->in[1].name = "dy";
    t->in[1].n = c.n * c.oc * plane;
    t->cost = t->terms = (double)(c.n * plane);
    t->flops = 2 * (double)t->n_out * t->terms;
    t->bytes = 4.0 * (double)(t->in[0].n + t->in[1].n + t->n_out);
    t->is_sum = true;
}

static double gradw_at(const qn_truth *t, int64_t index, double *mass)
{
    const qn_conv_problem c = qn_conv_problem_of(t->p);
    const qn_window *w = &c.w;
    const int64_t taps = w->kernel[0] * w->kernel[1], icg = c.ic / c.groups;
    const int64_t tap = index % taps, o = index / taps / icg;
    const int64_t i = o / (c.oc / c.groups) * icg + index / taps % icg;
    const int64_t shift[2] = {tap / w->kernel[1] * w->dilation[0] - w->begin[0],
                              tap % w->kernel[1] * w->dilation[1] - w->begin[1]};
    double sum = 0, total = 0;
    for (int64_t n = 0; n < c.n; n++)
        for (int64_t p = 0; p < w->out[0] * w->out[1]; p++) {
            const int64_t r = p / w->out[1] * w->stride[0] + shift[0];
            const int64_t s = p % w->out[1] * w->stride[1] + shift[1];
            if (r < 0 || r >= w->in[0] || s < 0 || s >= w->in[1]) continue;
            const double product =
                t->x[0][((n * c.ic + i) * w->in[0] + r) * w->in[1] + s] *
                t->x[1][(n * c.oc + o) * w->out[0] * w->out[1] + p];
            sum += product;
            total += fabs(product);
        }
    *mass = total;
    return sum;
}

const qn_problem_kind qn_kind_gradw_f32 = {
    .name = "gradw_f32",
    .brief = "gradw",
    .summary = "the gradient of a convolution's filters",
    .fields = conv_fields,
    .aliases = conv_aliases,
    .flag_field = {-1, -1},
    .act_field = -1,
    .check = gradw_check,
    .shape = gradw_shape,
    .at = gradw_at,
};

/* ---- pooling --------------------------------------------------------------------- */

static quern_status pool_check(const qn_problem *p, quern_error *err)
{
    const qn_conv_problem c = qn_conv_problem_of(p);
    for (int a = 0; a < 2; a++)
        if (c.w.begin[a] >= c.w.kernel[a] || c.w.end[a] >= c.w.kernel[a])
            return qn_fail(err, QUERN_INVALID, "a padding as large as the window");
    return check(p, err);
}

static void pool_shape(const qn_problem *p, qn_truth *t)
{
    const qn_conv_problem c = qn_conv_problem_of(p);
    const int64_t taps = c.w.kernel[0] * c.w.kernel[1];
    t->n_out = c.n * c.oc * c.w.out[0] * c.w.out[1];
    t->n_in = 1;
    t->in[0].name = "x";
    t->in[0].n = c.n * c.ic * c.w.in[0] * c.w.in[1];
    t->cost = (double)taps;
    t->flops = (double)t->n_out * (double)taps;
    t->bytes = 4.0 * (double)(t->in[0].n + t->n_out);
    t->terms = (double)taps;
    t->ulps = 2; /* a mean divides */
    t->is_sum = p->v[POOL_TYPE][0] == 0;
}

static double pool_at(const qn_truth *t, int64_t index, double *mass)
{
    const qn_conv_problem c = qn_conv_problem_of(t->p);
    const qn_window *w = &c.w;
    const int64_t plane = w->out[0] * w->out[1], pixel = index % plane;
    const double *x = t->x[0] + index / plane * w->in[0] * w->in[1];
    double greatest = -(double)INFINITY, sum = 0, total = 0;
    int64_t from[2], to[2], at[2] = {pixel / w->out[1], pixel % w->out[1]};
    for (int a = 0; a < 2; a++)
        qn_window_taps(w, a, at[a], 0, w->in[a], &from[a], &to[a]);
    for (int64_t ky = from[0]; ky < to[0]; ky++)
        for (int64_t kx = from[1]; kx < to[1]; kx++) {
            const int64_t r = at[0] * w->stride[0] + ky - w->begin[0];
            const double v = x[r * w->in[1] + at[1] * w->stride[1] + kx - w->begin[1]];
            greatest = v > greatest ? v : greatest;
            sum += v;
            total += fabs(v);
        }
    const double n = (double)((to[0] - from[0]) * (to[1] - from[1]));
    *mass = total / n;
    return t->p->v[POOL_TYPE][0] ? sum / n : greatest;
}

const qn_problem_kind qn_kind_pool_f32 = {
    .name = "pool_f32",
    .brief = "pool",
    .summary = "greatest or mean of a window, padding not counted",
    .fields = pool_fields,
    .aliases = pool_aliases,
    .flag_field = {-1, -1},
    .act_field = -1,
    .check = pool_check,
    .shape = pool_shape,
    .at = pool_at,
};

/* ---- the way back through pooling ------------------------------------------------ */

static void pool_grad_shape(const qn_problem *p, qn_truth *t)
{
    const qn_conv_problem c = qn_conv_problem_of(p);
    pool_shape(p, t);
    t->n_in = 2;
    t->in[1].name = "dy";
    t->in[1].n = t->n_out;
    t->n_out = t->in[0].n;
    t->bytes = 4.0 * (double)(2 * t->in[0].n + 2 * t->in[1].n);
    t->terms = 2 * (double)(c.w.kernel[0] * c.w.kernel[1]);
}

/* What output o of a plane gives to input pixel i. */
static double part_of(const qn_truth *t, const qn_window *w, const double *x, int64_t o,
                      int64_t i)
{
    const int64_t at[2] = {o / w->out[1], o % w->out[1]};
    int64_t from[2], to[2], best = -1, n = 0;
    bool inside = false;
    for (int a = 0; a < 2; a++)
        qn_window_taps(w, a, at[a], 0, w->in[a], &from[a], &to[a]);
    for (int64_t ky = from[0]; ky < to[0]; ky++)
        for (int64_t kx = from[1]; kx < to[1]; kx++, n++) {
            const int64_t r = at[0] * w->stride[0] + ky - w->begin[0];
            const int64_t k = r * w->in[1] + at[1] * w->stride[1] + kx - w->begin[1];
            if (best < 0 || x[k] > x[best]) best = k;
            inside = inside || k == i;
        }
    return t->p->v[POOL_TYPE][0] ? (inside ? 1 / (double)n : 0) : best == i;
}

static double pool_grad_at(const qn_truth *t, int64_t index, double *mass)
{
    const qn_conv_problem c = qn_conv_problem_of(t->p);
    const qn_window *w = &c.w;
    const int64_t in = w->in[0] * w->in[1], out = w->out[0] * w->out[1];
    const double *x = t->x[0] + index / in * in, *dy = t->x[1] + index / in * out;
    const int64_t at[2] = {index % in / w->in[1], index % w->in[1]};
    double sum = 0;
    int64_t low[2], high[2]; /* outputs that may see the pixel */
    for (int a = 0; a < 2; a++) {
        low[a] = (at[a] + w->begin[a] - w->kernel[a]) / w->stride[a];
        high[a] = (at[a] + w->begin[a]) / w->stride[a] + 1;
        low[a] = low[a] < 0 ? 0 : low[a];
        high[a] = high[a] < w->out[a] ? high[a] : w->out[a];
    }
    *mass = 0;
    for (int64_t r = low[0]; r < high[0]; r++)
        for (int64_t k = low[1]; k < high[1]; k++) {
            const double part = part_of(t, w, x, r * w->out[1] + k, index % in);
            sum += part * dy[r * w->out[1] + k];
            *mass += part * fabs(dy[r * w->out[1] + k]);
        }
    return sum;
}

const qn_problem_kind qn_kind_pool_grad_f32 = {
    .name = "pool_grad_f32",
    .summary = "the gradient of the greatest or mean of a window",
    .fields = pool_fields,
    .aliases = pool_aliases,
    .flag_field = {-1, -1},
    .act_field = -1,
    .check = pool_check,
    .shape = pool_grad_shape,
    .at = pool_grad_at,
};
