/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/index_grad.c - gradients of rows that pick or place elements by index:
 * what was picked several times adds up. */
#include "engine/ops/grads.h"

#include "engine/ops/pad.h"
#include "engine/pass.h"

#include <string.h>

/* d with zeros in front of and behind each axis; fewer than none crops. */
static quern_status pad(qn_grad *g, qn_value *d, const int64_t *pads, qn_value **out,
                        quern_error *err)
{
    qn_value *in[2] = {d};
    bool any = false;
    for (int i = 0; i < 2 * d->rank; i++)
        any = any || pads[i] != 0;
    *out = d;
    if (!any) return QUERN_OK;
    QN_TRY(qn_grad_ints(g, 2 * d->rank, pads, &in[1], err));
    return qn_grad_emit(g, "", "Pad", 2, in, out, err);
}

/* The same as qn_grad_put_along with the index begin, begin + step, ... */
static quern_status put_steps(qn_grad *g, qn_value *d, int axis, int64_t begin,
                              int64_t step, int64_t n, qn_value **out, quern_error *err)
{
    void *p;
    qn_value *index;
    const size_t count = (size_t)d->dim[axis];
    QN_TRY(qn_arena_array(qn_grad_room(g), count, sizeof(int64_t), &p, err));
    int64_t *at = p;
    for (size_t k = 0; k < count; k++)
        at[k] = begin + (int64_t)k * step;
    QN_TRY(qn_grad_ints(g, d->dim[axis], at, &index, err));
    return qn_grad_put_along(g, d, axis, index, n, out, err);
}

typedef struct slices {
    int64_t n, begin[QUERN_MAX_RANK], axis[QUERN_MAX_RANK], step[QUERN_MAX_RANK];
} slices;

static quern_status read_slices(const qn_node *node, slices *s, quern_error *err)
{
    const qn_value *x = node->in[0];
    const qn_tensor *starts = qn_const_input(node, 1);
    if (!starts)
        return qn_fail(err, QUERN_UNSUPPORTED,
                       "no gradient while input 1 is not constant");
    s->n = qn_tensor_count(starts);
    QN_TRY(qn_grad_numbers(node, 1, s->n, 0, s->begin, err));
    for (int64_t k = 0; k < s->n; k++)
        s->axis[k] = k;
    if (node->n_in > 3 && node->in[3])
        QN_TRY(qn_grad_numbers(node, 3, s->n, 0, s->axis, err));
    QN_TRY(qn_grad_numbers(node, 4, s->n, 1, s->step, err));
    for (int64_t k = 0; k < s->n; k++) {
        if (s->axis[k] < 0) s->axis[k] += x->rank;
        const int64_t d = x->dim[s->axis[k]], last = s->step[k] < 0 ? d - 1 : d;
        if (s->begin[k] < 0) s->begin[k] += d;
        if (s->begin[k] > last) s->begin[k] = last;
        if (s->begin[k] < 0) s->begin[k] = 0;
    }
    return QUERN_OK;
}

/* What was cut off is zero. */
QN_GRAD(slice)
{
    slices s;
    const qn_value *x = node->in[0];
    qn_value *d = qn_grad_of(g, node, 0);
    int64_t pads[2 * QUERN_MAX_RANK] = {0};
    QN_TRY(read_slices(node, &s, err));
    for (int64_t k = 0; k < s.n; k++) {
        const int axis = (int)s.axis[k];
        const int64_t size = x->dim[axis];
        if (s.step[k] != 1) {
            QN_TRY(put_steps(g, d, axis, s.begin[k], s.step[k], size, &d, err));
            continue;
        }
        pads[axis] = s.begin[k];
        pads[x->rank + axis] = size - s.begin[k] - node->out[0]->dim[axis];
    }
    QN_TRY(pad(g, d, pads, &d, err));
    return qn_grad_add(g, node, 0, d, err);
}

