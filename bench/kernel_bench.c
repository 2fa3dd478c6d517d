/* SPDX-License-Identifier: Apache-2.0 */
/* bench/kernel_bench.c - see kernel_bench.h. */
#include "bench/kernel_bench.h"

#include "engine/blas.h"

#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

const char *const qn_cache_names[QN_CACHE_STATES] = {"hot", "network", "cold"};

enum { MIN_SAMPLES = 11, VERIFY_SECONDS = 120 };

void qn_kernel_bench_init(qn_kernel_bench *b, unsigned isa)
{
    *b = (qn_kernel_bench){.isa = isa,
                           .states = 1u << QN_CACHE_HOT,
                           .seconds = 0.3,
                           .max_samples = 1000,
                           .clock = qn_clock_make()};
    qn_kernels_init(&b->k, isa);
    b->blas = b->k;
    b->has_blas = qn_blas_open(&b->blas);
}

/* ---- implementations ------------------------------------------------------------- */

static void add_impl(const qn_kernel_bench *b, qn_impl *list, int *n,
                     const qn_adapter *a, const qn_kernels *k, const char *name,
                     void (*fn)(void))
{
    qn_impl *i = &list[*n];
    if (*n == QN_IMPLS) return;
    if (!strncmp(name, "qn_", 3)) name += 3;
    snprintf(i->name, sizeof i->name, "%s%s%s", name, *name && a->variant ? "/" : "",
             a->variant ? a->variant : "");
    if (b->impl && fnmatch(b->impl, i->name, 0) != 0) return;
    i->suspect = (qn_suspect){a, k, fn};
    ++*n;
}

static void add_rows(const qn_kernel_bench *b, qn_impl *list, int *n,
                     const qn_adapter *a, const qn_kernel_row *rows, int n_rows)
{
    for (int i = 0; i < n_rows; i++)
        if (!strcmp(rows[i].slot, a->slot) && (rows[i].need & b->isa) == rows[i].need)
            add_impl(b, list, n, a, &b->k, rows[i].name, rows[i].fn);
}

int qn_impls_of(const qn_kernel_bench *b, const qn_problem *p, qn_impl *list)
{
    int n = 0, n_rows;
    const qn_kernel_row *rows = qn_kernel_rows(&n_rows);
    for (int i = 0; qn_adapters[i]; i++) {
        const qn_adapter *a = qn_adapters[i];
        if (strcmp(a->kind, p->kind->name) || (a->refuse && a->refuse(p))) continue;
        if (!a->slot) {
            add_impl(b, list, &n, a, &b->k, "", NULL);
            continue;
        }
        add_rows(b, list, &n, a, rows, n_rows);
        add_rows(b, list, &n, a, b->extra, b->n_extra);
        if (b->has_blas && !strcmp(a->slot, "gemm_f32"))
            add_impl(b, list, &n, a, &b->blas, "gemm_f32_openblas",
                     (void (*)(void))b->blas.gemm_f32);
        if (b->has_blas && !strcmp(a->slot, "gemm_f64"))
            add_impl(b, list, &n, a, &b->blas, "gemm_f64_openblas",
                     (void (*)(void))b->blas.gemm_f64);
    }
    return n;
}

/* ---- cache states ---------------------------------------------------------------- */

/* Two second-level caches and a bit: enough to push everything else out of them. */
enum { EVICT_BYTES = 3 << 20 };

typedef struct timed {
    qn_bench_case c;
    char *evict; /* NULL: not in that state */
    bool must_flush;
} timed;

static void run_case(void *ctx)
{
    timed *t = ctx;
    t->c.adapter->run(&t->c);
}

/* Brings the operands to where the state wants them. */
static void cool(void *ctx)
{
    const timed *t = ctx;
    unsigned sum = 0;
    for (int i = 0; t->must_flush && i < t->c.n_buffers; i++)
        qn_cache_flush(t->c.buffer[i].p, t->c.buffer[i].bytes);
    for (size_t i = 0; t->evict && i < EVICT_BYTES; i += 64)
        sum += (unsigned)t->evict[i]++;
    __asm__ volatile("" ::"r"(sum) : "memory");
}

/* ---- timing ---------------------------------------------------------------------- */

typedef struct round_state {
    qn_kernel_bench *b;
    timed *cases;
    bool *is_on; /* verified, so worth timing */
    int n;
    qn_work work[QN_IMPLS];
    int64_t calls[QN_IMPLS];
    double *samples[QN_IMPLS];
    double counted[QN_IMPLS][QN_COUNTERS];
    int n_samples;
} round_state;

