/* SPDX-License-Identifier: Apache-2.0 */
/* bench/verify.c - see verify.h. */
#include "bench/verify.h"

#include "bench/checked_call.h"

#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>

/* Compilers clear the upper halves of registers from -O2 on; builds for sanitizers and
 * debuggers are not held to it. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    !defined(__OPTIMIZE__)
#define MINDED (~(unsigned)QN_LEFT_UPPER)
#else
#define MINDED (~0u)
#endif

typedef struct trial {
    const qn_suspect *suspect;
    const qn_truth *truth;
    int n;
    qn_bench_case *open; /* the case that runs, for the fault handler */
} trial;

const char *qn_check_name(qn_check_status s)
{
    static const char *const names[] = {"ok",        "wrong",     "unwritten",
                                        "bounds",    "registers", "crashed",
                                        "timed out", "failed",    "unverified"};
    return names[s];
}

static void say(qn_check_result *r, qn_check_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void say(qn_check_result *r, qn_check_status status, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    r->status = status;
    vsnprintf(r->text, sizeof r->text, format, list);
    va_end(list);
}

/* ---- faults ---------------------------------------------------------------------- */

/* Names the operand that lies nearest to where the kernel reached. */
static void on_fault(void *ctx, void *answer, int signal, const void *address)
{
    const trial *t = ctx;
    qn_check_result *r = answer;
    const char *where = address;
    if (signal != SIGSEGV && signal != SIGBUS) {
        say(r, QN_CHECK_CRASHED, "signal %d", signal);
        return;
    }
    for (int i = 0; t->open && i < t->open->n_buffers; i++) {
        const char *p = t->open->buffer[i].p, *end = p + t->open->buffer[i].bytes;
        const qn_guarded *m = &t->open->buffer[i].memory;
        const char *name = t->open->buffer[i].name;
        if (where < m->map || where >= m->map + m->map_size) continue;
        if (where >= end)
            say(r, QN_CHECK_BOUNDS, "reaches %lld bytes behind the end of operand %s",
                (long long)(where - end) + 1, name);
        else if (where < p)
            say(r, QN_CHECK_BOUNDS, "reaches %lld bytes before operand %s",
                (long long)(p - where), name);
        else
            say(r, QN_CHECK_BOUNDS, "writes to operand %s, which it may only read",
                name);
        return;
    }
    say(r, QN_CHECK_BOUNDS, "touches memory that is no operand's");
}

/* ---- one run --------------------------------------------------------------------- */

/* A NaN that no arithmetic makes, so that what nobody wrote can be told apart. */
static void poison(qn_bench_case *c)
{
    for (int i = 0; i < c->n_buffers; i++)
        if (c->buffer[i].role == QN_BUFFER_INPUT)
            qn_guarded_freeze(&c->buffer[i].memory, true);
        else if (c->buffer[i].role == QN_BUFFER_OUTPUT)
            memset(c->buffer[i].p, 0xff, c->buffer[i].bytes);
}

static bool is_marked(const qn_bench_case *c, qn_check_result *r)
{
    for (int i = 0; i < c->n_buffers; i++) {
        if (c->buffer[i].role == QN_BUFFER_INPUT ||
            qn_guarded_is_marked(&c->buffer[i].memory))
            continue;
        say(r, QN_CHECK_BOUNDS, "writes %s operand %s",
            c->use == QN_USE_END ? "before" : "behind", c->buffer[i].name);
        return false;
    }
    return true;
}

qn_check_result qn_verify_output(qn_bench_case *c)
{
    const qn_truth *t = c->truth;
    qn_check_result r = {QN_CHECK_OK, 0, ""};
    int64_t bad;
    c->adapter->take(c);
    r.error_u = qn_truth_error(t, c->y, !c->adapter->is_inexact, &bad);
    for (int64_t i = 0; bad < 0 && i < t->n_out; i++)
        if (isnan(c->y[i])) bad = i;
    if (bad < 0) return r;
    if (isnan(c->y[bad])) {
        say(&r, QN_CHECK_UNWRITTEN, "result %lld of %lld is missing or NaN",
            (long long)bad, (long long)t->n_out);
        return r;
    }
    for (int64_t i = 0; i < t->n_checked; i++)
        if (t->index[i] == bad) {
            say(&r, QN_CHECK_WRONG, "result %lld of %lld is %.9g, should be %.9g",
                (long long)bad, (long long)t->n_out, c->y[bad], t->y[i]);
            break;
        }
    return r;
}

static qn_check_result run_once(trial *t, const qn_truth *truth, qn_case_use use)
{
    qn_mem mem;
    qn_arena arena;
    quern_error err;
    qn_check_result r = {QN_CHECK_OK, 0, ""};
    qn_bench_case c = {.adapter = t->suspect->adapter,
                       .truth = truth,
                       .k = t->suspect->k,
                       .fn = t->suspect->fn,
                       .arena = &arena,
                       .use = use};
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    if (c.fn) c.fn = qn_checked_call_of(c.fn);
    if (qn_bench_open(&c, &err) != QUERN_OK) {
        say(&r, QN_CHECK_FAILED, "%s", err.text);
    } else {
        for (int i = 0; i < c.n_buffers; i++)
            qn_guarded_mark(&c.buffer[i].memory);
        poison(&c);
        t->open = &c;
        qn_checked_reset();
        c.adapter->run(&c);
        t->open = NULL;
        const unsigned left = c.fn ? qn_checked_result() & MINDED : 0;
        const char *audit = c.adapter->audit ? c.adapter->audit(&c) : NULL;
        if (is_marked(&c, &r)) r = qn_verify_output(&c);
        if (r.status == QN_CHECK_OK && audit) say(&r, QN_CHECK_BOUNDS, "%s", audit);
        if (r.status == QN_CHECK_OK && left)
            say(&r, QN_CHECK_REGISTERS, "%s", qn_checked_text(left));
    }
    qn_bench_close(&c);
    qn_arena_done(&arena);
    return r;
}

static void verify(void *ctx, void *answer)
{
    static const qn_case_use uses[] = {QN_USE_END, QN_USE_START};
    trial *t = ctx;
    qn_check_result *out = answer;
    double worst = 0;
    qn_child_on_fault(on_fault, t);
    for (int i = 0; i < t->n; i++)
        for (int u = 0; u < 2; u++) {
            const qn_check_result r = run_once(t, &t->truth[i], uses[u]);
            if (r.error_u > worst) worst = r.error_u;
            *out = r;
            out->error_u = worst;
            if (r.status != QN_CHECK_OK) return;
        }
}

qn_check_result qn_verify(const qn_suspect *s, const qn_truth *truth, int n,
                          double seconds)
{
    qn_check_result r;
    quern_error err;
    qn_child_end end;
    trial t = {.suspect = s, .truth = truth, .n = n};
    if (qn_child_run(verify, &t, &r, sizeof r, seconds, &end, &err) != QUERN_OK)
        say(&r, QN_CHECK_FAILED, "%s", err.text);
    else if (end.is_late)
        say(&r, QN_CHECK_TIMED_OUT, "not done after %.0f seconds", seconds);
    else if (end.is_signal || end.code != 0)
        say(&r, QN_CHECK_CRASHED,
            end.is_signal ? "killed by signal %d" : "exit code %d", end.code);
    return r;
}
