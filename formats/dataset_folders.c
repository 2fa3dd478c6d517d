/* SPDX-License-Identifier: Apache-2.0 */
/* formats/dataset_folders.c - data sets whose folders are their classes, as
 * torchvision's ImageFolder has them, with folders of splits above or without.
 *
 *   cat/1.jpg  dog/2.png       or       train/cat/1.jpg  val/cat/2.jpg  test/dog/3.png
 *
 * Classes count in the byte order of their names; those of train hold for all splits.
 * A classes.txt beside them that names them all says another order.
 * Hidden names are passed over, folders inside a class are walked, no link is followed
 * that leads out of the set. */
#include "formats/dataset_build.h"

#include <stdio.h>
#include <string.h>

enum { MAX_DEPTH = 16 }; /* of folders inside a class */

/* A folder that holds class folders. */
typedef struct branch {
    const char *name; /* "train", or "" for the set itself; NULL: there is none */
    const char **classes;
    int n_classes;
} branch;

typedef struct walk {
    qn_dataset *set;
    qn_arena scratch;       /* lists of names */
    char path[QN_PATH_MAX]; /* where the walk is */
    size_t root;            /* bytes of the set's path in it, with the slash */
    char real[QN_PATH_MAX]; /* the set's path without links */
    branch by_split[4];
    const char *const *classes;
    int n_classes;
    qn_names labels; /* the classes; every folder of a class is among them */
} walk;

/* ---- paths ---------------------------------------------------------------------- */

static bool is_hidden(const char *name)
{
    return name[0] == '.' || !strcmp(name, "__MACOSX");
}

/* Appends "name"; *before is what leave needs. */
static quern_status enter(walk *w, const char *name, size_t *before, quern_error *err)
{
    const size_t n = strlen(name);
    *before = strlen(w->path);
    const bool needs_slash = *before && w->path[*before - 1] != '/';
    if (*before + needs_slash + n >= sizeof w->path)
        return qn_fail(err, QUERN_IO, "%s: a path inside is longer than %d bytes",
                       w->path, QN_PATH_MAX - 1);
    if (needs_slash) w->path[*before] = '/';
    memcpy(w->path + *before + needs_slash, name, n + 1);
    return QUERN_OK;
}

static void leave(walk *w, size_t before)
{
    w->path[before] = 0;
}

static quern_status list(walk *w, const char *const **names, int *n, quern_error *err)
{
    const quern_status status = qn_dir_list(w->path, &w->scratch, names, n, err);
    if (status != QUERN_OK) qn_within(err, "%s", w->path);
    return status;
}

/* Refuses what the walk is at. */
static quern_status refuse(walk *w, const char *reason, quern_error *err)
{
    return qn_set_reject(w->set, w->path + w->root, err, "%s", reason);
}

/* ---- items ---------------------------------------------------------------------- */

static quern_status add_file(walk *w, int32_t label, qn_split split, quern_error *err)
{
    const char *name, *relative = w->path + w->root;
    if (!qn_is_any_picture_name(relative)) return QUERN_OK;
    if (!qn_is_picture_name(relative))
        return refuse(w, "pictures of this kind are not read; " QN_IMAGE_KINDS " are",
                      err);
    QN_TRY(qn_arena_text(&w->set->arena, relative, strlen(relative), &name, err));
    return qn_set_add(w->set, name, label, split, err);
}

static quern_status walk_class(walk *w, int32_t label, qn_split split, int depth,
                               quern_error *err);

static quern_status visit(walk *w, int32_t label, qn_split split, int depth,
                          quern_error *err)
{
    if (qn_path_look(w->path) == QN_PATH_FOLDER)
        return walk_class(w, label, split, depth + 1, err);
    const char *why = qn_set_refuses(w->real, w->path);
    return why ? refuse(w, why, err) : add_file(w, label, split, err);
}

/* Everything below the folder that the walk is at. */
static quern_status walk_class(walk *w, int32_t label, qn_split split, int depth,
                               quern_error *err)
{
    const char *const *names;
    int n;
    size_t before;
    if (depth > MAX_DEPTH)
        return refuse(w, "it lies too deep; 16 folders inside a class are read", err);
    QN_TRY(list(w, &names, &n, err));
    for (int i = 0; i < n; i++) {
        if (is_hidden(names[i])) continue;
        QN_TRY(enter(w, names[i], &before, err));
        QN_TRY(visit(w, label, split, depth, err));
        leave(w, before);
    }
    return QUERN_OK;
}

static quern_status walk_branch(walk *w, qn_split split, quern_error *err)
{
    const branch *b = &w->by_split[split];
    size_t before, above;
    if (!b->name) return QUERN_OK;
    QN_TRY(enter(w, b->name, &above, err));
    for (int i = 0; i < b->n_classes; i++) {
        const char *name = b->classes[i];
        const int32_t c = (int32_t)qn_names_find(&w->labels, name, strlen(name));
        const int64_t n = w->set->n;
        QN_TRY(enter(w, b->classes[i], &before, err));
        QN_TRY(walk_class(w, c, split, 0, err));
        if (w->set->n == n) QN_TRY(refuse(w, "the class folder holds no picture", err));
        leave(w, before);
    }
    leave(w, above);
    return QUERN_OK;
}

