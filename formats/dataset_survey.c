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
    int (*size)[3]; /* [n]: height, width, channels */
    int64_t first;  /* of the slice */
    bool is_quick;
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

/* Pictures begin .. end-1, with memory of its own. */
static void read_block(void *ctx, int64_t begin, int64_t end, int worker)
{
    const reading *r = ctx;
    qn_mem mem;
    qn_arena pixels;
    qn_image image;
    (void)worker;
    begin += r->first;
    end += r->first;
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&pixels, &mem);
    for (int64_t i = begin; i < end; i++) {
        qn_arena_reset(&pixels);
        if (qn_dataset_read(r->set, i, &pixels, &image, NULL) != QUERN_OK) continue;
        if (r->is_quick)
            quick_digest_of(&image, r->survey->digest[i]);
        else
            qn_picture_digest(&image, r->survey->digest[i]);
        memcpy(r->size[i], (int[]){image.height, image.width, image.channels},
               sizeof r->size[i]);
        r->survey->is_good[i] = 1;
    }
    qn_arena_done(&pixels);
}

static void add_size(qn_survey *s, const int size[3])
{
    for (int k = 0; k < 3; k++) {
        if (s->n_good == 0 || size[k] < s->least[k]) s->least[k] = size[k];
        if (s->n_good == 0 || size[k] > s->most[k]) s->most[k] = size[k];
    }
    s->n_good++;
}

/* Reads a bad picture again, for the reason. */
static quern_status note_bad(qn_dataset *set, int64_t i, quern_error *err)
{
    quern_error why = {.status = QUERN_OK};
    qn_arena pixels;
    qn_image image;
    qn_arena_init(&pixels, set->arena.mem);
    if (qn_dataset_read(set, i, &pixels, &image, &why) == QUERN_OK)
        qn_fail(&why, QUERN_IO, "it could not be read a moment ago");
    qn_arena_done(&pixels);
    return qn_set_reject_item(set, i, &why, err);
}

static quern_status make_room(qn_survey *s, size_t n, qn_arena *arena, quern_error *err)
{
    void *digest, *good;
    QN_TRY(qn_arena_array(arena, n, sizeof *s->digest, &digest, err));
    QN_TRY(qn_arena_array(arena, n, sizeof *s->is_good, &good, err));
    *s = (qn_survey){.digest = digest, .is_good = good};
    return QUERN_OK;
}

static quern_status read_all(reading *r, quern_pool *pool, const qn_survey_watch *watch,
                             quern_error *err)
{
    const int64_t n = r->set->n;
    for (; r->first < n; r->first += SLICE) {
        const int64_t left = n - r->first;
        qn_parallel_for(pool, left < SLICE ? left : SLICE, GRAIN, read_block, r);
        if (watch && watch->step && watch->step(watch->ctx, r->first))
            return qn_fail(err, QUERN_CANCELLED, "stopped while reading the pictures");
    }
    return QUERN_OK;
}

quern_status qn_dataset_survey(qn_dataset *set, quern_pool *pool,
                               const qn_survey_watch *watch, qn_arena *arena,
                               qn_survey *out, quern_error *err)
{
    qn_arena scratch;
    void *size;
    QN_TRY(make_room(out, (size_t)set->n, arena, err));
    qn_arena_init(&scratch, arena->mem);
    quern_status status =
        qn_arena_array(&scratch, (size_t)set->n, 3 * sizeof(int), &size, err);
    if (status == QUERN_OK) {
        reading r = {set, out, size, 0, watch && watch->is_quick};
        status = read_all(&r, pool, watch, err);
        for (int64_t i = 0; status == QUERN_OK && i < set->n; i++)
            if (out->is_good[i])
                add_size(out, r.size[i]);
            else
                status = note_bad(set, i, err);
    }
    qn_arena_done(&scratch);
    return status;
}
