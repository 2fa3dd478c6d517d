/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_trainer.c - the trainer on built-in networks and batches made up: equal
 * bits at any number of threads and after a resumption; accumulation, clipping,
 * freezing, averages. */
#include "engine/nets.h"
#include "engine/parameters.h"
#include "engine/train.h"
#include "formats/onnx.h"
#include "tests/onnx_kit.h"
#include "tests/test.h"
#include "tools/train_run.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SIDE = 16, CLASSES = 5, BATCH = 8 };

static const char *const nets[] = {"mlp",     "tiny",     "fast16",
                                   "resnet8", "mobile-s", "vit-tiny"};
enum { N_NETS = sizeof nets / sizeof *nets };

static const float mean[3] = {0.4f, 0.5f, 0.6f}, deviation[3] = {0.25f, 0.2f, 0.3f};

static qn_trainer_options plain(const char *optimizer, int threads)
{
    return (qn_trainer_options){.optimizer = qn_optimizer_find(optimizer),
                                .mean = mean,
                                .std = deviation,
                                .session = {.n_threads = threads}};
}

/* Takes the raw model over. */
static qn_trainer *adopt(qn_test *t, quern_model *raw, int64_t batch,
                         const qn_trainer_options *opt, qn_is_frozen_fn *is_frozen)
{
    quern_error err;
    quern_model *model;
    qn_trainer *trainer = NULL;
    qn_mem mem;
    qn_mem_init(&mem, NULL, 0);
    if (CHECK_OK(t, qn_train_parse(raw, batch, is_frozen, NULL, &mem, &model, &err),
                 &err))
        CHECK_OK(t, qn_trainer_create(model, opt, &trainer, &err), &err);
    quern_model_free(raw);
    return trainer;
}

static qn_trainer *make(qn_test *t, const char *net, int64_t batch,
                        const qn_trainer_options *opt, qn_is_frozen_fn *is_frozen)
{
    quern_error err;
    quern_model *raw;
    const qn_net_options how = {
        .height = SIDE, .width = SIDE, .channels = 3, .n_classes = CLASSES, .seed = 3};
    if (!CHECK_OK(t, qn_net_build(qn_net_find(net), &how, NULL, &raw, &err), &err))
        return NULL;
    return adopt(t, raw, batch, opt, is_frozen);
}

/* Pictures [first, first + n) of an endless set. */
static qn_batch pictures(qn_test *t, int64_t first, int64_t n)
{
    const size_t area = (size_t)SIDE * SIDE * 3;
    uint8_t *pixels = qn_exact(t, (size_t)n * area);
    float *target = qn_exact(t, (size_t)n * CLASSES * sizeof *target);
    float *weight = qn_exact(t, (size_t)n * sizeof *weight);
    int32_t *label = qn_exact(t, (size_t)n * sizeof *label);
    for (int64_t i = 0; i < n; i++) {
        uint64_t x = (uint64_t)(first + i) * 977 + 11;
        label[i] = (int32_t)((first + i) % CLASSES);
        weight[i] = 1;
        for (int c = 0; c < CLASSES; c++)
            target[i * CLASSES + c] = c == label[i];
        for (size_t k = 0; k < area; k++) {
            x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            pixels[(size_t)i * area + k] = (uint8_t)(x >> 56);
        }
    }
    return (qn_batch){
        .n = n, .pixels = pixels, .target = target, .weight = weight, .label = label};
}

static qn_step_rule rule_of(const qn_trainer_options *opt, float rate)
{
    return (qn_step_rule){.rate = rate,
                          .decay = 0.01f,
                          .beta1 = opt->optimizer->beta1,
                          .beta2 = opt->optimizer->beta2,
                          .epsilon = opt->optimizer->epsilon,
                          .average = 0.3f};
}

/* Batches [from, to) of n pictures. */
static bool steps(qn_test *t, qn_trainer *trainer, const qn_step_rule *rule, int from,
                  int to, int64_t n)
{
    quern_error err;
    qn_step_result r;
    for (int k = from; k < to; k++) {
        const qn_batch batch = pictures(t, k * n, n);
        if (!CHECK_OK(t, qn_trainer_step(trainer, &batch, rule, &r, &err), &err))
            return false;
    }
    return true;
}

