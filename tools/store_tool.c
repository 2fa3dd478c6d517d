/* SPDX-License-Identifier: Apache-2.0 */
/* tools/store_tool.c - see store_tool.h. */
#include "tools/store_tool.h"

#include "formats/dataset.h"
#include "tools/place.h"
#include "tools/term.h"

#include <string.h>

int qn_store_tool_run(const qn_args *args, bool make, qn_store_act *act)
{
    qn_store_tool tool = {.args = args};
    quern_error err = {0};
    qn_mem_init(&tool.mem, NULL, 0);
    qn_arena_init(&tool.arena, &tool.mem);
    quern_status status = qn_place_open(&tool.store, &tool.mem, make, &err);
    if (status == QUERN_OK) status = act(&tool, &err);
    qn_arena_done(&tool.arena);
    return status == QUERN_OK ? tool.code : qn_report(NULL, &err);
}

bool qn_store_tool_is_data(const qn_store_tool *tool)
{
    return !strncmp(tool->args->command->name, "data ", 5);
}

/* The kind that "models/NAME" begins with, and the name; or QN_N_KINDS. */
static qn_kind kind_of(const char **word)
{
    for (int k = 0; k < QN_N_KINDS; k++) {
        const char *folder = qn_kind_folder((qn_kind)k);
        const size_t n = strlen(folder);
        if (strncmp(*word, folder, n) != 0 || (*word)[n] != '/') continue;
        *word += n + 1;
        return (qn_kind)k;
    }
    return QN_N_KINDS;
}

quern_status qn_store_tool_find(qn_store_tool *tool, const char *word, qn_object *out,
                                quern_error *err)
{
    qn_object found;
    int n = 0;
    const char *name = word;
    qn_kind kind = kind_of(&name);
    if (kind == QN_N_KINDS && qn_store_tool_is_data(tool)) kind = QN_DATASETS;
    if (kind != QN_N_KINDS)
        return qn_store_find(&tool->store, kind, name, &tool->arena, out, err);
    for (int k = 0; k < QN_N_KINDS; k++) {
        quern_error why = {.status = QUERN_OK};
        const quern_status status =
            qn_store_find(&tool->store, (qn_kind)k, name, &tool->arena, &found, &why);
        if (status != QUERN_OK && status != QUERN_IO)
            return qn_fail(err, status, "%s", why.text);
        if (status != QUERN_OK) continue;
        *out = found;
        n++;
    }
    if (n == 0)
        return qn_fail(err, QUERN_IO, "the store has nothing called '%s'", word);
    if (n == 1) return QUERN_OK;
    return qn_fail(err, QUERN_INVALID,
                   "%d things are called '%s': put datasets/, models/ or runs/ before "
                   "the name",
                   n, word);
}

bool qn_store_tool_may(const qn_args *args, const char *what)
{
    char answer[16] = "";
    if (qn_arg_flag(args, "yes")) return true;
    if (!qn_term_is_tty(stdin) || !qn_term_is_tty(stderr)) {
        qn_say("%s: say so with --yes", what);
        return false;
    }
    fprintf(stderr, "%s? [y/N] ", what);
    if (!fgets(answer, sizeof answer, stdin)) return false;
    return answer[0] == 'y' || answer[0] == 'Y';
}

uint64_t qn_object_bytes(const qn_object *object)
{
    uint64_t n = 0;
    for (int i = 0; i < object->n_files; i++)
        n += object->files[i].bytes;
    return n;
}

static void put_set(qn_json *j, const qn_object *o)
{
    qn_json_int(j, "items", o->n_items);
    qn_json_object(j, "splits");
    for (int s = 0; s < 4; s++)
        if (o->in_split[s]) qn_json_int(j, qn_split_key((qn_split)s), o->in_split[s]);
    qn_json_close(j);
    qn_json_int(j, "rejects", o->n_rejects);
    qn_json_bool(j, "by_reference", o->is_reference);
}

void qn_object_json(qn_json *j, const qn_object *o)
{
    qn_json_text(j, "kind", qn_kind_word(o->kind));
    qn_json_text(j, "id", o->id);
    qn_json_text(j, "name", o->name);
    qn_json_text(j, "note", o->note);
    qn_json_text(j, "licence", o->licence);
    qn_json_text(j, "created", o->created);
    qn_json_text(j, "source", o->source);
    qn_json_int(j, "bytes", (int64_t)qn_object_bytes(o));
    qn_json_texts(j, "derived_from", o->derived_from, o->n_derived);
    qn_json_texts(j, "classes", o->classes, o->n_classes);
    if (o->kind == QN_DATASETS) put_set(j, o);
    qn_json_array(j, "files");
    for (int i = 0; i < o->n_files; i++) {
        qn_json_object(j, NULL);
        qn_json_text(j, "path", o->files[i].path);
        qn_json_int(j, "bytes", (int64_t)o->files[i].bytes);
        qn_json_text(j, "sha256", o->files[i].sha256);
        qn_json_close(j);
    }
    qn_json_close(j);
}
