/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_tuning.c - measured choices: read as they were written or not at all, and
 * followed by sessions. */
#include "tests/test.h"

#include "bench/tune.h"
#include "engine/nets.h"
#include "formats/onnx.h"

#include <stdio.h>
#include <string.h>

static const qn_tuned choices[] = {
    {16, 16, 32, 32, 0}, {32, 32, 16, 16, 2}, {64, 64, 8, 8, 4}};

static quern_status parse(qn_test *t, qn_tuning *out, const char *text, size_t n,
                          qn_mem *mem, quern_error *err)
{
    char *exact = qn_exact(t, n);
    if (n) memcpy(exact, text, n);
    return qn_tuning_parse(out, exact, n, "avx2", mem, err);
}

void test_tuning_text(qn_test *t)
{
    quern_error err = {.status = QUERN_OK};
    qn_mem mem;
    qn_buf text;
    qn_tuning got;
    qn_mem_init(&mem, NULL, 0);
    qn_buf_init(&text, &mem);
    qn_tune_text(&text, "avx2", choices, 3);
    REQUIRE_OK(t, parse(t, &got, text.p, text.n, &mem, &err), &err);
    CHECK_EQ(t, got.n, 3);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(t, qn_tuning_find(&got, &choices[i]), choices[i].tile);
    CHECK_EQ(t, qn_tuning_find(&got, &(qn_tuned){16, 16, 32, 31, 0}), -1);
    qn_tuning_done(&got, &mem);
    qn_buf_clear(&text);
    qn_tune_text(&text, "avx2", NULL, 0);
    CHECK_OK(t, parse(t, &got, text.p, text.n, &mem, &err), &err);
    qn_tuning_done(&got, &mem);
    qn_buf_done(&text);
}

/* No file is used that is not the one that was written. */
void test_tuning_damaged(qn_test *t)
{
    static const char *const wrong[] = {
        "quern-tuning 2\n",
        "quern-tuning 1\nmade-for 9.9.9 avx2\nend 0 0\n",
        "quern-tuning 1\nmade-for " QUERN_VERSION " neon\nend 0 0\n",
        "quern-tuning 1\nmade-for " QUERN_VERSION " avx2\nend 0 0123456789abcdef\n",
        "quern-tuning 1\nmade-for " QUERN_VERSION " avx2\nend 0 0123456789abcdeX\n",
        "quern-tuning 1\nmade-for " QUERN_VERSION " avx2\nconv3x3 1 2 3 4 3\n",
        "quern-tuning 1\nmade-for " QUERN_VERSION " avx2\nconv3x3 1 2 3 4\n",
        "quern-tuning 1\nmade-for " QUERN_VERSION " avx2\nconv3x3\nend \n",
    };
    quern_error err = {.status = QUERN_OK};
    qn_mem mem;
    qn_buf text;
    qn_tuning got;
    qn_mem_init(&mem, NULL, 0);
    qn_buf_init(&text, &mem);
    qn_tune_text(&text, "avx2", choices, 3);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        qn_note(t, "%s", wrong[i]);
        CHECK_FAILS(t, parse(t, &got, wrong[i], strlen(wrong[i]), &mem, &err),
                    QUERN_FORMAT, &err, "line ");
    }
    for (size_t n = 0; n < text.n; n++) {
        qn_note(t, "cut at %zu", n);
        CHECK(t, parse(t, &got, text.p, n, &mem, &err) == QUERN_FORMAT);
    }
    for (size_t at = 0; at < text.n; at++)
        for (int bit = 0; bit < 8; bit++) {
            qn_note(t, "bit %d of byte %zu", bit, at);
            text.p[at] ^= (char)(1 << bit);
            CHECK(t, parse(t, &got, text.p, text.n, &mem, &err) == QUERN_FORMAT);
            text.p[at] ^= (char)(1 << bit);
        }
    qn_buf_done(&text);
}

/* ---- sessions -------------------------------------------------------------------- */

static void note_log(void *ctx, const char *text)
{
    snprintf(ctx, 200, "%s", text);
}

