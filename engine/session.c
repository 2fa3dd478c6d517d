/* SPDX-License-Identifier: Apache-2.0 */
/* engine/session.c - the public face of running: create, bind, run, read. */
#include "engine/session.h"

#include "engine/blas.h"
#include "engine/os.h"

#include <stdio.h>
#include <string.h>

/* ---- create and free ---- */

static void take_options(quern_session *s, const quern_session_options *opt)
{
    if (!opt) return;
    size_t n = opt->size && opt->size < sizeof *opt ? opt->size : sizeof *opt;
    memcpy(&s->opt, opt, n);
}

static quern_status choose_kernels(quern_session *s, quern_error *err)
{
    unsigned isa = qn_cpu_isa();
    const char *want = s->opt.isa;
    if (want && !qn_isa_named(want, &isa))
        return qn_fail(err, QUERN_UNSUPPORTED,
                       "instruction set '%.20s' is not on this machine, '%s' is", want,
                       quern_cpu_isa());
    qn_kernels_init(&s->k, isa);
    const char *gemm = s->opt.gemm;
    if (gemm && strcmp(gemm, "own") != 0 && strcmp(gemm, "openblas") != 0)
        return qn_fail(err, QUERN_INVALID, "gemm '%.20s' is neither own nor openblas",
                       gemm);
    s->gemm = "own";
    if (gemm ? strcmp(gemm, "own") == 0 : want || isa != QN_ISA_REF) return QUERN_OK;
    if (qn_blas_open(&s->k))
        s->gemm = "openblas";
    else if (gemm)
        return qn_fail(err, QUERN_UNSUPPORTED, "OpenBLAS cannot be opened");
    return QUERN_OK;
}

/* Blocked kernels pay where they are vector code. */
static quern_status choose_layout(quern_session *s, quern_error *err)
{
    const char *want = s->opt.layout;
    if (!want)
        s->plain = s->k.isa == QN_ISA_REF;
    else if (strcmp(want, "plain") == 0 || strcmp(want, "blocked") == 0)
        s->plain = want[0] == 'p';
    else
        return qn_fail(err, QUERN_INVALID,
                       "layout '%.20s' is neither plain nor blocked", want);
    return QUERN_OK;
}

/* Without it sessions are slower, not wrong. */
static void take_tuning(quern_session *s)
{
    quern_error why;
    char text[sizeof why.text + 32];
    if (!s->opt.tuning ||
        qn_tuning_parse(&s->tuning, s->opt.tuning, strlen(s->opt.tuning),
                        qn_isa_name(s->k.isa), &s->mem, &why) == QUERN_OK ||
        !s->opt.log)
        return;
    snprintf(text, sizeof text, "tuning is not used: %s", why.text);
    s->opt.log(s->opt.log_ctx, text);
}

static quern_status make_pool(quern_session *s, quern_error *err)
{
    if (s->opt.pool) {
        s->pool = s->opt.pool;
        return QUERN_OK;
    }
    if (s->opt.n_threads == 1) return QUERN_OK;
    QN_TRY(quern_pool_create(s->opt.n_threads, &s->pool, err));
    s->owns_pool = true;
    return QUERN_OK;
}

static quern_status fill(quern_session *s, quern_error *err)
{
    size_t n = (size_t)s->model->graph->n_inputs;
    void *p, *q;
    QN_TRY(qn_mem_alloc(&s->mem, n * sizeof(qn_tensor), &p, err));
    s->inputs = p;
    memset(p, 0, n * sizeof(qn_tensor));
    QN_TRY(qn_mem_alloc(&s->mem, n * sizeof(size_t), &q, err));
    s->item_bytes = q;
    memset(q, 0, n * sizeof(size_t));
    for (int i = 0; i < s->model->graph->n_inputs; i++) {
        const qn_value *v = s->model->graph->inputs[i];
        if (!v->fallback) continue;
        s->inputs[i] = *v->fallback;
        QN_TRY(qn_session_align(s, v, &s->inputs[i], err));
    }
    QN_TRY(choose_kernels(s, err));
    QN_TRY(choose_layout(s, err));
    take_tuning(s);
    QN_TRY(make_pool(s, err));
    return qn_session_runner(s, s->model->graph, &s->main, err);
}

quern_status quern_session_create(const quern_model *model,
                                  const quern_session_options *opt, quern_session **out,
                                  quern_error *err)
{
    *out = NULL;
    if (model->n_missing)
        return qn_fail(err, QUERN_UNSUPPORTED,
                       "the model needs %d things that quern lacks, so it cannot run",
                       model->n_missing);
    quern_session start = {.model = model}, *s;
    take_options(&start, opt);
    size_t budget = start.opt.max_bytes ? start.opt.max_bytes : qn_os_memory();
    qn_mem_init(&start.mem, start.opt.allocator, budget);
    start.mem.fail_at = start.opt.fail_at;
    void *p;
    QN_TRY(qn_mem_alloc(&start.mem, sizeof *s, &p, err));
    s = p;
    *s = start;
    quern_status status = fill(s, err);
    if (status != QUERN_OK) {
        quern_session_free(s);
        return status;
    }
    *out = s;
    return QUERN_OK;
}