/* ---- classes -------------------------------------------------------------------- */

/* The visible folders in the folder that the walk is at.  Pictures beside them have no
 * class, links to folders are not followed: both are refused. */
static quern_status list_folders(walk *w, const char ***folders, int *n_folders,
                                 quern_error *err)
{
    const char *const *names;
    int n;
    size_t before;
    void *room;
    QN_TRY(list(w, &names, &n, err));
    QN_TRY(qn_arena_array(&w->scratch, (size_t)n, sizeof *names, &room, err));
    *folders = room;
    *n_folders = 0;
    for (int i = 0; i < n; i++) {
        if (is_hidden(names[i])) continue;
        QN_TRY(enter(w, names[i], &before, err));
        const qn_path_kind kind = qn_path_look(w->path);
        const char *why = NULL;
        if (kind == QN_PATH_FOLDER)
            (*folders)[(*n_folders)++] = names[i];
        else if (kind == QN_PATH_LINK)
            why = qn_set_refuses(w->real, w->path);
        if (kind != QN_PATH_FOLDER && !why && qn_is_any_picture_name(names[i]))
            why = "it lies in no class folder";
        if (why) QN_TRY(refuse(w, why, err));
        leave(w, before);
    }
    return QUERN_OK;
}

/* Folders called train, val, test are splits when all are, or when train and another
 * one are there. */
bool qn_folders_are_splits(const char *const *names, int n)
{
    int n_splits = 0;
    bool has_train = false;
    for (int i = 0; i < n; i++) {
        const qn_split s = qn_split_of(names[i]);
        n_splits += s != QN_SPLIT_NONE;
        has_train |= s == QN_SPLIT_TRAIN;
    }
    return n > 0 && (n_splits == n || (has_train && n_splits > 1));
}

static quern_status add_branch(walk *w, const char *name, quern_error *err)
{
    branch *b = &w->by_split[qn_split_of(name)];
    size_t before;
    if (b->name)
        return qn_fail(err, QUERN_FORMAT, "the folders '%s' and '%s' are both of '%s'",
                       b->name, name, qn_split_name(qn_split_of(name)));
    b->name = name;
    QN_TRY(enter(w, name, &before, err));
    QN_TRY(list_folders(w, &b->classes, &b->n_classes, err));
    leave(w, before);
    return QUERN_OK;
}

static quern_status find_branches(walk *w, quern_error *err)
{
    const char **names;
    int n;
    size_t before;
    QN_TRY(list_folders(w, &names, &n, err));
    if (!qn_folders_are_splits(names, n)) {
        w->by_split[QN_SPLIT_NONE] = (branch){"", names, n};
        return QUERN_OK;
    }
    for (int i = 0; i < n; i++) {
        if (qn_split_of(names[i]) != QN_SPLIT_NONE) {
            QN_TRY(add_branch(w, names[i], err));
            continue;
        }
        QN_TRY(enter(w, names[i], &before, err));
        QN_TRY(refuse(w, "the folder stands beside train and is no split", err));
        leave(w, before);
    }
    return QUERN_OK;
}

/* The classes of all splits, sorted, each once. */
static quern_status merge_classes(walk *w, const char *const *more, int n_more,
                                  quern_error *err)
{
    void *room;
    int n = 0, a = 0, b = 0;
    QN_TRY(qn_arena_array(&w->scratch, (size_t)w->n_classes + (size_t)n_more,
                          sizeof *more, &room, err));
    const char **all = room;
    while (a < w->n_classes || b < n_more) {
        const int order = a == w->n_classes ? 1
                          : b == n_more     ? -1
                                            : strcmp(w->classes[a], more[b]);
        all[n++] = order <= 0 ? w->classes[a] : more[b];
        a += order <= 0;
        b += order >= 0;
    }
    w->classes = all;
    w->n_classes = n;
    return QUERN_OK;
}

/* Every class of a split must be one of train's. */
static quern_status check_known(const walk *w, qn_split split, quern_error *err)
{
    const branch *b = &w->by_split[split];
    char names[256] = "";
    int unknown = 0;
    for (int i = 0, c = 0; i < b->n_classes; i++) {
        while (c < w->n_classes && strcmp(w->classes[c], b->classes[i]) < 0)
            c++;
        if (c < w->n_classes && !strcmp(w->classes[c], b->classes[i])) continue;
        const size_t n = strlen(names);
        snprintf(names + n, sizeof names - n, "%s'%s'", unknown++ ? ", " : "",
                 b->classes[i]);
    }
    if (!unknown) return QUERN_OK;
    return qn_fail(err, QUERN_FORMAT,
                   "%d of the %d classes in '%s' are not among the %d in '%s': %s",
                   unknown, b->n_classes, b->name, w->n_classes,
                   w->by_split[QN_SPLIT_TRAIN].name, names);
}

