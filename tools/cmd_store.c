/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmd_store.c - quern store list, show, where and size; data list and show. */
#include "formats/files.h"
#include "formats/store_files.h"
#include "tools/place.h"
#include "tools/store_tool.h"

#include <string.h>

const qn_option qn_store_options[] = {QN_OPTIONS_END};
const qn_option qn_store_look_options[] = {QN_OPTION_JSON, QN_OPTIONS_END};

const char qn_store_about[] =
    "The store keeps data sets, models and runs as plain folders below your data\n"
    "folder, each with a manifest that lists its files and their digests.  What is in\n"
    "it has a name: commands that take DATA take that of a data set, those that take\n"
    "MODEL that of a model or of a run.  A path that exists comes first.\n"
    "\n"
    "  quern data import photos/ --name flowers\n"
    "  quern train flowers --out runs/a && quern store import runs/a --name first\n"
    "  quern classify first cat.jpg\n"
    "  quern store list\n"
    "  quern store check && quern store size\n";

const char qn_store_list_about[] =
    "Lists what the store keeps: everything, or one of datasets, models and runs.  As\n"
    "JSON: one object a line.\n"
    "\n"
    "  quern store list\n"
    "  quern store list models --json\n";

const char qn_data_list_about[] =
    "Lists the data sets of the store.  As JSON: one object "
    "a line.\n"
    "\n"
    "  quern data list\n";

const char qn_store_show_about[] = "Shows all that the store knows of one thing: where "
                                   "it came from, what it was made\n"
                                   "of, its files and their digests.\n"
                                   "\n"
                                   "  quern store show flowers\n"
                                   "  quern store show models/first --json\n";

const char qn_store_where_about[] =
    "Prints where the store and the settings are.  QUERN_HOME=DIR puts everything "
    "below\n"
    "one folder; else XDG_DATA_HOME and XDG_CONFIG_HOME count, and the defaults of\n"
    "both.\n"
    "\n"
    "  quern store where\n"
    "  QUERN_HOME=/mnt/stick quern store where --json\n";

const char qn_store_size_about[] =
    "Counts what the store keeps, and its bytes on disk.\n"
    "\n"
    "  quern store size\n";

int qn_cmd_store(const qn_args *args)
{
    char names[256] = "";
    const qn_command *c;
    for (int i = 0; (c = qn_command_at(i)) != NULL; i++)
        if (!strncmp(c->name, "store ", 6)) {
            const size_t n = strlen(names);
            snprintf(names + n, sizeof names - n, "%s%s", n ? ", " : "", c->name + 6);
        }
    return qn_usage(args, "needs what to do, one of: %s", names);
}

/* ---- list ------------------------------------------------------------------------ */

static void print_rows(const qn_object *list, int n, qn_table *t)
{
    for (int i = 0; i < n; i++) {
        const qn_object *o = &list[i];
        qn_table_cell(t, "%s", qn_kind_word(o->kind));
        qn_table_cell(t, "%s", QN_CLEAN(o->name));
        qn_table_cell(t, "%s", o->id);
        qn_table_cell(t, "%s", o->kind == QN_DATASETS ? QN_COUNT(o->n_items) : "");
        qn_table_cell(t, "%s", QN_BYTES(qn_object_bytes(o)));
        qn_table_cell(t, "%.10s", o->created ? QN_CLEAN(o->created) : "");
    }
}

static quern_status print_json(qn_store_tool *tool, const qn_object *list, int n,
                               quern_error *err)
{
    qn_buf out;
    qn_json j;
    qn_buf_init(&out, &tool->mem);
    for (int i = 0; i < n; i++) {
        qn_json_begin(&j, &out);
        qn_object_json(&j, &list[i]);
        qn_json_end(&j);
    }
    return qn_out_give(&out, err);
}

static bool wants(const qn_store_tool *tool, qn_kind kind)
{
    if (qn_store_tool_is_data(tool)) return kind == QN_DATASETS;
    return tool->args->n_operands == 0 ||
           !strcmp(tool->args->operands[0], qn_kind_folder(kind));
}

static quern_status list_all(qn_store_tool *tool, quern_error *err)
{
    const bool as_json = qn_arg_flag(tool->args, "json");
    qn_table t;
    int n_all = 0;
    qn_table_begin(&t, &tool->mem, "lllrrl");
    for (int i = 0; i < 6; i++)
        qn_table_cell(
            &t, "%s",
            (const char *[]){"kind", "name", "id", "items", "size", "since"}[i]);
    for (int k = 0; k < QN_N_KINDS; k++) {
        qn_object *list;
        int n;
        if (!wants(tool, (qn_kind)k)) continue;
        quern_status status =
            qn_store_list(&tool->store, (qn_kind)k, &tool->arena, &list, &n, err);
        if (status == QUERN_OK && as_json) status = print_json(tool, list, n, err);
        if (status != QUERN_OK) qn_table_end(&t);
        QN_TRY(status);
        n_all += n;
        if (!as_json) print_rows(list, n, &t);
    }
    QN_TRY(qn_table_print(&t, as_json || n_all == 0 ? NULL : stdout, err));
    if (n_all == 0 && !as_json) qn_say("nothing is stored in %s", tool->store.root);
    return QUERN_OK;
}

int qn_cmd_store_list(const qn_args *args)
{
    bool is_kind = args->n_operands == 0;
    for (int k = 0; k < QN_N_KINDS && args->n_operands == 1; k++)
        is_kind |= !strcmp(args->operands[0], qn_kind_folder((qn_kind)k));
    if (!is_kind || (args->n_operands && !strncmp(args->command->name, "data", 4)))
        return qn_usage(args, "there are datasets, models and runs");
    return qn_store_tool_run(args, false, list_all);
}

