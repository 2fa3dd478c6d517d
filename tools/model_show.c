/* SPDX-License-Identifier: Apache-2.0 */
/* tools/model_show.c - how model_figures.h are told. */
#include "bench/walk.h"
#include "tools/model_figures.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Flops of the step that the label names; 0 when the plan has none such. */
static double flops_of(const qn_model_figures *f, int at, const char *node)
{
    qn_walk_step step;
    if (qn_walk_at(f->m.session, at, &step) && !strcmp(step.label, node))
        return step.flops;
    for (int i = 0; qn_walk_at(f->m.session, i, &step); i++)
        if (!strcmp(step.label, node)) return step.flops;
    return 0;
}

static double total_seconds(const qn_trace *t)
{
    double total = 0;
    for (int i = 0; i < t->n_steps; i++)
        total += qn_trace_mean(&t->steps[i]);
    return total;
}

static void json_ops(const qn_model_figures *f, qn_json *j)
{
    const double total = total_seconds(&f->trace);
    qn_json_array(j, "ops");
    for (int i = 0; i < f->trace.n_steps; i++) {
        const qn_trace_step *s = &f->trace.steps[i];
        const double mean = qn_trace_mean(s), flops = flops_of(f, i, s->node);
        qn_json_object(j, NULL);
        qn_json_text(j, "node", s->node);
        qn_json_text(j, "op", s->op);
        qn_json_int(j, "n", s->n);
        qn_json_real(j, "ms", 1e3 * mean);
        qn_json_real(j, "sd_ms", 1e3 * qn_trace_deviation(s));
        qn_json_real(j, "share", total > 0 ? mean / total : 0);
        qn_json_real(j, "gflops",
                     flops > 0 && mean > 0 ? 1e-9 * flops / mean : (double)NAN);
        qn_json_close(j);
    }
    qn_json_close(j);
}

/* ---- JSON ------------------------------------------------------------------------ */

static void json_comparison(qn_json *j, const qn_comparison *c)
{
    qn_json_real(j, "ratio", c->b.median);
    qn_json_real(j, "ci_lo", c->b.lo);
    qn_json_real(j, "ci_hi", c->b.hi);
    qn_json_real(j, "p", c->b.p);
    qn_json_real(j, "ratio_all", c->all.median);
    qn_json_text(j, "verdict", qn_judgement_name(c->verdict));
    qn_json_int(j, "rounds", c->rounds);
    qn_json_int(j, "dropped", c->dropped);
    qn_json_int(j, "starved", c->starved);
    qn_json_real(j, "control_ratio", c->control.median);
}

/* ratio: the other's time over quern's. */
static void json_ort(const qn_model_figures *f, qn_json *j)
{
    const qn_ort_column *c = &f->ort;
    if (!f->wants_ort) return;
    qn_json_object(j, "ort");
    if (c->is_there) {
        qn_json_text(j, "version", c->version);
        qn_json_text(j, "clock", qn_turn_clock_names[c->clock]);
        json_comparison(j, &c->turns.by[c->clock]);
        qn_json_real(j, "ratio_wall", c->turns.by[QN_BY_WALL].b.median);
        qn_json_real(j, "ratio_cpu", c->turns.by[QN_BY_CPU].b.median);
        qn_json_real(j, "median_ms", 1e3 * c->turns.median[1][c->clock]);
        qn_json_real(j, "quern_ms", 1e3 * c->turns.median[0][c->clock]);
        qn_json_real(j, "max_abs", c->max_abs);
        qn_json_real(j, "max_rel", c->max_rel);
        qn_json_real(j, "base_rss_bytes", c->base_bytes);
        qn_json_real(j, "peak_rss_bytes", c->peak_bytes);
        qn_json_real(j, "model_rss_bytes", c->peak_bytes - c->base_bytes);
    } else {
        qn_json_text(j, "skipped", c->why);
    }
    qn_json_close(j);
}

static void json_scaling(const qn_model_figures *f, qn_json *j)
{
    if (f->n_scalings == 0) return;
    qn_json_array(j, "scaling");
    for (int i = 0; i < f->n_scalings; i++) {
        qn_json_object(j, NULL);
        qn_json_int(j, "threads", f->scaling[i].threads);
        json_comparison(j, &f->scaling[i].turns.by[QN_BY_WALL]);
        qn_json_close(j);
    }
    qn_json_close(j);
}

static double gflops(const qn_model_figures *f)
{
    return 2e-9 * f->session.macs * f->runs_in_sample / f->stats.median;
}

