/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_tar.c - tar archives: what is written is read again and is what GNU tar
 * reads; names that lead out, cut and damaged archives. */
#include "formats/tar.h"
#include "tests/test.h"

#include <stdio.h>
#include <string.h>

typedef struct kit {
    qn_mem mem;
    qn_buf out;
} kit;

static void begin(kit *k)
{
    qn_mem_init(&k->mem, NULL, 0);
    qn_buf_init(&k->out, &k->mem);
}

static void put(kit *k, const char *name, const char *text)
{
    qn_tar_put_header(&k->out, name, strlen(text));
    qn_buf_text(&k->out, text);
    qn_tar_pad(&k->out, strlen(text));
}

/* Takes all entries; how many files there were, or -1. */
static int walk(const void *bytes, size_t n, quern_error *err)
{
    qn_tar tar = {.left = {bytes, n, 0}};
    qn_tar_entry e;
    int files = 0;
    for (bool found;;) {
        if (qn_tar_next(&tar, &e, &found, err) != QUERN_OK) return -1;
        if (!found) return files;
        if (e.data.offset + e.data.n > n) return -2;
        files += e.kind == QN_TAR_FILE;
    }
}

/* A name of n bytes, a slash in the middle. */
static const char *long_name(qn_test *t, size_t n)
{
    char *name = qn_exact(t, n + 1);
    memset(name, 'n', n);
    name[n / 2] = '/';
    name[n] = 0;
    return name;
}

void test_tar_names(qn_test *t)
{
    const char *const names[] = {"a",
                                 "cat/\xc3\xa4.png",
                                 long_name(t, 100),
                                 long_name(t, 101),
                                 long_name(t, 255),
                                 long_name(t, 256),
                                 long_name(t, 986),
                                 long_name(t, 990),
                                 long_name(t, 4000)};
    const int n = sizeof names / sizeof names[0];
    kit k;
    quern_error err;
    qn_tar_entry e;
    bool found;
    begin(&k);
    for (int i = 0; i < n; i++)
        put(&k, names[i], names[i]);
    qn_tar_put_end(&k.out);
    CHECK(t, qn_tar_is(k.out.p, k.out.n));
    qn_tar tar = {.left = {(const uint8_t *)k.out.p, k.out.n, 0}};
    for (int i = 0; i < n; i++) {
        qn_note(t, "name %d", i);
        REQUIRE_OK(t, qn_tar_next(&tar, &e, &found, &err), &err);
        REQUIRE(t, found);
        CHECK_STR(t, e.name, names[i]);
        CHECK_EQ(t, e.kind, QN_TAR_FILE);
        CHECK(t, qn_span_equal(&e.data, names[i]));
    }
    CHECK_OK(t, qn_tar_next(&tar, &e, &found, &err), &err);
    CHECK(t, !found);
    qn_buf_done(&k.out);
}

void test_tar_gnu(qn_test *t)
{
    kit k;
    char command[1024];
    const char *out;
    quern_error err;
    size_t n;
    begin(&k);
    put(&k, "x/one.txt", "first");
    put(&k, long_name(t, 180), "second");
    put(&k, "\xce\xb1.txt", "third");
    qn_tar_put_end(&k.out);
    qn_put_file(t, qn_temp(t, "own.tar"), k.out.p, k.out.n);
    qn_buf_done(&k.out);
    snprintf(command, sizeof command,
             "cd %s && tar xf own.tar && cat x/one.txt n*/n* ?.txt ??.txt 2>&1; "
             "for f in gnu ustar pax; do tar cf $f.tar --format=$f x n* *.txt 2>&1 && "
             "ln -sf x l && mkfifo p; tar cf more.tar --format=pax x l p; done",
             qn_temp(t, ""));
    qn_shell(t, command, &out);
    CHECK_HAS(t, out, "firstsecond");
    for (int i = 0; i < 4; i++) {
        static const char *const files[] = {"gnu.tar", "ustar.tar", "pax.tar",
                                            "more.tar"};
        qn_note(t, "%s", files[i]);
        const char *bytes = qn_get_file(t, qn_temp(t, files[i]), &n);
        REQUIRE(t, bytes != NULL);
        CHECK_EQ(t, walk(bytes, n, &err), i < 3 ? 3 : 1);
    }
}

void test_tar_bad(qn_test *t)
{
    kit k;
    quern_error err;
    begin(&k);
    put(&k, "a.txt", "some text");
    put(&k, long_name(t, 300), "more");
    qn_tar_put_end(&k.out);
    for (size_t n = 0; n < k.out.n; n++) { /* whole entries and nothing else */
        uint8_t *cut = qn_exact(t, n);
        if (n) memcpy(cut, k.out.p, n);
        qn_note(t, "cut to %zu", n);
        const int files = walk(cut, n, &err);
        CHECK(t, files >= -1 && files <= 2);
        if (files < 0) CHECK_HAS(t, err.text, "entry at byte ");
    }
    uint8_t *bytes = qn_exact(t, k.out.n);
    for (size_t i = 0; i < 512; i++) { /* no bit of a header may be wrong */
        memcpy(bytes, k.out.p, k.out.n);
        bytes[i] ^= 0x11;
        qn_note(t, "byte %zu", i);
        CHECK_EQ(t, walk(bytes, k.out.n, &err), -1);
    }
    qn_buf_done(&k.out);
}

void test_tar_safe(qn_test *t)
{
    static const char *const good[] = {"a", "a/b", "./a", "..a", "a..", "a/...", "-x"};
    static const char *const bad[] = {"",      "/a",    "..",     "../a",  "a/../b",
                                      "a/..",  "a\\b",  "c:x",    "a/c:/", "a\nb",
                                      "\x1b[", "a\x7f", "./../x", "//x",   "a\tb"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        CHECK(t, qn_tar_is_safe(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        qn_note(t, "bad %zu", i);
        CHECK(t, !qn_tar_is_safe(bad[i]));
    }
}
