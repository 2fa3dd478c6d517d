/* SPDX-License-Identifier: Apache-2.0 */
/* tools/suite.c - finds tests; see suite.h. */
#include "tools/suite.h"

#include "formats/files.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH 8 /* of folders below a root */

const char *qn_test_status_name(qn_test_status status)
{
    static const char *const names[] = {"not_run", "passed",    "failed",
                                        "crashed", "timed_out", "skipped"};
    return names[status];
}

void qn_suite_init(qn_suite *suite, qn_mem *mem)
{
    *suite = (qn_suite){.n = 0};
    qn_arena_init(&suite->arena, mem);
}

void qn_suite_done(qn_suite *suite)
{
    qn_arena_done(&suite->arena);
}

bool qn_suite_matches(const char *glob, const char *name)
{
    const char *slash = strrchr(name, '/');
    return fnmatch(glob, name, 0) == 0 || (slash && fnmatch(glob, slash + 1, 0) == 0);
}

static quern_status join(qn_arena *arena, const char *folder, const char *name,
                         const char **out, quern_error *err)
{
    char path[QN_PATH_MAX];
    QN_TRY(qn_path_format(path, err, "%s%s%s", folder, *folder ? "/" : "", name));
    return qn_arena_text(arena, path, strlen(path), out, err);
}

/* Adds a test unless the glob leaves it out. */
static quern_status add(qn_suite *s, const qn_suite_test *test, const char *match,
                        quern_error *err)
{
    if (match && !qn_suite_matches(match, test->name)) return QUERN_OK;
    if (s->n == s->room) {
        void *more;
        const int64_t room = s->room ? 2 * s->room : 256;
        QN_TRY(qn_arena_array(&s->arena, (size_t)room, sizeof *s->tests, &more, err));
        if (s->n) memcpy(more, s->tests, (size_t)s->n * sizeof *s->tests);
        s->tests = more;
        s->room = room;
    }
    s->tests[s->n++] = *test;
    return QUERN_OK;
}

static bool starts_with(const char *text, const char *start)
{
    return !strncmp(text, start, strlen(start));
}

static bool is_test_folder(const char *const *names, int n)
{
    bool has_model = false, has_set = false;
    for (int i = 0; i < n; i++) {
        has_model |= !strcmp(names[i], "model.onnx");
        has_set |= starts_with(names[i], "test_data_set_");
    }
    return has_model && has_set;
}

typedef struct walk {
    qn_suite *suite;
    const char *match;
} walk;

/* path: the folder; name: of it below the root, "" for the root itself. */
static quern_status visit(const walk *w, const char *path, const char *name, int depth,
                          quern_error *err)
{
    qn_arena *arena = &w->suite->arena;
    const char *const *names;
    int n;
    QN_TRY(qn_dir_list(path, arena, &names, &n, err));
    if (is_test_folder(names, n)) {
        const char *slash = strrchr(path, '/');
        qn_suite_test test = {.name = *name ? name : slash ? slash + 1 : path};
        test.folder = path;
        QN_TRY(join(arena, path, "model.onnx", &test.model, err));
        return add(w->suite, &test, w->match, err);
    }
    for (int i = 0; i < n; i++) {
        const char *child, *child_name;
        const size_t length = strlen(names[i]);
        QN_TRY(join(arena, path, names[i], &child, err));
        QN_TRY(join(arena, name, names[i], &child_name, err));
        if (starts_with(names[i], "light_") && length > 5 &&
            !strcmp(names[i] + length - 5, ".onnx")) {
            qn_suite_test test = {.model = child};
            QN_TRY(qn_arena_text(arena, child_name, strlen(child_name) - 5, &test.name,
                                 err));
            QN_TRY(add(w->suite, &test, w->match, err));
        } else if (depth < MAX_DEPTH && qn_path_is_folder(child)) {
            QN_TRY(visit(w, child, child_name, depth + 1, err));
        }
    }
    return QUERN_OK;
}

quern_status qn_suite_add(qn_suite *suite, const char *root, const char *match,
                          quern_error *err)
{
    const walk w = {suite, match};
    char path[QN_PATH_MAX];
    const char *kept;
    QN_TRY(qn_path_format(path, err, "%s", root));
    for (size_t n = strlen(path); n > 1 && path[n - 1] == '/';)
        path[--n] = 0;
    QN_TRY(qn_arena_text(&suite->arena, path, strlen(path), &kept, err));
    const quern_status status = visit(&w, kept, "", 0, err);
    if (status != QUERN_OK) qn_within(err, "%s", root);
    return status;
}

static int by_name(const void *a, const void *b)
{
    const qn_suite_test *x = a, *y = b;
    const int order = strcmp(x->name, y->name);
    return order ? order : strcmp(x->model, y->model);
}

void qn_suite_sort(qn_suite *suite)
{
    if (suite->n) qsort(suite->tests, (size_t)suite->n, sizeof *suite->tests, by_name);
}
