/* SPDX-License-Identifier: Apache-2.0 */
/* engine/eval.c - one node, computed here and now: constant folding and the steps whose
 * shapes are known only while running. */
#include "engine/eval.h"

#include "engine/session.h"

#include <string.h>

quern_status qn_exec_output(const qn_exec *x, qn_tensor *out, quern_error *err)
{
    QN_TRY(qn_tensor_check(out, err));
    return qn_tensor_alloc(x->arena, out, err);
}

quern_status qn_exec_string(const qn_exec *x, const char *p, size_t n, qn_str *out,
                            quern_error *err)
{
    out->n = n;
    return qn_arena_text(x->arena, p, n, &out->p, err);
}

quern_status qn_run_copy(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)x;
    (void)err;
    size_t bytes = qn_tensor_bytes(i->in[0]);
    if (bytes && i->out[0]->data != i->in[0]->data)
        memcpy(i->out[0]->data, i->in[0]->data, bytes);
    return QUERN_OK;
}

quern_status qn_check_types(const qn_node *node, const qn_tensor *const *in,
                            quern_error *err)
{
    for (int i = 0; i < node->n_in - node->n_captures; i++) {
        if (!in[i]) continue;
        if (in[i]->kind != QN_TENSOR) {
            if (node->op->flags & (QN_OP_ANY_KIND | QN_OP_SUBGRAPH)) continue;
            return qn_fail(err, QUERN_SHAPE, "input %d is a %s, not a tensor", i,
                           in[i]->kind == QN_SEQUENCE ? "sequence"
                                                      : "missing optional");
        }
        if (!(qn_op_types(node->op, i) & QN_BIT(in[i]->dtype)))
            return qn_fail(err, QUERN_UNSUPPORTED,
                           "input %d has element type %s, which this operator lacks", i,
                           quern_dtype_name(in[i]->dtype));
    }
    return QUERN_OK;
}

void qn_preset_dtypes(const qn_node *node, const qn_tensor *const *in,
                      qn_tensor *const *out)
{
    const qn_op *op = node->op;
    for (int i = 0; i < node->n_out; i++) {
        if (!out[i]) continue;
        quern_dtype t = op->out_dtype ? op->out_dtype(node, i) : op->out_type;
        if (t == QUERN_UNDEFINED && node->n_in > 0 && in[0]) t = in[0]->dtype;
        if (t == QUERN_UNDEFINED && node->out[i]) t = node->out[i]->dtype;
        out[i]->dtype = t;
    }
}

quern_status qn_infer_node(const qn_node *node, const qn_tensor *const *in,
                           qn_tensor *const *out, quern_error *err)
{
    QN_TRY(qn_check_types(node, in, err));
    qn_preset_dtypes(node, in, out);
    qn_infer ctx = {.node = node,
                    .params = node->params,
                    .n_in = node->n_in - node->n_captures,
                    .n_out = node->n_out,
                    .in = in,
                    .out = out};
    if (node->op->infer) QN_TRY(node->op->infer(&ctx, err));
    if (node->op->flags & QN_OP_DYNAMIC) return QUERN_OK;
    for (int i = 0; i < node->n_out; i++)
        if (out[i]) QN_TRY(qn_tensor_check(out[i], err));
    return QUERN_OK;
}

/* Prepares and runs an instruction whose operands all have memory but scratch. */
static quern_status run_now(qn_instr *instr, const qn_exec *x, quern_error *err)
{
    qn_half *half;
    QN_TRY(qn_half_make(x->arena, instr, &half, err));
    if (half) {
        void *room;
        QN_TRY(qn_arena_raw(x->arena, qn_half_scratch(half), &room, err));
        qn_half_place(half, room);
        qn_half_load(half);
    }
    qn_prep prep = {.instr = instr,
                    .k = x->k,
                    .n_workers = qn_pool_size(x->pool),
                    .arena = x->arena,
                    .session = x->session};
    if (instr->op->prepare) QN_TRY(instr->op->prepare(&prep, err));
    if (instr->scratch_bytes)
        QN_TRY(qn_arena_raw(x->arena, instr->scratch_bytes, &instr->scratch, err));
    quern_status status = instr->op->run(instr, x, err);
    if (half && status == QUERN_OK) qn_half_store(half);
    if (instr->op->done) instr->op->done(instr);
    return status;
}

/* Large constants may lie unaligned in a mapped file. */
static quern_status align_inputs(qn_arena *arena, const qn_tensor **in, int n,
                                 quern_error *err)
{
    for (int i = 0; i < n; i++) {
        void *p;
        if (!in[i] || in[i]->kind != QN_TENSOR ||
            qn_is_aligned(in[i]->data, in[i]->dtype))
            continue;
        QN_TRY(qn_arena_alloc(arena, sizeof(qn_tensor), &p, err));
        QN_TRY(qn_tensor_copy(arena, p, in[i], err));
        in[i] = p;
    }
    return QUERN_OK;
}

quern_status qn_eval(const qn_node *node, const qn_tensor **in, qn_tensor **out,
                     const qn_exec *x, quern_error *err)
{
    quern_status status = qn_infer_node(node, in, out, err);
    bool dynamic = (node->op->flags & QN_OP_DYNAMIC) != 0;
    if (status == QN_DEFER && !dynamic)
        return qn_fail(err, QUERN_INVALID, "the output shape cannot be found");
    if (status != QUERN_OK && status != QN_DEFER) return status;
    if (!dynamic)
        for (int i = 0; i < node->n_out; i++)
            if (out[i]) QN_TRY(qn_tensor_alloc(x->arena, out[i], err));
    /* The half-precision stand-ins replace pointers, so the instruction has its own. */
    void *ins, *outs;
    QN_TRY(qn_arena_array(x->arena, (size_t)node->n_in, sizeof *in, &ins, err));
    QN_TRY(qn_arena_array(x->arena, (size_t)node->n_out, sizeof *out, &outs, err));
    if (node->n_in) memcpy(ins, in, (size_t)node->n_in * sizeof *in);
    if (node->n_out) memcpy(outs, out, (size_t)node->n_out * sizeof *out);
    QN_TRY(align_inputs(x->arena, ins, node->n_in, err));
    qn_instr instr = {.op = node->op,
                      .node = node,
                      .params = node->params,
                      .act = node->act,
                      .in = ins,
                      .out = outs,
                      .n_in = node->n_in,
                      .n_out = node->n_out};
    return run_now(&instr, x, err);
}
