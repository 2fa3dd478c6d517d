/* SPDX-License-Identifier: Apache-2.0 */
/* engine/runner.c - executes the plans of one graph. */
#include "engine/eval.h"
#include "engine/os.h"
#include "engine/session.h"

#include <string.h>

quern_status qn_session_runner(qn_session *session, const qn_graph *graph,
                               qn_runner **out, quern_error *err)
{
    for (qn_runner *r = session->runners; r; r = r->next)
        if (r->graph == graph) {
            *out = r;
            return QUERN_OK;
        }
    void *p, *bound;
    size_t n = (size_t)(graph->n_inputs + graph->n_captures);
    *out = NULL;
    QN_TRY(qn_mem_alloc(&session->mem, sizeof(qn_runner), &p, err));
    quern_status status = qn_mem_alloc(&session->mem, n * sizeof(void *), &bound, err);
    if (status != QUERN_OK) {
        qn_mem_free(&session->mem, p, sizeof(qn_runner));
        return status;
    }
    qn_runner *r = p;
    *r = (qn_runner){.session = session, .graph = graph, .bound = bound};
    qn_arena_init(&r->run, &session->mem);
    r->next = session->runners;
    session->runners = r;
    *out = r;
    return QUERN_OK;
}

void qn_runner_free(qn_runner *r)
{
    qn_mem *mem = &r->session->mem;
    for (qn_plan *p = r->plans, *next; p; p = next) {
        next = p->next;
        qn_plan_free(p);
    }
    size_t n = (size_t)(r->graph->n_inputs + r->graph->n_captures);
    qn_arena_done(&r->run);
    qn_mem_free(mem, r->slab, r->slab_bytes);
    qn_mem_free(mem, r->bound, n * sizeof(void *));
    qn_mem_free(mem, r, sizeof *r);
}

/* ---- plans ---- */

/* Moves the plan that fits to the front; NULL if there is none. */
static qn_plan *find_plan(qn_runner *r, const qn_tensor *inputs)
{
    for (qn_plan **at = &r->plans; *at; at = &(*at)->next)
        if (qn_plan_fits(*at, inputs)) {
            qn_plan *found = *at;
            *at = found->next;
            found->next = r->plans;
            r->plans = found;
            return found;
        }
    return NULL;
}

static void forget_oldest(qn_runner *r)
{
    int n = 0;
    for (qn_plan **at = &r->plans; *at;) {
        if (++n < QN_PLANS) {
            at = &(*at)->next;
            continue;
        }
        qn_plan *old = *at;
        *at = old->next;
        if (r->placed == old) r->placed = NULL;
        qn_plan_free(old);
    }
}

static quern_status reserve_slab(qn_runner *r, size_t bytes, quern_error *err)
{
    if (r->slab && bytes <= r->slab_bytes)
        return QUERN_OK; /* empty tensors point, too */
    qn_mem *mem = &r->session->mem;
    qn_mem_free(mem, r->slab, r->slab_bytes);
    r->slab = NULL;
    r->slab_bytes = 0;
    r->placed = NULL;
    const size_t align = bytes < QN_LARGE_PAGE ? QN_ALIGN : QN_LARGE_PAGE;
    QN_TRY(qn_mem_alloc_aligned(mem, bytes, align, &r->slab, err));
    qn_os_want_huge_pages(r->slab, bytes);
    r->slab_bytes = bytes;
    return QUERN_OK;
}

quern_status qn_runner_plan(qn_runner *r, const qn_tensor *inputs, quern_error *err)
{
    qn_session *s = r->session;
    if (!find_plan(r, inputs)) {
        qn_plan_options opt = {.no_reuse = s->opt.no_reuse,
                               .plain = s->plain,
                               .no_winograd = s->opt.no_winograd != 0,
                               .tuning = &s->tuning,
                               .session = s,
                               .k = &s->k,
                               .n_workers = qn_pool_size(s->pool),
                               .mem = &s->mem};
        qn_plan *plan;
        QN_TRY(qn_plan_build(r->graph, inputs, &opt, &plan, err));
        forget_oldest(r);
        plan->next = r->plans;
        r->plans = plan;
    }
    return reserve_slab(r, r->plans->slab_bytes, err);
}

/* ---- memory ---- */

static void place_slots(qn_runner *r, qn_plan *plan, const qn_tensor *inputs)
{
    for (int i = 0; i < plan->n_slots; i++) {
        qn_slot *s = &plan->slots[i];
        if (s->place == QN_PLACE_SLAB)
            s->t.data = (char *)r->slab + s->root->offset + s->shift;
        else if (s->place == QN_PLACE_INPUT && s->root == s)
            s->t = inputs[s->input];
        else if (s->place == QN_PLACE_INPUT)
            s->t.data = inputs[s->root->input].data;
    }
}