static void count(round_state *s, int i)
{
    double v[QN_COUNTERS];
    for (int k = 0; k < QN_COUNTERS; k++)
        s->counted[i][k] = -1;
    if (!s->b->counters) return;
    qn_counters_start(s->b->counters);
    qn_clock_sample(&s->b->clock, &s->work[i], s->calls[i]);
    qn_counters_stop(s->b->counters, v);
    for (int k = 0; k < QN_COUNTERS; k++)
        s->counted[i][k] = v[k] < 0 ? -1 : v[k] / (double)s->calls[i];
}

/* One sample of each in turn, beginning with another one each round, so that slow
 * moments of the machine fall on all alike. */
static void time_rounds(round_state *s)
{
    const qn_clock *clock = &s->b->clock;
    int n_on = 0;
    for (int i = 0; i < s->n; i++) {
        if (!s->is_on[i]) continue;
        n_on++;
        s->calls[i] = qn_clock_calls(clock, &s->work[i]);
        qn_clock_warm(clock, &s->work[i], s->calls[i], 0.1 * s->b->seconds,
                      0.3 * s->b->seconds);
        count(s, i);
    }
    const double start = clock->now(clock->ctx);
    while (s->n_samples < s->b->max_samples) {
        const double spent = clock->now(clock->ctx) - start;
        if (s->n_samples >= MIN_SAMPLES && spent > s->b->seconds * n_on) break;
        if (spent > 10 * s->b->seconds * n_on + 5 && s->n_samples >= 3) break;
        for (int k = 0; k < s->n; k++) {
            const int i = (k + s->n_samples) % s->n;
            if (s->is_on[i])
                s->samples[i][s->n_samples] =
                    qn_clock_sample(clock, &s->work[i], s->calls[i]);
        }
        s->n_samples++;
    }
}

/* ---- results --------------------------------------------------------------------- */

static quern_status add_result(qn_kernel_results *out, const qn_kernel_result *r,
                               quern_error *err)
{
    if (out->n == out->room) {
        void *more;
        const int room = out->room ? 2 * out->room : 32;
        QN_TRY(qn_arena_array(out->arena, (size_t)room, sizeof *r, &more, err));
        if (out->n) memcpy(more, out->r, (size_t)out->n * sizeof *r);
        out->r = more;
        out->room = room;
    }
    out->r[out->n++] = *r;
    return QUERN_OK;
}

/* What the machine allows: the slower of arithmetic and of the memory that feeds it. */
static void set_roof(const qn_peaks *p, qn_kernel_result *r, double footprint)
{
    r->roof_pct = -1;
    if (!p) return;
    double bandwidth = qn_peaks_bandwidth(p, footprint);
    if (r->cache == QN_CACHE_NETWORK && bandwidth > p->level_bps[2])
        bandwidth = p->level_bps[2];
    if (r->cache == QN_CACHE_COLD) bandwidth = p->level_bps[3];
    const double least = qn_peaks_least_seconds(p, r->flops, r->bytes, bandwidth);
    r->roof_pct = 100 * least / r->seconds.median;
    r->roof = "fma";
    if (r->flops / p->flops >= least) return;
    r->roof = p->level[3];
    for (int i = 3; i >= 0; i--)
        if (bandwidth >= 0.99 * p->level_bps[i]) r->roof = p->level[i];
}

static quern_status keep(round_state *s, int i, qn_cache_state state,
                         const qn_impl *impl, qn_check_result check,
                         qn_kernel_results *out, quern_error *err)
{
    const qn_truth *t = s->cases[i].c.truth;
    qn_kernel_result r = {.problem = t->p,
                          .cache = state,
                          .check = check,
                          .flops = t->flops,
                          .bytes = t->bytes,
                          .roof_pct = -1};
    void *samples, *room;
    memcpy(r.impl, impl->name, sizeof r.impl);
    qn_problem_text(r.text, t->p, false);
    for (int k = 0; k < QN_COUNTERS; k++)
        r.counters[k] = s->is_on[i] ? s->counted[i][k] : -1;
    if (!s->is_on[i]) return add_result(out, &r, err);
    const size_t n = (size_t)s->n_samples;
    QN_TRY(qn_arena_array(out->arena, n, sizeof(double), &samples, err));
    QN_TRY(qn_arena_array(s->cases[i].c.arena, n, sizeof(double), &room, err));
    memcpy(samples, s->samples[i], n * sizeof(double));
    r.samples = samples;
    r.is_timed = true;
    r.seconds = qn_stats_of(samples, s->n_samples, room);
    r.gflops = 1e-9 * r.flops / r.seconds.median;
    r.gbps = 1e-9 * r.bytes / r.seconds.median;
    double footprint = 0;
    for (int k = 0; k < s->cases[i].c.n_buffers; k++)
        footprint += (double)s->cases[i].c.buffer[k].bytes;
    set_roof(s->b->peaks, &r, footprint);
    return add_result(out, &r, err);
}

