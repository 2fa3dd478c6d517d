/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/scan.c - a body over slices of its inputs, with state; ONNX Scan-25.
 *
 * Scan-8 had a batch axis in front of everything and an input of sequence lengths; it
 * is run item by item, with the attribute `batched` that lowering sets. */
#include "engine/body.h"

#include <string.h>

typedef struct scan_params {
    qn_graph *body;
    int64_t num_scan_inputs, batched;
    qn_ints scan_input_axes, scan_input_directions;
    qn_ints scan_output_axes, scan_output_directions;
} scan_params;

static quern_status scan_lower(qn_graph *g, qn_node *node, quern_error *err)
{
    (void)g;
    if (node->opset >= 9) return QUERN_OK;
    if (node->n_in > 0 && node->in[0])
        return qn_fail(err, QUERN_UNSUPPORTED, "sequence_lens of Scan-8");
    node->in++;
    node->n_in--;
    const qn_attr_value *directions = qn_node_attr(node, "directions");
    if (directions) {
        qn_attr_value a = *directions;
        a.name = "scan_input_directions";
        QN_TRY(qn_node_set_attr(node, &a, err));
        qn_node_drop_attr(node, "directions");
    }
    return qn_node_set_int(node, "batched", 1, err);
}

static quern_dtype scan_out_dtype(const qn_node *node, int i)
{
    return qn_body_out_dtype(node, i, 0);
}

static quern_status check_list(const char *name, const qn_ints *list, int64_t n,
                               quern_error *err)
{
    if (!list->v || list->n == n) return QUERN_OK;
    return qn_fail(err, QUERN_INVALID, "%s has %lld entries, not %lld", name,
                   (long long)list->n, (long long)n);
}

static quern_status scan_check(const qn_node *node, quern_error *err)
{
    const scan_params *p = node->params;
    int n_in = node->n_in - node->n_captures;
    int64_t n_states = n_in - p->num_scan_inputs, n_stacked;
    if (p->num_scan_inputs < 1 || n_states < 0 || p->body->n_inputs != n_in ||
        p->body->n_outputs < n_states || node->n_out > p->body->n_outputs)
        return qn_fail(err, QUERN_INVALID,
                       "%d inputs of which %lld are scanned do not fit a body with %d "
                       "inputs and %d outputs",
                       n_in, (long long)p->num_scan_inputs, p->body->n_inputs,
                       p->body->n_outputs);
    for (int i = 0; i < n_in; i++)
        if (!node->in[i]) return qn_fail(err, QUERN_INVALID, "input %d is absent", i);
    n_stacked = p->body->n_outputs - n_states;
    QN_TRY(check_list("scan_input_axes", &p->scan_input_axes, p->num_scan_inputs, err));
    QN_TRY(check_list("scan_input_directions", &p->scan_input_directions,
                      p->num_scan_inputs, err));
    QN_TRY(check_list("scan_output_axes", &p->scan_output_axes, n_stacked, err));
    return check_list("scan_output_directions", &p->scan_output_directions, n_stacked,
                      err);
}

/* ---- one scan ---- */

typedef struct scan {
    const scan_params *p;
    const qn_exec *x;
    qn_body body;
    qn_carry carry;
    qn_stack *stacks;
    int n_stacks, n_states;
    const qn_tensor *const *in; /* states, then scanned inputs */
    const qn_tensor **fresh;
} scan;

static int64_t at(const qn_ints *list, int i)
{
    return list->v ? list->v[i] : 0;
}

static quern_status input_axis(const scan *s, int i, int *axis, quern_error *err)
{
    const qn_tensor *t = s->in[s->n_states + i];
    if (t->rank < 1)
        return qn_fail(err, QUERN_SHAPE, "scanned input %d is a scalar", i);
    return qn_axis(at(&s->p->scan_input_axes, i), t->rank, false, axis, err);
}

static quern_status length(const scan *s, int64_t *n, quern_error *err)
{
    for (int i = 0; i < s->p->num_scan_inputs; i++) {
        int axis;
        QN_TRY(input_axis(s, i, &axis, err));
        int64_t d = s->in[s->n_states + i]->dim[axis];
        if (i > 0 && d != *n)
            return qn_fail(err, QUERN_SHAPE,
                           "scanned input %d has %lld slices, the first has %lld", i,
                           (long long)d, (long long)*n);
        *n = d;
    }
    return QUERN_OK;
}

