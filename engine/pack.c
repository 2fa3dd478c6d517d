/* SPDX-License-Identifier: Apache-2.0 */
/* engine/pack.c - what prepare may ask for: state, scratch and packed weights. */
#include "engine/session.h"

#include <string.h>

quern_status qn_prep_state(qn_prep *p, size_t bytes, void **out, quern_error *err)
{
    QN_TRY(qn_arena_alloc(p->arena, bytes, out, err));
    p->instr->state = *out;
    return QUERN_OK;
}

void qn_prep_scratch(qn_prep *p, size_t bytes)
{
    if (bytes > p->instr->scratch_bytes) p->instr->scratch_bytes = bytes;
}

static bool is_stale(const qn_pack *pack)
{
    return pack->version != pack->value->version;
}

/* A parameter that was written since is packed anew. */
static void refresh(qn_pack *pack)
{
    if (!is_stale(pack)) return;
    pack->how.pack(pack->data, pack->value->constant, pack->how.ctx);
    pack->version = pack->value->version;
}

static quern_status new_pack(qn_session *s, const qn_value *value, const qn_packer *how,
                             qn_pack **out, quern_error *err)
{
    void *p, *data;
    const size_t bytes = sizeof(qn_pack) + how->ctx_bytes;
    QN_TRY(qn_mem_alloc(&s->mem, bytes, &p, err));
    quern_status status = qn_pages_alloc(&s->pages, &s->mem, how->bytes, &data, err);
    if (status != QUERN_OK) {
        qn_mem_free(&s->mem, p, bytes);
        return status;
    }
    qn_pack *pack = p;
    *pack = (qn_pack){.next = s->packs, .value = value, .how = *how, .data = data};
    if (how->ctx_bytes) memcpy(pack + 1, how->ctx, how->ctx_bytes);
    pack->how.ctx = pack + 1;
    s->packs = pack;
    s->packed_bytes += how->bytes;
    *out = pack;
    return QUERN_OK;
}

void qn_packs_free(qn_session *s)
{
    for (qn_pack *k = s->packs, *next; k; k = next) {
        next = k->next;
        qn_mem_free(&s->mem, k, sizeof *k + k->how.ctx_bytes);
    }
    s->packs = NULL;
    qn_pages_done(&s->pages, &s->mem);
}

/* Pages of a mapped file that were read for packing are not needed again. */
static void drop_pages(const quern_model *model, const qn_tensor *t)
{
    for (qn_backing *b = model->backings; b; b = b->next)
        if (b->drop && (char *)t->data >= (char *)b->base &&
            (char *)t->data < (char *)b->base + b->bytes)
            b->drop(b, t->data, qn_tensor_bytes(t));
}

static quern_status find_or_pack(qn_session *s, const qn_value *value,
                                 const qn_packer *how, const qn_tensor *t,
                                 const void **out, quern_error *err)
{
    for (qn_pack *k = s->packs; k; k = k->next)
        if (k->value == value && k->how.key == how->key && k->how.bytes == how->bytes) {
            refresh(k);
            *out = k->data;
            return QUERN_OK;
        }
    qn_pack *pack;
    QN_TRY(new_pack(s, value, how, &pack, err));
    pack->version = value->version;
    how->pack(pack->data, t, how->ctx);
    drop_pages(s->model, t);
    *out = pack->data;
    return QUERN_OK;
}

/* A view of a parameter has its numbers before the run, but others in the next. */
bool qn_value_is_trained(const qn_value *v)
{
    while (v->producer && v->producer->op->flags & QN_OP_VIEW)
        v = v->producer->in[0];
    return v->is_parameter;
}

quern_status qn_prep_pack(qn_prep *p, int i, const qn_packer *how, const void **out,
                          quern_error *err)
{
    const qn_tensor *t = p->instr->in[i];
    const qn_value *value = p->instr->node->in[i];
    *out = NULL;
    if (!t || !t->data || (!value->constant && qn_value_is_trained(value)))
        return QUERN_OK;
    p->instr->packed |= UINT32_C(1) << i;
    if (value->constant && p->session)
        return find_or_pack(p->session, value, how, t, out, err);
    void *data; /* known in this plan or run only */
    QN_TRY(qn_arena_raw(p->arena, how->bytes, &data, err));
    how->pack(data, t, how->ctx);
    *out = data;
    return QUERN_OK;
}

static void copy_plain(void *packed, const qn_tensor *weight, const void *ctx)
{
    (void)ctx;
    memcpy(packed, weight->data, qn_tensor_bytes(weight));
}

quern_status qn_session_align(qn_session *session, const qn_value *value, qn_tensor *t,
                              quern_error *err)
{
    const void *p;
    if (t->kind != QN_TENSOR || qn_is_aligned(t->data, t->dtype)) return QUERN_OK;
    const qn_packer how = {.key = UINT64_MAX, /* no packer's key */
                           .bytes = qn_tensor_bytes(t),
                           .pack = copy_plain};
    QN_TRY(find_or_pack(session, value, &how, t, &p, err));
    t->data = (void *)(uintptr_t)p;
    return QUERN_OK;
}

/* Item: the n-th pack of those that are stale. */
static void refresh_range(void *ctx, int64_t begin, int64_t end, int worker)
{
    int64_t n = 0;
    (void)worker;
    for (qn_pack *k = ctx; k && n < end; k = k->next_stale, n++)
        if (n >= begin) refresh(k);
}

void qn_packs_refresh(qn_session *session)
{
    qn_pack *stale = NULL, **last = &stale;
    int64_t n = 0;
    for (qn_pack *k = session->packs; k; k = k->next)
        if (k->value->is_parameter && is_stale(k)) {
            *last = k;
            last = &k->next_stale;
            n++;
        }
    *last = NULL;
    qn_parallel_for(session->pool, n, 1, refresh_range, stale);
}
