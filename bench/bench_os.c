/* SPDX-License-Identifier: Apache-2.0 */
/* bench/bench_os.c - see bench_os.h.  Linux; elsewhere what is missing says so. */
#define _GNU_SOURCE
#include "bench/bench_os.h"

#include "engine/os.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#ifdef __linux__
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#endif
#ifdef __x86_64__
#include <cpuid.h>
#include <immintrin.h>
#endif

/* ---- memory with a wall on either side ------------------------------------------- */

enum { MARK = 0xa5 };

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

/* n bytes of which nothing can be touched, `at` bytes before a large page; NULL: none.
 */
static char *map_before_page(size_t n, size_t at)
{
    const size_t page = QN_LARGE_PAGE;
    char *p = mmap(NULL, n + page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return NULL;
    const size_t before = (page - ((uintptr_t)p + at) % page) % page;
    if (before) munmap(p, before);
    munmap(p + before + n, page - before);
    return p + before;
}

quern_status qn_guarded_make(qn_guarded *g, size_t size, qn_place_at at,
                             quern_error *err)
{
    const size_t page = page_size();
    size_t body, all;
    *g = (qn_guarded){.size = size};
    if (!qn_size_add(size, page - 1, &body) ||
        !qn_size_add(body, 3 * page + QN_LARGE_PAGE, &all))
        return qn_fail(err, QUERN_LIMIT, "%zu bytes are too many", size);
    body = body / page * page + (size == 0 ? page : 0);
    g->map_size = body + 2 * page;
    char *p = map_before_page(g->map_size, page);
    if (!p || mprotect(p + page, body, PROT_READ | PROT_WRITE)) {
        const int why = errno;
        if (p) munmap(p, g->map_size);
        return qn_fail(err, QUERN_MEMORY, "no memory for %zu bytes: %s", size,
                       strerror(why));
    }
    qn_os_want_huge_pages(p + page, body);
    g->map = p;
    g->p = g->map + page + (at == QN_AT_END ? body - size : 0);
    return QUERN_OK;
}

void qn_guarded_free(qn_guarded *g)
{
    if (g->map) munmap(g->map, g->map_size);
    *g = (qn_guarded){0};
}

static char *body_of(const qn_guarded *g)
{
    return g->map + page_size();
}

static size_t body_size(const qn_guarded *g)
{
    return g->map_size - 2 * page_size();
}

void qn_guarded_freeze(const qn_guarded *g, bool is_frozen)
{
    mprotect(body_of(g), body_size(g), is_frozen ? PROT_READ : PROT_READ | PROT_WRITE);
}

void qn_guarded_mark(const qn_guarded *g)
{
    char *body = body_of(g), *end = g->p + g->size;
    memset(body, MARK, (size_t)(g->p - body));
    memset(end, MARK, (size_t)(body + body_size(g) - end));
}

bool qn_guarded_is_marked(const qn_guarded *g)
{
    const char *body = body_of(g), *end = body + body_size(g);
    for (const char *p = body; p < end; p++) {
        if (p == g->p) p += g->size;
        if (p < end && (unsigned char)*p != MARK) return false;
    }
    return true;
}

#ifdef __x86_64__
__attribute__((target("clflushopt"))) static void flush_lines(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i += 64)
        _mm_clflushopt((void *)(p + i));
    if (n) _mm_clflushopt((void *)(p + n - 1));
    _mm_mfence();
}

static bool can_flush(void)
{
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_CLFLUSHOPT);
}
#elif defined(__aarch64__)
static void flush_lines(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i += 64)
        __asm__ volatile("dc civac, %0" ::"r"(p + i) : "memory");
    __asm__ volatile("dsb ish" ::: "memory");
}

static bool can_flush(void)
{
    return true;
}
#else
static void flush_lines(const char *p, size_t n)
{
    (void)p;
    (void)n;
}

static bool can_flush(void)
{
    return false;
}
#endif

bool qn_cache_flush(const void *p, size_t n)
{
    if (!can_flush()) return false;
    flush_lines(p, n);
    return true;
}

/* ---- the machine ----------------------------------------------------------------- */

int qn_cpus_allowed(int *cpus, int room)
{
    cpu_set_t set;
    int n = 0;
    if (sched_getaffinity(0, sizeof set, &set) != 0) return 0;
    for (int cpu = 0; cpu < CPU_SETSIZE && n < room; cpu++)
        if (CPU_ISSET((size_t)cpu, &set)) cpus[n++] = cpu;
    return n;
}

