/* SPDX-License-Identifier: Apache-2.0 */
/* formats/dataset_npz.c - data sets in NumPy arrays, of an archive or of .npy files in
 * a folder: pictures and labels, of the whole or of each split.
 *
 *   train_images [N,H,W] or [N,H,W,C] or [N,C,H,W] of uint8      train_labels [N] or
 * [N,1]
 *
 * Names of the classes may be in an array of strings, class_names. */
#include "formats/dataset_build.h"
#include "formats/dataset_medmnist.h"
#include "formats/npy.h"
#include "formats/npz.h"

#include <string.h>
#include <strings.h>

static const struct {
    const char *pictures, *labels;
    qn_split split;
} pairs[] = {
    {"train_images", "train_labels", QN_SPLIT_TRAIN},
    {"x_train", "y_train", QN_SPLIT_TRAIN},
    {"val_images", "val_labels", QN_SPLIT_VAL},
    {"x_val", "y_val", QN_SPLIT_VAL},
    {"test_images", "test_labels", QN_SPLIT_TEST},
    {"x_test", "y_test", QN_SPLIT_TEST},
    {"images", "labels", QN_SPLIT_NONE},
    {"x", "y", QN_SPLIT_NONE},
    {"arr_0", "arr_1", QN_SPLIT_NONE},
};
#define N_PAIRS (sizeof pairs / sizeof pairs[0])

/* Arrays by their names: the members of an archive, or files. */
typedef struct arrays {
    qn_npz *npz;              /* NULL: files */
    const char *folder;       /* of the files */
    const char *const *files; /* [n] */
    int n;
    const char *only; /* of a single file: the pair that has this name; NULL: all */
} arrays;

/* Whether a file is called name.npy, case ignored. */
static bool is_file_of(const char *file, const char *name)
{
    const size_t n = strlen(name);
    return !strncasecmp(file, name, n) && !strcasecmp(file + n, ".npy");
}

/* Index of the array of that name, case ignored, or -1. */
static int find_member(const arrays *a, const char *name)
{
    for (int i = 0; a->npz && qn_npz_name(a->npz, i); i++)
        if (!strcasecmp(qn_npz_name(a->npz, i), name)) return i;
    for (int i = 0; !a->npz && i < a->n; i++)
        if (is_file_of(a->files[i], name)) return i;
    return -1;
}

/* views: bytes may stay where they are in the archive. */
static quern_status read_member(const arrays *a, int i, bool views, qn_arena *arena,
                                qn_tensor *out, quern_error *err)
{
    char path[QN_PATH_MAX];
    if (a->npz) return (views ? qn_npz_view : qn_npz_read)(a->npz, i, arena, out, err);
    QN_TRY(qn_path_join(path, a->folder, a->files[i], err));
    const quern_status status = qn_npy_load(arena, path, out, err);
    if (status != QUERN_OK) qn_within(err, "%s", a->files[i]);
    return status;
}

/* Whether pair k is asked for. */
static bool is_meant(const arrays *a, size_t k)
{
    return !a->only || is_file_of(a->only, pairs[k].pictures) ||
           is_file_of(a->only, pairs[k].labels);
}

/* ---- labels --------------------------------------------------------------------- */

static quern_status check_labels(const qn_tensor *t, quern_error *err)
{
    if (!qn_dtype_is_integer(t->dtype) && t->dtype != QUERN_BOOL)
        return qn_fail(err, QUERN_UNSUPPORTED, "labels are integers, not %s",
                       quern_dtype_name(t->dtype));
    if (t->rank == 1 || (t->rank == 2 && t->dim[1] == 1)) return QUERN_OK;
    return qn_fail(err, QUERN_UNSUPPORTED, "labels are [N] or [N,1], not %s",
                   QN_SHAPE(t));
}

static quern_status add_labels(qn_dataset *set, const qn_tensor *t, qn_split split,
                               quern_error *err)
{
    int32_t *labels;
    QN_TRY(check_labels(t, err));
    QN_TRY(qn_set_add_part(set, split, t->dim[0], &labels, err));
    for (int64_t i = 0; i < t->dim[0]; i++) {
        const int64_t label = qn_get_int(t, i);
        if (label < 0 || label >= QN_MAX_CLASSES)
            return qn_fail(err, QUERN_DATA,
                           "label %lld of picture %lld; 0 to %d are read",
                           (long long)label, (long long)i, QN_MAX_CLASSES - 1);
        labels[i] = (int32_t)label;
    }
    return QUERN_OK;
}

