/* SPDX-License-Identifier: Apache-2.0 */
/* formats/dataset_paths.c - see dataset_paths.h.  Names come from outside: a part of a
 * path never leads up, is never hidden, and holds only what a terminal shows. */
#include "formats/dataset_paths.h"

#include "engine/utf8.h"
#include "formats/dataset_build.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PART = 200, MAX_PARTS = 16 }; /* bytes of a part; parts of a name */

/* ---- parts ---- */

/* Whether the byte at p[i] is written as %XX.  Parts of well-formed UTF-8 are not. */
static bool is_escaped(const char *p, size_t i, size_t n)
{
    const uint8_t c = (uint8_t)p[i];
    if (c < ' ' || c == 0x7f || c == '/' || c == '\\') return true;
    if (i == 0 && c == '.') return true; /* hidden, or a way up */
    return c == '%' && n - i > 2 && isxdigit((uint8_t)p[i + 1]) &&
           isxdigit((uint8_t)p[i + 2]);
}

quern_status qn_path_part(qn_arena *arena, const char *text, size_t n, const char **out,
                          quern_error *err)
{
    void *room;
    QN_TRY(qn_arena_raw(arena, 3 * n + 1, &room, err));
    char *to = room;
    *out = to;
    for (size_t i = 0, k; i < n; i += k) {
        k = qn_utf8_length(text + i, n - i);
        if (k == 0 || (k == 1 && is_escaped(text, i, n))) {
            static const char digits[] = "0123456789ABCDEF";
            *to++ = '%';
            *to++ = digits[(uint8_t)text[i] >> 4];
            *to++ = digits[(uint8_t)text[i] & 15];
            k = 1;
        } else {
            memcpy(to, text + i, k);
            to += k;
        }
    }
    *to = 0;
    return QUERN_OK;
}

/* Cuts a part that is too long for file systems, between characters. */
static void cut_part(char *part)
{
    size_t n = strlen(part);
    if (n <= MAX_PART) return;
    for (n = MAX_PART; n > 0 && ((uint8_t)part[n] & 0xc0) == 0x80;)
        n--;
    part[n] = 0;
}

/* ---- names of items ---- */

/* What is left of a name: parts without those that say split or class, and without the
 * ending of a picture. */
typedef struct stem {
    const char *part[MAX_PARTS];
    size_t length[MAX_PARTS];
    int n;
} stem;

static bool is_part(const stem *s, int i, const char *text)
{
    return strlen(text) == s->length[i] && !memcmp(s->part[i], text, s->length[i]);
}

/* Whether the first part only repeats what the path says anyway. */
static bool is_told(const stem *s, const qn_dataset *set, const qn_writer *w,
                    int64_t item)
{
    char word[16];
    const int32_t c = set->label[item];
    if (is_part(s, 0, "images") || is_part(s, 0, ".") || s->length[0] == 0) return true;
    if (c >= 0 && (is_part(s, 0, set->classes[c]) || is_part(s, 0, w->class_parts[c])))
        return true;
    if (s->length[0] > 4 && !memcmp(s->part[0] + s->length[0] - 4, ".tar", 4))
        return true; /* the archive it came from */
    if (s->length[0] >= sizeof word) return false;
    memcpy(word, s->part[0], s->length[0]);
    word[s->length[0]] = 0;
    const qn_split split = qn_split_of(word);
    return split != QN_SPLIT_NONE && (int)split == set->split[item];
}

static void split_name(const char *name, stem *s)
{
    s->n = 0;
    if (*name == '/')
        name = strrchr(name, '/') + 1; /* where it lay is nobody's business */
    const char *dot = qn_is_any_picture_name(name) ? strrchr(name, '.') : NULL;
    const char *end = dot && dot > name && dot[-1] != '/' ? dot : name + strlen(name);
    for (const char *p = name; p <= end;) {
        const char *slash = memchr(p, '/', (size_t)(end - p));
        const char *stop = slash ? slash : end;
        if (s->n == MAX_PARTS) s->n--; /* of a deeper path the last parts count */
        s->part[s->n] = p;
        s->length[s->n++] = (size_t)(stop - p);
        p = stop + 1;
    }
}

static quern_status add_part(char path[QN_PATH_MAX], const char *part, quern_error *err)
{
    const size_t n = strlen(path), k = strlen(part);
    if (k == 0) return QUERN_OK;
    if (n + k + 2 > QN_PATH_MAX / 2)
        return qn_fail(err, QUERN_LIMIT, "a path of more than %d bytes",
                       QN_PATH_MAX / 2);
    if (n) path[n] = '/';
    memcpy(path + n + (n > 0), part, k + 1);
    return QUERN_OK;
}

