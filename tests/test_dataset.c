/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_dataset.c - data sets of IDX files and of class folders. */
#include "tests/dataset_kit.h"

#include "engine/os.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- IDX ------------------------------------------------------------------------ */

static const uint8_t pixels[18] = {1,  2,  3,  4,  5,  6,  7,  8,  9,
                                   10, 11, 12, 13, 14, 15, 16, 17, 18};

static void put_idx(qn_test *t, const char *folder, const char *split, uint32_t n,
                    const char *labels)
{
    char name[128];
    snprintf(name, sizeof name, "%s/%s-images-idx3-ubyte", folder, split);
    qn_set_kit_idx(t, name, 3, (uint32_t[]){n, 2, 3}, pixels, 6 * (size_t)n);
    snprintf(name, sizeof name, "%s/%s-labels-idx1-ubyte", folder, split);
    const uint32_t n_labels = (uint32_t)strlen(labels);
    uint8_t bytes[16];
    for (uint32_t i = 0; i < n_labels; i++)
        bytes[i] = (uint8_t)(labels[i] - '0');
    qn_set_kit_idx(t, name, 1, &n_labels, bytes, n_labels);
}

void test_dataset_idx(qn_test *t)
{
    qn_set_kit k;
    char text[256], room[QN_ITEM_TEXT];
    qn_image image;
    qn_set_kit_init(&k, t);
    put_idx(t, "set", "t10k", 1, "3");
    put_idx(t, "set", "train", 2, "02");
    REQUIRE_OK(t, qn_set_kit_open(&k, "set", NULL), &k.err);
    CHECK_STR(t, k.set->format->name, "idx");
    CHECK_EQ(t, k.set->n, 3);
    CHECK_STR(t, qn_set_kit_classes(&k, text), "0 1 2 3");
    CHECK(t, k.set->height == 2 && k.set->width == 3 && k.set->channels == 1);
    CHECK(t,
          !memcmp(k.set->array, pixels, 12) && !memcmp(k.set->array + 12, pixels, 6));
    CHECK_STR(t, qn_item_name(k.set, 1, room), "train/1");
    CHECK_STR(t, qn_item_name(k.set, 2, room), "test/0");
    CHECK(t, k.set->label[0] == 0 && k.set->label[1] == 2 && k.set->label[2] == 3);
    CHECK(t, k.set->split[1] == QN_SPLIT_TRAIN && k.set->split[2] == QN_SPLIT_TEST);
    REQUIRE_OK(t, qn_dataset_read(k.set, 1, &k.arena, &image, &k.err), &k.err);
    CHECK(t, image.width == 3 && image.height == 2 &&
                 !memcmp(image.pixels, pixels + 6, 6));
    CHECK(t, qn_dataset_read(k.set, 3, &k.arena, &image, &k.err) == QUERN_INVALID);
    const void *packed = pixels;
    size_t n;
    REQUIRE_OK(t, qn_dataset_packed(k.set, 1, &k.arena, &packed, &n, &k.err), &k.err);
    CHECK(t, packed == NULL && n == 0);
    qn_set_kit_text(t, "set/classes.txt", "a\r\nb\nc\nd\n");
    REQUIRE_OK(t, qn_set_kit_open(&k, "set/t10k-images-idx3-ubyte", NULL), &k.err);
    CHECK_EQ(t, k.set->n, 1);
    CHECK_STR(t, qn_set_kit_classes(&k, text), "a b c d");
    qn_set_kit_text(t, "set/classes.txt", "a\nb\nc");
    qn_set_kit_refuses(&k, "set", QUERN_FORMAT, "3 names, but the labels go to 3");
    qn_set_kit_text(t, "set/classes.txt", "a\nb\nc\nb");
    qn_set_kit_refuses(&k, "set", QUERN_FORMAT, "classes 1 and 3 are both called 'b'");
    qn_set_kit_done(&k);
}

