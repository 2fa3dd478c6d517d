/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmd_store_keep.c - quern store import and export: models and runs in, anything
 * out. */
#include "engine/os_stage.h"
#include "formats/dataset_build.h"
#include "formats/files.h"
#include "formats/json_tree.h"
#include "formats/store_files.h"
#include "formats/store_import.h"
#include "tools/store_tool.h"

#include <string.h>

const qn_option qn_store_import_options[] = {
    {"name", 'n', QN_OPT_TEXT, "NAME", NULL, "what it is called; else as its file"},
    {"note", 0, QN_OPT_TEXT, "TEXT", NULL, "kept with it"},
    {"from", 0, QN_OPT_LIST, "NAME", NULL,
     "something of the store that it was made of; a run says its data set itself"},
    QN_OPTION_JSON,
    QN_OPTIONS_END,
};
const qn_option qn_store_export_options[] = {QN_OPTIONS_END};

const char qn_store_import_about[] =
    "Copies a model (an ONNX file that loads) or a run (the folder that quern train\n"
    "wrote) into the store.  A run that was trained on a stored data set remembers\n"
    "which, so that quern store purge finds it.  Where MODEL is wanted, a run stands "
    "for\n"
    "its best model.\n"
    "\n"
    "  quern store import net.onnx --name first\n"
    "  quern store import runs/a --note 'with the new labels'\n";

const char qn_store_export_about[] =
    "Copies something out of the store: a model becomes a file, a run or a data set "
    "the\n"
    "folder as it is kept.  DST must not be there.  For a data set in another format:\n"
    "quern data export.\n"
    "\n"
    "  quern store export first first.onnx\n"
    "  quern store export runs/a copy-of-a/\n";

/* ---- import ---------------------------------------------------------------------- */

static quern_status add_origin(qn_keeping *k, const char **room, const char *id)
{
    for (int i = 0; i < k->n_derived; i++)
        if (!strcmp(room[i], id)) return QUERN_OK;
    room[k->n_derived++] = id;
    k->derived_from = room;
    return QUERN_OK;
}

/* The stored data set that config.json of a run names, by its path. */
static void find_data(qn_store_tool *tool, qn_keeping *k, const char **room)
{
    char path[QN_PATH_MAX], folder[QN_PATH_MAX], *text;
    const qn_tree *tree;
    qn_object *list;
    size_t n;
    int n_sets;
    if (qn_path_join(path, k->path, "config.json", NULL) != QUERN_OK ||
        qn_path_look(path) != QN_PATH_FILE ||
        qn_file_text(&tool->arena, path, &text, &n, NULL) != QUERN_OK ||
        qn_tree_parse(&tool->arena, text, n, &tree, NULL) != QUERN_OK ||
        qn_store_list(&tool->store, QN_DATASETS, &tool->arena, &list, &n_sets, NULL) !=
            QUERN_OK)
        return;
    const char *data = qn_tree_text(tree, "data", "");
    for (int i = 0; i < n_sets; i++)
        if (qn_store_path(&tool->store, QN_DATASETS, "", list[i].id, folder, NULL) ==
                QUERN_OK &&
            !strcmp(folder, data))
            add_origin(k, room, list[i].id);
}

/* A model must load; its classes are kept where lists can show them. */
static quern_status check_model(qn_store_tool *tool, qn_keeping *k, quern_error *err)
{
    quern_model *model = NULL;
    const quern_model_options options = {0};
    const qn_tree *tree;
    void *room;
    QN_TRY(quern_model_open(k->path, &options, &model, err));
    const char *text = quern_model_metadata(model, "quern.classes");
    quern_status status = QUERN_OK;
    if (text &&
        qn_tree_parse(&tool->arena, text, strlen(text), &tree, NULL) == QUERN_OK &&
        tree->kind == QN_TREE_LIST) {
        status = qn_arena_array(&tool->arena, (size_t)tree->n, sizeof *k->classes,
                                &room, err);
        k->classes = room;
        for (const qn_tree *at = tree->first; at && status == QUERN_OK; at = at->next)
            if (at->kind == QN_TREE_TEXT)
                status = qn_arena_text(&tool->arena, at->text, strlen(at->text),
                                       &k->classes[k->n_classes++], err);
    }
    quern_model_free(model);
    return status;
}

