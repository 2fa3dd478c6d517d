/* SPDX-License-Identifier: Apache-2.0 */
/* formats/parquet_roles.c - see parquet_roles.h.
 *
 * The metadata "huggingface" is JSON: {"info": {"features": {"image": {"_type":
 * "Image"}, "label": {"_type": "ClassLabel", "names": ["cat", "dog"]}}}}.  A picture is
 * a struct of its file's bytes and its path. */
#include "formats/parquet_roles.h"

#include "formats/json_tree.h"

#include <stdio.h>
#include <string.h>

static const char *const picture_words[] = {"image", "img",    "picture", "photo",
                                            "png",   "jpg",    "jpeg",    "pixels",
                                            "bytes", "images", NULL};
static const char *const label_words[] = {"label",      "labels",   "class",
                                          "fine_label", "y",        "label_name",
                                          "target",     "category", NULL};
static const char *const group_words[] = {
    "group", "group_id", "patient", "patient_id", "subject", "subject_id", NULL};

/* ---- columns by name ------------------------------------------------------------ */

static bool is_binary(const qn_pq_column *c)
{
    return c->type == QN_PQ_BYTES && c->max_repeats == 0 && !c->is_text;
}

/* The column of pictures that feature is: its bytes, or itself. */
static int find_picture(const qn_parquet *file, const char *feature)
{
    char path[256];
    const int n = snprintf(path, sizeof path, "%s.bytes", feature);
    if (n < 0 || n >= (int)sizeof path) return -1;
    int c = qn_parquet_find(file, path);
    if (c < 0 || file->columns[c].type != QN_PQ_BYTES)
        c = qn_parquet_find(file, feature);
    return c >= 0 && is_binary(file->columns + c) ? c : -1;
}

/* A column of single numbers or texts. */
static int find_single(const qn_parquet *file, const char *name)
{
    const int c = qn_parquet_find(file, name);
    return c >= 0 && file->columns[c].max_repeats == 0 ? c : -1;
}

static int find_by_words(const qn_parquet *file, const char *const *words,
                         int (*find)(const qn_parquet *file, const char *name))
{
    for (int w = 0; words[w]; w++) {
        const int c = find(file, words[w]);
        if (c >= 0) return c;
    }
    return -1;
}

/* The only column of bytes, if there is just one. */
static int find_only_binary(const qn_parquet *file)
{
    int found = -1;
    for (int c = 0; c < file->n_columns; c++) {
        if (!is_binary(file->columns + c)) continue;
        if (found >= 0) return -1;
        found = c;
    }
    return found;
}

/* ---- columns by metadata -------------------------------------------------------- */

static quern_status read_features(const qn_parquet *file, qn_arena *arena,
                                  const qn_tree **features, quern_error *err)
{
    const qn_span text = qn_parquet_meta(file, "huggingface");
    const qn_tree *root;
    *features = NULL;
    if (!text.p) return QUERN_OK;
    const quern_status status =
        qn_tree_parse(arena, (const char *)text.p, text.n, &root, err);
    if (status != QUERN_OK)
        qn_within(err, "metadata 'huggingface'");
    else
        *features = qn_tree_get(qn_tree_get(root, "info"), "features");
    return status;
}

static bool is_type(const qn_tree *feature, const char *type)
{
    return feature && !strcmp(qn_tree_text(feature, "_type", ""), type);
}

static int first_image(const qn_parquet *file, const qn_tree *features)
{
    for (const qn_tree *f = features ? features->first : NULL; f; f = f->next) {
        const int c = is_type(f, "Image") && f->key ? find_picture(file, f->key) : -1;
        if (c >= 0) return c;
    }
    return -1;
}

/* The feature of classes: one that is called like a label, else the first. */
static const qn_tree *class_feature(const qn_tree *features)
{
    for (int w = 0; label_words[w]; w++) {
        const qn_tree *f = qn_tree_get(features, label_words[w]);
        if (is_type(f, "ClassLabel")) return f;
    }
    const qn_tree *f = features ? features->first : NULL;
    while (f && !(is_type(f, "ClassLabel") && f->key))
        f = f->next;
    return f;
}

static quern_status take_classes(const qn_tree *feature, qn_arena *arena,
                                 qn_pq_roles *out, quern_error *err)
{
    const qn_tree *names = qn_tree_get(feature, "names");
    void *room;
    if (!names || names->kind != QN_TREE_LIST || names->n == 0) return QUERN_OK;
    QN_TRY(qn_arena_array(arena, (size_t)names->n, sizeof(char *), &room, err));
    const char **classes = room;
    for (const qn_tree *name = names->first; name; name = name->next) {
        if (name->kind != QN_TREE_TEXT)
            return qn_fail(err, QUERN_FORMAT, "the name of class %d is no text",
                           out->n_classes);
        classes[out->n_classes++] = name->text;
    }
    out->classes = classes;
    return QUERN_OK;
}

/* ---- all of them ---------------------------------------------------------------- */

static quern_status lacks(const qn_parquet *file, const char *what, quern_error *err)
{
    char text[256] = "";
    for (int c = 0; c < file->n_columns; c++) {
        const size_t n = strlen(text);
        snprintf(text + n, sizeof text - n, "%s'%s'", c ? ", " : "",
                 file->columns[c].path);
    }
    return qn_fail(err, QUERN_FORMAT, "it has no column %s; there are %s", what, text);
}

quern_status qn_pq_roles_find(const qn_parquet *file, qn_arena *arena, qn_pq_roles *out,
                              quern_error *err)
{
    const qn_tree *features;
    *out = (qn_pq_roles){-1, -1, -1, NULL, 0};
    QN_TRY(read_features(file, arena, &features, err));
    out->picture = first_image(file, features);
    if (out->picture < 0)
        out->picture = find_by_words(file, picture_words, find_picture);
    if (out->picture < 0) out->picture = find_only_binary(file);
    if (out->picture < 0) return lacks(file, "of pictures, like 'image.bytes'", err);
    const qn_tree *classes = class_feature(features);
    if (classes) out->label = find_single(file, classes->key);
    if (out->label >= 0) QN_TRY(take_classes(classes, arena, out, err));
    if (out->label < 0) out->label = find_by_words(file, label_words, find_single);
    if (out->label < 0) return lacks(file, "called 'label' or the like", err);
    out->group = find_by_words(file, group_words, find_single);
    return QUERN_OK;
}
