/* SPDX-License-Identifier: Apache-2.0 */
/* formats/dataset_cifar.c - the binary version of CIFAR-10 and CIFAR-100 (Krizhevsky,
 * 2009), a folder of
 *
 *   data_batch_1.bin ...  test_batch.bin   label, then 32 x 32 pixels of R, of G, of B
 *   train.bin  test.bin                    coarse label, fine label, then the same
 *
 * Names of the classes are in batches.meta.txt and in fine_label_names.txt, which
 * count; coarse labels become the column "coarse". */
#include "formats/dataset_build.h"

#include <stdio.h>
#include <string.h>

enum { SIDE = 32, PLANE = SIDE * SIDE, PIXELS = 3 * PLANE, MAX_FILES = 64 };

typedef struct batch {
    const char *name;
    qn_split split;
    qn_map map;
    int64_t n; /* pictures */
} batch;

typedef struct batches {
    const char *folder;
    int n;
    int n_labels; /* bytes before the pixels: 1, or 2 of which the second counts */
    batch file[MAX_FILES];
} batches;

/* ---- files ---------------------------------------------------------------------- */

/* Bytes of labels in the records of a file of that name; 0: it is none of CIFAR's. */
static int labels_of(const char *name, qn_split *split)
{
    const size_t prefix = strlen("data_batch_");
    *split = QN_SPLIT_TRAIN;
    if (!strncmp(name, "data_batch_", prefix)) {
        const size_t digits = strspn(name + prefix, "0123456789");
        return digits && !strcmp(name + prefix + digits, ".bin");
    }
    if (!strcmp(name, "train.bin")) return 2;
    *split = QN_SPLIT_TEST;
    return !strcmp(name, "test_batch.bin") ? 1 : !strcmp(name, "test.bin") ? 2 : 0;
}

static bool cifar_is(const char *path)
{
    static const char *const names[] = {"data_batch_1.bin", "test_batch.bin",
                                        "train.bin", "test.bin"};
    char file[QN_PATH_MAX];
    if (!qn_path_is_folder(path)) return false;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (qn_path_join(file, path, names[i], NULL) == QUERN_OK &&
            qn_path_look(file) == QN_PATH_FILE)
            return true;
    return false;
}

static quern_status map_batch(const batches *b, batch *f, quern_error *err)
{
    char path[QN_PATH_MAX];
    qn_file file;
    const size_t record = (size_t)b->n_labels + PIXELS;
    QN_TRY(qn_path_join(path, b->folder, f->name, err));
    QN_TRY(qn_file_open(NULL, path, &file, err));
    const quern_status status = qn_file_map(&file, &f->map, err);
    qn_file_close(&file);
    QN_TRY(status);
    if (f->map.bytes % record)
        return qn_fail(err, QUERN_FORMAT,
                       "%zu bytes are no whole number of records of %zu", f->map.bytes,
                       record);
    f->n = (int64_t)(f->map.bytes / record);
    return QUERN_OK;
}

/* The folder's batches, mapped, those for training first. */
static quern_status find_batches(qn_dataset *set, batches *b, quern_error *err)
{
    const char *const *names;
    int n;
    QN_TRY(qn_dir_list(b->folder, &set->arena, &names, &n, err));
    for (int pass = QN_SPLIT_TRAIN; pass <= QN_SPLIT_TEST; pass++)
        for (int i = 0; i < n; i++) {
            qn_split split;
            const int n_labels = labels_of(names[i], &split);
            if (!n_labels || (int)split != pass) continue;
            if ((b->n_labels && b->n_labels != n_labels) || b->n == MAX_FILES)
                return qn_fail(err, QUERN_FORMAT,
                               "'%s' and '%s' are of different data sets",
                               b->file[0].name, names[i]);
            b->n_labels = n_labels;
            batch *f = &b->file[b->n++];
            *f = (batch){.name = names[i], .split = split};
            const quern_status status = map_batch(b, f, err);
            if (status == QUERN_OK) continue;
            qn_within(err, "%s", names[i]);
            return status;
        }
    return b->n ? QUERN_OK : qn_fail(err, QUERN_IO, "it has no batches of CIFAR");
}

/* ---- records -------------------------------------------------------------------- */

/* Planes of R, G, B to pixels. */
static void interleave(const uint8_t *from, uint8_t *to)
{
    for (int i = 0; i < PLANE; i++, to += 3) {
        to[0] = from[i];
        to[1] = from[PLANE + i];
        to[2] = from[2 * PLANE + i];
    }
}

