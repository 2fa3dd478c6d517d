/* SPDX-License-Identifier: Apache-2.0 */
/* formats/csv_read.c - see csv_read.h.  A field without its quotes is never longer than
 * with them, so it is written where it was read. */
#include "formats/csv_read.h"

#include <string.h>

static char guess_comma(const qn_csv_reader *csv)
{
    static const char marks[] = {',', ';', '\t'};
    int count[3] = {0}, best = 0;
    bool quoted = false;
    for (const char *p = csv->p; p < csv->end && (quoted || *p != '\n'); p++) {
        if (*p == '"') quoted = !quoted;
        for (int i = 0; i < 3 && !quoted; i++)
            count[i] += *p == marks[i];
    }
    for (int i = 1; i < 3; i++)
        if (count[i] > count[best]) best = i;
    return marks[best];
}

quern_status qn_csv_read_begin(qn_csv_reader *csv, char *text, size_t n, char comma,
                               quern_error *err)
{
    const char *zero = n ? memchr(text, 0, n) : NULL;
    *csv = (qn_csv_reader){text, text + n, comma, 1, 1};
    if (zero)
        return qn_fail(err, QUERN_FORMAT, "byte %zu is zero, which no UTF-8 text has",
                       (size_t)(zero - text));
    if (n >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) csv->p += 3;
    if (!comma) csv->comma = guess_comma(csv);
    return QUERN_OK;
}

/* The quoted part of a field, from behind its first quote; *to moves along. */
static quern_status take_quoted(qn_csv_reader *csv, char **to, quern_error *err)
{
    const int64_t line = csv->line;
    for (csv->p++; csv->p < csv->end; csv->p++) {
        if (*csv->p == '"') {
            const bool is_doubled = csv->p + 1 < csv->end && csv->p[1] == '"';
            csv->p++;
            if (!is_doubled) return QUERN_OK;
        }
        csv->line += *csv->p == '\n';
        *(*to)++ = *csv->p;
    }
    return qn_fail(err, QUERN_FORMAT, "the quote opened in line %lld is never closed",
                   (long long)line);
}

/* One field and what ends it. */
static quern_status take_field(qn_csv_reader *csv, char **field, bool *is_last,
                               quern_error *err)
{
    char *to = csv->p;
    *field = to;
    if (csv->p < csv->end && *csv->p == '"') QN_TRY(take_quoted(csv, &to, err));
    const char *plain = to;
    while (csv->p < csv->end && *csv->p != csv->comma && *csv->p != '\n')
        *to++ = *csv->p++;
    *is_last = csv->p == csv->end || *csv->p == '\n';
    if (*is_last && to > plain && to[-1] == '\r') to--;
    if (csv->p < csv->end) {
        csv->line += *csv->p == '\n';
        csv->p++;
    }
    *to = 0;
    return QUERN_OK;
}

quern_status qn_csv_read_row(qn_csv_reader *csv, char **fields, int max, int *n,
                             quern_error *err)
{
    bool is_last = false;
    while (csv->p < csv->end &&
           (*csv->p == '\n' ||
            (*csv->p == '\r' && (csv->p + 1 == csv->end || csv->p[1] == '\n')))) {
        csv->line += *csv->p == '\n';
        csv->p++;
    }
    csv->row = csv->line;
    for (*n = 0; !is_last && csv->p < csv->end; ++*n) {
        char *field;
        QN_TRY(take_field(csv, &field, &is_last, err));
        if (*n < max) fields[*n] = field;
    }
    /* a comma at the very end: an empty field follows it */
    if (!is_last && *n) {
        *csv->end = 0;
        if (*n < max) fields[*n] = csv->end;
        ++*n;
    }
    return QUERN_OK;
}
