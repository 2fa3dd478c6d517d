/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmd_store_change.c - quern store set, rename and rm; data set and rm. */
#include "formats/store_files.h"
#include "tools/store_tool.h"

#include <fnmatch.h>
#include <string.h>

const qn_option qn_store_set_options[] = {QN_OPTIONS_END};
const qn_option qn_data_set_options[] = {
    {"items", 'i', QN_OPT_TEXT, "GLOB", NULL,
     "change these items instead of the set: their names match"},
    QN_OPTIONS_END,
};
const qn_option qn_store_rm_options[] = {
    QN_STORE_OPTION_YES,
    QN_STORE_OPTION_DRY,
    QN_OPTIONS_END,
};

const char qn_store_set_about[] =
    "Changes what is said of something: name, note, licence.  An empty value takes a\n"
    "note or licence away.\n"
    "\n"
    "  quern store set first note='before the fix'\n"
    "  quern store set models/first name=second\n";

const char qn_data_set_about[] =
    "Changes what is said of a data set: name, note, licence; with --items, of the\n"
    "items whose names match: label (a class of the set), split (train, val, test,\n"
    "none) and group.  The source is not changed, nor is any picture.\n"
    "\n"
    "  quern data set flowers name=flowers-2026 licence=CC0\n"
    "  quern data set flowers --items 'train/rose/17*' label=tulip split=test\n";

const char qn_store_rename_about[] = "Gives something another name.  Its ID stays, so "
                                     "what refers to it does.\n"
                                     "\n"
                                     "  quern store rename first second\n";

const char qn_store_rm_about[] =
    "Deletes things from the store.  What they were imported from is not touched.  On\n"
    "some disks (SSDs, copy-on-write file systems) deleted bytes stay readable for a\n"
    "while: encrypting the disk is the remedy.\n"
    "\n"
    "  quern store rm first --yes\n"
    "  quern data rm flowers --dry-run\n";

/* ---- set, rename ----------------------------------------------------------------- */

/* What --items says that its items become. */
typedef struct change {
    const char *glob, *group; /* group NULL: stays; "": goes */
    int32_t label;            /* -1: stays */
    int split;                /* -1: stays */
} change;

static qn_item_fate judge(void *ctx, qn_stored_item *item)
{
    const change *c = ctx;
    const qn_stored_item old = *item;
    if (fnmatch(c->glob, item->name, 0) != 0) return QN_ITEM_STAYS;
    if (c->label >= 0) item->label = c->label;
    if (c->split >= 0) item->split = (qn_split)c->split;
    if (c->group) item->group = *c->group ? c->group : NULL;
    const bool same_group =
        old.group == item->group ||
        (old.group && item->group && !strcmp(old.group, item->group));
    return old.label == item->label && old.split == item->split && same_group
               ? QN_ITEM_STAYS
               : QN_ITEM_CHANGED;
}

static quern_status read_pair(const qn_object *o, const char *key, const char *value,
                              change *c, quern_error *err)
{
    if (!strcmp(key, "group")) {
        c->group = value;
        return QUERN_OK;
    }
    if (!strcmp(key, "split")) {
        c->split = qn_split_of(value);
        if (c->split != QN_SPLIT_NONE || !strcmp(value, "none")) return QUERN_OK;
        return qn_fail(err, QUERN_INVALID, "'%s' is none of train, val, test and none",
                       value);
    }
    if (strcmp(key, "label") != 0)
        return qn_fail(err, QUERN_INVALID, "items have label, split and group, no '%s'",
                       key);
    for (int i = 0; i < o->n_classes; i++)
        if (!strcmp(o->classes[i], value)) c->label = i;
    if (c->label >= 0) return QUERN_OK;
    return qn_fail(err, QUERN_INVALID, "none of the %d classes of '%s' is called '%s'",
                   o->n_classes, o->name, value);
}

/* "key=value" in two, in the arena. */
static quern_status cut_pair(qn_store_tool *tool, const char *word, const char *pair[2],
                             quern_error *err)
{
    const char *equals = strchr(word, '=');
    if (!equals)
        return qn_fail(err, QUERN_INVALID, "'%s' is not of the form key=value", word);
    QN_TRY(qn_arena_text(&tool->arena, word, (size_t)(equals - word), &pair[0], err));
    pair[1] = equals + 1;
    return QUERN_OK;
}

