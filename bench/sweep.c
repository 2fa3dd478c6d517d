/* SPDX-License-Identifier: Apache-2.0 */
/* bench/sweep.c - see sweep.h. */
#include "bench/sweep.h"

#include "engine/os.h"
#include "engine/text.h"

#include <string.h>

enum { MOST_DEPTH = 8, MOST_SETS = 64, MOST_FILES = 256 };

/* A file being read, and those that included it. */
typedef struct reader {
    qn_problems *list;
    const char *folder; /* NULL: nothing may be included */
    const char *line;   /* without its comment */
    size_t length;
    int number, depth;
    int *n_files;          /* included so far, by all of them */
    int64_t wanted, found; /* problem lines */
    qn_problem_set sets[MOST_SETS];
    int n_sets;
} reader;

static quern_status read_text(reader *r, const char *text, size_t n, quern_error *err);

static quern_status wrong(const reader *r, size_t at, const char *what,
                          quern_error *err)
{
    return qn_fail(err, QUERN_INVALID, "line %d, column %zu: %s", r->number, at + 1,
                   what);
}

/* Whether the line is the word and something behind it; *at: where that begins. */
static bool is_directive(const reader *r, const char *word, size_t *at)
{
    const size_t n = strlen(word);
    if (r->length <= n || memcmp(r->line, word, n) != 0) return false;
    if (r->line[n] != ' ' && r->line[n] != '\t') return false;
    for (*at = n; r->line[*at] == ' ' || r->line[*at] == '\t';)
        ++*at;
    return true;
}

static quern_status read_count(reader *r, size_t at, quern_error *err)
{
    if (!qn_text_to_int(r->line + at, r->length - at, &r->wanted) || r->wanted < 0)
        return wrong(r, at, "a number of problems is missing", err);
    return QUERN_OK;
}

/* Whether any kind of problem has a field whose name begins these letters. */
static bool is_field(const char *p, size_t n)
{
    for (int k = 0; qn_problem_kinds[k]; k++)
        for (const qn_problem_field *f = qn_problem_kinds[k]->fields; f->name; f++)
            if (strlen(f->name) == n && !memcmp(f->name, p, n)) return true;
    return false;
}

/* How many letters of a name stand at i of the line. */
static size_t letters_at(const reader *r, size_t i)
{
    size_t n = 0;
    while (i + n < r->length &&
           (r->line[i + n] == '_' || (r->line[i + n] >= 'a' && r->line[i + n] <= 'z')))
        n++;
    return n;
}

static quern_status read_set(reader *r, size_t at, quern_error *err)
{
    bool is_name = true, is_list = false;
    for (size_t i = at; i <= r->length; i++) {
        if (is_name && !is_field(r->line + i, letters_at(r, i)))
            return wrong(r, i, "is no field of any kind of problem", err);
        if (i == r->length) break;
        is_list = r->line[i] == '{' || (is_list && r->line[i] != '}');
        is_name = r->line[i] == ',' && !is_list;
    }
    if (r->n_sets == MOST_SETS) return wrong(r, 0, "more than 64 sets", err);
    r->sets[r->n_sets++] =
        (qn_problem_set){r->line, r->line + at, r->line + r->length, r->number};
    return QUERN_OK;
}

/* Opened within the folder of the file, so that a sweep from elsewhere cannot read what
 * lies outside. */
static quern_status read_include(const reader *r, size_t at, quern_error *err)
{
    char *path;
    const char *copy;
    void *bytes = NULL;
    qn_file file;
    reader inner = {.list = r->list,
                    .folder = r->folder,
                    .depth = r->depth + 1,
                    .n_files = r->n_files};
    if (!r->folder) return wrong(r, 0, "only files include others", err);
    if (inner.depth == MOST_DEPTH || ++*r->n_files > MOST_FILES)
        return wrong(r, 0, "files include each other 8 deep, or over 256 in all", err);
    QN_TRY(qn_arena_text(r->list->arena, r->line + at, r->length - at, &copy, err));
    path = (char *)copy;
    quern_status status = qn_file_open(r->folder, path, &file, err);
    if (status == QUERN_OK) {
        status = qn_file_read(&file, r->list->arena, &bytes, err);
        qn_file_close(&file);
    }
    memcpy(inner.sets, r->sets, sizeof r->sets);
    inner.n_sets = r->n_sets;
    if (status == QUERN_OK) status = read_text(&inner, bytes, file.bytes, err);
    if (status == QUERN_OK) return QUERN_OK;
    qn_within(err, "line %d, column %zu: include %s", r->number, at + 1, path);
    return status;
}

static quern_status read_line(reader *r, quern_error *err)
{
    size_t at;
    if (is_directive(r, "count", &at)) return read_count(r, at, err);
    if (is_directive(r, "set", &at)) return read_set(r, at, err);
    if (is_directive(r, "include", &at)) return read_include(r, at, err);
    r->list->sets = r->sets;
    r->list->n_sets = r->n_sets;
    const quern_status status =
        qn_problem_parse(r->list, r->line, r->length, r->number, err);
    r->list->sets = NULL;
    r->list->n_sets = 0;
    r->found++;
    return status;
}

static quern_status read_text(reader *r, const char *text, size_t n, quern_error *err)
{
    r->wanted = -1;
    for (size_t at = 0; at < n;) {
        const char *stop = memchr(text + at, '\n', n - at);
        r->line = text + at;
        r->length = stop ? (size_t)(stop - r->line) : n - at;
        r->number++;
        at += r->length + (stop != NULL);
        const char *hash = memchr(r->line, '#', r->length);
        if (hash) r->length = (size_t)(hash - r->line);
        while (r->length > 0 && (unsigned char)r->line[r->length - 1] <= ' ')
            r->length--;
        if (r->length) QN_TRY(read_line(r, err));
    }
    if (r->wanted < 0 || r->found == r->wanted) return QUERN_OK;
    return qn_fail(err, QUERN_INVALID,
                   "line %d, column 1: the file ends after %lld of its %lld problems",
                   r->number, (long long)r->found, (long long)r->wanted);
}

quern_status qn_sweep_parse(qn_problems *list, const char *text, size_t n,
                            quern_error *err)
{
    reader r = {.list = list};
    return read_text(&r, text, n, err);
}

quern_status qn_sweep_load(qn_problems *list, const char *path, quern_error *err)
{
    char folder[QN_PATH_MAX];
    void *bytes = NULL;
    qn_file file;
    int n_files = 0;
    reader r = {.list = list, .folder = folder, .n_files = &n_files};
    quern_status status = qn_path_folder(path, folder, err);
    if (status == QUERN_OK) status = qn_file_open(NULL, path, &file, err);
    if (status == QUERN_OK) {
        status = qn_file_read(&file, list->arena, &bytes, err);
        qn_file_close(&file);
        if (status == QUERN_OK) status = read_text(&r, bytes, file.bytes, err);
    }
    if (status != QUERN_OK) qn_within(err, "%s", path);
    return status;
}