static void place_scratch(qn_runner *r, qn_plan *plan)
{
    for (int k = 0; k < plan->n_steps; k++) {
        qn_step *step = &plan->steps[k];
        char *at = (char *)r->slab + step->scratch_offset;
        if (step->half) {
            qn_half_place(step->half, at);
            at +=
                (qn_half_scratch(step->half) + QN_ALIGN - 1) & ~(size_t)(QN_ALIGN - 1);
        }
        step->instr.scratch = at;
    }
}

/* Points slots at the slab and at the caller's memory, if anything moved. */
static void place(qn_runner *r, const qn_tensor *inputs)
{
    qn_plan *plan = r->plans;
    bool same = r->placed == plan;
    for (int i = 0; i < plan->n_key; i++)
        same = same && inputs[i].kind == QN_TENSOR && r->bound[i] == inputs[i].data;
    if (same) return;
    place_slots(r, plan, inputs);
    if (r->placed != plan) place_scratch(r, plan);
    for (int i = 0; i < plan->n_key; i++)
        r->bound[i] = inputs[i].data;
    r->placed = plan;
}

/* Debugging aid: what is dead after step k is filled with NaN. */
static void poison(qn_runner *r, int k)
{
    for (int i = 0; i < r->plans->n_slots; i++) {
        const qn_slot *s = &r->plans->slots[i];
        if (s->place == QN_PLACE_SLAB && s->root == s && s->bytes && s->last == k)
            memset((char *)r->slab + s->offset, 0xff, s->bytes);
    }
}

/* ---- execution ---- */

static void clear_images(void *ctx, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    qn_tensor_clear_rim(ctx, begin, end);
}

/* Kernels write the inside of planes only. */
static void clear_rim(qn_tensor *t, qn_pool *pool)
{
    if (t->halo == 0 && t->dim[1] % QN_BLOCK8 == 0) return;
    int64_t image = t->dim[1] * t->dim[2] * t->dim[3],
            grain = (256 << 10) / (image + 1);
    qn_parallel_for(pool, t->dim[0], grain + 1, clear_images, t);
}

static quern_status run_step(qn_step *step, const qn_exec *x, quern_error *err)
{
    qn_instr *instr = &step->instr;
    if (!step->is_dynamic) {
        if (step->half) qn_half_load(step->half);
        QN_TRY(instr->op->run(instr, x, err));
        for (int i = 0; i < instr->n_out; i++)
            if (instr->out[i] && instr->out[i]->layout == QN_NCHW8C)
                clear_rim(instr->out[i], x->pool);
        if (step->half) qn_half_store(step->half);
        return QUERN_OK;
    }
    for (int i = 0; i < instr->n_out; i++)
        if (instr->out[i]) *instr->out[i] = (qn_tensor){.kind = QN_TENSOR};
    return qn_eval(instr->node, instr->in, instr->out, x, err);
}

static quern_status run_steps(qn_runner *r, const qn_exec *x, quern_error *err)
{
    const quern_session_options *opt = &r->session->opt;
    qn_plan *plan = r->plans;
    for (int k = 0; k < plan->n_steps; k++) {
        qn_step *step = &plan->steps[k];
        const qn_node *node = step->instr.node;
        if (opt->cancel && opt->cancel(opt->cancel_ctx))
            return qn_fail(err, QUERN_CANCELLED, "stopped before node '%s'",
                           QN_LABEL(node));
        double start = opt->profile ? qn_os_seconds() : 0;
        quern_status status = run_step(step, x, err);
        if (status != QUERN_OK) {
            qn_within(err, "node '%s'", QN_LABEL(node));
            return status;
        }
        if (opt->profile)
            opt->profile(opt->profile_ctx, QN_LABEL(node), node->op->name,
                         qn_os_seconds() - start);
        if (opt->poison) poison(r, k);
    }
    return QUERN_OK;
}

quern_status qn_runner_run(qn_runner *r, const qn_tensor *inputs, quern_error *err)
{
    qn_session *s = r->session;
    QN_TRY(qn_runner_plan(r, inputs, err));
    place(r, inputs);
    qn_arena_reset(&r->run);
    qn_exec x = {.k = &s->k,
                 .pool = s->pool,
                 .arena = &r->run,
                 .session = s,
                 .seed = s->opt.seed + s->n_runs};
    return run_steps(r, &x, err);
}

const qn_tensor *qn_runner_output(const qn_runner *r, int i)
{
    return &r->plans->outputs[i]->t;
}

quern_status qn_exec_graph(const qn_exec *x, const qn_graph *graph,
                           const qn_tensor *inputs, qn_runner **out, quern_error *err)
{
    QN_TRY(qn_session_runner(x->session, graph, out, err));
    return qn_runner_run(*out, inputs, err);
}
