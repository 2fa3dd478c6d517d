/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_npy.c - .npy, .npz, IDX and gzip: what is written reads back, what is cut
 * or damaged is refused. */
#include "tests/test.h"

#include "formats/deflate.h"
#include "formats/idx.h"
#include "formats/npy.h"
#include "formats/npz.h"
#include "formats/zip_write.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct kit {
    qn_mem mem;
    qn_arena arena;
    quern_error err;
} kit;

static void kit_init(kit *k)
{
    qn_mem_init(&k->mem, NULL, (size_t)64 << 20);
    qn_arena_init(&k->arena, &k->mem);
    k->err = (quern_error){.status = QUERN_OK};
}

static void kit_done(qn_test *t, kit *k)
{
    qn_arena_done(&k->arena);
    CHECK_EQ(t, (int64_t)k->mem.used, 0);
}

/* A .npy file of version 1 from its header's text and data. */
static uint8_t *npy_of(qn_test *t, const char *header, const void *data, size_t n,
                       size_t *size)
{
    const size_t length = strlen(header);
    uint8_t *p = qn_exact(t, 10 + length + n);
    memcpy(p, "\x93NUMPY\1", 8);
    p[8] = (uint8_t)length;
    p[9] = (uint8_t)(length >> 8);
    for (size_t i = 0; i < length; i++)
        p[10 + i] = (uint8_t)header[i];
    if (n) memcpy(p + 10 + length, data, n);
    *size = 10 + length + n;
    return p;
}

void test_npy_round_trip(qn_test *t)
{
    kit k;
    qn_buf out;
    kit_init(&k);
    for (int type = QUERN_FLOAT; type <= QUERN_INT2; type++) {
        const int64_t dims[3][3] = {{2, 3, 1}, {0, 5, 2}, {7, 1, 1}};
        for (int rank = 0; rank <= 3; rank++) {
            qn_tensor a = {0}, b;
            qn_note(t, "%s rank %d", quern_dtype_name((quern_dtype)type), rank);
            qn_set_shape(&a, (quern_dtype)type, rank, dims[rank % 3]);
            REQUIRE_OK(t, qn_tensor_alloc(&k.arena, &a, &k.err), &k.err);
            memset(a.data, 0, qn_tensor_bytes(&a));
            for (int64_t i = 0; i < qn_tensor_count(&a); i++)
                if (type == QUERN_STRING)
                    ((qn_str *)a.data)[i] = (qn_str){"abc", (size_t)i % 4};
                else if (type != QUERN_COMPLEX64 && type != QUERN_COMPLEX128)
                    qn_set_real(&a, i, (double)(i % 2));
            qn_buf_init(&out, &k.mem);
            REQUIRE_OK(t, qn_npy_write(&out, &a, &k.err), &k.err);
            REQUIRE_OK(t, qn_npy_parse(out.p, out.n, &k.arena, &b, &k.err), &k.err);
            CHECK(t, qn_same_shape(&a, &b));
            for (int64_t i = 0; i < qn_tensor_count(&a); i++)
                if (type == QUERN_STRING)
                    CHECK_EQ(t, (int64_t)((qn_str *)b.data)[i].n, i % 4);
                else if (type != QUERN_COMPLEX64 && type != QUERN_COMPLEX128)
                    CHECK(t, qn_get_real(&a, i) == qn_get_real(&b, i));
            qn_buf_done(&out);
        }
    }
    kit_done(t, &k);
}

