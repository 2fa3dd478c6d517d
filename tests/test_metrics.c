/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_metrics.c - the figures of an evaluation against numbers worked out by
 * hand, against what they must be by construction, and against scikit-learn where it
 * is. */
#include "engine/metrics.h"
#include "engine/text.h"
#include "formats/buffer.h"
#include "tests/test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct kit {
    qn_mem mem;
    qn_arena arena;
    qn_pool *pool;
    quern_error err;
} kit;

static void begin(kit *k, int threads)
{
    *k = (kit){.err.status = QUERN_OK};
    qn_mem_init(&k->mem, NULL, 0);
    qn_arena_init(&k->arena, &k->mem);
    quern_pool_create(threads, &k->pool, &k->err);
}

static void end(kit *k)
{
    quern_pool_free(k->pool);
    qn_arena_done(&k->arena);
}

/* Six items of three classes; confusion 1 1 0 / 0 2 0 / 1 0 1. */
static const float six_p[] = {0.7f, 0.2f, 0.1f, 0.3f, 0.6f, 0.1f, 0.1f, 0.8f, 0.1f,
                              0.2f, 0.5f, 0.3f, 0.5f, 0.1f, 0.4f, 0.1f, 0.1f, 0.8f};
static const int32_t six_labels[] = {0, 0, 1, 1, 2, 2};
static const qn_predictions six = {
    .n = 6, .n_classes = 3, .p = six_p, .label = six_labels};

/* ---- by hand --------------------------------------------------------------------- */

void test_metrics_counts(qn_test *t)
{
    static const int64_t confusion[] = {1, 1, 0, 0, 2, 0, 1, 0, 1};
    kit k;
    qn_metrics m;
    begin(&k, 1);
    REQUIRE_OK(t, qn_metrics_compute(&six, NULL, &k.arena, &m, &k.err), &k.err);
    CHECK_EQ(t, m.n, 6);
    CHECK(t, !memcmp(m.confusion, confusion, sizeof confusion));
    CHECK_EQ(t, m.classes[1].n, 2);
    CHECK_EQ(t, m.classes[1].n_predicted, 3);
    CHECK_EQ(t, m.classes[1].n_hits, 2);
    CHECK_WITHIN(t, m.classes[1].precision, 2 / 3.0, 1e-15);
    CHECK_WITHIN(t, m.classes[1].recall, 1, 0);
    CHECK_WITHIN(t, m.classes[1].f1, 0.8, 1e-15);
    CHECK_WITHIN(t, m.figure[QN_FIGURE_TOP1], 4 / 6.0, 1e-15);
    CHECK_WITHIN(t, m.figure[QN_FIGURE_TOP5], 1, 0);
    CHECK_WITHIN(t, m.figure[QN_FIGURE_BALANCED_ACCURACY], 4 / 6.0, 1e-15);
    /* precisions 1/2 2/3 1, F1s 1/2 4/5 2/3 */
    CHECK_WITHIN(t, m.figure[QN_FIGURE_MACRO_PRECISION], 13 / 18.0, 1e-15);
    CHECK_WITHIN(t, m.figure[QN_FIGURE_MACRO_F1], 59 / 90.0, 1e-15);
    /* margins 2 2 2 and 2 3 1: kappa (4*6 - 12) / (36 - 12); MCC 12 / sqrt(24 * 22) */
    CHECK_WITHIN(t, m.figure[QN_FIGURE_KAPPA], 0.5, 1e-15);
    CHECK_WITHIN(t, m.figure[QN_FIGURE_MCC], 12 / sqrt(24 * 22.0), 1e-15);
    CHECK_EQ(t, m.n_top, 3);
    CHECK_WITHIN(t, m.top[0], 4 / 6.0, 1e-15);
    CHECK_WITHIN(t, m.top[1], 1, 1e-15);
    CHECK_WITHIN(t, m.figure[QN_FIGURE_LOSS],
                 -(log(0.7) + log(0.3) + log(0.8) + log(0.5) + log(0.4) + log(0.8)) / 6,
                 1e-7);
    /* squared distances .14 .86 .06 .38 .62 .06 */
    CHECK_WITHIN(t, m.figure[QN_FIGURE_BRIER], 2.12 / 6, 1e-7);
    CHECK(t, isnan(m.lo[QN_FIGURE_TOP1]));
    end(&k);
}

