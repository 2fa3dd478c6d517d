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

/* Decoded pixels at the frame's size. */
static quern_status fit(const qn_loader *l, int64_t item, const qn_image *image,
                        qn_arena *scratch, const uint8_t **out, quern_error *err)
{
    char room[QN_ITEM_TEXT];
    const qn_frame *f = &l->o.frame;
    qn_image fitted;
    quern_status status = qn_frame_apply(f, image, scratch, &fitted, err);
    if (status == QUERN_OK && (fitted.height != f->height || fitted.width != f->width))
        status =
            qn_fail(err, QUERN_SHAPE, "fits as %d x %d pixels, but a batch has %d x %d",
                    fitted.height, fitted.width, f->height, f->width);
    if (status != QUERN_OK) qn_within(err, "%s", qn_item_name(l->o.set, item, room));
    *out = fitted.pixels;
    return status;
}

/* Pixels of picture k that need no reading, or NULL. */
static const uint8_t *at_hand(const qn_loader *l, int64_t k)
{
    if (l->in_place) return l->o.set->array + (size_t)l->items[k] * l->picture;
    if (!l->cache ||
        atomic_load_explicit(&l->kept[k], memory_order_acquire) != QN_PICTURE_KEPT)
        return NULL;
    return l->cache + (size_t)k * l->picture;
}

static void keep(qn_loader *l, int64_t k, const uint8_t *pixels)
{
    unsigned char absent = QN_PICTURE_ABSENT;
    if (!l->cache ||
        !atomic_compare_exchange_strong(&l->kept[k], &absent, QN_PICTURE_BUSY))
        return;
    memcpy(l->cache + (size_t)k * l->picture, pixels, l->picture);
    atomic_store_explicit(&l->kept[k], QN_PICTURE_KEPT, memory_order_release);
}

quern_status qn_loader_picture(qn_loader *l, int64_t k, qn_arena *scratch,
                               const uint8_t **out, quern_error *err)
{
    const int64_t item = l->items[k];
    qn_image image;
    *out = at_hand(l, k);
    if (*out) return QUERN_OK;
    QN_TRY(qn_dataset_read(l->o.set, item, scratch, &image, err));
    QN_TRY(fit(l, item, &image, scratch, out, err));
    keep(l, k, *out);
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
static void put(qn_loader *l, qn_loader_slot *slot, int64_t i, int64_t k, int64_t epoch,
                const uint8_t *pixels)
{
    const int64_t item = l->items[k];
    const int32_t label = l->o.set->label[item];
    uint8_t *place = slot->pixels + (size_t)i * l->picture;
    memcpy(place, pixels, l->picture);
    qn_loader_augment(l, item, epoch, place, slot->spare);
    float *target = slot->target + i * l->batches.n_classes;
    memset(target, 0, (size_t)l->batches.n_classes * sizeof *target);
    if (label >= 0) target[label] = 1;
    slot->weight[i] = l->weight[k];
    slot->label[i] = label;
    slot->item[i] = item;
}

/* Number i of the batch, if it must be read, and those behind it that must be, too:
 * as many as go together. */
static quern_status read_some(qn_loader *l, qn_loader_slot *slot, const order *o,
                              int64_t begin, int64_t *i, quern_error *err)
{
    int64_t which[QN_READ_TOGETHER], items[QN_READ_TOGETHER];
    qn_encoded each[QN_READ_TOGETHER];
    int n = 0;
    for (; n < QN_READ_TOGETHER && *i + n < slot->n; n++) {
        which[n] = picture_at(o, begin + *i + n);
        if (at_hand(l, which[n])) break;
        items[n] = l->items[which[n]];
    }
    if (n > 0) n = qn_dataset_read_some(l->o.set, items, n, &slot->scratch, each);
    for (int k = 0; k < n; k++, ++*i) {
        const uint8_t *pixels;
        if (each[k].status != QUERN_OK)
            return qn_fail(err, each[k].status, "%s", each[k].err.text);
        QN_TRY(fit(l, items[k], &each[k].image, &slot->scratch, &pixels, err));
        keep(l, which[k], pixels);
        put(l, slot, *i, which[k], o->epoch, pixels);
    }
    qn_arena_reset(&slot->scratch);
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
    for (int64_t i = 0; i < slot->n;) {
        const int64_t k = picture_at(&o, begin + i);
        const uint8_t *pixels = at_hand(l, k);
        if (pixels)
            put(l, slot, i++, k, epoch, pixels);
        else
            QN_TRY(read_some(l, slot, &o, begin, &i, err));
    }
    if (slot->before) qn_loader_mix(l, slot, epoch);
    return QUERN_OK;
}
