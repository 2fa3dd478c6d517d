/* SPDX-License-Identifier: Apache-2.0 */
/* formats/dataset_write.c - see dataset_write.h: the way of items from one format to
 * another.  A batch is read and packed on all threads, then added in order; how many
 * items make a batch follows from how large they are. */
#include "formats/dataset_write.h"

#include "formats/dataset_build.h"
#include "formats/dataset_digest.h"
#include "formats/dataset_paths.h"
#include "formats/image_check.h"
#include "formats/png_write.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_BATCH = 16, MAX_BATCH = 256, GRAIN = 8 };
static const size_t batch_bytes = (size_t)64 << 20, slot_bytes = (size_t)1 << 20;

/* An item of the batch, with memory of its own. */
typedef struct slot {
    qn_mem mem;
    qn_arena arena;
    qn_buf packed;
    qn_piece piece;
    bool is_bad, is_copied; /* the item cannot be taken; its file is passed on */
    quern_status status;
    quern_error why;
    uint8_t digest[QN_DIGEST];
} slot;

typedef struct job {
    qn_dataset *set;
    const qn_write_plan *plan;
    qn_arena arena;
    qn_writer w;
    qn_written *out;
    qn_paths paths;
    int64_t *order; /* [w.n] */
    slot *slots;    /* [MAX_BATCH] */
    uint8_t (*digests)[QN_DIGEST];
} job;

/* ---- which items, in which order ---- */

static bool is_taken(const qn_dataset *set, const qn_write_plan *plan, int64_t i)
{
    return !plan->splits || (plan->splits & 1u << set->split[i]);
}

int64_t qn_write_count(const qn_dataset *set, const qn_write_plan *plan)
{
    int64_t n = 0;
    for (int64_t i = 0; i < set->n; i++)
        n += is_taken(set, plan, i);
    return n;
}

typedef struct named {
    const char *base, *name;
    int64_t item;
} named;

static int by_base(const void *a, const void *b)
{
    const named *x = a, *y = b;
    const int order = strcmp(x->base, y->base);
    return order ? order : strcmp(x->name, y->name);
}

/* Items that only the file system put in order go by their last names: pictures that
 * were numbered before they were sorted into folders come back in their old order. */
static quern_status sort_items(job *j, quern_error *err)
{
    qn_arena scratch;
    void *room;
    qn_arena_init(&scratch, j->set->arena.mem);
    const quern_status status =
        qn_arena_array(&scratch, (size_t)j->w.n, sizeof(named), &room, err);
    if (status == QUERN_OK) {
        named *list = room;
        for (int64_t k = 0; k < j->w.n; k++) {
            const char *name = j->set->name[j->order[k]];
            const char *slash = strrchr(name, '/');
            list[k] = (named){slash ? slash + 1 : name, name, j->order[k]};
        }
        qsort(list, (size_t)j->w.n, sizeof *list, by_base);
        for (int64_t k = 0; k < j->w.n; k++)
            j->order[k] = list[k].item;
    }
    qn_arena_done(&scratch);
    return status;
}

static quern_status choose_items(job *j, quern_error *err)
{
    const qn_dataset *set = j->set;
    void *room;
    int64_t n = 0;
    j->w.n = qn_write_count(set, j->plan);
    if (j->w.n == 0)
        return qn_fail(err, QUERN_INVALID, "none of the %lld items is in that split",
                       (long long)set->n);
    QN_TRY(qn_arena_array(&j->arena, (size_t)j->w.n, sizeof *j->order, &room, err));
    j->order = room;
    QN_TRY(qn_arena_array(&j->arena, (size_t)set->n_classes, 1, &room, err));
    j->w.class_splits = room;
    for (int64_t i = 0; i < set->n; i++) {
        if (!is_taken(set, j->plan, i)) continue;
        j->order[n++] = i;
        j->w.has_split[set->split[i]] = true;
        if (set->label[i] >= 0)
            j->w.class_splits[set->label[i]] |= (uint8_t)(1 << set->split[i]);
    }
    return set->is_listed && set->name ? sort_items(j, err) : QUERN_OK;
}

/* ---- one item, on any thread ---- */

