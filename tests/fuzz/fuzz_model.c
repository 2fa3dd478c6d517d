/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fuzz/fuzz_model.c - from bytes to the end of a first run, within a budget.
 *
 * Whatever the bytes say, each call must give a status with a sentence, or work; all
 * memory must come back.  Work is bounded by the memory budget and by a number of
 * nodes, so that a Loop of 2^63 turns ends. */
#include "tests/fuzz/fuzz.h"

#include "engine/quern.h"

#include <stdlib.h>
#include <string.h>

#define BUDGET    ((size_t)32 << 20) /* bytes */
#define MAX_NODES 2000               /* asked between nodes */
#define MAX_INPUT 100000             /* elements of one input */

typedef struct heap {
    int64_t blocks, bytes;
} heap;

static void *counted_alloc(void *ctx, size_t size, size_t align)
{
    heap *h = ctx;
    void *p = NULL;
    if (posix_memalign(&p, align, size) != 0) return NULL;
    __atomic_add_fetch(&h->blocks, 1, __ATOMIC_RELAXED);
    __atomic_add_fetch(&h->bytes, (int64_t)size, __ATOMIC_RELAXED);
    return p;
}

static void counted_free(void *ctx, void *p, size_t size)
{
    heap *h = ctx;
    __atomic_sub_fetch(&h->blocks, 1, __ATOMIC_RELAXED);
    __atomic_sub_fetch(&h->bytes, (int64_t)size, __ATOMIC_RELAXED);
    free(p);
}

static int enough(void *ctx)
{
    int *n = ctx;
    return ++*n > MAX_NODES;
}

/* A failure says what it is, in one line. */
static int failed(quern_status status, const quern_error *err)
{
    if (status == QUERN_OK) return 0;
    size_t n = strnlen(err->text, sizeof err->text);
    if (n == 0 || n == sizeof err->text || err->status != status) abort();
    return 1;
}

/* Feeds input i with ones of the declared shape; returns whether that was possible. */
static int feed(quern_session *session, const quern_info *info, int i, void **data)
{
    quern_tensor x = {.dtype = info->dtype, .rank = info->rank};
    size_t n = 1,
           size = info->dtype == QUERN_FLOAT || info->dtype == QUERN_INT32 ? 4 : 8;
    if (info->is_sequence || info->rank < 0) return 0;
    for (int k = 0; k < info->rank; k++) {
        x.dim[k] = info->dim[k] < 0 ? 2 : info->dim[k];
        if (x.dim[k] > MAX_INPUT || (n *= (size_t)x.dim[k]) > MAX_INPUT) return 0;
    }
    /* 8 bytes are enough for one element of any type but complex128 and strings */
    if (info->dtype == QUERN_STRING || info->dtype == QUERN_COMPLEX128) return 0;
    *data = calloc(n + 1, size);
    if (*data == NULL) return 0;
    for (size_t k = 0; k < n && info->dtype == QUERN_FLOAT; k++)
        ((float *)*data)[k] = 1;
    x.data = *data;
    quern_error err = {0};
    return !failed(quern_session_bind(session, i, &x, &err), &err);
}

static void run(const quern_model *model, heap *h)
{
    enum { MAX_INPUTS = 16 };
    quern_allocator a = {.alloc = counted_alloc, .free = counted_free, .ctx = h};
    int n_nodes = 0, n_inputs = quern_model_n_inputs(model), fed = 1;
    quern_session_options opt = {.size = sizeof opt,
                                 .allocator = &a,
                                 .max_bytes = BUDGET,
                                 .n_threads = 1,
                                 .gemm = "own",
                                 .cancel = enough,
                                 .cancel_ctx = &n_nodes};
    quern_session *session = NULL;
    quern_error err = {0};
    void *data[MAX_INPUTS] = {0};
    if (n_inputs > MAX_INPUTS) return;
    if (failed(quern_session_create(model, &opt, &session, &err), &err)) return;
    for (int i = 0; fed && i < n_inputs; i++) {
        quern_info info;
        fed = quern_model_input(model, i, &info) && feed(session, &info, i, &data[i]);
    }
    if (fed && !failed(quern_run(session, &err), &err))
        for (int i = 0; i < quern_model_n_outputs(model); i++) {
            quern_tensor y;
            failed(quern_session_output(session, i, &y, &err), &err);
        }
    quern_session_free(session);
    for (int i = 0; i < MAX_INPUTS; i++)
        free(data[i]);
}

int qn_fuzz_model(const uint8_t *bytes, size_t n)
{
    heap h = {0};
    quern_allocator a = {.alloc = counted_alloc, .free = counted_free, .ctx = &h};
    quern_model_options opt = {
        .size = sizeof opt, .allocator = &a, .max_bytes = BUDGET};
    quern_model *model = NULL;
    quern_error err = {0};
    if (!failed(quern_model_parse(bytes, n, &opt, &model, &err), &err)) run(model, &h);
    quern_model_free(model);
    if (h.blocks != 0 || h.bytes != 0) abort();
    return 0;
}
