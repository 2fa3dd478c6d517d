/* SPDX-License-Identifier: Apache-2.0 */
/* tools/tracer_look.c - see tracer_look.h.  What a path means is asked of /proc while
 * the thread stands still: its working folder and its open folders. */
#define _GNU_SOURCE
#include "tools/tracer_look.h"

#include "formats/files.h"

#if defined(__linux__) && (defined(__x86_64__) || defined(__aarch64__))
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#ifdef __x86_64__
#define OWN_ARCH AUDIT_ARCH_X86_64
#else
#define OWN_ARCH     AUDIT_ARCH_AARCH64
/* Calls that newer processors never had. */
#define __NR_open    (-1)
#define __NR_creat   (-1)
#define __NR_mkdir   (-1)
#define __NR_mknod   (-1)
#define __NR_rename  (-1)
#define __NR_link    (-1)
#define __NR_symlink (-1)
#define __NR_unlink  (-1)
#define __NR_rmdir   (-1)
#define __NR_chmod   (-1)
#define __NR_chown   (-1)
#define __NR_lchown  (-1)
#endif
#define FOREIGN_CALLS 0x40000000u

/* What PTRACE_GET_SYSCALL_INFO gives (linux/ptrace.h; glibc's header clashes with it).
 */
typedef struct syscall_info {
    uint8_t op; /* 1: on the way in, 2: out */
    uint8_t pad[3];
    uint32_t arch;
    uint64_t pointer, stack;
    union {
        struct {
            uint64_t nr, args[6];
        } in;
        struct {
            int64_t value;
            uint8_t is_error;
        } out;
    } u;
} syscall_info;
#define GET_SYSCALL_INFO ((enum __ptrace_request)0x420e)

typedef struct watched {
    const char *name;
    int call;
    qn_deed deed;
    int folder, path, flags;
} watched;

static const watched calls[] = {
#define QN_WATCHED(name, deed, folder, path, flags) \
    {#name, __NR_##name, QN_DEED_##deed, folder, path, flags},
#include "tools/tracer_calls.def"
#undef QN_WATCHED
};
#define N_CALLS (sizeof calls / sizeof calls[0])

/* ---- threads ---- */

static qn_looked *find(qn_look *look, int pid)
{
    for (int i = 0; i < QN_LOOK_THREADS; i++)
        if (look->thread[i].pid == pid) return &look->thread[i];
    return NULL;
}

bool qn_look_is_new(qn_look *look, int pid)
{
    if (find(look, pid)) return false;
    qn_looked *t = find(look, 0);
    if (t) *t = (qn_looked){.pid = pid};
    if (pid != look->main) look->out->n_processes++;
    return true;
}

void qn_look_forget(qn_look *look, int pid)
{
    qn_looked *t = find(look, pid);
    if (t) t->pid = 0;
}

void qn_look_kill_all(qn_look *look)
{
    for (int i = 0; i < QN_LOOK_THREADS; i++)
        if (look->thread[i].pid) kill(look->thread[i].pid, SIGKILL);
}

/* ---- what a thread's memory and /proc say ---- */

/* A text of the thread's memory, cut at room; page by page, for the next may lack. */
static void take_text(int pid, uint64_t at, char *to, size_t room)
{
    size_t n = 0;
    to[0] = 0;
    while (n + 1 < room) {
        size_t part = 4096 - (size_t)((at + n) % 4096);
        if (part > room - 1 - n) part = room - 1 - n;
        struct iovec here = {to + n, part}, there = {(void *)(uintptr_t)(at + n), part};
        const ssize_t got = process_vm_readv(pid, &here, 1, &there, 1, 0);
        if (got <= 0) break;
        const size_t end = strnlen(to + n, (size_t)got);
        n += end;
        if (end < (size_t)got) break;
    }
    to[n] = 0;
}

static bool take_link(const char *link, char to[QN_PATH_MAX])
{
    const ssize_t n = readlink(link, to, QN_PATH_MAX - 1);
    to[n > 0 ? n : 0] = 0;
    return n > 0;
}

/* The absolute path that a call's arguments mean, links in its folder followed; the
 * file itself may not be there yet. */
static void take_path(int pid, const watched *w, const syscall_info *s,
                      char to[QN_PATH_MAX])
{
    char given[QN_PATH_MAX], link[64], folder[QN_PATH_MAX], whole[QN_PATH_MAX];
    take_text(pid, s->u.in.args[w->path], given, sizeof given);
    const int fd = w->folder < 0 ? AT_FDCWD : (int)s->u.in.args[w->folder];
    if (fd == AT_FDCWD)
        snprintf(link, sizeof link, "/proc/%d/cwd", pid);
    else
        snprintf(link, sizeof link, "/proc/%d/fd/%d", pid, fd);
    if (!take_link(link, folder) || given[0] == '/') folder[0] = 0;
    to[0] = 0;
    if (qn_path_format(whole, NULL, "%s%s%s", folder, folder[0] ? "/" : "", given) !=
            QUERN_OK ||
        qn_path_resolve(whole, to, NULL) == QUERN_OK)
        return;
    char *last = strrchr(whole, '/');
    if (last && last > whole) {
        *last = 0;
        if (qn_path_resolve(whole, folder, NULL) == QUERN_OK &&
            qn_path_format(to, NULL, "%s/%s", folder, last + 1) == QUERN_OK)
            return;
        *last = '/';
    }
    memcpy(to, whole, sizeof whole);
}

static bool is_below(const char *path, const char *folder)
{
    const size_t n = folder ? strlen(folder) : 0;
    return n > 0 && !strncmp(path, folder, n) && (path[n] == '/' || path[n] == 0);
}

/* A line of /proc/PID/status as a number; -1 when it lacks. */
static int status_line(int pid, const char *key)
{
    char path[64], line[256];
    int value = -1;
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, key, strlen(key)))
            value = (int)strtol(line + strlen(key), NULL, 10);
    if (f) fclose(f);
    return value;
}

