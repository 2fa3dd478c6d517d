/* SPDX-License-Identifier: Apache-2.0 */
/* tools/process.c - see process.h: fork, a pipe per child, one poll loop. */
#include "tools/process.h"

#include "engine/os.h"
#include "tools/term.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_JOBS 64

typedef struct child {
    pid_t pid; /* 0: free */
    int fd;
    int64_t item;
    double start;
    size_t n; /* bytes said so far */
    qn_saying said;
} child;

static void be_child(const qn_processes *p, int64_t item, int fd)
{
    qn_saying say = {0};
    qn_interrupt_default();
    p->work(p->ctx, item, &say);
    const size_t n = offsetof(qn_saying, text) + strlen(say.text);
    const char *from = (const char *)&say;
    for (size_t done = 0; done < n;) {
        const ssize_t k = write(fd, from + done, n - done);
        if (k <= 0 && errno != EINTR) break;
        if (k > 0) done += (size_t)k;
    }
    _exit(0);
}

static quern_status start(const qn_processes *p, int64_t item, child *c,
                          quern_error *err)
{
    int ends[2];
    fflush(NULL); /* the child must not write our buffers once more */
    if (pipe(ends) != 0)
        return qn_fail(err, QUERN_IO, "cannot make a pipe: %s", strerror(errno));
    const pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        be_child(p, item, ends[1]);
    }
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return qn_fail(err, QUERN_IO, "cannot start a process: %s", strerror(errno));
    }
    memset(c, 0, sizeof *c);
    c->pid = pid;
    c->fd = ends[0];
    c->item = item;
    c->start = qn_os_seconds();
    return QUERN_OK;
}

static void finish(const qn_processes *p, child *c, bool is_late)
{
    int status = 0;
    if (is_late) kill(c->pid, SIGKILL);
    close(c->fd);
    while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
        ;
    c->pid = 0;
    const bool is_crash = WIFSIGNALED(status) || c->n == 0;
    p->done(p->ctx, c->item,
            is_late    ? QN_TIMED_OUT
            : is_crash ? QN_CRASHED
                       : QN_ENDED,
            WIFSIGNALED(status) ? WTERMSIG(status) : 0, &c->said,
            qn_os_seconds() - c->start);
}

/* Reads what the child says; false at the end of it. */
static bool listen_to(child *c)
{
    char *to = (char *)&c->said + c->n;
    const size_t room = sizeof c->said - 1 - c->n; /* the last byte stays zero */
    char spill[64];
    const ssize_t k = room ? read(c->fd, to, room) : read(c->fd, spill, sizeof spill);
    if (k > 0 && room) c->n += (size_t)k;
    return k > 0 || (k < 0 && errno == EINTR);
}

/* Waits until a child says something, ends, or is late. */
static void attend(const qn_processes *p, child *children, int jobs)
{
    struct pollfd fds[MAX_JOBS];
    child *who[MAX_JOBS];
    int n = 0;
    for (int i = 0; i < jobs; i++)
        if (children[i].pid) {
            fds[n] = (struct pollfd){.fd = children[i].fd, .events = POLLIN};
            who[n++] = &children[i];
        }
    if (poll(fds, (nfds_t)n, 50) < 0) return; /* interrupted: the caller looks */
    for (int i = 0; i < n; i++) {
        const bool is_late = qn_os_seconds() - who[i]->start > p->seconds;
        if (fds[i].revents && !listen_to(who[i]))
            finish(p, who[i], false);
        else if (is_late)
            finish(p, who[i], true);
    }
}

static void kill_all(child *children, int jobs)
{
    for (int i = 0; i < jobs; i++) {
        if (!children[i].pid) continue;
        kill(children[i].pid, SIGKILL);
        close(children[i].fd);
        waitpid(children[i].pid, NULL, 0);
    }
}

/* Starts children in the free places; *running: how many there are now. */
static quern_status fill(const qn_processes *p, child *children, int jobs,
                         int64_t *next, int *running, quern_error *err)
{
    *running = 0;
    for (int i = 0; i < jobs; i++) {
        if (!children[i].pid && *next < p->n) {
            QN_TRY(start(p, *next, &children[i], err));
            ++*next;
        }
        *running += children[i].pid != 0;
    }
    return QUERN_OK;
}

quern_status qn_processes_run(const qn_processes *p, quern_error *err)
{
    child children[MAX_JOBS] = {{0}};
    const int jobs = p->jobs < 1 ? 1 : p->jobs > MAX_JOBS ? MAX_JOBS : p->jobs;
    quern_status status = QUERN_OK;
    int64_t next = 0;
    int running = 1;
    while (running > 0 && status == QUERN_OK) {
        status = fill(p, children, jobs, &next, &running, err);
        if (status == QUERN_OK && running > 0) attend(p, children, jobs);
        if (qn_interrupted(NULL)) status = qn_fail(err, QUERN_CANCELLED, "interrupted");
    }
    if (status != QUERN_OK) kill_all(children, jobs);
    return status;
}
