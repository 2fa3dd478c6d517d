/* SPDX-License-Identifier: Apache-2.0 */
/* bench/ort_library.c - see ort_library.h.
 *
 * The library's C interface is a table of functions that only ever grows at its end, so
 * the part used here is declared by place.  Every function that can fail returns NULL
 * or a status with a message.  Nothing is released: the process ends with its work. */
#define _GNU_SOURCE
#include "bench/ort_library.h"

#include "bench/bench_os.h"
#include "engine/os.h"
#include "engine/tensor.h"
#include "engine/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 1024, MOST_VALUES = 64, CPU_DEVICE_ALLOCATOR = 0, QUIET = 4 };

typedef void ort_status;
typedef void ort_object;

/* The table, by place: unused_N stands at place N. */
typedef struct ort_api {
    void *unused_0[2];
    const char *(*message)(const ort_status *); /* 2 */
    ort_status *(*create_env)(int level, const char *name, ort_object **env);
    void *unused_4[2];
    ort_status *(*no_telemetry)(ort_object *env); /* 6 */
    ort_status *(*create_session)(ort_object *env, const char *path,
                                  const ort_object *options, ort_object **session);
    ort_status *(*parse_session)(ort_object *env, const void *bytes, size_t n,
                                 const ort_object *options, ort_object **session);
    ort_status *(*run)(ort_object *session, const ort_object *options,
                       const char *const *in_names, ort_object *const *in, size_t n_in,
                       const char *const *out_names, size_t n_out, ort_object **out);
    ort_status *(*create_options)(ort_object **options); /* 10 */
    void *unused_11[13];
    ort_status *(*set_intra_threads)(ort_object *options, int n); /* 24 */
    ort_status *(*set_inter_threads)(ort_object *options, int n);
    void *unused_26[4];
    ort_status *(*n_inputs)(const ort_object *session, size_t *n); /* 30 */
    ort_status *(*n_outputs)(const ort_object *session, size_t *n);
    void *unused_32[4];
    ort_status *(*input_name)(const ort_object *session, size_t i, /* 36 */
                              ort_object *allocator, char **name);
    ort_status *(*output_name)(const ort_object *session, size_t i,
                               ort_object *allocator, char **name);
    void *unused_38[11];
    ort_status *(*make_tensor)(const ort_object *memory, void *p, size_t n, /* 49 */
                               const int64_t *dims, size_t rank, int dtype,
                               ort_object **value);
    ort_status *(*is_tensor)(const ort_object *value, int *is);
    ort_status *(*data_of)(ort_object *value, void **p);
    void *unused_52[8];
    ort_status *(*type_of)(const ort_object *info, int *dtype); /* 60 */
    ort_status *(*rank_of)(const ort_object *info, size_t *rank);
    ort_status *(*dims_of)(const ort_object *info, int64_t *dims, size_t rank);
    void *unused_63[2];
    ort_status *(*info_of)(const ort_object *value, ort_object **info); /* 65 */
    void *unused_66[3];
    ort_status *(*cpu_memory)(int allocator, int kind, ort_object **memory); /* 69 */
    void *unused_70[8];
    ort_status *(*usual_allocator)(ort_object **allocator); /* 78 */
} ort_api;

typedef struct ort_api_base {
    const ort_api *(*api)(uint32_t version);
    const char *(*version)(void);
} ort_api_base;

typedef struct server {
    const ort_api *api;
    const char *version;
    ort_object *session, *memory;
    size_t n_in, n_out, n_fed;
    char *in_name[MOST_VALUES], *out_name[MOST_VALUES];
    ort_object *in[MOST_VALUES], *out[MOST_VALUES];
    double base;
    qn_arena *arena;
} server;

static quern_status said(const server *s, const ort_status *status, quern_error *err)
{
    if (!status) return QUERN_OK;
    return qn_fail(err, QUERN_UNSUPPORTED, "%s", s->api->message(status));
}

#define ORT_TRY(call) QN_TRY(said(s, (call), err))

static double peak_bytes(void)
{
    char text[4096];
    int64_t kib = 0;
    if (!qn_kernel_text("/proc/self/status", text, sizeof text)) return 0;
    const char *at = strstr(text, "VmHWM:");
    if (!at) return 0;
    at += 6 + strspn(at + 6, " \t");
    qn_text_to_int(at, strspn(at, "0123456789"), &kib);
    return 1024.0 * (double)kib;
}

