/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/einsum_grad.c - the gradient of Einsum is Einsum: that of one operand is
 * the product of dY and the other operands, summed over what it does not have. */
#include "engine/ops/grads.h"

#include <string.h>

enum { MOST = 8 /* operands */, TEXT = 256 };

/* The terms of an equation, without spaces; the result is term n_in. */
typedef struct terms {
    int n;
    char text[MOST + 1][TEXT];
} terms;

/* Letters that stand in one place only, in the order of ASCII, behind the dots. */
static void implicit_result(terms *t)
{
    int n = 0;
    char *out = t->text[t->n];
    bool dots = false;
    for (int i = 0; i < t->n; i++)
        dots = dots || strchr(t->text[i], '.');
    for (; dots && n < 3; n++)
        out[n] = '.';
    for (int c = 'A'; c <= 'z'; c++) {
        int count = 0;
        for (int i = 0; i < t->n; i++)
            for (const char *p = t->text[i]; *p; p++)
                count += *p == c;
        if (count == 1) out[n++] = (char)c;
    }
    out[n] = 0;
}

static quern_status read_terms(const qn_node *node, terms *t, quern_error *err)
{
    const qn_attr_value *equation = qn_node_attr(node, "equation");
    int term = 0, n = 0;
    bool has_result = false;
    if (node->n_in > MOST || equation->s.n >= TEXT)
        return qn_fail(err, QUERN_UNSUPPORTED,
                       "no gradient for %d operands, %d at most", node->n_in, MOST);
    t->n = node->n_in;
    memset(t->text, 0, sizeof t->text);
    for (size_t i = 0; i < equation->s.n; i++) {
        const char c = equation->s.p[i];
        if (c == ' ' || c == '>') continue;
        if (c == ',' || c == '-') {
            has_result = has_result || c == '-';
            term += term < t->n;
            n = 0;
            continue;
        }
        t->text[term][n++] = c;
    }
    if (!has_result) implicit_result(t);
    return QUERN_OK;
}

/* Whether the letter is known from the result or another operand. */
static bool is_elsewhere(const terms *t, int operand, char c)
{
    for (int i = 0; i <= t->n; i++)
        if (i != operand && strchr(t->text[i], c)) return true;
    return false;
}

/* "result,others->known", the letters of the operand that are known, and the operand's
 * shape with a 1 for the rest. */
static quern_status write_equation(const terms *t, int k, char *equation,
                                   bool *is_known, quern_error *err)
{
    size_t n = strlen(t->text[t->n]);
    int dim = 0;
    memcpy(equation, t->text[t->n], n);
    for (int i = 0; i < t->n; i++) {
        if (i == k) continue;
        equation[n++] = ',';
        memcpy(equation + n, t->text[i], strlen(t->text[i]));
        n += strlen(t->text[i]);
    }
    equation[n++] = '-';
    equation[n++] = '>';
    for (const char *p = t->text[k]; *p; p++) {
        if (*p != '.' && strchr(p + 1, *p))
            return qn_fail(err, QUERN_UNSUPPORTED, "no gradient for a diagonal");
        const bool known = is_elsewhere(t, k, *p);
        if (*p == '.' && !known)
            return qn_fail(err, QUERN_UNSUPPORTED, "no gradient for dots summed over");
        if (*p != '.') is_known[dim++] = known;
        if (known) equation[n++] = *p;
    }
    equation[n] = 0;
    return QUERN_OK;
}

/* Sums over a letter of one operand only give every element along it the same. */
static quern_status spread_sum(qn_grad *g, qn_value *d, const qn_value *x,
                               const bool *is_known, qn_value **out, quern_error *err)
{
    int64_t dim[QUERN_MAX_RANK];
    bool all = true;
    for (int i = 0; i < x->rank; i++) {
        all = all && is_known[i];
        dim[i] = is_known[i] ? x->dim[i] : 1;
    }
    *out = d;
    if (all) return QUERN_OK;
    QN_TRY(qn_grad_to_shape(g, d, x->rank, dim, &d, err));
    return qn_grad_spread(g, d, x->rank, x->dim, out, err);
}

static quern_status operand(qn_grad *g, const qn_node *node, const terms *t, int k,
                            quern_error *err)
{
    qn_node *made;
    void *text;
    qn_value *in[MOST], *d;
    bool is_known[TEXT];
    int n = 0;
    in[n++] = qn_grad_of(g, node, 0);
    for (int i = 0; i < node->n_in; i++)
        if (i != k) in[n++] = node->in[i];
    QN_TRY(qn_grad_node(g, "", "Einsum", n, in, 1, &made, err));
    QN_TRY(qn_arena_alloc(made->graph->arena, (MOST + 2) * TEXT, &text, err));
    QN_TRY(write_equation(t, k, text, is_known, err));
    QN_TRY(qn_node_set_str(made, "equation", text, err));
    QN_TRY(qn_grad_append(g, made, err));
    d = made->out[0];
    if (!strchr(t->text[k], '.'))
        QN_TRY(spread_sum(g, d, node->in[k], is_known, &d, err));
    return qn_grad_give(g, node, k, d, err);
}

QN_GRAD(einsum)
{
    terms t;
    QN_TRY(read_terms(node, &t, err));
    for (int k = 0; k < node->n_in; k++)
        if (qn_grad_wants(g, node, k)) QN_TRY(operand(g, node, &t, k, err));
    return QUERN_OK;
}
