/* SPDX-License-Identifier: Apache-2.0 */
/* tools/tracer_run.c - the loop of ptrace(2): start, stop at each system call on its
 * way in and out, look, go on.  Threads and children are followed from their first
 * instruction.  A call is seen on its way in, whatever a filter answers later. */
#define _GNU_SOURCE
#include "tools/tracer.h"
#include "tools/tracer_look.h"

#include <errno.h>

#if defined(__linux__) && (defined(__x86_64__) || defined(__aarch64__))
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define OPTIONS                                                       \
    (PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACEFORK | \
     PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | \
     PTRACE_O_TRACEEXIT)
#define SYSCALL_STOP (SIGTRAP | 0x80)

/* ---- the child ---- */

/* Root needs no namespace of users for it, and a user has no other way. */
static bool cut_off(void)
{
    return unshare(CLONE_NEWNET) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
}

bool qn_watch_can_cut_off(void)
{
    int status = 1;
    const pid_t pid = fork();
    if (pid == 0) _exit(cut_off() ? 0 : 1);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return pid > 0 && status == 0;
}

static void enter_cage(const qn_watch_plan *plan)
{
    qn_sandbox sandbox;
    qn_outputs outputs = {0};
    if (plan->writable) {
        outputs.n = 1;
        snprintf(outputs.folder[0].path, sizeof outputs.folder[0].path, "%s",
                 plan->writable);
    }
    qn_sandbox_enter(QN_MAY_HELPERS, &outputs, &sandbox);
}

static void be_traced(const qn_watch_plan *plan)
{
    const int in = open("/dev/null", O_RDONLY);
    const int out = open(plan->output, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (in < 0 || out < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0 ||
        chdir(plan->folder) != 0)
        _exit(126);
    close(in);
    close(out);
    if (plan->is_cut_off && !cut_off()) _exit(126);
    signal(SIGPIPE, SIG_DFL);
    alarm(plan->seconds);
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) _exit(125);
    raise(SIGSTOP); /* the tracer says what it wants to see */
    if (plan->is_caged) enter_cage(plan);
    execv(plan->argv[0], (char *const *)plan->argv);
    _exit(127);
}

/* ---- the loop ---- */

static void go_on(pid_t pid, int signal)
{
    ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(intptr_t)signal);
}

/* A stop that is no system call: something began, is about to end, or was signalled.
 * The signal to hand on. */
static int other_stop(qn_look *look, pid_t pid, int status)
{
    const int event = status >> 16, signal = WSTOPSIG(status);
    if (event == PTRACE_EVENT_EXEC) look->has_begun = true;
    if (event == PTRACE_EVENT_EXIT && pid == look->main) qn_look_end(look);
    if (event != 0) return 0;
    /* A new thread or child starts with a stop of its own. */
    return signal == SIGSTOP && qn_look_is_new(look, pid) ? 0 : signal;
}

static void attend(qn_look *look, pid_t pid, int status)
{
    if (WIFSTOPPED(status) && WSTOPSIG(status) == SYSCALL_STOP) {
        qn_look_call(look, pid);
        go_on(pid, 0);
    } else if (WIFSTOPPED(status)) {
        go_on(pid, other_stop(look, pid, status));
    } else {
        qn_look_forget(look, pid);
        if (pid != look->main) return;
        look->out->code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
        look->out->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
        look->has_ended = true;
        qn_look_kill_all(look); /* what it left behind */
    }
}

static quern_status watch(qn_look *look, quern_error *err)
{
    int status;
    for (;;) {
        const pid_t pid = waitpid(-1, &status, __WALL);
        if (pid < 0 && errno == EINTR) {
            kill(look->main, SIGKILL);
            return qn_fail(err, QUERN_CANCELLED, "interrupted");
        }
        if (pid < 0) break; /* nobody is left */
        attend(look, pid, status);
    }
    return look->has_ended ? QUERN_OK : qn_fail(err, QUERN_IO, "it was lost");
}

quern_status qn_watch_run(const qn_watch_plan *plan, qn_watch *out, quern_error *err)
{
    qn_look look = {.plan = plan, .out = out};
    int status = 0;
    *out = (qn_watch){.n_processes = 1};
    fflush(NULL);
    look.main = fork();
    if (look.main < 0)
        return qn_fail(err, QUERN_IO, "cannot start a process: %s", strerror(errno));
    if (look.main == 0) be_traced(plan);
    if (waitpid(look.main, &status, 0) < 0 || !WIFSTOPPED(status) ||
        ptrace(PTRACE_SETOPTIONS, look.main, NULL, OPTIONS) != 0)
        return qn_fail(err, QUERN_UNSUPPORTED,
                       "cannot be watched: ptrace is not allowed here");
    qn_look_is_new(&look, look.main);
    go_on(look.main, 0);
    return watch(&look, err);
}

#else

bool qn_watch_can_cut_off(void)
{
    return false;
}

quern_status qn_watch_run(const qn_watch_plan *plan, qn_watch *out, quern_error *err)
{
    (void)plan;
    *out = (qn_watch){0};
    return qn_fail(err, QUERN_UNSUPPORTED, "watching processes is for Linux");
}

#endif