/* ---- pictures ------------------------------------------------------------------- */

static bool is_channels(int64_t c)
{
    return c == 1 || c == 3;
}

static bool are_planes(const qn_tensor *t)
{
    return t->rank == 4 && is_channels(t->dim[1]) && !is_channels(t->dim[3]);
}

static quern_status add_shape(qn_dataset *set, const qn_tensor *t, quern_error *err)
{
    if (t->dtype != QUERN_UINT8 || t->rank < 3 || t->rank > 4)
        return qn_fail(err, QUERN_UNSUPPORTED,
                       "pictures are uint8 [N,H,W], [N,H,W,C] or [N,C,H,W], not %s %s",
                       quern_dtype_name(t->dtype), QN_SHAPE(t));
    if (are_planes(t))
        return qn_set_shape_of(set, t->dim[2], t->dim[3], t->dim[1], err);
    return qn_set_shape_of(set, t->dim[1], t->dim[2], t->rank == 4 ? t->dim[3] : 1,
                           err);
}

/* [n][channels][plane] to [n][plane][channels]. */
static void interleave(const uint8_t *from, int64_t n, int channels, int64_t plane,
                       uint8_t *to)
{
    for (; n > 0; n--, from += channels * plane)
        for (int64_t i = 0; i < plane; i++)
            for (int c = 0; c < channels; c++)
                *to++ = from[c * plane + i];
}

static void copy_pixels(const qn_dataset *set, const qn_tensor *t, uint8_t *to)
{
    const int64_t plane = (int64_t)set->height * set->width;
    if (are_planes(t))
        interleave(t->data, t->dim[0], set->channels, plane, to);
    else
        memcpy(to, t->data, qn_tensor_bytes(t));
}

/* ---- the set -------------------------------------------------------------------- */

/* The labels of pair k, which say how many pictures there are. */
static quern_status read_labels(qn_dataset *set, const arrays *a, size_t k,
                                quern_error *err)
{
    qn_arena scratch;
    qn_tensor t;
    if (find_member(a, pairs[k].pictures) < 0) return QUERN_OK;
    const int labels = find_member(a, pairs[k].labels);
    if (labels < 0)
        return qn_fail(err, QUERN_FORMAT, "there is '%s', but no '%s'",
                       pairs[k].pictures, pairs[k].labels);
    qn_arena_init(&scratch, set->arena.mem);
    quern_status status = read_member(a, labels, false, &scratch, &t, err);
    if (status == QUERN_OK) {
        status = add_labels(set, &t, pairs[k].split, err);
        if (status != QUERN_OK) qn_within(err, "member '%s'", pairs[k].labels);
    }
    qn_arena_done(&scratch);
    return status;
}

static quern_status take_pictures(qn_dataset *set, const qn_tensor *t, size_t k,
                                  uint8_t **pixels, quern_error *err)
{
    const qn_part part = set->part[pairs[k].split];
    QN_TRY(add_shape(set, t, err));
    if (t->dim[0] != part.n)
        return qn_fail(err, QUERN_FORMAT, "%lld pictures, but %lld labels",
                       (long long)t->dim[0], (long long)part.n);
    if (!*pixels) QN_TRY(qn_set_pixels(set, set->n, pixels, err));
    copy_pixels(set, t,
                *pixels + (size_t)part.first * (size_t)set->height *
                              (size_t)set->width * (size_t)set->channels);
    return QUERN_OK;
}

static quern_status read_pictures(qn_dataset *set, const arrays *a, size_t k,
                                  uint8_t **pixels, quern_error *err)
{
    qn_arena scratch;
    qn_tensor t;
    const int member = find_member(a, pairs[k].pictures);
    if (member < 0) return QUERN_OK;
    qn_arena_init(&scratch, set->arena.mem);
    quern_status status = read_member(a, member, true, &scratch, &t, err);
    if (status == QUERN_OK) {
        status = take_pictures(set, &t, k, pixels, err);
        if (status != QUERN_OK) qn_within(err, "member '%s'", pairs[k].pictures);
    }
    qn_arena_done(&scratch);
    return status;
}