/* Ties count half; a class that no item has is not there, and the means do without. */
void test_metrics_ranking(qn_test *t)
{
    static const float p[] = {0.9f, 0.1f, 0, 0.5f, 0.5f, 0,
                              0.5f, 0.5f, 0, 0.2f, 0.8f, 0};
    static const int32_t label[] = {0, 0, 1, 1};
    const qn_predictions in = {.n = 4, .n_classes = 3, .p = p, .label = label};
    kit k;
    qn_metrics m;
    begin(&k, 2);
    const qn_metrics_options opt = {.pool = k.pool};
    REQUIRE_OK(t, qn_metrics_compute(&in, &opt, &k.arena, &m, &k.err), &k.err);
    /* pairs: .9 above both, .5 above one and level with the other */
    CHECK_WITHIN(t, m.classes[0].roc_auc, 3.5 / 4, 1e-15);
    CHECK_WITHIN(t, m.classes[1].roc_auc, 3.5 / 4, 1e-15);
    CHECK_WITHIN(t, m.classes[0].average_precision, 0.5 * 1 + 0.5 * 2 / 3, 1e-15);
    CHECK(t, isnan(m.classes[2].roc_auc) && isnan(m.classes[2].average_precision));
    CHECK(t, isnan(m.classes[2].precision) && isnan(m.classes[2].recall));
    CHECK(t, isnan(m.classes[2].f1));
    CHECK_WITHIN(t, m.figure[QN_FIGURE_ROC_AUC], 3.5 / 4, 1e-15);
    CHECK_WITHIN(t, m.figure[QN_FIGURE_MACRO_RECALL], 0.75, 1e-15);
    end(&k);
}

/* Confidences .55 (right), .65 (wrong), .95 (right), 1 (right). */
void test_metrics_calibration(qn_test *t)
{
    static const float p[] = {0.55f, 0.45f, 0.65f, 0.35f, 0.05f, 0.95f, 0, 1};
    static const int32_t label[] = {0, 1, 1, 1};
    const qn_predictions in = {.n = 4, .n_classes = 2, .p = p, .label = label};
    kit k;
    qn_metrics m;
    begin(&k, 1);
    REQUIRE_OK(t, qn_metrics_compute(&in, NULL, &k.arena, &m, &k.err), &k.err);
    CHECK_EQ(t, m.width[8].n, 1); /* 8/15 < .55 <= 9/15 */
    CHECK_EQ(t, m.width[9].n, 1);
    CHECK_EQ(t, m.width[14].n, 2);
    CHECK_WITHIN(t, m.width[14].confidence, 0.975, 1e-7);
    CHECK_WITHIN(t, m.width[14].accuracy, 1, 0);
    CHECK_WITHIN(t, m.width[14].weight, 0.5, 0);
    CHECK(t, isnan(m.width[0].accuracy));
    CHECK_WITHIN(t, m.figure[QN_FIGURE_ECE], (0.45 + 0.65 + 0.05) / 4, 1e-7);
    CHECK_WITHIN(t, m.figure[QN_FIGURE_ECE_MASS], (0.45 + 0.65 + 0.05) / 4, 1e-7);
    end(&k);
}

void test_metrics_mcnemar(qn_test *t)
{
    qn_outcome a[40], b[40];
    for (int i = 0; i < 40; i++)
        a[i] = b[i] = (qn_outcome){.label = 0, .rank = 0};
    CHECK_WITHIN(t, qn_mcnemar_test(a, b, 40).p_exact, 1, 0);
    for (int i = 0; i < 3; i++)
        a[i].rank = 1;
    for (int i = 3; i < 10; i++)
        b[i].rank = 1;
    a[10].rank = b[10].rank = 2;
    a[11].label = -1;
    const qn_mcnemar m = qn_mcnemar_test(a, b, 40);
    CHECK_EQ(t, m.only_a, 7);
    CHECK_EQ(t, m.only_b, 3);
    CHECK_EQ(t, m.neither, 1);
    CHECK_EQ(t, m.both, 28);
    CHECK_WITHIN(t, m.chi2, 0.9, 1e-15); /* (|7 - 3| - 1)^2 / 10 */
    CHECK_WITHIN(t, m.p_chi2, 0.34278171114791, 1e-12);
    CHECK_WITHIN(t, m.p_exact, 2 * (1 + 10 + 45 + 120) / 1024.0, 1e-12);
}

void test_metrics_mistakes(qn_test *t)
{
    kit k;
    qn_metrics m;
    int64_t *index, n;
    qn_confused *cell;
    begin(&k, 1);
    REQUIRE_OK(t, qn_metrics_compute(&six, NULL, &k.arena, &m, &k.err), &k.err);
    REQUIRE_OK(t, qn_mistakes(&m, -1, -1, 9, &k.arena, &index, &n, &k.err), &k.err);
    CHECK_EQ(t, n, 2);
    CHECK_EQ(t, index[0], 1); /* .6 for class 1 */
    CHECK_EQ(t, index[1], 4); /* .5 for class 0 */
    REQUIRE_OK(t, qn_mistakes(&m, 2, 0, 9, &k.arena, &index, &n, &k.err), &k.err);
    CHECK_EQ(t, n, 1);
    CHECK_EQ(t, index[0], 4);
    REQUIRE_OK(t, qn_mistakes(&m, -1, -1, 1, &k.arena, &index, &n, &k.err), &k.err);
    CHECK_EQ(t, n, 1);
    REQUIRE_OK(t, qn_most_confused(&m, 9, &k.arena, &cell, &n, &k.err), &k.err);
    CHECK_EQ(t, n, 2);
    CHECK_EQ(t, cell[0].label * 10 + cell[0].predicted, 1);
    CHECK_EQ(t, cell[1].label * 10 + cell[1].predicted, 20);
    end(&k);
}

