/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_store.c - what goes into the store comes out of it, and what is not as it
 * should be is refused. */
#include "tests/store_kit.h"

#include "formats/store_files.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Opens the set of the last import. */
static bool open_stored(qn_store_kit *k, qn_dataset **set)
{
    char path[QN_PATH_MAX];
    qn_store_path(&k->store, QN_DATASETS, "", k->got.id, path, NULL);
    return CHECK_OK(k->t, qn_dataset_open(&k->mem, path, NULL, set, &k->err), &k->err);
}

/* Item i of both is the same: name, label, split, group, columns, pixels. */
static void check_item(qn_store_kit *k, const qn_dataset *a, int64_t i,
                       const qn_dataset *b, int64_t j)
{
    char room_a[QN_ITEM_TEXT], room_b[QN_ITEM_TEXT];
    qn_image x, y;
    qn_test *t = k->t;
    qn_note(t, "item %lld", (long long)i);
    CHECK_STR(t, qn_item_name(b, j, room_b), qn_item_name(a, i, room_a));
    CHECK_EQ(t, b->label[j], a->label[i]);
    CHECK_EQ(t, b->source_split[j], a->source_split[i]);
    if (a->group) CHECK_STR(t, b->groups[b->group[j]], a->groups[a->group[i]]);
    for (int c = 0; c < a->n_columns; c++) {
        CHECK_STR(t, b->columns[c].name, a->columns[c].name);
        CHECK_STR(t, b->columns[c].text[j], a->columns[c].text[i]);
    }
    if (!CHECK_OK(t, qn_dataset_read(a, i, &k->arena, &x, &k->err), &k->err) ||
        !CHECK_OK(t, qn_dataset_read(b, j, &k->arena, &y, &k->err), &k->err))
        return;
    CHECK(t, x.width == y.width && x.height == y.height && x.channels == y.channels &&
                 !memcmp(x.pixels, y.pixels,
                         (size_t)x.width * (size_t)x.height * (size_t)x.channels));
}

static void import_idx(qn_store_kit *k, bool by_reference)
{
    qn_dataset *source, *set;
    qn_test *t = k->t;
    REQUIRE_OK(t, qn_store_kit_import(k, "idx", "digits", by_reference), &k->err);
    CHECK(t, k->got.is_new && k->got.n_items == 5 && k->got.n_resumed == 0);
    REQUIRE_OK(t, qn_dataset_open(&k->mem, qn_temp(t, "idx"), NULL, &source, &k->err),
               &k->err);
    if (open_stored(k, &set)) {
        CHECK_STR(t, set->format->name, "stored");
        CHECK(t, (set->array != NULL) == !by_reference);
        CHECK(t, set->n == 5 && set->n_classes == 3);
        for (int64_t i = 0; i < 5; i++)
            check_item(k, source, i, set, i);
        qn_dataset_close(set);
    }
    qn_dataset_close(source);
}

void test_store_import_idx(qn_test *t)
{
    qn_store_kit k;
    char id[QN_ID_MAX];
    qn_store_kit_init(&k, t);
    qn_store_kit_idx(t);
    import_idx(&k, false);
    snprintf(id, sizeof id, "%s", k.got.id);
    CHECK(t, !strncmp(id, "digits-", 7) && strlen(id) == 15);
    const uint64_t before = qn_store_kit_digest(t, "home");
    REQUIRE_OK(t, qn_store_kit_import(&k, "idx", "digits", false), &k.err);
    CHECK(t, !k.got.is_new && qn_store_kit_digest(t, "home") == before);
    CHECK_STR(t, k.got.id, id);
    CHECK_FAILS(t, qn_store_kit_import(&k, "idx", "../up", false), QUERN_INVALID,
                &k.err, "does not begin with '.'");
    CHECK_FAILS(t, qn_store_kit_import(&k, "idx", "a/b", false), QUERN_INVALID, &k.err,
                "a name has no '/'");
    CHECK_FAILS(t, qn_store_kit_import(&k, "idx", "a\x1b[1m", false), QUERN_INVALID,
                &k.err, "control character");
    CHECK_FAILS(t, qn_store_kit_import(&k, "idx", "a\xff", false), QUERN_INVALID,
                &k.err, "not UTF-8");
    CHECK(t, qn_store_kit_digest(t, "home") == before);
    qn_store_kit_done(&k);
}

