/* SPDX-License-Identifier: Apache-2.0 */
/* tools/sandbox.c - the order in which the parts are put on, and what that amounts to.
 * Files first: the filter would refuse nothing of it, but a process that got only half
 * way has lost the means to write before it has lost the means to talk. */
#include "tools/sandbox.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#ifdef __linux__
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

/* Sanitizers trace their own process and write where they like. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define IS_SANITIZED 1
#endif
#endif
#ifndef IS_SANITIZED
#define IS_SANITIZED 0
#endif

const char *qn_sandbox_word(qn_sandbox_level level)
{
    static const char *const words[] = {"none", "partial", "full"};
    return words[level];
}

const char *qn_sandbox_text(const qn_sandbox *sandbox, char room[192])
{
    snprintf(room, 192, "%s%s%s", qn_sandbox_word(sandbox->level),
             sandbox->reason[0] ? ": " : "", sandbox->reason);
    return room;
}

static void settle(qn_sandbox *s, qn_sandbox_level level, const char *reason)
{
    s->level = level;
    snprintf(s->reason, sizeof s->reason, "%s", reason);
}

void qn_sandbox_lacks(qn_sandbox *sandbox, const char *reason)
{
    if (sandbox->level == QN_SANDBOX_FULL) settle(sandbox, QN_SANDBOX_PARTIAL, reason);
}

#ifdef __linux__

/* Sockets that this process was started with, but for stdin, stdout and stderr. */
static void close_sockets(void)
{
    struct stat st;
    DIR *dir = opendir("/proc/self/fd");
    if (!dir) return;
    for (const struct dirent *e; (e = readdir(dir)) != NULL;) {
        const int fd = (int)strtol(e->d_name, NULL, 10);
        if (fd > 2 && fd != dirfd(dir) && fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode))
            close(fd);
    }
    closedir(dir);
}

/* What Landlock can hold grew: 3 knows truncation; 4 TCP, which the filter has. */
#define LANDLOCK_WHOLE 3

static void judge(qn_sandbox *s, int no_files, int no_calls)
{
    char why[sizeof s->reason];
    if (no_files && no_calls) {
        snprintf(why, sizeof why,
                 "neither Landlock (%s) nor seccomp (%s) can be had here",
                 strerror(no_files), strerror(no_calls));
        settle(s, QN_SANDBOX_NONE, why);
    } else if (no_files || no_calls) {
        snprintf(why, sizeof why, "%s cannot be had here: %s",
                 no_files ? "Landlock" : "seccomp",
                 strerror(no_files ? no_files : no_calls));
        settle(s, QN_SANDBOX_PARTIAL, why);
    } else if (s->landlock < LANDLOCK_WHOLE) {
        snprintf(why, sizeof why, "Landlock is of version %d, and %d is needed",
                 s->landlock, LANDLOCK_WHOLE);
        settle(s, QN_SANDBOX_PARTIAL, why);
    } else {
        settle(s, QN_SANDBOX_FULL, "");
    }
}

void qn_sandbox_enter(unsigned may, const qn_outputs *outputs, qn_sandbox *out)
{
    *out = (qn_sandbox){0};
    if (IS_SANITIZED) {
        settle(out, QN_SANDBOX_NONE, "this is a build with sanitizers");
    } else if (may & QN_MAY_TRACE) {
        settle(out, QN_SANDBOX_NONE, "this command watches others from outside");
    } else if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        settle(out, QN_SANDBOX_NONE, "the kernel knows no no_new_privs");
    } else {
        close_sockets();
        int no_files = 0;
        if (!outputs->is_unknown)
            no_files = qn_landlock_install(outputs, &out->landlock);
        const int no_calls = qn_filter_install(may);
        out->has_filter = no_calls == 0;
        judge(out, no_files, no_calls);
        if (outputs->is_unknown)
            settle(out, QN_SANDBOX_PARTIAL, "outputs.def has no row for this command");
    }
}

#else

void qn_sandbox_enter(unsigned may, const qn_outputs *outputs, qn_sandbox *out)
{
    (void)may, (void)outputs;
    *out = (qn_sandbox){0};
    settle(out, QN_SANDBOX_NONE, "it is made of parts of Linux");
}

#endif