/* Whether the item's file goes on as it is, where it can. */
static bool stays(const job *j)
{
    const qn_write_plan *plan = j->plan;
    return j->w.row->has_files && plan->frame.height == 0 && plan->frame.channels == 0;
}

/* The item's file, if it has one; pixels otherwise. */
static quern_status fetch_item(const job *j, slot *s)
{
    qn_piece *p = &s->piece;
    if (p->label < 0) return qn_fail(&s->why, QUERN_DATA, "it has no label");
    QN_TRY(
        qn_dataset_packed(j->set, p->item, &s->arena, &p->file, &p->n_file, &s->why));
    if (!p->file)
        return qn_dataset_read(j->set, p->item, &s->arena, &p->image, &s->why);
    if (qn_image_is(p->file, p->n_file)) return QUERN_OK;
    return qn_fail(&s->why, QUERN_FORMAT,
                   "its %zu bytes begin as none of " QN_IMAGE_KINDS, p->n_file);
}

/* Slots whose files are to be decoded, all of them together. */
static void decode_files(const job *j, slot *const *slots, int n)
{
    qn_encoded each[GRAIN];
    for (int k = 0; k < n; k++)
        each[k] =
            (qn_encoded){.bytes = slots[k]->piece.file, .n = slots[k]->piece.n_file};
    for (int done = 0, some; done < n; done += some) {
        some = qn_image_decode_some(j->set->decoder, &slots[done]->arena, each + done,
                                    n - done);
        for (int k = done; k < done + some; k++) {
            slots[k]->piece.image = each[k].image;
            slots[k]->status = each[k].status;
            if (each[k].status != QUERN_OK) slots[k]->why = each[k].err;
        }
    }
}

/* Which file goes on, if any. */
static void keep_file(const job *j, slot *s)
{
    qn_piece *p = &s->piece;
    const bool is_png = p->file && qn_is_png(p->file, p->n_file);
    s->is_copied = p->file && stays(j) && (is_png || qn_is_jpeg(p->file, p->n_file));
    if (s->is_copied)
        p->end = is_png ? ".png" : ".jpg";
    else
        p->file = NULL;
}

static quern_status change_item(const job *j, slot *s, quern_error *err)
{
    qn_frame frame = j->plan->frame;
    qn_image *image = &s->piece.image;
    if (frame.channels == 0) frame.channels = image->channels;
    if (frame.height == 0)
        return qn_image_channels(&s->arena, image, frame.channels, image, err);
    return qn_frame_apply(&frame, image, &s->arena, image, err);
}

static quern_status pack_item(slot *s, quern_error *err)
{
    const qn_image *image = &s->piece.image;
    const qn_png png = {(uint32_t)image->width, (uint32_t)image->height,
                        image->channels, 8, image->pixels};
    qn_buf_clear(&s->packed);
    QN_TRY(qn_png_write(&s->packed, &png, err));
    s->piece.file = s->packed.p;
    s->piece.n_file = s->packed.n;
    s->piece.end = ".png";
    return QUERN_OK;
}

static quern_status work_on(const job *j, slot *s, quern_error *err)
{
    uint8_t picture[QN_DIGEST];
    const qn_piece *p = &s->piece;
    keep_file(j, s);
    if (!s->is_copied) QN_TRY(change_item(j, s, err));
    if (j->w.row->has_files && !s->is_copied) QN_TRY(pack_item(s, err));
    qn_picture_digest(&p->image, picture);
    qn_item_digest(j->set->classes[p->label], j->w.as_split[p->split], picture,
                   s->digest);
    return j->w.row->place ? j->w.row->place(&j->w, p, err) : QUERN_OK;
}

static void work(void *ctx, int64_t begin, int64_t end, int worker)
{
    const job *j = ctx;
    slot *files[GRAIN] = {NULL};
    int n = 0;
    (void)worker;
    for (int64_t k = begin; k < end; k++) {
        slot *s = &j->slots[k];
        s->status = fetch_item(j, s);
        if (s->status == QUERN_OK && s->piece.file) files[n++] = s;
    }
    decode_files(j, files, n);
    for (int64_t k = begin; k < end; k++) {
        slot *s = &j->slots[k];
        s->is_bad = s->status != QUERN_OK;
        if (!s->is_bad) s->status = work_on(j, s, &s->why);
    }
}