static quern_status change_items(qn_store_tool *tool, qn_object *o, const char *glob,
                                 quern_error *err)
{
    change c = {.glob = glob, .label = -1, .split = -1};
    qn_rewriting how = {.judge = judge, .ctx = &c};
    qn_lock lock;
    const char *pair[2];
    for (int i = 1; i < tool->args->n_operands; i++) {
        QN_TRY(cut_pair(tool, tool->args->operands[i], pair, err));
        QN_TRY(read_pair(o, pair[0], pair[1], &c, err));
    }
    QN_TRY(qn_lock_take(tool->store.root, QN_LOCK_ALONE, &lock, err));
    const quern_status status =
        qn_store_rewrite(&tool->store, o, &how, &tool->arena, err);
    qn_lock_drop(&lock);
    if (status == QUERN_OK)
        printf("%s: %s of %s items changed\n", QN_CLEAN(o->name),
               QN_COUNT(how.n_changed), QN_COUNT(o->n_items));
    return status;
}

static quern_status set_pairs(qn_store_tool *tool, quern_error *err)
{
    qn_object o;
    const char *pair[2];
    const char *glob =
        qn_store_tool_is_data(tool) ? qn_arg_text(tool->args, "items") : NULL;
    QN_TRY(qn_store_tool_find(tool, tool->args->operands[0], &o, err));
    if (glob) return change_items(tool, &o, glob, err);
    for (int i = 1; i < tool->args->n_operands; i++) {
        QN_TRY(cut_pair(tool, tool->args->operands[i], pair, err));
        QN_TRY(qn_store_set(&tool->store, o.kind, o.id, pair[0], pair[1], err));
    }
    return QUERN_OK;
}

int qn_cmd_store_set(const qn_args *args)
{
    if (args->n_operands < 2) return qn_usage(args, "needs a name and key=value");
    return qn_store_tool_run(args, false, set_pairs);
}

static quern_status rename_it(qn_store_tool *tool, quern_error *err)
{
    qn_object o;
    QN_TRY(qn_store_tool_find(tool, tool->args->operands[0], &o, err));
    return qn_store_set(&tool->store, o.kind, o.id, "name", tool->args->operands[1],
                        err);
}

int qn_cmd_store_rename(const qn_args *args)
{
    if (args->n_operands != 2) return qn_usage(args, "needs the old and the new name");
    return qn_store_tool_run(args, false, rename_it);
}

/* ---- rm -------------------------------------------------------------------------- */

/* Of a removal that was cut short only the trash is left, which has the name, too. */
static bool finish_removal(qn_store_tool *tool, const char *word)
{
    const int n = qn_store_tool_is_data(tool) ? 1 : QN_N_KINDS;
    for (int k = 0; k < n; k++)
        if (qn_store_remove(&tool->store, (qn_kind)k, word, NULL) == QUERN_OK)
            return true;
    return false;
}

static quern_status remove_one(qn_store_tool *tool, const char *word, quern_error *err)
{
    char what[QN_NAME_MAX + 64];
    qn_object o;
    const quern_status found = qn_store_tool_find(tool, word, &o, err);
    if (found == QUERN_IO && !qn_arg_flag(tool->args, "dry-run") &&
        finish_removal(tool, word))
        return QUERN_OK;
    QN_TRY(found);
    snprintf(what, sizeof what, "delete the %s '%s', %s", qn_kind_word(o.kind),
             QN_CLEAN(o.name), QN_BYTES(qn_object_bytes(&o)));
    if (qn_arg_flag(tool->args, "dry-run")) {
        printf("would %s\n", what);
        return QUERN_OK;
    }
    if (!qn_store_tool_may(tool->args, what)) {
        tool->code = 1;
        return QUERN_OK;
    }
    return qn_store_remove(&tool->store, o.kind, o.id, err);
}

static quern_status remove_all(qn_store_tool *tool, quern_error *err)
{
    for (int i = 0; i < tool->args->n_operands; i++)
        QN_TRY(remove_one(tool, tool->args->operands[i], err));
    return QUERN_OK;
}

int qn_cmd_store_rm(const qn_args *args)
{
    if (args->n_operands == 0) return qn_usage(args, "needs a name");
    return qn_store_tool_run(args, false, remove_all);
}
