/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_archive.c - data sets in zip and tar archives, and archives that are made
 * to harm whoever unpacks them. */
#include "engine/os.h"
#include "formats/buffer.h"
#include "formats/deflate.h"
#include "formats/plugin.h"
#include "formats/zip_check.h"
#include "tests/dataset_kit.h"

#include <stdio.h>
#include <string.h>

/* ---- writing -------------------------------------------------------------------- */

/* A stored entry; mode 0: a regular file. */
typedef struct entry {
    const char *name, *bytes;
    unsigned mode, flags;
    int same_as;     /* its local header is that of this entry; -1: its own */
    uint32_t beyond; /* added to its declared sizes */
} entry;

#define FILE_OF(name, bytes)     \
    {                            \
        name, bytes, 0, 0, -1, 0 \
    }
enum { LINK_MODE = 0120777 };

static void put_head(qn_buf *to, const entry *e, uint32_t n)
{
    qn_buf_u16le(to, 20);
    qn_buf_u16le(to, e->flags);
    qn_buf_u16le(to, 0);
    qn_buf_u32le(to, 0x00210000);
    qn_buf_u32le(to, qn_crc32(0, e->bytes, n));
    qn_buf_u32le(to, n + e->beyond);
    qn_buf_u32le(to, n + e->beyond);
    qn_buf_u16le(to, (uint32_t)strlen(e->name));
    qn_buf_u16le(to, 0);
}

static void put_zip(qn_set_kit *k, const char *name, const entry *e, int n)
{
    qn_buf zip, dir;
    uint32_t offset[16];
    qn_buf_init(&zip, &k->mem);
    qn_buf_init(&dir, &k->mem);
    for (int i = 0; i < n; i++) {
        const uint32_t size = (uint32_t)strlen(e[i].bytes);
        offset[i] = e[i].same_as < 0 ? (uint32_t)zip.n : offset[e[i].same_as];
        if (e[i].same_as < 0) {
            qn_buf_add(&zip, "PK\3\4", 4);
            put_head(&zip, e + i, size);
            qn_buf_text(&zip, e[i].name);
            qn_buf_add(&zip, e[i].bytes, size);
        }
        qn_buf_add(&dir, "PK\1\2", 4);
        qn_buf_u16le(&dir, 3 << 8 | 20); /* made on Unix: modes count */
        put_head(&dir, e + i, size);
        qn_buf_add(&dir, "\0\0\0\0\0\0", 6);
        qn_buf_u32le(&dir, (e[i].mode ? e[i].mode : 0100644) << 16);
        qn_buf_u32le(&dir, offset[i]);
        qn_buf_text(&dir, e[i].name);
    }
    const uint32_t at = (uint32_t)zip.n;
    qn_buf_add(&zip, dir.p, dir.n);
    qn_buf_add(&zip, "PK\5\6\0\0\0\0", 8);
    qn_buf_u16le(&zip, (uint32_t)n);
    qn_buf_u16le(&zip, (uint32_t)n);
    qn_buf_u32le(&zip, (uint32_t)dir.n);
    qn_buf_u32le(&zip, at);
    qn_buf_u16le(&zip, 0);
    qn_set_kit_put(k->t, name, zip.p, zip.n);
    qn_buf_done(&zip);
    qn_buf_done(&dir);
}

/* One ustar entry of a kind ('0' file, '1' and '2' links, '3' device, '5' folder). */
static void put_tar_entry(qn_buf *to, const char *name, char kind, const char *bytes)
{
    char head[512] = {0};
    unsigned sum = 8 * ' ';
    const size_t n = strlen(bytes);
    snprintf(head, 100, "%s", name);
    snprintf(head + 100, 8, "0000644");
    snprintf(head + 124, 12, "%011o", kind == '0' ? (unsigned)n : 0);
    head[156] = kind;
    if (kind == '1' || kind == '2') snprintf(head + 157, 100, "/etc/passwd");
    memcpy(head + 257, "ustar\00000", 8);
    for (size_t i = 0; i < sizeof head; i++)
        sum += (unsigned char)head[i];
    snprintf(head + 148, 8, "%06o", sum);
    head[155] = ' ';
    qn_buf_add(to, head, sizeof head);
    if (kind != '0') return;
    qn_buf_add(to, bytes, n);
    while (to->n % 512)
        qn_buf_byte(to, 0);
}

