/* SPDX-License-Identifier: Apache-2.0 */
/* bench/problem_text.c - problems as text, and the grammar's help. */
#include "bench/problem.h"

#include <stdio.h>
#include <string.h>

typedef struct writer {
    char *text;
    size_t n;
} writer;

static void put(writer *w, const char *text, size_t n)
{
    if (n > QN_PROBLEM_TEXT - 1 - w->n) n = QN_PROBLEM_TEXT - 1 - w->n;
    memcpy(w->text + w->n, text, n);
    w->n += n;
    w->text[w->n] = 0;
}

static void put_int(writer *w, int64_t v)
{
    char text[24];
    put(w, text, (size_t)snprintf(text, sizeof text, "%lld", (long long)v));
}

static bool is_usual(const qn_problem *p, int i)
{
    const qn_problem_field *f = &p->kind->fields[i];
    int64_t d = f->otherwise;
    if (d == QN_NEEDED) return false;
    if (d > QN_NEEDED && d < QN_NEEDED + 1 + QN_PROBLEM_FIELDS)
        return false; /* w like h is written all the same: it reads better */
    for (int k = 0; k < (f->type == QN_FIELD_NUMBERS ? f->n : 1); k++)
        if (p->v[i][k] != d) return false;
    return true;
}

/* How many of the numbers say it all. */
static int needed_parts(const int64_t *v, int n)
{
    if (n == 4 && v[0] == v[2] && v[1] == v[3]) n = 2;
    if (n == 2 && v[0] == v[1]) n = 1;
    return n;
}

static void put_field(writer *w, const qn_problem *p, int i)
{
    const qn_problem_field *f = &p->kind->fields[i];
    put(w, f->name, strlen(f->name));
    if (f->type == QN_FIELD_WORD) {
        const char *word = f->words;
        for (int64_t k = 0; k < p->v[i][0]; k++)
            word += strcspn(word, " ") + 1;
        put(w, "=", 1);
        put(w, word, strcspn(word, " "));
    } else if (f->type == QN_FIELD_NUMBERS) {
        for (int k = 0; k < needed_parts(p->v[i], f->n); k++) {
            if (k) put(w, "x", 1);
            put_int(w, p->v[i][k]);
        }
    }
}

const char *qn_problem_text(char text[QN_PROBLEM_TEXT], const qn_problem *p,
                            bool with_name)
{
    writer w = {text, 0};
    put(&w, p->kind->name, strlen(p->kind->name));
    bool is_first = true;
    for (int i = 0; p->kind->fields[i].name; i++) {
        if (is_usual(p, i)) continue;
        put(&w, is_first ? ":" : ",", 1);
        is_first = false;
        put_field(&w, p, i);
    }
    if (with_name && p->name[0]) {
        put(&w, "@", 1);
        put(&w, p->name, strlen(p->name));
    }
    if (with_name && p->count > 1) {
        put(&w, "*", 1);
        put_int(&w, p->count);
    }
    return text;
}

static void help_field(qn_buf *out, const qn_problem_kind *kind, int i)
{
    static const char *const numbers[] = {"", "N", "N[xN]", "", "N[xN[xNxN]]"};
    const qn_problem_field *f = &kind->fields[i];
    const bool is_like =
        f->otherwise > QN_NEEDED && f->otherwise < QN_NEEDED + 1 + QN_PROBLEM_FIELDS;
    const bool is_needed = f->otherwise == QN_NEEDED;
    qn_buf_format(out, " %s%s%s%s", is_needed ? "" : "[", f->name,
                  f->type == QN_FIELD_NUMBERS ? numbers[f->n] : "",
                  f->type == QN_FIELD_WORD ? "=WORD" : "");
    if (f->type == QN_FIELD_NUMBERS && !is_needed && !is_like)
        qn_buf_format(out, " (%lld)", (long long)f->otherwise);
    if (is_like)
        qn_buf_format(out, " (like %s)", kind->fields[f->otherwise - QN_LIKE(0)].name);
    if (!is_needed) qn_buf_text(out, "]");
}

void qn_problem_help(qn_buf *out)
{
    qn_buf_text(
        out, "A problem is KIND:FIELD,FIELD,...[@NAME][*COUNT], a field its name and "
             "a number.\nA number may be a list {1,2,8} or a range 1..64, 1..64+8, "
             "1..4096*2.\nFiles of problems know '# comment', 'count N' "
             "(problem lines), 'set FIELD,FIELD'\n(for the lines below that do not say "
             "else) and 'include FILE'.\nKinds and fields (in brackets: may be left "
             "out):\n");
    for (int n = 0; qn_problem_kinds[n]; n++) {
        const qn_problem_kind *k = qn_problem_kinds[n];
        qn_buf_format(out, "  %-12s%s\n             ", k->name, k->summary);
        for (int i = 0; k->fields[i].name; i++)
            help_field(out, k, i);
        for (int i = 0; k->fields[i].name; i++)
            if (k->fields[i].type == QN_FIELD_WORD)
                qn_buf_format(out, "\n              %s: %s", k->fields[i].name,
                              k->fields[i].words);
        qn_buf_text(out, "\n");
    }
    qn_buf_text(out, "Examples:\n"
                     "  conv_f32:n1,ic64,h56,w56,oc64,k3x3,s1,p1,act=relu\n"
                     "  conv:n1c64h56-k64r3p1:f32+bias+relu     (the same with bias)\n"
                     "  gemm_f32:m128,n768,k768,tb\n"
                     "  dw_f32:c144,h56,k3,p1,s{1,2}\n");
}