static quern_status add_labels(qn_dataset *set, const batches *b, quern_error *err)
{
    for (int s = QN_SPLIT_TRAIN; s <= QN_SPLIT_TEST; s++) {
        int64_t n = 0;
        int32_t *label;
        for (int f = 0; f < b->n; f++)
            if ((int)b->file[f].split == s) n += b->file[f].n;
        if (!n) continue;
        QN_TRY(qn_set_add_part(set, (qn_split)s, n, &label, err));
        for (int f = 0; f < b->n; f++) {
            const uint8_t *p = b->file[f].map.base;
            if ((int)b->file[f].split != s) continue;
            for (int64_t i = 0; i < b->file[f].n; i++, p += b->n_labels + PIXELS)
                *label++ = p[b->n_labels - 1];
        }
    }
    return QUERN_OK;
}

static quern_status add_pixels(qn_dataset *set, const batches *b, quern_error *err)
{
    uint8_t *to;
    QN_TRY(qn_set_shape_of(set, SIDE, SIDE, 3, err));
    QN_TRY(qn_set_pixels(set, set->n, &to, err));
    for (int f = 0; f < b->n; f++) {
        const uint8_t *p = b->file[f].map.base;
        for (int64_t i = 0; i < b->file[f].n; i++, to += PIXELS) {
            interleave(p + b->n_labels, to);
            p += b->n_labels + PIXELS;
        }
    }
    return QUERN_OK;
}

/* ---- names ---------------------------------------------------------------------- */

/* A text for each of 256 coarse labels. */
static quern_status coarse_names(qn_dataset *set, const batches *b, const char **texts,
                                 quern_error *err)
{
    char path[QN_PATH_MAX], text[16];
    const char *const *names;
    int n = 0;
    QN_TRY(qn_path_join(path, b->folder, "coarse_label_names.txt", err));
    if (qn_file_is_there(path))
        QN_TRY(qn_file_names(&set->arena, path, &names, &n, err));
    for (int c = 0; c < 256; c++) {
        snprintf(text, sizeof text, "%d", c);
        const char *name = c < n ? names[c] : text;
        QN_TRY(qn_arena_text(&set->arena, name, strlen(name), &texts[c], err));
    }
    return QUERN_OK;
}

static quern_status add_coarse(qn_dataset *set, const batches *b, quern_error *err)
{
    const char *texts[256];
    void *column, *text;
    int64_t at = 0;
    if (b->n_labels == 1) return QUERN_OK;
    QN_TRY(coarse_names(set, b, texts, err));
    QN_TRY(qn_arena_array(&set->arena, 1, sizeof *set->columns, &column, err));
    QN_TRY(qn_arena_array(&set->arena, (size_t)set->n, sizeof(char *), &text, err));
    set->columns = column;
    set->columns[0] = (qn_column){"coarse", text};
    set->n_columns = 1;
    for (int f = 0; f < b->n; f++) {
        const uint8_t *p = b->file[f].map.base;
        for (int64_t i = 0; i < b->file[f].n; i++, p += b->n_labels + PIXELS)
            set->columns[0].text[at++] = texts[*p];
    }
    return QUERN_OK;
}

static quern_status add_classes(qn_dataset *set, const batches *b, quern_error *err)
{
    char path[QN_PATH_MAX];
    bool found;
    QN_TRY(qn_path_join(path, b->folder,
                        b->n_labels == 1 ? "batches.meta.txt" : "fine_label_names.txt",
                        err));
    QN_TRY(qn_set_read_classes(set, path, &found, err));
    return found ? QUERN_OK : qn_set_number_classes(set, err);
}

/* ---- the set -------------------------------------------------------------------- */

static quern_status read_batches(qn_dataset *set, batches *b, quern_error *err)
{
    QN_TRY(find_batches(set, b, err));
    QN_TRY(add_labels(set, b, err));
    QN_TRY(add_classes(set, b, err));
    QN_TRY(add_coarse(set, b, err));
    return add_pixels(set, b, err);
}

static quern_status cifar_open(qn_dataset *set, const char *path, quern_error *err)
{
    batches b = {.folder = path};
    const quern_status status = read_batches(set, &b, err);
    for (int f = 0; f < b.n; f++)
        qn_map_done(&b.file[f].map);
    return status;
}

const qn_dataset_format qn_dataset_cifar = {
    .name = "cifar",
    .about = "the binary files of CIFAR-10 or CIFAR-100",
    .is = cifar_is,
    .open = cifar_open,
};