static void put_tar(qn_set_kit *k, const char *name, const char *inside, char kind)
{
    static const char zeros[1024];
    qn_buf tar;
    qn_buf_init(&tar, &k->mem);
    put_tar_entry(&tar, "./set.csv", '0', "path,label\n");
    put_tar_entry(&tar, inside, kind, "x");
    qn_buf_add(&tar, zeros, sizeof zeros);
    qn_set_kit_put(k->t, name, tar.p, tar.n);
    qn_buf_done(&tar);
}

/* ---- reading -------------------------------------------------------------------- */

static bool begin(qn_set_kit *k, qn_test *t)
{
    char path[QN_PATH_MAX];
    if (!qn_plugin_find("archive", path)) {
        qn_skip(t, "libarchive is not there");
        return false;
    }
    qn_set_kit_init(k, t);
    CHECK(t, qn_dir_make(qn_temp(t, "scratch"), NULL) == QUERN_OK);
    return true;
}

static quern_status open_as(qn_set_kit *k, const char *name, qn_dataset_options o)
{
    char scratch[QN_PATH_MAX];
    snprintf(scratch, sizeof scratch, "%s", qn_temp(k->t, "scratch"));
    o.scratch = scratch;
    qn_dataset_close(k->set);
    k->err = (quern_error){0};
    return qn_dataset_open_as(&k->mem, qn_temp(k->t, name), &o, &k->set, &k->err);
}

/* Whatever came of it, nothing of it is left. */
static void check_clean(qn_set_kit *k)
{
    const char *const *names;
    int n;
    qn_dataset_close(k->set);
    k->set = NULL;
    CHECK(k->t, qn_dir_list(qn_temp(k->t, "scratch"), &k->arena, &names, &n, NULL) ==
                    QUERN_OK);
    CHECK_EQ(k->t, n, 0);
}

static void refuses(qn_set_kit *k, const char *name, qn_dataset_options o,
                    quern_status status, const char *part)
{
    CHECK_FAILS(k->t, open_as(k, name, o), status, &k->err, part);
    CHECK(k->t, !strstr(k->err.text, "/scratch/"));
    check_clean(k);
}

static void put_picture(qn_test *t, const char *name, int gray)
{
    qn_set_kit_picture(t, name, (uint8_t)gray);
}

static void make_set(qn_test *t)
{
    put_picture(t, "in/photos/train/cat/a.bmp", 1);
    put_picture(t, "in/photos/train/dog/b.bmp", 2);
    put_picture(t, "in/photos/test/dog/c.bmp", 3);
}

/* ---- good ones ------------------------------------------------------------------ */

void test_archive_tar(qn_test *t)
{
    qn_set_kit k;
    char command[2 * QN_PATH_MAX], text[256];
    qn_image image;
    if (!begin(&k, t)) return;
    make_set(t);
    snprintf(command, sizeof command,
             "cd '%s' && tar czf set.tgz -C in photos && tar cf set.tar -C in/photos .",
             qn_temp(t, "."));
    REQUIRE(t, qn_shell(t, command, NULL) == 0);
    for (int i = 0; i < 2; i++) {
        const char *name = i ? "set.tar" : "set.tgz";
        CHECK_OK(t, open_as(&k, name, (qn_dataset_options){0}), &k.err);
        REQUIRE(t, k.set && k.set->n == 3);
        CHECK_STR(t, k.set->format->name, "folders, packed");
        CHECK_STR(t, k.set->path, qn_temp(t, name));
        CHECK_STR(t, qn_set_kit_classes(&k, text), "cat dog");
        CHECK_STR(t, k.set->name[0], "train/cat/a.bmp");
        CHECK_EQ(t, k.set->split[2], QN_SPLIT_TEST);
        if (qn_set_kit_decodes(t)) {
            CHECK_OK(t, qn_dataset_read(k.set, 2, &k.arena, &image, &k.err), &k.err);
            CHECK_EQ(t, image.pixels[0], 3);
        }
        check_clean(&k);
    }
    qn_set_kit_done(&k);
}

