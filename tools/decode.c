/* SPDX-License-Identifier: Apache-2.0 */
/* tools/decode.c - see decode.h: the side that asks.  Each thread that decodes has a
 * place, and with it a worker, to itself for the time of a message.  What a worker
 * answers is as hostile as the picture: sizes are checked again before they are used,
 * and a worker that makes no sense is ended. */
#define _GNU_SOURCE
#include "tools/decode_server.h"

#include "engine/os.h"
#include "engine/pool.h"
#include "formats/raster_parts.h"
#include "tools/decode_planes.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define SECONDS       10.0 /* of processor time for a message */
#define BYTE_SECONDS  1e-6 /* and for each of its bytes */
#define TICK          0.05 /* seconds between two looks at a silent worker */
#define IDLE_TIMES    6    /* as many times its seconds it may be silent asleep */
#define MESSAGES      1000 /* after which a worker is replaced by a fresh one */
#define MESSAGE_BYTES (256u << 10) /* of pictures that go together */

/* Memory of a worker: what stb_image may need for its largest picture, and some. */
#define MEMORY_BASE  ((size_t)1 << 30)
#define MEMORY_PIXEL 24

qn_decode_plan qn_decode_usual(int64_t max_pixels, bool has_filter)
{
    const size_t pixels = (size_t)(max_pixels > 0 ? max_pixels : QN_IMAGE_MAX_PIXELS);
    size_t memory;
    if (!qn_size_mul(pixels, MEMORY_PIXEL, &memory) ||
        !qn_size_add(memory, MEMORY_BASE, &memory))
        memory = 0;
    return (qn_decode_plan){has_filter, memory, SECONDS, qn_image_decode};
}

#ifdef __linux__
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef struct place {
    qn_decode *d;
    int index;
    bool is_busy, is_late; /* late: its worker was ended for it */
    unsigned with;         /* what this worker was started with */
    uint32_t starts;       /* workers asked for; one is there if fewer ended */
    int n_messages;        /* of this worker */
    int cpu;               /* that this worker is bound to; -1: none */
    double seconds;        /* that the message may take */
    qn_wire wire;
} place;

struct qn_decode {
    qn_decode_plan plan;
    qn_decoder handle;
    qn_mem *mem;
    qn_monitor *monitor; /* of is_busy, is_gone and the server's end */
    qn_decode_shared *shared;
    pid_t server;
    bool is_gone;   /* the server is */
    int orders;     /* pipe to it */
    cpu_set_t cpus; /* that this process may use */
    place place[QN_DECODE_PLACES];
};

/* ---- the server ---- */

static void order(const qn_decode *d, int index, uint8_t act, unsigned with)
{
    const qn_decode_order order = {act, (uint8_t)index, (uint8_t)with};
    while (write(d->orders, &order, sizeof order) < 0 && errno == EINTR)
        ;
}

static bool is_gone(qn_decode *d)
{
    qn_monitor_enter(d->monitor);
    if (!d->is_gone && waitpid(d->server, NULL, WNOHANG) != 0) d->is_gone = true;
    const bool answer = d->is_gone;
    qn_monitor_leave(d->monitor);
    return answer;
}

/* ---- a worker ---- */

static bool is_dead(const place *p)
{
    return atomic_load(&p->d->shared->head.place[p->index].deaths) == p->starts;
}