void test_npy_forms(qn_test *t)
{
    static const uint8_t big[] = {0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4};
    static const uint32_t wide[] = {0x41, 0x20ac, 0, 0x1f600, 0, 0};
    kit k;
    qn_tensor x;
    size_t n;
    kit_init(&k);
    const uint8_t *p = npy_of(
        t, "{'shape': (2, 2), 'fortran_order': True, 'descr': '>i4'}\n", big, 16, &n);
    REQUIRE_OK(t, qn_npy_parse(p, n, &k.arena, &x, &k.err), &k.err);
    CHECK_EQ(t, x.dtype, QUERN_INT32);
    CHECK_EQ(t, qn_get_int(&x, 0), 1);
    CHECK_EQ(t, qn_get_int(&x, 1), 3);
    CHECK_EQ(t, qn_get_int(&x, 2), 2);
    p = npy_of(t, "{'descr': '<U3', 'fortran_order': False, 'shape': (2,), }", wide, 24,
               &n);
    REQUIRE_OK(t, qn_npy_parse(p, n, &k.arena, &x, &k.err), &k.err);
    const qn_str *s = x.data;
    CHECK_EQ(t, x.dtype, QUERN_STRING);
    CHECK(t, s[0].n == 4 && !memcmp(s[0].p, "A\xe2\x82\xac", 4));
    CHECK(t, s[1].n == 4 && !memcmp(s[1].p, "\xf0\x9f\x98\x80", 4));
    kit_done(t, &k);
}

void test_npy_refuses(qn_test *t)
{
    static const char *const headers[] = {
        "",
        "{",
        "{}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (4,)",
        "{'descr': '<f4', 'fortran_order': Maybe, 'shape': (4,)}",
        "{'descr': '|O', 'fortran_order': False, 'shape': (4,)}",
        "{'descr': '<f3', 'fortran_order': False, 'shape': (4,)}",
        "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (4,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-4,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (5,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,4)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387905, 4)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
        "{'descr': '<U4611686018427387905', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '|S0', 'fortran_order': False, 'shape': (9223372036854775807,)}",
    };
    kit k;
    qn_tensor x;
    size_t n;
    kit_init(&k);
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        const uint8_t *p = npy_of(t, headers[i], "0123456789abcdef", 16, &n);
        qn_note(t, "%s", headers[i]);
        CHECK(t, qn_npy_parse(p, n, &k.arena, &x, &k.err) != QUERN_OK);
    }
    kit_done(t, &k);
}

/* Every prefix, in a block of exactly its size, must be refused. */
static void cut(qn_test *t, const void *bytes, size_t n,
                quern_status (*parse)(qn_arena *, const void *, size_t, quern_error *))
{
    kit k;
    kit_init(&k);
    for (size_t i = 0; i < n; i++) {
        void *part = qn_exact(t, i);
        if (i) memcpy(part, bytes, i);
        qn_note(t, "%zu of %zu bytes", i, n);
        CHECK(t, parse(&k.arena, part, i, &k.err) != QUERN_OK);
    }
    kit_done(t, &k);
}

static quern_status parse_npy(qn_arena *arena, const void *p, size_t n,
                              quern_error *err)
{
    qn_tensor x;
    return qn_npy_parse(p, n, arena, &x, err);
}

static quern_status parse_npz(qn_arena *arena, const void *p, size_t n,
                              quern_error *err)
{
    qn_npz_member *members;
    int count;
    return qn_npz_parse(arena, p, n, &members, &count, err);
}

static quern_status parse_idx(qn_arena *arena, const void *p, size_t n,
                              quern_error *err)
{
    qn_tensor x;
    return qn_idx_parse(arena, p, n, &x, err);
}

void test_npy_cut(qn_test *t)
{
    size_t n;
    const uint8_t *p =
        npy_of(t, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }",
               "0123456789abcdef", 16, &n);
    cut(t, p, n, parse_npy);
}

