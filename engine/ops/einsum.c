/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/einsum.c - sum of products written as "ij,jk->ik"; ONNX Einsum-28.
 *
 * Labels are numbered: 'A' .. 'Z', 'a' .. 'z', then the dims that "..." stands for,
 * aligned at their right end.  Two operands become a batch of matrix products where
 * each label has a part in one (batch, rows, columns, inner); everything else takes the
 * general loop. */
#include "engine/ops/grads.h"
#include "engine/product.h"
#include "kernels/einsum.h"

#include <string.h>

enum { LETTERS = 52, LABELS = LETTERS + QUERN_MAX_RANK, OPERANDS = 32 };

typedef struct einsum_params {
    const char *equation;
} einsum_params;

static const qn_attr einsum_attrs[] = {
    QN_REQUIRED(einsum_params, equation, QN_ATTR_STRING), QN_ATTRS_END};

/* The labels of one operand or of the result, one per dim. */
typedef struct term {
    int rank;
    uint8_t label[QUERN_MAX_RANK];
} term;

typedef struct equation {
    int n_in;
    term in[OPERANDS], out;
    int64_t size[LABELS]; /* -1: not met */
    int dots;             /* dims that "..." stands for */
} equation;

static int letter(char c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' : c >= 'a' && c <= 'z' ? c - 'a' + 26 : -1;
}

static bool ends(const char *p)
{
    return *p == 0 || *p == ',' || (p[0] == '-' && p[1] == '>');
}

/* Reads one term.  rank: of the operand; -1 for the result, whose dots are those of the
 * operands. */
static quern_status read_term(const char **text, int rank, int dots, term *t,
                              quern_error *err)
{
    int letters = 0, place = -1;
    const char *p = *text;
    t->rank = 0;
    for (; !ends(p); p++) {
        if (*p == ' ') continue;
        const bool is_dots = strncmp(p, "...", 3) == 0;
        if (is_dots ? place >= 0 : letter(*p) < 0)
            return qn_fail(err, QUERN_INVALID, "equation: \"%.20s\" is not understood",
                           p);
        if (is_dots) {
            place = letters;
            p += 2;
            continue;
        }
        if (letters == QUERN_MAX_RANK)
            return qn_fail(err, QUERN_LIMIT, "equation: more than %d labels in a term",
                           QUERN_MAX_RANK);
        t->label[letters++] = (uint8_t)letter(*p);
    }
    *text = p;
    const int hidden = place < 0 ? 0 : rank < 0 ? dots : rank - letters;
    if (hidden < 0 || letters + hidden > QUERN_MAX_RANK ||
        (rank >= 0 && letters + hidden != rank))
        return qn_fail(err, QUERN_SHAPE, "equation: %d labels for rank %d", letters,
                       rank < 0 ? QUERN_MAX_RANK : rank);
    if (place >= 0) {
        memmove(t->label + place + hidden, t->label + place, (size_t)(letters - place));
        for (int d = 0; d < hidden; d++)
            t->label[place + d] = (uint8_t)(LABELS - hidden + d);
    }
    t->rank = letters + hidden;
    return QUERN_OK;
}

/* Without "->": the dots, then every label met once, in the order of ASCII. */
static quern_status implicit_out(equation *e, quern_error *err)
{
    int count[LABELS] = {0};
    for (int i = 0; i < e->n_in; i++)
        for (int d = 0; d < e->in[i].rank; d++)
            count[e->in[i].label[d]]++;
    e->out.rank = 0;
    for (int k = 0; k < LABELS; k++) {
        const int label = k < e->dots ? LABELS - e->dots + k : k - e->dots;
        if (k >= e->dots && (label >= LETTERS || count[label] != 1)) continue;
        if (e->out.rank == QUERN_MAX_RANK)
            return qn_fail(err, QUERN_LIMIT, "the result has more than %d dims",
                           QUERN_MAX_RANK);
        e->out.label[e->out.rank++] = (uint8_t)label;
    }
    return QUERN_OK;
}

static quern_status read_sizes(equation *e, int i, const qn_tensor *x, quern_error *err)
{
    for (int d = 0; d < x->rank; d++) {
        int64_t *size = &e->size[e->in[i].label[d]];
        if (*size != -1 && *size != 1 && x->dim[d] != 1 && *size != x->dim[d])
            return qn_fail(err, QUERN_SHAPE,
                           "dim %d of operand %d is %lld, its label is %lld elsewhere",
                           d, i, (long long)x->dim[d], (long long)*size);
        if (*size == -1 || *size == 1) *size = x->dim[d];
    }
    return QUERN_OK;
}

