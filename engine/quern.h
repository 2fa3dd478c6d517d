/* SPDX-License-Identifier: Apache-2.0 */
/* quern.h - the public interface of libquern: run ONNX models from C.
 *
 *     quern_model *model;  quern_session *session;  quern_error err;
 *     quern_model_open("resnet50.onnx", NULL, &model, &err);
 *     quern_session_create(model, NULL, &session, &err);
 *     quern_session_bind(session, 0, &image, &err);
 *     quern_run(session, &err);
 *     quern_session_output(session, 0, &scores, &err);
 *
 * Every fallible call returns a quern_status and, if err is not NULL, writes one
 * sentence there.  A model is read-only after it is opened and may be shared between
 * threads; a session belongs to one thread at a time.  Option structs carry their size,
 * so that a program built against an older header keeps working; NULL options mean the
 * defaults. The library reads no environment, installs no signal handler and prints
 * nothing. */
#ifndef QUERN_H
#define QUERN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if !defined(__BYTE_ORDER__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__ || \
    (UINTPTR_MAX >> 31) <= 1
#error "quern needs a 64-bit little-endian machine"
#endif

#define QUERN_API __attribute__((visibility("default")))

/* ---- version ---- */

#define QUERN_VERSION "0.1.0"
QUERN_API const char *quern_version(void); /* of the library, "0.1.0" */

/* ---- status and errors ---- */

/*  name, exit code of the command line, what it means */
#define QUERN_STATUS_MAP(X)                                         \
    X(OK, 0, "done")                                                \
    X(IO, 1, "a file or stream could not be read or written")       \
    X(FORMAT, 1, "the bytes are not what the format says")          \
    X(INVALID, 1, "the model, its graph or an argument is wrong")   \
    X(SHAPE, 1, "shapes or element types do not fit together")      \
    X(DATA, 1, "a value met while running is out of range")         \
    X(UNSUPPORTED, 3, "the input needs something this build lacks") \
    X(LIMIT, 4, "a limit or the memory budget refused it")          \
    X(MEMORY, 4, "the allocator had no memory left")                \
    X(CANCELLED, 130, "the caller asked to stop")

typedef enum quern_status {
#define X(name, exit_code, text) QUERN_##name,
    QUERN_STATUS_MAP(X)
#undef X
} quern_status;

typedef struct quern_error {
    quern_status status;
    char text[1024]; /* one sentence, lower case, no full stop; zero-ended */
} quern_error;

QUERN_API const char *quern_status_text(quern_status status);
QUERN_API int quern_status_exit_code(quern_status status);

/* ---- element types and tensors ---- */

/*  name, number (that of ONNX TensorProto.DataType), ONNX name in lower case */
#define QUERN_DTYPE_MAP(X)                  \
    X(UNDEFINED, 0, "undefined")            \
    X(FLOAT, 1, "float32")                  \
    X(UINT8, 2, "uint8")                    \
    X(INT8, 3, "int8")                      \
    X(UINT16, 4, "uint16")                  \
    X(INT16, 5, "int16")                    \
    X(INT32, 6, "int32")                    \
    X(INT64, 7, "int64")                    \
    X(STRING, 8, "string")                  \
    X(BOOL, 9, "bool")                      \
    X(FLOAT16, 10, "float16")               \
    X(DOUBLE, 11, "float64")                \
    X(UINT32, 12, "uint32")                 \
    X(UINT64, 13, "uint64")                 \
    X(COMPLEX64, 14, "complex64")           \
    X(COMPLEX128, 15, "complex128")         \
    X(BFLOAT16, 16, "bfloat16")             \
    X(FLOAT8E4M3FN, 17, "float8e4m3fn")     \
    X(FLOAT8E4M3FNUZ, 18, "float8e4m3fnuz") \
    X(FLOAT8E5M2, 19, "float8e5m2")         \
    X(FLOAT8E5M2FNUZ, 20, "float8e5m2fnuz") \
    X(UINT4, 21, "uint4")                   \
    X(INT4, 22, "int4")                     \
    X(FLOAT4E2M1, 23, "float4e2m1")         \
    X(FLOAT8E8M0, 24, "float8e8m0")         \
    X(UINT2, 25, "uint2")                   \
    X(INT2, 26, "int2")

typedef enum quern_dtype {
#define X(name, number, text) QUERN_##name = number,
    QUERN_DTYPE_MAP(X)
#undef X
} quern_dtype;

QUERN_API const char *quern_dtype_name(quern_dtype dtype); /* "float32" */
QUERN_API size_t quern_dtype_size(quern_dtype dtype); /* bytes of an element in memory;
    4- and 2-bit types take one byte each; a string is a quern_string */

