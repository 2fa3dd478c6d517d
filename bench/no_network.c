/* SPDX-License-Identifier: Apache-2.0 */
/* bench/no_network.c - takes the network from a process and from all that it starts,
 * by a filter of the kernel: seccomp(2). */
#define _GNU_SOURCE
#include "bench/bench_os.h"

#include <errno.h>
#include <string.h>

#if defined(__linux__) && (defined(__x86_64__) || defined(__aarch64__))
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#ifdef __x86_64__
#define OWN_ARCH AUDIT_ARCH_X86_64
#else
#define OWN_ARCH AUDIT_ARCH_AARCH64
#endif
#define FAMILY_UNIX   1           /* sockets that stay within the machine */
#define FOREIGN_CALLS 0x40000000u /* numbers from here on are those of x32 */
#define LOAD(field) \
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
/* Goes on when the value loaded is k, else skips `other` lines. */
#define IF_EQUAL(k, other) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (k), 0, (other))
#define REFUSE             BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)
#define ALLOW              BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

quern_status qn_network_forbid(quern_error *err)
{
    struct sock_filter lines[] = {
        LOAD(arch),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OWN_ARCH, 1, 0),
        REFUSE,
        LOAD(nr),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, FOREIGN_CALLS, 0, 1),
        REFUSE,
        IF_EQUAL(__NR_io_uring_setup, 1),
        REFUSE,
        IF_EQUAL(__NR_socket, 3),
        LOAD(args[0]),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FAMILY_UNIX, 1, 0),
        REFUSE,
        ALLOW,
    };
    const struct sock_fprog filter = {.len = sizeof lines / sizeof lines[0],
                                      .filter = lines};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
        return qn_fail(err, QUERN_UNSUPPORTED,
                       "cannot take the network from a process: %s", strerror(errno));
    return QUERN_OK;
}
#else
quern_status qn_network_forbid(quern_error *err)
{
    return qn_fail(err, QUERN_UNSUPPORTED,
                   "cannot take the network from a process on this system");
}
#endif
