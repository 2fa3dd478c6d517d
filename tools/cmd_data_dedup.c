/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmd_data_dedup.c - quern data dedup: pictures that are there more than once. */
#include "tools/data_look.h"
#include "tools/listing.h"

const qn_option qn_data_dedup_options[] = {
    QN_OPTION_DATA_FORMAT,
    QN_OPTION_LIMIT,
    {"near", 0, QN_OPT_REAL, "D", "0",
     "those nearly equal, too: mean difference of brightness, 0 to 255; 4 is usual"},
    {"across", 0, QN_OPT_FLAG, NULL, NULL, "only pairs in different splits"},
    {"output", 'o', QN_OPT_TEXT, "FILE.csv", NULL,
     "write a manifest without the second of each pair"},
    QN_OPTION_THREADS,
    QN_OPTION_JSON,
    QN_OPTION_QUIET,
    QN_OPTIONS_END,
};

const char qn_data_dedup_about[] =
    "Lists pictures that are equal, pixel by pixel, to one before them, with --near "
    "also\n"
    "those that look alike.  No picture is deleted; -o writes a CSV manifest that "
    "leaves\n"
    "the later ones out, for a data set whose pictures are files.\n"
    "\n"
    "  quern data dedup flowers/ --near 4\n"
    "  quern data dedup flowers/ -o flowers/without.csv\n";

typedef struct found {
    qn_twin *equal, *near;
    int64_t n_equal, n_near;
    bool is_cut;
} found;

static quern_status find(qn_data_look *look, found *p, quern_error *err)
{
    const double distance = qn_arg_real(look->args, "near");
    const bool across = qn_arg_flag(look->args, "across");
    QN_TRY(qn_dataset_twins(look->set, &look->survey, across, &look->arena, &p->equal,
                            &p->n_equal, err));
    if (distance <= 0) return QUERN_OK;
    return qn_dataset_near(look->set, &look->survey, distance, across, &look->arena,
                           &p->near, &p->n_near, &p->is_cut, err);
}

static quern_status write_rest(qn_data_look *look, const found *p, const char *path,
                               quern_error *err)
{
    void *room;
    QN_TRY(qn_arena_array(&look->arena, (size_t)look->set->n, 1, &room, err));
    uint8_t *leave_out = room;
    for (int64_t i = 0; i < p->n_equal; i++)
        leave_out[p->equal[i].b] = 1;
    for (int64_t i = 0; i < p->n_near; i++)
        leave_out[p->near[i].b] = 1;
    for (int64_t i = 0; i < look->set->n; i++)
        if (!look->survey.is_good[i]) leave_out[i] = 1;
    return qn_listing_write(look->set, path, leave_out, &look->mem, err);
}

static quern_status tell_json(qn_data_look *look, const found *p, quern_error *err)
{
    qn_buf out;
    qn_json j;
    qn_buf_init(&out, &look->mem);
    qn_json_begin(&j, &out);
    qn_json_text(&j, "data", look->set->path);
    qn_json_int(&j, "items", look->set->n);
    qn_json_int(&j, "unreadable", look->set->n - look->survey.n_good);
    qn_json_twins(&j, "equal", look->set, p->equal, p->n_equal);
    qn_json_twins(&j, "near", look->set, p->near, p->n_near);
    qn_json_bool(&j, "all_compared", !p->is_cut);
    qn_json_end(&j);
    return qn_out_give(&out, err);
}

static void print_pairs(const qn_dataset *set, const char *what, const qn_twin *pairs,
                        int64_t n)
{
    char a[QN_ITEM_TEXT], b[QN_ITEM_TEXT];
    for (int64_t i = 0; i < n; i++)
        printf("%s  %s  %s\n", what, QN_CLEAN(qn_item_name(set, pairs[i].a, a)),
               QN_CLEAN(qn_item_name(set, pairs[i].b, b)));
}

static quern_status dedup(qn_data_look *look, int *code, quern_error *err)
{
    const char *path = qn_arg_text(look->args, "output");
    found p = {0};
    (void)code;
    QN_TRY(find(look, &p, err));
    if (path) QN_TRY(write_rest(look, &p, path, err));
    if (qn_arg_flag(look->args, "json")) return tell_json(look, &p, err);
    print_pairs(look->set, "equal", p.equal, p.n_equal);
    print_pairs(look->set, "near ", p.near, p.n_near);
    printf("%s of %s pictures are equal to one before, %s nearly%s\n",
           QN_COUNT(p.n_equal), QN_COUNT(look->set->n), QN_COUNT(p.n_near),
           p.is_cut ? " (not all pairs were compared)" : "");
    return QUERN_OK;
}

int qn_cmd_data_dedup(const qn_args *args)
{
    return qn_data_look_at(args, true, dedup);
}
