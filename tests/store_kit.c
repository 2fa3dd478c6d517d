/* SPDX-License-Identifier: Apache-2.0 */
/* tests/store_kit.c - see store_kit.h. */
#include "tests/store_kit.h"

#include "formats/deflate.h"
#include "formats/store_files.h"

#include <stdio.h>
#include <string.h>

void qn_store_kit_init(qn_store_kit *k, qn_test *t)
{
    *k = (qn_store_kit){.t = t};
    qn_mem_init(&k->mem, NULL, 0);
    qn_arena_init(&k->arena, &k->mem);
    CHECK_OK(t, qn_store_open(&k->store, &k->mem, qn_temp(t, "home"), true, &k->err),
             &k->err);
}

void qn_store_kit_done(qn_store_kit *k)
{
    qn_arena_done(&k->arena);
    CHECK_EQ(k->t, (int64_t)k->mem.used, 0);
}

void qn_store_kit_csv(qn_test *t)
{
    char name[32], text[512] = "path,label,split,patient,age\n";
    for (int i = 0; i < 6; i++) {
        const size_t n = strlen(text);
        snprintf(name, sizeof name, "set/%d.bmp", i);
        qn_set_kit_picture(t, name, (uint8_t)(10 * i + 1));
        snprintf(text + n, sizeof text - n, "%d.bmp,%s,%s,p%d,%d\n", i,
                 i % 2 ? "cat" : "dog", i < 4 ? "train" : "test", i / 2, 30 + i);
    }
    qn_set_kit_text(t, "set/3.bmp", "BM and no more");
    qn_set_kit_text(t, "set/list.csv", text);
}

void qn_store_kit_idx(qn_test *t)
{
    uint8_t pixels[30];
    for (int i = 0; i < 30; i++)
        pixels[i] = (uint8_t)(7 * i);
    qn_set_kit_idx(t, "idx/train-images-idx3-ubyte", 3, (uint32_t[]){3, 2, 3}, pixels,
                   18);
    qn_set_kit_idx(t, "idx/train-labels-idx1-ubyte", 1, (uint32_t[]){3},
                   (uint8_t[]){0, 1, 2}, 3);
    qn_set_kit_idx(t, "idx/t10k-images-idx3-ubyte", 3, (uint32_t[]){2, 2, 3},
                   pixels + 18, 12);
    qn_set_kit_idx(t, "idx/t10k-labels-idx1-ubyte", 1, (uint32_t[]){2},
                   (uint8_t[]){2, 0}, 2);
}

quern_status qn_store_kit_import(qn_store_kit *k, const char *path, const char *name,
                                 bool by_reference)
{
    qn_dataset *set;
    const qn_import plan = {.name = name, .by_reference = by_reference};
    quern_status status =
        qn_dataset_open(&k->mem, qn_temp(k->t, path), NULL, &set, &k->err);
    if (status == QUERN_OK)
        status = qn_store_import_set(&k->store, set, &plan, &k->got, &k->err);
    qn_dataset_close(set);
    return status;
}

uint64_t qn_store_kit_digest(qn_test *t, const char *folder)
{
    qn_mem mem;
    qn_arena arena;
    qn_tree_file *list;
    int n;
    uint64_t digest = 1;
    char path[512];
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    if (!CHECK(t,
               qn_tree_list(&arena, qn_temp(t, folder), &list, &n, NULL) == QUERN_OK))
        n = 0;
    for (int i = 0; i < n; i++) {
        size_t bytes;
        snprintf(path, sizeof path, "%s/%s", folder, list[i].path);
        const char *text = qn_get_file(t, qn_temp(t, path), &bytes);
        digest = digest * 31 + qn_crc32(0, list[i].path, strlen(list[i].path));
        if (text) digest = digest * 31 + qn_crc32(0, text, bytes);
    }
    qn_arena_done(&arena);
    return digest;
}