/* The constant is in dY where X's gradient is not. */
static quern_status pad_constant(qn_grad *g, const qn_node *node, qn_value *dx,
                                 quern_error *err)
{
    qn_value *all, *inside, *d;
    if (!qn_grad_wants(g, node, 2)) return QUERN_OK;
    QN_TRY(qn_grad_1(g, "ReduceSum", qn_grad_of(g, node, 0), &all, err));
    QN_TRY(qn_grad_1(g, "ReduceSum", dx, &inside, err));
    QN_TRY(qn_grad_reshape_like(g, all, node->in[2], &all, err));
    QN_TRY(qn_grad_reshape_like(g, inside, node->in[2], &inside, err));
    QN_TRY(qn_grad_2(g, "Sub", all, inside, &d, err));
    return qn_grad_add(g, node, 2, d, err);
}

/* The constant is where X is not: take it off again (fewer than no pads). */
static quern_status crop(qn_grad *g, const qn_node *node, const qn_pads *pads,
                         qn_value **out, quern_error *err)
{
    int64_t less[2 * QUERN_MAX_RANK];
    const int rank = node->in[0]->rank;
    for (int i = 0; i < rank; i++) {
        less[i] = -pads->before[i];
        less[rank + i] = -pads->after[i];
    }
    QN_TRY(pad(g, qn_grad_of(g, node, 0), less, out, err));
    return pad_constant(g, node, *out, err);
}

/* Reflected and repeated borders add to where they came from. */
static quern_status fold_back(qn_grad *g, const qn_node *node, const qn_pads *pads,
                              qn_value **out, quern_error *err)
{
    void *p;
    qn_value *index;
    const qn_value *x = node->in[0];
    *out = qn_grad_of(g, node, 0);
    for (int i = 0; i < x->rank; i++) {
        const int64_t n = (*out)->dim[i];
        if (pads->before[i] == 0 && pads->after[i] == 0) continue;
        QN_TRY(qn_arena_array(qn_grad_room(g), (size_t)n, sizeof(int64_t), &p, err));
        qn_pad_map(p, n, pads->before[i], x->dim[i], pads->mode);
        QN_TRY(qn_grad_ints(g, n, p, &index, err));
        QN_TRY(qn_grad_put_along(g, *out, i, index, x->dim[i], out, err));
    }
    return QUERN_OK;
}

QN_GRAD(pad)
{
    qn_pads pads;
    qn_value *d;
    qn_tensor shape = {0};
    const qn_value *x = node->in[0];
    qn_set_shape(&shape, x->dtype, x->rank, x->dim);
    const qn_tensor *in[4] = {&shape, qn_const_input(node, 1), NULL,
                              qn_const_input(node, 3)};
    if (!in[1] || (node->n_in > 3 && node->in[3] && !in[3]))
        return qn_fail(err, QUERN_UNSUPPORTED,
                       "no gradient while the pads are not constant");
    QN_TRY(qn_pads_read(node->params, in, 4, &pads, err));
    QN_TRY(pads.mode == QN_PAD_CONSTANT ? crop(g, node, &pads, &d, err)
                                        : fold_back(g, node, &pads, &d, err));
    return qn_grad_add(g, node, 0, d, err);
}

/* One slice, known: padded with zeros. */
static quern_status put_slice(qn_grad *g, const qn_node *node, int axis, int64_t at,
                              qn_value **out, quern_error *err)
{
    const qn_value *x = node->in[0];
    qn_value *d;
    int64_t dim[QUERN_MAX_RANK], pads[2 * QUERN_MAX_RANK] = {0};
    memcpy(dim, x->dim, sizeof dim);
    dim[axis] = 1;
    QN_TRY(qn_grad_to_shape(g, qn_grad_of(g, node, 0), x->rank, dim, &d, err));
    pads[axis] = at < 0 ? at + x->dim[axis] : at;
    pads[x->rank + axis] = x->dim[axis] - 1 - pads[axis];
    return pad(g, d, pads, out, err);
}

QN_GRAD(gather)
{
    int axis;
    const qn_value *x = node->in[0];
    const qn_tensor *index = qn_const_input(node, 1);
    qn_value *d = qn_grad_of(g, node, 0);
    int64_t dim[QUERN_MAX_RANK], n = 1;
    if (!qn_grad_wants(g, node, 0)) return QUERN_OK;
    QN_TRY(qn_axis(qn_node_int(node, "axis", 0), x->rank, false, &axis, err));
    if (index && qn_tensor_count(index) == 1) {
        QN_TRY(put_slice(g, node, axis, qn_get_int(index, 0), &d, err));
        return qn_grad_add(g, node, 0, d, err);
    }
    for (int i = 0; i < node->in[1]->rank; i++)
        n *= node->in[1]->dim[i];
    memcpy(dim, x->dim, sizeof dim);
    dim[axis] = n;
    QN_TRY(qn_grad_to_shape(g, d, x->rank, dim, &d, err));
    QN_TRY(qn_grad_put_along(g, d, axis, node->in[1], x->dim[axis], &d, err));
    return qn_grad_add(g, node, 0, d, err);
}

