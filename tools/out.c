/* SPDX-License-Identifier: Apache-2.0 */
/* tools/out.c - see out.h. */
#include "tools/out.h"

#include "engine/os.h"
#include "engine/utf8.h"
#include "tools/term.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

/* ---- messages ---- */

const char *qn_clean(char *room, size_t n, const char *text)
{
    const size_t all = text ? strlen(text) : 0;
    size_t used = 0;
    while (used < all) {
        const size_t k = qn_utf8_length(text + used, all - used);
        if (used + (k ? k : 1) >= n) break; /* between characters */
        used += k ? k : 1;
    }
    if (used) memcpy(room, text, used);
    room[used] = 0;
    qn_utf8_escape(room, n);
    return room;
}

int qn_report(const char *file, const quern_error *err)
{
    char text[sizeof err->text];
    quern_error told = *err;
    if (file) qn_within(&told, "%s", file); /* unless the sentence names it already */
    qn_clean(text, sizeof text, told.text);
    fprintf(stderr, "quern: %s\n", text);
    return quern_status_exit_code(err->status);
}

void qn_say(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    fputs("quern: ", stderr);
    vfprintf(stderr, format, list);
    fputc('\n', stderr);
    va_end(list);
}

void qn_out_log(void *ctx, const char *text)
{
    char line[1024];
    qn_clean(line, sizeof line, text);
    if (ctx)
        qn_say("%s: note: %s", QN_CLEAN(ctx), line);
    else
        qn_say("note: %s", line);
}

int qn_out_flush(qn_buf *buf)
{
    quern_error err;
    if (qn_buf_status(buf, &err) != QUERN_OK) return qn_report(NULL, &err);
    if (buf->n) fwrite(buf->p, 1, buf->n, stdout);
    qn_buf_clear(buf);
    return 0;
}

quern_status qn_out_give(qn_buf *buf, quern_error *err)
{
    const quern_status status = qn_buf_status(buf, err);
    if (status == QUERN_OK) qn_out_flush(buf);
    qn_buf_done(buf);
    return status;
}

/* ---- tables ---- */

void qn_table_begin(qn_table *t, qn_mem *mem, const char *align)
{
    t->align = align;
    t->n_columns = (int)strlen(align);
    qn_buf_init(&t->cells, mem);
}

void qn_table_cell(qn_table *t, const char *format, ...)
{
    char cell[256], clean[256];
    va_list list;
    va_start(list, format);
    vsnprintf(cell, sizeof cell, format, list);
    va_end(list);
    qn_clean(clean, sizeof clean, cell);
    qn_buf_add(&t->cells, clean, strlen(clean) + 1);
}

/* Columns on a terminal: UTF-8 continuation bytes take none. */
static int width(const char *text)
{
    int n = 0;
    for (; *text; text++)
        n += (*text & 0xc0) != 0x80;
    return n;
}

static void print_cells(const qn_table *t, FILE *to)
{
    int widths[QN_TABLE_COLUMNS] = {0}, column = 0;
    const char *end = t->cells.p + t->cells.n;
    for (const char *p = t->cells.p; p && p < end; p += strlen(p) + 1) {
        if (width(p) > widths[column]) widths[column] = width(p);
        column = (column + 1) % t->n_columns;
    }
    column = 0;
    for (const char *p = t->cells.p; p && p < end; p += strlen(p) + 1) {
        const int pad = widths[column] - width(p);
        const bool is_last = column == t->n_columns - 1;
        const bool is_right = t->align[column] == 'r';
        fprintf(to, "%*s%s", is_right ? pad : 0, "", p);
        fprintf(to, "%*s%s", is_right || is_last ? 0 : pad, "", is_last ? "\n" : "  ");
        column = (column + 1) % t->n_columns;
    }
}

void qn_table_end(qn_table *t)
{
    qn_buf_done(&t->cells);
}