void test_store_import_reference(qn_test *t)
{
    qn_store_kit k;
    qn_dataset *set;
    qn_image image;
    qn_store_kit_init(&k, t);
    qn_store_kit_idx(t);
    import_idx(&k, true);
    /* A picture of the source changes: it is not taken for the one of the import. */
    qn_set_kit_idx(t, "idx/t10k-images-idx3-ubyte", 3, (uint32_t[]){2, 2, 3},
                   (uint8_t[12]){1, 2, 3}, 12);
    if (open_stored(&k, &set)) {
        CHECK_OK(t, qn_dataset_read(set, 0, &k.arena, &image, &k.err), &k.err);
        CHECK_FAILS(t, qn_dataset_read(set, 3, &k.arena, &image, &k.err), QUERN_FORMAT,
                    &k.err, "test/0: it has changed since it was imported");
        qn_dataset_close(set);
    }
    qn_store_kit_done(&k);
}

void test_store_import_files(qn_test *t)
{
    qn_store_kit k;
    qn_dataset *source, *set;
    if (!qn_set_kit_decodes(t)) return;
    for (int by_reference = 0; by_reference < 2; by_reference++) {
        const void *bytes;
        size_t n, n_file;
        qn_store_kit_init(&k, t);
        qn_store_kit_csv(t);
        const char *name = by_reference ? "there" : "here";
        REQUIRE_OK(t, qn_store_kit_import(&k, "set/list.csv", name, by_reference),
                   &k.err);
        CHECK(t, k.got.n_items == 5 && k.got.is_new);
        REQUIRE_OK(
            t,
            qn_dataset_open(&k.mem, qn_temp(t, "set/list.csv"), NULL, &source, &k.err),
            &k.err);
        if (open_stored(&k, &set)) {
            CHECK(t, set->n == 5 && set->n_groups == 3 && set->n_columns == 1);
            for (int64_t i = 0; i < 5; i++)
                check_item(&k, source, i + (i > 2), set, i);
            REQUIRE_OK(t, qn_dataset_packed(set, 4, &k.arena, &bytes, &n, &k.err),
                       &k.err);
            const char *file = qn_get_file(t, qn_temp(t, "set/5.bmp"), &n_file);
            CHECK(t, file && n == n_file && !memcmp(bytes, file, n));
            qn_dataset_close(set);
        }
        qn_dataset_close(source);
        qn_store_kit_done(&k);
    }
}

/* ---- resuming -------------------------------------------------------------------- */

/* Fails the n-th write. */
static int full_disk(void *ctx, qn_disk_act act, const char *path)
{
    int *left = ctx;
    (void)path;
    return act == QN_DISK_WRITE && (*left)-- == 0 ? 28 /* ENOSPC */ : 0;
}

typedef struct cut_import {
    qn_store_kit k;
    char id[QN_ID_MAX], folder[128];
    const char *table, *pack;
    size_t n_table, n_pack;
} cut_import;

static const char *stored_file(cut_import *c, const char *name, size_t *n)
{
    char path[256];
    snprintf(path, sizeof path, "home/datasets/%s/%s", c->id, name);
    return qn_get_file(c->k.t, qn_temp(c->k.t, path), n);
}

