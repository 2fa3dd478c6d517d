/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_dataset_array.c - data sets that keep all pictures in arrays: CIFAR's
 * binary files and NumPy's archives. */
#include "tests/dataset_kit.h"

#include "engine/os.h"
#include "formats/npy.h"
#include "formats/npz.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- CIFAR ---------------------------------------------------------------------- */

/* n records: labels from `label` on, pixel i of plane c of record r is r + c + i % 7.
 */
static void put_batch(qn_test *t, const char *name, int n, int n_labels, int label)
{
    const size_t size = (size_t)n_labels + 3072;
    uint8_t *p = qn_exact(t, (size_t)n * size), *at = p;
    for (int r = 0; r < n; r++) {
        for (int l = 0; l < n_labels; l++)
            *at++ = (uint8_t)(label + r + (n_labels - 1 - l) * 10);
        for (int c = 0; c < 3; c++)
            for (int i = 0; i < 1024; i++)
                *at++ = (uint8_t)(r + c + i % 7);
    }
    qn_set_kit_put(t, name, p, (size_t)n * size);
}

void test_dataset_cifar10(qn_test *t)
{
    qn_set_kit k;
    char text[256], room[QN_ITEM_TEXT];
    qn_image image;
    qn_set_kit_init(&k, t);
    put_batch(t, "ten/data_batch_1.bin", 3, 1, 0);
    put_batch(t, "ten/data_batch_2.bin", 2, 1, 3);
    put_batch(t, "ten/test_batch.bin", 1, 1, 2);
    qn_set_kit_text(t, "ten/batches.meta.txt", "a\nb\nc\nd\ne\n\n");
    REQUIRE_OK(t, qn_set_kit_open(&k, "ten", NULL), &k.err);
    CHECK_STR(t, k.set->format->name, "cifar");
    CHECK_STR(t, qn_set_kit_classes(&k, text), "a b c d e");
    REQUIRE(t, k.set->n == 6 && k.set->height == 32 && k.set->channels == 3);
    for (int i = 0; i < 5; i++)
        CHECK_EQ(t, k.set->label[i], i);
    CHECK(t, k.set->label[5] == 2 && k.set->split[5] == QN_SPLIT_TEST);
    CHECK_STR(t, qn_item_name(k.set, 5, room), "test/0");
    REQUIRE_OK(t, qn_dataset_read(k.set, 4, &k.arena, &image, &k.err), &k.err);
    for (int i = 0; i < 3072; i++)
        CHECK_EQ(t, image.pixels[i], 1 + i % 3 + i / 3 % 7);
    unlink(qn_temp(t, "ten/batches.meta.txt"));
    REQUIRE_OK(t, qn_set_kit_open(&k, "ten", NULL), &k.err);
    CHECK_STR(t, qn_set_kit_classes(&k, text), "0 1 2 3 4");
    size_t n;
    const char *whole = qn_get_file(t, qn_temp(t, "ten/test_batch.bin"), &n);
    for (size_t cut = 0; cut < n; cut += cut < 8 || cut > n - 8 ? 1 : 97) {
        qn_set_kit_put(t, "ten/test_batch.bin", whole, cut);
        CHECK(t, qn_set_kit_open(&k, "ten", NULL) == QUERN_FORMAT);
    }
    CHECK_HAS(t, k.err.text, "bytes are no whole number of records of 3073");
    put_batch(t, "ten/test.bin", 1, 2, 2);
    put_batch(t, "ten/test_batch.bin", 1, 1, 2);
    qn_set_kit_refuses(&k, "ten", QUERN_FORMAT, "are of different data sets");
    qn_set_kit_done(&k);
}

void test_dataset_cifar100(qn_test *t)
{
    qn_set_kit k;
    qn_set_kit_init(&k, t);
    put_batch(t, "hundred/train.bin", 3, 2, 1);
    put_batch(t, "hundred/test.bin", 2, 2, 0);
    REQUIRE_OK(t, qn_set_kit_open(&k, "hundred", NULL), &k.err);
    CHECK(t, k.set->n == 5 && k.set->n_classes == 4 && k.set->n_columns == 1);
    CHECK(t, k.set->label[0] == 1 && k.set->label[3] == 0);
    CHECK_STR(t, k.set->columns[0].name, "coarse");
    CHECK_STR(t, k.set->columns[0].text[4], "11");
    CHECK_EQ(t, k.set->array[3072 * 4 + 3 * 6 + 2], 1 + 2 + 6);
    qn_set_kit_text(t, "hundred/fine_label_names.txt", "a\nb\nc\n");
    qn_set_kit_refuses(&k, "hundred", QUERN_FORMAT, "3 names, but the labels go to 3");
    qn_set_kit_done(&k);
}

/* ---- NumPy ---------------------------------------------------------------------- */

static uint8_t counted[256];

/* A member of bytes 0, 1, 2, ... or of labels. */
static qn_npz_member member(const char *name, quern_dtype dtype, int rank,
                            const int64_t *dim, const void *data)
{
    qn_npz_member m = {.name = name};
    for (int i = 0; i < 256; i++)
        counted[i] = (uint8_t)i;
    qn_set_shape(&m.value, dtype, rank, dim);
    m.value.data = data ? (void *)(uintptr_t)data : counted;
    return m;
}

