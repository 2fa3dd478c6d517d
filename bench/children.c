/* SPDX-License-Identifier: Apache-2.0 */
/* bench/children.c - the processes of bench_os.h: a child that may crash and says how,
 * and another program that is asked line by line. */
#define _GNU_SOURCE
#include "bench/bench_os.h"
#include "engine/os.h"
#include "tools/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- a child that may crash ------------------------------------------------------ */

/* A signal handler has no argument of ours, so what it needs stands here; it is used in
 * children only, which have one thread. */
static struct {
    int fd;
    void *answer, *ctx;
    size_t n;
    qn_fault_fn *say;
} fault;

static bool send_all(int fd, const void *p, size_t n)
{
    for (size_t done = 0; done < n;) {
        const ssize_t k = write(fd, (const char *)p + done, n - done);
        if (k < 0 && errno != EINTR) return false;
        if (k > 0) done += (size_t)k;
    }
    return true;
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    (void)context;
    if (fault.say) fault.say(fault.ctx, fault.answer, number, info->si_addr);
    send_all(fault.fd, fault.answer, fault.n);
    _exit(fault.say ? 0 : 1);
}

void qn_child_on_fault(qn_fault_fn *say, void *ctx)
{
    static char stack[1 << 16];
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
    const stack_t place = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction act = {.sa_sigaction = on_fault,
                            .sa_flags = SA_SIGINFO | SA_ONSTACK};
    fault.say = say;
    fault.ctx = ctx;
    sigaltstack(&place, NULL);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        sigaction(numbers[i], &act, NULL);
}

static void be_child(qn_child_fn *work, void *ctx, void *answer, size_t n, int fd)
{
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none); /* a crash is a result here, not a surprise */
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    fault.fd = fd;
    fault.answer = answer;
    fault.n = n;
    work(ctx, answer);
    send_all(fd, answer, n);
    _exit(0);
}

/* Reads until n bytes are there, the other side closes, or time is up. */
static size_t receive(int fd, void *to, size_t n, double until)
{
    size_t done = 0;
    while (done < n) {
        const double left = until - qn_os_seconds();
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (left <= 0) break;
        const int ready = poll(&p, 1, left > 1e6 ? 1000000 : (int)(1000 * left) + 1);
        if (ready < 0 && errno != EINTR) break;
        if (ready <= 0) continue;
        const ssize_t k = read(fd, (char *)to + done, n - done);
        if (k == 0 || (k < 0 && errno != EINTR)) break;
        if (k > 0) done += (size_t)k;
    }
    return done;
}

static void wait_for(pid_t pid, double until, qn_child_end *end)
{
    struct rusage use = {0};
    int status = 0;
    pid_t got = 0;
    while ((got = wait4(pid, &status, WNOHANG, &use)) == 0 && qn_os_seconds() < until)
        poll(NULL, 0, 2);
    if (got == 0) {
        kill(pid, SIGKILL);
        end->is_late = true;
        while ((got = wait4(pid, &status, 0, &use)) < 0 && errno == EINTR)
            ;
    }
    end->is_signal = got == pid && WIFSIGNALED(status);
    end->code = end->is_signal ? WTERMSIG(status) : WEXITSTATUS(status);
    end->peak_rss = 1024.0 * (double)use.ru_maxrss;
}

quern_status qn_child_run(qn_child_fn *work, void *ctx, void *answer, size_t n,
                          double seconds, qn_child_end *end, quern_error *err)
{
    int ends[2];
    *end = (qn_child_end){0};
    memset(answer, 0, n);
    fflush(NULL); /* the child must not write our buffers once more */
    if (pipe2(ends, O_CLOEXEC) != 0)
        return qn_fail(err, QUERN_IO, "cannot make a pipe: %s", strerror(errno));
    const pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        be_child(work, ctx, answer, n, ends[1]);
    }
    const int why = errno;
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return qn_fail(err, QUERN_IO, "cannot start a process: %s", strerror(why));
    }
    const double until = qn_os_seconds() + seconds;
    receive(ends[0], answer, n, until);
    close(ends[0]);
    wait_for(pid, until + 1, end);
    return QUERN_OK;
}

