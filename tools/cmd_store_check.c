/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmd_store_check.c - quern store check, repair, purge and wipe. */
#include "formats/store_check.h"
#include "formats/store_purge.h"
#include "tools/place.h"
#include "tools/store_tool.h"

#include <string.h>

const qn_option qn_store_check_options[] = {QN_OPTION_JSON, QN_OPTIONS_END};
const qn_option qn_store_purge_options[] = {
    {"subject", 's', QN_OPT_TEXT, "ID", NULL,
     "items whose group, or whose column patient, subject or person, is this"},
    {"group", 'g', QN_OPT_TEXT, "NAME", NULL, "items of this group"},
    {"derived", 0, QN_OPT_FLAG, NULL, NULL,
     "delete runs and models that were made of it, too"},
    QN_STORE_OPTION_YES,
    QN_STORE_OPTION_DRY,
    QN_OPTION_JSON,
    QN_OPTIONS_END,
};
const qn_option qn_store_wipe_options[] = {
    QN_STORE_OPTION_YES,
    QN_STORE_OPTION_DRY,
    {"all", 0, QN_OPT_FLAG, NULL, NULL, "the settings, too"},
    QN_OPTIONS_END,
};

const char qn_store_check_about[] =
    "Reads everything in the store and compares it with the digests of when it came "
    "in.\n"
    "Told are damage, what a process that ended early has left, and what is not the\n"
    "store's.  The exit code is 1 if anything is damaged.\n"
    "\n"
    "  quern store check --json\n";

const char qn_store_repair_about[] =
    "Does what check does and makes it right: what imports and removals that were cut\n"
    "short have left goes; a damaged data set keeps the items that are whole.  Damage "
    "of\n"
    "a model or a run is only told.\n"
    "\n"
    "  quern store repair\n";

const char qn_store_purge_about[] =
    "Takes one person's, or one group's, pictures out of all data sets of the store, "
    "and\n"
    "reports, predictions and pictures out of the runs that were made of those sets.\n"
    "Runs and models trained on them are told, and deleted with --derived.  "
    "ledger.jsonl\n"
    "in the store notes when that was and how much went, the subject only as a keyed\n"
    "digest.  Of a data set by reference the entries go; the originals stay yours.\n"
    "\n"
    "  quern store purge --subject p17 --dry-run\n"
    "  quern store purge --group site-3 --derived --yes\n";

const char qn_store_wipe_about[] = "Deletes everything that the store keeps, with its "
                                   "ledger; with --all the settings,\n"
                                   "too.  Originals elsewhere are not touched.\n"
                                   "\n"
                                   "  quern store wipe --dry-run\n"
                                   "  quern store wipe --all --yes\n";

/* ---- check, repair --------------------------------------------------------------- */

static const char *word_of(const qn_fault *f)
{
    static const char *const words[] = {"unfinished", "trash", "extra", "damage",
                                        "strange"};
    return f->is_repaired ? "repaired" : words[f->kind];
}

static int tell_json(qn_store_tool *tool, const qn_findings *found)
{
    qn_buf out;
    qn_json j;
    qn_buf_init(&out, &tool->mem);
    qn_json_begin(&j, &out);
    for (int k = 0; k < QN_N_KINDS; k++)
        qn_json_int(&j, qn_kind_folder((qn_kind)k), found->n_objects[k]);
    qn_json_int(&j, "damaged", found->n_damaged);
    qn_json_int(&j, "items_lost", found->n_lost);
    qn_json_array(&j, "faults");
    for (int i = 0; i < found->n; i++) {
        qn_json_object(&j, NULL);
        qn_json_text(&j, "kind", word_of(&found->faults[i]));
        qn_json_text(&j, "path", found->faults[i].path);
        qn_json_text(&j, "what", found->faults[i].what);
        qn_json_close(&j);
    }
    qn_json_end(&j);
    const int code = qn_out_flush(&out);
    qn_buf_done(&out);
    return code;
}

static quern_status check(qn_store_tool *tool, quern_error *err)
{
    qn_findings found;
    const bool repairs = !strcmp(tool->args->command->name, "store repair");
    QN_TRY(qn_store_check(&tool->store, repairs, &tool->arena, &found, err));
    if (qn_arg_flag(tool->args, "json")) {
        tool->code = tell_json(tool, &found);
    } else {
        for (int i = 0; i < found.n; i++)
            printf("%-10s  %s: %s\n", word_of(&found.faults[i]),
                   QN_CLEAN(found.faults[i].path), QN_CLEAN(found.faults[i].what));
        printf("%d data sets, %d models, %d runs; %d faults, %d of them damage\n",
               found.n_objects[0], found.n_objects[1], found.n_objects[2], found.n,
               found.n_damaged);
        if (found.n_lost) printf("%s items are lost\n", QN_COUNT(found.n_lost));
    }
    if (found.n_damaged) tool->code = 1;
    return QUERN_OK;
}

