/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_evaluate.c - a model over a data set: classes by name, slices, threads,
 * the files that are written, and `quern eval` as scripts see it. */
#include "engine/os.h"
#include "formats/csv_write.h"
#include "formats/png_write.h"
#include "tests/test.h"
#include "tools/evaluate.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define NET "tests/data/fashion-fast16.onnx"

enum { N = 37, SIDE = 28 };

static const char *const fashion[] = {"T-shirt/top", "Trouser",   "Pullover", "Dress",
                                      "Coat",        "Sandal",    "Shirt",    "Sneaker",
                                      "Bag",         "Ankle boot"};

/* N pictures of noise in an array; the classes in another order than the model's. */
typedef struct kit {
    qn_mem mem;
    qn_arena arena;
    quern_error err;
    quern_model *model;
    qn_dataset set;
    const char *classes[10], *site[N];
    int32_t label[N];
    uint8_t split[N], pixels[N * SIDE * SIDE];
    qn_column column;
} kit;

static bool begin(qn_test *t, kit *k)
{
    *k = (kit){.err.status = QUERN_OK};
    qn_mem_init(&k->mem, NULL, 0);
    qn_arena_init(&k->arena, &k->mem);
    for (int i = 0; i < 10; i++)
        k->classes[i] = fashion[9 - i];
    for (int i = 0; i < N; i++) {
        k->split[i] = i < 4 ? QN_SPLIT_VAL : QN_SPLIT_TEST;
        k->site[i] = i % 3 == 0 ? "A" : i % 3 == 1 ? "B" : NULL;
    }
    for (int i = 0; i < N * SIDE * SIDE; i++)
        k->pixels[i] = (uint8_t)(qn_test_int(t, 0, 255) * (i / SIDE % 5 == 0));
    k->column = (qn_column){"site", k->site};
    k->set = (qn_dataset){.path = "noise",
                          .n = N,
                          .label = k->label,
                          .split = k->split,
                          .classes = k->classes,
                          .n_classes = 10,
                          .columns = &k->column,
                          .n_columns = 1,
                          .height = SIDE,
                          .width = SIDE,
                          .channels = 1,
                          .array = k->pixels};
    return CHECK_OK(t, quern_model_open(NET, NULL, &k->model, &k->err), &k->err);
}

static void end(kit *k)
{
    quern_model_free(k->model);
    qn_arena_done(&k->arena);
}

static quern_status run(kit *k, int threads, bool flip, qn_evaluation *e)
{
    const quern_session_options session = {.size = sizeof session,
                                           .n_threads = threads};
    const qn_evaluate_options opt = {
        .batch = 5, .session = &session, .flip = flip, .metrics = {.bootstrap = 50}};
    return qn_evaluate(k->model, &k->set, &opt, &k->arena, e, &k->err);
}

void test_evaluate_by_name(qn_test *t)
{
    kit k;
    qn_evaluation e, again;
    if (!begin(t, &k)) return;
    REQUIRE_OK(t, run(&k, 1, false, &e), &k.err);
    CHECK_STR(t, e.split, "test");
    CHECK_EQ(t, e.predictions.n, N - 4);
    CHECK_EQ(t, e.item[0], 4);
    CHECK(t, !e.is_by_index);
    CHECK_EQ(t, e.predictions.label[0], 9); /* the set's class 0 is the model's 9 */
    /* with what was answered as the truth, all but one are right */
    for (int64_t i = 0; i < e.predictions.n; i++)
        k.label[e.item[i]] = 9 - e.metrics.outcomes[i].predicted;
    k.label[N - 1] = (k.label[N - 1] + 1) % 10;
    REQUIRE_OK(t, run(&k, 3, true, &again), &k.err);
    CHECK_WITHIN(t, again.metrics.figure[QN_FIGURE_TOP1], (N - 5.0) / (N - 4), 1e-15);
    CHECK(t, !memcmp(e.predictions.logits, again.predictions.logits,
                     (N - 4) * 10 * sizeof(float)));
    REQUIRE(t, again.flipped && again.flipped->n == N - 4);
    CHECK(t, again.flipped->figure[QN_FIGURE_LOSS] !=
                 again.metrics.figure[QN_FIGURE_LOSS]);
    /* p is the softmax of the logits */
    double sum = 0;
    for (int c = 0; c < 10; c++)
        sum += exp(e.predictions.logits[c]);
    for (int c = 0; c < 10; c++)
        CHECK_WITHIN(t, e.predictions.p[c], exp(e.predictions.logits[c]) / sum, 1e-6);
    end(&k);
}

