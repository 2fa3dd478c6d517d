/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/string_normalizer.c - drops stop words and changes case; ONNX
 * StringNormalizer-10.  Case mapping is the simple one of Unicode and does not depend
 * on the locale attribute. */
#include "engine/letters.h"
#include "engine/op.h"

#include <string.h>

typedef struct normalizer_params {
    const char *case_change_action, *locale;
    int64_t is_case_sensitive;
    qn_strs stopwords;
} normalizer_params;

static quern_status normalizer_check(const qn_node *node, quern_error *err)
{
    const char *action = ((const normalizer_params *)node->params)->case_change_action;
    if (strcmp(action, "NONE") != 0 && strcmp(action, "LOWER") != 0 &&
        strcmp(action, "UPPER") != 0)
        return qn_fail(err, QUERN_INVALID, "case_change_action '%s' is not known",
                       action);
    return QUERN_OK;
}

static quern_status normalizer_infer(const qn_infer *x, quern_error *err)
{
    const qn_tensor *in = x->in[0];
    if (in->rank < 1 || in->rank > 2 || (in->rank == 2 && in->dim[0] != 1))
        return qn_fail(err, QUERN_SHAPE, "input %s is neither [C] nor [1,C]",
                       QN_SHAPE(in));
    qn_copy_shape(x->out[0], in);
    x->out[0]->dim[in->rank - 1] = 0;
    return QUERN_OK;
}

/* Whether two words are the same, in either case if asked for. */
static bool same_word(const qn_str *a, const qn_str *b, bool case_sensitive)
{
    if (case_sensitive) return a->n == b->n && (!a->n || !memcmp(a->p, b->p, a->n));
    size_t i = 0, j = 0, m;
    while (i < a->n && j < b->n) {
        uint32_t c = qn_letter_read(a->p + i, a->n - i, &m);
        i += m;
        uint32_t d = qn_letter_read(b->p + j, b->n - j, &m);
        j += m;
        if (qn_letter_lower(c) != qn_letter_lower(d)) return false;
    }
    return i == a->n && j == b->n;
}

static bool is_stopword(const normalizer_params *p, const qn_str *s)
{
    for (int64_t k = 0; k < p->stopwords.n; k++)
        if (same_word(s, &p->stopwords.v[k], p->is_case_sensitive != 0)) return true;
    return false;
}

/* The string with every letter mapped; a letter may grow to 4 bytes. */
static quern_status change_case(const qn_exec *x, const qn_str *s, bool upper,
                                qn_str *y, quern_error *err)
{
    size_t room, m, n = 0;
    void *buffer;
    if (!qn_size_mul(s->n, 4, &room))
        return qn_fail(err, QUERN_LIMIT, "a string of %zu bytes", s->n);
    QN_TRY(qn_arena_raw(x->arena, room, &buffer, err));
    for (size_t i = 0; i < s->n; i += m) {
        uint32_t c = qn_letter_read(s->p + i, s->n - i, &m);
        n += qn_letter_write(upper ? qn_letter_upper(c) : qn_letter_lower(c),
                             (char *)buffer + n);
    }
    *y = (qn_str){.p = buffer, .n = n};
    return QUERN_OK;
}

static quern_status normalizer_run(const qn_instr *i, const qn_exec *x,
                                   quern_error *err)
{
    const normalizer_params *p = i->params;
    const qn_tensor *in = i->in[0];
    const qn_str *s = in->data;
    qn_tensor *y = i->out[0];
    int64_t n = qn_tensor_count(in), kept = 0;
    for (int64_t k = 0; k < n; k++)
        kept += !is_stopword(p, &s[k]);
    qn_copy_shape(y, in);
    y->dim[y->rank - 1] = kept ? kept : 1;
    QN_TRY(qn_exec_output(x, y, err));
    qn_str *to = y->data;
    if (!kept) *to = (qn_str){.p = "", .n = 0};
    char action = p->case_change_action[0];
    for (int64_t k = 0; k < n; k++) {
        if (is_stopword(p, &s[k])) continue;
        if (action == 'N')
            *to = s[k];
        else
            QN_TRY(change_case(x, &s[k], action == 'U', to, err));
        to++;
    }
    return QUERN_OK;
}

static const qn_attr normalizer_attrs[] = {
    QN_STR(normalizer_params, case_change_action, "NONE"),
    QN_STR(normalizer_params, locale, ""),
    QN_INT(normalizer_params, is_case_sensitive, 0),
    QN_STRS(normalizer_params, stopwords),
    QN_ATTRS_END,
};

const qn_op qn_op_string_normalizer = {
    .name = "StringNormalizer",
    .since = 10,
    .first = 10,
    .min_in = 1,
    .max_in = 1,
    .flags = QN_OP_DYNAMIC,
    .attrs = normalizer_attrs,
    .params_size = sizeof(normalizer_params),
    .types = {QN_T_STRING},
    .out_type = QUERN_STRING,
    .check = normalizer_check,
    .infer = normalizer_infer,
    .run = normalizer_run,
};
