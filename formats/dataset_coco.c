/* SPDX-License-Identifier: Apache-2.0 */
/* formats/dataset_coco.c - pictures with COCO's annotations, as a data set of classes:
 * a picture whose annotations are all of one category is of that class, or the image
 * itself names its category_id.  Categories count in the order of their ids.
 *
 *   annotations/instances_train.json  images/...      as quern writes it
 *   annotations/instances_val2017.json  val2017/...   as COCO came
 *   train/_annotations.coco.json  train/...           each split by itself
 *
 * The texts are gone through image by image (json_scan.h): annotations with polygons
 * are hundreds of megabytes. */
#include "formats/coco_files.h"
#include "formats/dataset_extra.h"
#include "formats/json_scan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct category {
    int64_t id;
    const char *name;
} category;

typedef struct image {
    int64_t id, item; /* item: in the order of the file */
    int64_t category; /* its id; NONE, SEVERAL */
} image;

enum { NONE = -1, SEVERAL = -2 };

typedef struct reading {
    qn_dataset *set;
    qn_extras extras;
    category *categories; /* [n_categories], in the set's arena */
    int n_categories;
    char real[QN_PATH_MAX]; /* the set's folder without links */
    /* of one file of annotations */
    qn_coco_file *file;
    qn_arena scratch; /* of one value */
    qn_arena kept;    /* images, until the file is done */
    qn_json_span images, annotations, names;
    image *list; /* [n]: sorted by id once all are there */
    size_t n;
} reading;

/* ---- values ---- */

static quern_status parse(reading *r, qn_json_span value, const qn_tree **out,
                          quern_error *err)
{
    qn_arena_reset(&r->scratch);
    QN_TRY(qn_tree_parse(&r->scratch, value.p, value.n, out, err));
    if ((*out)->kind == QN_TREE_OBJECT) return QUERN_OK;
    return qn_fail(err, QUERN_FORMAT, "an image, category or annotation is no object");
}

/* A whole number that doubles hold exactly; false: it is none. */
static bool take_id(const qn_tree *object, const char *key, int64_t *out)
{
    const double value = qn_tree_real(object, key);
    if (!(fabs(value) <= 9007199254740992.0) || value != floor(value)) return false;
    *out = (int64_t)value;
    return true;
}

static quern_status keep_lists(void *ctx, qn_json_span key, qn_json_span value,
                               quern_error *err)
{
    reading *r = ctx;
    (void)err;
    const struct {
        const char *name;
        qn_json_span *list;
    } lists[] = {{"images", &r->images},
                 {"annotations", &r->annotations},
                 {"categories", &r->names}};
    for (int i = 0; i < 3; i++)
        if (key.n == strlen(lists[i].name) && !memcmp(key.p, lists[i].name, key.n) &&
            !lists[i].list->p)
            *lists[i].list = value;
    return QUERN_OK;
}

/* ---- categories ---- */

static quern_status add_category(void *ctx, qn_json_span key, qn_json_span value,
                                 quern_error *err)
{
    reading *r = ctx;
    const qn_tree *tree;
    int64_t id;
    const size_t n = (size_t)r->n_categories;
    char number[32];
    (void)key;
    QN_TRY(parse(r, value, &tree, err));
    if (!take_id(tree, "id", &id))
        return qn_fail(err, QUERN_FORMAT, "category %zu has no whole number as id", n);
    snprintf(number, sizeof number, "%lld", (long long)id);
    const char *name = qn_tree_text(tree, "name", number);
    for (size_t i = 0; i < n; i++) {
        if (r->categories[i].id != id) continue;
        if (!strcmp(r->categories[i].name, name)) return QUERN_OK;
        return qn_fail(err, QUERN_FORMAT, "category %lld is '%s' and '%s'",
                       (long long)id, r->categories[i].name, name);
    }
    if (n >= 65536) return qn_fail(err, QUERN_LIMIT, "more than %zu categories", n);
    if ((n & (n - 1)) == 0) /* full at every power of two */
        QN_TRY(qn_list_grow(&r->set->arena, &r->categories, n, n ? 2 * n : 1,
                            sizeof *r->categories, err));
    r->categories[n].id = id;
    r->n_categories++;
    return qn_arena_text(&r->set->arena, name, strlen(name), &r->categories[n].name,
                         err);
}

static int by_category(const void *a, const void *b)
{
    const category *x = a, *y = b;
    return x->id < y->id ? -1 : x->id > y->id;
}