/* A symmetric picture has itself as its mirror image. */
void test_evaluate_flip(qn_test *t)
{
    kit k;
    qn_evaluation e;
    if (!begin(t, &k)) return;
    for (int row = 0; row < N * SIDE; row++)
        for (int x = 0; x < SIDE / 2; x++)
            k.pixels[row * SIDE + SIDE - 1 - x] = k.pixels[row * SIDE + x];
    REQUIRE_OK(t, run(&k, 2, true, &e), &k.err);
    CHECK(t, !memcmp(e.flipped->figure, e.metrics.figure, sizeof e.metrics.figure));
    end(&k);
}

void test_evaluate_classes(qn_test *t)
{
    static const char *const numbers[] = {"0", "1", "2"}, *const some[] = {"Bag",
                                                                           "Hat"};
    kit k;
    int32_t *map;
    bool by_index;
    if (!begin(t, &k)) return;
    k.set.classes = (const char **)some;
    k.set.n_classes = 2;
    CHECK_FAILS(
        t, qn_evaluate_match(&k.set, fashion, 10, &k.arena, &map, &by_index, &k.err),
        QUERN_INVALID, &k.err, "class 'Hat' of noise is none of the model's");
    CHECK_HAS(t, k.err.text,
              "the set has Bag, Hat; the model has T-shirt/top, Trouser");
    k.set.classes = (const char **)numbers;
    k.set.n_classes = 3;
    REQUIRE_OK(
        t, qn_evaluate_match(&k.set, fashion, 10, &k.arena, &map, &by_index, &k.err),
        &k.err);
    CHECK(t, by_index && map[2] == 2);
    CHECK_FAILS(
        t, qn_evaluate_match(&k.set, fashion, 2, &k.arena, &map, &by_index, &k.err),
        QUERN_INVALID, &k.err, "noise has 3 classes, the model 2");
    qn_evaluation e = {0};
    CHECK_FAILS(
        t, qn_evaluate_choose(&k.set, QN_SPLIT_TRAIN, false, &k.arena, &e, &k.err),
        QUERN_INVALID, &k.err, "no item is in split train; there are: val, test");
    end(&k);
}

void test_evaluate_slices(qn_test *t)
{
    kit k;
    qn_evaluation e;
    double hits = 0;
    int64_t n = 0;
    if (!begin(t, &k)) return;
    for (int i = 0; i < N; i++)
        k.label[i] = (int32_t)qn_test_int(t, 0, 9);
    REQUIRE_OK(t, run(&k, 2, false, &e), &k.err);
    const qn_metrics_options opt = {.bootstrap = 20};
    REQUIRE_OK(t, qn_evaluate_slices(&e, "site", &opt, &k.arena, &k.err), &k.err);
    CHECK_EQ(t, e.n_slices, 3);
    CHECK_STR(t, e.slices[0].value, "B"); /* item 4 is the first of the split */
    for (int i = 0; i < e.n_slices; i++) {
        n += e.slices[i].metrics.n;
        hits +=
            e.slices[i].metrics.figure[QN_FIGURE_TOP1] * (double)e.slices[i].metrics.n;
    }
    CHECK_EQ(t, n, e.metrics.n);
    CHECK_WITHIN(t, hits / (double)n, e.metrics.figure[QN_FIGURE_TOP1], 1e-12);
    CHECK_FAILS(t, qn_evaluate_slices(&e, "age", &opt, &k.arena, &k.err), QUERN_INVALID,
                &k.err, "noise has no column 'age'");
    end(&k);
}