/* Processor seconds of the worker so far. */
static double worker_seconds(const place *p)
{
    const pid_t pid = atomic_load(&p->d->shared->head.place[p->index].pid);
    struct timespec t;
    clockid_t clock;
    if (pid <= 0 || clock_getcpuclockid(pid, &clock) != 0 ||
        clock_gettime(clock, &t) != 0)
        return 0;
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The worker goes where its thread is, which sleeps meanwhile.  Left to themselves,
 * schedulers let two workers that are woken at one time share a processor, while the
 * other one, whose threads have just fallen asleep, stands idle for milliseconds. */
static void bind_worker(place *p, int cpu)
{
    const pid_t pid = atomic_load(&p->d->shared->head.place[p->index].pid);
    cpu_set_t one;
    if (cpu == p->cpu || cpu >= CPU_SETSIZE || pid <= 0) return;
    CPU_ZERO(&one);
    if (cpu >= 0) CPU_SET((unsigned)cpu, &one);
    sched_setaffinity(pid, sizeof one, cpu < 0 ? &p->d->cpus : &one);
    p->cpu = cpu;
}

/* Until the worker of the place is no more. */
static void end_worker(place *p)
{
    qn_window *w = p->wire.window;
    if (is_dead(p)) return;
    order(p->d, p->index, QN_DECODE_KILL, 0);
    while (!is_dead(p) && !is_gone(p->d))
        qn_word_wait(&w->turn, atomic_load(&w->turn), TICK / 10);
}

/* The turn comes back by the worker's answer or by its end. */
static bool wait_for_turn(void *ctx)
{
    place *p = ctx;
    qn_window *w = p->wire.window;
    double begun = -1;
    for (int ticks = 0;
         atomic_load_explicit(&w->turn, memory_order_acquire) == QN_TURN_WORKER;) {
        if (is_dead(p)) return false;
        if (qn_word_wait(&w->turn, QN_TURN_WORKER, TICK)) continue;
        ticks++;
        bind_worker(p, -1); /* a long one: it may move */
        const double now = worker_seconds(p);
        if (begun < 0) begun = now;
        p->is_late = now - begun > p->seconds || ticks * TICK > IDLE_TIMES * p->seconds;
        if (p->is_late) end_worker(p);
        if (is_gone(p->d)) return false;
    }
    return !is_dead(p);
}

/* A worker that has at least that: of no file but this one. */
static void ready_worker(place *p, unsigned with)
{
    if (p->n_messages >= MESSAGES || (with & ~p->with) || (p->with & QN_WITH_FILE))
        end_worker(p);
    p->n_messages++;
    p->is_late = false;
    p->wire.is_cut = false;
    if (!is_dead(p)) {
        bind_worker(p, sched_getcpu());
        return;
    }
    p->starts++;
    p->n_messages = 1;
    p->cpu = -1;
    p->with = with;
    order(p->d, p->index, QN_DECODE_START, with);
}

/* ---- a message ---- */

static void ask(place *p, const qn_arena *arena, const qn_encoded *list, int n)
{
    const uint32_t count = (uint32_t)n;
    const size_t budget = arena->mem->budget, used = arena->mem->used;
    qn_wire *w = &p->wire;
    qn_wire_begin(w);
    qn_wire_put(w, &count, sizeof count);
    for (int i = 0; i < n; i++) {
        const qn_decode_ask head = {.bytes = list[i].n,
                                    .budget = !budget         ? 0
                                              : used < budget ? budget - used
                                                              : 1,
                                    .max_pixels = list[i].max_pixels,
                                    .only_checked = list[i].only_checked};
        qn_wire_put(w, &head, sizeof head);
    }
    for (int i = 0; i < n; i++)
        qn_wire_put(w, list[i].bytes, list[i].n);
    qn_wire_pass(w);
}

static void take_sentence(qn_wire *w, const qn_decode_answer *a, qn_encoded *e)
{
    char text[sizeof e->err.text];
    const size_t n = a->n_text < sizeof text ? a->n_text : sizeof text - 1;
    qn_wire_take(w, text, n);
    text[n] = 0;
    e->status = qn_fail(&e->err, qn_wire_status(a->status), "%s", text);
}

static bool is_possible(const qn_decode_answer *a, int64_t max_pixels)
{
    const int64_t most = max_pixels > 0 ? max_pixels : QN_IMAGE_MAX_PIXELS;
    return a->width >= 1 && a->height >= 1 && a->width <= QN_IMAGE_MAX_SIDE &&
           a->height <= QN_IMAGE_MAX_SIDE && (int64_t)a->width * a->height <= most &&
           (a->channels == 1 || a->channels == 3);
}

typedef enum taken {
    TAKEN,
    NO_ROOM, /* for the pixels, which are left on the wire */
    NO_ANSWER
} taken;

static taken take_picture(qn_wire *w, qn_arena *arena, qn_encoded *e)
{
    qn_decode_answer a;
    void *room;
    qn_wire_take(w, &a, sizeof a);
    if (w->is_cut || a.n_text >= sizeof e->err.text) return NO_ANSWER;
    if (a.status != QUERN_OK) {
        take_sentence(w, &a, e);
        return w->is_cut ? NO_ANSWER : TAKEN;
    }
    if (!is_possible(&a, e->max_pixels)) return NO_ANSWER;
    e->status = QUERN_OK;
    e->image = (qn_image){a.width, a.height, a.channels, NULL};
    if (e->only_checked) return TAKEN;
    const size_t bytes = (size_t)a.width * (size_t)a.height * (size_t)a.channels;
    e->status = qn_arena_raw(arena, bytes, &room, &e->err);
    if (e->status != QUERN_OK) return NO_ROOM;
    qn_wire_take(w, room, bytes);
    e->image.pixels = room;
    return w->is_cut ? NO_ANSWER : TAKEN;
}

/* How many pictures of the list are done; 0: there is no sensible answer. */
static int talk(place *p, qn_arena *arena, qn_encoded *list, int n)
{
    uint32_t count;
    unsigned with = 0;
    p->seconds = p->d->plan.seconds;
    for (int i = 0; i < n; i++) {
        p->seconds += BYTE_SECONDS * (double)list[i].n;
        if (qn_is_tiff(list[i].bytes, list[i].n)) with = QN_WITH_TIFF;
    }
    ready_worker(p, with);
    ask(p, arena, list, n);
    qn_wire_take(&p->wire, &count, sizeof count);
    if (p->wire.is_cut || count < 1 || count > (uint32_t)n) return 0;
    for (int i = 0; i < (int)count; i++) {
        const taken what = take_picture(&p->wire, arena, &list[i]);
        if (what == NO_ANSWER) return 0;
        if (what == TAKEN) continue;
        end_worker(p);
        return i > 0 ? i : 1; /* alone, the next may find room */
    }
    return (int)count;
}

/* ---- what went wrong ---- */

static quern_status tell(const place *p, quern_error *err)
{
    const int why = atomic_load(&p->d->shared->head.place[p->index].why);
    if (p->is_late)
        return qn_fail(err, QUERN_FORMAT,
                       "the decoder was ended: it took more than %.0f seconds",
                       p->seconds);
    if (is_gone(p->d))
        return qn_fail(err, QUERN_IO, "the process that starts decoders is gone");
    if (!is_dead(p))
        return qn_fail(err, QUERN_FORMAT, "the decoder's answer is no answer");
    if (why < 0)
        return qn_fail(err, QUERN_MEMORY, "no process can be started to decode it: %s",
                       strerror(-why));
    if (WIFSIGNALED(why))
        return qn_fail(err, QUERN_FORMAT, "the decoder crashed on it (signal %d)",
                       WTERMSIG(why));
    if (WEXITSTATUS(why) == QN_DECODE_NO_FILE)
        return qn_fail(err, QUERN_IO, "the decoder cannot open it, or it has changed");
    return WEXITSTATUS(why) == QN_DECODE_NO_MEMORY
               ? qn_fail(err, QUERN_MEMORY, "the decoder has no memory for it")
               : qn_fail(err, QUERN_FORMAT, "the decoder ended (exit code %d)",
                         WEXITSTATUS(why));
}

/* ---- from any thread ---- */

/* The first free place: so there are no more workers than threads. */
static place *take_place(qn_decode *d)
{
    place *p = NULL;
    qn_monitor_enter(d->monitor);
    for (;;) {
        for (int i = 0; i < QN_DECODE_PLACES && !p; i++)
            if (!d->place[i].is_busy) p = &d->place[i];
        if (p) break;
        qn_monitor_wait(d->monitor);
    }
    p->is_busy = true;
    qn_monitor_leave(d->monitor);
    return p;
}

static void leave_place(place *p)
{
    qn_monitor_enter(p->d->monitor);
    p->is_busy = false;
    qn_monitor_notify(p->d->monitor);
    qn_monitor_leave(p->d->monitor);
}

static int together(const qn_encoded *list, int n)
{
    size_t bytes = 0;
    int k = 0;
    while (k < n && k < QN_DECODE_BATCH &&
           (k == 0 || bytes + list[k].n <= MESSAGE_BYTES))
        bytes += list[k++].n;
    return k;
}

/* Where a message of several ends badly, the first of them is tried alone: so whoever
 * is to blame is found. */
static int decode(void *ctx, qn_arena *arena, qn_encoded *list, int n)
{
    place *p = take_place(ctx);
    const int k = together(list, n);
    int done = talk(p, arena, list, k);
    if (done == 0 && k > 1) {
        end_worker(p);
        done = talk(p, arena, list, 1);
    }
    if (done == 0) {
        list->status = tell(p, &list->err);
        end_worker(p);
        done = 1;
    }
    leave_place(p);
    return done;
}

/* What a worker maps by itself is told before it is started. */
static quern_status name_file(const place *p, const qn_raster_file *file,
                              quern_error *err)
{
    qn_decode_file *f = &p->d->shared->file[p->index];
    if (!file->path) return QUERN_OK;
    const size_t n = strlen(file->path);
    if (n >= sizeof f->path)
        return qn_fail(err, QUERN_LIMIT, "a path of %zu bytes; a decoder takes %zu", n,
                       sizeof f->path - 1);
    memcpy(f->path, file->path, n + 1);
    f->bytes = file->n;
    return QUERN_OK;
}

static quern_status read_planes(void *ctx, qn_arena *arena, const qn_raster_file *file,
                                const qn_raster_options *options, qn_planes *out,
                                int *orientation, quern_error *err)
{
    place *p = take_place(ctx);
    quern_status status = name_file(p, file, err);
    if (status == QUERN_OK) {
        bool is_left = false;
        p->seconds = p->d->plan.seconds + BYTE_SECONDS * (double)file->n;
        ready_worker(p, QN_WITH_TIFF | (file->path ? QN_WITH_FILE : 0));
        qn_planes_ask_put(&p->wire, arena, file, options);
        const bool is_sense = qn_planes_take(&p->wire, arena, options, out, orientation,
                                             &status, &is_left, err);
        if (!is_sense) status = tell(p, err);
        if (!is_sense || is_left || file->path) end_worker(p);
    }
    leave_place(p);
    return status;
}

/* ---- the beginning and the end ---- */

static void close_all(qn_decode *d)
{
    if (d->shared) munmap(d->shared, sizeof *d->shared);
    qn_monitor_free(d->monitor);
    qn_mem_free(d->mem, d, sizeof *d);
}

static quern_status start_server(qn_decode *d, quern_error *err)
{
    int ends[2];
    void *shared = mmap(NULL, sizeof *d->shared, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (shared == MAP_FAILED)
        return qn_fail(err, QUERN_MEMORY, "cannot share memory with a process: %s",
                       strerror(errno));
    d->shared = shared;
    if (pipe(ends) != 0)
        return qn_fail(err, QUERN_IO, "cannot make a pipe: %s", strerror(errno));
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    d->server = fork();
    if (d->server == 0) {
        close(ends[1]);
        qn_decode_serve(&d->plan, d->shared, ends[0]);
    }
    close(ends[0]);
    d->orders = ends[1];
    if (d->server > 0) return QUERN_OK;
    close(ends[1]);
    return qn_fail(err, QUERN_IO, "cannot start a process: %s", strerror(errno));
}

quern_status qn_decode_start(const qn_decode_plan *plan, qn_mem *mem, qn_decode **out,
                             quern_error *err)
{
    void *room;
    *out = NULL;
    QN_TRY(qn_mem_alloc(mem, sizeof **out, &room, err));
    qn_decode *d = room;
    *d = (qn_decode){.plan = *plan, .mem = mem};
    d->handle = (qn_decoder){decode, read_planes, d};
    if (sched_getaffinity(0, sizeof d->cpus, &d->cpus) != 0)
        memset(&d->cpus, 255, sizeof d->cpus);
    quern_status status = qn_monitor_create(mem, &d->monitor, err);
    if (status == QUERN_OK) status = start_server(d, err);
    if (status != QUERN_OK) {
        close_all(d);
        return status;
    }
    for (int i = 0; i < QN_DECODE_PLACES; i++) {
        place *p = &d->place[i];
        *p = (place){.d = d, .index = i};
        p->wire = (qn_wire){.window = &d->shared->window[i],
                            .mine = QN_TURN_CLIENT,
                            .wait = wait_for_turn,
                            .ctx = p};
    }
    *out = d;
    return QUERN_OK;
}

void qn_decode_stop(qn_decode *d)
{
    if (!d) return;
    close(d->orders);
    while (!d->is_gone && waitpid(d->server, NULL, 0) < 0 && errno == EINTR)
        ;
    close_all(d);
}

const qn_decoder *qn_decode_handle(const qn_decode *d)
{
    return &d->handle;
}

int qn_decode_count(const qn_decode *d)
{
    uint32_t n = 0;
    for (int i = 0; i < QN_DECODE_PLACES; i++)
        n += d->place[i].starts;
    return (int)n;
}

#else

quern_status qn_decode_start(const qn_decode_plan *plan, qn_mem *mem, qn_decode **out,
                             quern_error *err)
{
    (void)plan, (void)mem;
    *out = NULL;
    return qn_fail(err, QUERN_UNSUPPORTED, "decoding in other processes is for Linux");
}

const qn_decoder *qn_decode_handle(const qn_decode *d)
{
    (void)d;
    return NULL;
}

void qn_decode_stop(qn_decode *d)
{
    (void)d;
}

int qn_decode_count(const qn_decode *d)
{
    (void)d;
    return 0;
}

#endif
