/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmd_bench.c - quern bench: what there is to measure; bench peaks and doctor. */
#include "bench/doctor.h"
#include "bench/results.h"
#include "tools/options.h"
#include "tools/out.h"

#include <stdio.h>
#include <string.h>

const qn_option qn_bench_options[] = {QN_OPTIONS_END};

const char qn_bench_about[] =
    "Measures kernels, models and the machine, and says how sure it is: medians with\n"
    "95 % intervals of samples that are all kept, comparisons in interleaved pairs "
    "with\n"
    "a control, results verified before and after they are timed.\n"
    "\n"
    "  quern bench doctor                              what may spoil figures here\n"
    "  quern bench peaks                               what this machine can do\n"
    "  quern bench kernel conv_f32:ic64,h56,oc64,k3,p1 one problem, every kernel\n"
    "  quern bench extract net.onnx > net.qbs          the problems of a network\n"
    "  quern bench kernel -f net.qbs\n"
    "  quern bench model net.onnx --json               a whole network\n"
    "  quern bench ab old/quern new/quern --model net.onnx\n";

int qn_cmd_bench(const qn_args *args)
{
    char names[256] = "";
    const qn_command *c;
    for (int i = 0; (c = qn_command_at(i)) != NULL; i++)
        if (!strncmp(c->name, "bench ", 6)) {
            const size_t n = strlen(names);
            snprintf(names + n, sizeof names - n, "%s%s", n ? ", " : "", c->name + 6);
        }
    return qn_usage(args, "needs what to measure, one of: %s", names);
}

/* ---- peaks ----------------------------------------------------------------------- */

const qn_option qn_bench_peaks_options[] = {
    {"time", 0, QN_OPT_REAL, "S", "2", "seconds to spend"},
    QN_OPTION_JSON,
    QN_OPTIONS_END,
};

const char qn_bench_peaks_about[] =
    "Measures what this machine can do at best: multiply-adds a second on one core "
    "and\n"
    "on all, and bytes a second read from working sets of 8 KiB to 256 MiB.  Nothing "
    "is\n"
    "taken from the processor's description but the sizes at which its levels are "
    "read.\n";

static void show_peaks(const qn_peaks *p)
{
    printf("multiply-add, float32, %s, one core  %8.1f GFLOP/s  (%.1f a cycle at %.2f "
           "GHz)\n",
           p->isa, 1e-9 * p->flops, 1e-9 * p->flops / p->ghz, p->ghz);
    if (p->flops_all > 0)
        printf("the same on %d cores at once          %8.1f GFLOP/s\n", p->cores,
               1e-9 * p->flops_all);
    for (int i = 0; i < QN_LEVELS; i++)
        printf("%-4s (%s)%*s  %8.1f GB/s read\n", p->level[i],
               QN_BYTES(p->level_bytes[i]),
               (int)(26 - strlen(QN_BYTES(p->level_bytes[i]))), "",
               1e-9 * p->level_bps[i]);
    printf("working set  GB/s\n");
    for (int i = 0; i < p->rungs; i++)
        printf("  %9s  %6.1f\n", QN_BYTES(p->bytes[i]), 1e-9 * p->read_bps[i]);
    printf("an empty call takes %.2f ns, a clock reading %.0f ns\n", 1e9 * p->noop_s,
           1e9 * p->clock_s);
}

int qn_cmd_bench_peaks(const qn_args *args)
{
    qn_mem mem;
    qn_peaks p;
    quern_error err;
    if (args->n_operands) return qn_usage(args, "takes no operands");
    qn_mem_init(&mem, NULL, 0);
    if (qn_peaks_measure(&p, qn_arg_real(args, "time"), &mem, &err) != QUERN_OK)
        return qn_report(NULL, &err);
    if (p.is_folded)
        qn_say("the multiply-add loop claims %.0f GFLOP/s at %.2f GHz, which no such "
               "processor can do",
               1e-9 * p.flops, p.ghz);
    if (!qn_arg_flag(args, "json")) {
        show_peaks(&p);
        return p.is_folded;
    }
    qn_buf out;
    qn_buf_init(&out, &mem);
    qn_peaks_json(&out, &p);
    const int code = qn_out_flush(&out);
    qn_buf_done(&out);
    return code ? code : p.is_folded;
}

/* ---- doctor ---------------------------------------------------------------------- */

const qn_option qn_bench_doctor_options[] = {
    {"time", 0, QN_OPT_REAL, "S", "1", "seconds to watch the machine"},
    QN_OPTION_JSON,
    QN_OPTIONS_END,
};

const char qn_bench_doctor_about[] =
    "Looks at the machine and watches it for a moment, and says in a sentence each "
    "what\n"
    "may spoil figures taken here and what could be done about it.\n";

int qn_cmd_bench_doctor(const qn_args *args)
{
    static const char *const marks[] = {"good", "note", "BAD "};
    qn_doctor_report d;
    if (args->n_operands) return qn_usage(args, "takes no operands");
    qn_doctor_look(&d, qn_arg_real(args, "time"));
    if (!qn_arg_flag(args, "json")) {
        for (int i = 0; i < d.n; i++)
            printf("%s  %-9s %s\n", marks[d.finding[i].mark], d.finding[i].subject,
                   d.finding[i].text);
        return 0;
    }
    qn_mem mem;
    qn_buf out;
    qn_json j;
    qn_mem_init(&mem, NULL, 0);
    qn_buf_init(&out, &mem);
    qn_json_begin(&j, &out);
    qn_json_array(&j, "findings");
    for (int i = 0; i < d.n; i++) {
        qn_json_object(&j, NULL);
        qn_json_text(&j, "subject", d.finding[i].subject);
        qn_json_text(&j, "mark",
                     d.finding[i].mark == 2 ? "bad" : marks[d.finding[i].mark]);
        qn_json_text(&j, "text", d.finding[i].text);
        qn_json_close(&j);
    }
    qn_json_end(&j);
    const int code = qn_out_flush(&out);
    qn_buf_done(&out);
    return code;
}
