/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/rnn.c - RNN, GRU and LSTM: attributes and shapes; ONNX -22.  The work is
 * done in recurrent.c. */
#include "engine/ops/rnn.h"

#include <string.h>

int qn_rnn_directions(const qn_rnn_params *p)
{
    return strcmp(p->direction, "bidirectional") == 0 ? 2 : 1;
}

/* name in lower case, kind, takes alpha, takes beta, their defaults */
static const struct act_row {
    const char *name;
    qn_cell_act_kind kind;
    bool alpha, beta;
    float alpha0, beta0;
} act_rows[] = {
    {"sigmoid", QN_CELL_SIGMOID, false, false, 0, 0},
    {"tanh", QN_CELL_TANH, false, false, 0, 0},
    {"relu", QN_CELL_RELU, false, false, 0, 0},
    {"affine", QN_CELL_AFFINE, true, true, 1, 0},
    {"leakyrelu", QN_CELL_LEAKY_RELU, true, false, 0.01f, 0},
    {"thresholdedrelu", QN_CELL_THRESHOLDED_RELU, true, false, 1, 0},
    {"scaledtanh", QN_CELL_SCALED_TANH, true, true, 1, 1},
    {"hardsigmoid", QN_CELL_HARD_SIGMOID, true, true, 0.2f, 0.5f},
    {"elu", QN_CELL_ELU, true, false, 1, 0},
    {"softsign", QN_CELL_SOFTSIGN, false, false, 0, 0},
    {"softplus", QN_CELL_SOFTPLUS, false, false, 0, 0},
};

static const struct act_row *find_act(const char *p, size_t n)
{
    for (size_t r = 0; r < sizeof act_rows / sizeof act_rows[0]; r++) {
        const char *name = act_rows[r].name;
        size_t j = 0;
        while (j < n && name[j] && (p[j] | 0x20) == name[j])
            j++;
        if (j == n && !name[j]) return &act_rows[r];
    }
    return NULL;
}

/* alpha and beta are consumed in order, by the functions that take them only. */
quern_status qn_rnn_cell(const qn_rnn_params *p, qn_rnn_kind kind, int d, qn_cell *cell,
                         quern_error *err)
{
    static const char *const otherwise[] = {"Sigmoid", "Tanh", "Tanh"};
    const int each = kind == QN_LSTM ? 3 : kind == QN_GRU ? 2 : 1;
    const int all = each * qn_rnn_directions(p);
    if (p->activations.v && p->activations.n != all)
        return qn_fail(err, QUERN_INVALID, "%lld activations, but %d are needed",
                       (long long)p->activations.n, all);
    int64_t alpha = 0, beta = 0;
    for (int k = 0; k < (d + 1) * each; k++) {
        qn_str name = {otherwise[k % each], strlen(otherwise[k % each])};
        if (kind == QN_RNN) name = (qn_str){"Tanh", 4};
        if (p->activations.v) name = p->activations.v[k];
        const struct act_row *row = find_act(name.p, name.n);
        if (!row)
            return qn_fail(err, QUERN_INVALID, "activation \"%.*s\" is not known",
                           (int)(name.n < 40 ? name.n : 40), name.p);
        qn_cell_act act = {row->kind, row->alpha0, row->beta0};
        if (row->alpha && alpha < p->activation_alpha.n)
            act.alpha = p->activation_alpha.v[alpha++];
        if (row->beta && beta < p->activation_beta.n)
            act.beta = p->activation_beta.v[beta++];
        if (k >= d * each) cell->act[k - d * each] = act;
    }
    cell->clip = p->clip;
    cell->coupled = p->input_forget != 0;
    return QUERN_OK;
}

static quern_status check_cells(const qn_node *node, qn_rnn_kind kind, quern_error *err)
{
    const qn_rnn_params *p = node->params;
    const char *way = p->direction;
    if (strcmp(way, "forward") != 0 && strcmp(way, "reverse") != 0 &&
        strcmp(way, "bidirectional") != 0)
        return qn_fail(err, QUERN_INVALID, "direction is \"%s\"", way);
    qn_cell cell;
    return qn_rnn_cell(p, kind, qn_rnn_directions(p) - 1, &cell, err);
}

/* Input k, if there, must have this shape. */
static quern_status expect(const qn_infer *x, int k, const char *name, int rank,
                           const int64_t *dim, quern_error *err)
{
    const qn_tensor *t = k < x->n_in ? x->in[k] : NULL;
    if (!t) return QUERN_OK;
    qn_tensor want = {0};
    qn_set_shape(&want, t->dtype, rank, dim);
    if (qn_same_shape(t, &want)) return QUERN_OK;
    return qn_fail(err, QUERN_SHAPE, "%s is %s, but X and R ask for %s", name,
                   QN_SHAPE(t), QN_SHAPE(&want));
}

