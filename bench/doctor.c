/* SPDX-License-Identifier: Apache-2.0 */
/* bench/doctor.c - see doctor.h. */
#include "bench/doctor.h"

#include "bench/bench_os.h"
#include "bench/clock.h"
#include "bench/peaks.h"
#include "bench/stats.h"
#include "engine/os.h"
#include "engine/text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static void add(qn_doctor_report *d, const char *subject, qn_doctor_mark mark,
                const char *format, ...) __attribute__((format(printf, 4, 5)));
static void add(qn_doctor_report *d, const char *subject, qn_doctor_mark mark,
                const char *format, ...)
{
    va_list list;
    if (d->n == QN_DOCTOR_FINDINGS) return;
    va_start(list, format);
    vsnprintf(d->finding[d->n].text, sizeof d->finding[d->n].text, format, list);
    va_end(list);
    d->finding[d->n].subject = subject;
    d->finding[d->n].mark = mark;
    d->n++;
}

/* ---- what the system says -------------------------------------------------------- */

static void look_at_frequency(qn_doctor_report *d)
{
    char text[64];
    if (!qn_kernel_text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", text,
                        sizeof text))
        add(d, "governor", QN_DOCTOR_NOTE,
            "no frequency governor is visible; the host decides the clock");
    else if (!strcmp(text, "performance"))
        add(d, "governor", QN_DOCTOR_GOOD, "the governor is performance");
    else
        add(d, "governor", QN_DOCTOR_BAD,
            "the governor is %s, so the clock follows the load; set it to performance",
            text);
    if (qn_kernel_text("/sys/devices/system/cpu/intel_pstate/no_turbo", text,
                       sizeof text))
        add(d, "turbo", text[0] == '0' ? QN_DOCTOR_NOTE : QN_DOCTOR_GOOD,
            "turbo is %s%s", text[0] == '0' ? "on" : "off",
            text[0] == '0' ? ": the clock depends on heat and on other cores" : "");
    else if (qn_kernel_text("/sys/devices/system/cpu/cpufreq/boost", text, sizeof text))
        add(d, "turbo", text[0] == '1' ? QN_DOCTOR_NOTE : QN_DOCTOR_GOOD,
            "boost is %s%s", text[0] == '1' ? "on" : "off",
            text[0] == '1' ? ": the clock depends on heat and on other cores" : "");
}

static void look_at_cores(qn_doctor_report *d)
{
    char text[64];
    int cpus[1024];
    const int n = qn_cpus_allowed(cpus, 1024), cores = qn_os_cores();
    if (qn_kernel_text("/sys/devices/system/cpu/smt/active", text, sizeof text) &&
        text[0] == '1')
        add(d, "smt", QN_DOCTOR_NOTE,
            "cores have two threads each; work on the sibling slows a kernel by a "
            "third");
    add(d, "cores", n > cores ? QN_DOCTOR_NOTE : QN_DOCTOR_GOOD,
        n > cores ? "%d cores may be used of %d processors: a quota or siblings"
                  : "%d cores may be used",
        cores, n);
    if (qn_kernel_text("/sys/fs/cgroup/cpu.max", text, sizeof text) &&
        strncmp(text, "max", 3) != 0)
        add(d, "quota", QN_DOCTOR_BAD,
            "a cgroup quota (%s microseconds) stops the process now and then", text);
    if (qn_kernel_text("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", text, sizeof text) &&
        text[0] != '-')
        add(d, "quota", QN_DOCTOR_BAD,
            "a cgroup quota (%s microseconds) stops the process now and then", text);
}

static bool has_word(const char *text, const char *word)
{
    return strstr(text, word) != NULL;
}

