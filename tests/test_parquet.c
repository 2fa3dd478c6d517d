/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_parquet.c - Parquet files of two other writers (tests/parquet_oracle.py),
 * in every codec and encoding; codecs by hand; damage; a folder of files as one set. */
#include "formats/lz4.h"
#include "formats/parquet.h"
#include "formats/parquet_rows.h"
#include "formats/plugin.h"
#include "formats/snappy.h"
#include "tests/dataset_kit.h"

#include <stdio.h>
#include <string.h>

#define SAMPLES "tests/data/parquet/"
enum { N = 21 }; /* rows of each sample */

static const char *const samples[] = {
    "none_v1_plain",   "snappy_v1_dict", "gzip_v2_plain",
    "brotli_v1_plain", "lz4_v1_dict",    "zstd_v2_dict",
    "delta_v1",        "delta_v2",       "fastparquet"};
#define N_SAMPLES (sizeof samples / sizeof samples[0])

static const char *sample_path(const char *name, char room[256])
{
    snprintf(room, 256, SAMPLES "%s.parquet", name);
    return room;
}

/* Whether this build can unpack the sample. */
static bool is_readable(const char *name)
{
    char path[QN_PATH_MAX];
    if (!strncmp(name, "zstd", 4)) return qn_plugin_find("zstd", path);
    if (!strncmp(name, "brotli", 6)) return qn_plugin_find("brotli", path);
#ifndef QN_HAVE_ZLIB
    if (!strncmp(name, "gzip", 4)) return false;
#endif
    return true;
}

static void open_sample(qn_set_kit *k, const char *name)
{
    char room[256];
    qn_dataset_close(k->set);
    k->err = (quern_error){0};
    qn_note(k->t, "%s", name);
    CHECK_OK(k->t,
             qn_dataset_open(&k->mem, sample_path(name, room), NULL, &k->set, &k->err),
             &k->err);
}

/* ---- content -------------------------------------------------------------------- */

static void check_rows(qn_set_kit *k, bool has_null)
{
    const qn_dataset *set = k->set;
    char want[32];
    for (int64_t i = 0; i < N; i++) {
        const void *file;
        size_t n;
        CHECK_EQ(k->t, set->label[i], has_null && i == 7 ? -1 : i % 3);
        CHECK_OK(k->t, qn_dataset_packed(set, i, &k->arena, &file, &n, &k->err),
                 &k->err);
        if (!CHECK(k->t, n == 70 && file)) continue;
        CHECK(k->t, !memcmp(file, "BM", 2));
        CHECK_EQ(k->t, ((const uint8_t *)file)[54], 10 * i);
        if (!has_null) continue;
        snprintf(want, sizeof want, "%d.bmp", (int)i);
        CHECK_STR(k->t, set->columns[0].text[i], want);
        snprintf(want, sizeof want, "%d", (int)(7 * i - 40));
        CHECK_STR(k->t, set->columns[1].text[i], want);
        if (i % 5 == 4)
            CHECK(k->t, !set->columns[2].text[i]);
        else
            CHECK_STR(k->t, set->columns[2].text[i], i % 2 ? "f" : "m");
        CHECK_STR(k->t, set->columns[4].text[i], i > 11 ? "1" : "0");
    }
}

void test_parquet_samples(qn_test *t)
{
    qn_set_kit k;
    char text[256];
    qn_set_kit_init(&k, t);
    for (size_t s = 0; s < N_SAMPLES; s++) {
        if (!is_readable(samples[s])) continue;
        open_sample(&k, samples[s]);
        REQUIRE(t, k.set && k.set->n == N);
        const bool is_ours = strcmp(samples[s], "fastparquet") != 0;
        CHECK_STR(t, qn_set_kit_classes(&k, text), "ant bee cat");
        CHECK_EQ(t, k.set->n_columns, is_ours ? 5 : 1);
        check_rows(&k, is_ours);
    }
    qn_set_kit_done(&k);
}

void test_parquet_pictures(qn_test *t)
{
    qn_set_kit k;
    qn_image image;
    if (!qn_set_kit_decodes(t)) return;
    qn_set_kit_init(&k, t);
    open_sample(&k, "snappy_v1_dict");
    REQUIRE(t, k.set != NULL);
    for (int64_t i = N - 1; i >= 0; i--) {
        REQUIRE_OK(t, qn_dataset_read(k.set, i, &k.arena, &image, &k.err), &k.err);
        CHECK(t, image.width == 2 && image.height == 2);
        CHECK_EQ(t, image.pixels[0], 10 * i);
    }
    qn_set_kit_done(&k);
}