/* ---- another program ------------------------------------------------------------- */

/* The end of a worker that cannot begin: it says why in the words of a worker. */
static void be_sorry(const char *why)
{
    send_all(STDOUT_FILENO, "error ", 6);
    send_all(STDOUT_FILENO, why, strlen(why));
    send_all(STDOUT_FILENO, "\n", 1);
    _exit(127);
}

static void be_worker(const char *const *argv, int cpu, bool is_offline,
                      const int in[2], const int out[2])
{
    dup2(in[0], STDIN_FILENO);
    dup2(out[1], STDOUT_FILENO);
    signal(SIGPIPE, SIG_DFL);
    if (cpu >= 0) qn_cpu_pin(cpu);
    if (is_offline && qn_filter_install(QN_MAY_HELPERS) != 0)
        be_sorry("the network cannot be taken from a process here");
    execvp(argv[0], (char *const *)argv);
    be_sorry(strerror(errno));
}

quern_status qn_worker_start(qn_worker *w, const char *const *argv, int cpu,
                             bool is_offline, quern_error *err)
{
    int in[2], out[2];
    *w = (qn_worker){0};
    if (pipe2(in, O_CLOEXEC) != 0)
        return qn_fail(err, QUERN_IO, "cannot make a pipe: %s", strerror(errno));
    if (pipe2(out, O_CLOEXEC) != 0) {
        close(in[0]);
        close(in[1]);
        return qn_fail(err, QUERN_IO, "cannot make a pipe: %s", strerror(errno));
    }
    fflush(NULL);
    const pid_t pid = fork();
    if (pid == 0) be_worker(argv, cpu, is_offline, in, out);
    const int why = errno;
    close(in[0]);
    close(out[1]);
    if (pid < 0) {
        close(in[1]);
        close(out[0]);
        return qn_fail(err, QUERN_IO, "cannot start a process: %s", strerror(why));
    }
    *w = (qn_worker){.pid = pid, .to = in[1], .from = out[0]};
    return QUERN_OK;
}

static quern_status no_answer(double until, quern_error *err)
{
    if (qn_os_seconds() >= until) return qn_fail(err, QUERN_IO, "no answer in time");
    return qn_fail(err, QUERN_IO, "it ended without an answer");
}

quern_status qn_worker_send(qn_worker *w, const void *p, size_t n, quern_error *err)
{
    if (send_all(w->to, p, n)) return QUERN_OK;
    return qn_fail(err, QUERN_IO, "it ended and takes no more");
}

quern_status qn_worker_take(qn_worker *w, void *p, size_t n, double seconds,
                            quern_error *err)
{
    const double until = qn_os_seconds() + seconds;
    return receive(w->from, p, n, until) == n ? QUERN_OK : no_answer(until, err);
}

quern_status qn_worker_ask(qn_worker *w, const char *line, char *answer, size_t room,
                           double seconds, quern_error *err)
{
    const double until = qn_os_seconds() + seconds;
    size_t n = 0;
    if (line) {
        send_all(w->to, line, strlen(line));
        send_all(w->to, "\n", 1);
    }
    /* A byte at a time: lines are short, and nothing may be read past one. */
    while (n + 1 < room && receive(w->from, answer + n, 1, until) == 1)
        if (answer[n++] == '\n') {
            answer[n - 1] = 0;
            return QUERN_OK;
        }
    answer[n] = 0;
    return no_answer(until, err);
}

void qn_worker_stop(qn_worker *w)
{
    qn_child_end end = {0};
    if (w->pid == 0) return;
    close(w->to);
    close(w->from);
    wait_for((pid_t)w->pid, qn_os_seconds() + 2, &end);
    *w = (qn_worker){0};
}