/* ---- a batch ---- */

static quern_status begin_slot(job *j, slot *s, int64_t item, quern_error *err)
{
    const qn_dataset *set = j->set;
    qn_piece *p = &s->piece;
    qn_arena_reset(&s->arena);
    s->is_copied = false;
    *p = (qn_piece){
        .item = item, .label = set->label[item], .split = (qn_split)set->split[item]};
    if (!j->w.row->has_files) return QUERN_OK;
    return qn_paths_next(&j->paths, item, &s->arena, &p->path, err);
}

static quern_status at_item(const job *j, int64_t item, quern_status status,
                            quern_error *err)
{
    char room[QN_ITEM_TEXT];
    qn_within(err, "%s", qn_item_name(j->set, item, room));
    return status;
}

/* Adds what came out of a slot, or leaves it out. */
static quern_status end_slot(job *j, slot *s, quern_error *err)
{
    qn_written *out = j->out;
    const qn_piece *p = &s->piece;
    if (s->status != QUERN_OK && s->is_bad && j->plan->skip_bad)
        return qn_set_reject_item(j->set, p->item, &s->why, err);
    if (s->status != QUERN_OK && err) *err = s->why;
    if (s->status == QUERN_OK) s->status = j->w.row->add(&j->w, p, err);
    if (s->status != QUERN_OK) return at_item(j, p->item, s->status, err);
    memcpy(j->digests[out->n++], s->digest, QN_DIGEST);
    out->in_split[j->w.as_split[p->split]]++;
    out->n_copied += s->is_copied;
    out->bytes += p->file ? p->n_file
                          : (uint64_t)p->image.height * (uint64_t)p->image.width *
                                (uint64_t)p->image.channels;
    return QUERN_OK;
}

/* Memory of a slot after the batch; one that grew much is emptied. */
static size_t rest_slot(slot *s)
{
    const size_t used = s->mem.used;
    if (used > slot_bytes) {
        qn_arena_done(&s->arena);
        qn_buf_done(&s->packed);
        qn_arena_init(&s->arena, &s->mem);
        qn_buf_init(&s->packed, &s->mem);
    }
    return used;
}

/* n items from order[first]; *most: bytes of the one that took the most. */
static quern_status run_batch(job *j, int64_t first, int64_t n, size_t *most,
                              quern_error *err)
{
    for (int64_t k = 0; k < n; k++)
        QN_TRY(begin_slot(j, &j->slots[k], j->order[first + k], err));
    qn_parallel_for(j->plan->pool, n, GRAIN, work, j);
    *most = 1;
    for (int64_t k = 0; k < n; k++) {
        QN_TRY(end_slot(j, &j->slots[k], err));
        const size_t used = rest_slot(&j->slots[k]);
        if (used > *most) *most = used;
    }
    return QUERN_OK;
}

static quern_status run_batches(job *j, quern_error *err)
{
    const qn_write_plan *plan = j->plan;
    size_t most;
    for (int64_t at = 0, n = FIRST_BATCH; at < j->w.n; at += n) {
        if (at) n = (int64_t)(batch_bytes / most);
        if (n < 1) n = 1;
        if (n > MAX_BATCH) n = MAX_BATCH;
        if (n > j->w.n - at) n = j->w.n - at;
        QN_TRY(run_batch(j, at, n, &most, err));
        if (plan->step && plan->step(plan->ctx, at + n))
            return qn_fail(err, QUERN_CANCELLED,
                           "stopped after %lld of %lld items; nothing is left behind",
                           (long long)(at + n), (long long)j->w.n);
    }
    return QUERN_OK;
}

/* ---- the whole ---- */

static void tell_losses(job *j)
{
    const qn_dataset *set = j->set;
    qn_writer *w = &j->w;
    const unsigned carries = w->row->carries;
    if (set->name && !(carries & QN_CARRIES_NAMES))
        qn_writer_loses(w, "names of items");
    if (set->n_groups && !(carries & QN_CARRIES_GROUPS)) qn_writer_loses(w, "groups");
    if (set->weight && !(carries & QN_CARRIES_WEIGHTS)) qn_writer_loses(w, "weights");
    if (carries & QN_CARRIES_COLUMNS) return;
    for (int c = 0; c < set->n_columns; c++)
        qn_writer_loses(w, "column '%s'", set->columns[c].name);
}

