/* SPDX-License-Identifier: Apache-2.0 */
/* tools/train_report.c - see train_report.h: the files, and figures as text. */
#include "tools/train_report.h"

#include "formats/files.h"

#include <stdio.h>
#include <string.h>

/* ---- figures as text ---- */

static bool is_share(qn_figure figure)
{
    switch (figure) {
    case QN_FIGURE_LOSS:
    case QN_FIGURE_BRIER:
    case QN_FIGURE_KAPPA:
    case QN_FIGURE_MCC:
    case QN_FIGURE_ROC_AUC:
    case QN_FIGURE_AVERAGE_PRECISION:
        return false;
    default:
        return true;
    }
}

const char *qn_figure_text(qn_figure figure, double value, char text[QN_FIGURE_TEXT])
{
    if (!isfinite(value))
        snprintf(text, QN_FIGURE_TEXT, "-");
    else if (is_share(figure))
        snprintf(text, QN_FIGURE_TEXT, "%.2f %%", 100 * value);
    else
        snprintf(text, QN_FIGURE_TEXT, "%.4f", value);
    return text;
}

const char *qn_interval_text(const qn_metrics *m, qn_figure figure,
                             char text[QN_INTERVAL_TEXT])
{
    char lo[QN_FIGURE_TEXT], hi[QN_FIGURE_TEXT];
    text[0] = 0;
    if (isfinite(m->lo[figure]) && isfinite(m->hi[figure]))
        snprintf(text, QN_INTERVAL_TEXT, "%s to %s",
                 qn_figure_text(figure, m->lo[figure], lo),
                 qn_figure_text(figure, m->hi[figure], hi));
    return text;
}

/* ---- files ---- */

static quern_status write_chart(const qn_train_report *r, const char *folder,
                                qn_report_chart which, qn_arena *arena,
                                quern_error *err)
{
    static const char *const endings[] = {"png", "svg"};
    char path[QN_PATH_MAX];
    qn_chart chart;
    QN_TRY(qn_report_chart_make(r, which, arena, &chart, err));
    for (int i = 0; i < 2; i++) {
        QN_TRY(qn_path_format(path, err, "%s/%s.%s", folder,
                              qn_report_chart_name(which), endings[i]));
        QN_TRY(qn_chart_save(arena->mem, path, &chart, err));
    }
    return QUERN_OK;
}

static quern_status write_charts(const qn_train_report *r, const char *folder,
                                 qn_arena *arena, quern_error *err)
{
    for (int i = 0; i < QN_N_CHARTS; i++)
        if (qn_report_chart_is_there(r, (qn_report_chart)i))
            QN_TRY(write_chart(r, folder, (qn_report_chart)i, arena, err));
    return QUERN_OK;
}

static quern_status save(const char *folder, const char *name, const qn_buf *bytes,
                         quern_error *err)
{
    char path[QN_PATH_MAX];
    QN_TRY(qn_path_format(path, err, "%s/%s", folder, name));
    return qn_file_replace(path, bytes->p, bytes->n, err);
}

static quern_status write_pages(const qn_train_report *r, const char *folder,
                                const char *why_no_charts, qn_arena *arena,
                                quern_error *err)
{
    qn_buf page;
    qn_buf_init(&page, arena->mem);
    quern_status status = qn_report_html(r, why_no_charts, arena, &page, err);
    if (status == QUERN_OK) status = save(folder, "report.html", &page, err);
    qn_buf_clear(&page);
    if (status == QUERN_OK) status = qn_report_card(r, arena, &page, err);
    if (status == QUERN_OK) status = save(folder, "MODEL_CARD.md", &page, err);
    qn_buf_done(&page);
    return status;
}

quern_status qn_train_report_write(const qn_train_report *r, const char *folder,
                                   qn_mem *mem, quern_error *no_pictures,
                                   quern_error *err)
{
    quern_error why = {0};
    qn_arena arena;
    QN_TRY(qn_dir_make(folder, err));
    qn_arena_init(&arena, mem);
    quern_status status = write_charts(r, folder, &arena, &why);
    const bool has_charts = status == QUERN_OK;
    if (has_charts || status == QUERN_UNSUPPORTED)
        status = write_pages(r, folder, has_charts ? NULL : why.text, &arena, err);
    else if (err)
        *err = why;
    if (no_pictures) {
        *no_pictures = (quern_error){0};
        if (!has_charts) *no_pictures = why;
    }
    qn_arena_done(&arena);
    return status;
}
