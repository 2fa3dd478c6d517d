/* SPDX-License-Identifier: Apache-2.0 */
/* tests/dataset_kit.c - see dataset_kit.h. */
#include "tests/dataset_kit.h"

#include "engine/os.h"

#include <stdio.h>
#include <string.h>

void qn_set_kit_init(qn_set_kit *k, qn_test *t)
{
    *k = (qn_set_kit){.t = t};
    qn_mem_init(&k->mem, NULL, (size_t)256 << 20);
    qn_arena_init(&k->arena, &k->mem);
}

void qn_set_kit_done(qn_set_kit *k)
{
    qn_dataset_close(k->set);
    qn_arena_done(&k->arena);
    CHECK_EQ(k->t, (int64_t)k->mem.used, 0);
}

quern_status qn_set_kit_open(qn_set_kit *k, const char *name, const char *format)
{
    qn_dataset_close(k->set);
    k->err = (quern_error){0};
    return qn_dataset_open(&k->mem, qn_temp(k->t, name), format, &k->set, &k->err);
}

void qn_set_kit_refuses(qn_set_kit *k, const char *name, quern_status status,
                        const char *part)
{
    CHECK_FAILS(k->t, qn_set_kit_open(k, name, NULL), status, &k->err, part);
}

const char *qn_set_kit_classes(const qn_set_kit *k, char text[256])
{
    text[0] = 0;
    for (int c = 0; c < k->set->n_classes; c++) {
        const size_t n = strlen(text);
        snprintf(text + n, 256 - n, "%s%s", c ? " " : "", k->set->classes[c]);
    }
    return text;
}

void qn_set_kit_put(qn_test *t, const char *name, const void *bytes, size_t n)
{
    const char *path = qn_temp(t, name);
    char folder[QN_PATH_MAX];
    CHECK(t, qn_path_folder(path, folder, NULL) == QUERN_OK);
    CHECK(t, qn_dir_make(folder, NULL) == QUERN_OK);
    qn_put_file(t, path, bytes, n);
}

void qn_set_kit_text(qn_test *t, const char *name, const char *text)
{
    qn_set_kit_put(t, name, text, strlen(text));
}

/* 2 x 2 pixels, 24 bits each. */
static void make_bmp(uint8_t bmp[70], uint8_t gray)
{
    memset(bmp, 0, 54);
    memcpy(bmp, (uint8_t[]){'B', 'M', 70}, 3);
    bmp[10] = 54; /* offset of the pixels */
    bmp[14] = 40; /* bytes of the header */
    bmp[18] = bmp[22] = 2;
    bmp[26] = 1;
    bmp[28] = 24;
    memset(bmp + 54, gray, 16); /* rows of 6 bytes, padded to 8 */
}

void qn_set_kit_picture(qn_test *t, const char *name, uint8_t gray)
{
    uint8_t bmp[70];
    make_bmp(bmp, gray);
    qn_set_kit_put(t, name, bmp, sizeof bmp);
}

bool qn_set_kit_decodes(qn_test *t)
{
    uint8_t bmp[70];
    qn_mem mem;
    qn_arena arena;
    qn_image image;
    quern_error err;
    make_bmp(bmp, 0);
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    const quern_status status =
        qn_image_decode(&arena, bmp, sizeof bmp, 0, &image, &err);
    qn_arena_done(&arena);
    if (status != QUERN_OK) qn_skip(t, "%s", err.text);
    return status == QUERN_OK;
}

void qn_set_kit_idx(qn_test *t, const char *name, int rank, const uint32_t *dim,
                    const void *bytes, size_t n)
{
    uint8_t *p = qn_exact(t, 4 + 4 * (size_t)rank + n);
    memcpy(p, (uint8_t[]){0, 0, 8, (uint8_t)rank}, 4);
    for (int d = 0; d < rank; d++)
        for (int i = 0; i < 4; i++)
            p[4 + 4 * d + i] = (uint8_t)(dim[d] >> (24 - 8 * i));
    if (n) memcpy(p + 4 + 4 * rank, bytes, n);
    qn_set_kit_put(t, name, p, 4 + 4 * (size_t)rank + n);
}