static bool is_inside(int pid)
{
    return status_line(pid, "Seccomp:") == 2 && status_line(pid, "NoNewPrivs:") == 1;
}

/* ---- one call ---- */

static bool opens_to_write(int pid, const watched *w, const syscall_info *s)
{
    uint64_t flags = s->u.in.args[w->flags];
    if (w->call == __NR_openat2) {
        struct iovec here = {&flags, sizeof flags},
                     there = {(void *)(uintptr_t)flags, 8};
        if (process_vm_readv(pid, &here, 1, &there, 1, 0) != 8) return true;
    }
    return (flags & (O_ACCMODE | O_CREAT | O_TRUNC)) != 0;
}

/* What the call would be: of files only what concerns us. */
static void judge_file(qn_look *look, qn_looked *t, const watched *w,
                       const syscall_info *s)
{
    char path[QN_PATH_MAX];
    take_path(t->pid, w, s, path);
    snprintf(t->path, sizeof t->path, "%.*s", (int)sizeof t->path - 1, path);
    if (w->flags >= 0 && !opens_to_write(t->pid, w, s)) {
        t->deed = QN_DEED_NONE;
        t->is_open = is_below(path, look->plan->inputs);
    } else if (is_below(path, look->plan->writable) || !strcmp(path, "/dev/null")) {
        t->deed = QN_DEED_NONE;
    }
}

static void go_in(qn_look *look, qn_looked *t, const syscall_info *s)
{
    t->deed = QN_DEED_NONE;
    t->is_open = false;
    t->path[0] = 0;
    look->out->n_calls++;
    if (s->arch != OWN_ARCH || (s->u.in.nr & FOREIGN_CALLS)) {
        t->deed = QN_DEED_FOREIGN;
        t->call = "a call of another kind of program";
    }
    for (size_t i = 0; i < N_CALLS && !t->deed; i++) {
        if (calls[i].call < 0 || (uint64_t)calls[i].call != s->u.in.nr) continue;
        t->deed = calls[i].deed;
        t->call = calls[i].name;
        if (t->deed == QN_DEED_WRITE) judge_file(look, t, &calls[i], s);
        break;
    }
    if (!look->has_begun) t->deed = QN_DEED_NONE; /* these calls are ours */
    if (!t->deed) return;
    char *first = look->out->deed[t->deed].first;
    if (look->out->deed[t->deed].n++ == 0)
        snprintf(first, sizeof look->out->deed[0].first, "%s%s%.150s", t->call,
                 t->path[0] ? " of " : "", t->path);
}

static void go_out(qn_look *look, qn_looked *t, const syscall_info *s)
{
    if (t->deed && s->u.out.is_error) look->out->deed[t->deed].n_refused++;
    if (t->is_open && !s->u.out.is_error) {
        look->out->n_inputs++;
        look->out->n_open_before += !is_inside(t->pid);
    }
    t->deed = QN_DEED_NONE;
    t->is_open = false;
}

void qn_look_call(qn_look *look, int pid)
{
    syscall_info s;
    qn_look_is_new(look, pid);
    qn_looked *t = find(look, pid);
    if (!t || ptrace(GET_SYSCALL_INFO, pid, sizeof s, &s) <= 0) return;
    if (s.op == 1) go_in(look, t, &s);
    if (s.op == 2) go_out(look, t, &s);
}

void qn_look_end(qn_look *look)
{
    char path[64], link[400], to[QN_PATH_MAX];
    look->out->ended_inside = is_inside(look->main);
    snprintf(path, sizeof path, "/proc/%d/fd", look->main);
    DIR *dir = opendir(path);
    if (!dir) return;
    for (const struct dirent *e; (e = readdir(dir)) != NULL;) {
        if (strtol(e->d_name, NULL, 10) <= 2) continue;
        snprintf(link, sizeof link, "%s/%.255s", path, e->d_name);
        if (take_link(link, to) && !strncmp(to, "socket:", 7))
            look->out->had_socket = true;
    }
    closedir(dir);
}
#endif
