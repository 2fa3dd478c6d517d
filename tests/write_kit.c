/* SPDX-License-Identifier: Apache-2.0 */
/* tests/write_kit.c - see write_kit.h. */
#include "tests/write_kit.h"

#include "formats/dataset_digest.h"
#include "formats/png_write.h"

#include <stdio.h>
#include <string.h>

void qn_write_kit_png(qn_test *t, const char *name, int width, int height, int channels)
{
    const size_t n = (size_t)width * (size_t)height * (size_t)channels;
    qn_mem mem;
    qn_buf out;
    quern_error err;
    uint8_t *pixels = qn_exact(t, n);
    for (size_t i = 0; i < n; i++)
        pixels[i] = (uint8_t)qn_test_random(t);
    const qn_png png = {(uint32_t)width, (uint32_t)height, channels, 8, pixels};
    qn_mem_init(&mem, NULL, 0);
    qn_buf_init(&out, &mem);
    CHECK_OK(t, qn_png_write(&out, &png, &err), &err);
    qn_set_kit_put(t, name, out.p, out.n);
    qn_buf_done(&out);
}

void qn_write_kit_source(qn_test *t, int width, int height, int channels,
                         const char *const splits[3])
{
    static const char *const labels[] = {"10", "9", "\"zebra, \"\"1\"\"\""};
    char name[64], text[4096];
    int n = snprintf(text, sizeof text, "path,label,split,patient,weight,note,=x\n");
    for (int i = 0; i < 13; i++) {
        snprintf(name, sizeof name, "src/p %d.png", 12 - i);
        qn_write_kit_png(t, name, width ? width : 3 + i, height ? height : 9 - i / 2,
                         channels ? channels : 1 + 2 * (i % 2));
        n += snprintf(text + n, sizeof text - (size_t)n,
                      "p %d.png,%s,%s,p%d,%g,%s,\"two\nlines\"\n", 12 - i,
                      labels[(i / 3) % 3], splits ? splits[i % 3] : "", i % 3 + 3 * i,
                      1 + i / 4.0, i % 2 ? "\"'=SUM(1)\"" : "\"a \"\"b\"\"\"");
    }
    qn_set_kit_text(t, "src/manifest.csv", text);
    qn_set_kit_text(t, "src/classes.txt", "9\nnobody\nzebra, \"1\"\n10\n");
}

quern_status qn_write_kit_write(qn_set_kit *k, const char *from, const char *to,
                                const char *format, const qn_write_plan *plan,
                                qn_written *out)
{
    qn_write_plan own = plan ? *plan : (qn_write_plan){0};
    own.format = format;
    own.target = qn_temp(k->t, to);
    quern_status status = qn_set_kit_open(k, from, NULL);
    if (status == QUERN_OK) status = qn_dataset_write(k->set, &own, out, &k->err);
    qn_dataset_close(k->set);
    k->set = NULL;
    return status;
}

void qn_write_kit_sum(qn_set_kit *k, const char *name, char sum[65])
{
    qn_test *t = k->t;
    qn_survey survey;
    qn_arena arena;
    sum[0] = 0;
    REQUIRE_OK(t, qn_set_kit_open(k, name, NULL), &k->err);
    qn_arena_init(&arena, &k->mem);
    if (CHECK_OK(t, qn_dataset_survey(k->set, NULL, NULL, &arena, &survey, &k->err),
                 &k->err)) {
        CHECK_EQ(t, survey.n_good, k->set->n);
        CHECK_EQ(t, k->set->n_rejects, 0);
        CHECK_OK(t, qn_survey_sum(k->set, &survey, sum, &k->err), &k->err);
    }
    qn_arena_done(&arena);
}

void qn_write_kit_everywhere(qn_set_kit *k, const char *source, const char *name,
                             bool is_labelled)
{
    static const char *const ways[][3] = {
        {"folders", "folders", ""}, {"csv", "csv", "/manifest.csv"},
        {"idx", "idx", ""},         {"cifar", "cifar", ""},
        {"npz", "a.npz", ""},       {"webdataset", "shards", ""},
        {"coco", "coco", ""}};
    qn_test *t = k->t;
    char want[65], sum[65], to[128], made[160];
    qn_written out;
    qn_write_kit_sum(k, source, want);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        const bool is_cifar = !strcmp(ways[i][0], "cifar"); /* of one size only */
        const qn_write_plan plan = {.skip_bad = !is_labelled,
                                    .frame = {is_cifar ? 32 : 0,
                                              is_cifar ? 32 : 0,
                                              0,
                                              QN_STRETCH,
                                              is_cifar ? 3 : 0,
                                              {0}}};
        snprintf(to, sizeof to, "%s-%s", name, ways[i][1]);
        snprintf(made, sizeof made, "%s%s", to, ways[i][2]);
        qn_note(t, "%s to %s", source, made);
        REQUIRE_OK(t, qn_write_kit_write(k, source, to, ways[i][0], &plan, &out),
                   &k->err);
        if (i == 0 && !is_labelled) memcpy(want, out.sum, sizeof want);
        qn_write_kit_sum(k, made, sum);
        CHECK_STR(t, sum, is_cifar ? out.sum : want);
    }
}
