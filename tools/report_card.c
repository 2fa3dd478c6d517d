/* SPDX-License-Identifier: Apache-2.0 */
/* tools/report_card.c - a model card in Markdown (Mitchell et al. 2019): what was
 * measured is filled in, what only the author can know is left as a question. */
#include "tools/train_report.h"

#include <inttypes.h>
#include <string.h>

/* Text that stays text inside a table. */
static void put_text(qn_buf *out, const char *text)
{
    for (; *text; text++) {
        if (strchr("|\\`*_<>[]&", *text)) qn_buf_byte(out, '\\');
        qn_buf_byte(out, (unsigned char)*text < ' ' ? ' ' : *text);
    }
}

static void put_rows(qn_buf *out, const qn_text_table *table)
{
    if (table->n_rows == 0) return;
    qn_buf_text(out, "|");
    for (size_t k = 0; k < table->n_columns; k++)
        qn_buf_format(out, " %s |", table->headings[k]);
    qn_buf_text(out, "\n|");
    for (size_t k = 0; k < table->n_columns; k++)
        qn_buf_text(out, table->align[k] == 'r' ? "---:|" : "---|");
    for (size_t i = 0; i < table->n_rows * table->n_columns; i++) {
        qn_buf_text(out, i % table->n_columns ? " " : "\n| ");
        put_text(out, table->cells[i]);
        qn_buf_text(out, " |");
    }
    qn_buf_text(out, "\n\n");
}

static quern_status put_table(qn_buf *out, const qn_train_report *r,
                              qn_report_part part, qn_arena *arena, quern_error *err)
{
    qn_text_table table;
    QN_TRY(qn_report_table(r, part, arena, &table, err));
    put_rows(out, &table);
    return QUERN_OK;
}

static quern_status put_results(qn_buf *out, const qn_train_report *r, qn_arena *arena,
                                quern_error *err)
{
    qn_buf_format(out, "## Results\n\nOn %" PRId64 " items of the ", r->metrics->n);
    put_text(out, r->split);
    qn_buf_text(out, " split:\n\n");
    QN_TRY(put_table(out, r, QN_PART_FIGURES, arena, err));
    return put_table(out, r, QN_PART_CLASSES, arena, err);
}

static quern_status put_limits(qn_buf *out, const qn_train_report *r, qn_arena *arena,
                               quern_error *err)
{
    qn_confused *cells;
    int64_t n;
    char sentence[QN_SENTENCE];
    qn_buf_text(out,
                "## Limits\n\n"
                "- The figures hold for pictures like those it was measured on.\n");
    QN_TRY(qn_most_confused(r->metrics, 3, arena, &cells, &n, err));
    for (int64_t i = 0; i < n; i++) {
        qn_buf_text(out, "- ");
        put_text(out, r->classes[cells[i].label]);
        qn_buf_text(out, " is taken for ");
        put_text(out, r->classes[cells[i].predicted]);
        qn_buf_format(out, " %" PRId64 " times in %" PRId64 ".\n", cells[i].n,
                      r->metrics->classes[cells[i].label].n);
    }
    qn_buf_text(out, "- ");
    put_text(out, qn_calibration_text(r, sentence));
    qn_buf_text(out, "\n- It is not a medical device.\n\n");
    return QUERN_OK;
}

static quern_status put_facts(qn_buf *out, const qn_facts *facts, qn_arena *arena,
                              quern_error *err)
{
    qn_text_table table;
    QN_TRY(qn_facts_table(facts, arena, &table, err));
    qn_buf_text(out, "## ");
    put_text(out, facts->title);
    qn_buf_text(out, "\n\n");
    put_rows(out, &table);
    return QUERN_OK;
}

quern_status qn_report_card(const qn_train_report *r, qn_arena *arena, qn_buf *out,
                            quern_error *err)
{
    qn_buf_text(out, "# ");
    put_text(out, r->title);
    qn_buf_text(out, "\n\n");
    if (r->summary) {
        put_text(out, r->summary);
        qn_buf_text(out, "\n\n");
    }
    qn_buf_text(out,
                "## Intended use\n\nWho should use it for what, and who should not? "
                "(Its author's to say.)\n\n");
    if (r->metrics) {
        QN_TRY(put_results(out, r, arena, err));
        QN_TRY(put_limits(out, r, arena, err));
    }
    for (size_t i = 0; i < r->n_facts; i++)
        QN_TRY(put_facts(out, &r->facts[i], arena, err));
    return qn_buf_status(out, err);
}