void test_evaluate_files(qn_test *t)
{
    kit k;
    qn_evaluation e;
    static const char *const files[] = {"report",      "confusion",   "per_class",
                                        "predictions", "reliability", "slices"};
    char path[512];
    if (!begin(t, &k)) return;
    k.label[5] = -1; /* without a label: predicted, but counted nowhere */
    REQUIRE_OK(t, run(&k, 1, true, &e), &k.err);
    const qn_metrics_options opt = {0};
    REQUIRE_OK(t, qn_evaluate_slices(&e, "site", &opt, &k.arena, &k.err), &k.err);
    CHECK_EQ(t, e.metrics.n, N - 5);
    const char *folder = qn_temp(t, "a/b");
    REQUIRE_OK(t, qn_evaluation_write(&e, folder, "_test", &k.mem, &k.err), &k.err);
    for (int i = 0; i < 6; i++) {
        snprintf(path, sizeof path, "%s/%s_test.%s", folder, files[i],
                 i ? "csv" : "json");
        const char *text = qn_get_file(t, path, NULL);
        qn_note(t, "%s", files[i]);
        REQUIRE(t, text);
        if (i == 0) CHECK_HAS(t, text, "{\"schema\":1,");
        if (i == 1) CHECK_HAS(t, text, "label,T-shirt/top,Trouser,");
        if (i == 3) CHECK_HAS(t, text, "item,label,predicted,p,correct,p_label\n4,");
        if (i == 3) CHECK_HAS(t, text, "\n5,,");
        if (i == 5) CHECK_HAS(t, text, "\nsite,A,");
    }
    end(&k);
}

void test_evaluate_csv(qn_test *t)
{
    qn_mem mem;
    qn_buf out;
    qn_csv csv;
    qn_mem_init(&mem, NULL, 0);
    qn_buf_init(&out, &mem);
    qn_csv_begin(&csv, &out);
    qn_csv_text(&csv, "=HYPERLINK(\"x\")");
    qn_csv_text(&csv, "a,b\n\"c\"");
    qn_csv_text(&csv, NULL);
    qn_csv_end(&csv);
    qn_csv_text(&csv, "-1");
    qn_csv_int(&csv, -1);
    qn_csv_real(&csv, -0.1);
    qn_csv_single(&csv, 0.1f);
    qn_csv_real(&csv, NAN);
    qn_csv_text(&csv, "p-1");
    qn_csv_end(&csv);
    CHECK_STR(t, out.p,
              "\"'=HYPERLINK(\"\"x\"\")\",\"a,b\n\"\"c\"\"\",\n"
              "\"'-1\",-1,-0.1,0.1,,p-1\n");
    qn_buf_done(&out);
}

/* A picture goes into a batch of its own size only. */
void test_evaluate_sizes(qn_test *t)
{
    uint8_t *pixels = qn_exact(t, 6), *batch = qn_exact(t, 4);
    const qn_image image = {3, 2, 1, pixels};
    qn_tensor x = {.dtype = QUERN_UINT8, .rank = 4, .dim = {1, 1, 2, 2}, .data = batch};
    const qn_recipe recipe = {.channels = 1, .std = {1, 1, 1}};
    qn_mem mem;
    qn_arena arena;
    quern_error err;
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    memset(pixels, 0, 6);
    CHECK_FAILS(t, qn_recipe_apply(&recipe, &image, &arena, &x, 0, &err), QUERN_SHAPE,
                &err, "a picture of 2 x 3 does not go into a batch of");
    qn_arena_done(&arena);
}

/* ---- the command ----------------------------------------------------------------- */

static void says(qn_test *t, int want, const char *part, const char *arguments)
{
    const char *out = "";
    qn_note(t, "%s", arguments);
    CHECK_EQ(t, qn_quern(t, arguments, &out), want);
    CHECK_HAS(t, out, part);
}

