/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_kit.c - checks, exact-size memory, random numbers, temporary files and the
 * counting heap that test.h offers. */
#include "tests/test_state.h"

#include <dirent.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_PRINTED 20 /* failures of one test; the rest are only counted */

/* ---- checks --------------------------------------------------------------------- */

/* Counts a check; the start of the line is printed when it failed and may be printed.
 */
static bool failing(qn_test *t, const char *file, int line, const char *what, bool ok)
{
    t->n_checks++;
    if (ok) return false;
    if (++t->n_failed == MAX_PRINTED + 1) printf("    ... and more\n");
    if (t->n_failed > MAX_PRINTED) return false;
    printf("    %s:%d: %s%s%s", file, line, t->note, t->note[0] != '\0' ? ": " : "",
           what);
    return true;
}

bool qn_check(qn_test *t, const char *file, int line, const char *what, bool ok)
{
    if (failing(t, file, line, what, ok)) printf(" is not so\n");
    return ok;
}

bool qn_check_int(qn_test *t, const char *file, int line, const char *what, int64_t got,
                  int64_t want)
{
    if (failing(t, file, line, what, got == want))
        printf(" is %" PRId64 ", not %" PRId64 "\n", got, want);
    return got == want;
}

bool qn_check_str(qn_test *t, const char *file, int line, const char *what,
                  const char *got, const char *want)
{
    bool ok = got != NULL && strcmp(got, want) == 0;
    if (failing(t, file, line, what, ok))
        printf(" is '%s', not '%s'\n", got != NULL ? got : "(null)", want);
    return ok;
}

bool qn_check_has(qn_test *t, const char *file, int line, const char *what,
                  const char *text, const char *part)
{
    bool ok = text != NULL && strstr(text, part) != NULL;
    if (failing(t, file, line, what, ok))
        printf(" is '%s' and lacks '%s'\n", text != NULL ? text : "(null)", part);
    return ok;
}

bool qn_check_within(qn_test *t, const char *file, int line, const char *what,
                     double got, double want, double tol)
{
    bool ok = isnan(want)   ? isnan(got)
              : isinf(want) ? got == want
                            : fabs(got - want) <= tol;
    if (failing(t, file, line, what, ok))
        printf(" is %.17g, not %.17g within %g (off by %g)\n", got, want, tol,
               fabs(got - want));
    return ok;
}

static const char *status_name(quern_status status)
{
    static const char *const names[] = {
#define X(name, exit_code, text) #name,
        QUERN_STATUS_MAP(X)
#undef X
    };
    return (size_t)status < sizeof names / sizeof names[0] ? names[status]
                                                           : "no status";
}

bool qn_check_ok(qn_test *t, const char *file, int line, const char *what,
                 quern_status got, const quern_error *err)
{
    if (failing(t, file, line, what, got == QUERN_OK))
        printf(" failed (%s): %s\n", status_name(got), err != NULL ? err->text : "");
    return got == QUERN_OK;
}

bool qn_check_fails(qn_test *t, const char *file, int line, const char *what,
                    quern_status got, quern_status want, const quern_error *err,
                    const char *part)
{
    bool has = err == NULL || part == NULL ||
               (got != QUERN_OK && strstr(err->text, part) != NULL);
    if (failing(t, file, line, what, got == want && has))
        printf(" gave (%s) '%s', not (%s) '%s'\n", status_name(got),
               got != QUERN_OK && err != NULL ? err->text : "", status_name(want),
               part != NULL ? part : "");
    return got == want && has;
}

void qn_note(qn_test *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(t->note, sizeof t->note, format, args);
    va_end(args);
}

void qn_skip(qn_test *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    printf("    ");
    vprintf(format, args);
    printf("\n");
    va_end(args);
    t->skipped = true;
}

/* ---- memory and numbers --------------------------------------------------------- */

static void die(const char *what)
{
    perror(what);
    abort();
}

void *qn_exact(qn_test *t, size_t n)
{
    if (t->n_blocks == t->cap_blocks) {
        t->cap_blocks = t->cap_blocks == 0 ? 64 : 2 * t->cap_blocks;
        t->blocks = realloc(t->blocks, t->cap_blocks * sizeof *t->blocks);
        if (t->blocks == NULL) die("realloc");
    }
    void *p = malloc(n);
    if (p == NULL && n > 0) die("malloc");
    return t->blocks[t->n_blocks++] = p;
}