/* Slice k of scanned input i, in the memory of the body's input. */
static quern_status take_slice(const scan *s, int i, int64_t k, quern_error *err)
{
    const qn_tensor *t = s->in[s->n_states + i];
    qn_tensor *slice = &s->body.inputs[s->n_states + i];
    int axis;
    QN_TRY(input_axis(s, i, &axis, err));
    if (!slice->data) {
        *slice = (qn_tensor){.dtype = t->dtype, .rank = t->rank - 1};
        for (int d = 0; d < slice->rank; d++)
            slice->dim[d] = t->dim[d < axis ? d : d + 1];
        QN_TRY(qn_tensor_alloc(s->x->arena, slice, err));
    }
    int64_t n = t->dim[axis], outer = qn_dims_count(t, 0, axis);
    size_t inner =
        (size_t)qn_dims_count(t, axis + 1, t->rank) * qn_dtype_size(t->dtype);
    if (at(&s->p->scan_input_directions, i)) k = n - 1 - k;
    for (int64_t o = 0; o < outer && inner; o++)
        memcpy((char *)slice->data + (size_t)o * inner,
               (const char *)t->data + (size_t)(o * n + k) * inner, inner);
    return QUERN_OK;
}

static quern_status scan_turn(scan *s, int64_t k, quern_error *err)
{
    for (int i = 0; i < s->n_states; i++)
        s->body.inputs[i] = s->carry.values[i];
    for (int i = 0; i < s->p->num_scan_inputs; i++)
        QN_TRY(take_slice(s, i, k, err));
    QN_TRY(qn_body_run(&s->body, err));
    for (int i = 0; i < s->n_states; i++)
        s->fresh[i] = qn_body_output(&s->body, i);
    for (int i = 0; i < s->n_stacks; i++)
        QN_TRY(qn_stack_push(&s->stacks[i], qn_body_output(&s->body, s->n_states + i),
                             err));
    return qn_carry_take(&s->carry, s->fresh, err);
}

static quern_status scan_begin(scan *s, const qn_instr *instr, quern_error *err)
{
    const qn_graph *g = s->p->body;
    void *p, *q;
    s->n_states = g->n_inputs - (int)s->p->num_scan_inputs;
    QN_TRY(qn_carry_init(&s->carry, s->x, s->n_states, err));
    QN_TRY(qn_body_init(&s->body, instr, s->x, g, err));
    QN_TRY(
        qn_arena_array(s->x->arena, (size_t)g->n_outputs, sizeof(qn_stack), &p, err));
    QN_TRY(qn_arena_array(s->x->arena, (size_t)g->n_inputs, sizeof(void *), &q, err));
    s->stacks = p;
    s->fresh = q;
    for (int i = s->n_states; i < g->n_outputs; i++)
        qn_stack_init(&s->stacks[s->n_stacks++], s->x);
    return qn_carry_take(&s->carry, s->in, err);
}

/* Scans and leaves final states and stacks in out[0..n). */
static quern_status scan_all(scan *s, const qn_instr *instr, qn_tensor *const *out,
                             quern_error *err)
{
    int64_t n = 0;
    QN_TRY(scan_begin(s, instr, err));
    QN_TRY(length(s, &n, err));
    for (int64_t k = 0; k < n; k++) {
        QN_TRY(qn_body_may_go_on(s->x, k, err));
        QN_TRY(scan_turn(s, k, err));
    }
    for (int i = 0; i < instr->n_out; i++) {
        if (!out[i]) continue;
        if (i < s->n_states) {
            QN_TRY(qn_tensor_copy(s->x->arena, out[i], &s->carry.values[i], err));
            continue;
        }
        int j = i - s->n_states;
        QN_TRY(qn_stack_take(&s->stacks[j], s->x, at(&s->p->scan_output_axes, j),
                             at(&s->p->scan_output_directions, j) != 0,
                             s->p->body->outputs[i], out[i], err));
    }
    return QUERN_OK;
}

