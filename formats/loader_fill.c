/* SPDX-License-Identifier: Apache-2.0 */
/* formats/loader_fill.c - one batch: which pictures, their pixels, targets, weights. */
#include "formats/loader_state.h"

#include "engine/shuffle.h"

#include <string.h>

/* ---- order ---- */

/* Who fills places 0 .. n-1 of an epoch. */
typedef struct order {
    const qn_loader *l;
    int64_t epoch;
    qn_shuffle places;
} order;

static order order_of(const qn_loader *l, int64_t epoch)
{
    return (order){l, epoch,
                   qn_shuffle_make(l->o.seed, "order", (uint64_t)epoch, l->n)};
}

/* Classes take turns, in a random order of places; each goes through its pictures in
 * one random order after the other. */
static int64_t balanced(const qn_loader *l, int64_t epoch, int64_t place)
{
    const int64_t class = place % l->n_filled, turn = place / l->n_filled;
    const int64_t begin = l->class_begin[class], n = l->class_begin[class + 1] - begin;
    const uint64_t key =
        (uint64_t)epoch << 40 ^ (uint64_t)(turn / n) << 20 ^ (uint64_t) class;
    const qn_shuffle own = qn_shuffle_make(l->o.seed, "class", key, n);
    return l->by_class[begin + qn_shuffle_at(&own, turn % n)];
}

static int64_t picture_at(const order *o, int64_t place)
{
    const qn_loader *l = o->l;
    if (l->o.shuffle) place = qn_shuffle_at(&o->places, place);
    if (l->o.sampler == QN_SAMPLE_BALANCED) place = balanced(l, o->epoch, place);
    return place;
}

/* ---- pixels ---- */

static quern_status read_item(const qn_loader *l, int64_t item, qn_arena *scratch,
                              const uint8_t **out, quern_error *err)
{
    const qn_frame *f = &l->o.frame;
    qn_image image;
    QN_TRY(qn_dataset_read(l->o.set, item, scratch, &image, err));
    QN_TRY(qn_frame_apply(f, &image, scratch, &image, err));
    if (image.height != f->height || image.width != f->width)
        return qn_fail(err, QUERN_SHAPE,
                       "fits as %d x %d pixels, but a batch has %d x %d", image.height,
                       image.width, f->height, f->width);
    *out = image.pixels;
    return QUERN_OK;
}

static quern_status read_named(const qn_loader *l, int64_t item, qn_arena *scratch,
                               const uint8_t **out, quern_error *err)
{
    char room[QN_ITEM_TEXT];
    const quern_status status = read_item(l, item, scratch, out, err);
    if (status != QUERN_OK) qn_within(err, "%s", qn_item_name(l->o.set, item, room));
    return status;
}

quern_status qn_loader_picture(qn_loader *l, int64_t k, qn_arena *scratch,
                               const uint8_t **out, quern_error *err)
{
    const int64_t item = l->items[k];
    if (l->in_place) {
        *out = l->o.set->array + (size_t)item * l->picture;
        return QUERN_OK;
    }
    if (!l->cache) return read_named(l, item, scratch, out, err);
    uint8_t *place = l->cache + (size_t)k * l->picture;
    if (atomic_load_explicit(&l->kept[k], memory_order_acquire) == QN_PICTURE_KEPT) {
        *out = place;
        return QUERN_OK;
    }
    QN_TRY(read_named(l, item, scratch, out, err));
    unsigned char absent = QN_PICTURE_ABSENT;
    if (atomic_compare_exchange_strong(&l->kept[k], &absent, QN_PICTURE_BUSY)) {
        memcpy(place, *out, l->picture);
        atomic_store_explicit(&l->kept[k], QN_PICTURE_KEPT, memory_order_release);
    }
    return QUERN_OK;
}

void qn_loader_augment(const qn_loader *l, int64_t item, int64_t epoch, uint8_t *pixels,
                       uint8_t *spare)
{
    const qn_augment_key key = {l->o.seed, epoch, item};
    qn_image image = {l->o.frame.width, l->o.frame.height, l->o.frame.channels, pixels};
    qn_augment_apply(&l->augment, &key, &image, spare);
}

/* ---- the batch ---- */

/* Picture k of the loader's becomes number i of the batch. */
static quern_status put(qn_loader *l, qn_loader_slot *slot, int64_t i, int64_t k,
                        int64_t epoch, quern_error *err)
{
    const uint8_t *pixels;
    const int64_t item = l->items[k];
    const int32_t label = l->o.set->label[item];
    QN_TRY(qn_loader_picture(l, k, &slot->scratch, &pixels, err));
    uint8_t *place = slot->pixels + (size_t)i * l->picture;
    memcpy(place, pixels, l->picture);
    qn_arena_reset(&slot->scratch);
    qn_loader_augment(l, item, epoch, place, slot->spare);
    float *target = slot->target + i * l->batches.n_classes;
    memset(target, 0, (size_t)l->batches.n_classes * sizeof *target);
    if (label >= 0) target[label] = 1;
    slot->weight[i] = l->weight[k];
    slot->label[i] = label;
    slot->item[i] = item;
    return QUERN_OK;
}

quern_status qn_loader_fill(qn_loader *l, qn_loader_slot *slot, quern_error *err)
{
    const int64_t per_epoch = l->batches.per_epoch;
    const int64_t epoch = l->varies ? slot->ticket / per_epoch : 0;
    const int64_t begin = slot->ticket % per_epoch * l->o.batch;
    const int64_t left = l->n - begin;
    const order o = order_of(l, epoch);
    slot->n = left < l->o.batch ? left : l->o.batch;
    for (int64_t i = 0; i < slot->n; i++)
        QN_TRY(put(l, slot, i, picture_at(&o, begin + i), epoch, err));
    if (slot->before) qn_loader_mix(l, slot, epoch);
    return QUERN_OK;
}