static void drop_items(quern_session *s, int i)
{
    if (s->item_bytes[i]) qn_mem_free(&s->mem, s->inputs[i].data, s->item_bytes[i]);
    s->item_bytes[i] = 0;
}

void quern_session_free(quern_session *s)
{
    if (!s) return;
    for (qn_runner *r = s->runners, *next; r; r = next) {
        next = r->next;
        qn_runner_free(r);
    }
    qn_packs_free(s);
    qn_tuning_done(&s->tuning, &s->mem);
    size_t n = (size_t)s->model->graph->n_inputs;
    if (s->item_bytes) {
        for (int i = 0; i < (int)n; i++)
            drop_items(s, i);
        qn_mem_free(&s->mem, s->item_bytes, n * sizeof(size_t));
    }
    if (s->inputs) qn_mem_free(&s->mem, s->inputs, n * sizeof(qn_tensor));
    if (s->owns_pool) quern_pool_free(s->pool);
    qn_mem mem = s->mem;
    qn_mem_free(&mem, s, sizeof *s);
}

/* ---- inputs ---- */

static quern_status check_index(int i, int n, const char *what, quern_error *err)
{
    if (i >= 0 && i < n) return QUERN_OK;
    return qn_fail(err, QUERN_INVALID, "%s %d does not exist, the model has %d", what,
                   i, n);
}

static quern_status check_shape(const qn_value *v, const qn_tensor *t, quern_error *err)
{
    if (v->dtype != QUERN_UNDEFINED && t->dtype != v->dtype)
        return qn_fail(err, QUERN_SHAPE, "input '%s' is %s, the model declares %s",
                       v->name, quern_dtype_name(t->dtype), quern_dtype_name(v->dtype));
    if (v->rank < 0) return QUERN_OK;
    if (t->rank != v->rank)
        return qn_fail(err, QUERN_SHAPE,
                       "input '%s' has rank %d, the model declares %d", v->name,
                       t->rank, v->rank);
    for (int i = 0; i < t->rank; i++)
        if (v->dim[i] >= 0 && t->dim[i] != v->dim[i])
            return qn_fail(
                err, QUERN_SHAPE,
                "input '%s' has shape %s, the model declares %lld for dim %d", v->name,
                QN_SHAPE(t), (long long)v->dim[i], i);
    return QUERN_OK;
}

/* A tensor for a size-zero array may come with a NULL pointer. */
static qn_tensor from_public(const quern_tensor *t)
{
    static const _Alignas(QN_ALIGN) char nothing[QN_ALIGN];
    qn_tensor r = {.dtype = t->dtype, .rank = t->rank, .data = t->data};
    for (int i = 0; i < t->rank && i < QUERN_MAX_RANK; i++)
        r.dim[i] = t->dim[i];
    if (!r.data) r.data = (void *)nothing;
    return r;
}

quern_status quern_session_bind(quern_session *s, int i, const quern_tensor *tensor,
                                quern_error *err)
{
    const qn_graph *g = s->model->graph;
    QN_TRY(check_index(i, g->n_inputs, "input", err));
    qn_tensor t = from_public(tensor);
    QN_TRY(qn_tensor_check(&t, err));
    QN_TRY(check_shape(g->inputs[i], &t, err));
    if (!tensor->data && qn_tensor_count(&t) != 0)
        return qn_fail(err, QUERN_INVALID, "input '%s' has shape %s but no data",
                       g->inputs[i]->name, QN_SHAPE(&t));
    drop_items(s, i);
    s->inputs[i] = t;
    return QUERN_OK;
}

quern_status quern_session_bind_sequence(quern_session *s, int i,
                                         const quern_tensor *items, int n,
                                         quern_dtype dtype, quern_error *err)
{
    const qn_graph *g = s->model->graph;
    QN_TRY(check_index(i, g->n_inputs, "input", err));
    if (n < 0) return qn_fail(err, QUERN_INVALID, "a sequence has %d items", n);
    void *p;
    size_t bytes = ((size_t)n + 1) * sizeof(qn_tensor);
    QN_TRY(qn_mem_alloc(&s->mem, bytes, &p, err));
    qn_tensor *copy = p;
    for (int k = 0; k < n; k++) {
        copy[k] = from_public(&items[k]);
        quern_status status = qn_tensor_check(&copy[k], err);
        if (status != QUERN_OK) {
            qn_mem_free(&s->mem, p, bytes);
            return status;
        }
    }
    drop_items(s, i);
    s->item_bytes[i] = bytes;
    s->inputs[i] = (qn_tensor){
        .kind = QN_SEQUENCE, .dtype = dtype, .rank = 1, .dim = {n}, .data = copy};
    return QUERN_OK;
}

quern_status quern_session_bind_none(quern_session *s, int i, quern_error *err)
{
    const qn_graph *g = s->model->graph;
    QN_TRY(check_index(i, g->n_inputs, "input", err));
    drop_items(s, i);
    s->inputs[i] = (qn_tensor){.kind = QN_NONE, .dtype = g->inputs[i]->dtype};
    return QUERN_OK;
}

