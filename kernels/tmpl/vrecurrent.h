/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/vrecurrent.h - cells of recurrent networks for SUF f32 or f64. */
#define T QN_OF(t)

static T QN_OF(cell_sigmoid)(T x)
{
    return 1 / (1 + QN_OF(exp)(-x));
}

static T QN_OF(cell_act_one)(const qn_cell_act *act, T x)
{
    const T alpha = (T)act->alpha, beta = (T)act->beta;
    T y;
    switch (act->kind) {
    case QN_CELL_AFFINE:
        return alpha * x + beta;
    case QN_CELL_LEAKY_RELU:
        return x < 0 ? alpha * x : x;
    case QN_CELL_THRESHOLDED_RELU:
        return x > alpha ? x : 0;
    case QN_CELL_SCALED_TANH:
        return alpha * QN_OF(tanh)(beta * x);
    case QN_CELL_HARD_SIGMOID:
        y = alpha * x + beta;
        return y < 0 ? 0 : y > 1 ? 1 : y;
    case QN_CELL_ELU:
        return x < 0 ? alpha * (T)expm1((double)x) : x;
    case QN_CELL_SOFTSIGN:
        return x / (1 + (x < 0 ? -x : x));
    case QN_CELL_SOFTPLUS:
        return (x > 0 ? x : 0) + (T)log1p(exp(-fabs((double)x)));
    default:
        return x < 0 ? 0 : x; /* Relu */
    }
}

static void QN_OF(cell_act)(const qn_cell *c, int which, T *x, int64_t n)
{
    const qn_cell_act *act = &c->act[which];
    const T clip = (T)c->clip;
    if (clip > 0)
        for (int64_t i = 0; i < n; i++)
            x[i] = x[i] > clip ? clip : x[i] < -clip ? -clip : x[i];
    if (act->kind == QN_CELL_SIGMOID)
        for (int64_t i = 0; i < n; i++)
            x[i] = QN_OF(cell_sigmoid)(x[i]);
    else if (act->kind == QN_CELL_TANH)
        for (int64_t i = 0; i < n; i++)
            x[i] = QN_OF(tanh)(x[i]);
    else
        for (int64_t i = 0; i < n; i++)
            x[i] = QN_OF(cell_act_one)(act, x[i]);
}

void QN_OF(rnn_cell)(const qn_cell *c, T *gate, T *h)
{
    QN_OF(cell_act)(c, 0, gate, c->hidden);
    memcpy(h, gate, (size_t)c->hidden * sizeof *h);
}

static void QN_OF(add_product)(T *y, const T *a, const T *b, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        y[i] += a[i] * b[i];
}

void QN_OF(lstm_cell)(const qn_cell *c, T *gate, const T *peephole, T *state, T *h)
{
    const int64_t n = c->hidden;
    T *in = gate, *out = gate + n, *forget = gate + 2 * n, *cell = gate + 3 * n;
    if (peephole) {
        QN_OF(add_product)(in, peephole, state, n);
        QN_OF(add_product)(forget, peephole + 2 * n, state, n);
    }
    QN_OF(cell_act)(c, 0, in, n);
    if (c->coupled)
        for (int64_t i = 0; i < n; i++)
            forget[i] = 1 - in[i];
    else
        QN_OF(cell_act)(c, 0, forget, n);
    QN_OF(cell_act)(c, 1, cell, n);
    for (int64_t i = 0; i < n; i++)
        state[i] = forget[i] * state[i] + in[i] * cell[i];
    if (peephole) QN_OF(add_product)(out, peephole + n, state, n);
    QN_OF(cell_act)(c, 0, out, n);
    memcpy(cell, state, (size_t)n * sizeof *cell);
    const qn_cell plain = {.hidden = n, .act = {c->act[2]}}; /* h(C) is not clipped */
    QN_OF(cell_act)(&plain, 0, cell, n);
    for (int64_t i = 0; i < n; i++)
        h[i] = out[i] * cell[i];
}

void QN_OF(gru_gates)(const qn_cell *c, T *gate, const T *h, T *reset)
{
    QN_OF(cell_act)(c, 0, gate, 2 * c->hidden);
    if (!reset) return;
    for (int64_t i = 0; i < c->hidden; i++)
        reset[i] = gate[c->hidden + i] * h[i];
}

void QN_OF(gru_cell)(const qn_cell *c, T *gate, const T *hidden_part, T *h)
{
    const int64_t n = c->hidden;
    T *z = gate, *r = gate + n, *candidate = gate + 2 * n;
    if (hidden_part) QN_OF(add_product)(candidate, r, hidden_part, n);
    QN_OF(cell_act)(c, 1, candidate, n);
    for (int64_t i = 0; i < n; i++)
        h[i] = (1 - z[i]) * candidate[i] + z[i] * h[i];
}
#undef T
#undef SUF
