/* SPDX-License-Identifier: Apache-2.0 */
/* bench/extract.c - from the steps of a plan to problems. */
#include "bench/kinds.h"
#include "bench/walk.h"
#include "engine/ops/conv_shape.h"

#include <string.h>

static void set(qn_problem *p, const char *field, int64_t value)
{
    const int i = qn_problem_field_of(p->kind, field);
    for (int k = 0; k < 4 && i >= 0; k++)
        p->v[i][k] = value;
}

static void set_pair(qn_problem *p, const char *field, const int64_t *value)
{
    const int i = qn_problem_field_of(p->kind, field);
    for (int k = 0; k < 4 && i >= 0; k++)
        p->v[i][k] = value[k % 2];
}

static void set_window(qn_problem *p, const qn_window *w)
{
    const int pad = qn_problem_field_of(p->kind, "p");
    set(p, "h", w->in[0]);
    set(p, "w", w->in[1]);
    set_pair(p, "k", w->kernel);
    set_pair(p, "s", w->stride);
    set_pair(p, "d", w->dilation);
    for (int a = 0; a < 2; a++) {
        /* What the outputs really reach, so that ceil mode needs no word of its own. */
        const int64_t reach = (w->out[a] - 1) * w->stride[a] +
                              (w->kernel[a] - 1) * w->dilation[a] + 1 - w->begin[a] -
                              w->in[a];
        p->v[pad][a] = w->begin[a];
        p->v[pad][2 + a] = reach > w->end[a] ? reach : w->end[a];
    }
}

static bool is_float(const qn_tensor *t)
{
    return t && t->kind == QN_TENSOR && t->dtype == QUERN_FLOAT;
}

static bool from_conv(const qn_instr *i, qn_problem *p)
{
    const qn_tensor *x = i->in[0], *w = i->in[1];
    const qn_window_params *params = i->params;
    qn_window win;
    if (!is_float(x) || !is_float(w) || x->rank != 4 ||
        qn_window_fit(params, x, w, &win, NULL) != QUERN_OK)
        return false;
    const bool is_depthwise = params->group > 1 && params->group == x->dim[1] &&
                              w->dim[0] == x->dim[1] && !i->residual;
    p->kind = is_depthwise ? &qn_kind_dw_f32 : &qn_kind_conv_f32;
    set(p, "n", x->dim[0]);
    set(p, "c", x->dim[1]);
    set(p, "ic", x->dim[1]);
    set(p, "oc", w->dim[0]);
    set(p, "g", params->group);
    set_window(p, &win);
    set(p, "bias", i->node->n_in > 2 && i->in[2] != NULL);
    set(p, "add", i->residual != NULL);
    set(p, "act", i->act.kind);
    return true;
}

static bool from_pool(const qn_instr *i, qn_problem *p)
{
    const qn_tensor *x = i->in[0];
    qn_window win = {.rank = 2};
    if (!is_float(x) || x->rank != 4) return false;
    p->kind = &qn_kind_pool_f32;
    if (!strncmp(i->op->name, "Global", 6)) {
        for (int a = 0; a < 2; a++) {
            win.in[a] = win.kernel[a] = x->dim[2 + a];
            win.out[a] = win.stride[a] = win.dilation[a] = 1;
        }
    } else {
        const qn_window_params *params = i->params;
        if (qn_window_fit(params, x, NULL, &win, NULL) != QUERN_OK ||
            win.dilation[0] * win.dilation[1] != 1 || params->count_include_pad)
            return false;
    }
    set(p, "n", x->dim[0]);
    set(p, "c", x->dim[1]);
    set_window(p, &win);
    set(p, "type", strstr(i->op->name, "Average") != NULL);
    return true;
}

/* Products of slices count as often as there are slices. */
static bool from_product(const qn_instr *i, qn_problem *p)
{
    const qn_tensor *a = i->in[0], *b = i->in[1], *y = i->out[0];
    if (!is_float(a) || !is_float(b) || !y || a->rank < 2 || b->rank < 2 || y->rank < 2)
        return false;
    const bool is_gemm = !strcmp(i->op->name, "Gemm");
    const bool ta = is_gemm && qn_node_int(i->node, "transA", 0);
    const bool tb = is_gemm && qn_node_int(i->node, "transB", 0);
    int64_t m = y->dim[y->rank - 2];
    const int64_t n = y->dim[y->rank - 1], k = a->dim[a->rank - 1 - ta];
    for (int d = 0; d < y->rank - 2; d++) {
        if (b->rank == 2)
            m *= y->dim[d]; /* one product of all rows */
        else
            p->count *= y->dim[d];
    }
    p->kind = m == 1 && !ta ? &qn_kind_gemv_f32 : &qn_kind_gemm_f32;
    set(p, "m", m);
    set(p, "n", n);
    set(p, "k", k);
    set(p, "ta", ta);
    set(p, "tb", tb);
    return m > 0 && n > 0 && k > 0 && p->count > 0;
}

