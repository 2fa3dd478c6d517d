/* SPDX-License-Identifier: Apache-2.0 */
/* engine/missing.c - everything a model needs and quern lacks, collected and told at
 * once. */
#include "engine/finish.h"

#include <stdio.h>
#include <string.h>

#define NAMED_NODES 3 /* of each group, by name; the rest is counted */

static quern_missing *find(quern_model *model, const qn_node *node, const char *reason)
{
    for (int i = 0; i < model->n_missing; i++) {
        quern_missing *m = &model->missing[i];
        if (strcmp(m->op, node->op_type) == 0 && strcmp(m->domain, node->domain) == 0 &&
            strcmp(m->reason, reason) == 0)
            return m;
    }
    return NULL;
}

static quern_status add_group(quern_model *model, const qn_node *node,
                              const char *reason, quern_missing **out, quern_error *err)
{
    void *p;
    size_t n = (size_t)model->n_missing;
    QN_TRY(qn_arena_array(&model->arena, n + 1, sizeof(quern_missing), &p, err));
    if (n) memcpy(p, model->missing, n * sizeof(quern_missing));
    model->missing = p;
    *out = &model->missing[model->n_missing++];
    **out = (quern_missing){
        .op = node->op_type, .domain = node->domain, .since = node->opset, .nodes = ""};
    return qn_arena_text(&model->arena, reason, strlen(reason), &(*out)->reason, err);
}

quern_status qn_missing_add(quern_model *model, const qn_node *node, const char *reason,
                            quern_error *err)
{
    quern_missing *m = find(model, node, reason);
    if (!m) QN_TRY(add_group(model, node, reason, &m, err));
    m->count++;
    if (m->count > NAMED_NODES) return QUERN_OK;
    char text[512];
    const char *name = node->name[0] ? node->name : QN_LABEL(node);
    int n = snprintf(text, sizeof text, "%s%s%.120s", m->nodes,
                     m->count > 1 ? ", " : "", name);
    if (n >= (int)sizeof text) n = sizeof text - 1;
    return qn_arena_text(&model->arena, text, (size_t)n, &m->nodes, err);
}

quern_status qn_missing_report(const quern_model *model, quern_error *err)
{
    if (model->n_missing == 0) return QUERN_OK;
    char text[sizeof err->text];
    int n = snprintf(text, sizeof text,
                     "this model needs %d thing%s that quern lacks: ", model->n_missing,
                     model->n_missing == 1 ? "" : "s");
    for (int i = 0; i < model->n_missing && n < (int)sizeof text; i++) {
        const quern_missing *m = &model->missing[i];
        int64_t rest = m->count - NAMED_NODES;
        char more[40] = "";
        if (rest > 0) snprintf(more, sizeof more, " and %lld more", (long long)rest);
        n += snprintf(text + n, sizeof text - (size_t)n,
                      "%s%s%s%s-%lld, %s (%lld node%s: %s%s)", i ? "; " : "", m->domain,
                      m->domain[0] ? "." : "", m->op, (long long)m->since, m->reason,
                      (long long)m->count, m->count == 1 ? "" : "s", m->nodes, more);
    }
    return qn_fail(err, QUERN_UNSUPPORTED, "%s", text);
}
