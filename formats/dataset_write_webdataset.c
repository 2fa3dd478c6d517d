/* SPDX-License-Identifier: Apache-2.0 */
/* formats/dataset_write_webdataset.c - tar archives as WebDataset reads them, a sample
 * in files of one name: train/cat/1.png, .cls (the class, counted from 0) and, where
 * there is more to say, .json (label, split, group, weight, further columns).
 *
 * A target that ends in .tar is one archive; else it is a folder of them by split,
 * train-000000.tar and so on, with classes.txt. */
#include "formats/dataset_build.h"
#include "formats/dataset_write.h"
#include "formats/json_write.h"
#include "formats/tar.h"

#include <stdio.h>
#include <string.h>

typedef struct shards {
    bool is_single, has_json;
    qn_out_file file[4]; /* by split; a single archive is the first */
    int count[4];        /* shards that were begun */
    qn_buf bytes, json;
} shards;

static quern_status web_begin(qn_writer *w, quern_error *err)
{
    const qn_dataset *set = w->set;
    void *room;
    QN_TRY(qn_arena_alloc(w->arena, sizeof(shards), &room, err));
    shards *a = room;
    w->state = a;
    for (int s = 0; s < 4; s++)
        a->file[s].fd = -1;
    qn_buf_init(&a->bytes, w->mem);
    qn_buf_init(&a->json, w->mem);
    a->is_single = qn_ends_with(w->plan->target, ".tar");
    a->has_json = !qn_writer_is_numbered(w) || set->n_groups || set->weight ||
                  set->n_columns || a->is_single;
    if (a->is_single && w->plan->shard)
        return qn_fail(err, QUERN_INVALID,
                       "shards go to a folder, and the target is one archive");
    const bool *has = w->has_split;
    if (!a->is_single && has[QN_SPLIT_NONE] &&
        (has[QN_SPLIT_TRAIN] || has[QN_SPLIT_VAL] || has[QN_SPLIT_TEST]))
        return qn_fail(err, QUERN_UNSUPPORTED,
                       "archives are all of a split or all of none, and only some of "
                       "the items have one");
    return a->is_single ? qn_writer_is_file(w, err)
                        : qn_writer_put_classes(w, "classes.txt", err);
}

/* ---- archives ---- */

static quern_status end_shard(shards *a, qn_out_file *file, quern_error *err)
{
    if (file->fd < 0) return QUERN_OK;
    qn_buf_clear(&a->bytes);
    qn_tar_put_end(&a->bytes);
    QN_TRY(qn_buf_status(&a->bytes, err));
    const quern_status status = qn_out_write(file, a->bytes.p, a->bytes.n, err);
    qn_out_close(file);
    return status;
}

/* The archive that n more bytes of the split go to. */
static quern_status open_shard(qn_writer *w, int split, size_t n, qn_out_file **out,
                               quern_error *err)
{
    shards *a = w->state;
    char name[64];
    if (a->is_single) split = 0;
    qn_out_file *file = *out = &a->file[split];
    if (file->fd >= 0 && w->plan->shard && file->bytes + n > w->plan->shard)
        QN_TRY(end_shard(a, file, err));
    if (file->fd >= 0) return QUERN_OK;
    const char *word = split == QN_SPLIT_NONE ? "data" : qn_split_name((qn_split)split);
    snprintf(name, sizeof name, "%s-%06d.tar", word, a->count[split]++);
    return qn_writer_open(w, a->is_single ? w->result : name, file, err);
}

/* ---- samples ---- */

static quern_status put_member(shards *a, const char *key, const char *end,
                               const void *p, size_t n, quern_error *err)
{
    char name[QN_PATH_MAX];
    QN_TRY(qn_path_format(name, err, "%s%s", key, end));
    qn_tar_put_header(&a->bytes, name, n);
    qn_buf_add(&a->bytes, p, n);
    qn_tar_pad(&a->bytes, n);
    return qn_buf_status(&a->bytes, err);
}

static quern_status put_json(qn_writer *w, const qn_piece *piece, quern_error *err)
{
    const char *label = w->set->classes[piece->label];
    shards *a = w->state;
    qn_buf_clear(&a->json);
    qn_buf_text(&a->json, "{\"label\":");
    qn_json_quote(&a->json, label, strlen(label));
    if (piece->split != QN_SPLIT_NONE)
        qn_json_put_pair(&a->json, "split", qn_split_name(piece->split));
    qn_writer_put_pairs(w, piece->item, &a->json);
    qn_buf_text(&a->json, "}\n");
    QN_TRY(qn_buf_status(&a->json, err));
    return put_member(a, piece->path, ".json", a->json.p, a->json.n, err);
}

static quern_status web_add(qn_writer *w, const qn_piece *piece, quern_error *err)
{
    shards *a = w->state;
    char number[16];
    qn_out_file *file;
    qn_buf_clear(&a->bytes);
    const int n = snprintf(number, sizeof number, "%d", piece->label);
    QN_TRY(put_member(a, piece->path, piece->end, piece->file, piece->n_file, err));
    QN_TRY(put_member(a, piece->path, ".cls", number, (size_t)n, err));
    if (a->has_json) QN_TRY(put_json(w, piece, err));
    QN_TRY(open_shard(w, piece->split, a->bytes.n, &file, err));
    return qn_out_write(file, a->bytes.p, a->bytes.n, err);
}

static quern_status web_end(qn_writer *w, quern_error *err)
{
    shards *a = w->state;
    for (int s = 0; s < 4; s++)
        QN_TRY(end_shard(a, &a->file[s], err));
    return QUERN_OK;
}

static void web_done(qn_writer *w)
{
    shards *a = w->state;
    if (!a) return;
    for (int s = 0; s < 4; s++)
        qn_out_close(&a->file[s]);
    qn_buf_done(&a->bytes);
    qn_buf_done(&a->json);
}

const qn_dataset_writer qn_dataset_write_webdataset = {
    .name = "webdataset",
    .other_names = "wds,tar",
    .about = "tar archives of samples, one or --shard-size of them",
    .has_files = true,
    .has_keys = true,
    .carries =
        QN_CARRIES_GROUPS | QN_CARRIES_WEIGHTS | QN_CARRIES_COLUMNS | QN_CARRIES_NAMES,
    .begin = web_begin,
    .add = web_add,
    .end = web_end,
    .done = web_done,
};