static quern_status scan_once(const qn_instr *instr, const qn_exec *x,
                              const qn_tensor *const *in, qn_tensor *const *out,
                              quern_error *err)
{
    scan s = {.p = instr->params, .x = x, .in = in};
    quern_status status = scan_all(&s, instr, out, err);
    for (int i = 0; i < s.n_stacks; i++)
        qn_stack_done(&s.stacks[i]);
    qn_carry_done(&s.carry);
    return status;
}

/* ---- Scan-8: item by item ---- */

static quern_status batch_size(const qn_instr *instr, int n_in, int64_t *batch,
                               quern_error *err)
{
    for (int i = 0; i < n_in; i++) {
        const qn_tensor *t = instr->in[i];
        if (t->rank < 1 || (i > 0 && t->dim[0] != *batch))
            return qn_fail(err, QUERN_SHAPE, "input %d has shape %s, the batch is %lld",
                           i, QN_SHAPE(t), (long long)(i ? *batch : 0));
        *batch = t->dim[0];
    }
    return QUERN_OK;
}

static quern_status scan_batched(const qn_instr *instr, const qn_exec *x, int n_in,
                                 quern_error *err)
{
    int64_t batch = 0;
    void *p, *q, *r, *s;
    QN_TRY(batch_size(instr, n_in, &batch, err));
    QN_TRY(qn_arena_array(x->arena, (size_t)n_in, sizeof(qn_tensor), &p, err));
    QN_TRY(qn_arena_array(x->arena, (size_t)n_in, sizeof(void *), &q, err));
    QN_TRY(qn_arena_array(x->arena, (size_t)instr->n_out, sizeof(qn_tensor), &r, err));
    QN_TRY(qn_arena_array(x->arena, (size_t)instr->n_out, sizeof(void *), &s, err));
    qn_tensor *item = p, *made = r, **out = s;
    const qn_tensor **in = q;
    for (int64_t b = 0; b < batch; b++) {
        for (int i = 0; i < n_in; i++) {
            const qn_tensor *t = instr->in[i];
            qn_set_shape(&item[i], t->dtype, t->rank - 1, t->dim + 1);
            item[i].data = (char *)t->data + (size_t)b * qn_tensor_bytes(&item[i]);
            in[i] = &item[i];
        }
        for (int i = 0; i < instr->n_out; i++)
            out[i] = instr->out[i] ? &made[i] : NULL;
        QN_TRY(scan_once(instr, x, in, out, err));
        for (int i = 0; i < instr->n_out; i++) {
            qn_tensor *to = instr->out[i];
            if (!to) continue;
            if (b == 0) {
                *to = (qn_tensor){.dtype = made[i].dtype, .rank = made[i].rank + 1};
                to->dim[0] = batch;
                for (int d = 0; d < made[i].rank; d++)
                    to->dim[d + 1] = made[i].dim[d];
                QN_TRY(qn_exec_output(x, to, err));
            }
            size_t bytes = qn_tensor_bytes(&made[i]);
            if (bytes)
                memcpy((char *)to->data + (size_t)b * bytes, made[i].data, bytes);
        }
    }
    return QUERN_OK;
}

static quern_status scan_run(const qn_instr *instr, const qn_exec *x, quern_error *err)
{
    const scan_params *p = instr->params;
    if (p->batched)
        return scan_batched(instr, x, instr->n_in - instr->node->n_captures, err);
    return scan_once(instr, x, instr->in, instr->out, err);
}

static const qn_attr scan_attrs[] = {
    QN_GRAPH_ATTR(scan_params, body),
    QN_REQUIRED(scan_params, num_scan_inputs, QN_ATTR_INT),
    QN_INT(scan_params, batched, 0),
    QN_INTS(scan_params, scan_input_axes),
    QN_INTS(scan_params, scan_input_directions),
    QN_INTS(scan_params, scan_output_axes),
    QN_INTS(scan_params, scan_output_directions),
    QN_ATTRS_END,
};

const qn_op qn_op_scan = {
    .name = "Scan",
    .since = 25,
    .first = 8,
    .min_in = 1,
    .max_in = -1,
    .min_out = 1,
    .max_out = -1,
    .flags = QN_OP_DYNAMIC | QN_OP_SUBGRAPH,
    .attrs = scan_attrs,
    .params_size = sizeof(scan_params),
    .out_dtype = scan_out_dtype,
    .lower = scan_lower,
    .check = scan_check,
    .run = scan_run,
};
