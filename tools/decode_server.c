/* SPDX-License-Identifier: Apache-2.0 */
/* tools/decode_server.c - see decode_server.h.  The server waits for orders and for the
 * end of children in one call (ppoll(2), which alone lets SIGCHLD through), so that
 * neither is missed.  Keys that interrupt are for the program, which ends us. */
#define _GNU_SOURCE
#include "tools/decode_server.h"

#include "formats/raster_parts.h"
#include "tools/sandbox.h"

#ifdef __linux__
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct server {
    const qn_decode_plan *plan;
    qn_decode_shared *shared;
    pid_t self, pid[QN_DECODE_PLACES]; /* 0: nobody is there */
} server;

static void ignore(int number)
{
    (void)number;
}

/* Nothing stays open but the pipe, which becomes number 0. */
static void close_all(int keep)
{
    if (keep != 0) dup2(keep, 0);
    DIR *dir = opendir("/proc/self/fd");
    for (int fd = 1; !dir && fd < 1024; fd++)
        close(fd);
    if (!dir) return;
    for (const struct dirent *e; (e = readdir(dir)) != NULL;) {
        const int fd = (int)strtol(e->d_name, NULL, 10);
        if (fd > 0 && fd != dirfd(dir)) close(fd);
    }
    closedir(dir);
}

/* ---- a worker ---- */

static void cap(int what, rlim_t most)
{
    struct rlimit limit;
    if (getrlimit(what, &limit) != 0) return;
    if (limit.rlim_max > most) limit.rlim_max = most;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(what, &limit);
}

/* What other workers are told and say is none of its business. */
static void see_only(qn_decode_shared *shared, int place)
{
    char *base = (char *)shared, *own = (char *)&shared->window[place];
    char *behind = (char *)&shared->window[place + 1], *end = (char *)(shared + 1);
    munmap(base, (size_t)(own - base));
    if (end > behind) munmap(behind, (size_t)(end - behind));
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, 1);
}

/* glibc's qsort, which libtiff calls, asks once how much memory there is. */
static void ask_for_memory(void)
{
    char list[2048] = {1};
    qsort(list, sizeof list, 1, compare);
}

/* What needs opening, while that may be done. */
static void open_kit(const qn_decode_file *f, unsigned with, qn_decode_kit *kit)
{
    void *lib;
    qn_file file;
    bool is_mapped = false;
    if (with & QN_WITH_TIFF &&
        qn_tiff_open(&lib, &kit->tiff, &kit->why_not) != QUERN_OK)
        kit->tiff = NULL;
    if (with & QN_WITH_TIFF) ask_for_memory();
    if (!(with & QN_WITH_FILE)) return;
    if (qn_file_open(NULL, f->path, &file, NULL) == QUERN_OK) {
        is_mapped =
            file.bytes == f->bytes && qn_file_map(&file, &kit->file, NULL) == QUERN_OK;
        qn_file_close(&file);
    }
    if (!is_mapped) _exit(QN_DECODE_NO_FILE);
}

static void be_worker(const server *s, int place, unsigned with)
{
    const qn_decode_plan *plan = s->plan;
    qn_decode_kit kit = {.tiff = NULL};
    qn_window *window = &s->shared->window[place];
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != s->self) _exit(QN_DECODE_ODD);
    prctl(PR_SET_NAME, "quern-decoder", 0, 0, 0);
    close(0);
    open_kit(&s->shared->file[place], with, &kit);
    see_only(s->shared, place);
    if (plan->memory) cap(RLIMIT_DATA, plan->memory);
    cap(RLIMIT_NOFILE, 0);
    if (plan->has_filter && qn_filter_install_worker() != 0) _exit(QN_DECODE_NO_FILTER);
    _exit(qn_decode_work(plan, &kit, window));
}

/* ---- the server ---- */

/* The client's sleep on the window ends, too. */
static void note_end(server *s, int place, int why)
{
    qn_decode_place *p = &s->shared->head.place[place];
    qn_window *w = &s->shared->window[place];
    s->pid[place] = 0;
    atomic_store(&p->why, why);
    atomic_fetch_add(&p->deaths, 1);
    atomic_store(&w->turn, QN_TURN_CLIENT);
    qn_word_wake(&w->turn);
}

static void reap(server *s)
{
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
        for (int i = 0; i < QN_DECODE_PLACES; i++)
            if (s->pid[i] == pid) note_end(s, i, status);
}

static void start(server *s, int place, unsigned with)
{
    const pid_t pid = fork();
    if (pid == 0) be_worker(s, place, with);
    if (pid < 0) {
        note_end(s, place, -errno);
    } else {
        s->pid[place] = pid;
        atomic_store(&s->shared->head.place[place].pid, pid);
    }
}

static void obey(server *s, const qn_decode_order *order)
{
    if (order->place >= QN_DECODE_PLACES) return;
    if (order->act == QN_DECODE_START) start(s, order->place, order->with);
    if (order->act == QN_DECODE_KILL && s->pid[order->place])
        kill(s->pid[order->place], SIGKILL);
}

static void end_all(const server *s)
{
    for (int i = 0; i < QN_DECODE_PLACES; i++)
        if (s->pid[i]) kill(s->pid[i], SIGKILL);
    while (wait(NULL) > 0 || errno == EINTR)
        ;
}

/* SIGCHLD stays blocked but while we wait; others are for the program. */
static void set_signals(sigset_t *waiting)
{
    static const int not_ours[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE};
    struct sigaction action = {.sa_handler = SIG_IGN};
    sigset_t children;
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof not_ours / sizeof not_ours[0]; i++)
        sigaction(not_ours[i], &action, NULL);
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    sigprocmask(SIG_BLOCK, &children, waiting);
    sigdelset(waiting, SIGCHLD);
    action.sa_handler = ignore;
    sigaction(SIGCHLD, &action, NULL);
}

void qn_decode_serve(const qn_decode_plan *plan, qn_decode_shared *shared, int orders)
{
    server s = {.plan = plan, .shared = shared, .self = getpid()};
    sigset_t waiting;
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    prctl(PR_SET_NAME, "quern-decoders", 0, 0, 0);
    /* A crash leaves no copy of somebody's picture behind. */
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    cap(RLIMIT_CORE, 0);
    set_signals(&waiting);
    close_all(orders);
    for (;;) {
        qn_decode_order order;
        struct pollfd pipe_end = {.fd = 0, .events = POLLIN};
        const int n = ppoll(&pipe_end, 1, NULL, &waiting);
        reap(&s);
        if (n <= 0) continue;
        const ssize_t k = read(0, &order, sizeof order);
        if (k == (ssize_t)sizeof order)
            obey(&s, &order);
        else if (k >= 0 || errno != EINTR)
            break;
    }
    end_all(&s);
    _exit(0);
}
#endif