int qn_cmd_store_check(const qn_args *args)
{
    if (args->n_operands) return qn_usage(args, "takes no operands");
    return qn_store_tool_run(args, false, check);
}

/* ---- purge ----------------------------------------------------------------------- */

static int tell_purged(qn_store_tool *tool, const qn_purge *what, const qn_purged *got)
{
    qn_buf out;
    qn_json j;
    if (!qn_arg_flag(tool->args, "json")) {
        printf("%s%s items of %d data sets, %d files of runs\n",
               what->is_dry ? "would delete " : "deleted ", QN_COUNT(got->n_items),
               got->n_sets, got->n_files);
        for (int i = 0; i < got->n_derived; i++)
            printf("  %s %s (%s) was made of them%s\n",
                   qn_kind_word(got->derived[i]->kind), QN_CLEAN(got->derived[i]->name),
                   got->derived[i]->id,
                   what->with_derived && !what->is_dry ? ": deleted" : "");
        return 0;
    }
    qn_buf_init(&out, &tool->mem);
    qn_json_begin(&j, &out);
    qn_json_bool(&j, "dry_run", what->is_dry);
    qn_json_int(&j, "items", got->n_items);
    qn_json_int(&j, "sets", got->n_sets);
    qn_json_int(&j, "files", got->n_files);
    qn_json_array(&j, "derived");
    for (int i = 0; i < got->n_derived; i++)
        qn_json_text(&j, NULL, got->derived[i]->id);
    qn_json_end(&j);
    const int code = qn_out_flush(&out);
    qn_buf_done(&out);
    return code;
}

static quern_status purge(qn_store_tool *tool, quern_error *err)
{
    const qn_args *args = tool->args;
    const char *subject = qn_arg_text(args, "subject");
    qn_purged got;
    qn_purge what = {.text = subject ? subject : qn_arg_text(args, "group"),
                     .is_group = !subject,
                     .with_derived = qn_arg_flag(args, "derived"),
                     .is_dry = true};
    QN_TRY(qn_store_purge(&tool->store, &what, &tool->arena, &got, err));
    if (!qn_arg_flag(args, "dry-run") && tool->store.is_there) {
        char text[96];
        snprintf(text, sizeof text, "delete %s items of %d data sets",
                 QN_COUNT(got.n_items), got.n_sets);
        if (!qn_store_tool_may(args, text)) {
            tool->code = 1;
            return QUERN_OK;
        }
        what.is_dry = false;
        QN_TRY(qn_store_purge(&tool->store, &what, &tool->arena, &got, err));
    }
    tool->code = tell_purged(tool, &what, &got);
    return QUERN_OK;
}

int qn_cmd_store_purge(const qn_args *args)
{
    const char *subject = qn_arg_text(args, "subject");
    const char *group = qn_arg_text(args, "group"), *text = subject ? subject : group;
    if (args->n_operands || !subject == !group || !*text)
        return qn_usage(args, "needs --subject or --group");
    return qn_store_tool_run(args, false, purge);
}

/* ---- wipe ------------------------------------------------------------------------ */

static quern_status wipe_settings(qn_store_tool *tool, quern_error *err)
{
    qn_place place;
    QN_TRY(qn_place_find(&place, err));
    return qn_disk_remove(&tool->store.disk, place.settings, err);
}

static quern_status wipe(qn_store_tool *tool, quern_error *err)
{
    char what[QN_PATH_MAX];
    qn_object *list;
    int n, n_all = 0, n_left;
    for (int k = 0; k < QN_N_KINDS; k++) {
        QN_TRY(qn_store_list(&tool->store, (qn_kind)k, &tool->arena, &list, &n, err));
        n_all += n;
    }
    snprintf(what, sizeof what, "delete all %d things in %.3000s", n_all,
             tool->store.root);
    if (qn_arg_flag(tool->args, "dry-run")) {
        printf("would %s\n", what);
        return QUERN_OK;
    }
    if (!qn_store_tool_may(tool->args, what)) {
        tool->code = 1;
        return QUERN_OK;
    }
    QN_TRY(qn_store_wipe(&tool->store, &n_left, err));
    if (n_left)
        qn_say("%d names in %s are not the store's and stay", n_left, tool->store.root);
    return qn_arg_flag(tool->args, "all") ? wipe_settings(tool, err) : QUERN_OK;
}

int qn_cmd_store_wipe(const qn_args *args)
{
    if (args->n_operands) return qn_usage(args, "takes no operands");
    return qn_store_tool_run(args, false, wipe);
}