/* A single file is the set: here a manifest. */
void test_archive_zip(qn_test *t)
{
    static const entry good[] = {FILE_OF("__MACOSX/x", ""),
                                 FILE_OF("set.csv", "path,label\n/dev/null,1\n"),
                                 FILE_OF(".hidden", "y")};
    qn_set_kit k;
    if (!begin(&k, t)) return;
    put_zip(&k, "one.zip", good, 3);
    refuses(&k, "one.zip", (qn_dataset_options){0}, QUERN_FORMAT,
            "one.zip/set.csv: all 1 items are refused");
    size_t n;
    const char *whole = qn_get_file(t, qn_temp(t, "one.zip"), &n);
    REQUIRE(t, whole != NULL);
    for (size_t cut = 0; cut < n; cut++) {
        const void *part = memcpy(qn_exact(t, cut), whole, cut);
        CHECK(t, qn_zip_check(part, cut, 9, 999, &k.mem, &k.err) != QUERN_OK);
        CHECK(t, strlen(k.err.text) > 10);
        if (cut % 16) continue;
        qn_set_kit_put(t, "cut.zip", whole, cut);
        CHECK(t, open_as(&k, "cut.zip", (qn_dataset_options){0}) != QUERN_OK);
    }
    check_clean(&k);
    qn_set_kit_done(&k);
}

/* ---- bad ones ------------------------------------------------------------------- */

static const struct {
    entry e[2];
    quern_status status;
    const char *part;
} bad[] = {
    {{FILE_OF("a", "x"), FILE_OF("../b", "x")}, QUERN_FORMAT, "'../b' in it leads out"},
    {{FILE_OF("a", "x"), FILE_OF("c/../../b", "x")}, QUERN_FORMAT, "leads out"},
    {{FILE_OF("a", "x"), FILE_OF("/b", "x")},
     QUERN_FORMAT,
     "'/b' in it is an absolute"},
    {{FILE_OF("a", "x"), FILE_OF("a", "y")}, QUERN_FORMAT, "'a' is in it twice"},
    {{FILE_OF("a", "x"), FILE_OF("./a", "y")}, QUERN_FORMAT, "twice"},
    {{FILE_OF("a", "x"), FILE_OF("b\x1b[1m", "y")}, QUERN_FORMAT, "no UTF-8 text"},
    {{FILE_OF("a", "x"), {"b", "/etc", LINK_MODE, 0, -1, 0}},
     QUERN_FORMAT,
     "'b' in it is a link"},
    {{FILE_OF("a", "x"), {"b", "y", 0, 1, -1, 0}},
     QUERN_UNSUPPORTED,
     "'b' in it is encrypted"},
    {{FILE_OF("a", "x"), {"b", "x", 0, 0, 0, 0}}, QUERN_FORMAT, "entries overlap"},
    {{FILE_OF("a", "x"), {"b", "x", 0, 0, -1, 999}}, QUERN_FORMAT, "outside the file"},
    {{FILE_OF("a", "x"), FILE_OF("a/b", "y")}, QUERN_IO, "a"},
};

void test_archive_bad_zip(qn_test *t)
{
    qn_set_kit k;
    if (!begin(&k, t)) return;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        qn_note(t, "%s", bad[i].part);
        put_zip(&k, "bad.zip", bad[i].e, 2);
        refuses(&k, "bad.zip", (qn_dataset_options){0}, bad[i].status, bad[i].part);
    }
    CHECK(t, qn_path_look(qn_temp(t, "b")) == QN_PATH_ABSENT);
    qn_set_kit_text(t, "text.zip", "PK\3\4 and no more");
    refuses(&k, "text.zip", (qn_dataset_options){0}, QUERN_FORMAT,
            "without a zip directory");
    qn_set_kit_text(t, "text.tar", "no archive at all");
    refuses(&k, "text.tar", (qn_dataset_options){0}, QUERN_FORMAT,
            "cannot be unpacked");
    qn_set_kit_done(&k);
}