bool qn_cpu_pin(int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    return sched_setaffinity(0, sizeof set, &set) == 0;
}

static double seconds_of(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double qn_thread_seconds(void)
{
    return seconds_of(CLOCK_THREAD_CPUTIME_ID);
}

double qn_process_seconds(void)
{
    return seconds_of(CLOCK_PROCESS_CPUTIME_ID);
}

long qn_thread_preemptions(void)
{
    struct rusage use;
    return getrusage(RUSAGE_THREAD, &use) == 0 ? use.ru_nivcsw : 0;
}

bool qn_kernel_text(const char *path, char *text, size_t room)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t n = 0;
    if (fd < 0) return false;
    for (ssize_t k; n < room - 1 && (k = read(fd, text + n, room - 1 - n)) > 0;)
        n += (size_t)k;
    close(fd);
    while (n > 0 && text[n - 1] == '\n')
        n--;
    text[n] = 0;
    return n > 0;
}

quern_status qn_own_path(char *path, size_t room, quern_error *err)
{
    const ssize_t n = readlink("/proc/self/exe", path, room - 1);
    if (n <= 0)
        return qn_fail(err, QUERN_IO, "cannot find this program: %s", strerror(errno));
    path[n] = 0;
    return QUERN_OK;
}

/* ---- counters -------------------------------------------------------------------- */

const char *const qn_counter_names[QN_COUNTERS] = {"cycles", "instructions",
                                                   "cache_misses", "branch_misses"};

#ifdef __linux__
static int counter_open(uint64_t config)
{
    struct perf_event_attr attr = {.type = PERF_TYPE_HARDWARE,
                                   .size = sizeof attr,
                                   .config = config,
                                   .disabled = 1,
                                   .exclude_kernel = 1,
                                   .exclude_hv = 1};
    attr.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
    return (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

void qn_counters_open(qn_counters *c)
{
    static const uint64_t configs[QN_COUNTERS] = {
        PERF_COUNT_HW_CPU_CYCLES, PERF_COUNT_HW_INSTRUCTIONS,
        PERF_COUNT_HW_CACHE_MISSES, PERF_COUNT_HW_BRANCH_MISSES};
    int n = 0, why = 0;
    c->why[0] = 0;
    for (int i = 0; i < QN_COUNTERS; i++) {
        c->fd[i] = counter_open(configs[i]);
        if (c->fd[i] < 0) why = errno;
        n += c->fd[i] >= 0;
    }
    if (n > 0) return;
    snprintf(c->why, sizeof c->why, "no hardware counters: %s",
             why == ENOENT || why == EOPNOTSUPP
                 ? "this (virtual) machine does not expose them"
             : why == EACCES || why == EPERM
                 ? "the kernel forbids them (perf_event_paranoid, or a container)"
                 : strerror(why));
}

void qn_counters_start(const qn_counters *c)
{
    for (int i = 0; i < QN_COUNTERS; i++) {
        if (c->fd[i] < 0) continue;
        ioctl(c->fd[i], PERF_EVENT_IOC_RESET, 0);
        ioctl(c->fd[i], PERF_EVENT_IOC_ENABLE, 0);
    }
}

void qn_counters_stop(const qn_counters *c, double value[QN_COUNTERS])
{
    uint64_t r[3]; /* count, time enabled, time running */
    for (int i = 0; i < QN_COUNTERS; i++) {
        value[i] = -1;
        if (c->fd[i] < 0) continue;
        ioctl(c->fd[i], PERF_EVENT_IOC_DISABLE, 0);
        if (read(c->fd[i], r, sizeof r) == sizeof r && r[2] > 0)
            value[i] = (double)r[0] * (double)r[1] / (double)r[2];
    }
}
#else
void qn_counters_open(qn_counters *c)
{
    for (int i = 0; i < QN_COUNTERS; i++)
        c->fd[i] = -1;
    snprintf(c->why, sizeof c->why, "no hardware counters: only Linux has them here");
}

void qn_counters_start(const qn_counters *c)
{
    (void)c;
}

void qn_counters_stop(const qn_counters *c, double value[QN_COUNTERS])
{
    for (int i = 0; i < QN_COUNTERS; i++)
        value[i] = c->fd[i] < 0 ? -1 : 0;
}
#endif

void qn_counters_close(qn_counters *c)
{
    for (int i = 0; i < QN_COUNTERS; i++) {
        if (c->fd[i] >= 0) close(c->fd[i]);
        c->fd[i] = -1;
    }
}
