/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test.h - what a test needs: checks that print both values, memory of exactly
 * the size asked for, repeatable random numbers, a heap that counts and can run dry.
 *
 * A test is a function test_<name>(qn_test *t) in tests/test_<module>.c and a row
 * QN_TEST(<name>) in tests.def.  It runs in a process of its own, in the project's
 * root; a failed check is counted and the test goes on, a REQUIRE leaves the test. */
#ifndef QN_TESTS_TEST_H
#define QN_TESTS_TEST_H

#include "engine/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct qn_test qn_test;
typedef void qn_test_fn(qn_test *t);

#define QN_TEST(name) qn_test_fn test_##name;
#include "tests/tests.def"
#undef QN_TEST

/* ---- checks --------------------------------------------------------------------- */

#define QN_HERE                  __FILE__, __LINE__
#define CHECK(t, cond)           qn_check((t), QN_HERE, #cond, (cond))
#define CHECK_EQ(t, got, want)   qn_check_int((t), QN_HERE, #got, (got), (want))
#define CHECK_STR(t, got, want)  qn_check_str((t), QN_HERE, #got, (got), (want))
#define CHECK_HAS(t, text, part) qn_check_has((t), QN_HERE, #text, (text), (part))
/* |got - want| <= tol, or both NaN, or the same infinity. */
#define CHECK_WITHIN(t, got, want, tol) \
    qn_check_within((t), QN_HERE, #got, (got), (want), (tol))
/* The call succeeds; or it fails with this status and a sentence that has this part. */
#define CHECK_OK(t, call, err) qn_check_ok((t), QN_HERE, #call, (call), (err))
#define CHECK_FAILS(t, call, status, err, part) \
    qn_check_fails((t), QN_HERE, #call, (call), (status), (err), (part))
#define REQUIRE(t, cond)             \
    do {                             \
        if (!CHECK(t, cond)) return; \
    } while (0)
#define REQUIRE_OK(t, call, err)             \
    do {                                     \
        if (!CHECK_OK(t, call, err)) return; \
    } while (0)

bool qn_check(qn_test *t, const char *file, int line, const char *what, bool ok);
bool qn_check_int(qn_test *t, const char *file, int line, const char *what, int64_t got,
                  int64_t want);
bool qn_check_str(qn_test *t, const char *file, int line, const char *what,
                  const char *got, const char *want);
bool qn_check_has(qn_test *t, const char *file, int line, const char *what,
                  const char *text, const char *part);
bool qn_check_within(qn_test *t, const char *file, int line, const char *what,
                     double got, double want, double tol);
bool qn_check_ok(qn_test *t, const char *file, int line, const char *what,
                 quern_status got, const quern_error *err);
bool qn_check_fails(qn_test *t, const char *file, int line, const char *what,
                    quern_status got, quern_status want, const quern_error *err,
                    const char *part);

/* What the checks that follow are about ("n=33 avx2"); printed with each failure. */
void qn_note(qn_test *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Says why the test cannot run here.  The caller returns. */
void qn_skip(qn_test *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- memory and numbers --------------------------------------------------------- */

/* A heap block of exactly n bytes, so that the address sanitizer sees a step past its
 * end; freed when the test ends. */
void *qn_exact(qn_test *t, size_t n);
/* Repeatable numbers: the sequence depends on the test's name only. */
uint64_t qn_test_random(qn_test *t);
double qn_test_uniform(qn_test *t, double lo, double hi);
int64_t qn_test_int(qn_test *t, int64_t lo, int64_t hi); /* lo .. hi, both included */
float *qn_random_floats(qn_test *t, size_t n);           /* n of them in [-1, 1) */
double *qn_random_doubles(qn_test *t, size_t n);
/* The same with 0, -0, NaN, infinities, subnormals and extremes sprinkled in. */
float *qn_hard_floats(qn_test *t, size_t n);

/* ---- files ---------------------------------------------------------------------- */

/* "<folder of this test>/name"; the folder is empty at first and removed at the end. */
const char *qn_temp(qn_test *t, const char *name);
void qn_put_file(qn_test *t, const char *path, const void *bytes, size_t n);
/* All bytes of a file with a zero behind them (n may be NULL), or NULL. */
char *qn_get_file(qn_test *t, const char *path, size_t *n);
/* Runs a shell command; its exit code (128 + signal when killed), and in *out what it
 * printed (both streams), if out is not NULL. */
int qn_shell(qn_test *t, const char *command, const char **out);
/* The same for our own program of the build under test: "inspect x.onnx --json". */
int qn_quern(qn_test *t, const char *arguments, const char **out);
/* The folder of that build ("build"), and whether it is the release for this machine.
 */
const char *qn_build(qn_test *t);
bool qn_is_release(qn_test *t);
double qn_seconds(void); /* of a clock that only goes forward */
/* Processor seconds of this process, as they would be on a processor of its own without
 * sanitizers or emulator (roughly): for limits that a busy machine must not break. */
double qn_effort(void);

/* ---- a heap that counts --------------------------------------------------------- */

typedef struct qn_heap {
    int64_t blocks, bytes; /* alive now */
    int64_t n_allocs;      /* ever asked for */
    int64_t fail_at;       /* the n-th allocation fails, counted from 1; 0: none */
    bool fail_after;       /* all behind fail_at fail, too */
} qn_heap;
/* Safe to use from several threads. */
quern_allocator qn_heap_allocator(qn_heap *heap);

#endif