void test_archive_bad_tar(qn_test *t)
{
    static const struct {
        const char *name;
        char kind;
        const char *part;
    } cases[] = {
        {"a", '2', "'a' in it is a link"},   {"a", '1', "'a' in it is a link"},
        {"a", '3', "is no regular file"},    {"a", '6', "is no regular file"},
        {"/tmp/a", '0', "an absolute name"}, {"x/../../a", '0', "leads out"},
        {"../a/", '5', "leads out"},         {"set.csv", '0', "is in it twice"}};
    qn_set_kit k;
    size_t n;
    if (!begin(&k, t)) return;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        qn_note(t, "%s %c", cases[i].name, cases[i].kind);
        put_tar(&k, "bad.tar", cases[i].name, cases[i].kind);
        refuses(&k, "bad.tar", (qn_dataset_options){0}, QUERN_FORMAT, cases[i].part);
    }
    put_tar(&k, "inside.tar", "b", '0');
    const char *whole = qn_get_file(t, qn_temp(t, "inside.tar"), &n);
    REQUIRE(t, whole != NULL);
    for (size_t cut = 0; cut < n; cut += cut % 512 == 511 ? 1 : 73) {
        qn_set_kit_put(t, "cut.tar", whole, cut);
        CHECK(t, open_as(&k, "cut.tar", (qn_dataset_options){0}) != QUERN_OK);
        CHECK(t, strlen(k.err.text) > 10);
    }
    check_clean(&k);
    qn_set_kit_done(&k);
}

/* ---- budgets -------------------------------------------------------------------- */

static int always(void *ctx)
{
    (void)ctx;
    return 1;
}

void test_archive_budgets(qn_test *t)
{
    static const entry two[] = {FILE_OF("a.bmp", "0123456789"), FILE_OF("b.bmp", "x")};
    qn_set_kit k;
    char command[2 * QN_PATH_MAX];
    if (!begin(&k, t)) return;
    put_zip(&k, "two.zip", two, 2);
    refuses(&k, "two.zip", (qn_dataset_options){.entries = 1}, QUERN_LIMIT,
            "2 entries; at most 1 (--limit entries)");
    refuses(&k, "two.zip", (qn_dataset_options){.unpacked = 10}, QUERN_LIMIT,
            "declare more than 10 bytes (--limit unpacked)");
    refuses(&k, "two.zip", (qn_dataset_options){.cancel = always}, QUERN_CANCELLED,
            "stopped");
    put_tar(&k, "two.tar", "b", '0');
    refuses(&k, "two.tar", (qn_dataset_options){.entries = 1}, QUERN_LIMIT,
            "more than 1 entries");
    refuses(&k, "two.tar", (qn_dataset_options){.unpacked = 11}, QUERN_LIMIT,
            "unpacks to more than 11 bytes");
    snprintf(command, sizeof command,
             "cd '%s' && head -c 12000000 /dev/zero > z && tar czf bomb.tgz z",
             qn_temp(t, "."));
    REQUIRE(t, qn_shell(t, command, NULL) == 0);
    refuses(&k, "bomb.tgz", (qn_dataset_options){0}, QUERN_LIMIT, "over 200 to 1");
    qn_set_kit_done(&k);
}

/* An archive inside is not unpacked, too. */
void test_archive_nested(qn_test *t)
{
    static const entry inner[] = {FILE_OF("a.tar", "x")};
    qn_set_kit k;
    if (!begin(&k, t)) return;
    put_zip(&k, "outer.zip", inner, 1);
    refuses(&k, "outer.zip", (qn_dataset_options){0}, QUERN_UNSUPPORTED,
            "outer.zip/a.tar: an archive within an archive");
    qn_set_kit_done(&k);
}

/* ---- the command ---------------------------------------------------------------- */