/* Imports whole, keeps the bytes, removes it; imports until a write fails. */
static bool begin_cut(cut_import *c, qn_test *t)
{
    const char *out;
    int left = 3;
    qn_store_kit_init(&c->k, t);
    qn_store_kit_idx(t);
    if (!CHECK_OK(t, qn_store_kit_import(&c->k, "idx", "digits", false), &c->k.err))
        return false;
    snprintf(c->id, sizeof c->id, "%s", c->k.got.id);
    c->table = stored_file(c, "items.jsonl", &c->n_table);
    c->pack = stored_file(c, "files/pack.bin", &c->n_pack);
    CHECK_OK(t, qn_store_remove(&c->k.store, QN_DATASETS, "digits", &c->k.err),
             &c->k.err);
    c->k.store.disk = (qn_disk){full_disk, &left};
    CHECK_FAILS(t, qn_store_kit_import(&c->k, "idx", "digits", false), QUERN_IO,
                &c->k.err, "No space left on device");
    c->k.store.disk = (qn_disk){NULL, NULL};
    char command[512];
    snprintf(command, sizeof command, "ls -A '%s'", qn_temp(t, "home/datasets"));
    qn_shell(t, command, &out);
    if (!CHECK(t, !strncmp(out, ".tmp-", 5))) return false;
    snprintf(c->folder, sizeof c->folder, "home/datasets/%.*s", (int)strcspn(out, "\n"),
             out);
    return CHECK(t, c->table && c->pack && c->n_pack == 30);
}

/* With so much of table and pack on the disk, the import makes the same of it. */
static void finish_cut(cut_import *c, size_t n_table, size_t n_pack)
{
    char path[256];
    size_t n;
    qn_test *t = c->k.t;
    qn_note(t, "table cut to %zu of %zu, pack to %zu", n_table, c->n_table, n_pack);
    snprintf(path, sizeof path, "%s/items.jsonl", c->folder);
    qn_set_kit_put(t, path, c->table, n_table);
    snprintf(path, sizeof path, "%s/files/pack.bin", c->folder);
    qn_set_kit_put(t, path, c->pack, n_pack);
    if (!CHECK_OK(t, qn_store_kit_import(&c->k, "idx", "digits", false), &c->k.err))
        return;
    CHECK_STR(t, c->k.got.id, c->id);
    CHECK(t, c->k.got.n_items == 5 && c->k.got.n_resumed <= 5);
    if (n_table == c->n_table && n_pack == c->n_pack)
        CHECK_EQ(t, c->k.got.n_resumed, 5);
    const char *table = stored_file(c, "items.jsonl", &n);
    CHECK(t, table && n == c->n_table && !memcmp(table, c->table, n));
    const char *pack = stored_file(c, "files/pack.bin", &n);
    CHECK(t, pack && n == c->n_pack && !memcmp(pack, c->pack, n));
    CHECK_OK(t, qn_store_remove(&c->k.store, QN_DATASETS, c->id, &c->k.err), &c->k.err);
}

void test_store_import_resumes(qn_test *t)
{
    cut_import c;
    REQUIRE(t, begin_cut(&c, t));
    for (size_t n = 0; n <= c.n_table; n += 37)
        finish_cut(&c, n, c.n_pack);
    for (size_t n = 0; n <= c.n_pack; n += 3)
        finish_cut(&c, c.n_table, n);
    finish_cut(&c, c.n_table, c.n_pack);
    qn_store_kit_done(&c.k);
}

/* ---- what is not as it should be ------------------------------------------------- */

/* Every byte of a stored set's table and manifest changed or cut: it is refused with a
 * sentence or means the same. */
void test_store_set_damaged(qn_test *t)
{
    static const char *const names[] = {"items.jsonl", "manifest.json"};
    qn_store_kit k;
    char path[256];
    qn_store_kit_init(&k, t);
    qn_store_kit_idx(t);
    REQUIRE_OK(t, qn_store_kit_import(&k, "idx", "digits", false), &k.err);
    for (int f = 0; f < 2; f++) {
        size_t n;
        snprintf(path, sizeof path, "home/datasets/%s/%s", k.got.id, names[f]);
        const char *whole = qn_get_file(t, qn_temp(t, path), &n);
        REQUIRE(t, whole != NULL);
        char folder[QN_PATH_MAX], *bytes = qn_exact(t, n);
        qn_store_path(&k.store, QN_DATASETS, "", k.got.id, folder, NULL);
        for (size_t i = 0; i < 2 * n; i += i < n ? 1 : 5) {
            qn_dataset *set = NULL;
            memcpy(bytes, whole, n);
            if (i >= n) bytes[i - n] ^= 1 << (i % 7);
            qn_note(t, "%s, byte %zu of %zu", names[f], i % n, n);
            qn_set_kit_put(t, path, bytes, i < n ? i : n);
            const quern_status status =
                qn_dataset_open(&k.mem, folder, "stored", &set, &k.err);
            if (f == 0) CHECK(t, status != QUERN_OK);
            CHECK(t, status == QUERN_OK || strlen(k.err.text) > 10);
            qn_dataset_close(set);
        }
        qn_set_kit_put(t, path, whole, n);
    }
    qn_store_kit_done(&k);
}

