/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmd_bench_train.c - quern bench train: how long a training step takes, on a
 * batch that lies in memory. */
#include "bench/clock.h"
#include "bench/stats.h"
#include "engine/os.h"
#include "engine/raw.h"
#include "formats/files.h"
#include "tools/bench_model.h"
#include "tools/profile.h"
#include "formats/onnx.h"
#include "tools/train_run.h"

#include <string.h>

const qn_option qn_bench_train_options[] = {
    {"batch", 'b', QN_OPT_INT, "N", "128", "pictures in a step"},
    {"channels", 0, QN_OPT_INT, "N", "3", "of the pictures of a built-in network"},
    {"classes", 0, QN_OPT_INT, "N", "10", "of the answer of a built-in network"},
    {"opt", 0, QN_OPT_TEXT, "NAME", "sgd", "optimizer"},
    {"time", 0, QN_OPT_REAL, "S", "2", "seconds of timed steps"},
    {"profile", 0, QN_OPT_FLAG, NULL, NULL, "time by operator of one more step"},
    {"worker", 0, QN_OPT_FLAG, NULL, NULL,
     "a step for each line on stdin, and its seconds back"},
    QN_OPTION_THREADS,
    QN_OPTION_LIMIT,
    QN_OPTION_JSON,
    QN_OPTION_QUIET,
    QN_OPTIONS_END,
};

const char qn_bench_train_about[] =
    "A step is forward, backward and the update of all weights; loading, decoding and\n"
    "augmentation are not in it.  NET is a built-in network, NAME[@SIDE]; MODEL an "
    "ONNX\n"
    "file, trained whole.  The median comes with a 95 % interval.\n"
    "\n"
    "  quern bench train fast32@28 --channels 1 --threads 1\n"
    "  quern bench train resnet18.onnx --batch 8 --profile\n";

typedef struct bench_train {
    const qn_args *args;
    qn_mem mem;
    qn_arena arena;
    quern_model *raw;
    qn_trainer *trainer;
    qn_trainer_stats stats;
    qn_profile profile;
    bool profiles;
    qn_batch batch;
    quern_error *err;
    quern_status status;
    double first_ms, start;
} bench_train;

/* ---- what is trained ---- */

static quern_status open_net(bench_train *b, quern_error *err)
{
    int side;
    const char *path = b->args->operands[0];
    const qn_net *net = qn_file_is_there(path) ? NULL : qn_bench_net(path, &side);
    if (!net) {
        QN_TRY(qn_onnx_open_raw(path, NULL, &b->raw, err));
        QN_TRY(qn_raw_inference(b->raw, err));
        QN_TRY(qn_raw_untie(b->raw, err));
        return qn_raw_free_batch(b->raw, err);
    }
    const qn_net_options opt = {.height = side,
                                .width = side,
                                .channels = (int)qn_arg_int(b->args, "channels"),
                                .n_classes = (int)qn_arg_int(b->args, "classes"),
                                .seed = 1};
    return qn_net_build(net, &opt, NULL, &b->raw, err);
}

static void add_profile(void *ctx, const char *node, const char *op, double seconds)
{
    bench_train *b = ctx;
    if (b->profiles) qn_profile_add(&b->profile, node, op, seconds);
}

static quern_status make_trainer(bench_train *b, quern_error *err)
{
    static const float mean[] = {0.5f, 0.5f, 0.5f}, std[] = {0.25f, 0.25f, 0.25f};
    const int64_t n = qn_arg_int(b->args, "batch");
    quern_model *model;
    qn_trainer_options opt = {
        .optimizer = qn_optimizer_find(qn_arg_text(b->args, "opt")),
        .mean = mean,
        .std = std,
        .session = {.n_threads = (int)qn_arg_int(b->args, "threads")}};
    if (!opt.optimizer)
        return qn_fail(err, QUERN_INVALID, "no optimizer '%s'",
                       qn_arg_text(b->args, "opt"));
    if (qn_arg_flag(b->args, "profile")) {
        opt.session.profile = add_profile;
        opt.session.profile_ctx = b;
    }
    QN_TRY(qn_train_parse(b->raw, n, NULL, NULL, &b->mem, &model, err));
    return qn_trainer_create(model, &opt, &b->trainer, err);
}

/* A batch of noise; labels in turn. */
static quern_status make_batch(bench_train *b, quern_error *err)
{
    void *pixels, *target, *weight, *label;
    int64_t x[4], n_classes;
    qn_trainer_shapes(b->trainer, x, &n_classes);
    const size_t n = (size_t)x[0], size = (size_t)(x[1] * x[2] * x[3]);
    QN_TRY(qn_arena_array(&b->arena, n, size, &pixels, err));
    QN_TRY(
        qn_arena_array(&b->arena, n * (size_t)n_classes, sizeof(float), &target, err));
    QN_TRY(qn_arena_array(&b->arena, n, sizeof(float), &weight, err));
    QN_TRY(qn_arena_array(&b->arena, n, sizeof(int32_t), &label, err));
    for (size_t i = 0; i < n * size; i++)
        ((uint8_t *)pixels)[i] = (uint8_t)(i * 2654435761u >> 13);
    for (size_t i = 0; i < n; i++) {
        const size_t k = i % (size_t)n_classes;
        ((float *)target)[i * (size_t)n_classes + k] = 1;
        ((float *)weight)[i] = 1;
        ((int32_t *)label)[i] = (int32_t)k;
    }
    b->batch = (qn_batch){.n = x[0],
                          .pixels = pixels,
                          .target = target,
                          .weight = weight,
                          .label = label};
    return QUERN_OK;
}

