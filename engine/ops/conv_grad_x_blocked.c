/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/conv_grad_x_blocked.c - ConvGradX in the blocked layout.
 *
 * Pixels of dX whose rows and columns are alike modulo the strides form a phase.  A
 * phase is an ordinary convolution of dY: stride 1, the taps that reach it, turned
 * around, input and output channels exchanged.  So it has the slots of a convolution,
 * Winograd too.  A phase that no tap reaches is zero. */
#include "engine/ops/conv_grad.h"
#include "engine/ops/conv_grad_blocked.h"
#include "engine/ops/conv_way.h"
#include "engine/rows8c.h"

#include <string.h>

enum { IN_DY, IN_W, IN_X };
enum { MAX_HALO = 64, MAX_PHASES = 16 };

/* One axis of a phase: output `first + i * stride` of dX is the sum over t < taps of
 * dY[i + t * dilation - pad] with tap `last - t * step` of the filter. */
typedef struct axis {
    int64_t first, n, taps, last, step, dilation, pad;
} axis;

typedef struct state {
    int n;
    bool has_gaps;                            /* phases without taps */
    qn_conv_way way[MAX_PHASES];              /* those with taps */
    int64_t row[MAX_PHASES], col[MAX_PHASES]; /* their first pixels */
    int64_t stride[2];
} state;

static int64_t gcd(int64_t a, int64_t b)
{
    return b ? gcd(b, a % b) : a;
}

static axis axis_of(const qn_window *w, int d, int64_t first)
{
    const int64_t s = w->stride[d], shared = gcd(s, w->dilation[d]);
    axis a = {.first = first, .step = s / shared, .dilation = w->dilation[d] / shared};
    if (first < w->in[d]) a.n = (w->in[d] - first + s - 1) / s;
    /* Taps of the phase: those from which a whole number of strides leads to it. */
    int64_t k = 0;
    while (k < w->kernel[d] && k < a.step &&
           (first + w->begin[d] - k * w->dilation[d]) % s != 0)
        k++;
    if (k >= w->kernel[d] || k >= a.step) return a;
    a.taps = (w->kernel[d] - 1 - k) / a.step + 1;
    a.last = k + (a.taps - 1) * a.step;
    a.pad = (a.taps - 1) * a.dilation - (first + w->begin[d] - k * w->dilation[d]) / s;
    return a;
}

/* The convolution of a phase, without planes. */
static qn_conv8c conv_of(const qn_window *w, int64_t group, const axis a[2])
{
    qn_conv8c c = {.groups = group, .y_step = w->stride[1] * QN_BLOCK8};
    for (int d = 0; d < 2; d++) {
        c.kernel[d] = a[d].taps;
        c.stride[d] = 1;
        c.dilation[d] = a[d].dilation;
        c.pad[d] = a[d].pad;
    }
    return c;
}

static bool choose(const qn_tensor *w, int64_t group, qn_conv_slot *slot)
{
    const int64_t ic = w->dim[1], oc = w->dim[0] / group;
    *slot = group > 1 && ic == 1 && oc == 1 ? QN_CONV_DEPTH : QN_CONV_DIRECT;
    return group == 1 || *slot == QN_CONV_DEPTH ||
           (ic % QN_BLOCK8 == 0 && oc % QN_BLOCK8 == 0);
}

static bool fits(const qn_instr *i, qn_window *w)
{
    const qn_window_params *p = i->params;
    const qn_tensor *dy = i->in[IN_DY], *x = i->in[IN_X];
    qn_conv_slot slot;
    return dy->rank == 4 && dy->dtype == QUERN_FLOAT && qn_conv_can_pack(i, IN_W) &&
           qn_tensor_count(dy) > 0 && qn_tensor_count(x) > 0 &&
           choose(i->in[IN_W], p->group, &slot) &&
           qn_window_fit(p, x, i->in[IN_W], w, NULL) == QUERN_OK &&
           w->stride[0] * w->stride[1] <= MAX_PHASES;
}

/* Zeros that a phase reads around dY. */
static int64_t halo_of(const qn_window *w, int d, const axis *a)
{
    if (a->n == 0 || a->taps == 0) return 0;
    const int64_t end =
        a->n - 1 + (a->taps - 1) * a->dilation - a->pad - (w->out[d] - 1);
    return a->pad > end ? a->pad : end;
}

bool qn_conv_grad_x_blocked(const qn_instr *i, qn_blocked *how)
{
    qn_window w;
    int64_t halo = 0;
    if (!fits(i, &w)) return false;
    for (int d = 0; d < 2; d++)
        for (int64_t first = 0; first < w.stride[d]; first++) {
            const axis a = axis_of(&w, d, first);
            const int64_t need = halo_of(&w, d, &a);
            halo = need > halo ? need : halo;
        }
    *how = (qn_blocked){.wants = true, .in = 1 << IN_DY, .halo = (int)halo};
    if (i->residual) how->in |= UINT32_C(1) << (i->n_in - 1);
    return halo <= MAX_HALO;
}

/* ---- prepare ---- */

/* Filters [oc][ic][kernel] of W, turned around: dY's channels come in. */
static void turn_filters(qn_conv_way *s, const qn_tensor *w, const axis a[2])
{
    const int64_t taps = w->dim[2] * w->dim[3], filter = w->dim[1] * taps;
    s->c.filters = (qn_filters8c){.group = w->dim[0] / s->c.groups * filter,
                                  .oc = taps,
                                  .ic = filter,
                                  .tap = {-a[0].step * w->dim[3], -a[1].step}};
    s->first = a[0].last * w->dim[3] + a[1].last;
}

