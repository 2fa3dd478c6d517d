/* SPDX-License-Identifier: Apache-2.0 */
/* bench/peaks.c - see peaks.h.
 *
 * A compiler that sees through a loop may replace it by its result and make a peak of
 * petaflops.  Every accumulator therefore passes through an empty asm statement in each
 * step, and what comes out is held against the measured clock. */
#include "bench/peaks.h"

#include "bench/bench_os.h"
#include "bench/clock.h"
#include "bench/stats.h"
#include "engine/os.h"
#include "kernels/kernels.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#ifdef __x86_64__
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

enum { BURST = 20000 }; /* steps of the loops below: some 30 us */

/* ---- loops ----------------------------------------------------------------------- */

/* Written out, as a loop over an array may stay a loop and put the array in memory. */
#define EIGHT(X)  X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)
#define TWELVE(X) EIGHT(X) X(8) X(9) X(10) X(11)

#ifdef __x86_64__
enum { LANES = 8, WIDE_LANES = 16, CHAINS = 12, PIPES = 2 };

__attribute__((target("avx2,fma"))) static void fma_loop(long steps)
{
    const __m256 a = _mm256_set1_ps(0.999f), b = _mm256_set1_ps(1e-3f);
#define BEGIN(i) __m256 acc##i = _mm256_set1_ps(i);
#define STEP(i)                             \
    acc##i = _mm256_fmadd_ps(acc##i, a, b); \
    __asm__ volatile("" : "+x"(acc##i));
    TWELVE(BEGIN)
    for (long n = 0; n < steps; n++) {
        TWELVE(STEP)
    }
#undef BEGIN
#undef STEP
}

/* Two vectors of 512 bits a cycle on some processors, one on others. */
__attribute__((target("avx512f"))) static void wide_loop(long steps)
{
    const __m512 a = _mm512_set1_ps(0.999f), b = _mm512_set1_ps(1e-3f);
#define BEGIN(i) __m512 acc##i = _mm512_set1_ps(i);
#define STEP(i)                             \
    acc##i = _mm512_fmadd_ps(acc##i, a, b); \
    __asm__ volatile("" : "+v"(acc##i));
    TWELVE(BEGIN)
    for (long n = 0; n < steps; n++) {
        TWELVE(STEP)
    }
#undef BEGIN
#undef STEP
}

__attribute__((target("avx2"))) static void read_loop(const char *p, size_t n)
{
#define READ(k)                                                        \
    v = _mm256_load_si256((const __m256i *)(const void *)(p + i) + k); \
    __asm__ volatile("" ::"x"(v));
    for (size_t i = 0; i + 256 <= n; i += 256) {
        __m256i v;
        EIGHT(READ)
    }
#undef READ
}
#elif defined(__aarch64__)
enum { LANES = 4, WIDE_LANES = 4, CHAINS = 24, PIPES = 4 };

static void fma_loop(long steps)
{
    const float32x4_t a = vdupq_n_f32(0.999f), b = vdupq_n_f32(1e-3f);
#define BEGIN(i) float32x4_t acc##i = vdupq_n_f32(i), more##i = acc##i;
#define STEP(i)                               \
    acc##i = vfmaq_f32(acc##i, acc##i, a);    \
    more##i = vfmaq_f32(more##i, more##i, b); \
    __asm__ volatile("" : "+w"(acc##i), "+w"(more##i));
    TWELVE(BEGIN)
    for (long n = 0; n < steps; n++) {
        TWELVE(STEP)
    }
#undef BEGIN
#undef STEP
}

static void read_loop(const char *p, size_t n)
{
#define READ(k)                                                  \
    v = vld1q_f32((const float *)(const void *)(p + i) + 4 * k); \
    __asm__ volatile("" ::"w"(v));
    for (size_t i = 0; i + 128 <= n; i += 128) {
        float32x4_t v;
        EIGHT(READ)
    }
#undef READ
}
#else
enum { LANES = 1, WIDE_LANES = 1, CHAINS = 8, PIPES = 4 };

static void fma_loop(long steps)
{
#define BEGIN(i) float acc##i = i;
#define STEP(i)                       \
    acc##i = acc##i * 0.999f + 1e-3f; \
    __asm__ volatile("" : "+r"(acc##i));
    EIGHT(BEGIN)
    for (long n = 0; n < steps; n++) {
        EIGHT(STEP)
    }
#undef BEGIN
#undef STEP
}

static void read_loop(const char *p, size_t n)
{
    const uint64_t *v = (const void *)p;
    for (size_t i = 0; i < n / 8; i++)
        __asm__ volatile("" ::"r"(v[i]));
}
#endif

/* A link takes the same cycles on every processor of the kind and waits for the one
 * before.  On x86 a product: newer ones add small numbers without executing anything.
 */
#ifdef __x86_64__
#define CHAIN_LINK   "imulq %0, %0"
#define CHAIN_CYCLES 3
#elif defined(__aarch64__)
#define CHAIN_LINK   "add %0, %0, #1"
#define CHAIN_CYCLES 1
#else
#define CHAIN_LINK   ""
#define CHAIN_CYCLES 1
#endif

static double seconds_of_chain(long steps)
{
    uint64_t x = 1;
    const double start = qn_os_seconds();
    for (long n = 0; n < steps; n++) {
        for (int i = 0; i < 16; i++)
            __asm__ volatile(CHAIN_LINK : "+r"(x));
    }
    return qn_os_seconds() - start;
}

double qn_probe_ghz(void)
{
    const long steps = 20000;
    double best = 0;
    for (int i = 0; i < 5; i++) {
        const double ghz =
            CHAIN_CYCLES * 16e-9 * (double)steps / seconds_of_chain(steps);
        if (ghz > best) best = ghz;
    }
    return best;
}

double qn_burst_fma(double *seconds)
{
    const double start = qn_os_seconds();
    fma_loop(BURST);
    *seconds = qn_os_seconds() - start;
    return 2.0 * LANES * CHAINS * BURST;
}

static bool has_wide(void)
{
    return qn_cpu_isa() & QN_ISA_AVX512;
}

#ifdef __x86_64__
static double burst_wide(double *seconds)
{
    const double start = qn_os_seconds();
    wide_loop(BURST);
    *seconds = qn_os_seconds() - start;
    return 2.0 * WIDE_LANES * CHAINS * BURST;
}
#else
static qn_burst_fn *const burst_wide = qn_burst_fma;
#endif

bool qn_peak_is_folded(double flops_per_second, double ghz)
{
    const int lanes = has_wide() ? WIDE_LANES : LANES;
    return flops_per_second > 1.04 * 2 * lanes * PIPES * 1e9 * ghz;
}

/* ---- arithmetic ------------------------------------------------------------------ */

static double best_flops(qn_burst_fn *burst, double seconds)
{
    const double start = qn_os_seconds();
    double best = 0;
    do {
        double t;
        const double flops = burst(&t);
        if (t > 0 && flops / t > best) best = flops / t;
    } while (qn_os_seconds() - start < seconds);
    return best;
}

typedef struct runner {
    pthread_t thread;
    int cpu;
    qn_burst_fn *burst;
    double seconds, flops;
} runner;

static void *run_pinned(void *ctx)
{
    runner *r = ctx;
    const double start = qn_os_seconds();
    double done = 0, t;
    qn_cpu_pin(r->cpu);
    while (qn_os_seconds() - start < r->seconds)
        done += r->burst(&t);
    r->flops = done / (qn_os_seconds() - start);
    return NULL;
}

enum { MOST_CORES = 256 };

static double all_cores(int cores, double seconds, qn_burst_fn *burst)
{
    static runner runners[MOST_CORES];
    int cpus[MOST_CORES],
        n = qn_cpus_allowed(cpus, cores < MOST_CORES ? cores : MOST_CORES);
    double sum = 0;
    int started = 0;
    for (; started < n; started++) {
        runners[started] =
            (runner){.cpu = cpus[started], .burst = burst, .seconds = seconds};
        if (pthread_create(&runners[started].thread, NULL, run_pinned,
                           &runners[started]) != 0)
            break;
    }
    for (int i = 0; i < started; i++) {
        pthread_join(runners[i].thread, NULL);
        sum += runners[i].flops;
    }
    return started == n ? sum : 0;
}

/* ---- cores, in a moment ---- */

typedef struct crowd {
    atomic_int present, done; /* threads that work; bursts they have finished */
    atomic_bool is_over;
} crowd;

static void *join_crowd(void *ctx)
{
    crowd *c = ctx;
    double t;
    atomic_fetch_add(&c->present, 1);
    while (!atomic_load(&c->is_over)) {
        qn_burst_fma(&t);
        atomic_fetch_add(&c->done, 1);
    }
    return NULL;
}

/* Bursts that the caller and the others finish a second. */
static double crowd_rate(crowd *c, int others)
{
    enum { MINE = 6 };
    double t;
    const double give_up = qn_os_seconds() + 20e-3;
    while (atomic_load(&c->present) < others && qn_os_seconds() < give_up)
        qn_burst_fma(&t);
    const double start = qn_os_seconds();
    const int from = atomic_load(&c->done);
    for (int i = 0; i < MINE; i++)
        qn_burst_fma(&t);
    const int theirs = atomic_load(&c->done) - from;
    return (MINE + theirs) / (qn_os_seconds() - start);
}

static double alone_rate(void)
{
    double best = INFINITY, t;
    for (int i = 0; i < 4; i++) {
        qn_burst_fma(&t);
        if (t < best) best = t;
    }
    return 1 / best;
}

double qn_probe_cores(int n)
{
    crowd c = {0};
    pthread_t threads[MOST_CORES];
    const double alone = alone_rate();
    int others = 0;
    while (others < n - 1 && others < MOST_CORES &&
           pthread_create(&threads[others], NULL, join_crowd, &c) == 0)
        others++;
    const double all = crowd_rate(&c, others);
    atomic_store(&c.is_over, true);
    for (int i = 0; i < others; i++)
        pthread_join(threads[i], NULL);
    return all / alone;
}

/* The clock is lower where more cores work, and a burst may be counted or not. */
bool qn_has_cores(int n)
{
    return n < 2 || qn_probe_cores(n) > 0.8 * n;
}

/* ---- memory ---------------------------------------------------------------------- */

static double read_rate(const char *p, size_t n, double seconds)
{
    const double start = qn_os_seconds();
    long passes = (long)(4 * 1024 * 1024 / n) + 1; /* some 50 us at least */
    double best = 0;
    read_loop(p, n);
    do {
        const double from = qn_os_seconds();
        for (long i = 0; i < passes; i++)
            read_loop(p, n);
        const double rate = (double)n * (double)passes / (qn_os_seconds() - from);
        if (rate > best) best = rate;
    } while (qn_os_seconds() - start < seconds);
    return best;
}

static size_t cache_bytes(int level, size_t otherwise)
{
    char path[96], text[32], kind[32];
    for (int i = 0; i < 8; i++) {
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/level",
                 i);
        if (!qn_kernel_text(path, text, sizeof text) || text[0] != '0' + level)
            continue;
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/type",
                 i);
        if (qn_kernel_text(path, kind, sizeof kind) && kind[0] == 'I') continue;
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/size",
                 i);
        if (!qn_kernel_text(path, text, sizeof text)) continue;
        size_t n = 0;
        const char *c = text;
        for (; *c >= '0' && *c <= '9'; c++)
            n = 10 * n + (size_t)(*c - '0');
        return n << (*c == 'K' ? 10 : *c == 'M' ? 20 : 0);
    }
    return otherwise;
}

/* The levels are read at half of what the system says their sizes are: where other
 * guests share a cache, the ladder shows how much of it is really there. */
static void name_levels(qn_peaks *p)
{
    static const char *const names[QN_LEVELS] = {"L1", "L2", "L3", "DRAM"};
    static const size_t usual[] = {32 << 10, 512 << 10, 8 << 20};
    for (int i = 0; i < QN_LEVELS; i++) {
        p->level[i] = names[i];
        p->level_bytes[i] =
            i < 3 ? cache_bytes(i + 1, usual[i]) : p->bytes[p->rungs - 1];
    }
    for (int i = 0; i < QN_LEVELS; i++) {
        double at = (double)p->level_bytes[i];
        if (i < 3) at /= 2;
        /* A shared third level is rarely all ours: four times the second is. */
        if (i == 2 && at > 4 * (double)p->level_bytes[1])
            at = 4 * (double)p->level_bytes[1];
        p->level_bps[i] = qn_peaks_bandwidth(p, at);
    }
}

static quern_status measure_memory(qn_peaks *p, double seconds, qn_mem *mem,
                                   quern_error *err)
{
    const size_t memory = qn_os_memory();
    size_t most = 256u << 20;
    void *room;
    while (most > (32u << 20) && memory && most > memory / 8)
        most /= 2;
    QN_TRY(qn_mem_alloc(mem, most, &room, err));
    memset(room, 1, most);
    p->rungs = 0;
    for (size_t n = 8 << 10; n <= most && p->rungs < QN_LADDER; n *= 2) {
        p->bytes[p->rungs] = n;
        p->read_bps[p->rungs++] = read_rate(room, n, seconds / QN_LADDER);
    }
    qn_mem_free(mem, room, most);
    /* A larger set is never faster: what says so was disturbed while it was small. */
    for (int i = p->rungs - 2; i >= 0; i--)
        if (p->read_bps[i] < p->read_bps[i + 1]) p->read_bps[i] = p->read_bps[i + 1];
    name_levels(p);
    return QUERN_OK;
}

double qn_peaks_bandwidth(const qn_peaks *p, double bytes)
{
    if (p->rungs == 0) return 0;
    if (bytes <= (double)p->bytes[0]) return p->read_bps[0];
    for (int i = 1; i < p->rungs; i++) {
        if (bytes > (double)p->bytes[i]) continue;
        const double share = log2(bytes / (double)p->bytes[i - 1]);
        return p->read_bps[i - 1] + share * (p->read_bps[i] - p->read_bps[i - 1]);
    }
    return p->read_bps[p->rungs - 1];
}

double qn_peaks_least_seconds(const qn_peaks *p, double flops, double bytes,
                              double bandwidth)
{
    const double compute = p->flops > 0 ? flops / p->flops : 0;
    const double memory = bandwidth > 0 ? bytes / bandwidth : 0;
    return compute > memory ? compute : memory;
}

/* ---- all of it ------------------------------------------------------------------- */

static void do_nothing(void *ctx)
{
    __asm__ volatile("" ::"r"(ctx) : "memory");
}

static double noop_seconds(const qn_clock *clock)
{
    const qn_work nothing = {.run = do_nothing};
    double v[31];
    const int64_t k = qn_clock_calls(clock, &nothing);
    for (int i = 0; i < 31; i++)
        v[i] = qn_clock_sample(clock, &nothing, k);
    qn_sort(v, 31);
    return qn_median(v, 31);
}

/* By the widest vectors if these do more; what measured it. */
static qn_burst_fn *measure_flops(qn_peaks *p, double seconds)
{
    p->flops = best_flops(qn_burst_fma, seconds);
    const double wide = has_wide() ? best_flops(burst_wide, seconds / 2) : 0;
    if (wide <= p->flops) return qn_burst_fma;
    p->flops = wide;
    p->isa = "avx512";
    return burst_wide;
}

quern_status qn_peaks_measure(qn_peaks *p, double seconds, qn_mem *mem,
                              quern_error *err)
{
    const qn_clock clock = qn_clock_make();
    *p = (qn_peaks){.isa = "ref", .cores = qn_os_cores()};
#ifdef __x86_64__
    if (!(qn_cpu_isa() & QN_ISA_AVX2))
        return qn_fail(err, QUERN_UNSUPPORTED,
                       "peaks are measured with AVX2, which this processor lacks");
    p->isa = "avx2";
#elif defined(__aarch64__)
    p->isa = "neon";
#endif
    p->clock_s = clock.cost;
    p->resolution_s = clock.resolution;
    p->noop_s = noop_seconds(&clock);
    best_flops(qn_burst_fma, seconds / 20); /* lets the clock rise */
    p->ghz = qn_probe_ghz();
    qn_burst_fn *const burst = measure_flops(p, seconds / 5);
    p->ghz = fmax(p->ghz, qn_probe_ghz());
    /* Other work makes a clock read low, never high: what is folded stays folded. */
    for (int i = 0; i < 20 && qn_peak_is_folded(p->flops, p->ghz); i++)
        p->ghz = fmax(p->ghz, qn_probe_ghz());
    p->is_folded = qn_peak_is_folded(p->flops, p->ghz);
    if (p->cores > 1) p->flops_all = all_cores(p->cores, seconds / 5, burst);
    return measure_memory(p, seconds / 2, mem, err);
}
