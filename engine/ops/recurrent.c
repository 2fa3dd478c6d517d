/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/recurrent.c - the loop over time of RNN, GRU and LSTM.
 *
 * For each direction: one product makes X W' + biases for all steps; then each step
 * adds H R' for the whole batch and passes every row through its cell.  A row of the
 * batch that has ended keeps its state, and its outputs are 0.  A reverse direction
 * reads each row from its own end. */
#include "engine/ops/rnn.h"

#include "engine/product.h"
#include "kernels/matrix.h"

#include <string.h>

/* Pieces of scratch, in elements. */
typedef struct rnn_room {
    size_t input, gate, h, c, reset, bias, all;
} rnn_room;

typedef struct rnn_job {
    const qn_instr *i;
    const qn_exec *x;
    const qn_rnn_params *p;
    qn_rnn_kind kind;
    qn_cell cell;
    int d, ways;
    bool reverse, apart; /* apart: the hidden part of GRU's candidate is kept apart */
    int64_t step;        /* the one at work */
    int64_t steps, batch, size, hidden, gates; /* gates: kind * hidden */
    quern_dtype dtype;
    size_t width; /* bytes of an element */
    char *input, *gate, *h, *c, *reset, *bias;
} rnn_job;

static bool take(size_t *at, size_t *all, int64_t a, int64_t b)
{
    size_t n;
    *at = *all;
    return qn_size_mul((size_t)a, (size_t)b, &n) && qn_size_add(n, *all, all);
}

static bool rnn_layout(const qn_instr *i, qn_rnn_kind kind, rnn_room *room)
{
    const qn_tensor *x = i->in[RNN_X];
    const int64_t h = i->in[RNN_R]->dim[2], g = kind * h;
    const int64_t batch = x->dim[((const qn_rnn_params *)i->params)->layout ? 0 : 1];
    *room = (rnn_room){0};
    return take(&room->input, &room->all, x->dim[0] * x->dim[1], g) &&
           take(&room->gate, &room->all, batch, g) &&
           take(&room->h, &room->all, batch, h) &&
           take(&room->c, &room->all, batch, h) &&
           take(&room->reset, &room->all, batch, h) &&
           take(&room->bias, &room->all, 1, g);
}

quern_status qn_rnn_prepare(qn_prep *p, qn_rnn_kind kind, quern_error *err)
{
    rnn_room room;
    size_t bytes;
    const size_t width = qn_dtype_size(p->instr->in[RNN_X]->dtype);
    if (!rnn_layout(p->instr, kind, &room) || !qn_size_mul(room.all, width, &bytes))
        return qn_fail(err, QUERN_LIMIT, "X %s and R %s need too much room",
                       QN_SHAPE(p->instr->in[RNN_X]), QN_SHAPE(p->instr->in[RNN_R]));
    qn_prep_scratch(p, bytes);
    return QUERN_OK;
}

/* Element `at` of input k in direction d, whose parts have `each` elements. */
static const void *part(const rnn_job *j, int k, int64_t each, int64_t at)
{
    const qn_tensor *t = qn_rnn_in(j->i, k);
    return t ? (const char *)t->data + (size_t)(j->d * each + at) * j->width : NULL;
}

static char *row(const rnn_job *j, char *base, int64_t index, int64_t length)
{
    return base + (size_t)(index * length) * j->width;
}

/* Where batch row b stands in a state tensor [ways, batch, hidden], or with the first
 * two swapped. */
static int64_t state_row(const rnn_job *j, int64_t b)
{
    return j->p->layout ? b * j->ways + j->d : j->d * j->batch + b;
}

static void load_state(const rnn_job *j, int k, char *state)
{
    const qn_tensor *t = qn_rnn_in(j->i, k);
    const size_t bytes = (size_t)j->hidden * j->width;
    for (int64_t b = 0; b < j->batch; b++) {
        char *to = row(j, state, b, j->hidden);
        if (t)
            memcpy(to, (const char *)t->data + (size_t)state_row(j, b) * bytes, bytes);
        else
            memset(to, 0, bytes);
    }
}

static void store_state(const rnn_job *j, int k, char *state)
{
    qn_tensor *t = k < j->i->n_out ? j->i->out[k] : NULL;
    const size_t bytes = (size_t)j->hidden * j->width;
    for (int64_t b = 0; t && b < j->batch; b++)
        memcpy((char *)t->data + (size_t)state_row(j, b) * bytes,
               row(j, state, b, j->hidden), bytes);
}