/* TMPDIR is empty after every end: well, refused, interrupted. */
void test_archive_command(qn_test *t)
{
    qn_set_kit k;
    char command[4 * QN_PATH_MAX];
    const char *out, *build = qn_build(t);
    if (!begin(&k, t)) return;
    make_set(t);
    snprintf(command, sizeof command, "tar czf '%s' -C '%s' photos",
             qn_temp(t, "set.tgz"), qn_temp(t, "in"));
    REQUIRE(t, qn_shell(t, command, NULL) == 0);
    for (int few = 0; few < 2; few++) {
        snprintf(command, sizeof command, "TMPDIR='%s' %s/quern data info '%s' %s",
                 qn_temp(t, "scratch"), build, qn_temp(t, "set.tgz"),
                 few ? "--limit entries=2" : "");
        CHECK_EQ(t, qn_shell(t, command, &out), few ? 4 : 0);
        CHECK_HAS(t, out,
                  few ? "more than 2 entries" : "folders, packed, 3 items of 2");
        check_clean(&k);
    }
    snprintf(command, sizeof command,
             "TMPDIR='%s' timeout --foreground --preserve-status -s INT 2 "
             "%s/quern train '%s' --out "
             "'%s' --arch tiny "
             "--epochs 100000 --quiet --val 0 --batch 2",
             qn_temp(t, "scratch"), build, qn_temp(t, "set.tgz"), qn_temp(t, "run"));
    CHECK_EQ(t, qn_shell(t, command, &out), 130);
    CHECK(t, qn_path_is_folder(qn_temp(t, "run")));
    check_clean(&k);
    qn_set_kit_done(&k);
}

/* How many folders are in TMPDIR. */
static int n_scratch(qn_set_kit *k)
{
    const char *const *names;
    int n = -1;
    CHECK(k->t, qn_dir_list(qn_temp(k->t, "scratch"), &k->arena, &names, &n, NULL) ==
                    QUERN_OK);
    return n;
}

/* The folder of a process that was killed goes with the next; that of one that is
 * still at work stays, and so does what only looks like ours. */
void test_archive_killed(qn_test *t)
{
    qn_set_kit k;
    char command[8 * QN_PATH_MAX];
    const char *out, *scratch = qn_temp(t, "scratch"), *set = qn_temp(t, "set.tgz");
    if (!begin(&k, t)) return;
    make_set(t);
    snprintf(command, sizeof command, "tar czf '%s' -C '%s' photos", set,
             qn_temp(t, "in"));
    REQUIRE(t, qn_shell(t, command, NULL) == 0);
    qn_set_kit_text(t, "scratch/quern-scratch-0123456789abcdef01234567-x/a", "mine");
    qn_set_kit_text(t, "scratch/quern-scratch-0123456789abcdef0123456g/a", "mine");
    snprintf(
        command, sizeof command,
        "export TMPDIR='%s'; '%s/quern' train '%s' --out '%s' --arch tiny --epochs "
        "100000 --quiet --val 0 --batch 2 >/dev/null 2>&1 & p=$!; "
        "for i in $(seq 600); do [ -s '%s/metrics.jsonl' ] && break; sleep 0.1; "
        "done; ls '%s' | wc -l; '%s/quern' data info '%s' >/dev/null || echo bad; "
        "ls '%s' | wc -l; kill -9 $p; wait $p 2>/dev/null",
        scratch, qn_build(t), set, qn_temp(t, "run"), qn_temp(t, "run"), scratch,
        qn_build(t), set, scratch);
    CHECK_EQ(t, qn_shell(t, command, &out), 137);
    CHECK_STR(t, out, "3\n3\n");
    CHECK_EQ(t, n_scratch(&k), 3);
    snprintf(command, sizeof command, "TMPDIR='%s' '%s/quern' data info '%s'", scratch,
             qn_build(t), set);
    CHECK_EQ(t, qn_shell(t, command, &out), 0);
    CHECK_EQ(t, n_scratch(&k), 2);
    qn_set_kit_done(&k);
}
