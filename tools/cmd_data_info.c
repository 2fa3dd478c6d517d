/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmd_data_info.c - quern data info: what a data set holds, as its source says
 * it; on request what reading every picture tells. */
#include "engine/pool.h"
#include "formats/dataset_digest.h"
#include "tools/data_look.h"
#include "tools/options.h"
#include "tools/out.h"
#include "tools/scratch.h"
#include "tools/term.h"

#include <string.h>

enum { SHOWN = 10 }; /* of a list, for people */

const qn_option qn_data_info_options[] = {
    {"format", 'f', QN_OPT_TEXT, "NAME", NULL,
     "the format of the data: idx, cifar, npz, csv or folders; otherwise found out"},
    {"read", 'r', QN_OPT_FLAG, NULL, NULL,
     "read every picture, too: sizes, those that cannot be read, equal ones"},
    QN_OPTION_LIMIT,
    QN_OPTION_THREADS,
    QN_OPTION_JSON,
    QN_OPTION_QUIET,
    QN_OPTIONS_END,
};

const char qn_data_info_about[] =
    "Shows format, classes, splits and shape of a data set, and the items that cannot "
    "be\n"
    "taken with the reason.  Pictures are not opened unless --read asks for it.\n"
    "\n"
    "  quern data info /usr/share/datasets/fashion-mnist\n"
    "  quern data info patients.csv --read --json\n";

typedef struct report {
    const qn_dataset *set;
    int64_t in_split[4];
    int64_t *in_class[4]; /* [n_classes] of each split */
    bool is_read;
    qn_survey survey;
    char sum[65]; /* of the content; hexadecimal */
    qn_twin *twins;
    int64_t n_twins, n_across; /* equal pictures; those in different splits */
} report;

/* ---- finding out ----------------------------------------------------------------- */

static quern_status count_items(report *r, qn_arena *arena, quern_error *err)
{
    const qn_dataset *set = r->set;
    for (int s = 0; s < 4; s++) {
        void *room;
        QN_TRY(
            qn_arena_array(arena, (size_t)set->n_classes, sizeof(int64_t), &room, err));
        r->in_class[s] = room;
    }
    for (int64_t i = 0; i < set->n; i++) {
        r->in_split[set->split[i]]++;
        if (set->label[i] >= 0) r->in_class[set->split[i]][set->label[i]]++;
    }
    return QUERN_OK;
}

static int step(void *ctx, int64_t done)
{
    qn_progress_step(ctx, done);
    return qn_interrupted(NULL);
}

static quern_status read_pictures(report *r, qn_dataset *set, const qn_args *args,
                                  qn_arena *arena, quern_error *err)
{
    quern_pool *pool;
    qn_twin *across;
    qn_progress progress;
    const qn_survey_watch watch = {
        .step = step, .ctx = &progress, .cancel = qn_interrupted};
    QN_TRY(quern_pool_create((int)qn_arg_int(args, "threads"), &pool, err));
    qn_progress_begin(&progress, "pictures", set->n, qn_arg_flag(args, "quiet"));
    quern_status status = qn_dataset_survey(set, pool, &watch, arena, &r->survey, err);
    qn_progress_end(&progress);
    quern_pool_free(pool);
    QN_TRY(status);
    r->is_read = true;
    QN_TRY(qn_survey_sum(set, &r->survey, r->sum, err));
    QN_TRY(qn_dataset_twins(set, &r->survey, true, arena, &across, &r->n_across, err));
    return qn_dataset_twins(set, &r->survey, false, arena, &r->twins, &r->n_twins, err);
}

/* Height, width and channels that all pictures share, as far as that is known. */
static bool find_shape(const report *r, int shape[3])
{
    const qn_survey *s = &r->survey;
    memcpy(shape, (int[]){r->set->height, r->set->width, r->set->channels},
           3 * sizeof *shape);
    if (shape[0]) return true;
    if (!r->is_read || !s->n_good || memcmp(s->least, s->most, sizeof s->least))
        return false;
    memcpy(shape, s->least, sizeof s->least);
    return true;
}

/* ---- JSON ------------------------------------------------------------------------ */

