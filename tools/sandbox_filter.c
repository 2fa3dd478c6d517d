/* SPDX-License-Identifier: Apache-2.0 */
/* tools/sandbox_filter.c - the seccomp filter: a table of calls turned into a program
 * for the kernel's packet machine (classic BPF, seccomp(2)).
 *
 * The program first looks which processor's calls these are: a 64-bit process can make
 * the 32-bit calls, whose numbers mean other things, and is ended for it; numbers of
 * x32 are refused.  Then it compares with one number after the other.  No argument is
 * looked at, so the kernel remembers per number that a call is fine, and asks no more.
 */
#define _GNU_SOURCE
#include "tools/sandbox.h"

#include <errno.h>

#if defined(__linux__) && (defined(__x86_64__) || defined(__aarch64__))
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __x86_64__
#define OWN_ARCH AUDIT_ARCH_X86_64
#else
#define OWN_ARCH        AUDIT_ARCH_AARCH64
/* Calls that newer processors never had. */
#define __NR_chmod      (-1)
#define __NR_chown      (-1)
#define __NR_lchown     (-1)
#define __NR_iopl       (-1)
#define __NR_ioperm     (-1)
#define __NR_modify_ldt (-1)
#endif
/* Calls younger than the headers; from 424 on numbers are the same everywhere. */
#ifndef __NR_fchmodat2
#define __NR_fchmodat2 452
#endif
#ifndef __NR_setxattrat
#define __NR_setxattrat    463
#define __NR_removexattrat 466
#endif
#ifndef __NR_open_tree_attr
#define __NR_open_tree_attr 467
#endif
#ifndef __NR_file_setattr
#define __NR_file_setattr 469
#endif

#define FOREIGN_CALLS 0x40000000u /* numbers from here on are those of x32 */

typedef struct ruled {
    int call;
    unsigned unless;
} ruled;

static const ruled refused[] = {
#define QN_REFUSED(name, unless) {__NR_##name, unless},
#include "tools/sandbox_calls.def"
#undef QN_REFUSED
};
#define N_REFUSED ((int)(sizeof refused / sizeof refused[0]))

/* What computing takes once everything is there: memory, and an end. */
static const int of_worker[] = {
    __NR_brk,  __NR_munmap,     __NR_mremap,       __NR_madvise,
    __NR_exit, __NR_exit_group, __NR_rt_sigreturn, __NR_restart_syscall,
};
#define N_WORKER ((int)(sizeof of_worker / sizeof of_worker[0]))

enum { OP_BITS = 127 }; /* of futex: the rest says that threads only may use it */

#define HEAD  5 /* lines in front of the comparisons */
#define TAIL  10
#define LINES (HEAD + N_REFUSED + N_WORKER + TAIL)
_Static_assert(LINES < 255, "a jump is a byte long");

typedef struct program {
    struct sock_filter line[LINES];
    int n;
} program;

static void put(program *p, int code, unsigned k, int then, int otherwise)
{
    p->line[p->n++] =
        (struct sock_filter){(uint16_t)code, (uint8_t)then, (uint8_t)otherwise, k};
}

#define LOAD(p, field) \
    put(p, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field), 0, 0)
#define LOAD_ARGUMENT(p, i)                                                            \
    put(p, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) + 8 * (i), 0, \
        0)
#define RETURN(p, answer) put(p, BPF_RET | BPF_K, answer, 0, 0)

/* A call of this processor is in the machine; n comparisons and two ends follow. */
static void put_head(program *p, int n)
{
    LOAD(p, arch);
    put(p, BPF_JMP | BPF_JEQ | BPF_K, OWN_ARCH, 1, 0);
    RETURN(p, SECCOMP_RET_KILL_PROCESS);
    LOAD(p, nr);
    put(p, BPF_JMP | BPF_JGE | BPF_K, FOREIGN_CALLS, n + 1, 0);
}

static void put_call(program *p, int call, int ahead)
{
    put(p, BPF_JMP | BPF_JEQ | BPF_K, (unsigned)call, ahead, 0);
}

static int install(program *p)
{
    const struct sock_fprog filter = {(unsigned short)p->n, p->line};
    /* All threads; and no slower memory for it (as newer kernels do by themselves). */
    const unsigned flags = SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_SPEC_ALLOW;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter) == 0) return 0;
    return errno ? errno : EAGAIN;
}

static bool is_refused(const ruled *r, unsigned may)
{
    return r->call >= 0 && !(r->unless & may);
}

int qn_filter_install(unsigned may)
{
    program p = {.n = 0};
    int n = 0;
    for (int i = 0; i < N_REFUSED; i++)
        n += is_refused(&refused[i], may);
    put_head(&p, n);
    for (int i = 0; i < N_REFUSED; i++)
        if (is_refused(&refused[i], may)) put_call(&p, refused[i].call, n--);
    RETURN(&p, SECCOMP_RET_ALLOW);
    RETURN(&p, SECCOMP_RET_ERRNO | EPERM);
    return install(&p);
}

/* Two calls more, with looks at an argument: memory that is no code, and waiting and
 * waking.  (On machines of the other byte order the halves of an argument change
 * places; none of them runs this.) */
int qn_filter_install_worker(void)
{
    program p = {.n = 0};
    int n = N_WORKER;
    put_head(&p, n);
    p.line[p.n - 1].jt = (uint8_t)(n + 2); /* x32 is ended */
    for (; n > 0; n--)
        put_call(&p, of_worker[N_WORKER - n], n + 7);
    put_call(&p, __NR_mmap, 2);
    put_call(&p, __NR_futex, 3);
    RETURN(&p, SECCOMP_RET_KILL_PROCESS);
    LOAD_ARGUMENT(&p, 2);
    put(&p, BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 4, 3);
    LOAD_ARGUMENT(&p, 1);
    put(&p, BPF_ALU | BPF_AND | BPF_K, OP_BITS, 0, 0);
    put(&p, BPF_JMP | BPF_JGT | BPF_K, FUTEX_WAKE, 1, 0);
    RETURN(&p, SECCOMP_RET_ALLOW);
    RETURN(&p, SECCOMP_RET_KILL_PROCESS);
    return install(&p);
}

#else

int qn_filter_install(unsigned may)
{
    (void)may;
    return ENOSYS;
}

int qn_filter_install_worker(void)
{
    return ENOSYS;
}

#endif
