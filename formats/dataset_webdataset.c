/* SPDX-License-Identifier: Apache-2.0 */
/* formats/dataset_webdataset.c - data sets in tar archives as WebDataset has them:
 * files that follow each other and share what stands before the first dot are a sample.
 *
 *   cat/1.png  cat/1.cls  cat/1.json      .cls: number or name; .json: label and more;
 *   cat/2.jpg  cat/2.txt                  .txt: a name, where nothing else is said
 *
 * The path is one archive, a folder of them (split by what their names begin with) or a
 * list in braces, train-{000..012}.tar.  Archives are mapped, pictures decoded from
 * there. */
#include "engine/text.h"
#include "formats/dataset_extra.h"
#include "formats/dataset_labels.h"
#include "formats/shard_files.h"
#include "formats/tar.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum {
    MAX_SHARDS = 16384,
    MAX_TEXT = 1 << 20, /* bytes of a .json; more is not looked at */
    MAX_LABEL = 1024    /* bytes of a .cls or .txt */
};

/* Where an item's picture lies. */
typedef struct place {
    const uint8_t *p;
    size_t n;
} place;

typedef struct shards {
    qn_shards files;
    place *places; /* [room] */
    int64_t room;
} shards;

/* A sample as far as it has been met. */
typedef struct sample {
    char key[QN_TAR_NAME];
    char member[QN_TAR_NAME]; /* of the picture */
    qn_span picture, cls, json, txt;
    const char *refused; /* why it cannot be taken */
    bool is_begun;
} sample;

typedef struct scan {
    qn_dataset *set;
    shards *s;
    qn_item_labels labels;
    qn_extras extras;
    qn_names members; /* of this archive: each is there once */
    qn_arena scratch; /* of a sample, of an archive's names */
    sample now;
} scan;

/* ---- lists in braces ------------------------------------------------------------ */

/* "train-000.tar" is of train. */
static qn_split split_of_name(const char *name)
{
    char word[16];
    size_t n = 0;
    while (isalpha((uint8_t)name[n]))
        n++;
    if (n >= sizeof word) return QN_SPLIT_NONE;
    memcpy(word, name, n);
    word[n] = 0;
    return qn_split_of(word);
}

/* "a-{000..012}.tar": what stands before and behind, first, last and digits. */
typedef struct braces {
    size_t before;
    const char *behind;
    int first, last, width;
} braces;

/* Up to nine digits, as a number; how many there were, 0: none. */
static int take_digits(const char **p, int *out)
{
    const size_t n = strspn(*p, "0123456789");
    *out = 0;
    if (n > 9) return 0;
    for (size_t i = 0; i < n; i++)
        *out = 10 * *out + (*p)[i] - '0';
    *p += n;
    return (int)n;
}

static bool find_braces(const char *path, braces *b)
{
    const char *p = strchr(path, '{');
    if (!p) return false;
    b->before = (size_t)(p++ - path);
    b->width = take_digits(&p, &b->first);
    if (!b->width || strncmp(p, "..", 2) != 0) return false;
    p += 2;
    if (!take_digits(&p, &b->last) || *p != '}') return false;
    b->behind = p + 1;
    return b->last >= b->first;
}

/* Their splits are that of the set's name. */
static quern_status list_braces(qn_dataset *set, qn_shards *s, const braces *b,
                                quern_error *err)
{
    char path[QN_PATH_MAX];
    void *room;
    const int n = b->last - b->first + 1;
    const char *slash = strrchr(set->path, '/');
    if (n > MAX_SHARDS)
        return qn_fail(err, QUERN_LIMIT, "%d archives; at most %d", n, MAX_SHARDS);
    QN_TRY(qn_arena_array(&set->arena, (size_t)n, sizeof(qn_shard), &room, err));
    *s = (qn_shards){room, 0};
    for (int i = b->first; i <= b->last; i++) {
        QN_TRY(qn_path_format(path, err, "%.*s%0*d%s", (int)b->before, set->path,
                              b->width, i, b->behind));
        qn_shard *a = &s->at[s->n++];
        a->split = split_of_name(slash ? slash + 1 : set->path);
        QN_TRY(qn_arena_text(&set->arena, path, strlen(path), &a->path, err));
    }
    return QUERN_OK;
}

/* ---- whether it is ---- */

/* What ends a sample's file name: from the first dot of its last part. */
static const char *ending_of(const char *name)
{
    const char *slash = strrchr(name, '/');
    const char *base = slash ? slash + 1 : name;
    const char *dot = strchr(base, '.');
    return dot && dot > base ? dot : NULL;
}