/* What the file does not say, its name may. */
static void name_published(qn_dataset *set)
{
    const char *const *names = qn_medmnist_classes(set->path, set->n_classes);
    for (int c = 0; names && c < set->n_classes; c++)
        set->classes[c] = names[c];
}

static quern_status read_classes(qn_dataset *set, const arrays *a, quern_error *err)
{
    const int member = find_member(a, "class_names");
    qn_tensor t;
    void *names;
    QN_TRY(qn_set_number_classes(set, err));
    if (member < 0) {
        name_published(set);
        return QUERN_OK;
    }
    QN_TRY(read_member(a, member, false, &set->arena, &t, err));
    if (t.dtype != QUERN_STRING || t.rank != 1 || t.dim[0] < set->n_classes ||
        t.dim[0] > QN_MAX_CLASSES)
        return qn_fail(err, QUERN_FORMAT,
                       "member 'class_names': %s %s are no names of %d classes",
                       quern_dtype_name(t.dtype), QN_SHAPE(&t), set->n_classes);
    QN_TRY(qn_arena_array(&set->arena, (size_t)t.dim[0], sizeof *set->classes, &names,
                          err));
    set->classes = names;
    set->n_classes = (int)t.dim[0];
    for (int c = 0; c < set->n_classes; c++) {
        const qn_str *s = (const qn_str *)t.data + c;
        QN_TRY(qn_arena_text(&set->arena, s->p, s->n, &set->classes[c], err));
    }
    return QUERN_OK;
}

static quern_status read_members(qn_dataset *set, const arrays *a, quern_error *err)
{
    uint8_t *pixels = NULL;
    for (size_t k = 0; k < N_PAIRS; k++)
        if (is_meant(a, k)) QN_TRY(read_labels(set, a, k, err));
    if (set->n == 0)
        return qn_fail(err, QUERN_FORMAT,
                       "it has no pictures and labels by the names that are read: "
                       "images and labels, train_images, x_train and so on");
    QN_TRY(read_classes(set, a, err));
    for (size_t k = 0; k < N_PAIRS; k++)
        if (is_meant(a, k)) QN_TRY(read_pictures(set, a, k, &pixels, err));
    return QUERN_OK;
}

static bool npz_is(const char *path)
{
    return qn_ends_with(path, ".npz") && !qn_path_is_folder(path);
}

static quern_status npz_open(qn_dataset *set, const char *path, quern_error *err)
{
    arrays a = {0};
    QN_TRY(qn_npz_open(&set->arena, path, &a.npz, err));
    const quern_status status = read_members(set, &a, err);
    qn_npz_close(a.npz);
    return status;
}

const qn_dataset_format qn_dataset_npz = {
    .name = "npz",
    .about = "NumPy arrays: images and labels, of the whole or of each split",
    .is = npz_is,
    .open = npz_open,
};

/* ---- files ---- */

/* ctx: for each pair, which halves were seen; true with the first whole pair. */
static bool completes_pair(void *ctx, const char *name)
{
    uint8_t *seen = ctx;
    bool is_whole = false;
    for (size_t k = 0; k < N_PAIRS; k++) {
        if (is_file_of(name, pairs[k].pictures)) seen[k] |= 1;
        if (is_file_of(name, pairs[k].labels)) seen[k] |= 2;
        is_whole |= seen[k] == 3;
    }
    return is_whole;
}

static bool npy_is(const char *path)
{
    uint8_t seen[N_PAIRS] = {0};
    if (!qn_path_is_folder(path)) return qn_ends_with(path, ".npy");
    return qn_dir_has(path, completes_pair, seen);
}

static quern_status npy_open(qn_dataset *set, const char *path, quern_error *err)
{
    arrays a = {.folder = path};
    char folder[QN_PATH_MAX];
    if (!qn_path_is_folder(path)) {
        const char *slash = strrchr(path, '/');
        a.only = slash ? slash + 1 : path;
        QN_TRY(qn_path_folder(path, folder, err));
        a.folder = folder;
    }
    QN_TRY(qn_dir_list(a.folder, &set->arena, &a.files, &a.n, err));
    return read_members(set, &a, err);
}

const qn_dataset_format qn_dataset_npy = {
    .name = "npy",
    .about = "NumPy arrays in files: images.npy, labels.npy, and so on",
    .is = npy_is,
    .open = npy_open,
};
