/* SPDX-License-Identifier: Apache-2.0 */
/* tests/bands_kit.c - see bands_kit.h. */
#include "tests/bands_kit.h"

#include <string.h>

int64_t qn_bands_run(qn_test *t, quern_model *model, quern_session_options opt,
                     const quern_tensor *x, qn_buf *y)
{
    quern_session *s;
    quern_error err;
    quern_session_stats stats = {0};
    quern_tensor out;
    opt.size = sizeof opt;
    opt.layout = "blocked";
    if (!CHECK_OK(t, quern_session_create(model, &opt, &s, &err), &err)) return -1;
    if (CHECK_OK(t, quern_session_bind(s, 0, x, &err), &err) &&
        CHECK_OK(t, quern_run(s, &err), &err) &&
        CHECK_OK(t, quern_run(s, &err), &err) && /* over a used slab */
        CHECK_OK(t, quern_session_output(s, 0, &out, &err), &err)) {
        size_t n = sizeof(float);
        for (int i = 0; i < out.rank; i++)
            n *= (size_t)out.dim[i];
        qn_buf_clear(y);
        qn_buf_add(y, out.data, n);
        quern_session_get_stats(s, &stats);
        CHECK_EQ(t, stats.run_allocs, 0);
    }
    quern_session_free(s);
    return stats.instrs;
}

void qn_bands_check(qn_test *t, quern_model *joined, quern_model *apart,
                    const quern_tensor *x, int64_t fewer)
{
    static const quern_session_options ways[] = {
        {.n_threads = 1},
        {.n_threads = 2},
        {.n_threads = 3},
        {.n_threads = 8},
        {.n_threads = 1, .poison = 1},
        {.n_threads = 2, .no_reuse = 1},
        {.n_threads = 1, .isa = "ref"},
    };
    qn_mem mem;
    qn_buf want, got;
    qn_mem_init(&mem, NULL, 0);
    qn_buf_init(&want, &mem);
    qn_buf_init(&got, &mem);
    for (size_t i = 0; i < sizeof ways / sizeof *ways && joined && apart; i++) {
        const int64_t lines = qn_bands_run(t, apart, ways[i], x, &want);
        CHECK_EQ(t, qn_bands_run(t, joined, ways[i], x, &got), lines - fewer);
        CHECK_EQ(t, want.n, got.n);
        CHECK(t, want.n == got.n && memcmp(want.p, got.p, want.n) == 0);
    }
    qn_buf_done(&want);
    qn_buf_done(&got);
}