void test_trainer_threads(qn_test *t)
{
    static const int threads[] = {1, 2, 3, 8};
    for (int k = 0; k < N_NETS; k++) {
        uint64_t hash[4] = {0};
        for (int i = 0; i < 4; i++) {
            const qn_trainer_options opt = plain("sgd", threads[i]);
            const qn_step_rule rule = rule_of(&opt, 0.02f);
            qn_trainer *trainer = make(t, nets[k], BATCH, &opt, NULL);
            REQUIRE(t, trainer);
            qn_note(t, "%s, %d threads", nets[k], threads[i]);
            steps(t, trainer, &rule, 0, 5, BATCH);
            hash[i] = qn_trainer_hash(trainer);
            CHECK(t, hash[i] == hash[0]);
            qn_trainer_free(trainer);
        }
    }
}

static void copy(const float *from, float *to, int64_t n)
{
    if (from && to) memcpy(to, from, (size_t)n * sizeof *to);
}

static void copy_state(const qn_trainer *from, qn_trainer *to)
{
    for (int i = 0; i < qn_trainer_n(from); i++) {
        const qn_trained *a = qn_trainer_at(from, i);
        qn_trained *b = qn_trainer_at(to, i);
        copy(a->data, b->data, a->n);
        copy(a->held, b->held, a->n);
        copy(a->average, b->average, a->n);
        for (int k = 0; k < QN_MOMENTS; k++)
            copy(a->moment[k], b->moment[k], a->n);
    }
    qn_trainer_restore(to, qn_trainer_steps(from), qn_trainer_accumulated(from));
}

/* Arrays and counts are all there is, also in the middle of an accumulation. */
void test_trainer_resumes(qn_test *t)
{
    static const char *const optimizers[] = {"sgd", "adamw", "lamb", "lion", "muon"};
    for (int k = 0; k < 5; k++) {
        qn_trainer_options opt = plain(optimizers[k], 1);
        opt.accumulate = 2;
        opt.averages = opt.clips = true;
        qn_step_rule rule = rule_of(&opt, 1e-3f);
        rule.clip = 0.5f;
        qn_trainer *whole = make(t, nets[k + 1], 4, &opt, NULL);
        qn_trainer *first = make(t, nets[k + 1], 4, &opt, NULL);
        qn_trainer *second = make(t, nets[k + 1], 4, &opt, NULL);
        qn_note(t, "%s, %s", optimizers[k], nets[k + 1]);
        REQUIRE(t, whole && first && second);
        steps(t, whole, &rule, 0, 8, 4);
        steps(t, first, &rule, 0, 5, 4);
        steps(t, second, &rule, 7, 8, 4); /* what it did before is forgotten */
        copy_state(first, second);
        steps(t, second, &rule, 5, 8, 4);
        CHECK(t, qn_trainer_hash(second) == qn_trainer_hash(whole));
        CHECK(t, qn_trainer_hash(first) != qn_trainer_hash(whole));
        CHECK_EQ(t, qn_trainer_steps(whole), 4);
        qn_trainer_free(whole);
        qn_trainer_free(first);
        qn_trainer_free(second);
    }
}

/* A network that drops half of its hidden units. */
static qn_trainer *make_dropping(qn_test *t, const qn_trainer_options *opt)
{
    enum { IN = SIDE * SIDE * 3, HIDDEN = 12 };
    quern_error err;
    quern_model *raw;
    qn_kit k;
    char dims[32];
    static const float half = 0.5f;
    static const uint8_t yes = 1;
    float *w = qn_exact(t, IN * HIDDEN * sizeof *w), *v = w + 7;
    for (int i = 0; i < IN * HIDDEN; i++)
        w[i] = 0.02f * (float)(i * 37 % 101 - 50) / 50;
    qn_kit_begin(&k, 8, 17);
    qn_kit_node(&k, "Flatten image -> flat");
    qn_kit_node(&k, "MatMul flat w -> hidden");
    qn_kit_node(&k, "Dropout hidden half yes -> kept");
    qn_kit_node(&k, "MatMul kept v -> logits");
    snprintf(dims, sizeof dims, "%d %d", IN, HIDDEN);
    qn_kit_tensor(&k, "w", QUERN_FLOAT, dims, w, IN * HIDDEN * sizeof *w);
    snprintf(dims, sizeof dims, "%d %d", HIDDEN, CLASSES);
    qn_kit_tensor(&k, "v", QUERN_FLOAT, dims, v, HIDDEN * CLASSES * sizeof *v);
    qn_kit_tensor(&k, "half", QUERN_FLOAT, "", &half, sizeof half);
    qn_kit_tensor(&k, "yes", QUERN_BOOL, "", &yes, sizeof yes);
    snprintf(dims, sizeof dims, "N 3 %d %d", SIDE, SIDE);
    qn_kit_value(&k, GRAPH_INPUT, "image", QUERN_FLOAT, dims);
    snprintf(dims, sizeof dims, "N %d", CLASSES);
    qn_kit_value(&k, GRAPH_OUTPUT, "logits", QUERN_FLOAT, dims);
    qn_kit_end(&k);
    const bool good =
        CHECK_OK(t, qn_onnx_parse_raw(k.buf.p, k.buf.n, NULL, &raw, &err), &err);
    qn_trainer *trainer = good ? adopt(t, raw, BATCH, opt, NULL) : NULL;
    qn_kit_done(&k);
    return trainer;
}

