/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmd_privacy_where.c - quern privacy where: all that quern keeps between runs.
 * There are two places, the store and the settings; everything else was written where
 * you said. */
#define _XOPEN_SOURCE 700
#include "formats/files.h"
#include "tools/out.h"
#include "tools/place.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_DEPTH 64

const qn_option qn_privacy_where_options[] = {
    {"all", 'a', QN_OPT_FLAG, NULL, NULL, "every file, not only what is on top"},
    QN_OPTION_JSON,
    QN_OPTIONS_END,
};

const char qn_privacy_where_about[] =
    "Lists every file and folder that quern keeps between runs, with sizes: the store "
    "of\n"
    "data sets, models and runs, and the settings.  QUERN_HOME puts both under one "
    "folder.\n"
    "There is no cache, no history and no log.  Run folders, reports and converted "
    "data\n"
    "sets are where you had them written; quern keeps no list of those.\n"
    "\n"
    "  quern privacy where\n"
    "  quern privacy where --all --json\n";

typedef struct listing {
    qn_arena arena;
    qn_table table;
    qn_json json;
    qn_buf out;
    bool is_json, is_all;
    int64_t n_files;
    double bytes;
} listing;

typedef struct amount {
    int64_t n_files;
    double bytes;
} amount;

/* Links are counted as files and not followed. */
static quern_status measure(listing *l, const char *path, int depth, amount *sum,
                            quern_error *err);

static void show(listing *l, const char *path, bool is_folder, const amount *sum)
{
    if (l->is_json) {
        qn_json_object(&l->json, NULL);
        qn_json_text(&l->json, "path", path);
        qn_json_text(&l->json, "kind", is_folder ? "folder" : "file");
        qn_json_int(&l->json, "files", sum->n_files);
        qn_json_real(&l->json, "bytes", sum->bytes);
        qn_json_close(&l->json);
        return;
    }
    qn_table_cell(&l->table, "%s", QN_BYTES(sum->bytes));
    qn_table_cell(&l->table, "%s", is_folder ? QN_COUNT(sum->n_files) : "");
    qn_table_cell(&l->table, "%s%s", QN_CLEAN(path), is_folder ? "/" : "");
}

static quern_status measure_folder(listing *l, const char *path, int depth, amount *sum,
                                   quern_error *err)
{
    const char *const *names;
    int n;
    if (depth > MAX_DEPTH)
        return qn_fail(err, QUERN_LIMIT, "%s: more than %d folders deep", path,
                       MAX_DEPTH);
    QN_TRY(qn_dir_list(path, &l->arena, &names, &n, err));
    for (int i = 0; i < n; i++) {
        char below[QN_PATH_MAX];
        amount part = {0};
        QN_TRY(qn_path_format(below, err, "%s/%s", path, names[i]));
        QN_TRY(measure(l, below, depth + 1, &part, err));
        sum->n_files += part.n_files;
        sum->bytes += part.bytes;
    }
    return QUERN_OK;
}

static quern_status measure(listing *l, const char *path, int depth, amount *sum,
                            quern_error *err)
{
    struct stat st;
    if (lstat(path, &st) != 0)
        return errno == ENOENT ? QUERN_OK
                               : qn_fail(err, QUERN_IO, "%s: cannot be looked at: %s",
                                         path, strerror(errno));
    const bool is_folder = S_ISDIR(st.st_mode);
    if (is_folder) {
        QN_TRY(measure_folder(l, path, depth, sum, err));
    } else {
        sum->n_files = 1;
        sum->bytes = (double)st.st_size;
    }
    if (depth <= 2 || l->is_all) show(l, path, is_folder, sum);
    return QUERN_OK;
}

static quern_status list(listing *l, quern_error *err)
{
    qn_place place;
    amount store = {0}, settings = {0};
    QN_TRY(qn_place_find(&place, err));
    QN_TRY(measure(l, place.data, 0, &store, err));
    const size_t n = strlen(place.data);
    const bool is_apart =
        strncmp(place.settings, place.data, n) != 0 || place.settings[n] != '/';
    if (is_apart) QN_TRY(measure(l, place.settings, 0, &settings, err));
    l->n_files = store.n_files + settings.n_files;
    l->bytes = store.bytes + settings.bytes;
    if (!l->is_json && l->n_files == 0)
        printf("nothing is kept; a store would be made in %s\n", QN_CLEAN(place.data));
    return QUERN_OK;
}

static int finish_json(listing *l)
{
    qn_json_close(&l->json);
    qn_json_int(&l->json, "files", l->n_files);
    qn_json_real(&l->json, "bytes", l->bytes);
    qn_json_end(&l->json);
    return qn_out_flush(&l->out);
}

static int finish_table(listing *l)
{
    quern_error err;
    if (qn_table_print(&l->table, stdout, &err) != QUERN_OK)
        return qn_report(NULL, &err);
    if (l->n_files > 0)
        printf("%s files, %s\n", QN_COUNT(l->n_files), QN_BYTES(l->bytes));
    return 0;
}

int qn_cmd_privacy_where(const qn_args *args)
{
    qn_mem mem;
    quern_error err = {.status = QUERN_OK};
    listing l = {.is_json = qn_arg_flag(args, "json"),
                 .is_all = qn_arg_flag(args, "all")};
    if (args->n_operands > 0) return qn_usage(args, "takes no operands");
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&l.arena, &mem);
    qn_buf_init(&l.out, &mem);
    qn_table_begin(&l.table, &mem, "rrl");
    qn_json_begin(&l.json, &l.out);
    qn_json_array(&l.json, "kept");
    int code;
    if (list(&l, &err) != QUERN_OK) {
        qn_table_end(&l.table);
        code = qn_report(NULL, &err);
    } else {
        code = l.is_json ? finish_json(&l) : finish_table(&l);
        if (l.is_json) qn_table_end(&l.table);
    }
    qn_buf_done(&l.out);
    qn_arena_done(&l.arena);
    return code;
}