/* ---- running ---- */

static void step(void *ctx)
{
    bench_train *b = ctx;
    qn_step_result r;
    const qn_step_rule rule = {.rate = 1e-3f,
                               .decay = 5e-4f,
                               .beta1 = 0.9f,
                               .beta2 = 0.999f,
                               .epsilon = 1e-8f};
    if (b->status == QUERN_OK)
        b->status = qn_trainer_step(b->trainer, &b->batch, &rule, &r, b->err);
}

static quern_status prepare(bench_train *b, quern_error *err)
{
    QN_TRY(open_net(b, err));
    QN_TRY(make_trainer(b, err));
    QN_TRY(make_batch(b, err));
    step(b);
    b->first_ms = 1e3 * (qn_os_seconds() - b->start);
    QN_TRY(b->status);
    return qn_trainer_plan(b->trainer, &b->stats, err);
}

static quern_status serve(bench_train *b)
{
    char line[64];
    printf("ready\n");
    fflush(stdout);
    while (b->status == QUERN_OK && fgets(line, sizeof line, stdin)) {
        const double start = qn_os_seconds();
        step(b);
        printf("%.9g\n", qn_os_seconds() - start);
        fflush(stdout);
    }
    return b->status;
}

enum { MAX_SAMPLES = 10000 };

static quern_status measure(bench_train *b, qn_stats *out, quern_error *err)
{
    void *p;
    const qn_clock clock = qn_clock_make();
    const qn_work work = {.run = step, .ctx = b};
    const double budget = qn_arg_real(b->args, "time");
    QN_TRY(qn_arena_array(&b->arena, 2 * MAX_SAMPLES, sizeof(double), &p, err));
    double *samples = p;
    int n = 0;
    qn_clock_warm(&clock, &work, 1, budget / 10, budget / 2);
    const double start = qn_os_seconds();
    while (n < MAX_SAMPLES && b->status == QUERN_OK &&
           (n < 5 || qn_os_seconds() - start < budget))
        samples[n++] = 1e3 * qn_clock_sample(&clock, &work, 1);
    *out = qn_stats_of(samples, n, samples + MAX_SAMPLES);
    b->profiles = true;
    if (qn_arg_flag(b->args, "profile")) step(b);
    return b->status;
}

/* ---- telling ---- */

static void print_json(bench_train *b, const qn_stats *s)
{
    qn_json j;
    qn_buf out;
    qn_buf_init(&out, &b->mem);
    qn_json_begin(&j, &out);
    qn_json_text(&j, "net", b->args->operands[0]);
    qn_json_int(&j, "batch", b->batch.n);
    qn_json_int(&j, "threads", b->stats.threads);
    qn_json_int(&j, "parameters", b->stats.n_trained);
    qn_json_real(&j, "first_ms", b->first_ms);
    qn_json_int(&j, "n", s->n);
    qn_json_real(&j, "median_ms", s->median);
    qn_json_real(&j, "ci_lo_ms", s->lo);
    qn_json_real(&j, "ci_hi_ms", s->hi);
    qn_json_real(&j, "images_per_s", 1e3 * (double)b->batch.n / s->median);
    qn_json_int(&j, "slab_bytes", (int64_t)b->stats.slab_bytes);
    qn_json_int(&j, "reorders", b->stats.reorders);
    qn_json_end(&j);
    qn_out_flush(&out);
    qn_buf_done(&out);
}

static void print_text(const bench_train *b, const qn_stats *s)
{
    printf("%s, batch %lld, %d thread%s: step %.2f ms [%.2f, %.2f], %.0f images/s\n",
           QN_CLEAN(b->args->operands[0]), (long long)b->batch.n, b->stats.threads,
           b->stats.threads == 1 ? "" : "s", s->median, s->lo, s->hi,
           1e3 * (double)b->batch.n / s->median);
    printf("first step after %.0f ms; %s of activations and gradients, %lld reorders\n",
           b->first_ms, QN_BYTES(b->stats.slab_bytes), (long long)b->stats.reorders);
}

static quern_status bench(bench_train *b, quern_error *err)
{
    qn_stats stats;
    QN_TRY(prepare(b, err));
    if (qn_arg_flag(b->args, "worker")) return serve(b);
    QN_TRY(measure(b, &stats, err));
    if (qn_arg_flag(b->args, "json"))
        print_json(b, &stats);
    else
        print_text(b, &stats);
    if (qn_arg_flag(b->args, "profile")) qn_profile_print(&b->profile, stdout);
    return QUERN_OK;
}

int qn_cmd_bench_train(const qn_args *args)
{
    quern_error err = {0};
    bench_train b = {.args = args, .err = &err, .start = qn_os_seconds()};
    if (args->n_operands != 1)
        return qn_usage(args, "one network or model, not %d", args->n_operands);
    qn_mem_init(&b.mem, NULL, 0);
    qn_arena_init(&b.arena, &b.mem);
    qn_profile_init(&b.profile, &b.mem);
    const quern_status status = bench(&b, &err);
    qn_profile_done(&b.profile);
    qn_trainer_free(b.trainer);
    quern_model_free(b.raw);
    qn_arena_done(&b.arena);
    return status == QUERN_OK ? 0 : qn_report(args->operands[0], &err);
}
