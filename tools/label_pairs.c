/* SPDX-License-Identifier: Apache-2.0 */
/* tools/label_pairs.c - see label_pairs.h. */
#include "tools/label_pairs.h"

#include "formats/files.h"

#include <stdlib.h>
#include <string.h>

/* A file of labels, and the name by which it finds its partner. */
typedef struct labelled {
    const char *name, *file;
} labelled;

typedef struct folder {
    const char *path;
    labelled *files;
    int n;
} folder;

static const char *const endings[] = {".png", ".tif", ".tiff", ".npy"};
static const char *const marks[] = {"_cp_masks", "_masks"};

/* Bytes of the name without its extension; 0 when it is none of ours. */
static size_t stem_length(const char *file)
{
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++)
        if (qn_ends_with(file, endings[i])) return strlen(file) - strlen(endings[i]);
    return 0;
}

/* Bytes of a stem without the mark, or all. */
static size_t unmarked(const char *file, size_t n)
{
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        const size_t k = strlen(marks[i]);
        if (n > k && !memcmp(file + n - k, marks[i], k)) return n - k;
    }
    return n;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const labelled *)a)->name, ((const labelled *)b)->name);
}

static quern_status check_twice(const folder *f, quern_error *err)
{
    for (int i = 1; i < f->n; i++)
        if (!strcmp(f->files[i - 1].name, f->files[i].name))
            return qn_fail(err, QUERN_INVALID, "%s: '%s' and '%s' have the same name",
                           f->path, f->files[i - 1].file, f->files[i].file);
    return QUERN_OK;
}

static quern_status list(qn_arena *arena, const char *path, folder *out,
                         quern_error *err)
{
    const char *const *names;
    int n_names;
    bool any_marked = false;
    void *room;
    QN_TRY(qn_dir_list(path, arena, &names, &n_names, err));
    QN_TRY(qn_arena_array(arena, (size_t)n_names, sizeof(labelled), &room, err));
    *out = (folder){path, room, 0};
    for (int i = 0; i < n_names; i++) {
        const size_t n = stem_length(names[i]);
        any_marked |= n && unmarked(names[i], n) < n;
    }
    for (int i = 0; i < n_names; i++) {
        const size_t stem = stem_length(names[i]), n = unmarked(names[i], stem);
        if (stem == 0 || (any_marked && n == stem)) continue;
        labelled *f = &out->files[out->n++];
        f->file = names[i];
        QN_TRY(qn_arena_text(arena, names[i], n, &f->name, err));
    }
    qsort(out->files, (size_t)out->n, sizeof *out->files, compare_names);
    if (out->n == 0)
        return qn_fail(err, QUERN_INVALID, "%s: no .png, .tif or .npy file of labels",
                       path);
    return check_twice(out, err);
}

static quern_status join(qn_arena *arena, const char *path, const char *file,
                         const char **out, quern_error *err)
{
    char whole[QN_PATH_MAX];
    QN_TRY(qn_path_format(whole, err, "%s/%s", path, file));
    return qn_arena_text(arena, whole, strlen(whole), out, err);
}

static quern_status lacks(const folder *of, int i, const char *other, quern_error *err)
{
    return qn_fail(err, QUERN_INVALID, "%s/%s: no picture of the same name in %s",
                   of->path, of->files[i].file, other);
}

/* Two sorted lists side by side. */
static quern_status merge(qn_arena *arena, const folder *a, const folder *b,
                          bool only_common, qn_label_pair *out, int *n,
                          quern_error *err)
{
    int i = 0, k = 0;
    for (*n = 0; i < a->n || k < b->n;) {
        const int order = i == a->n   ? 1
                          : k == b->n ? -1
                                      : compare_names(&a->files[i], &b->files[k]);
        if (order != 0 && !only_common)
            return order < 0 ? lacks(a, i, b->path, err) : lacks(b, k, a->path, err);
        if (order == 0) {
            qn_label_pair *pair = &out[(*n)++];
            pair->name = a->files[i].name;
            QN_TRY(join(arena, a->path, a->files[i].file, &pair->truth, err));
            QN_TRY(join(arena, b->path, b->files[k].file, &pair->predicted, err));
        }
        i += order <= 0;
        k += order >= 0;
    }
    if (*n > 0) return QUERN_OK;
    return qn_fail(err, QUERN_INVALID, "%s and %s have no name in common", a->path,
                   b->path);
}

static quern_status pair_files(qn_arena *arena, const char *truth,
                               const char *predicted, qn_label_pair *out,
                               quern_error *err)
{
    const char *slash = strrchr(predicted, '/');
    const char *file = slash ? slash + 1 : predicted;
    const size_t stem = stem_length(file);
    out->truth = truth;
    out->predicted = predicted;
    return qn_arena_text(arena, file, stem ? unmarked(file, stem) : strlen(file),
                         &out->name, err);
}

quern_status qn_label_pairs(qn_arena *arena, const char *truth, const char *predicted,
                            bool only_common, qn_label_pair **out, int *n,
                            quern_error *err)
{
    const bool are_folders = qn_path_is_folder(truth);
    folder a = {.n = 1}, b;
    void *room;
    if (are_folders != qn_path_is_folder(predicted))
        return qn_fail(err, QUERN_INVALID,
                       "%s is a folder and %s is none; two folders or two files are "
                       "compared",
                       are_folders ? truth : predicted,
                       are_folders ? predicted : truth);
    if (are_folders) {
        QN_TRY(list(arena, truth, &a, err));
        QN_TRY(list(arena, predicted, &b, err));
    }
    QN_TRY(qn_arena_array(arena, (size_t)a.n, sizeof **out, &room, err));
    *out = room;
    *n = 1;
    if (!are_folders) return pair_files(arena, truth, predicted, *out, err);
    return merge(arena, &a, &b, only_common, *out, n, err);
}