/* Codecs whose plug-in is not there are refused by a sentence that names it. */
void test_parquet_plugins(qn_test *t)
{
    qn_set_kit k;
    char room[256];
    int n_missing = 0;
    qn_set_kit_init(&k, t);
    for (size_t s = 0; s < N_SAMPLES; s++) {
        if (is_readable(samples[s])) continue;
        n_missing++;
        CHECK_FAILS(t,
                    qn_dataset_open(&k.mem, sample_path(samples[s], room), NULL, &k.set,
                                    &k.err),
                    QUERN_UNSUPPORTED, &k.err, "is");
    }
    qn_set_kit_done(&k);
    if (!n_missing) qn_skip(t, "every codec is there");
}

void test_parquet_columns(qn_test *t)
{
    qn_set_kit k;
    char room[256];
    qn_set_kit_init(&k, t);
    CHECK_FAILS(
        t, qn_dataset_open(&k.mem, sample_path("list", room), NULL, &k.set, &k.err),
        QUERN_FORMAT, &k.err, "like 'image.bytes'; there are 'a.list.element'");
    qn_set_kit_done(&k);
}

/* ---- rows in any order ---------------------------------------------------------- */

static quern_status parse_sample(qn_set_kit *k, const char *name, qn_parquet *file)
{
    char room[256];
    size_t n;
    const char *bytes = qn_get_file(k->t, sample_path(name, room), &n);
    if (!CHECK(k->t, bytes != NULL)) return QUERN_IO;
    return qn_parquet_parse(&k->arena, memcpy(qn_exact(k->t, n), bytes, n), n, file,
                            &k->err);
}

/* With room for nothing, each page is dropped and unpacked again. */
static void check_rows_within(qn_set_kit *k, const qn_parquet *file, size_t room)
{
    qn_pq_rows *rows;
    const void *bytes;
    size_t n;
    REQUIRE_OK(k->t, qn_pq_rows_create(&k->mem, room, &rows, &k->err), &k->err);
    for (int copy = 0; copy < 2; copy++)
        CHECK_OK(k->t, qn_pq_rows_add(rows, file, 0, &k->err), &k->err);
    for (int j = 0; j < 200; j++) {
        const int64_t i = qn_test_int(k->t, 0, 2 * N - 1);
        CHECK_OK(k->t, qn_pq_rows_get(rows, i, &k->arena, &bytes, &n, &k->err),
                 &k->err);
        if (CHECK_EQ(k->t, (int64_t)n, 70))
            CHECK_EQ(k->t, ((const uint8_t *)bytes)[54], 10 * (i % N));
    }
    CHECK_FAILS(k->t, qn_pq_rows_get(rows, 2 * N, &k->arena, &bytes, &n, &k->err),
                QUERN_INVALID, &k->err, "row 42 of 42");
    qn_pq_rows_free(rows);
}

void test_parquet_rows(qn_test *t)
{
    static const size_t rooms[] = {0, 70 * 1000, (size_t)1 << 20};
    qn_set_kit k;
    qn_parquet file;
    qn_set_kit_init(&k, t);
    REQUIRE_OK(t, parse_sample(&k, "snappy_v1_dict", &file), &k.err);
    for (int i = 0; i < 3; i++)
        check_rows_within(&k, &file, rooms[i]);
    qn_set_kit_done(&k);
}

/* ---- damage --------------------------------------------------------------------- */

static quern_status see_nothing(void *ctx, const qn_pq_values *values, quern_error *err)
{
    (void)err;
    *(int64_t *)ctx += values->n;
    return QUERN_OK;
}

/* Reads all columns of the bytes; what fails says so. */
static void read_all(qn_set_kit *k, const uint8_t *bytes, size_t n)
{
    qn_arena arena;
    qn_parquet file;
    int64_t seen = 0;
    quern_error err = {.status = QUERN_OK};
    qn_arena_init(&arena, &k->mem);
    quern_status status = qn_parquet_parse(&arena, bytes, n, &file, &err);
    for (int c = 0; status == QUERN_OK && c < file.n_columns; c++)
        if (qn_parquet_each(&file, c, &k->mem, see_nothing, &seen, &err) != QUERN_OK)
            CHECK(k->t, strlen(err.text) > 10);
    if (status != QUERN_OK) CHECK(k->t, strlen(err.text) > 10);
    qn_arena_done(&arena);
}