static quern_status read_equation(const char *p, const qn_tensor *const *in, int n,
                                  equation *e, quern_error *err)
{
    if (n > OPERANDS)
        return qn_fail(err, QUERN_LIMIT, "%d operands, at most %d", n, OPERANDS);
    e->n_in = n;
    e->dots = 0;
    for (int k = 0; k < LABELS; k++)
        e->size[k] = -1;
    for (int i = 0; i < n; i++) {
        if (!in[i]) return qn_fail(err, QUERN_INVALID, "operand %d is absent", i);
        if (i > 0 && *p++ != ',')
            return qn_fail(err, QUERN_INVALID, "equation: %d terms for %d operands", i,
                           n);
        QN_TRY(read_term(&p, in[i]->rank, 0, &e->in[i], err));
        QN_TRY(read_sizes(e, i, in[i], err));
    }
    for (int k = LETTERS; k < LABELS; k++)
        e->dots += e->size[k] != -1;
    if (*p == 0) return implicit_out(e, err);
    if (*p == ',')
        return qn_fail(err, QUERN_INVALID, "equation: more terms than %d operands", n);
    p += 2;
    QN_TRY(read_term(&p, -1, e->dots, &e->out, err));
    if (*p != 0)
        return qn_fail(err, QUERN_INVALID, "equation: \"%.20s\" is left over", p);
    for (int d = 0; d < e->out.rank; d++) {
        const int label = e->out.label[d];
        if (e->size[label] == -1 || memchr(e->out.label, label, (size_t)d))
            return qn_fail(err, QUERN_INVALID,
                           "equation: dim %d of the result is new or repeated", d);
    }
    return QUERN_OK;
}

static quern_status einsum_infer(const qn_infer *x, quern_error *err)
{
    const einsum_params *p = x->params;
    equation e;
    QN_TRY(read_equation(p->equation, x->in, x->n_in, &e, err));
    qn_tensor *y = x->out[0];
    qn_set_shape(y, y->dtype, 0, NULL);
    for (int d = 0; d < e.out.rank; d++)
        y->dim[y->rank++] = e.size[e.out.label[d]];
    return QUERN_OK;
}

/* Step of each label in a dense operand; a label met twice walks the diagonal. */
static void label_steps(const term *t, const qn_tensor *x, int64_t *step)
{
    int64_t size = 1;
    for (int d = t->rank - 1; d >= 0; d--) {
        if (x->dim[d] != 1) step[t->label[d]] += size;
        size *= x->dim[d];
    }
}

/* The two-operand case as matrices: labels by role, in the order of the result. */
enum { BATCH, ROWS, COLUMNS, INNER, ROLES };
typedef struct einsum_plan {
    bool as_gemm;
    term out;
    int n[ROLES];
    uint8_t label[ROLES][LABELS];
    int64_t total[ROLES];
    int64_t size[LABELS], step_a[LABELS], step_b[LABELS], step_y[LABELS];
    qn_einsum loop;  /* otherwise */
    int64_t steps[]; /* of the loop: n_in * QN_EINSUM_DIMS */
} einsum_plan;

static bool has_label(const term *t, int label)
{
    return t->rank > 0 && memchr(t->label, label, (size_t)t->rank);
}

/* False when some label does not fit: summed in one operand only, repeated, or of
 * another size in one of them. */
static bool plan_gemm(const equation *e, const qn_tensor *const *in, quern_dtype dtype,
                      einsum_plan *p)
{
    if (e->n_in != 2 || qn_dtype_size(dtype) < 4) return false;
    for (int i = 0; i < 2; i++)
        for (int d = 0; d < e->in[i].rank; d++)
            if (memchr(e->in[i].label, e->in[i].label[d], (size_t)d) ||
                in[i]->dim[d] != e->size[e->in[i].label[d]])
                return false;
    p->out = e->out;
    for (int k = 0; k < ROLES; k++)
        p->total[k] = 1;
    int64_t size = 1;
    for (int d = e->out.rank - 1; d >= 0; d--) {
        p->step_y[e->out.label[d]] = size;
        size *= e->size[e->out.label[d]];
    }
    label_steps(&e->in[0], in[0], p->step_a);
    label_steps(&e->in[1], in[1], p->step_b);
    for (int k = 0; k < e->out.rank + LABELS; k++) {
        const int label = k < e->out.rank ? e->out.label[k] : k - e->out.rank;
        const bool a = has_label(&e->in[0], label), b = has_label(&e->in[1], label);
        const bool y = has_label(&e->out, label);
        if ((!a && !b) || (k >= e->out.rank && y)) continue;
        if (!y && !(a && b)) return false;
        const int role = !y ? INNER : a && b ? BATCH : a ? ROWS : COLUMNS;
        p->label[role][p->n[role]++] = (uint8_t)label;
        p->total[role] *= e->size[label];
        p->size[label] = e->size[label];
    }
    return true;
}