void test_dataset_idx_bad(qn_test *t)
{
    qn_set_kit k;
    qn_set_kit_init(&k, t);
    put_idx(t, "count", "train", 2, "021");
    qn_set_kit_refuses(
        &k, "count", QUERN_FORMAT,
        "count: train-images-idx3-ubyte: train-labels-idx1-ubyte: 3 labels "
        "for 2 pictures");
    put_idx(t, "twice", "train", 1, "0");
    put_idx(t, "twice", "other-train", 1, "0");
    qn_set_kit_refuses(&k, "twice", QUERN_FORMAT, "are of one split");
    put_idx(t, "alone", "train", 1, "0");
    unlink(qn_temp(t, "alone/train-labels-idx1-ubyte"));
    qn_set_kit_refuses(&k, "alone", QUERN_IO, "are missing");
    put_idx(t, "differ", "train", 1, "0");
    put_idx(t, "differ", "test", 1, "0");
    qn_set_kit_idx(t, "differ/test-images-idx3-ubyte", 3, (uint32_t[]){1, 3, 2}, pixels,
                   6);
    qn_set_kit_refuses(&k, "differ", QUERN_SHAPE, "those before have 2 x 3 x 1");
    put_idx(t, "huge", "train", 1, "0");
    qn_set_kit_idx(t, "huge/train-images-idx3-ubyte", 3,
                   (uint32_t[]){0xffff, 0xffff, 0x7fff}, pixels, 6);
    qn_set_kit_refuses(&k, "huge", QUERN_FORMAT, "the file has 6");
    put_idx(t, "five", "train", 1, "0");
    qn_set_kit_idx(t, "five/train-images-idx4-ubyte", 4, (uint32_t[]){1, 1, 1, 5},
                   pixels, 5);
    unlink(qn_temp(t, "five/train-images-idx3-ubyte"));
    qn_set_kit_refuses(&k, "five", QUERN_UNSUPPORTED, "pictures of 5 channels");
    put_idx(t, "none", "train", 0, "");
    qn_set_kit_refuses(&k, "none", QUERN_FORMAT, "it holds no pictures");
    qn_set_kit_refuses(&k, "nowhere", QUERN_IO, "no such file");
    CHECK_FAILS(t, qn_set_kit_open(&k, "none", "idy"), QUERN_INVALID, &k.err, "idx");
    qn_set_kit_done(&k);
}

/* Every part of a file, from its beginning, is refused, and so is every gzip of it. */
void test_dataset_idx_cut(qn_test *t)
{
    static const char *const names[] = {"set/train-images-idx3-ubyte",
                                        "set/train-labels-idx1-ubyte"};
    qn_set_kit k;
    qn_set_kit_init(&k, t);
    for (int packed = 0; packed < 2; packed++) {
        put_idx(t, "set", "train", 2, "01");
        char command[1024], name[128];
        snprintf(command, sizeof command, "gzip -nf %s/*", qn_temp(t, "set"));
        if (packed) REQUIRE(t, qn_shell(t, command, NULL) == 0);
        if (qn_set_kit_open(&k, "set", NULL) == QUERN_UNSUPPORTED) {
            qn_skip(t, "%s", k.err.text);
            break;
        }
        REQUIRE_OK(t, k.err.status, &k.err);
        CHECK(t, !memcmp(k.set->array, pixels, 12));
        for (int f = 0; f < 2; f++) {
            size_t n;
            snprintf(name, sizeof name, "%s%s", names[f], packed ? ".gz" : "");
            const char *whole = qn_get_file(t, qn_temp(t, name), &n);
            for (size_t cut = 0; cut < n; cut++) {
                qn_set_kit_put(t, name, whole, cut);
                CHECK(t, qn_set_kit_open(&k, "set", NULL) != QUERN_OK);
                CHECK(t, strlen(k.err.text) > 10);
            }
            qn_set_kit_put(t, name, whole, n);
        }
    }
    qn_set_kit_done(&k);
}

/* The real thing, where Debian's package is installed. */
void test_dataset_fashion(qn_test *t)
{
    qn_set_kit k;
    const char *path = "/usr/share/datasets/fashion-mnist";
    if (!qn_path_is_folder(path)) {
        qn_skip(t, "Fashion-MNIST is not installed (dataset-fashion-mnist)");
        return;
    }
    qn_set_kit_init(&k, t);
    if (qn_dataset_open(&k.mem, path, NULL, &k.set, &k.err) == QUERN_UNSUPPORTED) {
        qn_skip(t, "%s", k.err.text);
        return;
    }
    REQUIRE_OK(t, k.err.status, &k.err);
    int64_t sum = 0, count[10] = {0};
    for (size_t i = 0; i < (size_t)70000 * 784; i++)
        sum += k.set->array[i];
    for (int64_t i = 0; i < 60000; i++)
        count[k.set->label[i]]++;
    CHECK_EQ(t, k.set->n, 70000);
    CHECK_EQ(t, k.set->part[QN_SPLIT_TEST].first, 60000);
    CHECK_WITHIN(t, (double)sum / (70000.0 * 784 * 255), 0.2862, 5e-5);
    for (int c = 0; c < 10; c++)
        CHECK_EQ(t, count[c], 6000);
    qn_set_kit_done(&k);
}

/* ---- class folders -------------------------------------------------------------- */