/* Dims that share a name must agree ("batch"). */
static quern_status check_symbols(const quern_session *s, quern_error *err)
{
    const qn_graph *g = s->model->graph;
    for (int i = 0; i < g->n_inputs; i++)
        for (int d = 0; d < s->inputs[i].rank; d++) {
            const char *name = g->inputs[i]->symbol[d];
            if (!name || s->inputs[i].kind != QN_TENSOR) continue;
            for (int k = 0; k < i; k++)
                for (int e = 0; e < s->inputs[k].rank; e++) {
                    const char *other = g->inputs[k]->symbol[e];
                    if (!other || s->inputs[k].kind != QN_TENSOR ||
                        strcmp(name, other) != 0 ||
                        s->inputs[k].dim[e] == s->inputs[i].dim[d])
                        continue;
                    return qn_fail(err, QUERN_SHAPE,
                                   "dim '%s' is %lld in input '%s' and %lld in '%s'",
                                   name, (long long)s->inputs[k].dim[e],
                                   g->inputs[k]->name, (long long)s->inputs[i].dim[d],
                                   g->inputs[i]->name);
                }
        }
    return QUERN_OK;
}

static quern_status check_bound(const quern_session *s, quern_error *err)
{
    const qn_graph *g = s->model->graph;
    for (int i = 0; i < g->n_inputs; i++)
        if (s->inputs[i].kind == QN_TENSOR && !s->inputs[i].data)
            return qn_fail(err, QUERN_INVALID, "input %d ('%s') is not bound", i,
                           g->inputs[i]->name);
    return check_symbols(s, err);
}

/* ---- running ---- */

quern_status quern_session_plan(quern_session *s, quern_error *err)
{
    QN_TRY(check_bound(s, err));
    s->has_run = false;
    return qn_runner_plan(s->main, s->inputs, err);
}

quern_status quern_run(quern_session *s, quern_error *err)
{
    QN_TRY(check_bound(s, err));
    s->has_run = false;
    qn_packs_refresh(s);
    uint64_t before = s->mem.n_allocs;
    s->n_runs++;
    qn_pool_enter_run(s->pool);
    quern_status status = qn_runner_run(s->main, s->inputs, err);
    qn_pool_leave_run(s->pool);
    if (status != QUERN_OK) return status;
    s->run_allocs = s->mem.n_allocs - before;
    s->has_run = true;
    return QUERN_OK;
}

static void to_public(const qn_tensor *t, quern_tensor *out)
{
    *out = (quern_tensor){.dtype = t->dtype, .rank = t->rank, .data = t->data};
    memcpy(out->dim, t->dim, sizeof out->dim);
}

static quern_status output(const quern_session *s, int i, const qn_tensor **out,
                           quern_error *err)
{
    QN_TRY(check_index(i, s->model->graph->n_outputs, "output", err));
    if (!s->has_run)
        return qn_fail(err, QUERN_INVALID, "output %d is asked for before a run", i);
    *out = qn_runner_output(s->main, i);
    return QUERN_OK;
}

quern_status quern_session_output(quern_session *s, int i, quern_tensor *out,
                                  quern_error *err)
{
    const qn_tensor *t = NULL;
    QN_TRY(output(s, i, &t, err));
    if (t->kind != QN_TENSOR)
        return qn_fail(err, QUERN_INVALID, "output %d is no tensor", i);
    to_public(t, out);
    return QUERN_OK;
}

int64_t quern_session_output_length(quern_session *s, int i)
{
    const qn_tensor *t = NULL;
    if (output(s, i, &t, NULL) != QUERN_OK || t->kind == QN_TENSOR) return -1;
    return t->kind == QN_NONE ? -2 : t->dim[0];
}

quern_status quern_session_output_item(quern_session *s, int i, int64_t k,
                                       quern_tensor *out, quern_error *err)
{
    const qn_tensor *t = NULL;
    QN_TRY(output(s, i, &t, err));
    if (t->kind != QN_SEQUENCE)
        return qn_fail(err, QUERN_INVALID, "output %d is no sequence", i);
    if (k < 0 || k >= t->dim[0])
        return qn_fail(err, QUERN_INVALID, "item %lld does not exist, there are %lld",
                       (long long)k, (long long)t->dim[0]);
    to_public((const qn_tensor *)t->data + k, out);
    return QUERN_OK;
}

void quern_session_get_stats(const quern_session *s, quern_session_stats *stats)
{
    const qn_plan *plan = s->main->plans;
    *stats = (quern_session_stats){.packed_bytes = s->packed_bytes,
                                   .peak_bytes = s->mem.peak,
                                   .run_allocs = s->run_allocs,
                                   .threads = qn_pool_size(s->pool),
                                   .isa = qn_isa_name(s->k.isa),
                                   .gemm = s->gemm};
    if (!plan) return;
    stats->instrs = plan->n_steps;
    stats->dynamic_instrs = plan->n_dynamic;
    stats->reorders = plan->n_reorders;
    stats->folded = plan->n_folded;
    stats->slab_bytes = plan->slab_bytes;
    stats->unshared_bytes = plan->unshared_bytes;
    stats->macs = plan->macs;
}
