/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_dry.c - the main things people do with a heap that runs dry: each of the
 * first 200 allocations fails, then 25 of the others, once alone and once with all that
 * follow.  The answer is that memory lacks, in a sentence, and all of it comes back. */
#include "tests/dataset_kit.h"
#include "tests/test.h"

#include "engine/nets.h"
#include "engine/parameters.h"
#include "engine/train.h"
#include "formats/onnx.h"

#include <stdio.h>
#include <string.h>

enum { EACH = 200, SAMPLES = 25 };

/* Does the whole thing with this heap, and gives everything back. */
typedef quern_status thing_fn(const quern_allocator *heap, void *ctx, quern_error *err);

static int64_t count(qn_test *t, thing_fn *thing, void *ctx)
{
    qn_heap heap = {0};
    const quern_allocator a = qn_heap_allocator(&heap);
    quern_error err = {.status = QUERN_OK};
    CHECK_OK(t, thing(&a, ctx, &err), &err);
    CHECK_EQ(t, heap.blocks, 0);
    return heap.n_allocs;
}

static void fail_at(qn_test *t, thing_fn *thing, void *ctx, int64_t at, bool all_after)
{
    qn_heap heap = {.fail_at = at, .fail_after = all_after};
    const quern_allocator a = qn_heap_allocator(&heap);
    quern_error err = {.status = QUERN_OK};
    const quern_status status = thing(&a, ctx, &err);
    /* what can do without may go on */
    CHECK(t, status == QUERN_OK || status == QUERN_MEMORY);
    if (status != QUERN_OK) CHECK(t, err.text[0] != 0);
    CHECK_EQ(t, heap.blocks, 0);
}

static void run_dry(qn_test *t, const char *name, thing_fn *thing, void *ctx)
{
    const int64_t n = count(t, thing, ctx);
    const int64_t step = n > EACH + SAMPLES ? (n - EACH) / SAMPLES : 1;
    CHECK(t, n > 0);
    for (int64_t at = 1; at <= n; at += at < EACH ? 1 : step) {
        qn_note(t, "%s: allocation %lld of %lld fails", name, (long long)at,
                (long long)n);
        fail_at(t, thing, ctx, at, false);
        fail_at(t, thing, ctx, at, true);
    }
}

/* ---- a model is opened and run ---- */

static quern_status run_session(const quern_model *model, const quern_allocator *heap,
                                quern_error *err)
{
    static float pixels[28 * 28];
    const quern_tensor x = {
        .dtype = QUERN_FLOAT, .rank = 4, .dim = {1, 1, 28, 28}, .data = pixels};
    const quern_session_options so = {
        .size = sizeof so, .allocator = heap, .n_threads = 1};
    quern_session *session = NULL;
    quern_tensor y;
    quern_status status = quern_session_create(model, &so, &session, err);
    if (status == QUERN_OK) status = quern_session_bind(session, 0, &x, err);
    if (status == QUERN_OK) status = quern_run(session, err);
    if (status == QUERN_OK) status = quern_session_output(session, 0, &y, err);
    quern_session_free(session);
    return status;
}

static quern_status open_and_run(const quern_allocator *heap, void *ctx,
                                 quern_error *err)
{
    const quern_model_options mo = {.size = sizeof mo, .allocator = heap};
    quern_model *model = NULL;
    quern_status status = quern_model_open(ctx, &mo, &model, err);
    if (status == QUERN_OK) status = run_session(model, heap, err);
    quern_model_free(model);
    return status;
}

void test_dry_run(qn_test *t)
{
    run_dry(t, "run", open_and_run, (char *)"tests/data/fashion-fast16.onnx");
}

/* ---- a network is built, written, read again and trained for a step ---- */

enum { SIDE = 8, CLASSES = 3, BATCH = 4 };

static quern_status step(qn_trainer *trainer, quern_error *err)
{
    static uint8_t pixels[BATCH * SIDE * SIDE];
    static const float weight[BATCH] = {1, 1, 1, 1};
    static const float target[BATCH * CLASSES] = {1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0};
    static const int32_t label[BATCH] = {0, 1, 2, 0};
    const qn_batch batch = {.n = BATCH,
                            .pixels = pixels,
                            .target = (float *)target,
                            .weight = (float *)weight,
                            .label = (int32_t *)label};
    const qn_step_rule rule = {.rate = 0.1f, .beta1 = 0.9f};
    qn_step_result result;
    return qn_trainer_step(trainer, &batch, &rule, &result, err);
}