/* Without dots, behind which others see the kind of a file. */
static void make_key(char *part)
{
    for (; *part; part++)
        if (*part == '.') *part = '_';
}

static quern_status add_stem(const qn_paths *p, int64_t item, qn_arena *arena,
                             char path[QN_PATH_MAX], quern_error *err)
{
    const qn_writer *w = p->w;
    stem s;
    split_name(w->set->name[item], &s);
    while (s.n > 1 && is_told(&s, w->set, w, item)) {
        s.n--;
        memmove(s.part, s.part + 1, (size_t)s.n * sizeof s.part[0]);
        memmove(s.length, s.length + 1, (size_t)s.n * sizeof s.length[0]);
    }
    for (int i = 0; i < s.n; i++) {
        const char *part;
        char own[MAX_PART + 8];
        QN_TRY(qn_path_part(arena, s.part[i], s.length[i], &part, err));
        snprintf(own, sizeof own, "%.*s", MAX_PART + 4, *part ? part : "_");
        cut_part(own);
        if (w->row->has_keys) make_key(own);
        QN_TRY(add_part(path, own, err));
    }
    return QUERN_OK;
}

/* "00042" within the split of an item without a name, wide enough for all. */
static quern_status add_number(const qn_dataset *set, int64_t item,
                               char path[QN_PATH_MAX], quern_error *err)
{
    char text[32], name[QN_ITEM_TEXT], widest[32];
    const qn_part *part = &set->part[set->source_split[item]];
    const char *number = qn_item_name(set, item, name);
    if (strrchr(number, '/')) number = strrchr(number, '/') + 1;
    const int width = snprintf(widest, sizeof widest, "%lld",
                               (long long)(part->n > 0 ? part->n - 1 : set->n));
    snprintf(text, sizeof text, "%0*lld", width, atoll(number));
    return add_part(path, text, err);
}

/* ---- whole paths ---- */

/* Adds the item's number to a path that another has already. */
static quern_status make_unique(qn_paths *p, int64_t item, char path[QN_PATH_MAX],
                                quern_error *err)
{
    const size_t n = strlen(path);
    for (int attempt = 0;; attempt++) {
        int64_t index;
        const int64_t before = p->taken.n;
        QN_TRY(qn_names_add(&p->taken, path, strlen(path), &index, err));
        if (index == before) return QUERN_OK;
        snprintf(path + n, QN_PATH_MAX - n, "-%lld%.*s", (long long)item + 1, attempt,
                 "________________");
        if (attempt == 16)
            return qn_fail(err, QUERN_LIMIT, "17 items are called '%s'", path);
    }
}

quern_status qn_paths_next(qn_paths *p, int64_t item, qn_arena *arena, const char **out,
                           quern_error *err)
{
    const qn_writer *w = p->w;
    const qn_dataset *set = w->set;
    char path[QN_PATH_MAX] = "";
    QN_TRY(add_part(path, qn_split_name(w->as_split[set->split[item]]), err));
    if (set->label[item] >= 0)
        QN_TRY(add_part(path, w->class_parts[set->label[item]], err));
    if (set->name) {
        QN_TRY(add_stem(p, item, arena, path, err));
        QN_TRY(make_unique(p, item, path, err));
    } else {
        QN_TRY(add_number(set, item, path, err));
    }
    return qn_arena_text(arena, path, strlen(path), out, err);
}

quern_status qn_paths_begin(qn_paths *p, qn_writer *w, quern_error *err)
{
    const qn_dataset *set = w->set;
    void *room;
    *p = (qn_paths){.w = w, .taken = {.arena = w->arena}};
    QN_TRY(qn_arena_array(w->arena, (size_t)set->n_classes, sizeof *w->class_parts,
                          &room, err));
    w->class_parts = room;
    for (int c = 0; c < set->n_classes; c++) {
        const char *name = set->classes[c];
        QN_TRY(qn_path_part(w->arena, name, strlen(name), &w->class_parts[c], err));
        const size_t n = strlen(w->class_parts[c]);
        if (n > 0 && n <= MAX_PART) continue;
        char number[32];
        snprintf(number, sizeof number, "class-%d", c);
        QN_TRY(
            qn_arena_text(w->arena, number, strlen(number), &w->class_parts[c], err));
    }
    return QUERN_OK;
}