void test_dataset_folders(qn_test *t)
{
    qn_set_kit k;
    char text[256];
    qn_image image;
    if (!qn_set_kit_decodes(t)) return;
    qn_set_kit_init(&k, t);
    qn_set_kit_picture(t, "set/b/10.bmp", 10);
    qn_set_kit_picture(t, "set/b/9.BMP", 9);
    qn_set_kit_picture(t, "set/b/deep/er/1.bmp", 1);
    qn_set_kit_picture(t, "set/a/x.bmp", 20);
    qn_set_kit_picture(t, "set/B/y.bmp", 30);
    qn_set_kit_picture(t, "set/.ipynb_checkpoints/y.bmp", 30);
    qn_set_kit_picture(t, "set/a/.hidden.bmp", 30);
    qn_set_kit_text(t, "set/a/notes.txt", "no picture");
    REQUIRE_OK(t, qn_set_kit_open(&k, "set", NULL), &k.err);
    CHECK_STR(t, qn_set_kit_classes(&k, text), "B a b");
    static const char *const names[] = {"B/y.bmp", "a/x.bmp", "b/10.bmp", "b/9.BMP",
                                        "b/deep/er/1.bmp"};
    static const int labels[] = {0, 1, 2, 2, 2}, grays[] = {30, 20, 10, 9, 1};
    REQUIRE(t, k.set->n == 5 && k.set->n_rejects == 0);
    for (int i = 0; i < 5; i++) {
        CHECK_STR(t, k.set->name[i], names[i]);
        CHECK_EQ(t, k.set->label[i], labels[i]);
        CHECK_EQ(t, k.set->split[i], QN_SPLIT_NONE);
        REQUIRE_OK(t, qn_dataset_read(k.set, i, &k.arena, &image, &k.err), &k.err);
        CHECK(t, image.width == 2 && image.height == 2 && image.pixels[0] == grays[i]);
    }
    unlink(qn_temp(t, "set/b/10.bmp"));
    CHECK_FAILS(t, qn_dataset_read(k.set, 2, &k.arena, &image, &k.err), QUERN_IO,
                &k.err, "b/10.bmp: cannot open");
    const void *bytes;
    size_t n;
    CHECK_FAILS(t, qn_dataset_packed(k.set, 2, &k.arena, &bytes, &n, &k.err), QUERN_IO,
                &k.err, "b/10.bmp: cannot open");
    qn_set_kit_text(t, "set/b/10.bmp", "BM");
    REQUIRE_OK(t, qn_dataset_packed(k.set, 2, &k.arena, &bytes, &n, &k.err), &k.err);
    CHECK(t, n == 2 && !memcmp(bytes, "BM", 2));
    CHECK(t, qn_dataset_read(k.set, 2, &k.arena, &image, &k.err) == QUERN_FORMAT);
    qn_set_kit_done(&k);
}

void test_dataset_folders_splits(qn_test *t)
{
    qn_set_kit k;
    char text[256];
    qn_set_kit_init(&k, t);
    qn_set_kit_picture(t, "set/train/a/1.bmp", 1);
    qn_set_kit_picture(t, "set/train/b/1.bmp", 2);
    qn_set_kit_picture(t, "set/train/c/1.bmp", 3);
    qn_set_kit_picture(t, "set/validation/c/1.bmp", 4);
    qn_set_kit_picture(t, "set/test/b/1.bmp", 5);
    qn_set_kit_picture(t, "set/meta/b/1.bmp", 5);
    REQUIRE_OK(t, qn_set_kit_open(&k, "set", NULL), &k.err);
    CHECK_STR(t, qn_set_kit_classes(&k, text), "a b c");
    static const int labels[] = {0, 1, 2, 2, 1};
    static const qn_split splits[] = {QN_SPLIT_TRAIN, QN_SPLIT_TRAIN, QN_SPLIT_TRAIN,
                                      QN_SPLIT_VAL, QN_SPLIT_TEST};
    REQUIRE(t, k.set->n == 5 && k.set->n_rejects == 1);
    for (int i = 0; i < 5; i++) {
        CHECK_EQ(t, k.set->label[i], labels[i]);
        CHECK_EQ(t, k.set->split[i], splits[i]);
    }
    CHECK_STR(t, k.set->rejects[0].item, "meta");
    qn_set_kit_picture(t, "set/test/d/1.bmp", 5);
    qn_set_kit_picture(t, "set/test/e/1.bmp", 5);
    qn_set_kit_refuses(
        &k, "set", QUERN_FORMAT,
        "2 of the 3 classes in 'test' are not among the 3 in 'train': 'd', "
        "'e'");
    qn_set_kit_picture(t, "set/val/c/1.bmp", 4);
    qn_set_kit_refuses(&k, "set", QUERN_FORMAT,
                       "'val' and 'validation' are both of 'val'");
    /* without train the classes are those of all */
    qn_set_kit_picture(t, "rest/val/c/1.bmp", 4);
    qn_set_kit_picture(t, "rest/test/b/1.bmp", 4);
    REQUIRE_OK(t, qn_set_kit_open(&k, "rest", NULL), &k.err);
    CHECK_STR(t, qn_set_kit_classes(&k, text), "b c");
    /* a class may be called test */
    qn_set_kit_picture(t, "words/test/1.bmp", 4);
    qn_set_kit_picture(t, "words/toast/1.bmp", 4);
    REQUIRE_OK(t, qn_set_kit_open(&k, "words", NULL), &k.err);
    CHECK_STR(t, qn_set_kit_classes(&k, text), "test toast");
    qn_set_kit_done(&k);
}