void test_npz(qn_test *t)
{
    kit k;
    qn_npz_member in[2] = {{.name = "x"}, {.name = "y"}}, *out;
    int n_out;
    size_t n;
    kit_init(&k);
    for (int i = 0; i < 2; i++) {
        qn_set_shape(&in[i].value, QUERN_FLOAT, 1, (int64_t[]){3 + i});
        REQUIRE_OK(t, qn_tensor_alloc(&k.arena, &in[i].value, &k.err), &k.err);
        for (int j = 0; j < 3 + i; j++)
            qn_set_real(&in[i].value, j, i + j);
    }
    const char *path = qn_temp(t, "a.npz");
    REQUIRE_OK(t, qn_npz_save(&k.mem, path, in, 2, &k.err), &k.err);
    REQUIRE_OK(t, qn_npz_load(&k.arena, path, &out, &n_out, &k.err), &k.err);
    REQUIRE(t, n_out == 2);
    CHECK_STR(t, out[1].name, "y");
    CHECK(t, qn_same_shape(&out[1].value, &in[1].value));
    CHECK(t, qn_get_real(&out[1].value, 3) == 4);
    char *bytes = qn_get_file(t, path, &n);
    cut(t, bytes, n, parse_npz);
    bytes[40 + 60] ^= 1; /* inside the first member */
    CHECK_FAILS(t, parse_npz(&k.arena, bytes, n, &k.err), QUERN_FORMAT, &k.err,
                "member 'x'");
    kit_done(t, &k);
}

/* An archive with every number in its 64-bit place, as a reader must take it. */
static void save_wide(qn_test *t, kit *k, const char *path, uint64_t far)
{
    qn_buf out, npy;
    qn_zip zip;
    qn_tensor x;
    static const char *const names[] = {"first.npy", "second.npy"};
    qn_buf_init(&out, &k->mem);
    qn_buf_init(&npy, &k->mem);
    qn_zip_begin_in(&zip, &out);
    zip.far = far;
    for (int i = 0; i < 2; i++) {
        qn_set_shape(&x, QUERN_UINT8, 1, (int64_t[]){50 * (1 + i)});
        REQUIRE_OK(t, qn_tensor_alloc(&k->arena, &x, &k->err), &k->err);
        for (int64_t j = 0; j < x.dim[0]; j++)
            ((uint8_t *)x.data)[j] = (uint8_t)(i + j);
        qn_buf_clear(&npy);
        CHECK_OK(t, qn_npy_write(&npy, &x, &k->err), &k->err);
        CHECK_OK(t, qn_zip_add(&zip, names[i], npy.p, npy.n, &k->err), &k->err);
    }
    CHECK_OK(t, qn_zip_end(&zip, &k->err), &k->err);
    qn_put_file(t, path, out.p, out.n);
    qn_zip_done(&zip);
    qn_buf_done(&npy);
    qn_buf_done(&out);
}

/* Zip64 forms: what fits 32 bits is written in 64 all the same. */
void test_npz_wide(qn_test *t)
{
    static const uint64_t fars[] = {UINT32_MAX, 300, 190, 0};
    char command[1024];
    kit k;
    kit_init(&k);
    for (int i = 0; i < 4; i++) {
        size_t n;
        int n_out;
        qn_npz_member *out;
        qn_note(t, "64 bits from %llu on", (unsigned long long)fars[i]);
        const char *path = qn_temp(t, "wide.npz");
        save_wide(t, &k, path, fars[i]);
        REQUIRE_OK(t, qn_npz_load(&k.arena, path, &out, &n_out, &k.err), &k.err);
        REQUIRE(t, n_out == 2 && out[1].value.dim[0] == 100);
        CHECK_STR(t, out[1].name, "second");
        CHECK_EQ(t, ((uint8_t *)out[1].value.data)[99], 100);
        char *bytes = qn_get_file(t, path, &n);
        cut(t, (uint8_t *)bytes, n, parse_npz);
        snprintf(
            command, sizeof command,
            "python3 -c 'import sys,zipfile; z=zipfile.ZipFile(sys.argv[1]); "
            "sys.exit(z.testzip() is not None or z.read(\"second.npy\")[-1]!=100)' "
            "%s",
            path);
        if (qn_shell(t, "python3 -c 'import zipfile'", NULL) == 0)
            CHECK_EQ(t, qn_shell(t, command, NULL), 0);
    }
    kit_done(t, &k);
}

/* A member that lies beyond 4 GiB, in a file that is mostly a hole, is written and
 * read. */
