/* SPDX-License-Identifier: Apache-2.0 */
/* bench/ort.c - see ort.h. */
#include "bench/ort.h"

#include "engine/os.h"
#include "engine/text.h"

#include <stdio.h>
#include <string.h>

enum { LINE = 1024, SECONDS = 600 };

/* ---- lines ----------------------------------------------------------------------- */

/* Sends a line and cuts the answer's first word off, which must be `wanted`. */
static quern_status ask(qn_ort *o, const char *line, const char *wanted,
                        char answer[LINE], char **rest, quern_error *err)
{
    const size_t n = strlen(wanted);
    QN_TRY(qn_worker_ask(&o->worker, line, answer, LINE, SECONDS, err));
    for (char *c = answer; *c; c++)
        if ((unsigned char)*c < ' ') *c = '?';
    *rest = answer + n;
    if (!strncmp(answer, "error ", 6))
        return qn_fail(err, QUERN_UNSUPPORTED, "%s", answer + 6);
    if (strncmp(answer, wanted, n) != 0)
        return qn_fail(err, QUERN_FORMAT, "it says '%.60s', not '%s'", answer, wanted);
    return QUERN_OK;
}

/* The next number of a line. */
static bool take_real(char **p, double *out)
{
    const char *from = *p + strspn(*p, " ");
    const size_t n = strcspn(from, " ");
    *p = (char *)from + n;
    return n > 0 && qn_text_to_real(from, n, out);
}

static bool take_int(char **p, int64_t *out)
{
    const char *from = *p + strspn(*p, " ");
    const size_t n = strcspn(from, " ");
    *p = (char *)from + n;
    return n > 0 && qn_text_to_int(from, n, out);
}

static quern_status no_number(const char *answer, quern_error *err)
{
    return qn_fail(err, QUERN_FORMAT, "it says '%.60s' where numbers should be",
                   answer);
}

/* ---- the process ----------------------------------------------------------------- */

/* argv of the process; own [QN_PATH_MAX] and count [16] must stay as long as it. */
static quern_status command(const char *argv[16], const char *program, const char *path,
                            char *own, char *count, quern_error *err)
{
    const bool is_library = strstr(program, ".so") != NULL;
    const char *const python[] = {program, "-B", "-c", qn_ort_script, path, count};
    const char *const quern[] = {own,           "bench", "model",     path,
                                 "--ort-child", program, "--threads", count};
    memset(argv, 0, 16 * sizeof *argv);
    if (is_library)
        memcpy(argv, quern, sizeof quern);
    else
        memcpy(argv, python, sizeof python);
    return is_library ? qn_own_path(own, QN_PATH_MAX, err) : QUERN_OK;
}

quern_status qn_ort_open(qn_ort *o, const char *program, const qn_ort_model *model,
                         int threads, quern_error *err)
{
    char count[16], line[32], answer[LINE], own[QN_PATH_MAX], *rest;
    const char *argv[16];
    snprintf(count, sizeof count, "%d", threads);
    *o = (qn_ort){.worker = {.pid = 0}};
    QN_TRY(command(argv, program, model->path ? model->path : "", own, count, err));
    QN_TRY(qn_worker_start(&o->worker, argv, -1, true, err));
    if (!model->path) { /* if it ends before it has taken them, its answer says why */
        const int length = snprintf(line, sizeof line, "%zu\n", model->n);
        if (qn_worker_send(&o->worker, line, (size_t)length, NULL) == QUERN_OK)
            qn_worker_send(&o->worker, model->bytes, model->n, NULL);
    }
    QN_TRY(ask(o, NULL, "ready ", answer, &rest, err));
    const size_t n = strcspn(rest, " ");
    int64_t n_inputs;
    snprintf(o->version, sizeof o->version, "%.*s", (int)(n < 31 ? n : 31), rest);
    rest += n;
    if (!take_int(&rest, &n_inputs) || !take_real(&rest, &o->base_bytes))
        return no_number(answer, err);
    o->n_inputs = n_inputs >= 0 && n_inputs < 1 << 20 ? (int)n_inputs : -1;
    return QUERN_OK;
}