/* The reason why an item was refused, or "". */
static const char *reason_of(const qn_dataset *set, const char *item)
{
    for (int i = 0; i < set->n_rejects; i++)
        if (!strcmp(set->rejects[i].item, item)) return set->rejects[i].reason;
    return "";
}

static void put_link(qn_test *t, const char *target, const char *name)
{
    CHECK_EQ(t, symlink(target, qn_temp(t, name)), 0);
}

void test_dataset_folders_bad(qn_test *t)
{
    qn_set_kit k;
    qn_set_kit_init(&k, t);
    qn_set_kit_picture(t, "set/a/1.bmp", 1);
    qn_set_kit_picture(t, "set/loose.bmp", 1);
    qn_set_kit_text(t, "set/a/2.webp", "RIFF");
    qn_set_kit_text(t, "set/empty/readme.txt", "none");
    qn_set_kit_picture(t, "outside.bmp", 1);
    put_link(t, "1.bmp", "set/a/inside.bmp");
    put_link(t, "../../outside.bmp", "set/a/outside.bmp");
    put_link(t, "gone", "set/a/gone.bmp");
    put_link(t, "..", "set/a/loop");
    put_link(t, "loop.bmp", "set/a/loop.bmp");
    put_link(t, "/dev/zero", "set/a/zero.bmp");
    put_link(t, "a", "set/b");
    char pipe[512];
    snprintf(pipe, sizeof pipe, "mkfifo %s", qn_temp(t, "set/a/pipe.bmp"));
    REQUIRE(t, qn_shell(t, pipe, NULL) == 0);
    REQUIRE_OK(t, qn_set_kit_open(&k, "set", NULL), &k.err);
    CHECK_EQ(t, k.set->n, 2);
    CHECK_EQ(t, k.set->n_classes, 2);
    CHECK_HAS(t, reason_of(k.set, "loose.bmp"), "no class folder");
    CHECK_HAS(t, reason_of(k.set, "a/2.webp"), "not read");
    CHECK_HAS(t, reason_of(k.set, "empty"), "no picture");
    CHECK_HAS(t, reason_of(k.set, "a/outside.bmp"), "leads out");
    CHECK_HAS(t, reason_of(k.set, "a/zero.bmp"), "leads out");
    CHECK_HAS(t, reason_of(k.set, "a/gone.bmp"), "leads nowhere");
    CHECK_HAS(t, reason_of(k.set, "a/loop.bmp"), "leads nowhere");
    CHECK_HAS(t, reason_of(k.set, "a/loop"), "link to a folder");
    CHECK_HAS(t, reason_of(k.set, "b"), "link to a folder");
    CHECK_HAS(t, reason_of(k.set, "a/pipe.bmp"), "no regular file");
    CHECK_EQ(t, k.set->n_rejects, 10);
    /* a link put in later is not followed either */
    qn_image image;
    unlink(qn_temp(t, "set/a/1.bmp"));
    put_link(t, "../../outside.bmp", "set/a/1.bmp");
    CHECK_FAILS(t, qn_dataset_read(k.set, 0, &k.arena, &image, &k.err), QUERN_INVALID,
                &k.err, "leads out of the folder");
    qn_set_kit_text(t, "none/readme.txt", "x");
    qn_set_kit_refuses(&k, "none", QUERN_FORMAT, "no class folders");
    qn_set_kit_picture(t, "latin/caf\xe9/1.bmp", 1);
    qn_set_kit_refuses(&k, "latin", QUERN_FORMAT, "class 0, 'caf\\xe9', is not UTF-8");
    qn_set_kit_done(&k);
}