static void put_counts(qn_json *j, const report *r)
{
    qn_json_object(j, "splits");
    for (int s = 0; s < 4; s++)
        if (r->in_split[s]) qn_json_int(j, qn_split_key((qn_split)s), r->in_split[s]);
    qn_json_close(j);
    qn_json_array(j, "class_items");
    for (int c = 0; c < r->set->n_classes; c++)
        qn_json_int(j, NULL,
                    r->in_class[0][c] + r->in_class[1][c] + r->in_class[2][c] +
                        r->in_class[3][c]);
    qn_json_close(j);
}

static void put_shape(qn_json *j, const report *r)
{
    int shape[3];
    if (!find_shape(r, shape)) {
        qn_json_text(j, "shape", NULL);
        return;
    }
    qn_json_array(j, "shape");
    for (int k = 0; k < 3; k++)
        qn_json_int(j, NULL, shape[k]);
    qn_json_close(j);
}

static void put_columns(qn_json *j, const qn_dataset *set)
{
    qn_json_int(j, "groups", set->n_groups);
    qn_json_array(j, "columns");
    for (int c = 0; c < set->n_columns; c++)
        qn_json_text(j, NULL, set->columns[c].name);
    qn_json_close(j);
}

static void put_survey(qn_json *j, const report *r)
{
    char a[QN_ITEM_TEXT], b[QN_ITEM_TEXT];
    static const char *const sides[] = {"height", "width", "channels"};
    for (int k = 0; k < 3; k++) {
        qn_json_array(j, sides[k]);
        qn_json_int(j, NULL, r->survey.least[k]);
        qn_json_int(j, NULL, r->survey.most[k]);
        qn_json_close(j);
    }
    qn_json_text(j, "content_sha256", r->sum);
    qn_json_int(j, "unreadable", r->set->n - r->survey.n_good);
    qn_json_int(j, "equal_across_splits", r->n_across);
    qn_json_array(j, "equal");
    for (int64_t i = 0; i < r->n_twins; i++) {
        qn_json_array(j, NULL);
        qn_json_text(j, NULL, qn_item_name(r->set, r->twins[i].a, a));
        qn_json_text(j, NULL, qn_item_name(r->set, r->twins[i].b, b));
        qn_json_close(j);
    }
    qn_json_close(j);
}

static int tell_json(const report *r, qn_mem *mem)
{
    qn_buf out;
    qn_json j;
    qn_buf_init(&out, mem);
    qn_json_begin(&j, &out);
    qn_json_text(&j, "data", r->set->path);
    qn_json_text(&j, "format", r->set->format->name);
    qn_json_int(&j, "items", r->set->n);
    qn_json_array(&j, "classes");
    for (int c = 0; c < r->set->n_classes; c++)
        qn_json_text(&j, NULL, r->set->classes[c]);
    qn_json_close(&j);
    put_counts(&j, r);
    put_shape(&j, r);
    put_columns(&j, r->set);
    qn_json_int(&j, "missing", r->set->n_missing);
    qn_json_rejects(&j, r->set);
    if (r->is_read) put_survey(&j, r);
    qn_json_end(&j);
    const int code = qn_out_flush(&out);
    qn_buf_done(&out);
    return code;
}

/* ---- for people ------------------------------------------------------------------ */

static quern_status print_classes(const report *r, qn_mem *mem, quern_error *err)
{
    qn_table t;
    qn_table_begin(&t, mem, "rlrrrr");
    qn_table_cell(&t, "no.");
    qn_table_cell(&t, "class");
    for (int s = 0; s < 4; s++)
        qn_table_cell(&t, "%s", qn_split_key((qn_split)((s + 1) % 4)));
    for (int c = 0; c < r->set->n_classes; c++) {
        qn_table_cell(&t, "%d", c);
        qn_table_cell(&t, "%s", QN_CLEAN(r->set->classes[c]));
        for (int s = 0; s < 4; s++)
            qn_table_cell(&t, "%s", QN_COUNT(r->in_class[(s + 1) % 4][c]));
    }
    qn_table_cell(&t, "%s", "");
    qn_table_cell(&t, "all");
    for (int s = 0; s < 4; s++)
        qn_table_cell(&t, "%s", QN_COUNT(r->in_split[(s + 1) % 4]));
    return qn_table_print(&t, stdout, err);
}