void test_metrics_bad(qn_test *t)
{
    static const float bad_p[] = {0.5f, NAN}, bad_weight[] = {1, 1, -1, 1, 1, 1};
    static const int32_t none[] = {-1, 3, -1, 7, -1, 3};
    kit k;
    qn_metrics m;
    qn_predictions in = six;
    begin(&k, 1);
    in.weight = bad_weight;
    CHECK_FAILS(t, qn_metrics_compute(&in, NULL, &k.arena, &m, &k.err), QUERN_DATA,
                &k.err, "item 2 has weight -1");
    in = six;
    in.label = none;
    CHECK_FAILS(t, qn_metrics_compute(&in, NULL, &k.arena, &m, &k.err), QUERN_DATA,
                &k.err, "6 items, of which 0 have a label");
    in = (qn_predictions){.n = 1, .n_classes = 2, .p = bad_p, .label = none};
    CHECK_FAILS(t, qn_metrics_compute(&in, NULL, &k.arena, &m, &k.err), QUERN_DATA,
                &k.err, "item 0 has probability nan for class 1");
    end(&k);
}

/* Whichever allocation fails, that is all that happens. */
void test_metrics_memory(qn_test *t)
{
    const qn_metrics_options opt = {.bootstrap = 3000};
    quern_status status = QUERN_MEMORY;
    kit k;
    qn_metrics m;
    for (int64_t fail_at = 1; status == QUERN_MEMORY && fail_at < 99; fail_at++) {
        begin(&k, 1);
        k.mem.fail_at = fail_at;
        status = qn_metrics_compute(&six, &opt, &k.arena, &m, &k.err);
        CHECK(t, status == QUERN_OK || status == QUERN_MEMORY);
        end(&k);
        CHECK_EQ(t, k.mem.used, 0);
    }
    CHECK_EQ(t, status, QUERN_OK);
}

/* ---- by construction ------------------------------------------------------------- */

/* n items whose labels are drawn from softmax(logits); p is softmax(scale * logits), in
 * steps of 1/64 first if coarse, so that there are ties. */
static qn_predictions drawn(qn_test *t, int64_t n, int n_classes, double scale)
{
    float *z = qn_exact(t, (size_t)(n * n_classes) * sizeof *z);
    float *p = qn_exact(t, (size_t)(n * n_classes) * sizeof *p);
    float *weight = qn_exact(t, (size_t)n * sizeof *weight);
    int32_t *label = qn_exact(t, (size_t)n * sizeof *label);
    for (int64_t i = 0; i < n; i++) {
        double sum = 0, scaled_sum = 0;
        float *row = z + i * n_classes;
        for (int k = 0; k < n_classes; k++) {
            row[k] = (float)(4 * rint(qn_test_uniform(t, -8, 8)) / 8);
            sum += exp(row[k]);
            scaled_sum += exp(scale * row[k]);
        }
        double at = qn_test_uniform(t, 0, sum);
        for (label[i] = 0; label[i] < n_classes - 1; label[i]++)
            if ((at -= exp(row[label[i]])) < 0) break;
        for (int k = 0; k < n_classes; k++) {
            p[i * n_classes + k] = (float)(exp(scale * row[k]) / scaled_sum);
            row[k] = (float)(scale * row[k]);
        }
        weight[i] = (float)qn_test_int(t, 0, 3);
    }
    return (qn_predictions){n, n_classes, p, z, label, weight};
}

