/* SPDX-License-Identifier: Apache-2.0 */
/* formats/dataset_write_coco.c - pictures and annotations as COCO has them: images/ and
 * annotations/instances_train.json for each split, annotations/instances.json for an
 * undivided set.
 *
 * COCO has objects in pictures, not classes of them: the class of a picture becomes one
 * annotation whose box is all of it.  Categories count from 1 in the order of the
 * classes; group, weight and further columns stand with the image. */
#include "formats/dataset_build.h"
#include "formats/dataset_write.h"
#include "formats/json_write.h"

#include <string.h>

/* A file that grows, and what waits to be written to it. */
typedef struct stream {
    qn_out_file file;
    qn_buf bytes;
} stream;

typedef struct coco {
    stream images[4], notes[4]; /* by split; notes become the second list of images */
    int64_t n[4];
} coco;

static const char *const names[] = {
    "annotations/instances.json", "annotations/instances_train.json",
    "annotations/instances_val.json", "annotations/instances_test.json"};
static const char *const parts[] = {"notes.part", "train-notes.part", "val-notes.part",
                                    "test-notes.part"};

enum { FULL = 1 << 16 }; /* bytes that are written at a time */

static quern_status coco_begin(qn_writer *w, quern_error *err)
{
    void *room;
    QN_TRY(qn_arena_alloc(w->arena, sizeof(coco), &room, err));
    coco *c = room;
    w->state = c;
    for (int s = 0; s < 4; s++) {
        c->images[s].file.fd = c->notes[s].file.fd = -1;
        qn_buf_init(&c->images[s].bytes, w->mem);
        qn_buf_init(&c->notes[s].bytes, w->mem);
    }
    return QUERN_OK;
}

static quern_status coco_place(const qn_writer *w, const qn_piece *piece,
                               quern_error *err)
{
    return qn_writer_place_file(w, "images/", piece, err);
}

static quern_status flush(stream *s, size_t least, quern_error *err)
{
    QN_TRY(qn_buf_status(&s->bytes, err));
    if (s->bytes.n < least) return QUERN_OK;
    QN_TRY(qn_out_write(&s->file, s->bytes.p, s->bytes.n, err));
    qn_buf_clear(&s->bytes);
    return QUERN_OK;
}

/* ---- items ---- */

static void put_image(const qn_writer *w, const qn_piece *piece, int64_t id,
                      qn_buf *out)
{
    char name[QN_PATH_MAX];
    qn_buf_format(out, "%s{\"id\":%lld,\"width\":%d,\"height\":%d", id > 1 ? ",\n" : "",
                  (long long)id, piece->image.width, piece->image.height);
    if (qn_path_format(name, NULL, "%s%s", piece->path, piece->end) == QUERN_OK)
        qn_json_put_pair(out, "file_name", name);
    qn_writer_put_pairs(w, piece->item, out);
    qn_buf_byte(out, '}');
}

static void put_note(const qn_piece *piece, int64_t id, qn_buf *out)
{
    const long long width = piece->image.width, height = piece->image.height;
    qn_buf_format(out,
                  "%s{\"id\":%lld,\"image_id\":%lld,\"category_id\":%d,"
                  "\"bbox\":[0,0,%lld,%lld],\"area\":%lld,\"iscrowd\":0}",
                  id > 1 ? ",\n" : "", (long long)id, (long long)id, piece->label + 1,
                  width, height, width * height);
}

static quern_status coco_add(qn_writer *w, const qn_piece *piece, quern_error *err)
{
    coco *c = w->state;
    const int s = piece->split;
    if (c->n[s]++ == 0) {
        QN_TRY(qn_writer_open(w, names[s], &c->images[s].file, err));
        QN_TRY(qn_writer_open(w, parts[s], &c->notes[s].file, err));
        qn_buf_text(&c->images[s].bytes, "{\"images\":[\n");
    }
    put_image(w, piece, c->n[s], &c->images[s].bytes);
    put_note(piece, c->n[s], &c->notes[s].bytes);
    QN_TRY(flush(&c->images[s], FULL, err));
    return flush(&c->notes[s], FULL, err);
}

/* ---- the end ---- */

static void put_categories(const qn_writer *w, qn_buf *out)
{
    const qn_dataset *set = w->set;
    qn_buf_text(out, "\n],\"categories\":[\n");
    for (int c = 0; c < set->n_classes; c++) {
        qn_buf_format(out, "%s{\"id\":%d", c ? ",\n" : "", c + 1);
        qn_json_put_pair(out, "name", set->classes[c]);
        qn_buf_byte(out, '}');
    }
    qn_buf_text(out, "\n]}\n");
}

/* Appends a file of the stage to a stream, and removes it. */
static quern_status append(const qn_writer *w, const char *part, stream *to,
                           quern_error *err)
{
    char path[QN_PATH_MAX];
    qn_file file;
    qn_map map;
    QN_TRY(qn_writer_path(w, part, path, err));
    QN_TRY(qn_file_open(NULL, path, &file, err));
    quern_status status = qn_file_map(&file, &map, err);
    qn_file_close(&file);
    QN_TRY(status);
    status = qn_out_write(&to->file, map.base, map.bytes, err);
    qn_map_done(&map);
    return status == QUERN_OK ? qn_disk_remove(w->plan->disk, path, err) : status;
}

static quern_status coco_end(qn_writer *w, quern_error *err)
{
    coco *c = w->state;
    for (int s = 0; s < 4; s++) {
        if (!c->n[s]) continue;
        qn_buf_text(&c->images[s].bytes, "\n],\"annotations\":[\n");
        QN_TRY(flush(&c->images[s], 0, err));
        QN_TRY(flush(&c->notes[s], 0, err));
        qn_out_close(&c->notes[s].file);
        QN_TRY(append(w, parts[s], &c->images[s], err));
        put_categories(w, &c->images[s].bytes);
        QN_TRY(flush(&c->images[s], 0, err));
    }
    return QUERN_OK;
}

static void coco_done(qn_writer *w)
{
    coco *c = w->state;
    for (int s = 0; c && s < 4; s++) {
        qn_out_close(&c->images[s].file);
        qn_out_close(&c->notes[s].file);
        qn_buf_done(&c->images[s].bytes);
        qn_buf_done(&c->notes[s].bytes);
    }
}

const qn_dataset_writer qn_dataset_write_coco = {
    .name = "coco",
    .about = "images/ and COCO's annotations: the class is a box around all of it",
    .has_files = true,
    .carries =
        QN_CARRIES_GROUPS | QN_CARRIES_WEIGHTS | QN_CARRIES_COLUMNS | QN_CARRIES_NAMES,
    .begin = coco_begin,
    .place = coco_place,
    .add = coco_add,
    .end = coco_end,
    .done = coco_done,
};