quern_status qn_model_figures_json(const qn_model_figures *f, quern_error *err)
{
    qn_buf out;
    qn_json j;
    const qn_stats *s = &f->stats;
    qn_buf_init(&out, (qn_mem *)&f->m.mem);
    qn_json_begin(&j, &out);
    qn_json_text(&j, "model", f->m.path);
    qn_json_text(&j, "scenario", qn_arg_text(f->args, "scenario"));
    qn_json_int(&j, "threads", f->session.threads);
    qn_json_int(&j, "batch", f->m.batch);
    qn_json_real(&j, "load_ms", f->m.load_ms);
    qn_json_real(&j, "first_ms", f->first_ms);
    qn_json_int(&j, "n", s->n);
    qn_json_real(&j, "min_ms", 1e3 * s->min);
    qn_json_real(&j, "median_ms", 1e3 * s->median);
    qn_json_real(&j, "p90_ms", 1e3 * s->p90);
    qn_json_real(&j, "p95_ms", 1e3 * s->p95);
    qn_json_real(&j, "p99_ms", 1e3 * s->p99);
    qn_json_real(&j, "p99_hi_ms", f->p99_hi > 0 ? 1e3 * f->p99_hi : (double)NAN);
    qn_json_real(&j, "ci_lo_ms", 1e3 * s->lo);
    qn_json_real(&j, "ci_hi_ms", 1e3 * s->hi);
    qn_json_real(&j, "mad_ms", 1e3 * s->mad);
    qn_json_real(&j, "peak_rss_bytes", f->peak_rss);
    qn_json_real(&j, "gflops", gflops(f));
    qn_json_int(&j, "run_allocs", (int64_t)f->session.run_allocs);
    qn_json_int(&j, "reorders", f->session.reorders);
    qn_json_text(&j, "isa", f->session.isa);
    if (f->runs_in_sample > 1) qn_json_int(&j, "runs_in_query", f->runs_in_sample);
    if (f->rate > 0) {
        qn_json_real(&j, "queries_per_s", f->rate);
        qn_json_real(&j, "peak_queries_per_s",
                     f->peak_rate > 0 ? f->peak_rate : (double)NAN);
    }
    if (f->streams.n_streams) {
        qn_json_int(&j, "streams", f->streams.n_streams);
        qn_json_real(&j, "items_per_s",
                     (double)(f->streams.n_runs * f->m.batch) / f->streams.seconds);
    }
    json_ort(f, &j);
    json_scaling(f, &j);
    json_ops(f, &j);
    if (qn_arg_flag(f->args, "samples")) {
        qn_json_array(&j, "samples_ms");
        for (int i = 0; i < f->n; i++)
            qn_json_real(&j, NULL, 1e3 * f->samples[i]);
        qn_json_close(&j);
    }
    qn_json_end(&j);
    const quern_status status = qn_buf_status(&out, err);
    if (status == QUERN_OK) qn_out_flush(&out);
    qn_buf_done(&out);
    return status;
}

/* ---- text ------------------------------------------------------------------------ */

static int slower(const void *a, const void *b)
{
    const qn_trace_step *const *x = a, *const *y = b;
    const double p = qn_trace_mean(*x), q = qn_trace_mean(*y);
    return (p < q) - (p > q);
}

static quern_status show_steps(const qn_model_figures *f, quern_error *err)
{
    static const char *const heads[] = {"step", "ms", "sd", "share", "GFLOP/s"};
    const qn_trace *t = &f->trace;
    const double total = total_seconds(t);
    const int64_t top = qn_arg_int(f->args, "top");
    void *at;
    QN_TRY(qn_arena_array(t->arena, (size_t)t->n_steps + 1, sizeof(void *), &at, err));
    const qn_trace_step **order = at;
    for (int i = 0; i < t->n_steps; i++)
        order[i] = &t->steps[i];
    qsort(order, (size_t)t->n_steps, sizeof *order, slower);
    qn_table table;
    qn_table_begin(&table, (qn_mem *)&f->m.mem, "lrrrr");
    for (int i = 0; i < 5; i++)
        qn_table_cell(&table, "%s", heads[i]);
    for (int i = 0; i < t->n_steps && i < top; i++) {
        const double mean = qn_trace_mean(order[i]);
        const double flops = flops_of(f, (int)(order[i] - t->steps), order[i]->node);
        qn_table_cell(&table, "%s", order[i]->node);
        qn_table_cell(&table, "%.3f", 1e3 * mean);
        qn_table_cell(&table, "%.3f", 1e3 * qn_trace_deviation(order[i]));
        qn_table_cell(&table, "%.1f%%", total > 0 ? 100 * mean / total : 0);
        if (flops > 0)
            qn_table_cell(&table, "%.1f", 1e-9 * flops / mean);
        else
            qn_table_cell(&table, "-");
    }
    return qn_table_print(&table, stdout, err);
}

static void show_rounds(const qn_comparison *c)
{
    printf(" [%.3f, %.3f], %d rounds, %d dropped", c->b.lo, c->b.hi, c->rounds,
           c->dropped);
    if (c->starved) printf(" (%d for want of cores)", c->starved);
    if (c->dropped == c->rounds) printf(" (of all rounds: %.3f)", c->all.median);
}