static quern_status infer_cells(const qn_infer *x, qn_rnn_kind kind, quern_error *err)
{
    const qn_rnn_params *p = x->params;
    const qn_tensor *in = x->in[RNN_X], *r = x->in[RNN_R];
    if (in->rank != 3 || r->rank != 3)
        return qn_fail(err, QUERN_SHAPE, "X is %s and R is %s; both need rank 3",
                       QN_SHAPE(in), QN_SHAPE(r));
    const int64_t steps = in->dim[p->layout ? 1 : 0],
                  batch = in->dim[p->layout ? 0 : 1];
    const int64_t ways = qn_rnn_directions(p), h = r->dim[2], g = kind;
    if (p->hidden_size && p->hidden_size != h)
        return qn_fail(err, QUERN_SHAPE, "hidden_size is %lld but R is %s",
                       (long long)p->hidden_size, QN_SHAPE(r));
    if (h > INT64_MAX / 16)
        return qn_fail(err, QUERN_LIMIT, "R is %s, too large", QN_SHAPE(r));
    const int64_t state[3] = {p->layout ? batch : ways, p->layout ? ways : batch, h};
    QN_TRY(expect(x, RNN_W, "W", 3, (int64_t[]){ways, g * h, in->dim[2]}, err));
    QN_TRY(expect(x, RNN_R, "R", 3, (int64_t[]){ways, g * h, h}, err));
    QN_TRY(expect(x, RNN_B, "B", 2, (int64_t[]){ways, 2 * g * h}, err));
    QN_TRY(expect(x, RNN_LENS, "sequence_lens", 1, &batch, err));
    QN_TRY(expect(x, RNN_H0, "initial_h", 3, state, err));
    QN_TRY(expect(x, RNN_C0, "initial_c", 3, state, err));
    QN_TRY(expect(x, RNN_P, "P", 2, (int64_t[]){ways, 3 * h}, err));
    if (x->n_out > 0 && x->out[0]) {
        const int64_t rows[4] = {steps, ways, batch, h},
                      flat[4] = {batch, steps, ways, h};
        qn_set_shape(x->out[0], x->out[0]->dtype, 4, p->layout ? flat : rows);
    }
    for (int k = 1; k < x->n_out; k++)
        if (x->out[k]) qn_set_shape(x->out[k], x->out[k]->dtype, 3, state);
    return QUERN_OK;
}

/* output_sequence of version 1 told whether Y is wanted; now its name tells. */
static quern_status rnn_lower(qn_graph *g, qn_node *node, quern_error *err)
{
    (void)g;
    (void)err;
    if (node->opset < 7) qn_node_drop_attr(node, "output_sequence");
    return QUERN_OK;
}

static double rnn_macs(const qn_infer *x)
{
    const qn_tensor *in = x->in[RNN_X], *w = x->in[RNN_W], *r = x->in[RNN_R];
    return (double)in->dim[0] * (double)in->dim[1] *
           (double)(qn_tensor_count(w) + qn_tensor_count(r));
}

#define RNN_ATTRS                                                                    \
    QN_STRS(qn_rnn_params, activations), QN_FLOATS(qn_rnn_params, activation_alpha), \
        QN_FLOATS(qn_rnn_params, activation_beta), QN_FLOAT(qn_rnn_params, clip, 0), \
        QN_STR(qn_rnn_params, direction, "forward"),                                 \
        QN_INT(qn_rnn_params, hidden_size, 0), QN_INT(qn_rnn_params, layout, 0)

static const qn_attr rnn_attrs[] = {RNN_ATTRS, QN_ATTRS_END};
static const qn_attr gru_attrs[] = {
    RNN_ATTRS, QN_INT(qn_rnn_params, linear_before_reset, 0), QN_ATTRS_END};
static const qn_attr lstm_attrs[] = {RNN_ATTRS, QN_INT(qn_rnn_params, input_forget, 0),
                                     QN_ATTRS_END};

/* row, ONNX name, kind, inputs, outputs */
#define RNN_MAP(X)              \
    X(rnn, "RNN", QN_RNN, 6, 2) \
    X(gru, "GRU", QN_GRU, 6, 2) \
    X(lstm, "LSTM", QN_LSTM, 8, 3)

/* clang-format off */
#define X(row, onnx, kind, inputs, outputs)                                            \
    static quern_status row##_check(const qn_node *node, quern_error *err)             \
    {                                                                                  \
        return check_cells(node, kind, err);                                             \
    }                                                                                  \
    static quern_status row##_infer(const qn_infer *x, quern_error *err)               \
    {                                                                                  \
        return infer_cells(x, kind, err);                                                \
    }                                                                                  \
    static quern_status row##_prepare(qn_prep *p, quern_error *err)                    \
    {                                                                                  \
        return qn_rnn_prepare(p, kind, err);                                           \
    }                                                                                  \
    static quern_status row##_run(const qn_instr *i, const qn_exec *x, quern_error *err) \
    {                                                                                  \
        return qn_rnn_run(i, x, kind, err);                                            \
    }                                                                                  \
    const qn_op qn_op_##row = {                                                        \
        .name = onnx, .since = 22, .min_in = 3, .max_in = inputs,                      \
        .min_out = 0, .max_out = outputs,                                              \
        .flags = QN_OP_HALF_AS_F32,                                                    \
        .attrs = row##_attrs, .params_size = sizeof(qn_rnn_params),                    \
        .types = {QN_T_FLOATS, QN_T_FLOATS, QN_T_FLOATS, QN_T_FLOATS,                  \
                  QN_BIT(QUERN_INT32), QN_T_FLOATS},                                   \
        .lower = rnn_lower, .check = row##_check, .infer = row##_infer,                \
        .prepare = row##_prepare, .run = row##_run, .macs = rnn_macs,                  \
    };
RNN_MAP(X)
#undef X
/* clang-format on */
