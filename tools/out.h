/* SPDX-License-Identifier: Apache-2.0 */
/* tools/out.h - how commands talk: results to stdout, everything for people to stderr.
 * Text from files is cleaned of control characters before it reaches a terminal. */
#ifndef QN_TOOLS_OUT_H
#define QN_TOOLS_OUT_H

#include "formats/json_write.h"

#include <stdio.h>

/* ---- messages ---- */

/* "quern: FILE: sentence" on stderr (file may be NULL); returns the exit code. */
int qn_report(const char *file, const quern_error *err);
/* "quern: text" on stderr. */
void qn_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The log callback of models and sessions; ctx is the file's name or NULL. */
void qn_out_log(void *ctx, const char *text);
/* Text with what steers a terminal, or is no UTF-8, as \xNN, into room of n bytes (1024
 * at the most); what is longer is cut. */
const char *qn_clean(char *room, size_t n, const char *text);
#define QN_CLEAN(text) qn_clean((char[256]){0}, 256, (text))
/* Writes the buffer to stdout and clears it; after a failed append says so.  Exit code.
 */
int qn_out_flush(qn_buf *buf);
/* The same for what is whole, and ends the buffer; after a failed append writes nothing
 * and fails. */
quern_status qn_out_give(qn_buf *buf, quern_error *err);

/* ---- tables ---- */

#define QN_TABLE_COLUMNS 24

/* Cells are kept until qn_table_print knows the widths. */
typedef struct qn_table {
    const char *align; /* a letter per column: l or r */
    int n_columns;
    qn_buf cells; /* zero-ended, row by row */
} qn_table;

void qn_table_begin(qn_table *t, qn_mem *mem, const char *align);
void qn_table_cell(qn_table *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Prints and ends it; to NULL: only ends it.  Fails when cells were lost for lack of
 * memory; then nothing is printed. */
quern_status qn_table_print(qn_table *t, FILE *to, quern_error *err)
    __attribute__((warn_unused_result));
void qn_table_end(qn_table *t);

/* "25,557,032", "97.5 MB", "1.82 G": for people. */
#define QN_HUMAN_TEXT 32
const char *qn_human_count(char text[QN_HUMAN_TEXT], int64_t n);
const char *qn_human_bytes(char text[QN_HUMAN_TEXT], double n);
const char *qn_human_scaled(char text[QN_HUMAN_TEXT], double n);
#define QN_COUNT(n)  qn_human_count((char[QN_HUMAN_TEXT]){0}, (n))
#define QN_BYTES(n)  qn_human_bytes((char[QN_HUMAN_TEXT]){0}, (double)(n))
#define QN_SCALED(n) qn_human_scaled((char[QN_HUMAN_TEXT]){0}, (n))

/* ---- progress ---- */

/* A bar with rate and time left on a terminal, redrawn at most ten times a second;
 * plain lines elsewhere, from two seconds on. */
typedef struct qn_progress {
    const char *what; /* "images" */
    int64_t total;
    double start, drawn;
    bool is_tty, is_quiet, is_shown;
} qn_progress;

void qn_progress_begin(qn_progress *p, const char *what, int64_t total, bool quiet);
void qn_progress_step(qn_progress *p, int64_t done);
void qn_progress_hide(qn_progress *p); /* before other lines go to the terminal */
void qn_progress_end(qn_progress *p);

#endif