static void look_at_system(qn_doctor_report *d)
{
    static char text[1 << 16];
    double load;
    if (qn_kernel_text("/proc/loadavg", text, sizeof text) &&
        qn_text_to_real(text, strcspn(text, " "), &load))
        add(d, "load", load > 0.5 ? QN_DOCTOR_BAD : QN_DOCTOR_GOOD,
            load > 0.5 ? "%.1f processes wanted to run in the last minute; wait until "
                         "the machine is idle"
                       : "the machine was idle in the last minute (load %.1f)",
            load);
    if (qn_kernel_text("/proc/cpuinfo", text, sizeof text) &&
        has_word(text, " hypervisor"))
        add(d, "guest", QN_DOCTOR_NOTE,
            "this is a virtual machine: other guests share caches, memory and clock");
    if (qn_kernel_text("/sys/kernel/mm/transparent_hugepage/enabled", text,
                       sizeof text))
        add(d, "pages", has_word(text, "[never]") ? QN_DOCTOR_NOTE : QN_DOCTOR_GOOD,
            has_word(text, "[never]")
                ? "transparent huge pages are off, so large operands miss the TLB"
                : "transparent huge pages: %s",
            text);
    if (qn_kernel_text("/proc/sys/kernel/randomize_va_space", text, sizeof text) &&
        text[0] != '0')
        add(d, "aslr", QN_DOCTOR_NOTE,
            "addresses differ from start to start; compare several starts of a "
            "program");
}

/* Steal time of all processors, in ticks; -1 when not said. */
static double steal_ticks(double *total)
{
    char text[512];
    double steal = -1;
    *total = 0;
    if (!qn_kernel_text("/proc/stat", text, sizeof text)) return -1;
    const char *p = text + strcspn(text, " ");
    for (int i = 0; i < 8; i++) {
        double v;
        p += strspn(p, " ");
        const size_t n = strcspn(p, " \n");
        if (!qn_text_to_real(p, n, &v)) break;
        *total += v;
        if (i == 7) steal = v;
        p += n;
    }
    return steal;
}

/* ---- what a moment of watching says ---------------------------------------------- */

enum { WATCHED = 4000 };

static void watch(qn_doctor_report *d, double seconds)
{
    static double v[WATCHED];
    double before, after;
    const double steal = steal_ticks(&before);
    const double start = qn_os_seconds(), cpu = qn_thread_seconds();
    const long preempted = qn_thread_preemptions();
    int n = 0;
    while (n < WATCHED && qn_os_seconds() - start < seconds) {
        qn_burst_fma(&v[n]);
        n++;
    }
    const double spent = qn_os_seconds() - start;
    const double share = (qn_thread_seconds() - cpu) / spent;
    const double stolen = steal_ticks(&after) - steal;
    qn_sort(v, n);
    const double slow = qn_quantile(v, n, 0.95) / v[0] - 1;
    int clean = 0;
    while (clean < n && v[clean] < 1.03 * v[0])
        clean++;
    add(d, "share", share < 0.97 ? QN_DOCTOR_BAD : QN_DOCTOR_GOOD,
        "this process had %.0f %% of a core while it wanted one, and was put aside %ld "
        "times",
        100 * share, qn_thread_preemptions() - preempted);
    add(d, "noise", clean < 0.9 * n ? QN_DOCTOR_BAD : QN_DOCTOR_GOOD,
        "%.0f %% of %d equal pieces of work took within 3 %% of the fastest, one in 20 "
        "over %.0f %% more",
        100.0 * clean / n, n, 100 * slow);
    if (steal >= 0 && after > before)
        add(d, "steal",
            stolen > 0.01 * (after - before) ? QN_DOCTOR_BAD : QN_DOCTOR_GOOD,
            "the host took %.1f %% of the processor time away",
            100 * stolen / (after - before));
}

void qn_doctor_look(qn_doctor_report *d, double seconds)
{
    qn_counters counters;
    d->n = 0;
    look_at_frequency(d);
    look_at_cores(d);
    look_at_system(d);
    const qn_clock clock = qn_clock_make();
    add(d, "clock", clock.cost > 1e-6 ? QN_DOCTOR_BAD : QN_DOCTOR_GOOD,
        "reading the clock takes %.0f ns, its smallest step is %.0f ns; "
        "cores run at %.2f GHz",
        1e9 * clock.cost, 1e9 * clock.resolution, qn_probe_ghz());
    qn_counters_open(&counters);
    add(d, "counters", counters.why[0] ? QN_DOCTOR_NOTE : QN_DOCTOR_GOOD, "%s",
        counters.why[0] ? counters.why : "hardware counters can be read");
    qn_counters_close(&counters);
    watch(d, seconds);
}