quern_status qn_table_print(qn_table *t, FILE *to, quern_error *err)
{
    const quern_status status = to ? qn_buf_status(&t->cells, err) : QUERN_OK;
    if (to && status == QUERN_OK) print_cells(t, to);
    qn_table_end(t);
    return status;
}

const char *qn_human_count(char text[QN_HUMAN_TEXT], int64_t n)
{
    char digits[24], *to = text;
    const int length = snprintf(digits, sizeof digits, "%lld", (long long)n);
    for (int i = 0; i < length; i++) {
        *to++ = digits[i];
        const int left = length - 1 - i;
        if (left > 0 && left % 3 == 0 && digits[i] != '-') *to++ = ',';
    }
    *to = 0;
    return text;
}

static const char *scaled(char text[QN_HUMAN_TEXT], double n, double base,
                          const char *unit)
{
    static const char *const prefix[] = {"", "k", "M", "G", "T", "P"};
    int k = 0;
    while (k < 5 && fabs(n) >= base) {
        n /= base;
        k++;
    }
    const int digits = k == 0 || fabs(n) >= 100 ? 0 : fabs(n) >= 10 ? 1 : 2;
    snprintf(text, QN_HUMAN_TEXT, "%.*f%s%s%s", digits, n, k || *unit ? " " : "",
             prefix[k], unit);
    return text;
}

const char *qn_human_bytes(char text[QN_HUMAN_TEXT], double n)
{
    return scaled(text, n, 1000, "B");
}

const char *qn_human_scaled(char text[QN_HUMAN_TEXT], double n)
{
    return scaled(text, n, 1000, "");
}

/* ---- progress ---- */

void qn_progress_begin(qn_progress *p, const char *what, int64_t total, bool quiet)
{
    *p = (qn_progress){.what = what, .total = total, .is_quiet = quiet};
    p->is_tty = qn_term_is_tty(stderr);
    p->start = p->drawn = qn_os_seconds();
}

static void left_text(char text[QN_HUMAN_TEXT], double seconds)
{
    const int64_t s = (int64_t)(seconds + 0.5);
    if (s >= 3600)
        snprintf(text, QN_HUMAN_TEXT, "%lld:%02d:%02d", (long long)(s / 3600),
                 (int)(s / 60 % 60), (int)(s % 60));
    else
        snprintf(text, QN_HUMAN_TEXT, "%d:%02d", (int)(s / 60), (int)(s % 60));
}

static void draw(const qn_progress *p, int64_t done, double seconds)
{
    const double share = p->total > 0 ? (double)done / (double)p->total : 1;
    const double rate = seconds > 0 ? (double)done / seconds : 0;
    char line[128], left[QN_HUMAN_TEXT];
    left_text(left, rate > 0 ? (double)(p->total - done) / rate : 0);
    snprintf(line, sizeof line, "%s/%s %s  %s/s  %s left", QN_COUNT(done),
             QN_COUNT(p->total), p->what, QN_SCALED(rate), left);
    if (!p->is_tty) {
        fprintf(stderr, "%3.0f %%  %s\n", 100 * share, line);
        return;
    }
    const int room = qn_term_width(stderr) - (int)strlen(line) - 4;
    const int bar = room > 40 ? 40 : room > 0 ? room : 0;
    fputs("\r[", stderr);
    for (int i = 0; i < bar; i++)
        fputc(i < (int)(share * bar + 0.5) ? '#' : '.', stderr);
    fprintf(stderr, "] %s\033[K", line);
}

void qn_progress_step(qn_progress *p, int64_t done)
{
    const double now = qn_os_seconds();
    const double pause = p->is_tty ? 0.1 : p->is_shown ? 5 : 2;
    if (p->is_quiet || now - p->drawn < pause) return;
    p->drawn = now;
    p->is_shown = true;
    draw(p, done, now - p->start);
}

void qn_progress_hide(qn_progress *p)
{
    if (p->is_tty && p->is_shown) fputs("\r\033[K", stderr);
}

void qn_progress_end(qn_progress *p)
{
    qn_progress_hide(p);
    p->is_shown = false;
}