/* ---- opening --------------------------------------------------------------------- */

static quern_status open_library(server *s, const char *name, quern_error *err)
{
    /* Before the library can look at them. */
    setenv("ORT_DISABLE_TELEMETRY", "1", 1);
    setenv("HOME", "/nonexistent", 1);
    setenv("XDG_CACHE_HOME", "/nonexistent", 1);
    void *lib = qn_lib_open(name);
    if (!lib)
        return qn_fail(err, QUERN_UNSUPPORTED, "no such library that can be opened");
    void *symbol = qn_lib_find(lib, "OrtGetApiBase");
    const ort_api_base *(*get_base)(void);
    memcpy(&get_base, &symbol, sizeof symbol);
    const ort_api_base *base = symbol ? get_base() : NULL;
    s->api = base ? base->api(1) : NULL;
    if (!s->api) return qn_fail(err, QUERN_UNSUPPORTED, "is no ONNX Runtime");
    s->version = base->version();
    return QUERN_OK;
}

/* A number in a line of its own, then so many bytes. */
static quern_status read_model(server *s, void **bytes, size_t *n, quern_error *err)
{
    char line[LINE];
    int64_t said_n;
    if (!fgets(line, sizeof line, stdin) ||
        !qn_text_to_int(line, strcspn(line, "\n"), &said_n) || said_n < 0)
        return qn_fail(err, QUERN_FORMAT, "no model was handed over");
    *n = (size_t)said_n;
    QN_TRY(qn_arena_raw(s->arena, *n, bytes, err));
    return fread(*bytes, 1, *n, stdin) == *n
               ? QUERN_OK
               : qn_fail(err, QUERN_FORMAT, "the model handed over is cut");
}

static quern_status open_session(server *s, const char *path, int threads,
                                 quern_error *err)
{
    ort_object *env = NULL, *options = NULL;
    void *bytes = NULL;
    size_t n = 0;
    ORT_TRY(s->api->create_env(QUIET, "quern", &env));
    ORT_TRY(s->api->no_telemetry(env));
    s->base = peak_bytes();
    ORT_TRY(s->api->create_options(&options));
    ORT_TRY(s->api->set_intra_threads(options, threads));
    ORT_TRY(s->api->set_inter_threads(options, 1));
    if (*path)
        return said(s, s->api->create_session(env, path, options, &s->session), err);
    QN_TRY(read_model(s, &bytes, &n, err));
    return said(s, s->api->parse_session(env, bytes, n, options, &s->session), err);
}

static quern_status name_values(server *s, quern_error *err)
{
    ort_object *allocator = NULL;
    ORT_TRY(s->api->cpu_memory(CPU_DEVICE_ALLOCATOR, 0, &s->memory));
    ORT_TRY(s->api->usual_allocator(&allocator));
    ORT_TRY(s->api->n_inputs(s->session, &s->n_in));
    ORT_TRY(s->api->n_outputs(s->session, &s->n_out));
    if (s->n_in > MOST_VALUES || s->n_out > MOST_VALUES)
        return qn_fail(err, QUERN_UNSUPPORTED, "%zu inputs and %zu outputs, at most %d",
                       s->n_in, s->n_out, MOST_VALUES);
    for (size_t i = 0; i < s->n_in; i++)
        ORT_TRY(s->api->input_name(s->session, i, allocator, &s->in_name[i]));
    for (size_t i = 0; i < s->n_out; i++)
        ORT_TRY(s->api->output_name(s->session, i, allocator, &s->out_name[i]));
    return QUERN_OK;
}

/* ---- answers --------------------------------------------------------------------- */