void test_npz_far(qn_test *t)
{
    const size_t hole = (size_t)5 << 30;
    kit k;
    qn_out_file file;
    qn_zip zip;
    qn_npz *npz;
    qn_tensor x;
    static const uint8_t npy[] = "\x93NUMPY\1\0\72\0{'descr': '|u1', "
                                 "'fortran_order': False, 'shape': (3,), }\n\1\2\3";
    const char *path = qn_temp(t, "far.npz");
    kit_init(&k);
    qn_put_file(t, path, "", 0);
    if (truncate(path, (off_t)hole) != 0) {
        qn_skip(t, "no file of 5 GiB with a hole can be made here");
        kit_done(t, &k);
        return;
    }
    REQUIRE_OK(t, qn_out_append(NULL, path, hole, &file, &k.err), &k.err);
    qn_zip_begin(&zip, &file, &k.mem);
    CHECK_OK(t, qn_zip_add(&zip, "x.npy", npy, sizeof npy - 1, &k.err), &k.err);
    CHECK_OK(t, qn_zip_end(&zip, &k.err), &k.err);
    qn_zip_done(&zip);
    qn_out_close(&file);
    REQUIRE_OK(t, qn_npz_open(&k.arena, path, &npz, &k.err), &k.err);
    CHECK_STR(t, qn_npz_name(npz, 0), "x");
    CHECK_OK(t, qn_npz_read(npz, 0, &k.arena, &x, &k.err), &k.err);
    CHECK_EQ(t, ((uint8_t *)x.data)[2], 3);
    CHECK_OK(t, qn_npz_view(npz, 0, &k.arena, &x, &k.err), &k.err);
    CHECK_EQ(t, ((uint8_t *)x.data)[0], 1);
    qn_npz_close(npz);
    kit_done(t, &k);
}

static const uint8_t idx[] = {0, 0, 0x0b, 2, 0, 0, 0, 2, 0, 0, 0, 1, 1, 2, 0xff, 0xfe};

void test_idx(qn_test *t)
{
    kit k;
    qn_tensor x;
    kit_init(&k);
    REQUIRE_OK(t, qn_idx_parse(&k.arena, idx, sizeof idx, &x, &k.err), &k.err);
    CHECK_EQ(t, x.dtype, QUERN_INT16);
    CHECK_EQ(t, x.dim[0], 2);
    CHECK_EQ(t, qn_get_int(&x, 0), 258);
    CHECK_EQ(t, qn_get_int(&x, 1), -2);
    cut(t, idx, sizeof idx, parse_idx);
    static const uint8_t huge[] = {0,   0,   8,   3,   255, 255, 255, 255,
                                   255, 255, 255, 255, 255, 255, 255, 255};
    CHECK(t, qn_idx_parse(&k.arena, huge, sizeof huge, &x, &k.err) != QUERN_OK);
    kit_done(t, &k);
}

void test_gzip(qn_test *t)
{
    /* printf hello | gzip -n */
    static const uint8_t packed[] = {0x1f, 0x8b, 8,    0,    0,    0,    0, 0, 0,
                                     3,    0xcb, 0x48, 0xcd, 0xc9, 0xc9, 7, 0, 0x86,
                                     0xa6, 0x10, 0x36, 5,    0,    0,    0};
    kit k;
    qn_buf out;
    kit_init(&k);
    qn_buf_init(&out, &k.mem);
    if (qn_gunzip(packed, sizeof packed, 100, &out, &k.err) == QUERN_UNSUPPORTED) {
        qn_skip(t, "built without zlib");
        return;
    }
    CHECK_STR(t, out.p, "hello");
    for (size_t i = 0; i < sizeof packed; i++) {
        qn_buf_clear(&out);
        const quern_status status = qn_gunzip(packed, i, 100, &out, &k.err);
        qn_note(t, "%zu bytes", i);
        CHECK(t, status != QUERN_OK || i == 0);
    }
    qn_buf_clear(&out);
    CHECK_FAILS(t, qn_gunzip(packed, sizeof packed, 4, &out, &k.err), QUERN_LIMIT,
                &k.err, "4 bytes");
    qn_buf_done(&out);
    kit_done(t, &k);
}