#define DIMS(...) ((const int64_t[]){__VA_ARGS__})

static void save(qn_set_kit *k, const char *name, const qn_npz_member *members, int n)
{
    REQUIRE_OK(k->t, qn_npz_save(&k->mem, qn_temp(k->t, name), members, n, &k->err),
               &k->err);
}

void test_dataset_npz(qn_test *t)
{
    static const int64_t two[] = {1, 0}, three[] = {2, 0, 1};
    static const uint8_t small[] = {1, 3};
    static const qn_str names[] = {{"zero", 4}, {"one", 3}, {"two", 3}};
    qn_set_kit k;
    char text[256];
    qn_set_kit_init(&k, t);
    const qn_npz_member med[] = {
        member("train_images", QUERN_UINT8, 4, DIMS(3, 2, 4, 3), NULL),
        member("test_images", QUERN_UINT8, 4, DIMS(2, 2, 4, 3), NULL),
        member("train_labels", QUERN_INT64, 2, DIMS(3, 1), three),
        member("test_labels", QUERN_INT64, 2, DIMS(2, 1), two),
        member("class_names", QUERN_STRING, 1, DIMS(3), names)};
    save(&k, "med.npz", med, 5);
    REQUIRE_OK(t, qn_set_kit_open(&k, "med.npz", NULL), &k.err);
    CHECK_STR(t, qn_set_kit_classes(&k, text), "zero one two");
    REQUIRE(t, k.set->n == 5 && k.set->height == 2 && k.set->width == 4);
    CHECK(t, k.set->label[0] == 2 && k.set->label[3] == 1);
    CHECK(t, k.set->split[2] == QN_SPLIT_TRAIN && k.set->split[3] == QN_SPLIT_TEST);
    CHECK(t, !memcmp(k.set->array, counted, 72) &&
                 !memcmp(k.set->array + 72, counted, 48));
    const qn_npz_member planes[] = {
        member("Images", QUERN_UINT8, 4, DIMS(2, 3, 2, 2), NULL),
        member("Labels", QUERN_UINT8, 1, DIMS(2), small)};
    save(&k, "planes.npz", planes, 2);
    REQUIRE_OK(t, qn_set_kit_open(&k, "planes.npz", NULL), &k.err);
    static const uint8_t pixels[] = {12, 16, 20, 13, 17, 21, 14, 18, 22, 15, 19, 23};
    CHECK(t, k.set->n == 2 && k.set->n_classes == 4 && k.set->channels == 3);
    CHECK(t, !memcmp(k.set->array + 12, pixels, 12));
    CHECK_EQ(t, k.set->split[1], QN_SPLIT_NONE);
    const qn_npz_member gray[] = {
        member("x_train", QUERN_UINT8, 3, DIMS(2, 3, 5), NULL),
        member("y_train", QUERN_UINT8, 1, DIMS(2), small)};
    save(&k, "gray.npz", gray, 2);
    REQUIRE_OK(t, qn_set_kit_open(&k, "gray.npz", NULL), &k.err);
    CHECK(t, k.set->width == 5 && k.set->height == 3 && k.set->channels == 1);
    size_t n;
    const char *whole = qn_get_file(t, qn_temp(t, "gray.npz"), &n);
    for (size_t cut = 0; cut < n; cut++) {
        qn_set_kit_put(t, "cut.npz", whole, cut);
        CHECK(t, qn_set_kit_open(&k, "cut.npz", NULL) != QUERN_OK);
        CHECK(t, strlen(k.err.text) > 10);
    }
    qn_set_kit_done(&k);
}