/* ---- by elements (GatherElements, ScatterElements), by sub-tensors (..ND) ---- */

static bool is_nd(const qn_node *node)
{
    return strstr(node->op->name, "ND") != NULL;
}

static quern_status append_like(qn_grad *g, const qn_node *node, qn_node *made,
                                qn_value **out, quern_error *err)
{
    if (qn_node_int(node, "batch_dims", 0) != 0)
        return qn_fail(err, QUERN_UNSUPPORTED, "no gradient for batch_dims");
    if (!is_nd(node))
        QN_TRY(qn_node_set_int(made, "axis", qn_node_int(node, "axis", 0), err));
    QN_TRY(qn_grad_append(g, made, err));
    *out = made->out[0];
    return QUERN_OK;
}

/* From d what node's index says. */
static quern_status pick(qn_grad *g, const qn_node *node, qn_value *d, qn_value **out,
                         quern_error *err)
{
    qn_node *made;
    const char *op_type = is_nd(node) ? "GatherND" : "GatherElements";
    QN_TRY(
        qn_grad_node(g, "", op_type, 2, (qn_value *[]){d, node->in[1]}, 1, &made, err));
    return append_like(g, node, made, out, err);
}

/* `into`, with `what` where node's index says. */
static quern_status place(qn_grad *g, const qn_node *node, bool adds,
                          qn_value *const into_what[2], qn_value **out,
                          quern_error *err)
{
    qn_node *made;
    qn_value *in[] = {into_what[0], node->in[1], into_what[1]};
    const char *op_type = is_nd(node) ? "ScatterND" : "ScatterElements";
    QN_TRY(qn_grad_node(g, "", op_type, 3, in, 1, &made, err));
    QN_TRY(qn_node_set_str(made, "reduction", adds ? "add" : "none", err));
    return append_like(g, node, made, out, err);
}

/* What was picked goes back to its place, on zeros. */
static quern_status put_back(qn_grad *g, const qn_node *node, quern_error *err)
{
    qn_value *both[2] = {NULL, qn_grad_of(g, node, 0)}, *d;
    if (!qn_grad_wants(g, node, 0)) return QUERN_OK;
    QN_TRY(qn_grad_zeros(g, node->in[0], &both[0], err));
    QN_TRY(place(g, node, true, both, &d, err));
    return qn_grad_add(g, node, 0, d, err);
}

/* Updates get what stands in their place; what they replaced gets nothing. */
static quern_status take_out(qn_grad *g, const qn_node *node, quern_error *err)
{
    qn_value *dy = qn_grad_of(g, node, 0), *both[2] = {dy}, *d = dy;
    const qn_attr_value *reduction = qn_node_attr(node, "reduction");
    const bool adds = qn_node_str_is(node, "reduction", "add");
    if (reduction && !adds && !qn_node_str_is(node, "reduction", "none"))
        return qn_fail(err, QUERN_UNSUPPORTED, "no gradient for this reduction");
    if (qn_grad_wants(g, node, 0) && !adds) {
        QN_TRY(qn_grad_zeros(g, node->in[2], &both[1], err));
        QN_TRY(place(g, node, false, both, &d, err));
    }
    QN_TRY(qn_grad_add(g, node, 0, d, err));
    if (!qn_grad_wants(g, node, 2)) return QUERN_OK;
    QN_TRY(pick(g, node, dy, &d, err));
    return qn_grad_add(g, node, 2, d, err);
}

QN_GRAD(gather_elements)
{
    return put_back(g, node, err);
}

QN_GRAD(gather_nd)
{
    return put_back(g, node, err);
}

QN_GRAD(scatter_elements)
{
    return take_out(g, node, err);
}

QN_GRAD(scatter_nd)
{
    return take_out(g, node, err);
}
