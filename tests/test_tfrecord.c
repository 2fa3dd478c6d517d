/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_tfrecord.c - TFRecord files of Examples: checksums, labels and their
 * names, damage. */
#include "formats/crc32c.h"
#include "formats/protobuf.h"
#include "tests/write_kit.h"

#include <stdio.h>
#include <string.h>

/* What an Example is made of; NULL and -1: it has no such feature. */
typedef struct example {
    int64_t label;
    const char *text, *file;
    int gray; /* of its picture, a BMP of 2 x 2 */
} example;

/* ---- writing -------------------------------------------------------------------- */

/* features { feature { key value { list { value } } } } */
static void put_bytes(qn_buf *buf, const char *name, const void *p, size_t n)
{
    const size_t entry = qn_pb_begin(buf, 1);
    qn_pb_put_text(buf, 1, name);
    const size_t feature = qn_pb_begin(buf, 2);
    const size_t list = qn_pb_begin(buf, 1);
    qn_pb_put_bytes(buf, 1, p, n);
    qn_pb_end(buf, list);
    qn_pb_end(buf, feature);
    qn_pb_end(buf, entry);
}

static void put_int(qn_buf *buf, const char *name, int64_t value, bool is_packed)
{
    const size_t entry = qn_pb_begin(buf, 1);
    qn_pb_put_text(buf, 1, name);
    const size_t feature = qn_pb_begin(buf, 2);
    const size_t list = qn_pb_begin(buf, 3);
    const uint8_t byte = (uint8_t)value;
    if (is_packed)
        qn_pb_put_bytes(buf, 1, &byte, 1);
    else
        qn_pb_put_varint(buf, 1, (uint64_t)value);
    qn_pb_end(buf, list);
    qn_pb_end(buf, feature);
    qn_pb_end(buf, entry);
}

static void put_record(qn_buf *file, const void *p, size_t n)
{
    uint8_t length[8];
    const uint64_t n_bytes = n;
    memcpy(length, &n_bytes, 8);
    qn_buf_add(file, length, 8);
    qn_buf_u32le(file, qn_crc32c_masked(length, 8));
    qn_buf_add(file, p, n);
    qn_buf_u32le(file, qn_crc32c_masked(p, n));
}

static void put_examples(qn_set_kit *k, const char *name, const example *e, int n)
{
    qn_buf file, one;
    qn_buf_init(&file, &k->mem);
    qn_buf_init(&one, &k->mem);
    for (int i = 0; i < n; i++) {
        size_t size;
        qn_set_kit_picture(k->t, "one.bmp", (uint8_t)e[i].gray);
        const char *bmp = qn_get_file(k->t, qn_temp(k->t, "one.bmp"), &size);
        qn_buf_clear(&one);
        const size_t features = qn_pb_begin(&one, 1);
        if (e[i].label >= 0) put_int(&one, "image/class/label", e[i].label, i % 2);
        put_int(&one, "image/height", 2, false);
        put_bytes(&one, "image/encoded", bmp, size);
        if (e[i].text)
            put_bytes(&one, "image/class/text", e[i].text, strlen(e[i].text));
        if (e[i].file) put_bytes(&one, "image/filename", e[i].file, strlen(e[i].file));
        qn_pb_end(&one, features);
        put_record(&file, one.p, one.n);
    }
    qn_set_kit_put(k->t, name, file.p, file.n);
    qn_buf_done(&file);
    qn_buf_done(&one);
}

/* ---- tests ---------------------------------------------------------------------- */

void test_tfrecord_checksum(qn_test *t)
{
    const char zeros[32] = {0};
    CHECK_EQ(t, qn_crc32c(0, "123456789", 9), 0xe3069283u);
    CHECK_EQ(t, qn_crc32c(0, zeros, 32), 0x8a9136aau); /* RFC 3720, B.4 */
    CHECK_EQ(t, qn_crc32c(qn_crc32c(0, "1234", 4), "56789", 5), 0xe3069283u);
    CHECK_EQ(t, qn_crc32c_masked("123456789", 9),
             (0xe3069283u >> 15 | 0xe3069283u << 17) + 0xa282ead8u);
}

static const example named[] = {{2, "zebra", "a.jpg", 10}, {1, "ant", "b.jpg", 20}};
static const example unnamed[] = {
    {1, NULL, NULL, 30}, {3, NULL, NULL, 40}, {-1, NULL, NULL, 50}};

