/* SPDX-License-Identifier: Apache-2.0 */
/* formats/dataset_idx.c - data sets of IDX files, as MNIST came: for each split a file
 * of pictures and one of labels, gzipped or not.
 *
 *   train-images-idx3-ubyte.gz  train-labels-idx1-ubyte.gz
 *   t10k-images-idx3-ubyte.gz   t10k-labels-idx1-ubyte.gz
 *
 * What stands before "images" says the split; the labels' file has "labels" there.
 * Names of the classes are in classes.txt beside, or the classes are called 0, 1, ...
 */
#include "formats/dataset_build.h"
#include "formats/idx.h"

#include <stdio.h>
#include <string.h>

/* ---- names ---------------------------------------------------------------------- */

/* "idx3-ubyte", gzipped or not. */
static bool is_idx_end(const char *p)
{
    if (strncmp(p, "idx", 3) != 0 || p[3] < '1' || p[3] > '9') return false;
    return !strcmp(p + 4, "-ubyte") || !strcmp(p + 4, "-ubyte.gz");
}

/* Where "images" begins in the name of a file of pictures, or NULL. */
static const char *find_images(const char *name)
{
    const char *at = strstr(name, "images");
    return at && (at[6] == '-' || at[6] == '.') && is_idx_end(at + 7) ? at : NULL;
}

static qn_split split_of(const char *name, const char *images)
{
    static const struct {
        const char *word;
        qn_split split;
    } words[] = {{"train", QN_SPLIT_TRAIN},
                 {"t10k", QN_SPLIT_TEST},
                 {"test", QN_SPLIT_TEST},
                 {"val", QN_SPLIT_VAL}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        const char *at = strstr(name, words[i].word);
        if (at && at < images) return words[i].split;
    }
    return QN_SPLIT_NONE;
}

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool has_images(void *ctx, const char *name)
{
    (void)ctx;
    return find_images(name) != NULL;
}

static bool idx_is(const char *path)
{
    if (qn_path_is_folder(path)) return qn_dir_has(path, has_images, NULL);
    return find_images(base_of(path)) != NULL;
}

/* The file of the labels that belong to those pictures, gzipped or not. */
static quern_status find_labels(const char *folder, const char *name,
                                char path[QN_PATH_MAX], quern_error *err)
{
    const char *images = find_images(name);
    const int n = (int)(images - name);
    static const char *const ends[] = {"", ".gz"};
    for (int i = 0; i < 2; i++) {
        QN_TRY(qn_path_format(path, err, "%s/%.*slabels%cidx1-ubyte%s", folder, n, name,
                              images[6], ends[i]));
        if (qn_file_is_there(path)) return QUERN_OK;
    }
    return qn_fail(err, QUERN_IO,
                   "its labels, %.*slabels%cidx1-ubyte[.gz], are missing", n, name,
                   images[6]);
}

/* ---- files ---------------------------------------------------------------------- */

typedef struct source {
    const char *name; /* of the file of pictures; NULL: there is none */
    qn_idx_file pictures;
} source;

/* The files of pictures in a folder, by split. */
static quern_status list_sources(qn_dataset *set, source by_split[4], quern_error *err)
{
    const char *const *names;
    int n;
    QN_TRY(qn_dir_list(set->path, &set->arena, &names, &n, err));
    for (int i = 0; i < n; i++) {
        const char *images = find_images(names[i]);
        if (!images) continue;
        source *s = &by_split[split_of(names[i], images)];
        const size_t length = s->name ? strlen(s->name) : 0;
        /* "x.gz" follows "x": the file that needs no unpacking is taken */
        if (length && !strncmp(s->name, names[i], length) &&
            !strcmp(names[i] + length, ".gz"))
            continue;
        if (s->name)
            return qn_fail(
                err, QUERN_FORMAT,
                "'%s' and '%s' are of one split; name the file that is meant", s->name,
                names[i]);
        s->name = names[i];
    }
    return QUERN_OK;
}