void qn_test_done(qn_test *t)
{
    for (size_t i = 0; i < t->n_blocks; i++)
        free(t->blocks[i]);
    free(t->blocks);
}

/* splitmix64: a counter, scrambled (Steele, Lea and Flood 2014). */
uint64_t qn_test_random(qn_test *t)
{
    uint64_t z = t->rng += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

double qn_test_uniform(qn_test *t, double lo, double hi)
{
    return lo + (hi - lo) * (double)(qn_test_random(t) >> 11) * 0x1p-53;
}

int64_t qn_test_int(qn_test *t, int64_t lo, int64_t hi)
{
    uint64_t span = (uint64_t)hi - (uint64_t)lo + 1;
    uint64_t r = qn_test_random(t);
    return (int64_t)((uint64_t)lo + (span == 0 ? r : r % span));
}

float *qn_random_floats(qn_test *t, size_t n)
{
    float *x = qn_exact(t, n * sizeof *x);
    for (size_t i = 0; i < n; i++) /* 24 bits, so that the float is exact */
        x[i] = (float)(qn_test_random(t) >> 40) * 0x1p-23f - 1;
    return x;
}

double *qn_random_doubles(qn_test *t, size_t n)
{
    double *x = qn_exact(t, n * sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = qn_test_uniform(t, -1, 1);
    return x;
}

float *qn_hard_floats(qn_test *t, size_t n)
{
    static const float hard[] = {0.0f,    -0.0f,    NAN,     INFINITY, -INFINITY,
                                 FLT_MIN, -FLT_MAX, FLT_MAX, 1e-40f,   -1e-45f};
    float *x = qn_random_floats(t, n);
    for (size_t i = 0; i < n; i++)
        if (qn_test_random(t) % 4 == 0)
            x[i] = hard[qn_test_random(t) % (sizeof hard / sizeof hard[0])];
    return x;
}

/* ---- files ---------------------------------------------------------------------- */

static char *copy_text(qn_test *t, const char *text)
{
    size_t n = strlen(text) + 1;
    return memcpy(qn_exact(t, n), text, n);
}

const char *qn_temp(qn_test *t, const char *name)
{
    char path[512];
    mkdir(t->folder, 0700); /* there already, the second time */
    snprintf(path, sizeof path, "%s/%s", t->folder, name);
    return copy_text(t, path);
}

void qn_put_file(qn_test *t, const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    bool ok = f != NULL && fwrite(bytes, 1, n, f) == n;
    ok = f != NULL && fclose(f) == 0 && ok;
    if (!ok) perror(path);
    CHECK(t, ok);
}

static char *read_stream(qn_test *t, FILE *f, size_t *n)
{
    size_t cap = 4096, used = 0, got;
    char *text = malloc(cap);
    while (text != NULL && (got = fread(text + used, 1, cap - used, f)) > 0) {
        used += got;
        if (used == cap) text = realloc(text, cap *= 2);
    }
    if (text == NULL) die("malloc");
    char *out = qn_exact(t, used + 1);
    memcpy(out, text, used);
    out[used] = '\0';
    free(text);
    if (n != NULL) *n = used;
    return out;
}

char *qn_get_file(qn_test *t, const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL) return NULL;
    char *text = read_stream(t, f, n);
    fclose(f);
    return text;
}

int qn_shell(qn_test *t, const char *command, const char **out)
{
    char *line = qn_exact(t, strlen(command) + 16);
    sprintf(line, "{ %s\n} 2>&1", command);
    FILE *f = popen(line, "r");
    if (f == NULL) die("popen");
    const char *text = read_stream(t, f, NULL);
    int status = pclose(f);
    if (out != NULL) *out = text;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

const char *qn_build(qn_test *t)
{
    return t->build;
}

bool qn_is_release(qn_test *t)
{
    /* other builds live in folders like build/native-asan */
    return strstr(t->build, "native-") == NULL && strstr(t->build, "-gnu-") == NULL;
}

int qn_quern(qn_test *t, const char *arguments, const char **out)
{
    const char *run = getenv("QUERN_RUN"); /* an emulator, for cross builds */
    size_t n = strlen(arguments) + strlen(t->build) + (run ? strlen(run) : 0) + 16;
    char *command = qn_exact(t, n);
    setenv("QUERN_HOME", qn_temp(t, "home"),
           1); /* no store and no settings of others */
    snprintf(command, n, "%s %s/quern %s", run ? run : "", t->build, arguments);
    return qn_shell(t, command, out);
}

double qn_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

double qn_effort(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    double slower = 5;
#else
    double slower = getenv("QUERN_RUN") ? 10 : 1;
#endif
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return ((double)used.tv_sec + 1e-9 * (double)used.tv_nsec) / slower;
}

void qn_remove_tree(const char *path)
{
    DIR *dir = opendir(path);
    for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;) {
        char inner[1024];
        struct stat st;
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
        snprintf(inner, sizeof inner, "%s/%s", path, e->d_name);
        if (lstat(inner, &st) == 0 && S_ISDIR(st.st_mode))
            qn_remove_tree(inner);
        else
            unlink(inner);
    }
    if (dir != NULL) closedir(dir);
    rmdir(path);
}

/* ---- a heap that counts --------------------------------------------------------- */

static void *heap_alloc(void *ctx, size_t size, size_t align)
{
    qn_heap *h = ctx;
    int64_t k = __atomic_add_fetch(&h->n_allocs, 1, __ATOMIC_RELAXED);
    if (k == h->fail_at || (h->fail_after && h->fail_at > 0 && k > h->fail_at))
        return NULL;
    void *p = NULL;
    if (posix_memalign(&p, align < sizeof p ? sizeof p : align, size) != 0) return NULL;
    __atomic_add_fetch(&h->blocks, 1, __ATOMIC_RELAXED);
    __atomic_add_fetch(&h->bytes, (int64_t)size, __ATOMIC_RELAXED);
    return p;
}

static void heap_free(void *ctx, void *p, size_t size)
{
    qn_heap *h = ctx;
    if (p == NULL) return;
    __atomic_sub_fetch(&h->blocks, 1, __ATOMIC_RELAXED);
    __atomic_sub_fetch(&h->bytes, (int64_t)size, __ATOMIC_RELAXED);
    free(p);
}

quern_allocator qn_heap_allocator(qn_heap *heap)
{
    return (quern_allocator){.alloc = heap_alloc, .free = heap_free, .ctx = heap};
}

/* ---- the kit's own tests -------------------------------------------------------- */

void test_test_checks(qn_test *t)
{
    float *x = qn_random_floats(t, 1000);
    double sum = 0;
    for (int i = 0; i < 1000; i++)
        sum += x[i];
    CHECK_WITHIN(t, sum / 1000, 0, 0.1);
    CHECK_WITHIN(t, NAN, NAN, 0);
    CHECK_WITHIN(t, INFINITY, INFINITY, 0);
    for (int i = 0; i < 100; i++) {
        int64_t k = qn_test_int(t, -2, 2);
        CHECK(t, k >= -2 && k <= 2);
    }
    const char *path = qn_temp(t, "file"), *out;
    size_t n = 0;
    qn_put_file(t, path, "abc", 3);
    CHECK_STR(t, qn_get_file(t, path, &n), "abc");
    CHECK_EQ(t, (int64_t)n, 3);
    CHECK_EQ(t, qn_shell(t, "echo hello; exit 3", &out), 3);
    CHECK_STR(t, out, "hello\n");
}

void test_test_heap(qn_test *t)
{
    qn_heap heap = {.fail_at = 2};
    quern_allocator a = qn_heap_allocator(&heap);
    void *p = a.alloc(a.ctx, 100, 64);
    REQUIRE(t, p != NULL);
    CHECK_EQ(t, (int64_t)((uintptr_t)p % 64), 0);
    CHECK(t, a.alloc(a.ctx, 100, 64) == NULL);
    CHECK_EQ(t, heap.blocks, 1);
    CHECK_EQ(t, heap.bytes, 100);
    a.free(a.ctx, p, 100);
    CHECK_EQ(t, heap.blocks, 0);
    CHECK_EQ(t, heap.bytes, 0);
}