/* Index of the category of that id, or -1. */
static int32_t find_category(const reading *r, int64_t id)
{
    const category wanted = {id, NULL};
    const category *found =
        r->n_categories ? bsearch(&wanted, r->categories, (size_t)r->n_categories,
                                  sizeof wanted, by_category)
                        : NULL;
    return found ? (int32_t)(found - r->categories) : -1;
}

/* ---- images ---- */

static quern_status add_image(void *ctx, qn_json_span key, qn_json_span value,
                              quern_error *err)
{
    reading *r = ctx;
    const qn_tree *tree;
    image one = {.item = (int64_t)r->n, .category = NONE};
    (void)key;
    QN_TRY(parse(r, value, &tree, err));
    if (!take_id(tree, "id", &one.id))
        return qn_fail(err, QUERN_FORMAT, "image %zu has no whole number as id", r->n);
    take_id(tree, "category_id", &one.category);
    if ((r->n & (r->n - 1)) == 0)
        QN_TRY(qn_list_grow(&r->kept, &r->list, r->n, r->n ? 2 * r->n : 1,
                            sizeof *r->list, err));
    r->list[r->n++] = one;
    return QUERN_OK;
}

static int by_id(const void *a, const void *b)
{
    const image *x = a, *y = b;
    return x->id < y->id ? -1 : x->id > y->id;
}

static int by_item(const void *a, const void *b)
{
    const image *x = a, *y = b;
    return x->item < y->item ? -1 : x->item > y->item;
}

static quern_status add_note(void *ctx, qn_json_span key, qn_json_span value,
                             quern_error *err)
{
    reading *r = ctx;
    const qn_tree *tree;
    image wanted = {0};
    int64_t id;
    (void)key;
    QN_TRY(parse(r, value, &tree, err));
    if (!take_id(tree, "image_id", &wanted.id) || !take_id(tree, "category_id", &id))
        return QUERN_OK; /* a caption, or the like */
    image *found = r->n ? bsearch(&wanted, r->list, r->n, sizeof wanted, by_id) : NULL;
    if (!found) return QUERN_OK; /* of a picture that was taken out of the list */
    if (found->category == NONE)
        found->category = id;
    else if (found->category != id)
        found->category = SEVERAL;
    return QUERN_OK;
}

static quern_status check_ids(const reading *r, quern_error *err)
{
    for (size_t i = 1; i < r->n; i++)
        if (r->list[i - 1].id == r->list[i].id)
            return qn_fail(err, QUERN_FORMAT, "images %lld and %lld have one id, %lld",
                           (long long)r->list[i - 1].item, (long long)r->list[i].item,
                           (long long)r->list[i].id);
    return QUERN_OK;
}

/* ---- items ---- */

/* Why an image is no item, or NULL. */
static const char *check_image(const reading *r, const image *one, const char *name,
                               const char *path)
{
    if (!name || !*name) return "it has no file_name";
    if (qn_path_leads_out(name)) return "its path leads out of the data set";
    if (qn_is_any_picture_name(name) && !qn_is_picture_name(name))
        return "pictures of this kind are not read; " QN_IMAGE_KINDS " are";
    if (one->category == NONE) return "it has no annotation with a category";
    if (one->category == SEVERAL) return "its annotations are of several categories";
    if (find_category(r, one->category) < 0) return "its category is not in the list";
    return qn_set_refuses(r->real, path);
}

static quern_status add_item(void *ctx, qn_json_span key, qn_json_span value,
                             quern_error *err)
{
    static const char *const told[] = {
        "id",       "width",         "height",      "file_name",  "license",
        "coco_url", "date_captured", "category_id", "flickr_url", NULL};
    reading *r = ctx;
    qn_dataset *set = r->set;
    const image *one = &r->list[r->n++];
    const qn_tree *tree;
    char path[QN_PATH_MAX], number[32];
    const char *kept;
    (void)key;
    QN_TRY(parse(r, value, &tree, err));
    const char *name = qn_tree_text(tree, "file_name", "");
    if (!r->file->has_root) qn_coco_find_root(r->file, name);
    QN_TRY(qn_path_join(path, r->file->root, name, err));
    const char *why = check_image(r, one, name, path);
    qn_set_lacks(set, &why);
    if (why) {
        snprintf(number, sizeof number, "image %lld", (long long)one->id);
        return qn_set_reject(set, *name ? name : number, err, "%s", why);
    }
    name = qn_coco_within(r->file, path);
    QN_TRY(qn_arena_text(&set->arena, name, strlen(name), &kept, err));
    QN_TRY(qn_extras_put_tree(&r->extras, tree, told, set->n, err));
    return qn_set_add(set, kept, find_category(r, one->category), r->file->split, err);
}