static bool from_softmax(const qn_instr *i, qn_problem *p)
{
    const qn_tensor *x = i->in[0];
    const int64_t axis = qn_node_int(i->node, "axis", -1);
    if (!is_float(x) || x->rank < 1 || (axis != -1 && axis != x->rank - 1))
        return false;
    const int64_t n = x->dim[x->rank - 1], all = qn_tensor_count(x);
    if (all == 0) return false;
    p->kind = &qn_kind_softmax_f32;
    set(p, "m", all / n);
    set(p, "n", n);
    return true;
}

static bool from_activation(const qn_instr *i, qn_problem *p, int act)
{
    if (!is_float(i->in[0]) || qn_tensor_count(i->in[0]) == 0) return false;
    p->kind = &qn_kind_act_f32;
    set(p, "n", qn_tensor_count(i->in[0]));
    set(p, "act", act);
    return true;
}

static bool from_step(const qn_instr *i, qn_problem *p)
{
    static const struct {
        const char *op;
        int act;
    } acts[] = {{"Relu", QN_ACT_RELU},       {"HardSwish", QN_ACT_HARD_SWISH},
                {"Sigmoid", QN_ACT_SIGMOID}, {"Tanh", QN_ACT_TANH},
                {"Gelu", QN_ACT_GELU},       {"HardSigmoid", QN_ACT_HARD_SIGMOID}};
    const char *op = i->op->name;
    if (i->op->domain) return false;
    if (!strcmp(op, "Conv")) return from_conv(i, p);
    if (!strcmp(op, "MaxPool") || !strcmp(op, "AveragePool") ||
        !strcmp(op, "GlobalAveragePool") || !strcmp(op, "GlobalMaxPool"))
        return from_pool(i, p);
    if (!strcmp(op, "Gemm") || !strcmp(op, "MatMul")) return from_product(i, p);
    if (!strcmp(op, "Softmax")) return from_softmax(i, p);
    for (size_t k = 0; k < sizeof acts / sizeof acts[0]; k++)
        if (!strcmp(op, acts[k].op)) return from_activation(i, p, acts[k].act);
    return false;
}

/* The node's name without what would end a problem's. */
static void set_name(qn_problem *p, const qn_node *node)
{
    const char *from = node->name ? node->name : "";
    size_t n = 0;
    for (; from[n] && n < QN_PROBLEM_NAME - 1; n++) {
        const unsigned char c = (unsigned char)from[n];
        p->name[n] = (char)(c <= ' ' || c == '*' || c == '#' || c > '~' ? '_' : c);
    }
    p->name[n] = 0;
}

static qn_problem *find(const qn_problems *list, const qn_problem *p)
{
    for (int i = 0; i < list->n; i++)
        if (list->p[i].kind == p->kind && !memcmp(list->p[i].v, p->v, sizeof p->v))
            return &list->p[i];
    return NULL;
}

/* The problem of one instruction and, before it, that of its feeder. */
static quern_status extract(const qn_instr *instr, qn_problems *out, int *n_other,
                            quern_error *err)
{
    qn_problem p = {.count = 1};
    if (instr->feeder) QN_TRY(extract(instr->feeder, out, n_other, err));
    if (!from_step(instr, &p) ||
        (p.kind->check && p.kind->check(&p, NULL) != QUERN_OK)) {
        ++*n_other;
        return QUERN_OK;
    }
    qn_problem *known = find(out, &p);
    if (known) {
        known->count += p.count;
        return QUERN_OK;
    }
    set_name(&p, instr->node);
    return qn_problems_add(out, &p, err);
}

quern_status qn_extract(const quern_session *session, qn_problems *out, int *n_other,
                        quern_error *err)
{
    qn_walk_step step;
    *n_other = 0;
    for (int i = 0; qn_walk_at(session, i, &step); i++)
        QN_TRY(extract(step.instr, out, n_other, err));
    return QUERN_OK;
}