void test_metrics_temperature(qn_test *t)
{
    kit k;
    qn_temperature at;
    begin(&k, 2);
    qn_predictions in = drawn(t, 20001, 7, 2.5);
    REQUIRE_OK(t, qn_temperature_fit(&in, k.pool, &k.arena, &at, &k.err), &k.err);
    CHECK_WITHIN(t, at.value, 2.5, 0.1);
    CHECK(t, at.after < at.before);
    const double value = at.value, after = at.after;
    /* logits that are over the best temperature already want none */
    float *z = qn_exact(t, 20001 * 7 * sizeof *z);
    for (int i = 0; i < 20001 * 7; i++)
        z[i] = (float)(in.logits[i] / value);
    in.logits = z;
    REQUIRE_OK(t, qn_temperature_fit(&in, NULL, &k.arena, &at, &k.err), &k.err);
    CHECK_WITHIN(t, at.value, 1, 1e-6);
    CHECK_WITHIN(t, at.before, after, 1e-7);
    /* never wrong: as sure as the bounds allow */
    const qn_predictions sure = {.n = 2,
                                 .n_classes = 2,
                                 .logits = (float[]){1, 0, 0, 1},
                                 .label = (int32_t[]){0, 1}};
    REQUIRE_OK(t, qn_temperature_fit(&sure, NULL, &k.arena, &at, &k.err), &k.err);
    CHECK(t, at.value >= 0.01 && at.value < 0.05);
    end(&k);
}

void test_metrics_bootstrap(qn_test *t)
{
    enum { N = 4003 };
    kit one, three;
    qn_metrics m, again;
    begin(&one, 1);
    begin(&three, 3);
    qn_predictions in = drawn(t, N, 4, 1);
    in.weight = NULL;
    qn_metrics_options opt = {.bootstrap = 1000, .seed = 7, .pool = one.pool};
    REQUIRE_OK(t, qn_metrics_compute(&in, &opt, &one.arena, &m, &one.err), &one.err);
    opt.pool = three.pool;
    REQUIRE_OK(t, qn_metrics_compute(&in, &opt, &three.arena, &again, &three.err),
               &three.err);
    CHECK(t, !memcmp(m.figure, again.figure, sizeof m.figure));
    CHECK(t, !memcmp(m.lo, again.lo, sizeof m.lo));
    CHECK(t, !memcmp(m.hi, again.hi, sizeof m.hi));
    for (int f = 0; f < QN_N_FIGURES; f++) {
        const qn_figure_row *row = qn_figure_at((qn_figure)f);
        qn_note(t, "%s", row->key);
        CHECK_EQ(t, !isnan(m.lo[f]), row->has_interval);
        if (row->has_interval)
            CHECK(t, m.lo[f] <= m.figure[f] && m.figure[f] <= m.hi[f]);
    }
    /* of a share the width is known: 2 * 1.96 standard deviations */
    const double p = m.figure[QN_FIGURE_TOP1];
    const double width = m.hi[QN_FIGURE_TOP1] - m.lo[QN_FIGURE_TOP1];
    CHECK_WITHIN(t, width, 3.92 * sqrt(p * (1 - p) / N), 0.1 * width);
    opt.seed = 8;
    REQUIRE_OK(t, qn_metrics_compute(&in, &opt, &three.arena, &again, &three.err),
               &three.err);
    CHECK(t, memcmp(m.lo, again.lo, sizeof m.lo) != 0);
    end(&one);
    end(&three);
}

/* ---- by scikit-learn ------------------------------------------------------------- */

void test_metrics_oracle(qn_test *t)
{
    kit k;
    qn_metrics m;
    qn_buf items, figures;
    char text[QN_REAL_TEXT], command[1024];
    const char *said;
    begin(&k, 2);
    qn_buf_init(&items, &k.mem);
    qn_buf_init(&figures, &k.mem);
    qn_predictions in = drawn(t, 1009, 9, 1.5);
    in.logits = NULL;
    for (int64_t i = 0; i < in.n; i++) { /* class 8 is answered, but never right */
        if (in.label[i] == 8) ((int32_t *)in.label)[i] = 3;
        qn_buf_format(&items, "%d %d", in.label[i], (int)in.weight[i]);
        for (int c = 0; c < in.n_classes; c++)
            qn_buf_format(&items, " %s",
                          qn_real_text(text, in.p[i * in.n_classes + c]));
        qn_buf_text(&items, "\n");
    }
    REQUIRE_OK(t, qn_metrics_compute(&in, NULL, &k.arena, &m, &k.err), &k.err);
    for (int f = 0; f < QN_N_FIGURES; f++)
        qn_buf_format(&figures, "%s %s\n", qn_figure_at((qn_figure)f)->key,
                      qn_real_text(text, m.figure[f]));
    qn_put_file(t, qn_temp(t, "items"), items.p, items.n);
    qn_put_file(t, qn_temp(t, "figures"), figures.p, figures.n);
    snprintf(command, sizeof command,
             "python3 -W ignore tests/metrics_oracle.py '%s' '%s'", qn_temp(t, "items"),
             qn_temp(t, "figures"));
    const int code = qn_shell(t, command, &said);
    if (code == 77 || code == 127)
        qn_skip(t, "needs python3 with scikit-learn");
    else if (!CHECK_EQ(t, code, 0))
        CHECK_STR(t, said, "");
    qn_buf_done(&items);
    qn_buf_done(&figures);
    end(&k);
}