static quern_status plan_loop(const equation *e, const qn_tensor *const *in,
                              einsum_plan *p, quern_error *err)
{
    qn_einsum *l = &p->loop;
    int64_t step[LABELS];
    *l = (qn_einsum){
        .n_in = e->n_in, .n_out = e->out.rank, .step = p->steps, .terms = 1};
    int label[LABELS], n = 0;
    for (int d = 0; d < e->out.rank; d++)
        label[n++] = e->out.label[d];
    for (int k = 0; k < LABELS; k++)
        if (e->size[k] != -1 && !has_label(&e->out, k)) label[n++] = k;
    l->n_sum = n - l->n_out;
    for (int d = 0; d < n; d++) {
        l->size[d] = e->size[label[d]];
        if (d >= l->n_out && __builtin_mul_overflow(l->terms, l->size[d], &l->terms))
            return qn_fail(err, QUERN_LIMIT,
                           "each result is a sum of too many products");
    }
    for (int i = 0; i < e->n_in; i++) {
        memset(step, 0, sizeof step);
        label_steps(&e->in[i], in[i], step);
        for (int d = 0; d < n; d++)
            p->steps[i * QN_EINSUM_DIMS + d] = step[label[d]];
    }
    return QUERN_OK;
}

static quern_status einsum_prepare(qn_prep *prep, quern_error *err)
{
    const qn_instr *i = prep->instr;
    const einsum_params *p = i->params;
    equation e;
    QN_TRY(read_equation(p->equation, i->in, i->n_in, &e, err));
    void *state;
    const size_t steps = (size_t)i->n_in * QN_EINSUM_DIMS * sizeof(int64_t);
    QN_TRY(qn_prep_state(prep, sizeof(einsum_plan) + steps, &state, err));
    einsum_plan *plan = state;
    plan->as_gemm = plan_gemm(&e, i->in, i->out[0]->dtype, plan);
    if (!plan->as_gemm) return plan_loop(&e, i->in, plan, err);
    size_t n = qn_tensor_bytes(i->in[0]) + qn_tensor_bytes(i->in[1]);
    if (!qn_size_add(n, qn_tensor_bytes(i->out[0]), &n) || !qn_size_add(n, 192, &n))
        return qn_fail(err, QUERN_LIMIT, "the operands are too large");
    qn_prep_scratch(prep, n);
    return QUERN_OK;
}

/* Dims of three roles in a row, with the steps of an operand. */
static int gather_dims(const einsum_plan *p, const int *roles, const int64_t *step,
                       int64_t *dim, int64_t *out)
{
    int rank = 0;
    for (int k = 0; k < 3; k++)
        for (int d = 0; d < p->n[roles[k]]; d++) {
            const int label = p->label[roles[k]][d];
            dim[rank] = p->size[label];
            out[rank++] = step[label];
        }
    return rank;
}

static bool is_dense(int rank, const int64_t *dim, const int64_t *step)
{
    int64_t size = 1;
    for (int d = rank - 1; d >= 0; d--) {
        if (dim[d] != 1 && step[d] != size) return false;
        size *= dim[d];
    }
    return true;
}

static void permute(size_t width, int rank, const int64_t *dim, const int64_t *step,
                    const void *x, void *y)
{
    if (width == 4)
        qn_permute_4(rank, dim, step, x, y);
    else
        qn_permute_8(rank, dim, step, x, y);
}

/* The operand with its dims in the order of the roles, copied if it lies otherwise.
 * other: an order that will do, too, as the transposed matrix. */
static const void *arrange(const einsum_plan *p, const qn_tensor *x,
                           const int64_t *step, const int *roles, const int *other,
                           char **room, bool *turned)
{
    int64_t dim[2 * QUERN_MAX_RANK], steps[2 * QUERN_MAX_RANK];
    int rank = gather_dims(p, other, step, dim, steps);
    *turned = is_dense(rank, dim, steps);
    if (*turned) return x->data;
    rank = gather_dims(p, roles, step, dim, steps);
    if (is_dense(rank, dim, steps)) return x->data;
    void *to = *room;
    permute(qn_dtype_size(x->dtype), rank, dim, steps, x->data, to);
    *room += (qn_tensor_bytes(x) + 63) / 64 * 64;
    return to;
}

