/* SPDX-License-Identifier: Apache-2.0 */
/* bench/records.c - see records.h. */
#include "bench/records.h"

#include <math.h>
#include <string.h>

static quern_status add(qn_records *r, qn_record_list *list, const qn_tree *row,
                        quern_error *err)
{
    if (list->n == list->room) {
        void *more;
        const int room = list->room ? 2 * list->room : 64;
        QN_TRY(qn_arena_array(r->arena, (size_t)room, sizeof *list->row, &more, err));
        if (list->n) memcpy(more, list->row, (size_t)list->n * sizeof *list->row);
        list->row = more;
        list->room = room;
    }
    list->row[list->n++] = row;
    return QUERN_OK;
}

static bool has(const qn_tree *row, const char *key, qn_tree_kind kind)
{
    const qn_tree *t = qn_tree_get(row, key);
    return t && t->kind == kind;
}

static quern_status sort_in(qn_records *r, const qn_tree *row, quern_error *err)
{
    if (has(row, "problem", QN_TREE_TEXT) && has(row, "impl", QN_TREE_TEXT) &&
        has(row, "status", QN_TREE_TEXT))
        return add(r, &r->kernels, row, err);
    if (has(row, "model", QN_TREE_TEXT) && has(row, "median_ms", QN_TREE_NUMBER))
        return add(r, &r->models, row, err);
    if (has(row, "levels", QN_TREE_LIST) && has(row, "isa", QN_TREE_TEXT))
        r->peaks = row;
    else if (has(row, "findings", QN_TREE_LIST))
        r->doctor = row;
    else if (!has(row, "geomean_ratio", QN_TREE_NUMBER) &&
             !has(row, "geomean_ratio", QN_TREE_NULL))
        return qn_fail(err, QUERN_FORMAT, "column 1: is no result of quern bench");
    return QUERN_OK;
}

quern_status qn_records_parse(qn_records *r, const char *text, size_t n,
                              quern_error *err)
{
    int line = 0;
    for (size_t at = 0; at < n;) {
        const char *p = text + at, *stop = memchr(p, '\n', n - at);
        const size_t length = stop ? (size_t)(stop - p) : n - at;
        const qn_tree *row;
        line++;
        at += length + (stop != NULL);
        if (length == 0) continue;
        quern_status status = qn_tree_parse(r->arena, p, length, &row, err);
        if (status == QUERN_OK && qn_tree_real(row, "schema") != 1)
            status = qn_fail(err, QUERN_FORMAT, "column 1: is no result of schema 1");
        if (status == QUERN_OK) status = sort_in(r, row, err);
        if (status == QUERN_OK) continue;
        if (err) { /* "line L, column C: ", without the colon of a place */
            quern_error inner = *err;
            qn_fail(err, status, "line %d, %s", line, inner.text);
        }
        return status;
    }
    return QUERN_OK;
}

bool qn_record_is_good(const qn_tree *row)
{
    const char *status = qn_tree_text(row, "status", "");
    return (!strcmp(status, "ok") || !strcmp(status, "unverified")) &&
           qn_tree_real(row, "median_us") > 0;
}

static bool same_text(const qn_tree *a, const qn_tree *b, const char *key)
{
    return !strcmp(qn_tree_text(a, key, ""), qn_tree_text(b, key, ""));
}

bool qn_record_is_best(const qn_records *r, int i)
{
    const qn_tree *row = r->kernels.row[i];
    const double own = qn_tree_real(row, "median_us");
    if (!qn_record_is_good(row)) return false;
    for (int k = 0; k < r->kernels.n; k++) {
        const qn_tree *other = r->kernels.row[k];
        const double time = qn_tree_real(other, "median_us");
        if (k != i && qn_record_is_good(other) && same_text(row, other, "problem") &&
            same_text(row, other, "cache") && (time < own || (time == own && k < i)))
            return false;
    }
    return true;
}

double qn_records_mean(const qn_record_list *models, const char *part, const char *key,
                       int *n)
{
    double logs = 0;
    *n = 0;
    for (int i = 0; i < models->n; i++) {
        const qn_tree *from = qn_tree_get(models->row[i], part);
        if (from && from->kind == QN_TREE_LIST) from = from->first;
        const double value = qn_tree_real(from, key);
        if (!(value > 0) || !isfinite(qn_tree_real(from, "ci_hi"))) continue;
        logs += log(value);
        ++*n;
    }
    return *n ? exp(logs / *n) : (double)NAN;
}