void qn_ort_close(qn_ort *o)
{
    qn_worker_stop(&o->worker);
}

/* ---- values ---------------------------------------------------------------------- */

quern_status qn_ort_feed(qn_ort *o, const qn_tensor *x, quern_error *err)
{
    char line[LINE], answer[LINE], *rest;
    if (x->kind != QN_TENSOR || x->dtype == QUERN_STRING || qn_dtype_bits(x->dtype) < 8)
        return qn_fail(err, QUERN_UNSUPPORTED, "inputs of type %s are not passed on",
                       x->kind == QN_TENSOR ? quern_dtype_name(x->dtype) : "sequence");
    const size_t bytes = (size_t)qn_tensor_count(x) * qn_dtype_size(x->dtype);
    int at = snprintf(line, sizeof line, "input %d %zu", (int)x->dtype, bytes);
    for (int d = 0; d < x->rank; d++)
        at += snprintf(line + at, sizeof line - (size_t)at, " %lld",
                       (long long)x->dim[d]);
    line[at++] = '\n';
    QN_TRY(qn_worker_send(&o->worker, line, (size_t)at, err));
    QN_TRY(qn_worker_send(&o->worker, x->data, bytes, err));
    return ask(o, NULL, "ok", answer, &rest, err);
}

/* "DTYPE BYTES d d d", which must fit together. */
static quern_status take_head(char *rest, const char *answer, qn_tensor *out,
                              size_t *bytes, quern_error *err)
{
    int64_t dtype, said;
    *out = (qn_tensor){.kind = QN_NONE};
    *bytes = 0;
    if (!take_int(&rest, &dtype) || !take_int(&rest, &said) || dtype < 0 || said < 0 ||
        dtype > QUERN_INT2)
        return no_number(answer, err);
    if (dtype == 0) return QUERN_OK;
    *out = (qn_tensor){.dtype = (quern_dtype)dtype};
    *bytes = qn_dtype_size(out->dtype);
    while (rest[strspn(rest, " ")]) {
        int64_t dim;
        if (!take_int(&rest, &dim) || dim < 0 || out->rank == QUERN_MAX_RANK ||
            !qn_size_mul(*bytes, (size_t)dim, bytes))
            return no_number(answer, err);
        out->dim[out->rank++] = dim;
    }
    if (out->dtype == QUERN_STRING || *bytes != (size_t)said)
        return qn_fail(err, QUERN_FORMAT, "an output has %lld bytes and not %zu",
                       (long long)said, *bytes);
    return QUERN_OK;
}

quern_status qn_ort_output(qn_ort *o, int i, qn_arena *arena, qn_tensor *out,
                           quern_error *err)
{
    char line[LINE], answer[LINE], *rest;
    size_t bytes;
    snprintf(line, sizeof line, "output %d", i);
    QN_TRY(ask(o, line, "value ", answer, &rest, err));
    QN_TRY(take_head(rest, answer, out, &bytes, err));
    if (out->kind == QN_NONE) return QUERN_OK;
    QN_TRY(qn_arena_alloc(arena, bytes, &out->data, err));
    return qn_worker_take(&o->worker, out->data, bytes, SECONDS, err);
}

/* ---- runs ------------------------------------------------------------------------ */

quern_status qn_ort_run(qn_ort *o, int64_t n, double *wall, double *cpu,
                        quern_error *err)
{
    char line[64], answer[LINE], *rest;
    snprintf(line, sizeof line, "run %lld", (long long)n);
    QN_TRY(ask(o, line, "", answer, &rest, err));
    if (!take_real(&rest, wall) || !take_real(&rest, cpu) || !(*wall > 0) ||
        !(*cpu >= 0))
        return no_number(answer, err);
    return QUERN_OK;
}

quern_status qn_ort_peak(qn_ort *o, double *bytes, quern_error *err)
{
    char answer[LINE], *rest;
    QN_TRY(ask(o, "peak", "", answer, &rest, err));
    return take_real(&rest, bytes) ? QUERN_OK : no_number(answer, err);
}