/* What is dropped goes by seed and step: another at each step, the same after a
 * resumption. */
void test_trainer_dropout(qn_test *t)
{
    quern_error err;
    qn_step_result r[2];
    qn_trainer_options opt = plain("sgd", 1);
    const qn_step_rule rule = rule_of(&opt, 0.01f), still = {.rate = 0};
    const qn_batch batch = pictures(t, 0, BATCH);
    qn_trainer *whole = make_dropping(t, &opt), *second = make_dropping(t, &opt);
    opt.session.seed = 1;
    qn_trainer *other = make_dropping(t, &opt);
    REQUIRE(t, whole && second && other);
    steps(t, whole, &rule, 0, 3, BATCH);
    copy_state(whole, second);
    steps(t, whole, &rule, 3, 5, BATCH);
    steps(t, second, &rule, 3, 5, BATCH);
    CHECK(t, qn_trainer_hash(whole) == qn_trainer_hash(second));
    steps(t, other, &rule, 0, 5, BATCH);
    CHECK(t, qn_trainer_hash(whole) != qn_trainer_hash(other));
    for (int k = 0; k < 2; k++)
        REQUIRE_OK(t, qn_trainer_step(whole, &batch, &still, &r[k], &err), &err);
    CHECK(t, r[0].loss != r[1].loss);
    qn_trainer_free(whole);
    qn_trainer_free(second);
    qn_trainer_free(other);
}

/* The largest distance of a tensor of one from that of the other, relative. */
static double distance(const qn_trainer *a, const qn_trainer *b)
{
    double worst = 0;
    for (int i = 0; i < qn_trainer_n(a); i++) {
        const qn_trained *x = qn_trainer_at(a, i), *y = qn_trainer_at(b, i);
        double off = 0, size = 0;
        for (int64_t k = 0; k < x->n; k++) {
            const double d = (double)x->data[k] - (double)y->data[k];
            off += d * d;
            size += (double)y->data[k] * (double)y->data[k];
        }
        worst = fmax(worst, sqrt(off / fmax(size, 1e-4)));
    }
    return worst;
}

/* Without batch statistics two batches of four are one of eight. */
void test_trainer_accumulates(qn_test *t)
{
    static const char *const without[] = {"mlp", "vit-tiny"};
    for (int k = 0; k < 2; k++) {
        qn_trainer_options opt = plain("sgd", 1);
        const qn_step_rule rule = rule_of(&opt, 0.05f);
        qn_trainer *at_once = make(t, without[k], 8, &opt, NULL);
        opt.accumulate = 2;
        qn_trainer *in_two = make(t, without[k], 4, &opt, NULL);
        REQUIRE(t, at_once && in_two);
        steps(t, at_once, &rule, 0, 3, 8);
        steps(t, in_two, &rule, 0, 6, 4);
        qn_note(t, "%s", without[k]);
        CHECK_WITHIN(t, distance(in_two, at_once), 0, 1e-5);
        CHECK_EQ(t, qn_trainer_steps(in_two), 3);
        qn_trainer_free(at_once);
        qn_trainer_free(in_two);
    }
}