static quern_status keep_classes(walk *w, const char *const *names, int n,
                                 quern_error *err)
{
    int64_t index;
    w->labels = (qn_names){.arena = &w->scratch};
    w->classes = names;
    w->n_classes = n;
    for (int c = 0; c < n; c++)
        QN_TRY(qn_names_keep(&w->labels, names[c], &index, err));
    return QUERN_OK;
}

/* Whether a list names each class once, and the classes of all folders. */
static bool is_whole(const walk *w)
{
    if (w->labels.n < w->n_classes) return false;
    for (int s = 0; s < 4; s++)
        for (int i = 0; i < w->by_split[s].n_classes; i++) {
            const char *name = w->by_split[s].classes[i];
            if (qn_names_find(&w->labels, name, strlen(name)) < 0) return false;
        }
    return true;
}

/* Takes the classes from classes.txt, if it tells them all: other programs keep other
 * things in files of that name. */
static quern_status read_classes(walk *w, bool *found, quern_error *err)
{
    char path[QN_PATH_MAX];
    const char *const *names;
    int n;
    *found = false;
    QN_TRY(qn_path_join(path, w->set->path, "classes.txt", err));
    if (!qn_file_is_there(path) ||
        qn_file_names(&w->scratch, path, &names, &n, NULL) != QUERN_OK ||
        n > QN_MAX_CLASSES)
        return QUERN_OK;
    QN_TRY(keep_classes(w, names, n, err));
    *found = n > 0 && is_whole(w);
    if (!*found) w->n_classes = 0;
    return QUERN_OK;
}

/* In the order of their names. */
static quern_status sort_classes(walk *w, quern_error *err)
{
    const branch *train = &w->by_split[QN_SPLIT_TRAIN];
    if (train->name) {
        w->classes = train->classes;
        w->n_classes = train->n_classes;
        QN_TRY(check_known(w, QN_SPLIT_VAL, err));
        QN_TRY(check_known(w, QN_SPLIT_TEST, err));
    } else {
        for (int s = 0; s < 4; s++)
            QN_TRY(merge_classes(w, w->by_split[s].classes, w->by_split[s].n_classes,
                                 err));
    }
    if (w->n_classes < 1)
        return qn_fail(err, QUERN_FORMAT,
                       "it has no class folders, neither at once nor under train, val "
                       "and test");
    if (w->n_classes > QN_MAX_CLASSES)
        return qn_fail(err, QUERN_LIMIT, "%d class folders; at most %d", w->n_classes,
                       QN_MAX_CLASSES);
    return keep_classes(w, w->classes, w->n_classes, err);
}

/* ---- the set -------------------------------------------------------------------- */

static quern_status fill(walk *w, quern_error *err)
{
    qn_dataset *set = w->set;
    void *classes;
    size_t before;
    bool is_told;
    QN_TRY(qn_path_resolve(set->path, w->real, err));
    QN_TRY(enter(w, set->path, &before, err));
    w->root = strlen(w->path) + (w->path[strlen(w->path) - 1] != '/');
    QN_TRY(find_branches(w, err));
    QN_TRY(read_classes(w, &is_told, err));
    if (!is_told) QN_TRY(sort_classes(w, err));
    QN_TRY(qn_arena_array(&set->arena, (size_t)w->n_classes, sizeof *set->classes,
                          &classes, err));
    set->classes = classes;
    for (; set->n_classes < w->n_classes; set->n_classes++) {
        const char *name = w->classes[set->n_classes];
        QN_TRY(qn_arena_text(&set->arena, name, strlen(name),
                             &set->classes[set->n_classes], err));
    }
    for (int s = 0; s < 4; s++)
        QN_TRY(walk_branch(w, (qn_split)s, err));
    return QUERN_OK;
}

static quern_status folders_open(qn_dataset *set, const char *path, quern_error *err)
{
    void *room;
    (void)path;
    qn_arena scratch;
    qn_arena_init(&scratch, set->arena.mem);
    quern_status status = qn_arena_alloc(&scratch, sizeof(walk), &room, err);
    if (status == QUERN_OK) {
        walk *w = room;
        w->set = set;
        set->is_listed = true;
        qn_arena_init(&w->scratch, set->arena.mem);
        status = fill(w, err);
        qn_arena_done(&w->scratch);
    }
    qn_arena_done(&scratch);
    return status;
}

static quern_status folders_read(const qn_dataset *set, int64_t i, qn_arena *arena,
                                 qn_image *out, quern_error *err)
{
    return qn_set_decode(set, set->path, set->name[i], arena, out, err);
}

static quern_status folders_packed(const qn_dataset *set, int64_t i, qn_arena *arena,
                                   const void **bytes, size_t *n, quern_error *err)
{
    return qn_set_file(set->path, set->name[i], arena, bytes, n, err);
}

const qn_dataset_format qn_dataset_folders = {
    .name = "folders",
    .about = "a folder for each class, under train, val and test or not",
    .is = qn_path_is_folder,
    .open = folders_open,
    .read = folders_read,
    .packed = folders_packed,
};
