/* SPDX-License-Identifier: Apache-2.0 */
/* bench/trace.c - see trace.h. */
#include "bench/trace.h"

#include "engine/os.h"
#include "formats/json_write.h"

#include <math.h>
#include <string.h>

void qn_trace_init(qn_trace *t, qn_arena *arena)
{
    *t = (qn_trace){.arena = arena};
}

void qn_trace_run(qn_trace *t)
{
    t->at = 0;
}

static bool grow(qn_trace *t, void **p, int n, int *room, size_t size)
{
    void *more;
    if (n < *room) return true;
    const int want = *room ? 2 * *room : 256;
    t->is_failed |=
        qn_arena_array(t->arena, (size_t)want, size, &more, NULL) != QUERN_OK;
    if (t->is_failed) return false;
    if (n) memcpy(more, *p, (size_t)n * size);
    *p = more;
    *room = want;
    return true;
}

/* The step that the node is; runs go the same way, so it is mostly the next one. */
static int find_step(qn_trace *t, const char *node, const char *op)
{
    for (int i = t->at; i < t->n_steps; i++)
        if (!strcmp(t->steps[i].node, node)) return i;
    void *steps = t->steps;
    qn_trace_step s = {0};
    if (!grow(t, &steps, t->n_steps, &t->room_steps, sizeof *t->steps)) return -1;
    t->steps = steps;
    if (qn_arena_text(t->arena, node, strlen(node), &s.node, NULL) != QUERN_OK ||
        qn_arena_text(t->arena, op, strlen(op), &s.op, NULL) != QUERN_OK)
        return -1;
    t->steps[t->n_steps] = s;
    return t->n_steps++;
}

void qn_trace_note(void *ctx, const char *node, const char *op, double seconds)
{
    qn_trace *t = ctx;
    const double now = qn_os_seconds();
    if (t->is_off || t->is_failed) return;
    const int i = find_step(t, node, op);
    void *events = t->events;
    if (i < 0 || !grow(t, &events, t->n_events, &t->room_events, sizeof *t->events))
        return;
    t->events = events;
    t->at = i + 1;
    t->steps[i].n++;
    t->steps[i].sum += seconds;
    t->steps[i].squares += seconds * seconds;
    t->events[t->n_events++] = (qn_trace_event){i, now, seconds};
}

double qn_trace_mean(const qn_trace_step *s)
{
    return s->n ? s->sum / s->n : 0;
}

double qn_trace_deviation(const qn_trace_step *s)
{
    const double mean = qn_trace_mean(s);
    const double variance =
        s->n > 1 ? (s->squares - s->n * mean * mean) / (s->n - 1) : 0;
    return variance > 0 ? sqrt(variance) : 0;
}

void qn_trace_chrome(const qn_trace *t, qn_buf *out)
{
    qn_json j;
    const double zero = t->n_events ? t->events[0].end - t->events[0].seconds : 0;
    qn_json_begin(&j, out);
    qn_json_text(&j, "displayTimeUnit", "ms");
    qn_json_array(&j, "traceEvents");
    for (int i = 0; i < t->n_events; i++) {
        const qn_trace_event *e = &t->events[i];
        qn_json_object(&j, NULL);
        qn_json_text(&j, "name", t->steps[e->step].node);
        qn_json_text(&j, "cat", t->steps[e->step].op);
        qn_json_text(&j, "ph", "X");
        qn_json_real(&j, "ts", 1e6 * (e->end - e->seconds - zero));
        qn_json_real(&j, "dur", 1e6 * e->seconds);
        qn_json_int(&j, "pid", 1);
        qn_json_int(&j, "tid", 1);
        qn_json_close(&j);
    }
    qn_json_end(&j);
}