void test_store_names(qn_test *t)
{
    static const char *const clean[] = {"a", "a/b", "files/pack.bin", ".x/..y"};
    static const char *const dirty[] = {"",     "/a",  "..", "a/../b",
                                        "a//b", "./a", "a/", "a/."};
    char slug[QN_ID_MAX - 16], name[QN_NAME_MAX + 1];
    for (size_t i = 0; i < sizeof clean / sizeof clean[0]; i++)
        CHECK(t, qn_path_is_clean(clean[i]));
    for (size_t i = 0; i < sizeof dirty / sizeof dirty[0]; i++)
        CHECK(t, !qn_path_is_clean(dirty[i]));
    qn_store_slug("My  Flowers (2026)!", slug);
    CHECK_STR(t, slug, "my-flowers-2026");
    qn_store_slug("\xd0\xb6", slug);
    CHECK_STR(t, slug, "unnamed");
    CHECK(t, qn_store_is_id("a-1") && !qn_store_is_id("A") && !qn_store_is_id("-a"));
    CHECK(t, !qn_store_is_id("..") && !qn_store_is_id("") && !qn_store_is_id("a/b"));
    qn_store_name_of("/x/list.csv", name);
    CHECK_STR(t, name, "list");
    qn_store_name_of("/x/..y//", name);
    CHECK_STR(t, name, "y");
    qn_store_name_of("/", name);
    CHECK_STR(t, name, "unnamed");
}

/* A store that others may write to, or that is a link, is not used. */
void test_store_is_private(qn_test *t)
{
    qn_store_kit k;
    struct stat st;
    qn_store_kit_init(&k, t);
    qn_store_kit_idx(t);
    REQUIRE_OK(t, qn_store_kit_import(&k, "idx", "digits", false), &k.err);
    char path[256];
    snprintf(path, sizeof path, "home/datasets/%s/files/pack.bin", k.got.id);
    CHECK(t, stat(qn_temp(t, path), &st) == 0 && (st.st_mode & 0777) == 0600);
    CHECK(t,
          stat(qn_temp(t, "home/datasets"), &st) == 0 && (st.st_mode & 0777) == 0700);
    chmod(qn_temp(t, "home/models"), 0770);
    CHECK_FAILS(t, qn_store_open(&k.store, &k.mem, qn_temp(t, "home"), true, &k.err),
                QUERN_IO, &k.err, "others may write to it (its mode is 770");
    chmod(qn_temp(t, "home/models"), 0700);
    REQUIRE(t, symlink("home", qn_temp(t, "link")) == 0);
    CHECK_FAILS(t, qn_store_open(&k.store, &k.mem, qn_temp(t, "link"), false, &k.err),
                QUERN_IO, &k.err, "it is no folder");
    if (geteuid() == 0) {
        REQUIRE(t, chown(qn_temp(t, "home"), 12345, 0) == 0);
        CHECK_FAILS(t,
                    qn_store_open(&k.store, &k.mem, qn_temp(t, "home"), false, &k.err),
                    QUERN_IO, &k.err, "it belongs to user 12345, and you are 0");
    }
    qn_store_kit_done(&k);
}

/* ---- changing -------------------------------------------------------------------- */

/* Dogs become cats, the others of the test split go. */
static qn_item_fate change(void *ctx, qn_stored_item *item)
{
    (void)ctx;
    if (item->split == QN_SPLIT_TEST) return QN_ITEM_GOES;
    if (item->label == 0) return QN_ITEM_STAYS;
    item->label = 0;
    return QN_ITEM_CHANGED;
}

