/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_label_file.c - pictures of labels written and read again, in every kind of
 * file; files cut at every byte and with every bit of their head turned. */
#include "tests/test.h"

#include "formats/files.h"
#include "formats/label_file.h"
#include "formats/npy.h"
#include "formats/plugin.h"
#include "formats/raster.h"
#include "formats/tiff_write.h"

#include <string.h>

typedef struct desk {
    qn_mem mem;
    qn_arena arena;
    quern_error err;
} desk;

static void desk_init(desk *d)
{
    qn_mem_init(&d->mem, NULL, (size_t)64 << 20);
    qn_arena_init(&d->arena, &d->mem);
    d->err = (quern_error){.status = QUERN_OK};
}

static qn_labels some_labels(qn_test *t, desk *d, int64_t height, int64_t width,
                             int64_t most)
{
    qn_labels labels = {0};
    CHECK_OK(t, qn_labels_init(&d->arena, height, width, &labels, &d->err), &d->err);
    for (int64_t i = 0; i < height * width; i++)
        labels.at[i] = (uint32_t)qn_test_int(t, 0, most);
    labels.at[height * width / 2] = (uint32_t)most;
    return labels;
}

static void check_same(qn_test *t, const qn_labels *got, const qn_labels *want)
{
    CHECK_EQ(t, got->height, want->height);
    CHECK_EQ(t, got->width, want->width);
    for (int64_t i = 0; i < want->height * want->width; i++)
        if (got->at[i] != want->at[i]) {
            CHECK_EQ(t, got->at[i], want->at[i]);
            return;
        }
}

/* ---- files that quern writes ----------------------------------------------------- */

void test_label_file_saved(qn_test *t)
{
    static const struct {
        int64_t height, width, most;
        const char *end;
    } cases[] = {{1, 1, 1, ".png"},
                 {7, 5, 65535, ".png"},
                 {301, 307, 65535, ".png"},
                 {3, 3, 65536, ".tif"},
                 {211, 173, UINT32_MAX, ".tif"}};
    desk d;
    desk_init(&d);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char path[QN_PATH_MAX];
        qn_labels want =
            some_labels(t, &d, cases[i].height, cases[i].width, cases[i].most);
        qn_labels got = {0};
        qn_note(t, "%lld x %lld", (long long)want.width, (long long)want.height);
        CHECK_OK(t,
                 qn_label_file_save(&d.mem, qn_temp(t, "a_masks"), &want, path,
                                    sizeof path, &d.err),
                 &d.err);
        CHECK(t, qn_ends_with(path, cases[i].end));
        REQUIRE_OK(t, qn_label_file_read(&d.arena, path, 0, &got, &d.err), &d.err);
        check_same(t, &got, &want);
    }
    qn_arena_done(&d.arena);
    CHECK_EQ(t, (int64_t)d.mem.used, 0);
}

void test_label_file_unsaved(qn_test *t)
{
    desk d;
    char path[QN_PATH_MAX];
    desk_init(&d);
    qn_labels labels = some_labels(t, &d, 4, 4, 9);
    CHECK_FAILS(t,
                qn_label_file_save(&d.mem, qn_temp(t, "none/a"), &labels, path,
                                   sizeof path, &d.err),
                QUERN_IO, &d.err, "none/a.png");
    qn_arena_done(&d.arena);
}

/* ---- files that others write ----------------------------------------------------- */

static void check_npy(qn_test *t, desk *d, quern_dtype dtype, const void *data,
                      quern_status status, const char *why)
{
    qn_tensor tensor = {.dtype = dtype, .rank = 3, .dim = {1, 2, 2}};
    qn_labels got;
    qn_buf out;
    tensor.data =
        memcpy(qn_exact(t, 4 * qn_dtype_size(dtype)), data, 4 * qn_dtype_size(dtype));
    qn_buf_init(&out, &d->mem);
    CHECK_OK(t, qn_npy_write(&out, &tensor, &d->err), &d->err);
    const quern_status got_status =
        qn_label_file_parse(&d->arena, out.p, out.n, 0, &got, &d->err);
    if (status != QUERN_OK)
        CHECK_FAILS(t, got_status, status, &d->err, why);
    else if (CHECK_OK(t, got_status, &d->err))
        CHECK_EQ(t, got.at[3], 7);
    qn_buf_done(&out);
}