void test_parquet_cut(qn_test *t)
{
    qn_set_kit k;
    char room[256];
    size_t n;
    qn_parquet file;
    qn_set_kit_init(&k, t);
    const char *whole = qn_get_file(t, sample_path("snappy_v1_dict", room), &n);
    REQUIRE(t, whole != NULL);
    for (size_t cut = 0; cut < n; cut++) {
        uint8_t *part = memcpy(qn_exact(t, cut), whole, cut);
        CHECK(t, qn_parquet_parse(&k.arena, part, cut, &file, &k.err) != QUERN_OK);
        CHECK(t, strlen(k.err.text) > 10);
    }
    qn_set_kit_put(t, "half.parquet", whole, n / 2);
    qn_set_kit_refuses(&k, "half.parquet", QUERN_FORMAT, "do not end as Parquet");
    qn_set_kit_done(&k);
}

/* Every byte of three files changed in three ways. */
void test_parquet_flips(qn_test *t)
{
    static const char *const names[] = {"snappy_v1_dict", "delta_v2", "lz4_v1_dict"};
    qn_set_kit k;
    char room[256];
    size_t n;
    qn_set_kit_init(&k, t);
    for (int s = 0; s < 3; s++) {
        const char *whole = qn_get_file(t, sample_path(names[s], room), &n);
        REQUIRE(t, whole != NULL);
        uint8_t *bytes = memcpy(qn_exact(t, n), whole, n);
        for (size_t i = 0; i < n; i++)
            for (int how = 0; how < 3; how++) {
                bytes[i] ^= how == 0 ? 0xff : how == 1 ? 0x01 : 0x80;
                read_all(&k, bytes, n);
                bytes[i] = (uint8_t)whole[i];
            }
    }
    qn_set_kit_done(&k);
}

/* The page checksums that pyarrow wrote find every change of a page's bytes. */
void test_parquet_checksums(qn_test *t)
{
    qn_set_kit k;
    char room[256];
    size_t n;
    qn_parquet file;
    qn_pq_page *pages;
    int n_pages;
    int64_t seen = 0;
    qn_set_kit_init(&k, t);
    const char *whole = qn_get_file(t, sample_path("snappy_v1_dict", room), &n);
    REQUIRE(t, whole != NULL);
    uint8_t *bytes = memcpy(qn_exact(t, n), whole, n);
    REQUIRE_OK(t, qn_parquet_parse(&k.arena, bytes, n, &file, &k.err), &k.err);
    REQUIRE_OK(t, qn_parquet_pages(&file, 0, 0, &k.arena, &pages, &n_pages, &k.err),
               &k.err);
    REQUIRE(t, n_pages > 1 && pages[1].has_crc);
    bytes[pages[1].body.offset + 1] ^= 1;
    CHECK_FAILS(t, qn_parquet_each(&file, 0, &k.mem, see_nothing, &seen, &k.err),
                QUERN_FORMAT, &k.err, "checksum");
    qn_set_kit_done(&k);
}

/* ---- codecs by hand ------------------------------------------------------------- */

typedef quern_status unpack_fn(const void *bytes, size_t n, void *out, size_t size,
                               quern_error *err);

typedef struct block {
    unpack_fn *unpack;
    const char *bytes;
    size_t n;
    const char *text; /* that it unpacks to, or a part of the sentence */
    size_t size;
    bool is_good;
} block;

#define SNAPPY(bytes, text, size, good)                              \
    {                                                                \
        qn_snappy_unpack, bytes, sizeof(bytes) - 1, text, size, good \
    }
#define LZ4(bytes, text, size, good)                              \
    {                                                             \
        qn_lz4_unpack, bytes, sizeof(bytes) - 1, text, size, good \
    }