static void run_gemm(const qn_instr *i, const qn_exec *x, const einsum_plan *p)
{
    static const int a_roles[] = {BATCH, ROWS, INNER}, a_other[] = {BATCH, INNER, ROWS};
    static const int b_roles[] = {BATCH, INNER, COLUMNS};
    static const int b_other[] = {BATCH, COLUMNS, INNER};
    static const int y_roles[] = {BATCH, ROWS, COLUMNS};
    qn_tensor *y = i->out[0];
    char *room = i->scratch;
    bool ta, tb;
    const void *a = arrange(p, i->in[0], p->step_a, a_roles, a_other, &room, &ta);
    const void *b = arrange(p, i->in[1], p->step_b, b_roles, b_other, &room, &tb);
    const int64_t m = p->total[ROWS], n = p->total[COLUMNS], k = p->total[INNER];
    qn_gemm g = qn_gemm_dense(y->dtype, ta, tb, m, n, k);
    g.rank = 1;
    g.dim[0] = p->total[BATCH];
    g.step_a[0] = m * k;
    g.step_b[0] = k * n;
    g.step_c[0] = m * n;
    int64_t dim[2 * QUERN_MAX_RANK], step[2 * QUERN_MAX_RANK];
    const int rank = gather_dims(p, y_roles, p->step_y, dim, step);
    const bool dense = is_dense(rank, dim, step);
    g.a = a;
    g.b = b;
    g.c = dense ? y->data : (void *)room;
    qn_gemm_run(&g, x->k, x->pool);
    if (dense) return;
    /* From [batch, rows, columns] to the order of the result: steps of each label in
     * the product, listed as the result lists them. */
    int64_t size = 1, at[LABELS] = {0};
    for (int r = 2; r >= 0; r--)
        for (int d = p->n[y_roles[r]] - 1; d >= 0; d--) {
            at[p->label[y_roles[r]][d]] = size;
            size *= p->size[p->label[y_roles[r]][d]];
        }
    for (int d = 0; d < p->out.rank; d++)
        step[d] = at[p->out.label[d]];
    permute(qn_dtype_size(y->dtype), y->rank, y->dim, step, room, y->data);
}

typedef struct loop_work {
    const qn_einsum *loop;
    quern_dtype dtype;
    const void *in[OPERANDS];
    void *y;
} loop_work;

static void loop_range(void *ctx, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const loop_work *w = ctx;
    if (w->dtype == QUERN_FLOAT)
        qn_einsum_f32(w->loop, w->in, w->y, begin, end);
    else if (w->dtype == QUERN_DOUBLE)
        qn_einsum_f64(w->loop, w->in, w->y, begin, end);
    else if (qn_dtype_size(w->dtype) == 1)
        qn_einsum_i8(w->loop, w->in, w->y, begin, end);
    else if (qn_dtype_size(w->dtype) == 2)
        qn_einsum_i16(w->loop, w->in, w->y, begin, end);
    else if (qn_dtype_size(w->dtype) == 4)
        qn_einsum_i32(w->loop, w->in, w->y, begin, end);
    else
        qn_einsum_i64(w->loop, w->in, w->y, begin, end);
}

static quern_status einsum_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)err;
    const einsum_plan *p = i->state;
    if (p->as_gemm) {
        run_gemm(i, x, p);
        return QUERN_OK;
    }
    loop_work w = {.loop = &p->loop, .dtype = i->out[0]->dtype, .y = i->out[0]->data};
    for (int k = 0; k < i->n_in; k++)
        w.in[k] = i->in[k]->data;
    const int64_t terms = p->loop.terms;
    qn_parallel_for(x->pool, qn_tensor_count(i->out[0]),
                    terms >= 4096 ? 1 : 4096 / (terms > 0 ? terms : 1), loop_range, &w);
    return QUERN_OK;
}

/* clang-format off */
const qn_op qn_op_einsum = {
    .name = "Einsum", .since = 28, .first = 12, .min_in = 1, .max_in = -1,
    .flags = QN_OP_HALF_AS_F32,
    .attrs = einsum_attrs, .params_size = sizeof(einsum_params),
    .types = {QN_T_NUMBERS},
    .infer = einsum_infer, .prepare = einsum_prepare, .grad = qn_grad_einsum, .run = einsum_run,
};
/* clang-format on */