void test_label_file_npy(qn_test *t)
{
    desk d;
    desk_init(&d);
    check_npy(t, &d, QUERN_UINT8, (uint8_t[]){1, 2, 3, 7}, QUERN_OK, "");
    check_npy(t, &d, QUERN_INT8, (int8_t[]){1, 2, 3, 7}, QUERN_OK, "");
    check_npy(t, &d, QUERN_UINT16, (uint16_t[]){1, 2, 3, 7}, QUERN_OK, "");
    check_npy(t, &d, QUERN_INT16, (int16_t[]){1, 2, 3, 7}, QUERN_OK, "");
    check_npy(t, &d, QUERN_UINT32, (uint32_t[]){1, 2, 3, 7}, QUERN_OK, "");
    check_npy(t, &d, QUERN_INT32, (int32_t[]){1, 2, 3, 7}, QUERN_OK, "");
    check_npy(t, &d, QUERN_INT64, (int64_t[]){1, 2, 3, 7}, QUERN_OK, "");
    check_npy(t, &d, QUERN_UINT64, (uint64_t[]){1, 2, 3, 7}, QUERN_OK, "");
    check_npy(t, &d, QUERN_INT64, (int64_t[]){1, -2, 3, 7}, QUERN_FORMAT,
              "element (0, 1) is no label");
    check_npy(t, &d, QUERN_UINT64, (uint64_t[]){1, 2, UINT64_MAX, 7}, QUERN_FORMAT,
              "element (1, 0) is no label");
    check_npy(t, &d, QUERN_FLOAT, (float[]){1, 2, 3, 7}, QUERN_FORMAT, "is no label");
    qn_arena_done(&d.arena);
}

void test_label_file_other(qn_test *t)
{
    desk d;
    qn_labels got;
    desk_init(&d);
    CHECK_FAILS(t, qn_label_file_parse(&d.arena, "GIF89a", 6, 0, &got, &d.err),
                QUERN_FORMAT, &d.err, "neither PNG nor TIFF nor .npy");
    CHECK_FAILS(t, qn_label_file_parse(&d.arena, "", 0, 0, &got, &d.err), QUERN_FORMAT,
                &d.err, "neither PNG");
    CHECK_FAILS(t,
                qn_label_file_read(&d.arena, qn_temp(t, "none.png"), 0, &got, &d.err),
                QUERN_IO, &d.err, "none.png");
    qn_arena_done(&d.arena);
}

/* ---- TIFF ------------------------------------------------------------------------ */

/* Several pages, colours, floats and notes: what readers of ours and others see. */
void test_tiff_written(qn_test *t)
{
    desk d;
    qn_buf out;
    quern_error *err = &d.err;
    desk_init(&d);
    qn_buf_init(&out, &d.mem);
    const float *samples = qn_random_floats(t, 2 * 3 * 5 * 7);
    qn_tiff tiff = {.width = 7,
                    .height = 5,
                    .channels = 3,
                    .bits = 32,
                    .is_float = true,
                    .n_pages = 2,
                    .samples = samples,
                    .about = "two pages",
                    .um_per_px = 0.5};
    REQUIRE_OK(t, qn_tiff_write(&out, &tiff, err), err);
    CHECK(t, !memcmp(out.p, "II*\0", 4));
    CHECK(t, !memcmp(out.p + 8, samples, sizeof(float) * 7 * 5 * 3));
    CHECK_HAS(t, out.p + 8 + sizeof(float) * 7 * 5 * 3 + 6, "two pages");
    tiff.bits = 12;
    CHECK_FAILS(t, qn_tiff_write(&out, &tiff, err), QUERN_INVALID, err, "12 bits");
    tiff.bits = 32;
    tiff.width = tiff.height = 1 << 20;
    CHECK_FAILS(t, qn_tiff_write(&out, &tiff, err), QUERN_LIMIT, err, "1 TiB");
    qn_buf_done(&out);
    qn_arena_done(&d.arena);
}

/* Beyond a threshold, here a small one in place of 4 GiB, it is a BigTIFF, which
 * libtiff gives back sample by sample: labels of one page, floats of two. */