/* The logits of resnet8 with these options. */
static void run(qn_test *t, const qn_buf *bytes, const quern_session_options *opt,
                float logits[10])
{
    quern_model *model = NULL;
    quern_session *session = NULL;
    quern_error err = {.status = QUERN_OK};
    float *x = qn_exact(t, 3 * 32 * 32 * sizeof *x);
    quern_tensor in = {QUERN_FLOAT, 4, {1, 3, 32, 32}, x}, out;
    for (int i = 0; i < 3 * 32 * 32; i++)
        x[i] = (float)(i * 37 % 101) / 101;
    if (CHECK_OK(t, quern_model_parse(bytes->p, bytes->n, NULL, &model, &err), &err) &&
        CHECK_OK(t, quern_session_create(model, opt, &session, &err), &err) &&
        CHECK_OK(t, quern_session_bind(session, 0, &in, &err), &err) &&
        CHECK_OK(t, quern_run(session, &err), &err) &&
        CHECK_OK(t, quern_session_output(session, 0, &out, &err), &err))
        memcpy(logits, out.data, 10 * sizeof *logits);
    quern_session_free(session);
    quern_model_free(model);
}

void test_tuning_session(qn_test *t)
{
    const qn_net_options net = {
        .height = 32, .width = 32, .channels = 3, .n_classes = 10, .seed = 1};
    quern_model *raw = NULL;
    quern_error err = {.status = QUERN_OK};
    qn_mem mem;
    qn_buf bytes, text;
    char log[200] = "";
    float usual[10] = {0}, direct[10] = {1}, tuned[10] = {2}, damaged[10] = {3};
    const qn_tuned none[] = {
        {16, 16, 32, 32, 0}, {32, 32, 16, 16, 0}, {64, 64, 8, 8, 0}};
    const qn_tuned same[] = {
        {16, 16, 32, 32, 4}, {32, 32, 16, 16, 4}, {64, 64, 8, 8, 2}};
    quern_session_options opt = {
        .size = sizeof opt, .n_threads = 1, .layout = "blocked", .log = note_log};
    opt.log_ctx = log;
    qn_mem_init(&mem, NULL, 0);
    qn_buf_init(&bytes, &mem);
    qn_buf_init(&text, &mem);
    REQUIRE_OK(t, qn_net_build(qn_net_find("resnet8"), &net, NULL, &raw, &err), &err);
    REQUIRE_OK(t, qn_onnx_write(&bytes, raw, &err), &err);
    quern_model_free(raw);
    qn_tune_text(&text, quern_cpu_isa(), none, 3);
    run(t, &bytes, &opt, usual);
    opt.no_winograd = 1;
    run(t, &bytes, &opt, direct);
    opt.no_winograd = 0;
    opt.tuning = text.p;
    run(t, &bytes, &opt, tuned);
    CHECK_STR(t, log, "");
    CHECK(t, memcmp(usual, direct, sizeof usual) != 0);
    /* Of stride 2 nothing is measured. */
    CHECK(t, memcmp(tuned, usual, sizeof tuned) != 0);
    qn_buf_clear(&text);
    qn_tune_text(&text, quern_cpu_isa(), same, 3);
    opt.tuning = text.p;
    run(t, &bytes, &opt, tuned);
    CHECK(t, memcmp(tuned, usual, sizeof tuned) == 0);
    text.p[text.n - 3] ^= 1;
    run(t, &bytes, &opt, damaged);
    CHECK_HAS(t, log, "tuning is not used: line 6");
    CHECK(t, memcmp(damaged, usual, sizeof usual) == 0);
    qn_buf_done(&text);
    qn_buf_done(&bytes);
}

void test_tuning_program(qn_test *t)
{
    char command[900];
    const char *out, *path = qn_temp(t, "x.tuning");
    snprintf(command, sizeof command, "bench tune resnet8 --time 0.002 -o %s", path);
    CHECK_EQ(t, qn_quern(t, command, &out), 0);
    CHECK_HAS(t, out, "convolutions, ");
    const char *text = qn_get_file(t, path, NULL);
    REQUIRE(t, text != NULL);
    CHECK_HAS(t, text, "conv3x3 16 16 32 32 ");
    CHECK(t, !strstr(text, "conv3x3 3 "));
    snprintf(command, sizeof command,
             "run tests/data/fashion-fast16.onnx --random 1 --tuning %s", path);
    CHECK_EQ(t, qn_quern(t, command, &out), 0);
    CHECK(t, !strstr(out, "tuning"));
    qn_put_file(t, path, text, 40);
    CHECK_EQ(t, qn_quern(t, command, &out), 0);
    CHECK_HAS(t, out, "tuning is not used: line ");
    CHECK_EQ(t, qn_quern(t, "bench tune", &out), 2);
}