static void add_bias(const rnn_job *j, char *y, int64_t rows, int64_t n, double alpha,
                     const void *bias)
{
    const qn_bias shape = {.m = rows, .n = n, .col = 1};
    if (j->dtype == QUERN_FLOAT)
        qn_bias_f32(shape, alpha, (void *)y, 1, bias);
    else
        qn_bias_f64(shape, alpha, (void *)y, 1, bias);
}

/* c [rows, n] += a [rows, k] b' ; a row of c every ldc */
static void multiply(const rnn_job *j, int64_t rows, int64_t n, int64_t k,
                     const void *a, const void *b, void *c, int64_t ldc)
{
    qn_gemm g = qn_gemm_dense(j->dtype, false, true, rows, n, k);
    g.a = a;
    g.b = b;
    g.c = c;
    g.ldc = ldc;
    g.beta = 1;
    qn_gemm_run(&g, j->x->k, j->x->pool);
}

/* input = X W' + Wb + Rb; where the candidate's hidden part is apart, so is its Rb. */
static void project_input(const rnn_job *j)
{
    const int64_t g = j->gates, rows = j->steps * j->batch;
    const void *b = part(j, RNN_B, 2 * g, 0);
    if (b) {
        add_bias(j, j->bias, 1, g, 0, b);
        add_bias(j, j->bias, 1, j->apart ? 2 * j->hidden : g, 1,
                 part(j, RNN_B, 2 * g, g));
    } else {
        memset(j->bias, 0, (size_t)g * j->width);
    }
    add_bias(j, j->input, rows, g, 0, j->bias);
    multiply(j, rows, g, j->size, j->i->in[RNN_X]->data, part(j, RNN_W, g * j->size, 0),
             j->input, g);
}

static int64_t length_of(const rnn_job *j, int64_t b)
{
    const qn_tensor *lens = qn_rnn_in(j->i, RNN_LENS);
    return lens ? ((const int32_t *)lens->data)[b] : j->steps;
}

/* Time that step s means for row b, or -1 when the row has ended. */
static int64_t time_of(const rnn_job *j, int64_t s, int64_t b)
{
    const int64_t n = length_of(j, b);
    return s >= n ? -1 : j->reverse ? n - 1 - s : s;
}

static void cell_rows(void *ctx, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const rnn_job *j = ctx;
    const qn_cell *cell = &j->cell;
    const void *p = part(j, RNN_P, 3 * j->hidden, 0);
    for (int64_t b = begin; b < end; b++) {
        if (time_of(j, j->step, b) < 0) continue; /* ended: the state stays */
        void *gate = row(j, j->gate, b, j->gates), *h = row(j, j->h, b, j->hidden);
        void *c = row(j, j->c, b, j->hidden), *r = row(j, j->reset, b, j->hidden);
        const bool f32 = j->dtype == QUERN_FLOAT;
        if (j->kind == QN_RNN)
            f32 ? qn_rnn_cell_f32(cell, gate, h) : qn_rnn_cell_f64(cell, gate, h);
        else if (j->kind == QN_LSTM)
            f32 ? qn_lstm_cell_f32(cell, gate, p, c, h)
                : qn_lstm_cell_f64(cell, gate, p, c, h);
        else
            f32 ? qn_gru_cell_f32(cell, gate, j->apart ? r : NULL, h)
                : qn_gru_cell_f64(cell, gate, j->apart ? r : NULL, h);
    }
}

/* What GRU does between the two products of a step. */
static void gru_middle(const rnn_job *j)
{
    const int64_t h = j->hidden, at = 2 * h;
    const void *candidate = part(j, RNN_R, j->gates * h, at * h);
    if (j->apart) { /* reset holds H Rh' + Rbh, to be scaled by r in the cell */
        if (qn_rnn_in(j->i, RNN_B))
            add_bias(j, j->reset, j->batch, h, 0, part(j, RNN_B, 2 * j->gates, 5 * h));
        else
            memset(j->reset, 0, (size_t)(j->batch * h) * j->width);
        multiply(j, j->batch, h, h, j->h, candidate, j->reset, h);
    }
    for (int64_t b = 0; b < j->batch; b++) {
        void *gate = row(j, j->gate, b, j->gates), *state = row(j, j->h, b, h);
        void *reset = j->apart ? NULL : row(j, j->reset, b, h);
        if (j->dtype == QUERN_FLOAT)
            qn_gru_gates_f32(&j->cell, gate, state, reset);
        else
            qn_gru_gates_f64(&j->cell, gate, state, reset);
    }
    if (!j->apart)
        multiply(j, j->batch, h, h, j->reset, candidate, row(j, j->gate, 1, at),
                 j->gates);
}