#define QUERN_MAX_RANK 8

typedef struct quern_string {
    const char *p;
    size_t n; /* bytes; no zero byte behind them */
} quern_string;

/* A dense row-major array that somebody else owns. */
typedef struct quern_tensor {
    quern_dtype dtype;
    int rank; /* 0 (scalar) .. QUERN_MAX_RANK */
    int64_t dim[QUERN_MAX_RANK];
    void *data;
} quern_tensor;

/* What a model says of an input or output. */
typedef struct quern_info {
    const char *name;
    quern_dtype dtype;
    int rank;                           /* -1: not declared */
    int64_t dim[QUERN_MAX_RANK];        /* -1: free */
    const char *symbol[QUERN_MAX_RANK]; /* name of a free dim ("batch"), or NULL */
    int is_sequence, is_optional;
} quern_info;

/* ---- callbacks ---- */

typedef struct quern_allocator {
    void *(*alloc)(void *ctx, size_t size, size_t align); /* NULL when there is none */
    void (*free)(void *ctx, void *p, size_t size);
    void *ctx;
} quern_allocator;

/* A warning or note, one line, no newline. */
typedef void quern_log_fn(void *ctx, const char *text);
/* Asked between nodes; non-zero stops the run with QUERN_CANCELLED. */
typedef int quern_cancel_fn(void *ctx);
/* Called after each node of a run: its label, op and seconds. */
typedef void quern_profile_fn(void *ctx, const char *node, const char *op,
                              double seconds);

/* ---- models ---- */

typedef struct quern_model quern_model;

typedef struct quern_model_options {
    size_t size;                      /* sizeof(quern_model_options) */
    const quern_allocator *allocator; /* NULL: malloc */
    size_t max_bytes;                 /* memory budget; 0: no limit */
    const char
        *external_dir; /* where external data may lie besides the model's folder */
    const char *disable_passes; /* comma list of pass names, or "all" */
    int allow_missing; /* open models with operators that quern lacks, to inspect them
                        */
    int keep_overridable; /* inputs with a default stay inputs; otherwise constants */
    int strict_files; /* refuse external data in files with several names (hard links)
                       */
    quern_log_fn *log;
    void *log_ctx;
} quern_model_options;

/* Maps and checks a file, lowers it to the newest operator forms and simplifies it.
 * QUERN_UNSUPPORTED lists everything that is missing, in one sentence. */
QUERN_API quern_status quern_model_open(const char *path,
                                        const quern_model_options *opt,
                                        quern_model **out, quern_error *err);
/* The same from bytes, which are copied; external data is refused unless external_dir
 * is given. */
QUERN_API quern_status quern_model_parse(const void *bytes, size_t n,
                                         const quern_model_options *opt,
                                         quern_model **out, quern_error *err);
QUERN_API void quern_model_free(quern_model *model); /* NULL is fine; sessions first */

QUERN_API int quern_model_n_inputs(const quern_model *model); /* those to be fed */
QUERN_API int quern_model_n_outputs(const quern_model *model);
/* i from 0; past the end, false (0).  The strings belong to the model. */
QUERN_API int quern_model_input(const quern_model *model, int i, quern_info *info);
QUERN_API int quern_model_output(const quern_model *model, int i, quern_info *info);
/* Value of a metadata key, or NULL; and the i-th pair, 0 past the end. */
QUERN_API const char *quern_model_metadata(const quern_model *model, const char *key);
QUERN_API int quern_model_metadata_at(const quern_model *model, int i, const char **key,
                                      const char **value);

typedef struct quern_model_stats {
    int64_t ir_version;
    int64_t nodes, nodes_after_passes;
    int64_t parameters;  /* elements of all initializers */
    size_t weight_bytes; /* of all initializers */
    const char *producer, *graph_name;
} quern_model_stats;
QUERN_API void quern_model_get_stats(const quern_model *model,
                                     quern_model_stats *stats);
/* i-th opset import; 0 past the end. */
QUERN_API int quern_model_opset(const quern_model *model, int i, const char **domain,
                                int64_t *version);
/* i-th operator type used, with the number of its nodes (as loaded); 0 past the end. */
QUERN_API int quern_model_op(const quern_model *model, int i, const char **op_type,
                             const char **domain, int64_t *count);

/* Something the model needs and quern lacks. */
typedef struct quern_missing {
    const char *op, *domain;
    int64_t since;              /* opset of the model for that domain */
    int64_t count;              /* nodes */
    const char *reason, *nodes; /* "operator not known"; "a, b, c and 2 more" */
} quern_missing;
QUERN_API int quern_model_missing(const quern_model *model, int i,
                                  quern_missing *missing);

/* ---- thread pools ---- */

