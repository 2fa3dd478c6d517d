/* SPDX-License-Identifier: Apache-2.0 */
/* formats/onnx_scope.c - an open-addressing hash table per graph, and captures. */
#include "formats/onnx_scope.h"
#include "engine/os.h"

#include <string.h>

void qn_scope_init(qn_scope *scope, qn_scope *outer, qn_graph *graph, qn_mem *mem)
{
    double now = qn_os_seconds();
    memset(scope, 0, sizeof *scope);
    scope->outer = outer;
    scope->graph = graph;
    scope->mem = mem;
    memcpy(&scope->seed, &now, sizeof scope->seed);
    scope->seed ^= (uint64_t)(uintptr_t)scope << 16;
}

void qn_scope_done(qn_scope *scope)
{
    if (scope->slots)
        qn_mem_free(scope->mem, scope->slots, scope->n_slots * sizeof *scope->slots);
    scope->slots = NULL;
    scope->n_slots = scope->n_names = 0;
}

static uint64_t mix(uint64_t h)
{
    h = (h ^ h >> 32) * UINT64_C(0xD6E8FEB86659FD93);
    h = (h ^ h >> 32) * UINT64_C(0xD6E8FEB86659FD93);
    return h ^ h >> 32;
}

static uint64_t hash_name(const qn_scope *scope, const qn_span *name)
{
    uint64_t h = mix(scope->seed + name->n);
    for (size_t i = 0; i < name->n; i += 8) {
        uint64_t part = 0;
        memcpy(&part, name->p + i, name->n - i < 8 ? name->n - i : 8);
        h = mix(h ^ part);
    }
    return h;
}

/* The slot of the name, or the free one where it belongs. */
static qn_scope_slot *find_slot(const qn_scope *scope, uint64_t hash,
                                const qn_span *name)
{
    size_t mask = scope->n_slots - 1;
    for (size_t i = (size_t)hash & mask;; i = (i + 1) & mask) {
        qn_scope_slot *s = &scope->slots[i];
        if (!s->value) return s;
        if (s->hash == hash && qn_span_equal(name, s->value->name)) return s;
    }
}

static quern_status grow(qn_scope *scope, quern_error *err)
{
    size_t n_old = scope->n_slots, n = n_old ? 2 * n_old : 64, bytes;
    qn_scope_slot *old = scope->slots;
    void *p;
    if (!qn_size_mul(n, sizeof *old, &bytes))
        return qn_fail(err, QUERN_LIMIT, "graph has more than %zu names",
                       scope->n_names);
    QN_TRY(qn_mem_alloc(scope->mem, bytes, &p, err));
    memset(p, 0, bytes);
    scope->slots = p;
    scope->n_slots = n;
    for (size_t k = 0; k < n_old; k++) {
        if (!old[k].value) continue;
        size_t i = (size_t)old[k].hash & (n - 1);
        while (scope->slots[i].value)
            i = (i + 1) & (n - 1);
        scope->slots[i] = old[k];
    }
    if (old) qn_mem_free(scope->mem, old, n_old * sizeof *old);
    return QUERN_OK;
}

qn_value *qn_scope_own(const qn_scope *scope, const qn_span *name)
{
    if (!scope->n_slots) return NULL;
    return find_slot(scope, hash_name(scope, name), name)->value;
}

quern_status qn_scope_define(qn_scope *scope, const qn_span *name, qn_value **out,
                             quern_error *err)
{
    const char *text;
    if (2 * (scope->n_names + 1) > scope->n_slots) QN_TRY(grow(scope, err));
    QN_TRY(
        qn_arena_text(scope->graph->arena, (const char *)name->p, name->n, &text, err));
    QN_TRY(qn_graph_add_value(scope->graph, text, out, err));
    uint64_t hash = hash_name(scope, name);
    *find_slot(scope, hash, name) = (qn_scope_slot){hash, *out};
    scope->n_names++;
    return QUERN_OK;
}

/* Both lists of a capture: the value inside and the one outside. */
static quern_status grow_captures(qn_scope *scope, quern_error *err)
{
    qn_graph *g = scope->graph;
    if (scope->n_captured < scope->cap_captured) return QUERN_OK;
    int cap = scope->cap_captured ? 2 * scope->cap_captured : 8;
    void *inside, *outside;
    QN_TRY(qn_arena_array(g->arena, (size_t)cap, sizeof *g->captures, &inside, err));
    QN_TRY(
        qn_arena_array(g->arena, (size_t)cap, sizeof *scope->captured, &outside, err));
    size_t bytes = (size_t)scope->n_captured * sizeof *scope->captured;
    if (bytes) {
        memcpy(inside, g->captures, bytes);
        memcpy(outside, scope->captured, bytes);
    }
    g->captures = inside;
    scope->captured = outside;
    scope->cap_captured = cap;
    return QUERN_OK;
}

static quern_status capture(qn_scope *scope, const qn_span *name, qn_value *outer,
                            qn_value **out, quern_error *err)
{
    QN_TRY(grow_captures(scope, err));
    QN_TRY(qn_scope_define(scope, name, out, err));
    qn_value *v = *out;
    v->is_capture = true;
    v->dtype = outer->dtype;
    v->kind = outer->kind;
    v->is_optional = outer->is_optional;
    v->rank = outer->rank;
    memcpy(v->dim, outer->dim, sizeof v->dim);
    memcpy(v->symbol, outer->symbol, sizeof v->symbol);
    scope->graph->captures[scope->graph->n_captures++] = v;
    scope->captured[scope->n_captured++] = outer;
    return QUERN_OK;
}

quern_status qn_scope_find(qn_scope *scope, const qn_span *name, qn_value **out,
                           quern_error *err)
{
    qn_value *outer;
    *out = qn_scope_own(scope, name);
    if (*out || !scope->outer) return QUERN_OK;
    QN_TRY(qn_scope_find(scope->outer, name, &outer, err)); /* at most 16 deep */
    return outer ? capture(scope, name, outer, out, err) : QUERN_OK;
}
