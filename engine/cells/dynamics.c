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

/* Flows of the pixels that take part, side by side, with the last row and column once
 * more; and which pixels these are. */
static void gather(const qn_flow_field *f, float threshold, float *flow,
                   qn_endings *ends)
{
    const int64_t height = f->height, width = f->width;
    float *to = flow;
    ends->n = 0;
    for (int64_t y = 0; y < height; y++, to += 2) {
        for (int64_t x = 0; x < width; x++, to += 2) {
            const int64_t i = y * width + x;
            const bool takes_part = f->prob[i] > threshold;
            to[0] = takes_part ? step_of(f->dy[i]) : 0;
            to[1] = takes_part ? step_of(f->dx[i]) : 0;
            if (takes_part) ends->start[ends->n++] = (uint32_t)i;
        }
        memcpy(to, to - 2, 2 * sizeof *to);
    }
    const size_t row = 2 * ((size_t)width + 1);
    memcpy(to, to - row, row * sizeof *to);
}

typedef struct drift_job {
    qn_drift drift;
    qn_drift_f32_fn *run;
    uint32_t *pixel;
    int64_t *moves; /* per block: a sum that does not depend on threads */
} drift_job;

static void drift_block(void *ctx, int64_t begin, int64_t end, int worker)
{
    const drift_job *j = ctx;
    (void)worker;
    j->moves[begin / GRAIN] = j->run(&j->drift, end - begin, j->pixel + begin);
}

/* Which pixels take part and where they end. */
static quern_status drift(const qn_flow_field *f, const qn_dynamics_options *opt,
                          qn_pool *pool, qn_arena *arena, qn_endings *ends,
                          int64_t *moves, quern_error *err)
{
    const size_t pixels = (size_t)(f->height * f->width);
    const size_t cells = (size_t)(f->height + 1) * (size_t)(f->width + 1);
    qn_kernels kernels;
    qn_arena scratch;
    void *flow, *per_block = NULL;
    QN_TRY(qn_arena_raw(arena, pixels * sizeof(uint32_t), (void **)&ends->start, err));
    qn_arena_init(&scratch, arena->mem);
    quern_status status = qn_arena_raw(&scratch, 2 * cells * sizeof(float), &flow, err);
    if (status != QUERN_OK) goto out;
    gather(f, (float)opt->prob_threshold, flow, ends);
    status = qn_arena_raw(arena, ends->n * sizeof(uint32_t), (void **)&ends->end, err);
    if (status == QUERN_OK)
        status = qn_arena_array(&scratch, ends->n / GRAIN + 1, sizeof(int64_t),
                                &per_block, err);
    if (status != QUERN_OK) goto out;
    memcpy(ends->end, ends->start, ends->n * sizeof(uint32_t));
    qn_kernels_init(&kernels, qn_cpu_isa());
    drift_job j = {{0, f->height, f->width, flow, opt->steps},
                   kernels.drift_f32,
                   ends->end,
                   per_block};
    qn_parallel_for(pool, (int64_t)ends->n, GRAIN, drift_block, &j);
    *moves = 0;
    for (size_t b = 0; b <= ends->n / GRAIN; b++)
        *moves += j.moves[b];
out:
    qn_arena_done(&scratch);
    return status;
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

/* From endings to cells that passed the checks; labels have gaps. */
static quern_status find_cells(const qn_flow_field *f, const qn_dynamics_options *opt,
                               qn_pool *pool, qn_arena *scratch, qn_labels *labels,
                               qn_dynamics_tally *tally, quern_error *err)
{
    qn_endings ends;
    uint32_t seeds = 0;
    qn_arena own;
    qn_arena_init(&own, scratch->mem);
    quern_status status = drift(f, opt, pool, &own, &ends, &tally->moves, err);
    if (status == QUERN_OK) status = qn_seeds_labels(&ends, labels, &own, &seeds, err);
    tally->pixels = status == QUERN_OK ? (int64_t)ends.n : 0;
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
