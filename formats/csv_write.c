/* SPDX-License-Identifier: Apache-2.0 */
/* formats/csv_write.c - see csv_write.h. */
#include "formats/csv_write.h"

#include "engine/text.h"

#include <math.h>
#include <string.h>

void qn_csv_begin(qn_csv *csv, qn_buf *out)
{
    *csv = (qn_csv){.out = out};
}

static void next_cell(qn_csv *csv)
{
    if (csv->in_row) qn_buf_byte(csv->out, ',');
    csv->in_row = true;
}

/* Behind any apostrophes, so that taking one away gives the text again. */
static bool is_formula_text(const char *text)
{
    text += strspn(text, "'");
    return *text && strchr("=+-@\t\r", *text);
}

void qn_csv_text(qn_csv *csv, const char *text)
{
    next_cell(csv);
    if (!text || !*text) return;
    const bool is_formula = is_formula_text(text);
    const bool is_blank = text[0] == ' ' || text[strlen(text) - 1] == ' ';
    const bool is_quoted = is_formula || is_blank || strpbrk(text, ",\"\n\r") != NULL;
    if (!is_quoted) {
        qn_buf_text(csv->out, text);
        return;
    }
    qn_buf_text(csv->out, is_formula ? "\"'" : "\"");
    for (; *text; text++) {
        if (*text == '"') qn_buf_byte(csv->out, '"');
        qn_buf_byte(csv->out, *text);
    }
    qn_buf_byte(csv->out, '"');
}

void qn_csv_plain(char *text)
{
    if (*text == '\'' && is_formula_text(text)) memmove(text, text + 1, strlen(text));
}

void qn_csv_int(qn_csv *csv, int64_t value)
{
    next_cell(csv);
    qn_buf_format(csv->out, "%lld", (long long)value);
}

void qn_csv_real(qn_csv *csv, double value)
{
    char text[QN_REAL_TEXT];
    next_cell(csv);
    if (!isnan(value)) qn_buf_text(csv->out, qn_real_text(text, value));
}

void qn_csv_single(qn_csv *csv, float value)
{
    char text[QN_REAL_TEXT];
    next_cell(csv);
    if (!isnan(value)) qn_buf_text(csv->out, qn_single_text(text, value));
}

void qn_csv_end(qn_csv *csv)
{
    qn_buf_byte(csv->out, '\n');
    csv->in_row = false;
}

void qn_csv_header(qn_csv *csv, const char *list)
{
    qn_buf_text(csv->out, list);
    qn_csv_end(csv);
}