/* A plain step of rate 1 is as long as the gradient, which is as long as the limit. */
void test_trainer_clips(qn_test *t)
{
    quern_error err;
    qn_trainer_options opt = plain("sgd", 1);
    opt.clips = true;
    qn_trainer *fresh = make(t, "resnet8", BATCH, &opt, NULL);
    qn_trainer *moved = make(t, "resnet8", BATCH, &opt, NULL);
    REQUIRE(t, fresh && moved);
    const qn_step_rule rule = {.rate = 1, .clip = 0.01f};
    const qn_batch batch = pictures(t, 0, BATCH);
    qn_step_result r;
    REQUIRE_OK(t, qn_trainer_step(moved, &batch, &rule, &r, &err), &err);
    double sum = 0;
    for (int i = 0; i < qn_trainer_n(fresh); i++) {
        const qn_trained *a = qn_trainer_at(fresh, i), *b = qn_trainer_at(moved, i);
        for (int64_t k = 0; !a->is_statistic && k < a->n; k++) {
            const double d = (double)a->data[k] - (double)b->data[k];
            sum += d * d;
        }
    }
    CHECK(t, r.norm > 0.01);
    CHECK_WITHIN(t, sqrt(sum), 0.01, 1e-6);
    qn_trainer_free(fresh);
    qn_trainer_free(moved);
}

static bool is_early(void *ctx, const char *name)
{
    (void)ctx;
    return strncmp(name, "stage", 5) != 0 && strncmp(name, "head", 4) != 0;
}

/* Frozen parameters are not in the list; the rest of a network trains without them. */
void test_trainer_freezes(qn_test *t)
{
    const qn_trainer_options opt = plain("sgd", 1);
    const qn_step_rule rule = rule_of(&opt, 0.05f);
    qn_trainer *all = make(t, "resnet8", BATCH, &opt, NULL);
    qn_trainer *some = make(t, "resnet8", BATCH, &opt, is_early);
    REQUIRE(t, all && some);
    const uint64_t before = qn_trainer_hash(some);
    CHECK(t, qn_trainer_n(some) > 0 && qn_trainer_n(some) < qn_trainer_n(all));
    for (int i = 0; i < qn_trainer_n(some); i++)
        CHECK(t, !is_early(NULL, qn_trainer_at(some, i)->name));
    steps(t, some, &rule, 0, 2, BATCH);
    CHECK(t, qn_trainer_hash(some) != before);
    qn_trainer_free(all);
    qn_trainer_free(some);
}

/* The average goes 0.3 of the way to the weights, step after step; so do averages of
 * running statistics. */
void test_trainer_averages(qn_test *t)
{
    qn_trainer_options opt = plain("sgd", 1);
    opt.averages = true;
    const qn_step_rule rule = rule_of(&opt, 0.05f);
    qn_trainer *trainer = make(t, "tiny", BATCH, &opt, NULL);
    REQUIRE(t, trainer);
    for (int step = 0; step < 3; step++) {
        float *before[64];
        const int n = qn_trainer_n(trainer);
        REQUIRE(t, n <= 64);
        for (int i = 0; i < n; i++) {
            const qn_trained *p = qn_trainer_at(trainer, i);
            before[i] = qn_exact(t, (size_t)p->n * sizeof(float));
            copy(p->average, before[i], p->n);
        }
        steps(t, trainer, &rule, step, step + 1, BATCH);
        for (int i = 0; i < n; i++) {
            const qn_trained *p = qn_trainer_at(trainer, i);
            const double old = (double)before[i][p->n - 1];
            const double want = old + 0.3 * ((double)p->data[p->n - 1] - old);
            qn_note(t, "%s", p->name);
            CHECK_WITHIN(t, (double)p->average[p->n - 1], want,
                         1e-6 * (fabs(want) + fabs(old)));
        }
    }
    qn_trainer_free(trainer);
}

/* A loss that is no number is an error, not a step. */
void test_trainer_diverges(qn_test *t)
{
    quern_error err;
    qn_step_result r;
    qn_trainer_options opt = plain("sgd", 1);
    opt.clips = true;
    qn_trainer *trainer = make(t, "mlp", BATCH, &opt, NULL);
    REQUIRE(t, trainer);
    const qn_step_rule rule = {.rate = 0.01f, .clip = 1};
    qn_batch batch = pictures(t, 0, BATCH);
    ((float *)(uintptr_t)batch.target)[0] = NAN;
    CHECK_FAILS(t, qn_trainer_step(trainer, &batch, &rule, &r, &err), QUERN_DATA, &err,
                "the loss is");
    qn_trainer_free(trainer);
}