/* "input DTYPE BYTES d d d", and the bytes. */
static quern_status take_input(server *s, const char *p, quern_error *err)
{
    int64_t number[QUERN_MAX_RANK + 2];
    size_t n = 0;
    void *bytes;
    for (p += strspn(p, " "); *p && n < QUERN_MAX_RANK + 2; p += strspn(p, " ")) {
        const size_t length = strcspn(p, " ");
        if (!qn_text_to_int(p, length, &number[n++]))
            return qn_fail(err, QUERN_FORMAT, "an input without its numbers");
        p += length;
    }
    if (n < 2 || number[1] < 0 || s->n_fed == s->n_in)
        return qn_fail(err, QUERN_FORMAT, "an input too many, or without its size");
    const size_t size = (size_t)number[1];
    QN_TRY(qn_arena_raw(s->arena, size, &bytes, err));
    if (fread(bytes, 1, size, stdin) != size)
        return qn_fail(err, QUERN_FORMAT, "an input that is cut");
    ORT_TRY(s->api->make_tensor(s->memory, bytes, size, number + 2, n - 2,
                                (int)number[0], &s->in[s->n_fed]));
    s->n_fed++;
    printf("ok\n");
    return QUERN_OK;
}

/* The first run makes the outputs, later ones write into them again. */
static quern_status run(server *s, const char *p, quern_error *err)
{
    int64_t n;
    if (!qn_text_to_int(p, strlen(p), &n) || n < 1)
        return qn_fail(err, QUERN_FORMAT, "runs without a number");
    const double wall = qn_os_seconds(), cpu = qn_process_seconds();
    for (int64_t i = 0; i < n; i++)
        ORT_TRY(s->api->run(s->session, NULL, (const char *const *)s->in_name, s->in,
                            s->n_in, (const char *const *)s->out_name, s->n_out,
                            s->out));
    printf("%.9g %.9g\n", (qn_os_seconds() - wall) / (double)n,
           (qn_process_seconds() - cpu) / (double)n);
    return QUERN_OK;
}

static quern_status give_output(server *s, const char *p, quern_error *err)
{
    ort_object *info = NULL;
    int64_t i, dims[QUERN_MAX_RANK];
    size_t rank = 0;
    int is_tensor = 0, dtype = 0;
    void *data = NULL;
    if (!qn_text_to_int(p, strlen(p), &i) || i < 0 || i >= (int64_t)s->n_out ||
        !s->out[i])
        return qn_fail(err, QUERN_FORMAT, "no such output");
    ORT_TRY(s->api->is_tensor(s->out[i], &is_tensor));
    if (is_tensor) {
        ORT_TRY(s->api->info_of(s->out[i], &info));
        ORT_TRY(s->api->type_of(info, &dtype));
        ORT_TRY(s->api->rank_of(info, &rank));
    }
    size_t bytes = qn_dtype_size((quern_dtype)dtype);
    if (!is_tensor || rank > QUERN_MAX_RANK || dtype == QUERN_STRING || bytes == 0 ||
        qn_dtype_bits((quern_dtype)dtype) < 8) {
        printf("value 0 0\n");
        return QUERN_OK;
    }
    ORT_TRY(s->api->dims_of(info, dims, rank));
    ORT_TRY(s->api->data_of(s->out[i], &data));
    for (size_t d = 0; d < rank; d++)
        bytes *= (size_t)dims[d];
    printf("value %d %zu", dtype, bytes);
    for (size_t d = 0; d < rank; d++)
        printf(" %lld", (long long)dims[d]);
    printf("\n");
    fwrite(data, 1, bytes, stdout);
    return QUERN_OK;
}

static quern_status answer(server *s, char *line, quern_error *err)
{
    line[strcspn(line, "\n")] = 0;
    if (!strncmp(line, "input ", 6)) return take_input(s, line + 6, err);
    if (!strncmp(line, "run ", 4)) return run(s, line + 4, err);
    if (!strncmp(line, "output ", 7)) return give_output(s, line + 7, err);
    if (strcmp(line, "peak") != 0) return qn_fail(err, QUERN_FORMAT, "no such word");
    printf("%.0f\n", peak_bytes());
    return QUERN_OK;
}

quern_status qn_ort_library_serve(const char *library, const char *path, int threads,
                                  qn_arena *arena, quern_error *err)
{
    char line[LINE];
    server s = {.arena = arena};
    QN_TRY(open_library(&s, library, err));
    QN_TRY(open_session(&s, path, threads, err));
    QN_TRY(name_values(&s, err));
    printf("ready %.31s %zu %.0f\n", s.version, s.n_in, s.base);
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        QN_TRY(answer(&s, line, err));
        fflush(stdout);
    }
    return QUERN_OK;
}
