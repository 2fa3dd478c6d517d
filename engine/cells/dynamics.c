/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/dynamics.c - see dynamics.h: pixels drift with the flow, then labels are
 * read off where they end (seeds.c), cells are checked and cleaned. */
#include "engine/cells/dynamics.h"

#include "engine/cells/seeds.h"
#include "kernels/kernels.h"

#include <math.h>
#include <string.h>

enum { GRAIN = 4096 }; /* pixels that are handed out together */

int64_t qn_dynamics_steps(double diameter)
{
    const double steps = 200 * (diameter / 30);
    return steps >= 1 ? steps < 1e9 ? (int64_t)steps : 1000000000 : 1;
}

/* ---- drift ----------------------------------------------------------------------- */

static float step_of(float scaled)
{
    return isfinite(scaled) ? scaled / QN_FLOW_SCALE : 0;
}

static bool takes_part(const qn_flow_field *f, const qn_dynamics_options *opt,
                       int64_t i)
{
    return f->prob[i] > (float)opt->prob_threshold;
}

/* Flows of the pixels that take part, side by side, with the last row and column once
 * more. */
static void gather(const qn_flow_field *f, const qn_dynamics_options *opt, float *flow)
{
    float *to = flow;
    for (int64_t y = 0; y < f->height; y++, to += 2) {
        for (int64_t x = 0; x < f->width; x++, to += 2) {
            const int64_t i = y * f->width + x;
            const bool is_in = takes_part(f, opt, i);
            to[0] = is_in ? step_of(f->dy[i]) : 0;
            to[1] = is_in ? step_of(f->dx[i]) : 0;
        }
        memcpy(to, to - 2, 2 * sizeof *to);
    }
    const size_t row = 2 * ((size_t)f->width + 1);
    memcpy(to, to - row, row * sizeof *to);
}

typedef struct drift_job {
    const qn_flow_field *field;
    const qn_dynamics_options *options;
    qn_drift drift;
    qn_drift_f32_fn *run;
    uint32_t *end;           /* [pixels]: where each ends, plus 1; 0: takes no part */
    int64_t *moves, *pixels; /* per block: sums that do not depend on threads */
} drift_job;

static void drift_block(void *ctx, int64_t begin, int64_t end, int worker)
{
    const drift_job *j = ctx;
    uint32_t start[GRAIN], pixel[GRAIN];
    int64_t n = 0;
    (void)worker;
    for (int64_t i = begin; i < end; i++)
        if (takes_part(j->field, j->options, i)) start[n++] = (uint32_t)i;
    memcpy(pixel, start, (size_t)n * sizeof *pixel);
    j->moves[begin / GRAIN] = j->run(&j->drift, n, pixel);
    j->pixels[begin / GRAIN] = n;
    for (int64_t k = 0; k < n; k++)
        j->end[start[k]] = pixel[k] + 1;
}

static quern_status drift(const qn_flow_field *f, const qn_dynamics_options *opt,
                          qn_pool *pool, qn_arena *arena, qn_labels *ends,
                          qn_dynamics_tally *tally, quern_error *err)
{
    const int64_t pixels = f->height * f->width;
    const size_t blocks = (size_t)pixels / GRAIN + 1;
    const size_t places = (size_t)(f->height + 1) * (size_t)(f->width + 1);
    qn_kernels kernels;
    void *flow, *moves, *counts;
    QN_TRY(qn_arena_raw(arena, 2 * places * sizeof(float), &flow, err));
    QN_TRY(qn_arena_array(arena, blocks, sizeof(int64_t), &moves, err));
    QN_TRY(qn_arena_array(arena, blocks, sizeof(int64_t), &counts, err));
    gather(f, opt, flow);
    qn_kernels_init(&kernels, qn_cpu_isa());
    drift_job j = {f,
                   opt,
                   {0, f->height, f->width, flow, opt->steps},
                   kernels.drift_f32,
                   ends->at,
                   moves,
                   counts};
    qn_parallel_for(pool, pixels, GRAIN, drift_block, &j);
    for (size_t b = 0; b < blocks; b++) {
        tally->moves += j.moves[b];
        tally->pixels += j.pixels[b];
    }
    return QUERN_OK;
}

/* ---- which cells stay ------------------------------------------------------------ */

