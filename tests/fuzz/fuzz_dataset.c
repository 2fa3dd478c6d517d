/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fuzz/fuzz_dataset.c - any bytes as a data set: opened, divided, read through.
 *
 * The first byte says which file the others are; what belongs beside it is made here.
 * Readers take paths, so each input is written to a folder of its own in /tmp. Whatever
 * the bytes say, each call must work or fail with a sentence, and all memory must come
 * back. */
#include "tests/fuzz/fuzz.h"

#include "formats/dataset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUDGET ((size_t)64 << 20) /* bytes */

enum { MAX_READ = 64 }; /* items that are read */

static const uint8_t two_labels[] = {0, 0, 8, 1, 0, 0, 0, 2, 1, 0};
static const uint8_t two_pictures[] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0,
                                       0, 1, 0, 0, 0, 2, 9, 8, 7, 6};

static const char two_numpy_labels[] =
    "\x93NUMPY\1\0\72\0{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }\n"
    "\0\1";

/* A stored set of one picture, which lies in its own table. */
static const uint8_t two_of_cifar[2 * 3073] = {0};
static const char stored_line[] =
    "{\"schema\":1,\"name\":\"a\",\"label\":0,\"group\":\"g\",\"from\":0,\""
    "at\":0,\"bytes\":2,\"sha256\":\"00000000000000000000000000000000000000"
    "00000000000000000000000000\",\"pixels\":[1,2,1],\"meta\":{\"age\":\"3"
    "\"},\"crc\":\"5da18879\"}\n";
static const char stored_manifest[] =
    "{\"schema\":1,\"kind\":\"data set\",\"id\":\"a-00000000\",\"name\":\"a"
    "\",\"classes\":[\"x\"],\"by_reference\":false,\"items\":\"items.jsonl"
    "\",\"pack\":\"items.jsonl\",\"n_items\":1,\"splits\":{\"undivided\":1}"
    ",\"files\":[{\"path\":\"items.jsonl\",\"bytes\":1,\"sha256\":\"0000000"
    "000000000000000000000000000000000000000000000000000000000\"}]}\n";

/* What the first byte says: the file of the bytes, one beside it, the path to open. */
typedef struct form {
    char letter;
    const char *name, *beside;
    const uint8_t *bytes; /* of the file beside */
    size_t n;
    const char *path; /* "": the folder */
} form;

static const form forms[] = {
    {'c', "d.csv", "a.bmp", two_labels, 2, "d.csv"},
    {'v', "d.csv", "test_batch.bin", two_of_cifar, sizeof two_of_cifar, "d.csv"},
    {'t', "d.tsv", "classes.txt", (const uint8_t *)"x\ny\n", 4, "d.tsv"},
    {'n', "d.npz", "a.bmp", two_labels, 2, "d.npz"},
    {'b', "test_batch.bin", "batches.meta.txt", (const uint8_t *)"x\ny\n", 4, ""},
    {'h', "train.bin", "a.bmp", two_labels, 2, ""},
    {'i', "train-images-idx3-ubyte", "train-labels-idx1-ubyte", two_labels,
     sizeof two_labels, ""},
    {'l', "train-labels-idx1-ubyte", "train-images-idx3-ubyte", two_pictures,
     sizeof two_pictures, ""},
    {'w', "d.tar", "a.bmp", two_labels, 2, "d.tar"},
    {'o', "d.json", "a.bmp", two_labels, 2, "d.json"},
    {'y', "images.npy", "labels.npy", (const uint8_t *)two_numpy_labels,
     sizeof two_numpy_labels - 1, ""},
    {'m', "metadata.csv", "a.bmp", two_labels, 2, ""},
    {'j', "metadata.jsonl", "a.bmp", two_labels, 2, ""},
    {'p', "a.bmp", "d.csv", (const uint8_t *)"a.bmp,1\n", 8, "d.csv"},
    {'s', "manifest.json", "items.jsonl", (const uint8_t *)stored_line,
     sizeof stored_line - 1, ""},
    {'e', "items.jsonl", "manifest.json", (const uint8_t *)stored_manifest,
     sizeof stored_manifest - 1, ""},
    {'z', "d.zip", "a.bmp", two_labels, 2, "d.zip"},
    {'a', "d.tgz", "a.bmp", two_labels, 2, "d.tgz"},
    {'r', "d.tfrecord", "labels.txt", (const uint8_t *)"0:x\n1:y\n", 8, "d.tfrecord"},
    {'q', "d.parquet", "classes.txt", (const uint8_t *)"x\ny\n", 4, "d.parquet"},
};
#define N_FORMS (sizeof forms / sizeof forms[0])

/* A failure says what it is, in one line. */
static int failed(quern_status status, const quern_error *err)
{
    if (status == QUERN_OK) return 0;
    const size_t n = strnlen(err->text, sizeof err->text);
    if (n == 0 || n == sizeof err->text || err->status != status) abort();
    return 1;
}

static void look_at(qn_dataset *set, qn_mem *mem)
{
    const qn_split_plan plan = {.val = 0.3, .test = 0.2, .seed = 1, .stratify = true};
    quern_error err = {.status = QUERN_OK};
    char room[QN_ITEM_TEXT];
    qn_arena arena;
    qn_image image;
    qn_arena_init(&arena, mem);
    failed(qn_dataset_split(set, &plan, &err), &err);
    for (int64_t i = 0; i < set->n; i++) {
        if (set->label[i] < -1 || set->label[i] >= set->n_classes) abort();
        if (strlen(qn_item_name(set, i, room)) == 0) abort();
        if (i < MAX_READ) failed(qn_dataset_read(set, i, &arena, &image, &err), &err);
        qn_arena_reset(&arena);
    }
    qn_arena_done(&arena);
}

static void open_in(const char *folder, const form *f)
{
    char path[128];
    qn_mem mem;
    qn_dataset *set = NULL;
    quern_error err = {.status = QUERN_OK};
    qn_mem_init(&mem, NULL, BUDGET);
    snprintf(path, sizeof path, "%s/%s", folder, f->path);
    const qn_dataset_options options = {.scratch = folder, .unpacked = 1 << 24};
    if (!failed(qn_dataset_open_as(&mem, path, &options, &set, &err), &err))
        look_at(set, &mem);
    qn_dataset_close(set);
    if (mem.used != 0) abort();
}

static void put(const char *folder, const char *name, const uint8_t *bytes, size_t n)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes, 1, n, file) != n || fclose(file) != 0) abort();
}

static void take_away(const char *folder, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    unlink(path);
}

int qn_fuzz_dataset(const uint8_t *bytes, size_t n)
{
    char in_memory[] = "/dev/shm/quern-fuzz-XXXXXX";
    char on_disk[] = "/tmp/quern-fuzz-XXXXXX";
    const form *f = forms;
    if (n == 0) return 0;
    while (f < forms + N_FORMS && f->letter != (char)bytes[0])
        f++;
    if (f == forms + N_FORMS) return 0;
    const char *folder = mkdtemp(in_memory) ? in_memory : mkdtemp(on_disk);
    if (!folder) abort();
    put(folder, f->beside, f->bytes, f->n);
    put(folder, f->name, bytes + 1, n - 1);
    open_in(folder, f);
    take_away(folder, f->beside);
    take_away(folder, f->name);
    rmdir(folder);
    return 0;
}