/* ---- files ---- */

typedef quern_status step_fn(reading *r, quern_error *err);

static quern_status read_categories(reading *r, quern_error *err)
{
    if (!r->names.p) return qn_fail(err, QUERN_FORMAT, "it has no categories");
    return qn_json_scan(r->names, add_category, r, err);
}

static quern_status read_images(reading *r, quern_error *err)
{
    if (!r->images.p) return qn_fail(err, QUERN_FORMAT, "it has no images");
    r->list = NULL;
    r->n = 0;
    QN_TRY(qn_json_scan(r->images, add_image, r, err));
    if (r->n) qsort(r->list, r->n, sizeof *r->list, by_id);
    QN_TRY(check_ids(r, err));
    if (r->annotations.p) QN_TRY(qn_json_scan(r->annotations, add_note, r, err));
    if (r->n) qsort(r->list, r->n, sizeof *r->list, by_item);
    r->n = 0;
    return qn_json_scan(r->images, add_item, r, err);
}

/* Does a step with the lists of one file. */
static quern_status with_lists(reading *r, qn_coco_file *file, step_fn *step,
                               quern_error *err)
{
    qn_file opened;
    qn_map map;
    QN_TRY(qn_file_open(NULL, file->path, &opened, err));
    quern_status status = qn_file_map(&opened, &map, err);
    qn_file_close(&opened);
    QN_TRY(status);
    r->file = file;
    r->images = r->annotations = r->names = (qn_json_span){0};
    qn_arena_init(&r->scratch, r->set->arena.mem);
    qn_arena_init(&r->kept, r->set->arena.mem);
    status = qn_json_scan((qn_json_span){map.base, map.bytes}, keep_lists, r, err);
    if (status == QUERN_OK) status = step(r, err);
    qn_arena_done(&r->kept);
    qn_arena_done(&r->scratch);
    qn_map_done(&map);
    return status;
}

static quern_status with_files(reading *r, qn_coco_files *files, step_fn *step,
                               quern_error *err)
{
    for (int i = 0; i < files->n; i++) {
        const quern_status status = with_lists(r, &files->at[i], step, err);
        if (status == QUERN_OK) continue;
        qn_within(err, "%s", qn_coco_within(&files->at[i], files->at[i].path));
        return status;
    }
    return QUERN_OK;
}

static quern_status fill(reading *r, quern_error *err)
{
    qn_dataset *set = r->set;
    qn_coco_files files;
    void *names;
    QN_TRY(qn_coco_find(set, &files, err));
    set->state = (void *)files.at[0].folder;
    QN_TRY(qn_path_resolve(files.at[0].folder, r->real, err));
    QN_TRY(with_files(r, &files, read_categories, err));
    if (r->n_categories)
        qsort(r->categories, (size_t)r->n_categories, sizeof(category), by_category);
    QN_TRY(qn_arena_array(&set->arena, (size_t)r->n_categories, sizeof *set->classes,
                          &names, err));
    set->classes = names;
    for (; set->n_classes < r->n_categories; set->n_classes++)
        set->classes[set->n_classes] = r->categories[set->n_classes].name;
    QN_TRY(with_files(r, &files, read_images, err));
    QN_TRY(qn_extras_end(&r->extras, err));
    return qn_set_check_splits(set, err);
}

static quern_status coco_open(qn_dataset *set, const char *path, quern_error *err)
{
    qn_arena own;
    void *room;
    (void)path;
    qn_arena_init(&own, set->arena.mem);
    quern_status status = qn_arena_alloc(&own, sizeof(reading), &room, err);
    if (status == QUERN_OK) {
        reading *r = room;
        r->set = set;
        qn_extras_init(&r->extras, set);
        status = fill(r, err);
    }
    qn_arena_done(&own);
    return status;
}

static quern_status coco_read(const qn_dataset *set, int64_t i, qn_arena *arena,
                              qn_image *out, quern_error *err)
{
    return qn_set_decode(set, set->state, set->name[i], arena, out, err);
}

static quern_status coco_packed(const qn_dataset *set, int64_t i, qn_arena *arena,
                                const void **bytes, size_t *n, quern_error *err)
{
    return qn_set_file(set->state, set->name[i], arena, bytes, n, err);
}

const qn_dataset_format qn_dataset_coco = {
    .name = "coco",
    .about = "COCO's annotations, where those of a picture are of one category",
    .is = qn_coco_is,
    .open = coco_open,
    .read = coco_read,
    .packed = coco_packed,
};
