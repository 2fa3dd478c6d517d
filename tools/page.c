/* SPDX-License-Identifier: Apache-2.0 */
/* tools/page.c - see page.h. */
#include "tools/page.h"

#include "formats/files.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { TEXT = 1024 };

/* Text that no Markdown reader takes for anything else. */
static void markdown_text(qn_buf *to, const char *text)
{
    for (const char *c = text; *c; c++) {
        if ((unsigned char)*c < ' ')
            qn_buf_byte(to, ' ');
        else if (*c == '<')
            qn_buf_text(to, "&lt;");
        else if (*c == '&')
            qn_buf_text(to, "&amp;");
        else {
            if (strchr("\\`*_{}[]|#>!~", *c)) qn_buf_byte(to, '\\');
            qn_buf_byte(to, *c);
        }
    }
}

void qn_page_begin(qn_page *p, qn_mem *mem, const char *folder, const char *title,
                   const char *subtitle)
{
    *p = (qn_page){.folder = folder, .mem = mem};
    qn_buf_init(&p->html_text, mem);
    qn_buf_init(&p->markdown, mem);
    qn_html_begin(&p->html, &p->html_text, title, subtitle);
    qn_buf_text(&p->markdown, "# ");
    markdown_text(&p->markdown, title);
    qn_buf_text(&p->markdown, "\n\n");
    markdown_text(&p->markdown, subtitle);
    qn_buf_text(&p->markdown, "\n");
}

void qn_page_section(qn_page *p, const char *title)
{
    qn_html_section(&p->html, title);
    qn_buf_text(&p->markdown, "\n## ");
    markdown_text(&p->markdown, title);
    qn_buf_text(&p->markdown, "\n");
}

void qn_page_text(qn_page *p, const char *format, ...)
{
    char text[TEXT];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    qn_html_text(&p->html, "%s", text);
    qn_buf_text(&p->markdown, "\n");
    markdown_text(&p->markdown, text);
    qn_buf_text(&p->markdown, "\n");
}

/* ---- tables ---------------------------------------------------------------------- */

void qn_page_table_begin(qn_page *p, const char *caption, const char *align,
                         const char *const *headings)
{
    qn_html_table_begin(&p->html, caption, align, headings);
    p->n_columns = (int)strlen(align);
    p->column = 0;
    qn_buf_text(&p->markdown, "\n");
    markdown_text(&p->markdown, caption);
    qn_buf_text(&p->markdown, "\n\n|");
    for (int i = 0; i < p->n_columns; i++) {
        qn_buf_text(&p->markdown, " ");
        markdown_text(&p->markdown, headings[i]);
        qn_buf_text(&p->markdown, " |");
    }
    qn_buf_text(&p->markdown, "\n|");
    for (int i = 0; i < p->n_columns; i++)
        qn_buf_text(&p->markdown, align[i] == 'r' ? "--:|" : "---|");
    qn_buf_text(&p->markdown, "\n");
}

void qn_page_cell(qn_page *p, const char *format, ...)
{
    char text[TEXT];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    qn_html_cell(&p->html, "%s", text);
    qn_buf_text(&p->markdown, p->column == 0 ? "| " : " ");
    markdown_text(&p->markdown, text);
    qn_buf_text(&p->markdown, " |");
    p->column = (p->column + 1) % p->n_columns;
    if (p->column == 0) qn_buf_text(&p->markdown, "\n");
}

void qn_page_table_end(qn_page *p)
{
    qn_html_table_end(&p->html);
}

/* ---- pictures -------------------------------------------------------------------- */

static quern_status save_chart(const qn_page *p, const char *name,
                               const qn_chart *chart, quern_error *err)
{
    static const char *const endings[] = {"svg", "png", "pdf"};
    char path[QN_PATH_MAX];
    for (int i = 0; i < 3; i++) {
        QN_TRY(qn_path_format(path, err, "%s/%s.%s", p->folder, name, endings[i]));
        QN_TRY(qn_chart_save(p->mem, path, chart, err));
    }
    return QUERN_OK;
}

void qn_page_chart(qn_page *p, const char *name, const qn_chart *chart,
                   const char *caption)
{
    qn_buf svg;
    quern_error err = {.status = QUERN_OK};
    qn_buf_init(&svg, p->mem);
    quern_status status = qn_chart_svg(&svg, chart, &err);
    if (status == QUERN_OK) {
        qn_html_figures_begin(&p->html);
        qn_html_svg(&p->html, svg.p, svg.n, caption);
        qn_html_figures_end(&p->html);
        qn_buf_text(&p->markdown, "\n![");
        markdown_text(&p->markdown, caption);
        qn_buf_format(&p->markdown, "](%s.svg)\n", name);
        p->n_pictures++;
        status = save_chart(p, name, chart, &err);
        if (status != QUERN_OK && p->error.status == QUERN_OK) p->error = err;
    } else if (!p->why[0]) {
        snprintf(p->why, sizeof p->why, "%.255s", err.text);
    }
    qn_buf_done(&svg);
}

/* ---- files ----------------------------------------------------------------------- */

static quern_status save(const qn_page *p, const char *name, const char *ending,
                         const qn_buf *text, quern_error *err)
{
    char path[QN_PATH_MAX];
    QN_TRY(qn_buf_status(text, err));
    QN_TRY(qn_path_format(path, err, "%s/%s.%s", p->folder, name, ending));
    return qn_file_replace(path, text->p, text->n, err);
}

quern_status qn_page_end(qn_page *p, const char *name, quern_error *err)
{
    quern_status status = p->error.status;
    qn_html_end(&p->html);
    if (status != QUERN_OK && err) *err = p->error;
    if (status == QUERN_OK) status = save(p, name, "html", &p->html_text, err);
    if (status == QUERN_OK) status = save(p, name, "md", &p->markdown, err);
    qn_buf_done(&p->html_text);
    qn_buf_done(&p->markdown);
    return status;
}