static const block blocks[] = {
    SNAPPY("\x03\x08xyz", "xyz", 3, true),
    SNAPPY("\x08\x00x\x0d\x01", "xxxxxxxx", 8, true),       /* overlaps itself */
    SNAPPY("\x06\x08xyz\x0a\x03\x00", "xyzxyz", 6, true),   /* two-byte distance */
    SNAPPY("\x06\x08xyz\x0b\x03\0\0\0", "xyzxyz", 6, true), /* four */
    SNAPPY("\x03\xf0\x02xyz", "xyz", 3, true),              /* long literal */
    SNAPPY("\x00", "", 0, true),
    SNAPPY("\x04\x08xyz", "gives 3 of 4", 4, false),
    SNAPPY("\x03\x08xyz", "does not declare 4", 4, false),
    SNAPPY("\x03\x0cwxyz", "damaged", 3, false),      /* more than declared */
    SNAPPY("\x08\x00x\x0d\x02", "damaged", 8, false), /* before the beginning */
    SNAPPY("\x08\x00x\x0d\x00", "damaged", 8, false), /* no distance */
    SNAPPY("\x08\x00x\x0d", "damaged", 8, false),
    SNAPPY("\x03\xfcxyz", "damaged", 3, false),
    SNAPPY("", "does not declare", 0, false),
    LZ4("\x30xyz", "xyz", 3, true),
    LZ4("\x13x\x01\x00\x10y", "xxxxxxxxy", 9, true),
    LZ4("\x1fx\x01\x00\x00\x10y", "xxxxxxxxxxxxxxxxxxxxy", 21, true),
    LZ4("\xf0\x00"
        "0123456789abcde",
        "0123456789abcde", 15, true),
    LZ4("\x30xyz", "gives 3 of 4", 4, false),
    LZ4("\x40xyz", "damaged", 4, false),
    LZ4("\x30xyz", "damaged", 2, false),
    LZ4("\x13x\x02\x00\x10y", "damaged", 9, false),
    LZ4("\x13x\x00\x00\x10y", "damaged", 9, false),
    LZ4("\x1fx\x01\x00\xff\xff", "damaged", 9, false),
};

void test_parquet_codecs(qn_test *t)
{
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        const block *b = blocks + i;
        quern_error err = {.status = QUERN_OK};
        const void *in = memcpy(qn_exact(t, b->n), b->bytes, b->n);
        char *out = qn_exact(t, b->size);
        qn_note(t, "block %zu", i);
        const quern_status status = b->unpack(in, b->n, out, b->size, &err);
        CHECK(t, (status == QUERN_OK) == b->is_good);
        if (b->is_good)
            CHECK(t, b->size == 0 || !memcmp(out, b->text, b->size));
        else
            CHECK_HAS(t, err.text, b->text);
    }
}

/* ---- folders -------------------------------------------------------------------- */

static void put_shard(qn_test *t, const char *sample, const char *name)
{
    char room[256];
    size_t n;
    const char *bytes = qn_get_file(t, sample_path(sample, room), &n);
    if (CHECK(t, bytes != NULL)) qn_set_kit_put(t, name, bytes, n);
}

void test_parquet_shards(qn_test *t)
{
    qn_set_kit k;
    char room[QN_ITEM_TEXT];
    qn_set_kit_init(&k, t);
    put_shard(t, "snappy_v1_dict", "hub/data/train-00000-of-00003.parquet");
    put_shard(t, "none_v1_plain", "hub/data/train-00002-of-00003.parquet");
    put_shard(t, "delta_v2", "hub/data/test-00000-of-00001.parquet");
    put_shard(t, "lz4_v1_dict", "hub/data/validation-00000-of-00001.parquet");
    put_shard(t, "lz4_v1_dict", "hub/data/extra.parquet");
    qn_set_kit_text(t, "hub/README.md", "words");
    CHECK_OK(t, qn_set_kit_open(&k, "hub", NULL), &k.err);
    REQUIRE(t, k.set != NULL);
    CHECK_STR(t, k.set->format->name, "parquet");
    CHECK_EQ(t, k.set->n, 4 * N);
    CHECK(t, k.set->split[0] == QN_SPLIT_TRAIN && k.set->split[2 * N] == QN_SPLIT_VAL);
    CHECK(t, k.set->split[4 * N - 1] == QN_SPLIT_TEST && k.set->label[4 * N - 1] == 2);
    CHECK_STR(t, qn_item_name(k.set, 2 * N + 1, room), "val/1");
    REQUIRE(t, k.set->n_rejects == 2);
    CHECK_HAS(t, k.set->rejects[0].reason, "2 of the 3 files of its kind");
    CHECK_STR(t, k.set->rejects[1].item, "extra.parquet");
    /* The way of the hub's own conversion: a folder for each split. */
    put_shard(t, "snappy_v1_dict", "conv/train/0000.parquet");
    put_shard(t, "snappy_v1_dict", "conv/test/0000.parquet");
    CHECK_OK(t, qn_set_kit_open(&k, "conv", NULL), &k.err);
    REQUIRE(t, k.set && k.set->n == 2 * N);
    CHECK(t, k.set->split[0] == QN_SPLIT_TRAIN && k.set->split[N] == QN_SPLIT_TEST);
    /* Columns must be the same in all. */
    put_shard(t, "fastparquet", "mixed/test.parquet");
    put_shard(t, "snappy_v1_dict", "mixed/train.parquet");
    qn_set_kit_refuses(&k, "mixed", QUERN_FORMAT, "it has no column 'image.bytes'");
    qn_set_kit_done(&k);
}
