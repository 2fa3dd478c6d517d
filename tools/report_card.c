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

static void put_cell(qn_buf *out, const char *text)
{
    put_text(out, text);
    qn_buf_text(out, " |");
}

static void put_figures(qn_buf *out, const qn_train_report *r)
{
    const qn_metrics *m = r->metrics;
    char value[QN_FIGURE_TEXT], interval[QN_INTERVAL_TEXT];
    qn_buf_format(out, "## Results\n\nOn %" PRId64 " items of the ", m->n);
    put_text(out, r->split);
    qn_buf_text(out,
                " split:\n\n| figure | value | 95 % interval |\n|---|---:|---:|\n");
    for (int i = 0; i < QN_N_FIGURES; i++) {
        if (!isfinite(m->figure[i])) continue;
        qn_buf_format(out, "| %s | %s | %s |\n", qn_figure_at((qn_figure)i)->title,
                      qn_figure_text((qn_figure)i, m->figure[i], value),
                      qn_interval_text(m, (qn_figure)i, interval));
    }
}

static void put_classes(qn_buf *out, const qn_train_report *r)
{
    const qn_metrics *m = r->metrics;
    qn_buf_text(out, "\n| class | items | precision | recall | F1 |\n"
                     "|---|---:|---:|---:|---:|\n");
    for (int k = 0; k < m->n_classes; k++) {
        const qn_class_metrics *c = &m->classes[k];
        char precision[QN_FIGURE_TEXT], recall[QN_FIGURE_TEXT], f1[QN_FIGURE_TEXT];
        qn_buf_text(out, "| ");
        put_cell(out, r->classes[k]);
        qn_buf_format(out, " %" PRId64 " | %s | %s | %s |\n", c->n,
                      qn_figure_text(QN_FIGURE_TOP1, c->precision, precision),
                      qn_figure_text(QN_FIGURE_TOP1, c->recall, recall),
                      qn_figure_text(QN_FIGURE_TOP1, c->f1, f1));
    }
}

static quern_status put_limits(qn_buf *out, const qn_train_report *r, qn_arena *arena,
                               quern_error *err)
{
    qn_confused *cells;
    int64_t n;
    qn_buf_text(out,
                "\n## Limits\n\n"
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
    if (isfinite(r->temperature))
        qn_buf_format(out, "- Confidences are calibrated by a temperature of %.3f.\n",
                      r->temperature);
    qn_buf_text(out, "- It is not a medical device.\n");
    return QUERN_OK;
}

static void put_facts(qn_buf *out, const qn_facts *facts)
{
    qn_buf_text(out, "\n## ");
    put_text(out, facts->title);
    qn_buf_text(out, "\n\n| | |\n|---|---|\n");
    for (size_t i = 0; i < facts->n; i++) {
        qn_buf_text(out, "| ");
        put_cell(out, facts->rows[i].key);
        qn_buf_text(out, " ");
        put_cell(out, facts->rows[i].value ? facts->rows[i].value : "");
        qn_buf_text(out, "\n");
    }
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
        put_figures(out, r);
        put_classes(out, r);
        QN_TRY(put_limits(out, r, arena, err));
    }
    for (size_t i = 0; i < r->n_facts; i++)
        put_facts(out, &r->facts[i]);
    return qn_buf_status(out, err);
}