static quern_status add_labels(qn_dataset *set, const char *path, qn_split split,
                               int64_t n, quern_error *err)
{
    qn_tensor t;
    int32_t *labels;
    QN_TRY(qn_idx_load(&set->arena, path, 0, &t, err));
    if (!qn_dtype_is_integer(t.dtype) || t.rank != 1)
        return qn_fail(err, QUERN_FORMAT, "labels are integers [N], not %s %s",
                       quern_dtype_name(t.dtype), QN_SHAPE(&t));
    if (t.dim[0] != n)
        return qn_fail(err, QUERN_FORMAT, "%lld labels for %lld pictures",
                       (long long)t.dim[0], (long long)n);
    QN_TRY(qn_set_add_part(set, split, n, &labels, err));
    for (int64_t i = 0; i < n; i++) {
        const int64_t label = qn_get_int(&t, i);
        if (label < 0 || label >= QN_MAX_CLASSES)
            return qn_fail(err, QUERN_DATA,
                           "label %lld of picture %lld; 0 to %d are read",
                           (long long)label, (long long)i, QN_MAX_CLASSES - 1);
        labels[i] = (int32_t)label;
    }
    return QUERN_OK;
}

static quern_status add_source(qn_dataset *set, const char *folder, source *s,
                               qn_split split, quern_error *err)
{
    char path[QN_PATH_MAX];
    const qn_tensor *t = &s->pictures.shape;
    QN_TRY(qn_path_join(path, folder, s->name, err));
    QN_TRY(qn_idx_open(path, &s->pictures, err));
    if (t->dtype != QUERN_UINT8 || t->rank < 3 || t->rank > 4)
        return qn_fail(err, QUERN_UNSUPPORTED, "pictures are uint8 [N,H,W], not %s %s",
                       quern_dtype_name(t->dtype), QN_SHAPE(t));
    QN_TRY(
        qn_set_shape_of(set, t->dim[1], t->dim[2], t->rank == 4 ? t->dim[3] : 1, err));
    QN_TRY(find_labels(folder, s->name, path, err));
    const quern_status status = add_labels(set, path, split, t->dim[0], err);
    if (status != QUERN_OK) qn_within(err, "%s", base_of(path));
    return status;
}

static quern_status read_pixels(qn_dataset *set, source by_split[4], quern_error *err)
{
    uint8_t *to;
    QN_TRY(qn_set_pixels(set, set->n, &to, err));
    const size_t size =
        (size_t)set->height * (size_t)set->width * (size_t)set->channels;
    for (int s = 0; s < 4; s++) {
        if (!by_split[s].name) continue;
        const quern_status status = qn_idx_read(
            &by_split[s].pictures, to + (size_t)set->part[s].first * size, err);
        if (status == QUERN_OK) continue;
        qn_within(err, "%s", by_split[s].name);
        return status;
    }
    return QUERN_OK;
}

static quern_status read_classes(qn_dataset *set, const char *folder, quern_error *err)
{
    char path[QN_PATH_MAX];
    bool found;
    QN_TRY(qn_path_join(path, folder, "classes.txt", err));
    QN_TRY(qn_set_read_classes(set, path, &found, err));
    return found ? QUERN_OK : qn_set_number_classes(set, err);
}

static quern_status read_all(qn_dataset *set, const char *folder, source by_split[4],
                             quern_error *err)
{
    static const qn_split order[] = {QN_SPLIT_TRAIN, QN_SPLIT_VAL, QN_SPLIT_TEST,
                                     QN_SPLIT_NONE};
    for (int i = 0; i < 4; i++) {
        source *s = &by_split[order[i]];
        if (!s->name) continue;
        const quern_status status = add_source(set, folder, s, order[i], err);
        if (status == QUERN_OK) continue;
        qn_within(err, "%s", s->name);
        return status;
    }
    QN_TRY(read_classes(set, folder, err));
    return read_pixels(set, by_split, err);
}

static quern_status idx_open(qn_dataset *set, const char *path, quern_error *err)
{
    source by_split[4] = {{0}};
    char folder[QN_PATH_MAX];
    if (qn_path_is_folder(path)) {
        QN_TRY(qn_path_format(folder, err, "%s", path));
        QN_TRY(list_sources(set, by_split, err));
    } else {
        const char *name = base_of(path), *images = find_images(name);
        if (!images)
            return qn_fail(err, QUERN_FORMAT,
                           "a file of pictures is called *images-idx3-ubyte[.gz]");
        QN_TRY(qn_path_folder(path, folder, err));
        by_split[split_of(name, images)].name = name;
    }
    const quern_status status = read_all(set, folder, by_split, err);
    for (int s = 0; s < 4; s++)
        qn_idx_close(&by_split[s].pictures);
    return status;
}

const qn_dataset_format qn_dataset_idx = {
    .name = "idx",
    .about = "IDX files of MNIST and its kin, gzipped or not",
    .is = idx_is,
    .open = idx_open,
};
