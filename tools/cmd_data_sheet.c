/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmd_data_sheet.c - quern data sheet: a picture of some pictures of each class.
 */
#include "formats/contact_sheet.h"
#include "formats/dataset.h"
#include "formats/png_write.h"
#include "tools/options.h"
#include "tools/out.h"
#include "tools/scratch.h"

#include "engine/shuffle.h"

#include <string.h>

const qn_option qn_data_sheet_options[] = {
    {"out", 'o', QN_OPT_TEXT, "FILE.png", NULL, "where the sheet is written"},
    {"each", 'n', QN_OPT_INT, "N", "12", "pictures of each class, at most"},
    {"split", 's', QN_OPT_TEXT, "NAME", NULL, "train, val or test; otherwise of all"},
    {"seed", 0, QN_OPT_INT, "SEED", "0", "chooses the pictures"},
    {"format", 'f', QN_OPT_TEXT, "NAME", NULL,
     "the format of the data: idx, cifar, npz, csv or folders; otherwise found out"},
    QN_OPTION_LIMIT,
    QN_OPTIONS_END,
};

const char qn_data_sheet_about[] =
    "Draws a contact sheet: a row for each class in order, of pictures chosen by "
    "chance.\n"
    "A picture that cannot be read leaves its place empty and is named on stderr.\n"
    "\n"
    "  quern data sheet flowers/ -o look.png -n 20\n";

typedef struct sheet {
    const qn_dataset *set;
    qn_sheet_style style;
    qn_image image;
    int each;
    qn_split split;
    uint64_t seed;
    int64_t *chosen; /* [classes][each]: item + 1; 0: none */
} sheet;

/* The first items of each class in a random order of all. */
static quern_status choose(sheet *s, qn_arena *arena, quern_error *err)
{
    const qn_dataset *set = s->set;
    const qn_shuffle order = qn_shuffle_make(s->seed, "sheet", 0, set->n);
    void *chosen, *count;
    QN_TRY(qn_arena_array(arena, (size_t)set->n_classes,
                          (size_t)s->each * sizeof *s->chosen, &chosen, err));
    QN_TRY(qn_arena_array(arena, (size_t)set->n_classes, sizeof(int), &count, err));
    s->chosen = chosen;
    int *n_chosen = count;
    for (int64_t k = 0; k < set->n; k++) {
        const int64_t i = qn_shuffle_at(&order, k);
        const int32_t c = set->label[i];
        if (c < 0 || n_chosen[c] == s->each) continue;
        if (s->split != QN_SPLIT_NONE && set->split[i] != s->split) continue;
        s->chosen[(int64_t)c * s->each + n_chosen[c]++] = i + 1;
    }
    return QUERN_OK;
}

static quern_status draw(sheet *s, qn_arena *arena, quern_error *err)
{
    const int64_t cells = (int64_t)s->set->n_classes * s->each;
    qn_arena scratch;
    qn_image picture;
    quern_status status = qn_sheet_make(&s->style, cells, arena, &s->image, err);
    qn_arena_init(&scratch, arena->mem);
    for (int64_t k = 0; status == QUERN_OK && k < cells; k++) {
        quern_error why;
        qn_arena_reset(&scratch);
        if (!s->chosen[k]) continue;
        status = qn_dataset_read(s->set, s->chosen[k] - 1, &scratch, &picture, &why);
        if (status == QUERN_OK)
            status =
                qn_sheet_put(&s->style, &s->image, k, &picture, NULL, &scratch, err);
        else if (status == QUERN_MEMORY)
            *err = why;
        else {
            qn_say("%s", QN_CLEAN(why.text));
            status = QUERN_OK;
        }
    }
    qn_arena_done(&scratch);
    return status;
}

static quern_status make(sheet *s, const qn_args *args, qn_arena *arena,
                         quern_error *err)
{
    const char *path = qn_arg_text(args, "out");
    QN_TRY(choose(s, arena, err));
    QN_TRY(draw(s, arena, err));
    const qn_png png = {(uint32_t)s->image.width, (uint32_t)s->image.height, 3, 8,
                        s->image.pixels};
    const quern_status status = qn_png_save(arena->mem, path, &png, err);
    if (status != QUERN_OK) qn_within(err, "%s", path);
    return status;
}

int qn_cmd_data_sheet(const qn_args *args)
{
    const char *split = qn_arg_text(args, "split");
    const int64_t each = qn_arg_int(args, "each");
    sheet s = {.each = (int)each, .seed = (uint64_t)qn_arg_int(args, "seed")};
    qn_mem mem;
    qn_arena arena;
    qn_dataset *set;
    quern_error err;
    if (args->n_operands != 1) return qn_usage(args, "needs one data set");
    if (!qn_arg_text(args, "out")) return qn_usage(args, "needs -o FILE.png");
    if (each < 1 || each > 1000) return qn_usage(args, "--each is 1 to 1000");
    if (split) s.split = qn_split_of(split);
    if (split && s.split == QN_SPLIT_NONE)
        return qn_usage(args, "splits are train, val and test");
    s.style = qn_sheet_default(s.each);
    s.style.border = 0;
    qn_mem_init(&mem, NULL, 0);
    quern_status status = qn_data_open(args, &mem, args->operands[0],
                                       qn_arg_text(args, "format"), &set, &err);
    if (status != QUERN_OK) return qn_report(NULL, &err);
    s.set = set;
    qn_arena_init(&arena, &mem);
    status = make(&s, args, &arena, &err);
    qn_arena_done(&arena);
    qn_dataset_close(set);
    return status == QUERN_OK ? 0 : qn_report(NULL, &err);
}
