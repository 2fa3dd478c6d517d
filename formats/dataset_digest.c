/* SPDX-License-Identifier: Apache-2.0 */
/* formats/dataset_digest.c - see dataset_digest.h. */
#include "formats/dataset_digest.h"

#include "formats/sha256.h"

#include <stdlib.h>
#include <string.h>

static void add_u32(qn_sha256 *s, uint32_t value)
{
    const uint8_t bytes[4] = {(uint8_t)value, (uint8_t)(value >> 8),
                              (uint8_t)(value >> 16), (uint8_t)(value >> 24)};
    qn_sha256_add(s, bytes, sizeof bytes);
}

void qn_picture_digest(const qn_image *image, uint8_t digest[QN_DIGEST])
{
    qn_sha256 s;
    qn_sha256_init(&s);
    add_u32(&s, (uint32_t)image->height);
    add_u32(&s, (uint32_t)image->width);
    add_u32(&s, (uint32_t)image->channels);
    qn_sha256_add(&s, image->pixels,
                  (size_t)image->height * (size_t)image->width *
                      (size_t)image->channels);
    qn_sha256_end(&s, digest);
}

void qn_item_digest(const char *class, qn_split split, const uint8_t picture[QN_DIGEST],
                    uint8_t digest[QN_DIGEST])
{
    qn_sha256 s;
    const char *name = qn_split_name(split);
    qn_sha256_init(&s);
    add_u32(&s, class ? (uint32_t)strlen(class) : UINT32_MAX);
    if (class) qn_sha256_add(&s, class, strlen(class));
    add_u32(&s, (uint32_t)strlen(name));
    qn_sha256_add(&s, name, strlen(name));
    qn_sha256_add(&s, picture, QN_DIGEST);
    qn_sha256_end(&s, digest);
}

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, QN_DIGEST);
}

void qn_content_sum(uint8_t (*items)[QN_DIGEST], int64_t n, char hex[65])
{
    if (n) qsort(items, (size_t)n, QN_DIGEST, by_bytes);
    qn_sha256_hex(items, (size_t)n * QN_DIGEST, hex);
}

quern_status qn_survey_sum(const qn_dataset *set, const qn_survey *survey, char hex[65],
                           quern_error *err)
{
    qn_arena arena;
    void *room;
    qn_arena_init(&arena, set->arena.mem);
    const quern_status status =
        qn_arena_array(&arena, (size_t)survey->n_good, QN_DIGEST, &room, err);
    if (status == QUERN_OK) {
        uint8_t(*items)[QN_DIGEST] = room;
        int64_t n = 0;
        for (int64_t i = 0; i < set->n; i++) {
            const int32_t c = set->label[i];
            if (!survey->is_good[i]) continue;
            qn_item_digest(c < 0 ? NULL : set->classes[c],
                           (qn_split)set->source_split[i], survey->digest[i],
                           items[n++]);
        }
        qn_content_sum(items, n, hex);
    }
    qn_arena_done(&arena);
    return status;
}
