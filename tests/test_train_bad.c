/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_train_bad.c - quern train and what it is given that is no good: pictures,
 * classes, settings.  Each is one sentence, and nothing of the user's changes. */
#include "tests/dataset_kit.h"
#include "engine/os.h"
#include "tests/train_kit.h"

#include <stdio.h>
#include <string.h>

/* Class folders of n gray pictures each. */
static void put_class(qn_test *t, const char *name, int n)
{
    char path[128];
    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof path, "data/%s/%02d.bmp", name, i);
        qn_set_kit_picture(t, path, (uint8_t)qn_test_int(t, 0, 255));
    }
}

static bool can(qn_test *t)
{
    if (qn_quern(t, "version --json | grep -q '\"stb\":true'", NULL) == 0) return true;
    qn_skip(t, "this build has no stb_image");
    return false;
}

/* Trains in vain; the sentence has this part. */
static void refuses(qn_test *t, const char *arguments, int code, const char *part)
{
    const char *out;
    CHECK_EQ(t, qn_train_kit_run(t, "run", arguments, &out), code);
    CHECK_HAS(t, out, part);
    CHECK(t, qn_train_kit_file(t, "run", "metrics.jsonl", NULL) == NULL);
}

#define SMALL "--size 8,8 --epochs 1 --batch 4 "

void test_train_bad_pictures(qn_test *t)
{
    const char *out;
    if (!can(t)) return;
    put_class(t, "a", 12);
    put_class(t, "b", 12);
    qn_set_kit_text(t, "data/a/cut.bmp", "BM");
    qn_set_kit_text(t, "data/b/none.png", "no picture");
    refuses(t, SMALL, 1, "bad: a/cut.bmp: 2 bytes");
    refuses(t, SMALL, 1, "bad: b/none.png: ");
    refuses(t, SMALL, 1, "2 of its pictures cannot be used; --skip-bad");
    CHECK_EQ(t, qn_train_kit_run(t, "run", SMALL "--skip-bad", &out), 0);
    CHECK_HAS(t, out, "left out: a/cut.bmp");
    CHECK_STR(t, qn_get_file(t, qn_temp(t, "data/a/cut.bmp"), NULL), "BM");
}

void test_train_bad_classes(qn_test *t)
{
    if (!can(t)) return;
    put_class(t, "a", 4);
    refuses(t, SMALL, 1, "1 class; training needs two");
    put_class(t, "b", 4);
    CHECK(t, qn_dir_make(qn_temp(t, "data/c"), NULL) == QUERN_OK);
    refuses(t, SMALL, 1, "bad: c: the class folder holds no picture");
    refuses(t, SMALL "--skip-bad", 1, "class 'c' has no pictures to train on");
}

void test_train_bad_splits(qn_test *t)
{
    if (!can(t)) return;
    put_class(t, "train/a", 6);
    put_class(t, "train/b", 6);
    put_class(t, "val/a", 2);
    put_class(t, "val/c", 2);
    refuses(t, SMALL, 1, "'c'");
}

void test_train_twins(qn_test *t)
{
    const char *out;
    if (!can(t)) return;
    for (int i = 0; i < 12; i++) {
        char path[64];
        snprintf(path, sizeof path, "data/train/%c/%02d.bmp", "ab"[i % 2], i);
        qn_set_kit_picture(t, path, (uint8_t)(i * 9));
    }
    qn_set_kit_picture(t, "data/val/a/x.bmp", 18); /* as train/a/02.bmp */
    qn_set_kit_picture(t, "data/val/b/y.bmp", 200);
    CHECK_EQ(t, qn_train_kit_run(t, "run", SMALL, &out), 0);
    CHECK_HAS(t, out, "1 pictures are in two splits");
    CHECK_HAS(t, out, "train/a/02.bmp = val/a/x.bmp");
}

/* The same among pictures in one array, where digests are quick. */
void test_train_twins_array(qn_test *t)
{
    uint8_t pixels[20 * 64], labels[20];
    const uint32_t dim[] = {20, 8, 8}, two[] = {2, 8, 8}, n = 20, m = 2;
    const char *out;
    for (int i = 0; i < 20 * 64; i++)
        pixels[i] = (uint8_t)qn_test_int(t, 0, 255);
    for (int i = 0; i < 20; i++)
        labels[i] = (uint8_t)(i % 2);
    qn_set_kit_idx(t, "data/train-images-idx3-ubyte", 3, dim, pixels, sizeof pixels);
    qn_set_kit_idx(t, "data/train-labels-idx1-ubyte", 1, &n, labels, n);
    uint8_t *test = pixels + 5 * 64; /* items 5 and 6, one of them a pixel off */
    test[64 + 63] ^= 1;
    qn_set_kit_idx(t, "data/t10k-images-idx3-ubyte", 3, two, test, 128);
    qn_set_kit_idx(t, "data/t10k-labels-idx1-ubyte", 1, &m, labels, m);
    CHECK_EQ(t, qn_train_kit_run(t, "run", "--epochs 1 --val 0", &out), 0);
    CHECK_HAS(t, out, "1 pictures are in two splits");
    CHECK_HAS(t, out, "train/5 = test/0");
}