/* ---- show ------------------------------------------------------------------------ */

static void print_text(const char *what, const char *text)
{
    if (text && *text) printf("%-10s%s\n", what, QN_CLEAN(text));
}

static void print_splits(const qn_object *o)
{
    printf("%-10s%s", "items", QN_COUNT(o->n_items));
    for (int s = 0; s < 4; s++)
        if (o->in_split[s])
            printf("%s%s %s", ", ", QN_COUNT(o->in_split[s]),
                   qn_split_key((qn_split)s));
    printf("\n");
    if (o->n_rejects) printf("%-10s%s\n", "refused", QN_COUNT(o->n_rejects));
}

static void print_object(const qn_object *o, const char *folder)
{
    print_text(qn_kind_word(o->kind), o->name);
    print_text("id", o->id);
    print_text("note", o->note);
    print_text("licence", o->licence);
    print_text("since", o->created);
    print_text(o->is_reference ? "refers to" : "from", o->source);
    for (int i = 0; i < o->n_derived; i++)
        print_text("made of", o->derived_from[i]);
    if (o->kind == QN_DATASETS) print_splits(o);
    for (int i = 0; i < o->n_classes; i++)
        printf("%s%s%s", i ? ", " : "classes   ", QN_CLEAN(o->classes[i]),
               i == o->n_classes - 1 ? "\n" : "");
    print_text("folder", folder);
    for (int i = 0; i < o->n_files; i++)
        printf("%-10s%s  %s  %.12s\n", i ? "" : "files", QN_CLEAN(o->files[i].path),
               QN_BYTES(o->files[i].bytes), o->files[i].sha256);
}

static quern_status show(qn_store_tool *tool, quern_error *err)
{
    char folder[QN_PATH_MAX];
    qn_object o;
    QN_TRY(qn_store_tool_find(tool, tool->args->operands[0], &o, err));
    QN_TRY(qn_store_path(&tool->store, o.kind, "", o.id, folder, err));
    if (qn_arg_flag(tool->args, "json")) return print_json(tool, &o, 1, err);
    print_object(&o, folder);
    return QUERN_OK;
}

int qn_cmd_store_show(const qn_args *args)
{
    if (args->n_operands != 1) return qn_usage(args, "needs one name");
    return qn_store_tool_run(args, false, show);
}

/* ---- where, size ----------------------------------------------------------------- */

int qn_cmd_store_where(const qn_args *args)
{
    qn_place place;
    qn_mem mem;
    qn_buf out;
    qn_json j;
    quern_error err = {0};
    if (qn_place_find(&place, &err) != QUERN_OK) return qn_report(NULL, &err);
    if (!qn_arg_flag(args, "json")) {
        printf("store     %s\nsettings  %s\n", QN_CLEAN(place.data),
               QN_CLEAN(place.settings));
        return 0;
    }
    qn_mem_init(&mem, NULL, 0);
    qn_buf_init(&out, &mem);
    qn_json_begin(&j, &out);
    qn_json_text(&j, "store", place.data);
    qn_json_text(&j, "settings", place.settings);
    qn_json_end(&j);
    const int code = qn_out_flush(&out);
    qn_buf_done(&out);
    return code;
}

/* Bytes below a folder; 0 when there is none. */
static quern_status measure(qn_store_tool *tool, const char *name, uint64_t *bytes,
                            quern_error *err)
{
    char path[QN_PATH_MAX];
    qn_tree_file *list;
    int n;
    *bytes = 0;
    QN_TRY(qn_path_format(path, err, "%s/%s", tool->store.root, name));
    if (!qn_path_is_folder(path)) return QUERN_OK;
    QN_TRY(qn_tree_list(&tool->arena, path, &list, &n, err));
    for (int i = 0; i < n; i++)
        *bytes += list[i].bytes;
    return QUERN_OK;
}

static quern_status tell_size(qn_store_tool *tool, quern_error *err)
{
    uint64_t bytes[QN_N_KINDS], all = 0;
    int n[QN_N_KINDS];
    qn_object *list;
    qn_buf out;
    qn_json j;
    for (int k = 0; k < QN_N_KINDS; k++) {
        QN_TRY(
            qn_store_list(&tool->store, (qn_kind)k, &tool->arena, &list, &n[k], err));
        QN_TRY(measure(tool, qn_kind_folder((qn_kind)k), &bytes[k], err));
        all += bytes[k];
        if (!qn_arg_flag(tool->args, "json"))
            printf("%-10s%6d  %s\n", qn_kind_folder((qn_kind)k), n[k],
                   QN_BYTES(bytes[k]));
    }
    if (!qn_arg_flag(tool->args, "json")) {
        printf("%-10s%6s  %s\n", "all", "", QN_BYTES(all));
        return QUERN_OK;
    }
    qn_buf_init(&out, &tool->mem);
    qn_json_begin(&j, &out);
    for (int k = 0; k < QN_N_KINDS; k++) {
        qn_json_object(&j, qn_kind_folder((qn_kind)k));
        qn_json_int(&j, "n", n[k]);
        qn_json_int(&j, "bytes", (int64_t)bytes[k]);
        qn_json_close(&j);
    }
    qn_json_int(&j, "bytes", (int64_t)all);
    qn_json_end(&j);
    tool->code = qn_out_flush(&out);
    qn_buf_done(&out);
    return QUERN_OK;
}

int qn_cmd_store_size(const qn_args *args)
{
    if (args->n_operands) return qn_usage(args, "takes no operands");
    return qn_store_tool_run(args, false, tell_size);
}
