/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmd_data_split.c - quern data split: which pictures to train on, as a manifest.
 */
#include "formats/names.h"
#include "tools/data_look.h"
#include "tools/listing.h"

#include <string.h>

const qn_option qn_data_split_options[] = {
    QN_OPTION_DATA_FORMAT,
    QN_OPTION_LIMIT,
    {"val", 0, QN_OPT_REAL, "F", "0.15", "share for validation"},
    {"test", 0, QN_OPT_REAL, "F", "0.15", "share for the final test"},
    {"seed", 0, QN_OPT_INT, "N", "0", "of the division"},
    {"no-stratify", 0, QN_OPT_FLAG, NULL, NULL, "do not divide each class alike"},
    {"group", 'g', QN_OPT_TEXT, "COLUMN", NULL,
     "items with the same text there stay in one split [group, patient, subject]"},
    {"folds", 0, QN_OPT_INT, "K", "0", "validation is one of K parts, instead"},
    {"fold", 0, QN_OPT_INT, "I", "1", "with --folds: which, from 1"},
    {"output", 'o', QN_OPT_TEXT, "FILE.csv", "-", "the manifest; -: stdout"},
    QN_OPTION_JSON,
    QN_OPTION_QUIET,
    QN_OPTIONS_END,
};

const char qn_data_split_about[] =
    "Divides a data set into train, val and test and writes that as a CSV manifest "
    "which\n"
    "every command reads.  Pictures stay where they are and are not opened.  Splits "
    "that\n"
    "the data set names itself stay; groups are never torn apart; the same seed gives "
    "the\n"
    "same division in whatever order the items come.  Of a data set that holds its\n"
    "pictures itself (an archive, IDX, NPZ, Parquet) the list names set, item, label "
    "and\n"
    "split.\n"
    "\n"
    "  quern data split flowers/ --test 0.2 -o flowers/split.csv\n"
    "  quern data split flowers.zip -o split.csv && quern train split.csv\n"
    "  quern data split patients.csv -g site --folds 5 --fold 2 -o fold2.csv\n";

/* The texts of a column become the groups. */
static quern_status group_by(qn_dataset *set, const char *name, quern_error *err)
{
    qn_names names = {.arena = &set->arena};
    const qn_column *column = NULL;
    void *room;
    for (int c = 0; c < set->n_columns; c++)
        if (!strcmp(set->columns[c].name, name)) column = &set->columns[c];
    if (!column)
        return qn_fail(err, QUERN_INVALID, "%s: there is no column '%s'", set->path,
                       name);
    QN_TRY(qn_arena_array(&set->arena, (size_t)set->n, sizeof *set->group, &room, err));
    set->group = room;
    for (int64_t i = 0; i < set->n; i++) {
        int64_t index = -1;
        if (column->text[i] && column->text[i][0])
            QN_TRY(qn_names_keep(&names, column->text[i], &index, err));
        set->group[i] = (int32_t)index;
    }
    set->groups = names.text;
    set->n_groups = (int)names.n;
    return QUERN_OK;
}

static quern_status tell_json(qn_data_look *look, quern_error *err)
{
    const qn_dataset *set = look->set;
    int64_t n[4] = {0};
    qn_buf out;
    qn_json j;
    for (int64_t i = 0; i < set->n; i++)
        n[set->split[i]]++;
    qn_buf_init(&out, &look->mem);
    qn_json_begin(&j, &out);
    qn_json_text(&j, "data", set->path);
    qn_json_text(&j, "output", qn_arg_text(look->args, "output"));
    qn_json_int(&j, "missing", set->n_missing);
    qn_json_object(&j, "splits");
    for (int s = QN_SPLIT_TRAIN; s <= QN_SPLIT_TEST; s++)
        qn_json_int(&j, qn_split_name((qn_split)s), n[s]);
    qn_json_close(&j);
    qn_json_end(&j);
    return qn_out_give(&out, err);
}

static quern_status split(qn_data_look *look, int *code, quern_error *err)
{
    const qn_args *args = look->args;
    const char *group = qn_arg_text(args, "group"),
               *output = qn_arg_text(args, "output");
    const qn_split_plan plan = {.val = qn_arg_real(args, "val"),
                                .test = qn_arg_real(args, "test"),
                                .seed = (uint64_t)qn_arg_int(args, "seed"),
                                .stratify = !qn_arg_flag(args, "no-stratify"),
                                .folds = (int)qn_arg_int(args, "folds"),
                                .fold = (int)qn_arg_int(args, "fold") - 1};
    (void)code;
    if (group && !(look->set->group && !strcmp(group, "group")))
        QN_TRY(group_by(look->set, group, err));
    QN_TRY(qn_dataset_split(look->set, &plan, err));
    QN_TRY(qn_listing_write(look->set, output, NULL, &look->mem, err));
    if (look->set->n_missing && !qn_arg_flag(args, "quiet"))
        fprintf(stderr, "quern: %s files are missing\n",
                QN_COUNT(look->set->n_missing));
    if (qn_arg_flag(args, "json") && strcmp(output, "-") != 0)
        return tell_json(look, err);
    return QUERN_OK;
}

int qn_cmd_data_split(const qn_args *args)
{
    const double val = qn_arg_real(args, "val"), test = qn_arg_real(args, "test");
    const int64_t folds = qn_arg_int(args, "folds"), fold = qn_arg_int(args, "fold");
    if (!(val >= 0 && test >= 0 && val + test < 1))
        return qn_usage(args, "--val %g and --test %g leave nothing to train on", val,
                        test);
    if (folds != 0 && (folds < 2 || folds > 1000 || fold < 1 || fold > folds))
        return qn_usage(args,
                        "--folds %lld --fold %lld: 2 to 1000 folds, counted from 1",
                        (long long)folds, (long long)fold);
    return qn_data_look_at(args, false, split);
}