static quern_status make_slots(job *j, quern_error *err)
{
    void *room;
    QN_TRY(qn_arena_array(&j->arena, (size_t)j->w.n, QN_DIGEST, &room, err));
    j->digests = room;
    QN_TRY(qn_arena_array(&j->arena, MAX_BATCH, sizeof(slot), &room, err));
    j->slots = room;
    for (int k = 0; k < MAX_BATCH; k++) {
        slot *s = &j->slots[k];
        qn_mem_init(&s->mem, NULL, 0);
        qn_arena_init(&s->arena, &s->mem);
        qn_buf_init(&s->packed, &s->mem);
    }
    return QUERN_OK;
}

static void free_slots(job *j)
{
    for (int k = 0; j->slots && k < MAX_BATCH; k++) {
        qn_arena_done(&j->slots[k].arena);
        qn_buf_done(&j->slots[k].packed);
    }
}

static quern_status prepare(job *j, quern_error *err)
{
    const qn_dataset *set = j->set;
    qn_writer *w = &j->w;
    if (set->n_rejects && !j->plan->skip_bad)
        return qn_fail(err, QUERN_FORMAT, "%d items are refused, the first: %s: %s",
                       set->n_rejects, set->rejects[0].item, set->rejects[0].reason);
    QN_TRY(choose_items(j, err));
    QN_TRY(make_slots(j, err));
    for (int s = 0; s < 4; s++)
        w->as_split[s] = (qn_split)s;
    QN_TRY(qn_paths_begin(&j->paths, w, err));
    tell_losses(j);
    return w->row->begin(w, err);
}

static quern_status convert(job *j, quern_error *err)
{
    quern_status status = prepare(j, err);
    if (status == QUERN_OK) status = run_batches(j, err);
    if (status == QUERN_OK && j->out->n == 0)
        status = qn_fail(err, QUERN_FORMAT, "none of its %lld items can be taken",
                         (long long)j->w.n);
    if (status == QUERN_OK) status = j->w.row->end(&j->w, err);
    if (j->w.row->done) j->w.row->done(&j->w);
    free_slots(j);
    if (status == QUERN_OK) qn_content_sum(j->digests, j->out->n, j->out->sum);
    memcpy(j->out->lost, j->w.lost, sizeof j->w.lost);
    return status;
}

static quern_status find_row(const char *name, const qn_dataset_writer **row,
                             quern_error *err)
{
    char names[256] = "";
    *row = qn_dataset_writer_find(name);
    if (*row) return QUERN_OK;
    for (int i = 0; qn_dataset_writer_at(i); i++) {
        strncat(names, i ? ", " : "", sizeof names - strlen(names) - 1);
        strncat(names, qn_dataset_writer_at(i)->name, sizeof names - strlen(names) - 1);
    }
    return qn_fail(err, QUERN_INVALID,
                   "no format that is written is called '%s'; there are %s", name,
                   names);
}

quern_status qn_dataset_write(qn_dataset *set, const qn_write_plan *plan,
                              qn_written *out, quern_error *err)
{
    const qn_dataset_writer *row;
    qn_stage stage;
    *out = (qn_written){0};
    QN_TRY(find_row(plan->format, &row, err));
    quern_status status = qn_stage_begin(plan->disk, plan->target, &stage, err);
    if (status == QUERN_OK) {
        job j = {.set = set, .plan = plan, .out = out};
        qn_arena_init(&j.arena, set->arena.mem);
        j.w = (qn_writer){.row = row,
                          .set = set,
                          .plan = plan,
                          .mem = set->arena.mem,
                          .arena = &j.arena,
                          .folder = stage.path};
        status = convert(&j, err);
        if (status == QUERN_OK) status = qn_stage_settle(&stage, j.w.result, err);
        qn_arena_done(&j.arena);
    }
    qn_stage_end(&stage);
    return status;
}
