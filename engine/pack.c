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

/* A parameter that was written since is packed anew. */
static void refresh(qn_pack *pack)
{
    if (pack->version != pack->value->version) {
        pack->pack(pack->data, pack->value->constant, pack->ctx);
        pack->version = pack->value->version;
    }
}

static quern_status new_pack(qn_session *s, const qn_pack *wanted, qn_pack **out,
                             quern_error *err)
{
    void *p, *data;
    QN_TRY(qn_mem_alloc(&s->mem, sizeof(qn_pack), &p, err));
    quern_status status = qn_mem_alloc(&s->mem, wanted->bytes, &data, err);
    if (status != QUERN_OK) {
        qn_mem_free(&s->mem, p, sizeof(qn_pack));
        return status;
    }
    qn_pack *pack = p;
    *pack = *wanted;
    pack->next = s->packs;
    pack->data = data;
    s->packs = pack;
    s->packed_bytes += pack->bytes;
    *out = pack;
    return QUERN_OK;
}

/* Pages of a mapped file that were read for packing are not needed again. */
static void drop_pages(const quern_model *model, const qn_tensor *t)
{
    for (qn_backing *b = model->backings; b; b = b->next)
        if (b->drop && (char *)t->data >= (char *)b->base &&
            (char *)t->data < (char *)b->base + b->bytes)
            b->drop(b, t->data, qn_tensor_bytes(t));
}

static quern_status find_or_pack(qn_session *s, const qn_pack *wanted,
                                 const qn_tensor *t, const void **out, quern_error *err)
{
    for (qn_pack *k = s->packs; k; k = k->next)
        if (k->value == wanted->value && k->key == wanted->key &&
            k->bytes == wanted->bytes) {
            refresh(k);
            *out = k->data;
            return QUERN_OK;
        }
    qn_pack *pack;
    QN_TRY(new_pack(s, wanted, &pack, err));
    pack->version = wanted->value->version;
    pack->pack(pack->data, t, pack->ctx);
    drop_pages(s->model, t);
    *out = pack->data;
    return QUERN_OK;
}

/* A view of a parameter has its numbers before the run, but others in the next. */
static bool is_trained(const qn_value *v)
{
    while (v->producer && v->producer->op->flags & QN_OP_VIEW)
        v = v->producer->in[0];
    return v->is_parameter;
}

quern_status qn_prep_pack(qn_prep *p, int i, uint64_t key, size_t bytes, qn_pack_fn *fn,
                          const void *ctx, const void **out, quern_error *err)
{
    const qn_tensor *t = p->instr->in[i];
    const qn_value *value = p->instr->node->in[i];
    *out = NULL;
    if (!t || !t->data || (!value->constant && is_trained(value))) return QUERN_OK;
    p->instr->packed |= UINT32_C(1) << i;
    if (!value->constant || !p->session) { /* known in this plan or run only */
        void *data;
        QN_TRY(qn_arena_raw(p->arena, bytes, &data, err));
        fn(data, t, ctx);
        *out = data;
        return QUERN_OK;
    }
    qn_pack wanted = {
        .value = value, .key = key, .bytes = bytes, .pack = fn, .ctx = ctx};
    return find_or_pack(p->session, &wanted, t, out, err);
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
    qn_pack wanted = {.value = value,
                      .key = UINT64_MAX, /* no packer's key */
                      .bytes = qn_tensor_bytes(t),
                      .pack = copy_plain};
    QN_TRY(find_or_pack(session, &wanted, t, &p, err));
    t->data = (void *)(uintptr_t)p;
    return QUERN_OK;
}

void qn_packs_refresh(qn_session *session)
{
    for (qn_pack *k = session->packs; k; k = k->next)
        if (k->value->is_parameter) refresh(k);
}