/* Fills the gates of a step: X W' + biases, plus H R'. */
static void fill_gates(const rnn_job *j)
{
    const int64_t g = j->gates, h = j->hidden;
    for (int64_t b = 0; b < j->batch; b++) {
        const int64_t t = time_of(j, j->step, b);
        const int64_t from = j->p->layout ? b * j->steps + t : t * j->batch + b;
        char *gate = row(j, j->gate, b, g);
        if (t < 0)
            memset(gate, 0, (size_t)g * j->width);
        else
            memcpy(gate, row(j, j->input, from, g), (size_t)g * j->width);
    }
    multiply(j, j->batch, j->kind == QN_GRU ? 2 * h : g, h, j->h,
             part(j, RNN_R, g * h, 0), j->gate, g);
    if (j->kind == QN_GRU) gru_middle(j);
}

static void store_step(const rnn_job *j)
{
    qn_tensor *y = j->i->n_out > 0 ? j->i->out[0] : NULL;
    const size_t bytes = (size_t)j->hidden * j->width;
    for (int64_t b = 0; y && b < j->batch; b++) {
        const int64_t t = time_of(j, j->step, b);
        if (t < 0) continue;
        const int64_t to = j->p->layout ? (b * j->steps + t) * j->ways + j->d
                                        : (t * j->ways + j->d) * j->batch + b;
        memcpy((char *)y->data + (size_t)to * bytes, row(j, j->h, b, j->hidden), bytes);
    }
}

static quern_status check_lengths(const qn_tensor *lens, int64_t steps,
                                  quern_error *err)
{
    for (int64_t b = 0; lens && b < lens->dim[0]; b++) {
        const int32_t n = ((const int32_t *)lens->data)[b];
        if (n < 0 || n > steps)
            return qn_fail(err, QUERN_DATA, "sequence_lens[%lld] is %d of %lld steps",
                           (long long)b, n, (long long)steps);
    }
    return QUERN_OK;
}

static rnn_job make_job(const qn_instr *i, const qn_exec *x, qn_rnn_kind kind)
{
    const qn_tensor *in = i->in[RNN_X];
    const qn_rnn_params *p = i->params;
    rnn_job j = {.i = i, .x = x, .p = p, .kind = kind, .ways = qn_rnn_directions(p)};
    rnn_room room;
    rnn_layout(i, kind, &room);
    j.steps = in->dim[p->layout ? 1 : 0];
    j.batch = in->dim[p->layout ? 0 : 1];
    j.size = in->dim[2];
    j.hidden = j.cell.hidden = i->in[RNN_R]->dim[2];
    j.gates = kind * j.hidden;
    j.apart = kind == QN_GRU && p->linear_before_reset;
    j.dtype = in->dtype;
    j.width = qn_dtype_size(in->dtype);
    char *base = i->scratch;
    j.input = base + room.input * j.width;
    j.gate = base + room.gate * j.width;
    j.h = base + room.h * j.width;
    j.c = base + room.c * j.width;
    j.reset = base + room.reset * j.width;
    j.bias = base + room.bias * j.width;
    return j;
}

quern_status qn_rnn_run(const qn_instr *i, const qn_exec *x, qn_rnn_kind kind,
                        quern_error *err)
{
    rnn_job j = make_job(i, x, kind);
    QN_TRY(check_lengths(qn_rnn_in(i, RNN_LENS), j.steps, err));
    if (i->n_out > 0 && i->out[0])
        memset(i->out[0]->data, 0, qn_tensor_bytes(i->out[0]));
    for (j.d = 0; j.d < j.ways; j.d++) {
        j.reverse = j.d == 1 || strcmp(j.p->direction, "reverse") == 0;
        QN_TRY(qn_rnn_cell(j.p, kind, j.d, &j.cell, err));
        load_state(&j, RNN_H0, j.h);
        load_state(&j, RNN_C0, j.c);
        project_input(&j);
        for (j.step = 0; j.step < j.steps; j.step++) {
            fill_gates(&j);
            qn_parallel_for(x->pool, j.batch,
                            j.hidden < 2048 ? 4096 / (j.hidden + 1) : 1, cell_rows, &j);
            store_step(&j);
        }
        store_state(&j, 1, j.h);
        store_state(&j, 2, j.c);
    }
    return QUERN_OK;
}