void test_tiff_big(qn_test *t)
{
    desk d;
    qn_buf out;
    qn_labels back;
    qn_planes planes;
    quern_error *err = &d.err;
    char path[QN_PATH_MAX];
    desk_init(&d);
    qn_buf_init(&out, &d.mem);
    uint32_t *labels = qn_exact(t, 300 * 70 * sizeof *labels);
    for (uint32_t i = 0; i < 300 * 70; i++)
        labels[i] = i * 5;
    qn_tiff tiff = {.width = 300,
                    .height = 70,
                    .channels = 1,
                    .bits = 32,
                    .deflate = true,
                    .samples = labels,
                    .classic_bytes = 300 * 70 * 4};
    REQUIRE_OK(t, qn_tiff_write(&out, &tiff, err), err);
    CHECK(t, !memcmp(out.p, "II*\0", 4)); /* it just fits */
    qn_buf_clear(&out);
    tiff.classic_bytes--;
    REQUIRE_OK(t, qn_tiff_write(&out, &tiff, err), err);
    CHECK(t, !memcmp(out.p, "II+\0\x08\0\0\0", 8));
    if (!qn_plugin_find("tiff", path)) {
        qn_skip(t, "no quern-tiff.so reads it back");
        return;
    }
    REQUIRE_OK(t, qn_label_file_parse(&d.arena, out.p, out.n, 0, &back, err), err);
    REQUIRE(t, back.width == 300 && back.height == 70);
    CHECK(t, !memcmp(back.at, labels, 300 * 70 * sizeof *labels));
    qn_buf_clear(&out);
    const float *samples = qn_random_floats(t, 2 * 5 * 7);
    tiff = (qn_tiff){7, 5, 1, 32, true, false, 2, samples, "two pages", 0.5, 1};
    REQUIRE_OK(t, qn_tiff_write(&out, &tiff, err), err);
    REQUIRE_OK(t, qn_raster_parse(&d.arena, out.p, out.n, NULL, &planes, err), err);
    CHECK_EQ(t, planes.depth * planes.channels, 2);
    CHECK_WITHIN(t, planes.um_per_px, 0.5, 1e-9);
    CHECK(t, !memcmp(planes.data, samples, 2 * 5 * 7 * sizeof *samples));
    qn_buf_done(&out);
    qn_arena_done(&d.arena);
}

/* ---- bytes that mean harm -------------------------------------------------------- */

/* Reads the bytes from a block of their size: works, or fails with a sentence. */
static void read_bytes(qn_test *t, const void *bytes, size_t n)
{
    desk d;
    qn_labels got;
    desk_init(&d);
    void *exact = memcpy(qn_exact(t, n), bytes, n);
    const quern_status status =
        qn_label_file_parse(&d.arena, exact, n, 1 << 20, &got, &d.err);
    if (status != QUERN_OK) CHECK(t, d.err.text[0] != 0);
    qn_arena_done(&d.arena);
}

static void twist(qn_test *t, uint8_t *bytes, size_t n)
{
    for (size_t k = 0; k <= n; k++)
        read_bytes(t, bytes, k);
    for (size_t k = 0; k < n; k++)
        for (int bit = 0; bit < 8; bit++) {
            bytes[k] ^= (uint8_t)(1 << bit);
            read_bytes(t, bytes, n);
            bytes[k] ^= (uint8_t)(1 << bit);
        }
}

void test_label_file_hostile(qn_test *t)
{
    desk d;
    desk_init(&d);
    for (int i = 0; i < 3; i++) {
        char path[QN_PATH_MAX];
        qn_labels labels = some_labels(t, &d, 4, 3, i == 0 ? 300 : 70000);
        const qn_tiff tiff = {
            .width = 3, .height = 4, .channels = 1, .bits = 32, .samples = labels.at};
        qn_buf out;
        qn_buf_init(&out, &d.mem);
        if (i == 2) {
            REQUIRE_OK(t, qn_tiff_write(&out, &tiff, &d.err), &d.err);
        } else {
            size_t n = 0;
            REQUIRE_OK(t,
                       qn_label_file_save(&d.mem, qn_temp(t, "a"), &labels, path,
                                          sizeof path, &d.err),
                       &d.err);
            const char *bytes = qn_get_file(t, path, &n);
            qn_buf_add(&out, bytes, n);
        }
        twist(t, (uint8_t *)out.p, out.n);
        qn_buf_done(&out);
    }
    qn_arena_done(&d.arena);
}