static bool is_label_ending(const char *end)
{
    return !strcmp(end, ".cls") || !strcmp(end, ".json") || !strcmp(end, ".txt") ||
           !strcmp(end, ".label") || !strcmp(end, ".cls.txt");
}

/* Whether one of the first files of an archive stands beside a picture of its name. */
static bool has_samples(const qn_map *map)
{
    qn_tar tar = {.left = {map->base, map->bytes, 0}};
    qn_tar_entry e;
    bool found, has_label = false, has_picture = false;
    for (int i = 0; i < 32; i++) {
        if (qn_tar_next(&tar, &e, &found, NULL) != QUERN_OK || !found) break;
        const char *end = e.kind == QN_TAR_FILE ? ending_of(e.name) : NULL;
        if (!end) continue;
        has_label |= is_label_ending(end);
        has_picture |= qn_is_any_picture_name(e.name);
    }
    return has_label && has_picture;
}

static bool is_archive(const char *path)
{
    qn_file file;
    qn_map map;
    if (!qn_ends_with(path, ".tar") ||
        qn_file_open(NULL, path, &file, NULL) != QUERN_OK)
        return false;
    const bool is_mapped = qn_file_map(&file, &map, NULL) == QUERN_OK;
    qn_file_close(&file);
    if (!is_mapped) return false;
    const bool is = has_samples(&map);
    qn_map_done(&map);
    return is;
}

static bool is_tar_name(const char *name)
{
    return qn_ends_with(name, ".tar");
}

static bool webdataset_is(const char *path)
{
    braces b;
    return qn_shards_are(path, is_tar_name, is_archive) ||
           (is_tar_name(path) && find_braces(path, &b) &&
            qn_path_look(path) == QN_PATH_ABSENT);
}

/* ---- samples ---- */

/* Without the folders above. */
static const char *name_of(const qn_shard *shard)
{
    const char *slash = strrchr(shard->path, '/');
    return slash ? slash + 1 : shard->path;
}

/* A label's text, in the scratch, without blanks around it; NULL: it is none. */
static quern_status text_of(scan *c, const qn_span *span, const char **out,
                            quern_error *err)
{
    const char *p = (const char *)span->p;
    size_t n = span->n;
    *out = NULL;
    if (!p || n > MAX_LABEL) return QUERN_OK;
    for (; n && isspace((uint8_t)p[n - 1]);)
        n--;
    for (; n && isspace((uint8_t)*p); n--)
        p++;
    const qn_span rest = {(const uint8_t *)p, n, 0};
    if (n == 0 || memchr(p, '\n', n) || !qn_span_is_utf8(&rest)) return QUERN_OK;
    return qn_arena_text(&c->scratch, p, n, out, err);
}

/* The member of an object that says the label, or NULL. */
static const qn_tree *find_label(const qn_tree *object)
{
    static const char *const words[] = {"label",      "class",    "cls",
                                        "class_name", "category", NULL};
    for (int i = 0; words[i]; i++) {
        const qn_tree *m = qn_tree_get(object, words[i]);
        if (m && (m->kind == QN_TREE_TEXT || m->kind == QN_TREE_NUMBER)) return m;
    }
    return NULL;
}

static quern_status parse_json(scan *c, const qn_tree **out, quern_error *err)
{
    sample *s = &c->now;
    quern_error why;
    *out = NULL;
    if (!s->json.p || s->json.n > MAX_TEXT) return QUERN_OK;
    const quern_status status =
        qn_tree_parse(&c->scratch, (const char *)s->json.p, s->json.n, out, &why);
    if (status == QUERN_MEMORY || status == QUERN_LIMIT)
        return qn_fail(err, status, "%s", why.text);
    if (status != QUERN_OK)
        s->refused = "its .json is none";
    else if ((*out)->kind != QN_TREE_OBJECT)
        s->refused = "its .json is no object";
    return QUERN_OK;
}

static quern_status add_item(scan *c, const qn_shard *a, const qn_tree *object,
                             qn_split split, quern_error *err)
{
    static const char *const told[] = {"label",      "class",    "cls",   "schema",
                                       "class_name", "category", "split", NULL};
    qn_dataset *set = c->set;
    shards *s = c->s;
    const char *name;
    char path[QN_PATH_MAX];
    QN_TRY(qn_path_format(path, err, "%s/%s", name_of(a), c->now.member));
    QN_TRY(qn_arena_text(&set->arena, path, strlen(path), &name, err));
    if (object) QN_TRY(qn_extras_put_tree(&c->extras, object, told, set->n, err));
    QN_TRY(qn_set_add(set, name, -1, split, err));
    if (set->n > s->room) {
        QN_TRY(qn_list_grow(&set->arena, &s->places, (size_t)s->room, (size_t)set->room,
                            sizeof *s->places, err));
        s->room = set->room;
    }
    s->places[set->n - 1] = (place){c->now.picture.p, c->now.picture.n};
    return QUERN_OK;
}

