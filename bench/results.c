/* SPDX-License-Identifier: Apache-2.0 */
/* bench/results.c - see results.h. */
#include "bench/results.h"

#include "engine/text.h"
#include "formats/json_write.h"

#include <math.h>
#include <string.h>

static double micro(const qn_kernel_result *r, double seconds)
{
    return r->is_timed ? 1e6 * seconds : (double)NAN;
}

void qn_kernel_result_json(qn_buf *out, const qn_kernel_result *r, bool with_samples)
{
    qn_json j;
    qn_json_begin(&j, out);
    qn_json_text(&j, "problem", r->text);
    if (r->problem->name[0]) qn_json_text(&j, "name", r->problem->name);
    qn_json_int(&j, "count", r->problem->count);
    qn_json_text(&j, "impl", r->impl);
    qn_json_text(&j, "cache", qn_cache_names[r->cache]);
    qn_json_text(&j, "status", qn_check_name(r->check.status));
    if (r->check.text[0]) qn_json_text(&j, "reason", r->check.text);
    qn_json_real(&j, "median_us", micro(r, r->seconds.median));
    qn_json_real(&j, "ci_lo_us", micro(r, r->seconds.lo));
    qn_json_real(&j, "ci_hi_us", micro(r, r->seconds.hi));
    qn_json_real(&j, "min_us", micro(r, r->seconds.min));
    qn_json_real(&j, "mad_us", micro(r, r->seconds.mad));
    qn_json_int(&j, "n", r->is_timed ? r->seconds.n : 0);
    qn_json_real(&j, "gflops", r->is_timed ? r->gflops : (double)NAN);
    qn_json_real(&j, "gbps", r->is_timed ? r->gbps : (double)NAN);
    qn_json_real(&j, "roof_pct", r->roof_pct >= 0 ? r->roof_pct : (double)NAN);
    qn_json_text(&j, "roof", r->roof);
    qn_json_real(&j, "error_u", r->check.error_u);
    qn_json_bool(&j, "best", r->is_best);
    qn_json_real(&j, "flops", r->flops);
    qn_json_real(&j, "bytes", r->bytes);
    for (int i = 0; i < QN_COUNTERS; i++)
        if (r->counters[i] >= 0) qn_json_real(&j, qn_counter_names[i], r->counters[i]);
    if (with_samples && r->is_timed) {
        qn_json_array(&j, "samples_us");
        for (int i = 0; i < r->seconds.n; i++)
            qn_json_real(&j, NULL, 1e6 * r->samples[i]);
        qn_json_close(&j);
    }
    qn_json_end(&j);
}

void qn_kernel_result_csv_head(qn_buf *out)
{
    qn_buf_text(out, "problem,impl,cache,status,median_us,ci_lo_us,ci_hi_us,n,gflops,"
                     "gbps,roof_pct,error_u\n");
}

static void csv_real(qn_buf *out, bool is_there, double value)
{
    char text[QN_REAL_TEXT];
    qn_buf_format(out, ",%s", is_there ? qn_real_text(text, value) : "");
}

void qn_kernel_result_csv(qn_buf *out, const qn_kernel_result *r)
{
    qn_buf_format(out, "\"%s\",%s,%s,%s", r->text, r->impl, qn_cache_names[r->cache],
                  qn_check_name(r->check.status));
    csv_real(out, r->is_timed, 1e6 * r->seconds.median);
    csv_real(out, r->is_timed, 1e6 * r->seconds.lo);
    csv_real(out, r->is_timed, 1e6 * r->seconds.hi);
    qn_buf_format(out, ",%d", r->is_timed ? r->seconds.n : 0);
    csv_real(out, r->is_timed, r->gflops);
    csv_real(out, r->is_timed, r->gbps);
    csv_real(out, r->roof_pct >= 0, r->roof_pct);
    csv_real(out, true, r->check.error_u);
    qn_buf_text(out, "\n");
}

void qn_peaks_json(qn_buf *out, const qn_peaks *p)
{
    qn_json j;
    qn_json_begin(&j, out);
    qn_json_text(&j, "isa", p->isa);
    qn_json_int(&j, "cores", p->cores);
    qn_json_real(&j, "ghz", p->ghz);
    qn_json_real(&j, "fma_gflops", 1e-9 * p->flops);
    qn_json_real(&j, "fma_gflops_all",
                 p->flops_all > 0 ? 1e-9 * p->flops_all : (double)NAN);
    qn_json_bool(&j, "is_plausible", !p->is_folded);
    qn_json_array(&j, "levels");
    for (int i = 0; i < QN_LEVELS; i++) {
        qn_json_object(&j, NULL);
        qn_json_text(&j, "level", p->level[i]);
        qn_json_int(&j, "bytes", (int64_t)p->level_bytes[i]);
        qn_json_real(&j, "read_gbps", 1e-9 * p->level_bps[i]);
        qn_json_close(&j);
    }
    qn_json_close(&j);
    qn_json_array(&j, "ladder");
    for (int i = 0; i < p->rungs; i++) {
        qn_json_object(&j, NULL);
        qn_json_int(&j, "bytes", (int64_t)p->bytes[i]);
        qn_json_real(&j, "read_gbps", 1e-9 * p->read_bps[i]);
        qn_json_close(&j);
    }
    qn_json_close(&j);
    qn_json_real(&j, "noop_ns", 1e9 * p->noop_s);
    qn_json_real(&j, "clock_ns", 1e9 * p->clock_s);
    qn_json_real(&j, "clock_resolution_ns", 1e9 * p->resolution_s);
    qn_json_end(&j);
}
