/* SPDX-License-Identifier: Apache-2.0 */
/* formats/files.c - see files.h. */
#include "formats/files.h"

#include "formats/json_read.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

quern_status qn_path_format(char out[QN_PATH_MAX], quern_error *err, const char *format,
                            ...)
{
    va_list list;
    va_start(list, format);
    const int n = vsnprintf(out, QN_PATH_MAX, format, list);
    va_end(list);
    if (n >= 0 && n < QN_PATH_MAX) return QUERN_OK;
    return qn_fail(err, QUERN_IO, "a path of %d bytes is longer than %d", n,
                   QN_PATH_MAX - 1);
}

quern_status qn_file_text(qn_arena *arena, const char *path, char **text, size_t *n,
                          quern_error *err)
{
    qn_file file;
    quern_status status = qn_file_open(NULL, path, &file, err);
    if (status == QUERN_OK) {
        void *bytes;
        status = qn_file_read(&file, arena, &bytes, err);
        *text = bytes;
        if (n) *n = file.bytes;
        qn_file_close(&file);
    }
    if (status != QUERN_OK) qn_within(err, "%s", path);
    return status;
}

/* Cuts the text into its lines. */
static quern_status names_by_line(char *text, qn_arena *arena,
                                  const char *const **names, int *n_names,
                                  quern_error *err)
{
    size_t n = 1;
    void *list;
    for (const char *p = text; *p; p++)
        n += *p == '\n';
    if (n > INT32_MAX) return qn_fail(err, QUERN_LIMIT, "%zu lines of names", n);
    QN_TRY(qn_arena_array(arena, n, sizeof **names, &list, err));
    const char **lines = list;
    *names = list;
    for (*n_names = 0; *text; ++*n_names) {
        char *line = text;
        const size_t length = strcspn(line, "\n");
        text += length + (text[length] == '\n');
        line[length] = 0;
        line[strcspn(line, "\r")] = 0;
        lines[*n_names] = line;
    }
    while (*n_names && !*lines[*n_names - 1])
        --*n_names; /* empty lines at the end name nothing */
    return QUERN_OK;
}

quern_status qn_file_names(qn_arena *arena, const char *path, const char *const **names,
                           int *n_names, quern_error *err)
{
    char *text;
    size_t n;
    QN_TRY(qn_file_text(arena, path, &text, &n, err));
    if (!strncmp(text, "\xef\xbb\xbf", 3)) {
        text += 3;
        n -= 3;
    }
    const char first = text[strspn(text, " \t\r\n")];
    const quern_status status = first == '[' || first == '{'
                                    ? qn_json_names(arena, text, n, names, n_names, err)
                                    : names_by_line(text, arena, names, n_names, err);
    if (status != QUERN_OK) qn_within(err, "%s", path);
    return status;
}

bool qn_file_is_there(const char *path)
{
    qn_file file;
    if (qn_file_open(NULL, path, &file, NULL) != QUERN_OK) return false;
    qn_file_close(&file);
    return true;
}

bool qn_ends_with(const char *text, const char *end)
{
    const size_t n = strlen(text), k = strlen(end);
    return n >= k && !strcasecmp(text + n - k, end);
}
