/* SPDX-License-Identifier: Apache-2.0 */
/* engine/half.c - runs float16 and bfloat16 nodes in float32.
 *
 * Rows with QN_OP_HALF_AS_F32 are written for float32 only; a step with half-precision
 * operands gets float32 stand-ins, filled before run and read back after it. */
#include "engine/plan.h"

#include "kernels/convert.h"

typedef struct pair {
    qn_tensor *half; /* the true operand */
    qn_tensor f32;   /* what the kernel sees */
    bool is_ready;   /* a constant, converted once */
} pair;

struct qn_half {
    pair *in, *out; /* pairs that are not half-precision have half NULL */
    int n_in, n_out;
};

static bool wants(const qn_tensor *t)
{
    return t && t->kind == QN_TENSOR && qn_dtype_is_half(t->dtype);
}

static void widen(const qn_tensor *from, qn_tensor *to)
{
    int64_t n = qn_tensor_count(from);
    if (from->dtype == QUERN_FLOAT16)
        qn_half_to_f32(from->data, to->data, n);
    else
        qn_bf16_to_f32(from->data, to->data, n);
}

static void narrow(const qn_tensor *from, qn_tensor *to)
{
    int64_t n = qn_tensor_count(to);
    if (to->dtype == QUERN_FLOAT16)
        qn_f32_to_half(from->data, to->data, n);
    else
        qn_f32_to_bf16(from->data, to->data, n);
}

/* The stand-in of one operand; *shown is what the instruction will point at. */
static quern_status make_pair(qn_arena *arena, pair *p, qn_tensor *t, quern_error *err)
{
    p->half = t;
    p->f32 = *t;
    p->f32.dtype = QUERN_FLOAT;
    p->f32.data = NULL;
    if (!t->data) return QUERN_OK;
    QN_TRY(qn_tensor_alloc(arena, &p->f32, err));
    widen(t, &p->f32);
    p->is_ready = true;
    return QUERN_OK;
}

quern_status qn_half_make(qn_arena *arena, qn_instr *instr, qn_half **half,
                          quern_error *err)
{
    bool any = false;
    *half = NULL;
    if (!(instr->op->flags & QN_OP_HALF_AS_F32)) return QUERN_OK;
    for (int i = 0; i < instr->n_in; i++)
        any = any || wants(instr->in[i]);
    for (int i = 0; i < instr->n_out; i++)
        any = any || wants(instr->out[i]);
    if (!any) return QUERN_OK;
    void *p, *in, *out;
    QN_TRY(qn_arena_alloc(arena, sizeof(qn_half), &p, err));
    QN_TRY(qn_arena_array(arena, (size_t)instr->n_in, sizeof(pair), &in, err));
    QN_TRY(qn_arena_array(arena, (size_t)instr->n_out, sizeof(pair), &out, err));
    qn_half *h = p;
    *h = (qn_half){.in = in, .out = out, .n_in = instr->n_in, .n_out = instr->n_out};
    for (int i = 0; i < h->n_in; i++)
        if (wants(instr->in[i])) {
            QN_TRY(
                make_pair(arena, &h->in[i], (qn_tensor *)(uintptr_t)instr->in[i], err));
            instr->in[i] = &h->in[i].f32;
        }
    for (int i = 0; i < h->n_out; i++)
        if (wants(instr->out[i])) {
            qn_tensor *t = instr->out[i];
            h->out[i] = (pair){.half = t, .f32 = *t};
            h->out[i].f32.dtype = QUERN_FLOAT;
            h->out[i].f32.data = NULL;
            instr->out[i] = &h->out[i].f32;
        }
    *half = h;
    return QUERN_OK;
}

static size_t padded(const qn_tensor *t)
{
    return (qn_tensor_bytes(t) + QN_ALIGN - 1) & ~(size_t)(QN_ALIGN - 1);
}

size_t qn_half_scratch(const qn_half *half)
{
    size_t n = 0;
    for (int i = 0; i < half->n_in; i++)
        if (half->in[i].half && !half->in[i].is_ready) n += padded(&half->in[i].f32);
    for (int i = 0; i < half->n_out; i++)
        if (half->out[i].half) n += padded(&half->out[i].f32);
    return n;
}

void qn_half_place(qn_half *half, void *memory)
{
    char *at = memory;
    for (int i = 0; i < half->n_in; i++)
        if (half->in[i].half && !half->in[i].is_ready) {
            half->in[i].f32.data = at;
            at += padded(&half->in[i].f32);
        }
    for (int i = 0; i < half->n_out; i++)
        if (half->out[i].half) {
            half->out[i].f32.data = at;
            at += padded(&half->out[i].f32);
        }
}

void qn_half_load(const qn_half *half)
{
    for (int i = 0; i < half->n_in; i++)
        if (half->in[i].half && !half->in[i].is_ready)
            widen(half->in[i].half, &half->in[i].f32);
}

void qn_half_store(const qn_half *half)
{
    for (int i = 0; i < half->n_out; i++)
        if (half->out[i].half) narrow(&half->out[i].f32, half->out[i].half);
}