/* The network as `quern train` prepares it. */
static quern_status prepare(const quern_model *raw, qn_buf *file,
                            const quern_allocator *heap, quern_model **out,
                            quern_error *err)
{
    const quern_model_options mo = {.size = sizeof mo, .allocator = heap};
    QN_TRY(qn_onnx_write(file, raw, err));
    QN_TRY(qn_onnx_parse_raw(file->p, file->n, &mo, out, err));
    qn_parameters_mark(*out, NULL, NULL);
    quern_status status = qn_batch_fix(*out, BATCH, err);
    if (status == QUERN_OK) status = qn_model_finish(*out, err);
    if (status != QUERN_OK) quern_model_free(*out);
    return status;
}

static quern_status train(const quern_model *raw, qn_buf *file,
                          const quern_allocator *heap, quern_error *err)
{
    static const float mean = 0.5f, deviation = 0.25f;
    const qn_trainer_options opt = {
        .optimizer = qn_optimizer_find("sgd"),
        .mean = &mean,
        .std = &deviation,
        .session = {.size = sizeof opt.session, .allocator = heap, .n_threads = 1}};
    quern_model *model = NULL;
    qn_trainer *trainer = NULL;
    QN_TRY(prepare(raw, file, heap, &model, err));
    quern_status status = qn_trainer_create(model, &opt, &trainer, err);
    if (status == QUERN_OK) status = step(trainer, err);
    qn_trainer_free(trainer);
    return status;
}

static quern_status write_and_train(const quern_allocator *heap, void *ctx,
                                    quern_error *err)
{
    const qn_net_options how = {
        .height = SIDE, .width = SIDE, .channels = 1, .n_classes = CLASSES};
    const quern_model_options mo = {.size = sizeof mo, .allocator = heap};
    quern_model *raw = NULL;
    qn_mem mem;
    qn_buf file;
    (void)ctx;
    qn_mem_init(&mem, heap, 0);
    qn_buf_init(&file, &mem);
    quern_status status = qn_net_build(qn_net_find("tiny"), &how, &mo, &raw, err);
    if (status == QUERN_OK) status = train(raw, &file, heap, err);
    qn_buf_done(&file);
    quern_model_free(raw);
    return status;
}

void test_dry_train(qn_test *t)
{
    run_dry(t, "train", write_and_train, NULL);
}

/* ---- data sets are read ---- */

static quern_status read_all(const quern_allocator *heap, void *ctx, quern_error *err)
{
    qn_mem mem;
    qn_arena arena;
    qn_dataset *set = NULL;
    qn_image image;
    qn_mem_init(&mem, heap, 0);
    qn_arena_init(&arena, &mem);
    quern_status status = qn_dataset_open(&mem, ctx, NULL, &set, err);
    for (int64_t i = 0; status == QUERN_OK && i < set->n; i++)
        status = qn_dataset_read(set, i, &arena, &image, err);
    qn_arena_done(&arena);
    qn_dataset_close(set);
    return status;
}

void test_dry_data(qn_test *t)
{
    static const struct {
        const char *to, *name, *more;
    } all[] = {{"folders", "folders", ""},
               {"csv", "csv", ""},
               {"idx", "idx", ""},
               {"npz", "set.npz", ""},
               {"webdataset", "set.tar", ""},
               {"coco", "coco", ""},
               {"cifar", "cifar", "--resize 32x32 --rgb"}};
    char from[400], to[400], line[1000];
    const char *out;
    if (!qn_set_kit_decodes(t)) return;
    qn_set_kit_picture(t, "set/a/1.bmp", 10);
    qn_set_kit_picture(t, "set/a/2.bmp", 20);
    qn_set_kit_picture(t, "set/b/3.bmp", 30);
    snprintf(from, sizeof from, "%s", qn_temp(t, "set"));
    run_dry(t, "class folders", read_all, from);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        snprintf(to, sizeof to, "%s", qn_temp(t, all[i].name));
        snprintf(line, sizeof line, "data convert '%s' '%s' --to %s -q %s", from, to,
                 all[i].to, all[i].more);
        const int code = qn_quern(t, line, &out);
        qn_note(t, "%s: %s", line, out);
        if (code == 3) continue; /* zlib or Jansson is not in this build */
        if (CHECK_EQ(t, code, 0)) run_dry(t, all[i].to, read_all, to);
    }
}