/* The cells of at most that many pixels, renumbered. */
static quern_status drop_large(qn_labels *labels, uint32_t n, double most,
                               qn_arena *arena, qn_dynamics_tally *tally,
                               quern_error *err)
{
    qn_cells cells;
    void *keeps;
    QN_TRY(qn_labels_survey(labels, n, arena, &cells, err));
    QN_TRY(qn_arena_array(arena, (size_t)n + 1, sizeof(bool), &keeps, err));
    bool *keep = keeps;
    for (uint32_t label = 1; label <= n; label++) {
        keep[label] = (double)cells.area[label] <= most;
        tally->found += cells.area[label] > 0;
        tally->large += !keep[label];
    }
    if (tally->large) qn_labels_keep(labels, keep);
    return qn_labels_renumber(labels, arena, &tally->n, err);
}

static quern_status drop_bad(qn_labels *labels, const qn_flow_field *field,
                             double threshold, qn_pool *pool, qn_arena *arena,
                             qn_dynamics_tally *tally, quern_error *err)
{
    const uint32_t n = tally->n;
    void *errors, *keeps;
    QN_TRY(qn_arena_array(arena, (size_t)n + 1, sizeof(double), &errors, err));
    QN_TRY(qn_arena_array(arena, (size_t)n + 1, sizeof(bool), &keeps, err));
    double *error = errors;
    bool *keep = keeps;
    QN_TRY(qn_labels_flow_error(labels, n, field, pool, arena, error, err));
    for (uint32_t label = 1; label <= n; label++) {
        keep[label] = error[label] <= threshold;
        tally->bad += !keep[label];
    }
    if (tally->bad) qn_labels_keep(labels, keep);
    return QUERN_OK;
}

/* ---- all of it ------------------------------------------------------------------- */

static quern_status check(const qn_flow_field *f, const qn_dynamics_options *opt,
                          quern_error *err)
{
    if (f->height < 1 || f->width < 1 || f->height > QN_LABELS_SIDE ||
        f->width > QN_LABELS_SIDE || f->height * f->width >= (int64_t)UINT32_MAX)
        return qn_fail(err, QUERN_LIMIT, "a field of flow of %lld x %lld pixels",
                       (long long)f->width, (long long)f->height);
    if (opt->steps < 1)
        return qn_fail(err, QUERN_INVALID, "%lld steps of the dynamics; at least 1",
                       (long long)opt->steps);
    return QUERN_OK;
}

/* Cells that passed the checks; labels have gaps. */
static quern_status find_cells(const qn_flow_field *f, const qn_dynamics_options *opt,
                               qn_pool *pool, qn_arena *scratch, qn_labels *labels,
                               qn_dynamics_tally *tally, quern_error *err)
{
    uint32_t seeds = 0;
    qn_arena own; /* large, and given back before the next large thing is made */
    qn_arena_init(&own, scratch->mem);
    quern_status status = drift(f, opt, pool, &own, labels, tally, err);
    qn_arena_done(&own);
    qn_arena_init(&own, scratch->mem);
    if (status == QUERN_OK) status = qn_seeds_labels(labels, &own, &seeds, err);
    qn_arena_done(&own);
    QN_TRY(status);
    QN_TRY(drop_large(labels, seeds, opt->max_fraction * (double)(f->height * f->width),
                      scratch, tally, err));
    if (opt->flow_threshold > 0 && tally->n > 0)
        QN_TRY(drop_bad(labels, f, opt->flow_threshold, pool, scratch, tally, err));
    return QUERN_OK;
}

static quern_status run(const qn_flow_field *f, const qn_dynamics_options *opt,
                        qn_pool *pool, qn_arena *arena, qn_arena *scratch,
                        qn_labels *out, qn_dynamics_tally *tally, quern_error *err)
{
    const bool resize = opt->height > 0 && opt->width > 0 &&
                        (opt->height != f->height || opt->width != f->width);
    qn_labels labels;
    QN_TRY(qn_labels_init(resize ? scratch : arena, f->height, f->width, &labels, err));
    QN_TRY(find_cells(f, opt, pool, scratch, &labels, tally, err));
    *out = labels;
    if (resize)
        QN_TRY(qn_labels_resize(&labels, opt->height, opt->width, arena, out, err));
    const uint32_t left = tally->n - tally->bad;
    QN_TRY(qn_labels_clean(out, opt->min_size, scratch, &tally->n, err));
    tally->small = left - tally->n;
    return QUERN_OK;
}

quern_status qn_dynamics_labels(const qn_flow_field *field,
                                const qn_dynamics_options *options, qn_pool *pool,
                                qn_arena *arena, qn_labels *out,
                                qn_dynamics_tally *tally, quern_error *err)
{
    qn_dynamics_tally own = {.n = 0};
    qn_arena scratch;
    QN_TRY(check(field, options, err));
    qn_arena_init(&scratch, arena->mem);
    const quern_status status =
        run(field, options, pool, arena, &scratch, out, &own, err);
    qn_arena_done(&scratch);
    if (tally) *tally = own;
    return status;
}