void test_store_rewrite(qn_test *t)
{
    qn_store_kit k;
    qn_object object;
    qn_dataset *set;
    qn_rewriting how = {.judge = change, .is_dry = true};
    if (!qn_set_kit_decodes(t)) return;
    qn_store_kit_init(&k, t);
    qn_store_kit_csv(t);
    REQUIRE_OK(t, qn_store_kit_import(&k, "set/list.csv", "pets", false), &k.err);
    REQUIRE_OK(t,
               qn_store_find(&k.store, QN_DATASETS, "pets", &k.arena, &object, &k.err),
               &k.err);
    const uint64_t before = qn_store_kit_digest(t, "home");
    REQUIRE_OK(t, qn_store_rewrite(&k.store, &object, &how, &k.arena, &k.err), &k.err);
    CHECK(t, how.n_changed == 2 && how.n_gone == 2);
    CHECK(t, qn_store_kit_digest(t, "home") == before);
    how.is_dry = false;
    REQUIRE_OK(t, qn_store_rewrite(&k.store, &object, &how, &k.arena, &k.err), &k.err);
    CHECK(t, object.n_items == 3 && object.in_split[QN_SPLIT_TEST] == 0);
    REQUIRE(t, open_stored(&k, &set));
    CHECK(t, set->n == 3 && set->label[0] == 0 && set->label[2] == 0);
    CHECK_STR(t, set->name[2], "2.bmp");
    qn_image image;
    CHECK_OK(t, qn_dataset_read(set, 2, &k.arena, &image, &k.err), &k.err);
    CHECK_EQ(t, image.pixels[0], 21);
    qn_dataset_close(set);
    char path[256];
    snprintf(path, sizeof path, "home/datasets/%s/files/pack.bin", k.got.id);
    CHECK(t, qn_path_look(qn_temp(t, path)) == QN_PATH_ABSENT);
    qn_store_kit_done(&k);
}

void test_store_set_and_remove(qn_test *t)
{
    qn_store_kit k;
    qn_object object;
    qn_store_kit_init(&k, t);
    qn_store_kit_idx(t);
    REQUIRE_OK(t, qn_store_kit_import(&k, "idx", "one", false), &k.err);
    REQUIRE_OK(t, qn_store_kit_import(&k, "idx", "two", false), &k.err);
    const qn_store *s = &k.store;
    CHECK_FAILS(t, qn_store_set(s, QN_DATASETS, "two", "name", "one", &k.err),
                QUERN_INVALID, &k.err, "a data set 'one' is in the store already");
    CHECK_FAILS(t, qn_store_set(s, QN_DATASETS, "two", "name", "a/b", &k.err),
                QUERN_INVALID, &k.err, "has no '/'");
    CHECK_FAILS(t, qn_store_set(s, QN_DATASETS, "two", "colour", "red", &k.err),
                QUERN_INVALID, &k.err, "there are name, note, licence");
    CHECK_OK(t, qn_store_set(s, QN_DATASETS, "two", "name", "three", &k.err), &k.err);
    CHECK_OK(t, qn_store_set(s, QN_DATASETS, "three", "note", "seen", &k.err), &k.err);
    REQUIRE_OK(t, qn_store_find(s, QN_DATASETS, "three", &k.arena, &object, &k.err),
               &k.err);
    CHECK_STR(t, object.note, "seen");
    CHECK_STR(t, object.id, k.got.id);
    CHECK_OK(t, qn_store_remove(s, QN_DATASETS, "one", &k.err), &k.err);
    CHECK_FAILS(t, qn_store_remove(s, QN_DATASETS, "one", &k.err), QUERN_IO, &k.err,
                "the store has no data set 'one'");
    CHECK_OK(t, qn_store_remove(s, QN_DATASETS, k.got.id, &k.err), &k.err);
    CHECK(t, rmdir(qn_temp(t, "home/datasets")) == 0);
    qn_store_kit_done(&k);
}
