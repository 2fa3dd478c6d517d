/* SPDX-License-Identifier: Apache-2.0 */
/* formats/dataset_survey.c - every picture read once: which cannot be, how large they
 * are, which are equal. */
#include "engine/pool.h"
#include "formats/dataset_build.h"
#include "formats/dataset_digest.h"

#include <string.h>

enum {
    GRAIN = 64,        /* pictures a block */
    SLICE = 16 * GRAIN /* between two looks at the watch */
};

typedef struct reading {
    const qn_dataset *set;
    qn_survey *survey;
    int64_t first; /* of the slice */
    bool is_quick;
    quern_cancel_fn *cancel;
} reading;

/* Four chains of multiplications over words, folded into one. */
static void quick_digest_of(const qn_image *image, uint8_t digest[32])
{
    const uint64_t prime = UINT64_C(0x9fb21c651e98df25);
    uint64_t h[4] = {(uint64_t)image->height, (uint64_t)image->width,
                     (uint64_t)image->channels, 1};
    const size_t n =
        (size_t)image->height * (size_t)image->width * (size_t)image->channels;
    for (size_t i = 0; i < n; i += 8) {
        uint64_t word = 0;
        memcpy(&word, image->pixels + i, n - i < 8 ? n - i : 8);
        uint64_t *lane = &h[i / 8 % 4];
        *lane = (*lane ^ word) * prime;
        *lane ^= *lane >> 29;
    }
    for (int k = 1; k < 4; k++)
        h[0] = ((h[0] ^ h[k]) * prime) ^ (h[0] >> 31);
    memset(digest, 0, 32);
    memcpy(digest, h, sizeof h[0]);
}

static uint8_t turned_of(const qn_dataset *set, int64_t i, qn_arena *arena)
{
    const void *bytes = NULL;
    size_t n = 0;
    if (qn_dataset_packed(set, i, arena, &bytes, &n, NULL) != QUERN_OK || !bytes)
        return 0;
    return (uint8_t)qn_exif_orientation(bytes, n);
}

static void add_up(const qn_image *image, qn_look *look)
{
    const size_t n = (size_t)image->height * (size_t)image->width;
    const int c = image->channels;
    for (size_t p = 0; p < n; p++)
        for (int k = 0; k < c && k < 3; k++) {
            const uint64_t v = image->pixels[p * (size_t)c + (size_t)k];
            look->sum[k] += v;
            look->power[k] += v * v;
        }
}

static void look_at(const reading *r, int64_t i, const qn_image *image, qn_arena *arena)
{
    qn_survey *s = r->survey;
    memcpy(s->look[i].size, (int32_t[]){image->height, image->width, image->channels},
           sizeof s->look[i].size);
    if (r->is_quick)
        quick_digest_of(image, s->digest[i]);
    else
        qn_picture_digest(image, s->digest[i]);
    if (!s->sketch) return;
    qn_sketch_of(image, &s->sketch[i]);
    add_up(image, &s->look[i]);
    s->look[i].turned = turned_of(r->set, i, arena);
}

/* Pictures begin .. end-1, with memory of its own. */
static void read_block(void *ctx, int64_t begin, int64_t end, int worker)
{
    const reading *r = ctx;
    qn_mem mem;
    qn_arena pixels;
    qn_encoded each[QN_READ_TOGETHER];
    int64_t items[QN_READ_TOGETHER];
    (void)worker;
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&pixels, &mem);
    for (int64_t i = begin + r->first, last = end + r->first; i < last;) {
        int n = 0;
        if (r->cancel && r->cancel(NULL)) break;
        for (; n < QN_READ_TOGETHER && i + n < last; n++)
            items[n] = i + n;
        qn_arena_reset(&pixels);
        n = qn_dataset_read_some(r->set, items, n, &pixels, each);
        for (int k = 0; k < n; k++)
            if (each[k].status == QUERN_OK) {
                look_at(r, i + k, &each[k].image, &pixels);
                r->survey->is_good[i + k] = 1;
            }
        i += n;
    }
    qn_arena_done(&pixels);
}

static void add_size(qn_survey *s, const int32_t size[3])
{
    for (int k = 0; k < 3; k++) {
        if (s->n_good == 0 || size[k] < s->least[k]) s->least[k] = size[k];
        if (s->n_good == 0 || size[k] > s->most[k]) s->most[k] = size[k];
    }
    s->n_good++;
}

/* Reads a bad picture again, for the reason; one that can be read now had lacked memory
 * beside others. */
static quern_status read_again(const reading *r, qn_dataset *set, int64_t i,
                               quern_error *err)
{
    quern_error why = {.status = QUERN_OK};
    qn_arena pixels;
    qn_image image;
    qn_arena_init(&pixels, set->arena.mem);
    const quern_status status = qn_dataset_read(set, i, &pixels, &image, &why);
    r->survey->is_good[i] = status == QUERN_OK;
    if (status == QUERN_OK) look_at(r, i, &image, &pixels);
    qn_arena_done(&pixels);
    return status == QUERN_OK ? status : qn_set_reject_item(set, i, &why, err);
}

static quern_status make_room(qn_survey *s, size_t n, bool sketches, qn_arena *arena,
                              quern_error *err)
{
    void *digest, *good, *look, *sketch = NULL;
    QN_TRY(qn_arena_array(arena, n, sizeof *s->digest, &digest, err));
    QN_TRY(qn_arena_array(arena, n, sizeof *s->is_good, &good, err));
    QN_TRY(qn_arena_array(arena, n, sizeof *s->look, &look, err));
    if (sketches) QN_TRY(qn_arena_array(arena, n, sizeof *s->sketch, &sketch, err));
    *s = (qn_survey){.digest = digest, .is_good = good, .look = look, .sketch = sketch};
    return QUERN_OK;
}

static quern_status read_all(reading *r, quern_pool *pool, const qn_survey_watch *watch,
                             quern_error *err)
{
    const int64_t n = r->set->n;
    for (; r->first < n; r->first += SLICE) {
        const int64_t left = n - r->first;
        qn_parallel_for(pool, left < SLICE ? left : SLICE, GRAIN, read_block, r);
        if ((r->cancel && r->cancel(NULL)) ||
            (watch && watch->step && watch->step(watch->ctx, r->first)))
            return qn_fail(err, QUERN_CANCELLED, "stopped while reading the pictures");
    }
    return QUERN_OK;
}

quern_status qn_dataset_survey(qn_dataset *set, quern_pool *pool,
                               const qn_survey_watch *watch, qn_arena *arena,
                               qn_survey *out, quern_error *err)
{
    QN_TRY(make_room(out, (size_t)set->n, watch && watch->sketches, arena, err));
    reading r = {set, out, 0, watch && watch->is_quick, watch ? watch->cancel : NULL};
    QN_TRY(read_all(&r, pool, watch, err));
    for (int64_t i = 0; i < set->n; i++) {
        if (!out->is_good[i]) QN_TRY(read_again(&r, set, i, err));
        if (out->is_good[i]) add_size(out, out->look[i].size);
    }
    return QUERN_OK;
}