void test_tfrecord_set(qn_test *t)
{
    qn_set_kit k;
    char text[256], room[QN_ITEM_TEXT];
    qn_set_kit_init(&k, t);
    put_examples(&k, "set/flowers_train_00000-of-00001.tfrecord", named, 2);
    put_examples(&k, "set/flowers_validation-00000-of-00001", named + 1, 1);
    CHECK_OK(t, qn_set_kit_open(&k, "set", NULL), &k.err);
    REQUIRE(t, k.set && k.set->n == 3);
    CHECK_STR(t, k.set->format->name, "tfrecord");
    CHECK_STR(t, qn_set_kit_classes(&k, text), "ant zebra");
    CHECK(t, k.set->label[0] == 1 && k.set->label[1] == 0 && k.set->label[2] == 0);
    CHECK(t, k.set->split[1] == QN_SPLIT_TRAIN && k.set->split[2] == QN_SPLIT_VAL);
    CHECK_STR(t, qn_item_name(k.set, 2, room), "val/0");
    CHECK_STR(t, k.set->columns[0].text[1], "b.jpg");
    CHECK_EQ(t, k.set->n_rejects, 0);
    qn_set_kit_done(&k);
}

/* To every format that is written. */
void test_tfrecord_everywhere(qn_test *t)
{
    static const example four[] = {{2, "zebra", "a.jpg", 10},
                                   {1, "ant", "b.jpg", 20},
                                   {1, "ant", "c.jpg", 90},
                                   {2, "zebra", "d.jpg", 255}};
    qn_set_kit k;
    if (!qn_set_kit_decodes(t)) return;
    qn_set_kit_init(&k, t);
    put_examples(&k, "set/flowers_train-00000-of-00001", four, 3);
    put_examples(&k, "set/flowers_test-00000-of-00001", four + 1, 3);
    qn_write_kit_everywhere(&k, "set", "tf", true);
    qn_set_kit_done(&k);
}

void test_tfrecord_labels(qn_test *t)
{
    qn_set_kit k;
    char text[256];
    qn_image image;
    qn_set_kit_init(&k, t);
    put_examples(&k, "one.tfrecords", unnamed, 3);
    CHECK_OK(t, qn_set_kit_open(&k, "one.tfrecords", NULL), &k.err);
    REQUIRE(t, k.set && k.set->n == 3);
    CHECK_STR(t, qn_set_kit_classes(&k, text), "1 2 3");
    CHECK(t, k.set->label[0] == 0 && k.set->label[1] == 2 && k.set->label[2] == -1);
    if (qn_set_kit_decodes(t)) {
        CHECK_OK(t, qn_dataset_read(k.set, 1, &k.arena, &image, &k.err), &k.err);
        CHECK(t, image.width == 2 && image.pixels[0] == 40);
    }
    qn_set_kit_text(t, "labels.txt", "0:background\n1:ant\n2:bee\n3:cat\n4:dog\n");
    CHECK_OK(t, qn_set_kit_open(&k, "one.tfrecords", NULL), &k.err);
    REQUIRE(t, k.set != NULL);
    CHECK_STR(t, qn_set_kit_classes(&k, text), "background ant bee cat");
    CHECK_EQ(t, k.set->label[1], 3);
    qn_set_kit_text(t, "labels.txt", "background\n");
    qn_set_kit_refuses(&k, "one.tfrecords", QUERN_FORMAT, "line 1 is no number");
    qn_set_kit_done(&k);
}

void test_tfrecord_bad(qn_test *t)
{
    qn_set_kit k;
    size_t n;
    const void *bytes;
    qn_set_kit_init(&k, t);
    put_examples(&k, "good.tfrecord", named, 2);
    char *whole = qn_get_file(t, qn_temp(t, "good.tfrecord"), &n);
    REQUIRE(t, whole != NULL);
    uint64_t first;
    memcpy(&first, whole, sizeof first);
    for (size_t cut = 0; cut < n; cut++) {
        qn_set_kit_put(t, "cut.tfrecord", whole, cut);
        const quern_status status = qn_set_kit_open(&k, "cut.tfrecord", NULL);
        CHECK(t, (status == QUERN_OK) == (cut == first + 16)); /* one record whole */
        if (status != QUERN_OK) CHECK(t, strlen(k.err.text) > 10);
    }
    whole[0] ^= 1;
    qn_set_kit_put(t, "bad.tfrecord", whole, n);
    qn_set_kit_refuses(&k, "bad.tfrecord", QUERN_FORMAT,
                       "checksum of a record's length");
    whole[0] ^= 1;
    whole[n - 5] ^= 1; /* in the name of the second one's file */
    qn_set_kit_put(t, "bad.tfrecord", whole, n);
    CHECK_OK(t, qn_set_kit_open(&k, "bad.tfrecord", NULL), &k.err);
    REQUIRE(t, k.set != NULL);
    CHECK_OK(t, qn_dataset_packed(k.set, 0, &k.arena, &bytes, &n, &k.err), &k.err);
    CHECK_FAILS(t, qn_dataset_packed(k.set, 1, &k.arena, &bytes, &n, &k.err),
                QUERN_FORMAT, &k.err, "the checksum of the record at byte");
    qn_set_kit_put(t, "packed.tfrecord", "\x1f\x8b\x08\0\0\0\0\0\0\0", 10);
    qn_set_kit_refuses(&k, "packed.tfrecord", QUERN_UNSUPPORTED, "packed by gzip");
    qn_set_kit_done(&k);
}
