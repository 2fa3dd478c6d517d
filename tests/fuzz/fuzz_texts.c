/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fuzz/fuzz_texts.c - any bytes as one of the smaller things that commands read:
 * the first byte says which.  Each must be taken or be refused with a sentence, and all
 * memory must come back. */
#include "tests/fuzz/fuzz.h"

#include "bench/records.h"
#include "bench/sweep.h"
#include "engine/regex.h"
#include "formats/augment.h"
#include "formats/onnx.h"
#include "tools/run_report.h"
#include "tools/train_settings.h"
#include "tools/user_settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUDGET ((size_t)64 << 20) /* bytes */

/* What is read; a text ends with a zero behind its n bytes. */
typedef struct input {
    const char *text;
    size_t n;
    qn_arena *arena;
    char folder[64], path[128]; /* where the file is, for those that read files */
} input;

typedef quern_status read_fn(const input *in, quern_error *err);

/* ---- in memory ------------------------------------------------------------------- */

static quern_status read_as_value(const input *in, bool is_sequence, bool is_optional,
                                  quern_error *err)
{
    const quern_info info = {
        .dtype = QUERN_FLOAT, .is_sequence = is_sequence, .is_optional = is_optional};
    qn_tensor t;
    return qn_onnx_value_parse(in->arena, in->text, in->n, &info, &t, err);
}

static quern_status read_tensor(const input *in, quern_error *err)
{
    return read_as_value(in, false, false, err);
}

static quern_status read_sequence(const input *in, quern_error *err)
{
    return read_as_value(in, true, false, err);
}

static quern_status read_optional(const input *in, quern_error *err)
{
    return read_as_value(in, false, true, err);
}

/* A pattern, and behind the first line feed what is matched. */
static quern_status read_pattern(const input *in, quern_error *err)
{
    const char *end = memchr(in->text, '\n', in->n);
    const size_t n = end ? (size_t)(end - in->text) : in->n;
    const qn_str pattern = {in->text, n};
    const qn_str text = {end ? end + 1 : "", end ? in->n - n - 1 : 0};
    void *scratch;
    qn_regex *re;
    QN_TRY(qn_regex_compile(in->arena, &pattern, &re, err));
    QN_TRY(qn_arena_alloc(in->arena, qn_regex_scratch(re), &scratch, err));
    const bool first = qn_regex_full_match(re, &text, scratch);
    if (first != qn_regex_full_match(re, &text, scratch)) abort();
    return QUERN_OK;
}

static quern_status read_augment(const input *in, quern_error *err)
{
    qn_augment list;
    return qn_augment_parse(in->text, &list, err);
}

static quern_status read_sweep(const input *in, quern_error *err)
{
    qn_problems list = {.arena = in->arena};
    return qn_sweep_parse(&list, in->text, in->n, err);
}

static quern_status read_records(const input *in, quern_error *err)
{
    qn_records r = {.arena = in->arena};
    return qn_records_parse(&r, in->text, in->n, err);
}

/* ---- in a file ------------------------------------------------------------------- */

static quern_status read_user_settings(const input *in, quern_error *err)
{
    qn_user_settings s = {.text = {NULL}};
    return qn_user_settings_load(&s, in->path, in->arena, err);
}

static quern_status read_config(const input *in, quern_error *err)
{
    qn_train_settings s = {.data = NULL};
    return qn_train_settings_load(&s, in->path, in->arena, err);
}

static quern_status read_run(const input *in, quern_error *err)
{
    qn_run_report r;
    qn_buf out;
    QN_TRY(qn_run_report_read(in->folder, in->arena, &r, err));
    qn_buf_init(&out, in->arena->mem);
    quern_status status = qn_run_report_json(&r, &out, err);
    if (status == QUERN_OK) status = qn_run_report_csv(&r, &out, err);
    qn_buf_done(&out);
    return status;
}

static const struct {
    char letter;
    const char *file; /* its name, or NULL: it stays in memory */
    read_fn *read;
} forms[] = {
    {'v', NULL, read_tensor},          {'q', NULL, read_sequence},
    {'p', NULL, read_optional},        {'r', NULL, read_pattern},
    {'a', NULL, read_augment},         {'w', NULL, read_sweep},
    {'b', NULL, read_records},         {'s', "settings.json", read_user_settings},
    {'c', "config.json", read_config}, {'f', "report.json", read_run},
    {'h', "metrics.jsonl", read_run},  {'o', "config.json", read_run},
};
#define N_FORMS (sizeof forms / sizeof forms[0])

static void put(input *in, const char *name)
{
    snprintf(in->folder, sizeof in->folder, "/dev/shm/quern-fuzz-XXXXXX");
    if (!mkdtemp(in->folder)) {
        snprintf(in->folder, sizeof in->folder, "/tmp/quern-fuzz-XXXXXX");
        if (!mkdtemp(in->folder)) abort();
    }
    snprintf(in->path, sizeof in->path, "%s/%s", in->folder, name);
    FILE *file = fopen(in->path, "wb");
    if (!file || fwrite(in->text, 1, in->n, file) != in->n || fclose(file) != 0)
        abort();
}

static void read_as(read_fn *read, const char *file, char *text, size_t n)
{
    qn_mem mem;
    qn_arena arena;
    quern_error err = {.status = QUERN_OK};
    input in = {.text = text, .n = n, .arena = &arena};
    qn_mem_init(&mem, NULL, BUDGET);
    qn_arena_init(&arena, &mem);
    if (file) put(&in, file);
    const quern_status status = read(&in, &err);
    const size_t length = strnlen(err.text, sizeof err.text);
    if (status != QUERN_OK && (length == 0 || length == sizeof err.text)) abort();
    if (file) {
        unlink(in.path);
        rmdir(in.folder);
    }
    qn_arena_done(&arena);
    if (mem.used != 0) abort();
}

int qn_fuzz_texts(const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; n > 0 && i < N_FORMS; i++) {
        if (forms[i].letter != (char)bytes[0]) continue;
        char *text = malloc(n); /* exact, but for the zero */
        if (!text) abort();
        memcpy(text, bytes + 1, n - 1);
        text[n - 1] = 0;
        read_as(forms[i].read, forms[i].file, text, n - 1);
        free(text);
        break;
    }
    return 0;
}