static void mark_best(qn_kernel_results *out, int from)
{
    int best = -1;
    for (int i = from; i < out->n; i++) {
        const qn_kernel_result *r = &out->r[i];
        if (r->is_timed && r->check.status != QN_CHECK_WRONG &&
            (best < 0 || r->seconds.median < out->r[best].seconds.median))
            best = i;
    }
    if (best >= 0) out->r[best].is_best = true;
}

/* ---- one problem ----------------------------------------------------------------- */

static quern_status time_state(round_state *s, const qn_impl *impls,
                               qn_check_result *checks, qn_cache_state state,
                               qn_arena *arena, qn_kernel_results *out,
                               quern_error *err)
{
    const int from = out->n;
    void *evict = NULL;
    s->n_samples = 0;
    if (state == QN_CACHE_NETWORK)
        QN_TRY(qn_arena_alloc(arena, EVICT_BYTES, &evict, err));
    for (int i = 0; i < s->n; i++) {
        s->cases[i].evict = evict;
        s->cases[i].must_flush = state == QN_CACHE_COLD;
        s->work[i] = (qn_work){.run = run_case,
                               .before = state == QN_CACHE_HOT ? NULL : cool,
                               .ctx = &s->cases[i]};
    }
    time_rounds(s);
    for (int i = 0; i < s->n; i++) {
        if (s->is_on[i] && !s->b->skip_check) {
            const qn_check_result after = qn_verify_output(&s->cases[i].c);
            if (after.status != QN_CHECK_OK) checks[i] = after;
        }
        QN_TRY(keep(s, i, state, &impls[i], checks[i], out, err));
    }
    mark_best(out, from);
    return QUERN_OK;
}

static quern_status run_problem(qn_kernel_bench *b, const qn_problem *p,
                                qn_arena *arena, qn_kernel_results *out,
                                quern_error *err)
{
    qn_impl impls[QN_IMPLS];
    qn_check_result checks[QN_IMPLS];
    bool is_on[QN_IMPLS];
    qn_truth truth[2];
    void *at;
    const int n = qn_impls_of(b, p, impls);
    round_state s = {.b = b, .is_on = is_on, .n = n};
    for (int d = 0; d < 2; d++)
        QN_TRY(qn_truth_make(&truth[d], p, (qn_truth_data)d, arena, err));
    QN_TRY(qn_arena_array(arena, (size_t)n + 1, sizeof(timed), &at, err));
    s.cases = at;
    quern_status status = QUERN_OK;
    for (int i = 0; i < n && status == QUERN_OK; i++) {
        checks[i] = (qn_check_result){QN_CHECK_SKIPPED, 0, ""};
        if (!b->skip_check)
            checks[i] = qn_verify(&impls[i].suspect, truth, 2, VERIFY_SECONDS);
        is_on[i] = checks[i].status == QN_CHECK_OK || b->skip_check;
        s.cases[i].c = (qn_bench_case){.adapter = impls[i].suspect.adapter,
                                       .truth = &truth[QN_DATA_REALS],
                                       .k = impls[i].suspect.k,
                                       .fn = impls[i].suspect.fn,
                                       .arena = arena,
                                       .use = QN_USE_TIME};
        if (!is_on[i]) continue;
        status = qn_bench_open(&s.cases[i].c, err);
        if (status == QUERN_OK)
            status =
                qn_arena_array(arena, (size_t)b->max_samples, sizeof(double), &at, err);
        s.samples[i] = at;
    }
    for (int k = 0; k < QN_CACHE_STATES && status == QUERN_OK; k++)
        if (b->states >> k & 1)
            status = time_state(&s, impls, checks, (qn_cache_state)k, arena, out, err);
    for (int i = 0; i < n; i++)
        qn_bench_close(&s.cases[i].c);
    return status;
}

quern_status qn_kernel_bench_run(qn_kernel_bench *b, const qn_problem *p,
                                 qn_kernel_results *out, quern_error *err)
{
    qn_mem mem;
    qn_arena arena;
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    const quern_status status = run_problem(b, p, &arena, out, err);
    qn_arena_done(&arena);
    return status;
}