/* The pixels of a phase; p: all of them. */
static qn_plane8c phase_of(qn_plane8c p, const int64_t stride[2], int64_t row,
                           int64_t col)
{
    if (p.data) p.data += row * p.row + col * QN_BLOCK8;
    p.row *= stride[0];
    p.h = (p.h - row + stride[0] - 1) / stride[0];
    p.w = (p.w - col + stride[1] - 1) / stride[1];
    return p;
}

static void set_planes(qn_conv8c *c, const qn_instr *i, const int64_t stride[2],
                       int64_t row, int64_t col)
{
    c->x = qn_tensor_plane(i->in[IN_DY]);
    c->y = phase_of(qn_tensor_plane(i->out[0]), stride, row, col);
    if (i->residual) c->add = phase_of(qn_tensor_plane(i->residual), stride, row, col);
}

static quern_status add_phase(qn_prep *p, state *s, const qn_window *w, const axis a[2],
                              quern_error *err)
{
    const qn_instr *i = p->instr;
    const qn_window_params *params = i->params;
    qn_conv_way *way = &s->way[s->n];
    s->row[s->n] = a[0].first;
    s->col[s->n] = a[1].first;
    s->n++;
    choose(i->in[IN_W], params->group, &way->slot);
    way->c = conv_of(w, params->group, a);
    way->c.act = i->act;
    set_planes(&way->c, i, w->stride, a[0].first, a[1].first);
    turn_filters(way, i->in[IN_W], a);
    way->images = i->in[IN_DY]->dim[0];
    const int64_t phase = a[0].first * w->stride[1] + a[1].first;
    return qn_conv_way_prepare(p, way, IN_W, (int)(1 + phase), err);
}

quern_status qn_conv_grad_x_blocked_prepare(qn_prep *p, quern_error *err)
{
    qn_window w;
    state *s;
    QN_TRY(qn_prep_state(p, sizeof *s, (void **)&s, err));
    if (!fits(p->instr, &w))
        return qn_fail(err, QUERN_INVALID, "blocked gradient of %s",
                       QN_SHAPE(p->instr->in[IN_X]));
    memcpy(s->stride, w.stride, sizeof s->stride);
    for (int64_t r = 0; r < w.stride[0]; r++)
        for (int64_t c = 0; c < w.stride[1]; c++) {
            const axis a[2] = {axis_of(&w, 0, r), axis_of(&w, 1, c)};
            if (a[0].n == 0 || a[1].n == 0) continue;
            if (a[0].taps && a[1].taps)
                QN_TRY(add_phase(p, s, &w, a, err));
            else
                s->has_gaps = true;
        }
    return QUERN_OK;
}

/* ---- run ---- */

typedef struct job {
    const state *s;
    const qn_kernels *k;
    const qn_act *act;
    qn_plane8c dx, add; /* add.data NULL: nothing is added */
    qn_conv8c c[MAX_PHASES];
    int64_t groups_of_channels, step; /* channels that a phase does before the next */
} job;

/* Rows [begin, end) of qn_row8c as they are without any tap. */
static void fill_rows(const job *j, int64_t begin, int64_t end)
{
    const int64_t n = j->dx.w * QN_BLOCK8;
    for (int64_t t = begin; t < end; t++) {
        float *row = qn_row8c(&j->dx, t);
        if (j->add.data)
            memcpy(row, qn_row8c(&j->add, t), (size_t)n * sizeof *row);
        else
            memset(row, 0, (size_t)n * sizeof *row);
        if (j->act->kind != QN_ACT_NONE)
            j->k->act_f32(j->act->kind, j->act->alpha, j->act->beta, row, n);
    }
}

/* Item: image.  Phases share its lines, so that one follows the other at once. */
static void run_images(void *ctx, int64_t begin, int64_t end, int worker)
{
    const job *j = ctx;
    const int64_t rows = qn_n_rows8c(&j->dx, 1), n = j->groups_of_channels;
    (void)worker;
    for (int64_t image = begin; image < end; image++) {
        if (j->s->has_gaps) fill_rows(j, image * rows, (image + 1) * rows);
        for (int64_t c = 0; c < n; c += j->step)
            for (int k = 0; k < j->s->n; k++)
                qn_conv_way_image(&j->s->way[k], &j->c[k], j->k, image, c,
                                  c + j->step < n ? c + j->step : n);
    }
}

static void fill_range(void *ctx, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    fill_rows(ctx, begin, end);
}

void qn_conv_grad_x_blocked_run(const qn_instr *i, const qn_exec *x)
{
    const state *s = i->state;
    const int64_t images = i->out[0]->dim[0];
    job j = {.s = s, .k = x->k, .act = &i->act, .dx = qn_tensor_plane(i->out[0])};
    if (i->residual) j.add = qn_tensor_plane(i->residual);
    for (int k = 0; k < s->n; k++) {
        j.c[k] = s->way[k].c;
        set_planes(&j.c[k], i, s->stride, s->row[k], s->col[k]);
    }
    if (s->n > 1 && images >= qn_pool_size(x->pool)) {
        j.groups_of_channels = s->way[0].groups_of_channels;
        j.step = s->way[0].slot == QN_CONV_DEPTH ? 1 : j.groups_of_channels;
        qn_parallel_for(x->pool, images, 1, run_images, &j);
        return;
    }
    if (s->has_gaps)
        qn_parallel_for(x->pool, qn_n_rows8c(&j.dx, images), qn_row8c_grain(&j.dx),
                        fill_range, &j);
    for (int k = 0; k < s->n; k++)
        qn_conv_way_run(&s->way[k], &j.c[k], i, x);
}