/* A model whose head is for other classes, or is none. */
void test_train_bad_head(qn_test *t)
{
    const char *out;
    char line[1024];
    qn_train_kit_data(t);
    REQUIRE(t, qn_train_kit_run(t, "four", "--epochs 1", &out) == 0);
    const char *model = qn_temp(t, "four/model.onnx");
    put_class(t, "a", 4);
    put_class(t, "b", 4);
    snprintf(line, sizeof line, "%s --model %s --out %s --batch 4 --head nothing",
             qn_temp(t, "data"), model, qn_temp(t, "run"));
    CHECK_EQ(t, qn_train_kit_plain(t, line, &out), 2);
    CHECK_HAS(t, out, "nothing");
    snprintf(line, sizeof line, "%s --model %s --freeze 'no-such*'", qn_temp(t, "data"),
             model);
    CHECK_EQ(t, qn_train_kit_plain(t, line, &out), 2);
    CHECK_HAS(t, out, "no-such");
    snprintf(line, sizeof line, "%s --model %s --size 9,8", qn_temp(t, "data"), model);
    CHECK_EQ(t, qn_train_kit_plain(t, line, &out), 2);
    CHECK_HAS(t, out, "the model takes pictures of 8x8, not of 9x8");
    snprintf(line, sizeof line, "%s --model README.md", qn_temp(t, "data"));
    CHECK_EQ(t, qn_train_kit_plain(t, line, &out), 1);
    CHECK_HAS(t, out, "README.md");
}

void test_train_bad_words(qn_test *t)
{
    static const struct {
        const char *arguments, *says;
    } cases[] = {
        {"--arch fst16", "no --arch 'fst16'; did you mean fast16?"},
        {"--arch zzzzzz", "no --arch 'zzzzzz'; there are mlp, tiny, fast16"},
        {"--opt adam", "no --opt 'adam'; did you mean adamw?"},
        {"--sched cosin", "did you mean cosine?"},
        {"--sampler balansed", "did you mean balanced?"},
        {"--class-weights balance", "did you mean balanced?"},
        {"--resize fit", "no --resize 'fit'"},
        {"--channels grey", "did you mean gray?"},
        {"--metric top5", "did you mean top1?"},
        {"--bn evl", "did you mean eval?"},
        {"--aug filp=0.5", "did you mean flip"},
        {"--save-every 5", "--save-every takes 1e"},
        {"--time-limit soon", "--time-limit takes 90s"},
        {"--lr fast", "--lr takes a number, not 'fast'"},
        {"--lr -1", "--lr is -1; it goes from 0"},
        {"--epochs 0", "--epochs is 0; it goes from 1"},
        {"--batch 0", "--batch is 0"},
        {"--val 1.5", "--val is 1.5"},
        {"--ema 2", "--ema is 2"},
        {"--label-smoothing 1", "--label-smoothing is 1"},
        {"--folds 3 --fold 4", "--fold takes all, or 1 to 3"},
        {"--folds 1", "--folds is 1"},
        {"--fold 1", "--fold needs --folds"},
        {"--head x", "--head is for a network from --model"},
        {"--epohcs 3", "no option --epohcs; did you mean --epochs?"},
        {"--size 8,x", "size"},
        {"--size 8,9999", "the width is 9999"},
        {"--mean 1,2,3,4", "mean"},
        {"--mixup 0.001", "mixup"},
    };
    qn_train_kit_data(t);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        refuses(t, cases[i].arguments, 2, cases[i].says);
}

/* Where the data are not, or are no data. */
void test_train_bad_data(qn_test *t)
{
    const char *out;
    char line[512];
    CHECK_EQ(t, qn_train_kit_plain(t, "", &out), 2);
    CHECK_HAS(t, out, "no data: give a folder or file");
    snprintf(line, sizeof line, "%s", qn_temp(t, "nothing"));
    CHECK_EQ(t, qn_train_kit_plain(t, line, &out), 1);
    CHECK_HAS(t, out, "nothing: there is no such file or folder");
    CHECK_EQ(t, qn_train_kit_plain(t, "README.md", &out), 3);
    CHECK_EQ(t, qn_train_kit_plain(t, "a b", &out), 2);
}

void test_train_class_weights(qn_test *t)
{
    const char *out;
    char line[512];
    qn_train_kit_data(t);
    snprintf(line, sizeof line, "--epochs 1 --class-weights %s", qn_temp(t, "w.csv"));
    qn_set_kit_text(t, "w.csv", "0,2\n3,0.5\n");
    CHECK_EQ(t, qn_train_kit_run(t, "a", line, &out), 0);
    qn_set_kit_text(t, "w.csv", "0,1\n1,1\n");
    CHECK_EQ(t, qn_train_kit_run(t, "b", line, &out), 0);
    CHECK_EQ(t, qn_train_kit_run(t, "c", "--epochs 1", &out), 0);
    CHECK(t, strcmp(qn_train_kit_hash(t, "a"), qn_train_kit_hash(t, "c")) != 0);
    CHECK_STR(t, qn_train_kit_hash(t, "b"), qn_train_kit_hash(t, "c"));
    qn_set_kit_text(t, "w.csv", "0,2\ncat,1\n");
    refuses(t, line, 1, "w.csv: line 2: the data have no class 'cat'");
    qn_set_kit_text(t, "w.csv", "0,heavy\n");
    refuses(t, line, 1, "w.csv: line 1: 'heavy': a line is class,weight");
}