/* What the files of a sample say of its class: a number, a name, or both. */
static quern_status read_label(scan *c, const qn_tree *object, const char **name,
                               int64_t *number, quern_error *err)
{
    const qn_tree *told = object ? find_label(object) : NULL;
    const char *cls;
    *name = NULL;
    *number = -1;
    QN_TRY(text_of(c, &c->now.cls, &cls, err));
    if (cls && (!qn_text_to_int(cls, strlen(cls), number) || *number < 0)) {
        *name = cls;
        *number = -1;
    }
    if (!*name && told) QN_TRY(qn_tree_as_text(&c->scratch, told, name, err));
    if (!cls && !told) QN_TRY(text_of(c, &c->now.txt, name, err));
    return QUERN_OK;
}

/* The sample is complete: it becomes an item or a reject. */
static quern_status end_sample(scan *c, const qn_shard *a, quern_error *err)
{
    sample *s = &c->now;
    const qn_tree *object = NULL;
    const char *name = NULL;
    int64_t number = -1;
    if (!s->is_begun) return QUERN_OK;
    s->is_begun = false;
    if (!s->picture.p) {
        if (!s->cls.p && !s->refused) return QUERN_OK; /* a file of another kind */
        if (!s->refused) s->refused = "it has no picture";
    }
    if (!s->refused) QN_TRY(parse_json(c, &object, err));
    if (!s->refused) QN_TRY(read_label(c, object, &name, &number, err));
    if (!s->refused && number < 0 && (!name || !*name)) s->refused = "it has no label";
    if (s->refused) {
        char path[QN_PATH_MAX];
        QN_TRY(qn_path_format(path, err, "%s/%s", name_of(a), s->key));
        return qn_set_reject(c->set, path, err, "%s", s->refused);
    }
    qn_split split = qn_split_of(object ? qn_tree_text(object, "split", "") : "");
    if (split == QN_SPLIT_NONE) split = a->split;
    QN_TRY(add_item(c, a, object, split, err));
    return qn_item_labels_add(&c->labels, name, number, err);
}

/* Keeps a file that belongs to the sample. */
static void keep_file(sample *s, const char *name, const char *end, const qn_span *data)
{
    if (qn_is_any_picture_name(name)) {
        if (s->picture.p) return; /* of several the first counts */
        s->picture = *data;
        strcpy(s->member, name);
        if (!qn_is_picture_name(name))
            s->refused = "pictures of this kind are not read; " QN_IMAGE_KINDS " are";
    } else if (!strcmp(end, ".json")) {
        s->json = *data;
    } else if (!strcmp(end, ".txt")) {
        s->txt = *data;
    } else if (is_label_ending(end)) {
        s->cls = *data;
    }
}

/* ---- entries ---- */

static quern_status refuse_entry(scan *c, const qn_shard *a, const char *name,
                                 const char *why, quern_error *err)
{
    char path[QN_PATH_MAX + QN_TAR_NAME];
    snprintf(path, sizeof path, "%s/%s", name_of(a), name);
    return qn_set_reject(c->set, path, err, "%s", why);
}

/* Why an entry cannot be taken; NULL: it can, or it does not matter. */
static quern_status check_entry(scan *c, const qn_tar_entry *e, const char **why,
                                quern_error *err)
{
    int64_t index;
    const int64_t n = c->members.n;
    *why = NULL;
    if (e->kind == QN_TAR_FOLDER) return QUERN_OK;
    if (!qn_tar_is_safe(e->name))
        *why = "its name leads out, or no file may have it";
    else if (e->kind == QN_TAR_LINK)
        *why = "links are not followed";
    else if (e->kind == QN_TAR_DEVICE)
        *why = "it is a device or a pipe";
    else if (e->kind == QN_TAR_OTHER)
        *why = "it is no plain file";
    if (*why) return QUERN_OK;
    QN_TRY(qn_names_add(&c->members, e->name, strlen(e->name), &index, err));
    if (index < n) *why = "a file before has this name, too";
    return QUERN_OK;
}

