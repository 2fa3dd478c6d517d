/* SPDX-License-Identifier: Apache-2.0 */
/* tools/tap.c - see tap.h.  The one command file that edits a graph: nobody else holds
 * the model between opening it and making its session. */
#include "tools/tap.h"

#include "engine/model.h"
#include "tools/feed.h"

#include <string.h>

static quern_status open_model(qn_run *run, const qn_args *args, const char *path,
                               bool is_tapped, quern_error *err)
{
    quern_model_options opt = qn_model_options(args);
    if (is_tapped) opt.disable_passes = "all";
    opt.log_ctx = (void *)path;
    return quern_model_open(path, &opt, &run->model, err);
}

static quern_status make_session(qn_run *run, const qn_args *args, quern_error *err)
{
    const quern_session_options opt = qn_session_options(args);
    return quern_session_create(run->model, &opt, &run->session, err);
}

quern_status qn_run_open(qn_run *run, const qn_args *args, const char *path,
                         quern_error *err)
{
    quern_status status = open_model(run, args, path, false, err);
    if (status == QUERN_OK) status = make_session(run, args, err);
    if (status != QUERN_OK) qn_within(err, "%s", path);
    return status;
}

static bool is_wanted(const qn_graph *g, const qn_value *v)
{
    if (!v || !v->name || !*v->name) return false;
    for (int i = 0; i < g->n_outputs; i++)
        if (g->outputs[i] == v) return false;
    return true;
}

/* Appends the values to graph->outputs and notes where they came to stand. */
static quern_status add_taps(qn_run *run, quern_error *err)
{
    qn_graph *g = run->model->graph;
    qn_arena *arena = &run->model->arena;
    size_t room = (size_t)g->n_outputs + 1;
    void *outputs, *taps;
    for (const qn_node *n = g->first; n; n = n->next)
        room += (size_t)n->n_out;
    QN_TRY(qn_arena_array(arena, room, sizeof *g->outputs, &outputs, err));
    QN_TRY(qn_arena_array(arena, room, sizeof *run->taps, &taps, err));
    if (g->n_outputs)
        memcpy(outputs, g->outputs, (size_t)g->n_outputs * sizeof *g->outputs);
    g->outputs = outputs;
    run->taps = taps;
    for (const qn_node *n = g->first; n; n = n->next)
        for (int i = 0; i < n->n_out; i++) {
            qn_tap *tap = &run->taps[run->n_taps];
            const char *label = QN_LABEL(n);
            if (!is_wanted(g, n->out[i])) continue;
            QN_TRY(qn_arena_text(arena, label, strlen(label), &tap->node, err));
            tap->value = n->out[i]->name;
            tap->output = g->n_outputs;
            g->outputs[g->n_outputs++] = n->out[i];
            run->n_taps++;
        }
    return QUERN_OK;
}

quern_status qn_run_open_tapped(qn_run *run, const qn_args *args, const char *path,
                                quern_error *err)
{
    quern_status status = open_model(run, args, path, true, err);
    if (status == QUERN_OK) status = add_taps(run, err);
    if (status == QUERN_OK) status = make_session(run, args, err);
    if (status != QUERN_OK) qn_within(err, "%s", path);
    return status;
}

void qn_run_close(qn_run *run)
{
    quern_session_free(run->session);
    quern_model_free(run->model);
    *run = (qn_run){0};
}

quern_status qn_run_values(qn_run *run, const qn_tensor *values, int n,
                           quern_error *err)
{
    const int n_inputs = quern_model_n_inputs(run->model);
    if (n != n_inputs)
        return qn_fail(err, QUERN_INVALID, "one model has %d inputs, the other %d", n,
                       n_inputs);
    for (int i = 0; i < n; i++)
        QN_TRY(qn_value_bind(run->session, i, &values[i], err));
    return quern_run(run->session, err);
}

int qn_run_find_tap(const qn_run *run, const char *value)
{
    for (int i = 0; i < run->n_taps; i++)
        if (!strcmp(run->taps[i].value, value)) return i;
    return -1;
}