static quern_status check_run(const qn_keeping *k, quern_error *err)
{
    char path[QN_PATH_MAX];
    QN_TRY(qn_path_join(path, k->path, "config.json", err));
    if (qn_path_look(path) == QN_PATH_FILE) return QUERN_OK;
    return qn_fail(err, QUERN_INVALID, "%s: it is no run: it has no config.json",
                   k->path);
}

static int tell(qn_store_tool *tool, const qn_imported *got, qn_kind kind)
{
    qn_buf out;
    qn_json j;
    if (!qn_arg_flag(tool->args, "json")) {
        printf("%s: %s %s (%s)\n", got->is_new ? "stored" : "was stored already",
               qn_kind_word(kind), QN_CLEAN(got->name), got->id);
        return 0;
    }
    qn_buf_init(&out, &tool->mem);
    qn_json_begin(&j, &out);
    qn_json_text(&j, "kind", qn_kind_word(kind));
    qn_json_text(&j, "id", got->id);
    qn_json_text(&j, "name", got->name);
    qn_json_bool(&j, "is_new", got->is_new);
    qn_json_end(&j);
    const int code = qn_out_flush(&out);
    qn_buf_done(&out);
    return code;
}

static quern_status keep(qn_store_tool *tool, quern_error *err)
{
    const qn_args *args = tool->args;
    const char *path = args->operands[0], **room;
    const int n_from = qn_arg_count(args, "from");
    qn_imported got;
    qn_object o;
    void *p;
    qn_keeping k = {.kind = qn_path_is_folder(path) ? QN_RUNS : QN_MODELS,
                    .path = path,
                    .name = qn_arg_text(args, "name"),
                    .note = qn_arg_text(args, "note")};
    QN_TRY(qn_arena_array(&tool->arena, (size_t)n_from + 1, sizeof *room, &p, err));
    room = p;
    for (int i = 0; i < n_from; i++) {
        QN_TRY(qn_store_tool_find(tool, qn_arg_nth(args, "from", i), &o, err));
        QN_TRY(add_origin(&k, room, o.id));
    }
    QN_TRY(k.kind == QN_RUNS ? check_run(&k, err) : check_model(tool, &k, err));
    if (k.kind == QN_RUNS) find_data(tool, &k, room);
    QN_TRY(qn_store_import_files(&tool->store, &k, &got, err));
    tool->code = tell(tool, &got, k.kind);
    return QUERN_OK;
}

int qn_cmd_store_import(const qn_args *args)
{
    if (args->n_operands != 1) return qn_usage(args, "needs a model's file or a run");
    return qn_store_tool_run(args, true, keep);
}

/* ---- export ---------------------------------------------------------------------- */

static quern_status copy_out(qn_store_tool *tool, const qn_object *o,
                             const char *folder, const char *path, quern_error *err)
{
    char from[QN_PATH_MAX], to[QN_PATH_MAX], above[QN_PATH_MAX], real[QN_PATH_MAX];
    qn_stored_file copy;
    QN_TRY(qn_store_path(&tool->store, o->kind, "", o->id, real, err));
    QN_TRY(qn_path_join(from, real, path, err));
    QN_TRY(qn_path_join(to, folder, path, err));
    QN_TRY(qn_path_folder(to, above, err));
    QN_TRY(qn_dir_make(above, err));
    return qn_file_copy(&tool->store, from, to, QN_MODE_USUAL, &copy, err);
}

static quern_status copy_all(qn_store_tool *tool, const qn_object *o, qn_stage *stage,
                             quern_error *err)
{
    const bool is_file = o->kind == QN_MODELS;
    for (int i = 0; i < o->n_files; i++)
        QN_TRY(copy_out(tool, o, stage->path, o->files[i].path, err));
    if (o->kind == QN_DATASETS)
        QN_TRY(copy_out(tool, o, stage->path, "manifest.json", err));
    return qn_stage_settle(stage, is_file ? "model.onnx" : NULL, err);
}

static quern_status export_it(qn_store_tool *tool, quern_error *err)
{
    qn_object o;
    qn_stage stage;
    QN_TRY(qn_store_tool_find(tool, tool->args->operands[0], &o, err));
    QN_TRY(qn_stage_begin(&tool->store.disk, tool->args->operands[1], &stage, err));
    const quern_status status = copy_all(tool, &o, &stage, err);
    qn_stage_end(&stage);
    return status;
}

int qn_cmd_store_export(const qn_args *args)
{
    if (args->n_operands != 2) return qn_usage(args, "needs a name and where to");
    return qn_store_tool_run(args, false, export_it);
}