static void print_survey(const report *r)
{
    const qn_survey *s = &r->survey;
    char a[QN_ITEM_TEXT], b[QN_ITEM_TEXT];
    if (memcmp(s->least, s->most, sizeof s->least) != 0)
        printf("\nwidth %d to %d, height %d to %d, %d to %d channels\n", s->least[1],
               s->most[1], s->least[0], s->most[0], s->least[2], s->most[2]);
    printf(
        "\n%s pictures read, %s cannot be; %s are equal to one before, %s in another "
        "split\n",
        QN_COUNT(s->n_good), QN_COUNT(r->set->n - s->n_good), QN_COUNT(r->n_twins),
        QN_COUNT(r->n_across));
    printf("content %s\n", r->sum);
    for (int64_t i = 0; i < r->n_twins && i < SHOWN; i++)
        printf("  equal: %s, %s\n", QN_CLEAN(qn_item_name(r->set, r->twins[i].a, a)),
               QN_CLEAN(qn_item_name(r->set, r->twins[i].b, b)));
    if (r->n_twins > SHOWN) printf("  and %s more\n", QN_COUNT(r->n_twins - SHOWN));
}

static void print_rejects(const qn_dataset *set)
{
    if (set->n_missing)
        printf("\n%s files are missing%s\n", QN_COUNT(set->n_missing),
               set->is_table ? ": it is a table without pictures" : "");
    if (set->n_rejects) printf("\n%s items are refused\n", QN_COUNT(set->n_rejects));
    for (int i = 0; i < set->n_rejects && i < SHOWN; i++)
        printf("  %s: %s\n", QN_CLEAN(set->rejects[i].item),
               QN_CLEAN(set->rejects[i].reason));
    if (set->n_rejects > SHOWN)
        printf("  and %s more\n", QN_COUNT(set->n_rejects - SHOWN));
}

static int tell_people(const report *r, qn_mem *mem)
{
    const qn_dataset *set = r->set;
    int shape[3];
    quern_error err;
    printf("%s: %s, %s items of %d classes", QN_CLEAN(set->path), set->format->name,
           QN_COUNT(set->n), set->n_classes);
    if (find_shape(r, shape))
        printf(", %d x %d pixels, %s", shape[1], shape[0],
               shape[2] == 1 ? "gray" : "RGB");
    printf("\n\n");
    if (print_classes(r, mem, &err) != QUERN_OK) return qn_report(NULL, &err);
    if (set->n_groups) printf("\n%s groups\n", QN_COUNT(set->n_groups));
    for (int c = 0; c < set->n_columns; c++)
        printf("%s%s%s", c ? ", " : "\ncolumns: ", QN_CLEAN(set->columns[c].name),
               c == set->n_columns - 1 ? "\n" : "");
    if (r->is_read) print_survey(r);
    print_rejects(set);
    return 0;
}

/* ---- the command ----------------------------------------------------------------- */

static quern_status look(const qn_args *args, report *r, qn_dataset **set,
                         qn_arena *arena, quern_error *err)
{
    const bool reads = qn_arg_flag(args, "read");
    if (reads)
        QN_TRY(qn_data_open(args, arena->mem, args->operands[0],
                            qn_arg_text(args, "format"), set, err));
    else
        QN_TRY(qn_data_open_table(args, arena->mem, set, err));
    r->set = *set;
    QN_TRY(count_items(r, arena, err));
    return reads ? read_pictures(r, *set, args, arena, err) : QUERN_OK;
}

int qn_cmd_data_info(const qn_args *args)
{
    qn_mem mem;
    qn_arena arena;
    qn_dataset *set = NULL;
    report r = {0};
    quern_error err;
    if (args->n_operands != 1) return qn_usage(args, "needs one data set");
    qn_interrupt_install();
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    const quern_status status = look(args, &r, &set, &arena, &err);
    int code = status != QUERN_OK          ? qn_report(NULL, &err)
               : qn_arg_flag(args, "json") ? tell_json(&r, &mem)
                                           : tell_people(&r, &mem);
    qn_dataset_close(set);
    qn_arena_done(&arena);
    return code;
}