typedef struct quern_pool quern_pool;
/* n_threads counts the caller; 0: the physical cores this process may use. */
QUERN_API quern_status quern_pool_create(int n_threads, quern_pool **out,
                                         quern_error *err);
QUERN_API void quern_pool_free(quern_pool *pool); /* sessions first */
QUERN_API int quern_pool_threads(const quern_pool *pool);

/* ---- sessions ---- */

typedef struct quern_session quern_session;

typedef struct quern_session_options {
    size_t size; /* sizeof(quern_session_options) */
    const quern_allocator *allocator;
    size_t max_bytes;   /* memory budget; 0: no limit */
    int n_threads;      /* 0: physical cores; ignored when pool is given */
    quern_pool *pool;   /* shared; NULL: the session makes its own */
    const char *isa;    /* "ref", "avx2", "avx512", "neon"; NULL: the best of here */
    const char *gemm;   /* "own", "openblas"; NULL: own where it is vector code */
    const char *layout; /* "plain", "blocked" (NCHW8c); NULL: what is faster here */
    int no_winograd;    /* 3x3 convolutions directly: slower, rounding of a plain sum */
    int no_reuse;       /* every value gets its own memory; same bits, for debugging */
    int poison;         /* fill dead memory with NaN; for debugging */
    int64_t fail_at;    /* tests: the n-th allocation fails; 0: never */
    int64_t max_iterations; /* of one Loop or Scan; 0: no limit */
    uint64_t seed;          /* of random operators */
    quern_log_fn *log;
    void *log_ctx;
    quern_cancel_fn *cancel;
    void *cancel_ctx;
    quern_profile_fn *profile;
    void *profile_ctx;
    /* Text of a tuning file (`quern bench tune`), zero-ended, read while creating; one
     * that does not fit this machine or is damaged is logged and not used. */
    const char *tuning;
} quern_session_options;

QUERN_API quern_status quern_session_create(const quern_model *model,
                                            const quern_session_options *opt,
                                            quern_session **out, quern_error *err);
QUERN_API void quern_session_free(quern_session *session);

/* Binds the caller's memory to input i.  It is read while running, not copied, and must
 * stay until the next bind.  Another shape than before plans anew (plans are kept). */
QUERN_API quern_status quern_session_bind(quern_session *session, int i,
                                          const quern_tensor *tensor, quern_error *err);
/* A sequence input: n tensors; NULL items with n = 0 is an empty sequence. */
QUERN_API quern_status quern_session_bind_sequence(quern_session *session, int i,
                                                   const quern_tensor *items, int n,
                                                   quern_dtype dtype, quern_error *err);
/* An optional input without a value. */
QUERN_API quern_status quern_session_bind_none(quern_session *session, int i,
                                               quern_error *err);
/* Plans for the bound shapes without running. */
QUERN_API quern_status quern_session_plan(quern_session *session, quern_error *err);
QUERN_API quern_status quern_run(quern_session *session, quern_error *err);

/* Output i of the last run; valid until the next run, plan or free. */
QUERN_API quern_status quern_session_output(quern_session *session, int i,
                                            quern_tensor *out, quern_error *err);
/* Of a sequence output: its length (-1: no sequence, -2: optional without a value), and
 * item k. */
QUERN_API int64_t quern_session_output_length(quern_session *session, int i);
QUERN_API quern_status quern_session_output_item(quern_session *session, int i,
                                                 int64_t k, quern_tensor *out,
                                                 quern_error *err);

typedef struct quern_session_stats {
    int64_t instrs, dynamic_instrs; /* lines of the plan; those planned while running */
    int64_t reorders;               /* between the plain and the blocked layout */
    int64_t folded;                 /* nodes computed while planning */
    size_t slab_bytes, unshared_bytes; /* activations with and without reuse */
    size_t packed_bytes, peak_bytes;
    uint64_t run_allocs; /* heap allocations during the last run */
    double macs;         /* multiply-adds of a run */
    int threads;
    const char *isa, *gemm;
} quern_session_stats;
QUERN_API void quern_session_get_stats(const quern_session *session,
                                       quern_session_stats *stats);

/* ---- what this build can do ---- */

typedef struct quern_op_info {
    const char *name, *domain;
    int since, first; /* newest and oldest form */
    int has_gradient;
    char dtypes[320]; /* of the first input, "float32 float64 ..." */
} quern_op_info;
QUERN_API int quern_op(int i, quern_op_info *info); /* 0 past the end */
QUERN_API int quern_pass(int i, const char **name); /* 0 past the end */
QUERN_API const char *quern_cpu_isa(void);          /* best of this machine */

#ifdef __cplusplus
}
#endif

#endif