static quern_status take_entry(scan *c, const qn_shard *a, const qn_tar_entry *e,
                               quern_error *err)
{
    sample *s = &c->now;
    const char *why;
    QN_TRY(check_entry(c, e, &why, err));
    if (why) return refuse_entry(c, a, e->name, why, err);
    const char *slash = strrchr(e->name, '/'), *end = ending_of(e->name);
    const char *base = slash ? slash + 1 : e->name;
    if (e->kind != QN_TAR_FILE || !end || base[0] == '.') return QUERN_OK;
    const size_t n = (size_t)(end - e->name);
    if (!s->is_begun || strlen(s->key) != n || memcmp(s->key, e->name, n) != 0) {
        QN_TRY(end_sample(c, a, err));
        qn_arena_reset(&c->scratch);
        s->is_begun = true;
        s->refused = NULL;
        s->picture = s->cls = s->json = s->txt = (qn_span){0};
        memcpy(s->key, e->name, n);
        s->key[n] = 0;
    }
    keep_file(s, e->name, end, &e->data);
    return QUERN_OK;
}

static quern_status walk_shard(scan *c, qn_shard *a, quern_error *err)
{
    qn_tar_entry e;
    QN_TRY(qn_shard_map(a, err));
    qn_tar tar = {.left = {a->map.base, a->map.bytes, 0}};
    for (bool found;;) {
        QN_TRY(qn_tar_next(&tar, &e, &found, err));
        if (!found) return end_sample(c, a, err);
        QN_TRY(take_entry(c, a, &e, err));
    }
}

static quern_status walk_shards(scan *c, quern_error *err)
{
    for (int i = 0; i < c->s->files.n; i++) {
        qn_arena names;
        qn_arena_init(&names, c->set->arena.mem);
        c->members = (qn_names){.arena = &names};
        const quern_status status = walk_shard(c, &c->s->files.at[i], err);
        qn_arena_done(&names);
        if (status == QUERN_OK) continue;
        qn_within(err, "%s", name_of(&c->s->files.at[i]));
        return status;
    }
    return QUERN_OK;
}

/* ---- the set ---- */

static quern_status find_archives(qn_dataset *set, qn_shards *out, quern_error *err)
{
    braces b;
    if (qn_path_look(set->path) == QN_PATH_ABSENT && find_braces(set->path, &b))
        return list_braces(set, out, &b, err);
    return qn_shards_find(set, set->path, is_tar_name, out, err);
}

static quern_status fill(scan *c, quern_error *err)
{
    char folder[QN_PATH_MAX], classes[QN_PATH_MAX];
    qn_dataset *set = c->set;
    QN_TRY(find_archives(set, &c->s->files, err));
    QN_TRY(walk_shards(c, err));
    QN_TRY(qn_extras_end(&c->extras, err));
    if (set->n == 0) return QUERN_OK;
    const bool is_folder = qn_path_is_folder(set->path);
    if (!is_folder) QN_TRY(qn_path_folder(set->path, folder, err));
    QN_TRY(qn_path_join(classes, is_folder ? set->path : folder, "classes.txt", err));
    /* beside a single archive a list may be of something else */
    QN_TRY(qn_item_labels_end(&c->labels,
                              c->s->files.n > 1 || is_folder ? classes : NULL, err));
    return qn_set_check_splits(set, err);
}

static quern_status webdataset_open(qn_dataset *set, const char *path, quern_error *err)
{
    qn_arena own;
    void *room;
    (void)path;
    QN_TRY(qn_arena_alloc(&set->arena, sizeof(shards), &room, err));
    set->state = room;
    qn_arena_init(&own, set->arena.mem);
    quern_status status = qn_arena_alloc(&own, sizeof(scan), &room, err);
    if (status == QUERN_OK) {
        scan *c = room;
        c->set = set;
        c->s = set->state;
        qn_item_labels_init(&c->labels, set);
        qn_extras_init(&c->extras, set);
        qn_arena_init(&c->scratch, set->arena.mem);
        status = fill(c, err);
        qn_arena_done(&c->scratch);
    }
    qn_arena_done(&own);
    return status;
}

static void webdataset_close(qn_dataset *set)
{
    shards *s = set->state;
    if (s) qn_shards_done(&s->files);
}

static quern_status webdataset_packed(const qn_dataset *set, int64_t i, qn_arena *arena,
                                      const void **bytes, size_t *n, quern_error *err)
{
    const place *at = ((const shards *)set->state)->places + i;
    (void)arena, (void)err;
    *bytes = at->p;
    *n = at->n;
    return QUERN_OK;
}

static quern_status webdataset_read(const qn_dataset *set, int64_t i, qn_arena *arena,
                                    qn_image *out, quern_error *err)
{
    const place *at = ((const shards *)set->state)->places + i;
    return qn_set_decode_bytes(set, at->p, at->n, arena, out, err);
}

const qn_dataset_format qn_dataset_webdataset = {
    .name = "webdataset",
    .about = "tar archives of samples: pictures with .cls, .json or .txt of their name",
    .is = webdataset_is,
    .open = webdataset_open,
    .read = webdataset_read,
    .packed = webdataset_packed,
    .close = webdataset_close,
};