void test_dataset_npz_bad(qn_test *t)
{
    static const int64_t labels[] = {1, -1, 0, 1, 1, 1, 1, 1, 1};
    static const qn_str names[] = {{"zero", 4}};
    static const float reals[64] = {0};
    const qn_npz_member pictures =
        member("images", QUERN_UINT8, 3, DIMS(2, 2, 2), NULL);
    const struct {
        qn_npz_member a, b;
        const char *part;
    } cases[] = {
        {pictures, member("lables", QUERN_INT64, 1, DIMS(2), labels + 2),
         "no 'labels'"},
        {pictures, member("labels", QUERN_INT64, 1, DIMS(2), labels), "label -1"},
        {pictures, member("labels", QUERN_INT64, 1, DIMS(3), labels + 2),
         "member 'images': 2 pictures, but 3 labels"},
        {pictures, member("labels", QUERN_INT64, 2, DIMS(2, 3), labels + 2), "[2,3]"},
        {pictures, member("labels", QUERN_FLOAT, 1, DIMS(2), reals), "not float32"},
        {member("images", QUERN_FLOAT, 3, DIMS(2, 2, 2), reals),
         member("labels", QUERN_INT64, 1, DIMS(2), labels + 2), "float32 [2,2,2]"},
        {member("images", QUERN_UINT8, 4, DIMS(2, 2, 2, 4), NULL),
         member("labels", QUERN_INT64, 1, DIMS(2), labels + 2), "4 channels"},
        {member("pictures", QUERN_UINT8, 3, DIMS(2, 2, 2), NULL),
         member("labels", QUERN_INT64, 1, DIMS(2), labels + 2), "by the names"},
    };
    qn_set_kit k;
    qn_set_kit_init(&k, t);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const qn_npz_member both[] = {cases[i].a, cases[i].b};
        save(&k, "bad.npz", both, 2);
        CHECK(t, qn_set_kit_open(&k, "bad.npz", NULL) != QUERN_OK);
        CHECK_HAS(t, k.err.text, cases[i].part);
    }
    const qn_npz_member few[] = {
        pictures, member("labels", QUERN_INT64, 1, DIMS(2), labels + 2),
        member("class_names", QUERN_STRING, 1, DIMS(1), names)};
    save(&k, "bad.npz", few, 3);
    qn_set_kit_refuses(&k, "bad.npz", QUERN_FORMAT, "no names of 2 classes");
    qn_set_kit_text(t, "text.npz", "this is no archive, whatever it is called");
    qn_set_kit_refuses(&k, "text.npz", QUERN_FORMAT, "end without a zip directory");
    qn_set_kit_done(&k);
}

static void put_npy(qn_set_kit *k, const char *name, const qn_tensor *t)
{
    CHECK(k->t, qn_dir_make(qn_temp(k->t, "files"), NULL) == QUERN_OK);
    CHECK_OK(k->t, qn_npy_save(&k->mem, qn_temp(k->t, name), t, &k->err), &k->err);
}

void test_dataset_npy(qn_test *t)
{
    uint8_t pixels[24], labels[] = {1, 0, 1};
    qn_tensor pictures = {.dtype = QUERN_UINT8,
                          .rank = 3,
                          .dim = {3, 2, 4},
                          .data = pixels},
              classes = {
                  .dtype = QUERN_UINT8, .rank = 2, .dim = {3, 1}, .data = labels};
    qn_set_kit k;
    qn_set_kit_init(&k, t);
    for (int i = 0; i < 24; i++)
        pixels[i] = (uint8_t)i;
    put_npy(&k, "files/Train_images.npy", &pictures);
    put_npy(&k, "files/train_labels.npy", &classes);
    pictures.dim[0] = classes.dim[0] = 2;
    put_npy(&k, "files/x_test.npy", &pictures);
    put_npy(&k, "files/y_test.npy", &classes);
    REQUIRE_OK(t, qn_set_kit_open(&k, "files", NULL), &k.err);
    CHECK_STR(t, k.set->format->name, "npy");
    REQUIRE(t, k.set->n == 5 && k.set->height == 2 && k.set->width == 4);
    CHECK_EQ(t, k.set->part[QN_SPLIT_TEST].n, 2);
    CHECK_EQ(t, k.set->array[23], 23);
    CHECK_EQ(t, k.set->label[2], 1);
    REQUIRE_OK(t, qn_set_kit_open(&k, "files/x_test.npy", NULL), &k.err);
    CHECK_EQ(t, k.set->n, 2);
    pictures.dim[0] = 3;
    put_npy(&k, "files/x_test.npy", &pictures);
    qn_set_kit_refuses(&k, "files", QUERN_FORMAT, "3 pictures, but 2 labels");
    qn_set_kit_text(t, "files/y_test.npy", "no array");
    qn_set_kit_refuses(&k, "files", QUERN_FORMAT, "y_test.npy");
    qn_set_kit_done(&k);
}

/* MedMNIST's files hold numbers; their names tell what the numbers mean. */
void test_dataset_medmnist(qn_test *t)
{
    static const int64_t labels[] = {0, 1, 2, 3};
    static const struct {
        const char *file;
        int n;
        const char *last;
    } cases[] = {{"octmnist.npz", 4, "normal"},
                 {"octmnist_224.npz", 4, "normal"},
                 {"octmnist.npz", 3, "2"},
                 {"octmnist_x.npz", 4, "3"},
                 {"my_octmnist.npz", 4, "3"},
                 {"pneumoniamnist.npz", 2, "pneumonia"},
                 {"breastmnist_64.npz", 2, "normal, benign"}};
    qn_set_kit k;
    qn_set_kit_init(&k, t);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const int n = cases[i].n;
        const qn_npz_member both[] = {
            member("train_images", QUERN_UINT8, 3, DIMS(n, 2, 2), NULL),
            member("train_labels", QUERN_INT64, 2, DIMS(n, 1), labels)};
        qn_note(t, "%s, %d classes", cases[i].file, n);
        save(&k, cases[i].file, both, 2);
        CHECK_OK(t, qn_set_kit_open(&k, cases[i].file, NULL), &k.err);
        if (CHECK(t, k.set && k.set->n_classes == n))
            CHECK_STR(t, k.set->classes[n - 1], cases[i].last);
    }
    qn_set_kit_done(&k);
}