/* Two pictures of 2 x 2 as a test set of IDX files. */
static const char *two_pictures(qn_test *t)
{
    static const uint8_t images[] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2,
                                     0, 0, 0, 2, 0, 0, 0, 0, 9, 9, 9, 9};
    static const uint8_t labels[] = {0, 0, 8, 1, 0, 0, 0, 2, 8, 9};
    qn_put_file(t, qn_temp(t, "t10k-images-idx3-ubyte"), images, sizeof images);
    qn_put_file(t, qn_temp(t, "t10k-labels-idx1-ubyte"), labels, sizeof labels);
    return qn_temp(t, "");
}

void test_evaluate_command(qn_test *t)
{
    static const struct {
        const char *options, *part;
        int code;
    } cases[] = {
        {"--json", "\"split\":\"test\"", 0},
        {"--json", "\"n\":2,\"top1\":", 0},
        {"--json -q --bootstrap 100", "\"intervals\":{\"top1\":[", 0},
        {"--json --compare " NET, "\"only_first\":0,\"only_second\":0", 0},
        {"--tta flip", "with mirror images: accuracy", 0},
        {"--min-acc 1.5", "is below 1.5", 1},
        {"--split train", "there are: test", 1},
        {"--split some", "train, val, test and all", 2},
        {"--by site", "has no column 'site'", 1},
        {"--calibrate test", "they share pictures", 1},
        {"", "of 2 pictures right", 0},
        {"", "has no names of classes", 0},
    };
    const char *set = two_pictures(t);
    char command[1024];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(command, sizeof command, "eval " NET " '%s' %s", set,
                 cases[i].options);
        says(t, cases[i].code, cases[i].part, command);
    }
    says(t, 2, "needs a model and data", "eval " NET);
    snprintf(command, sizeof command, "eval " NET " '%s' -q -o '%s'", set,
             qn_temp(t, "out"));
    says(t, 0, "accuracy", command);
    CHECK(t, qn_get_file(t, qn_temp(t, "out/predictions.csv"), NULL));
}

static void put_png(qn_test *t, qn_mem *mem, const char *class, const char *name)
{
    static const uint8_t pixels[9] = {77, 77, 77, 77, 77, 77, 77, 77, 77};
    const qn_png png = {3, 3, 1, 8, pixels};
    char path[128];
    quern_error err;
    snprintf(path, sizeof path, "set/test/%s", class);
    CHECK_OK(t, qn_dir_make(qn_temp(t, path), &err), &err);
    snprintf(path, sizeof path, "set/test/%s/%s", class, name);
    CHECK_OK(t, qn_png_save(mem, qn_temp(t, path), &png, &err), &err);
}

/* Class folders: a picture that cannot be read ends it, or is listed. */
void test_evaluate_bad_picture(qn_test *t)
{
    qn_mem mem;
    char command[1024];
    const char *set = qn_temp(t, "set");
    if (qn_quern(t, "version --json | grep -q '\"stb\":true'", NULL) != 0) {
        qn_skip(t, "needs stb_image");
        return;
    }
    qn_mem_init(&mem, NULL, 0);
    put_png(t, &mem, "Coat", "a.png");
    put_png(t, &mem, "Bag", "b.png");
    qn_put_file(t, qn_temp(t, "set/test/Bag/c.png"), "\x89PNG\r\n\x1a\n", 8);
    snprintf(command, sizeof command, "eval " NET " '%s'", set);
    says(t, 1, "test/Bag/c.png: ", command);
    snprintf(command, sizeof command, "eval " NET " '%s' --skip-bad --json -q", set);
    says(t, 0, "\"matched\":\"name\",\"n\":2,", command);
    says(t, 0, "\"rejects\":[{\"item\":\"test/Bag/c.png\"", command);
    put_png(t, &mem, "Hat", "d.png");
    says(t, 1, "class 'Hat'", command);
}