static void show_ort(const qn_model_figures *f)
{
    const qn_ort_column *c = &f->ort;
    if (!f->wants_ort) return;
    if (!c->is_there) {
        printf("ONNX Runtime: skipped: %s\n", QN_CLEAN(c->why));
        return;
    }
    const qn_turn_clock k = c->clock;
    printf("ONNX Runtime %s: %.3f ms, ratio to quern's %.3f ms %.3f",
           QN_CLEAN(c->version), 1e3 * c->turns.median[1][k],
           1e3 * c->turns.median[0][k], c->turns.by[k].b.median);
    show_rounds(&c->turns.by[k]);
    printf(", %s time\n", k == QN_BY_CPU ? "processor" : "wall");
    printf(
        "outputs differ by at most %.3g, %.3g of the largest; its memory %s over the "
        "%s of its process\n",
        c->max_abs, c->max_rel, QN_BYTES(c->peak_bytes - c->base_bytes),
        QN_BYTES(c->base_bytes));
}

static void show_scaling(const qn_model_figures *f)
{
    for (int i = 0; i < f->n_scalings; i++) {
        const qn_comparison *c = &f->scaling[i].turns.by[QN_BY_WALL];
        printf("%d threads: %.3f times as fast as %d", f->scaling[i].threads,
               c->b.median, f->session.threads);
        show_rounds(c);
        printf("\n");
    }
}

static void show_scenario(const qn_model_figures *f)
{
    if (f->runs_in_sample > 1) printf("of queries of %d runs\n", f->runs_in_sample);
    if (f->rate > 0)
        printf("of requests from when they were due, %.1f a second%s\n", f->rate,
               f->peak_rate > 0 ? ", the most within the bound" : "");
    if (f->p99_hi > 0)
        printf("p99 is below %.3f ms with 95 %% confidence\n", 1e3 * f->p99_hi);
}

quern_status qn_model_figures_text(const qn_model_figures *f, quern_error *err)
{
    const qn_stats *s = &f->stats;
    printf("%s: batch %lld, %d thread%s, %s\n", QN_CLEAN(f->m.path),
           (long long)f->m.batch, f->session.threads,
           f->session.threads == 1 ? "" : "s", f->session.isa);
    printf("median %.3f ms [%.3f, %.3f], min %.3f, p95 %.3f, p99 %.3f, %d runs, "
           "%.1f GFLOP/s\n",
           1e3 * s->median, 1e3 * s->lo, 1e3 * s->hi, 1e3 * s->min, 1e3 * s->p95,
           1e3 * s->p99, s->n, gflops(f));
    show_scenario(f);
    printf("load %.1f ms, first run %.1f ms, %llu allocations in a run", f->m.load_ms,
           f->first_ms, (unsigned long long)f->session.run_allocs);
    if (f->peak_rss > 0) printf(", peak memory %s", QN_BYTES(f->peak_rss));
    printf("\n");
    if (f->streams.n_streams)
        printf("throughput %.1f items/s in %d streams\n",
               (double)(f->streams.n_runs * f->m.batch) / f->streams.seconds,
               f->streams.n_streams);
    show_ort(f);
    show_scaling(f);
    return f->trace.n_steps ? show_steps(f, err) : QUERN_OK;
}

/* ---- a row for each of many ------------------------------------------------------ */

enum { ROW_COLUMNS = 12, ORT_COLUMNS = 6 };
const char qn_model_row_align[] = "lrrrrrrrrrrr";

void qn_model_row_heads(qn_table *table)
{
    static const char *const heads[ROW_COLUMNS] = {
        "model",      "threads", "median ms", "95 % interval", "p95",     "peak memory",
        "ORT memory", "ORT ms",  "ratio",     "95 % interval", "dropped", "error"};
    for (int i = 0; i < ROW_COLUMNS; i++)
        qn_table_cell(table, "%s", heads[i]);
}

/* Without a round that counts, the ratio of all stands in brackets. */
static void row_of_ort(const qn_ort_column *c, qn_table *table)
{
    const qn_comparison *r = &c->turns.by[c->clock];
    if (!c->is_there) {
        for (int i = 0; i < ORT_COLUMNS; i++)
            qn_table_cell(table, "-");
        return;
    }
    qn_table_cell(table, "%s", QN_BYTES(c->peak_bytes - c->base_bytes));
    qn_table_cell(table, "%.3f", 1e3 * c->turns.median[1][c->clock]);
    if (r->dropped < r->rounds)
        qn_table_cell(table, "%.3f", r->b.median);
    else
        qn_table_cell(table, "(%.3f)", r->all.median);
    qn_table_cell(table, "[%.3f, %.3f]", r->b.lo, r->b.hi);
    qn_table_cell(table, "%d of %d", r->dropped, r->rounds);
    qn_table_cell(table, "%.2g", c->max_rel);
}

void qn_model_row(const qn_model_figures *f, qn_table *table)
{
    const qn_stats *s = &f->stats;
    const char *slash = strrchr(f->m.path, '/');
    qn_table_cell(table, "%s", QN_CLEAN(slash ? slash + 1 : f->m.path));
    qn_table_cell(table, "%d", f->session.threads);
    qn_table_cell(table, "%.3f", 1e3 * s->median);
    qn_table_cell(table, "[%.3f, %.3f]", 1e3 * s->lo, 1e3 * s->hi);
    qn_table_cell(table, "%.3f", 1e3 * s->p95);
    qn_table_cell(table, "%s", f->peak_rss > 0 ? QN_BYTES(f->peak_rss) : "-");
    row_of_ort(&f->ort, table);
}
