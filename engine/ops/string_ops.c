/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/string_ops.c - joining and cutting strings: ONNX StringConcat-20 and
 * StringSplit-20. */
#include "engine/broadcast.h"
#include "engine/op.h"

#include <string.h>

/* StringConcat --------------------------------------------------------------------- */

typedef struct join_work {
    const qn_str *a, *b;
    qn_str *y;
    int64_t step_a, step_b;
    qn_arena *arena;
    quern_status status;
    quern_error *err;
} join_work;

static quern_status join(join_work *w, const qn_str *a, const qn_str *b, qn_str *y)
{
    void *p;
    size_t n;
    if (!qn_size_add(a->n, b->n, &n))
        return qn_fail(w->err, QUERN_LIMIT, "strings of %zu and %zu bytes", a->n, b->n);
    QN_TRY(qn_arena_raw(w->arena, n, &p, w->err));
    if (a->n) memcpy(p, a->p, a->n);
    if (b->n) memcpy((char *)p + a->n, b->p, b->n);
    *y = (qn_str){.p = p, .n = n};
    return QUERN_OK;
}

static void join_row(void *ctx, const int64_t *in, int64_t out, int64_t n)
{
    join_work *w = ctx;
    for (int64_t k = 0; k < n && w->status == QUERN_OK; k++)
        w->status = join(w, w->a + in[0] + k * w->step_a, w->b + in[1] + k * w->step_b,
                         w->y + out + k);
}

static quern_status concat_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    qn_bcast b;
    qn_bcast_plan(&b, i->out[0], 2, i->in);
    join_work w = {.a = i->in[0]->data,
                   .b = i->in[1]->data,
                   .y = i->out[0]->data,
                   .step_a = qn_bcast_stride(&b, 0),
                   .step_b = qn_bcast_stride(&b, 1),
                   .arena = x->arena,
                   .err = err};
    qn_bcast_walk(&b, 0, b.count, join_row, &w);
    return w.status;
}

const qn_op qn_op_string_concat = {
    .name = "StringConcat",
    .since = 20,
    .first = 20,
    .min_in = 2,
    .max_in = 2,
    .types = {QN_T_STRING},
    .infer = qn_infer_broadcast,
    .run = concat_run,
};

/* StringSplit ---------------------------------------------------------------------- */

typedef struct split_params {
    const char *delimiter;
    int64_t maxsplit; /* negative: no limit */
} split_params;

static quern_dtype split_dtype(const qn_node *node, int i)
{
    (void)node;
    return i == 0 ? QUERN_STRING : QUERN_INT64;
}

static quern_status split_infer(const qn_infer *x, quern_error *err)
{
    if (x->in[0]->rank + 1 > QUERN_MAX_RANK)
        return qn_fail(err, QUERN_LIMIT, "rank %d is over the limit of %d",
                       x->in[0]->rank + 1, QUERN_MAX_RANK);
    for (int i = 0; i < x->n_out; i++)
        if (x->out[i]) qn_copy_shape(x->out[i], x->in[0]);
    if (x->out[0]) x->out[0]->dim[x->out[0]->rank++] = 0;
    return QUERN_OK;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Cuts at runs of blanks; pieces may be NULL to count only. */
static int64_t split_blanks(const qn_str *s, int64_t most, qn_str *pieces)
{
    int64_t count = 0;
    size_t at = 0;
    for (;;) {
        while (at < s->n && is_blank(s->p[at]))
            at++;
        if (at == s->n) return count;
        size_t end = at;
        while (end < s->n && !is_blank(s->p[end]))
            end++;
        if (most >= 0 && count == most) { /* the rest, but for blanks at its end */
            end = s->n;
            while (is_blank(s->p[end - 1]))
                end--;
        }
        if (pieces) pieces[count] = (qn_str){.p = s->p + at, .n = end - at};
        count++;
        at = end;
    }
}

static int64_t split_at(const qn_str *s, const char *mark, int64_t most, qn_str *pieces)
{
    size_t m = strlen(mark), from = 0;
    int64_t count = 0;
    if (m == 0) return split_blanks(s, most, pieces);
    for (size_t at = 0; at + m <= s->n && (most < 0 || count < most);) {
        if (memcmp(s->p + at, mark, m) != 0) {
            at++;
            continue;
        }
        if (pieces) pieces[count] = (qn_str){.p = s->p + from, .n = at - from};
        count++;
        at += m;
        from = at;
    }
    if (pieces) pieces[count] = (qn_str){.p = s->p + from, .n = s->n - from};
    return count + 1;
}

static quern_status split_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    const split_params *p = i->params;
    const qn_tensor *in = i->in[0];
    const qn_str *s = in->data;
    qn_tensor *y = i->out[0], *counts = i->n_out > 1 ? i->out[1] : NULL;
    int64_t n = qn_tensor_count(in), width = 0;
    for (int64_t k = 0; k < n; k++) {
        int64_t count = split_at(&s[k], p->delimiter, p->maxsplit, NULL);
        width = count > width ? count : width;
    }
    if (counts) {
        qn_copy_shape(counts, in);
        QN_TRY(qn_exec_output(x, counts, err));
        for (int64_t k = 0; k < n; k++)
            ((int64_t *)counts->data)[k] =
                split_at(&s[k], p->delimiter, p->maxsplit, NULL);
    }
    if (!y) return QUERN_OK;
    qn_copy_shape(y, in);
    y->dim[y->rank++] = width;
    QN_TRY(qn_exec_output(x, y, err));
    qn_str *to = y->data;
    for (int64_t k = 0; to && k < n; k++, to += width)
        for (int64_t c = split_at(&s[k], p->delimiter, p->maxsplit, to); c < width; c++)
            to[c] = (qn_str){.p = "", .n = 0};
    return QUERN_OK;
}

static const qn_attr split_attrs[] = {
    QN_STR(split_params, delimiter, ""),
    QN_INT(split_params, maxsplit, -1),
    QN_ATTRS_END,
};

const qn_op qn_op_string_split = {
    .name = "StringSplit",
    .since = 20,
    .first = 20,
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 2,
    .flags = QN_OP_DYNAMIC,
    .attrs = split_attrs,
    .params_size = sizeof(split_params),
    .types = {QN_T_STRING},
    .out_dtype = split_dtype,
    .infer = split_infer,
    .run = split_run,
};
