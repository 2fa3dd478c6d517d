/* SPDX-License-Identifier: Apache-2.0 */
/* tools/sandbox_files.c - Landlock (landlock(7)): files are written, made, moved and
 * deleted below the output folders only.  Reading stays open: what a command reads it
 * was given, and a library that is loaded later lies anywhere.
 *
 * The C library has no names for these calls and Debian 12's header none for the newer
 * rights, so numbers stand here; what a kernel does not know yet is masked off. */
#define _GNU_SOURCE
#include "tools/sandbox.h"

#include <errno.h>

#ifdef __linux__
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Since 5.13, the same on every processor. */
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule       445
#define SYS_landlock_restrict_self  446
#endif

enum {
    ASK_VERSION = 1, /* flag of create_ruleset */
    RULE_BENEATH = 1 /* kind of rule: a folder and what is in it */
};

/* Rights of files, by bit. */
#define WRITE_FILE  (1u << 1)
#define REMOVE_DIR  (1u << 4)
#define REMOVE_FILE (1u << 5)
#define MAKE_CHAR   (1u << 6)
#define MAKE_DIR    (1u << 7)
#define MAKE_REG    (1u << 8)
#define MAKE_SOCK   (1u << 9)
#define MAKE_FIFO   (1u << 10)
#define MAKE_BLOCK  (1u << 11)
#define MAKE_SYM    (1u << 12)
#define REFER       (1u << 13) /* version 2: from one folder to another */
#define TRUNCATE    (1u << 14) /* version 3 */

#define OF_OUTPUTS                                                                    \
    (WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | MAKE_SYM | REFER | \
     TRUNCATE)
#define ALL_WRITES (OF_OUTPUTS | MAKE_CHAR | MAKE_SOCK | MAKE_FIFO | MAKE_BLOCK)

typedef struct ruleset_attr {
    uint64_t files, ports, scopes;
} ruleset_attr;
#define TCP_PORTS   3u /* version 4: bind, connect */
#define OUR_SIGNALS 3u /* version 6: sockets without a name and signals stay inside */

typedef struct __attribute__((packed)) beneath_attr {
    uint64_t rights;
    int32_t folder;
} beneath_attr;

static uint64_t known(uint64_t rights, int version)
{
    if (version < 2) rights &= ~(uint64_t)REFER;
    if (version < 3) rights &= ~(uint64_t)TRUNCATE;
    return rights;
}

static int make_rules(int version)
{
    const ruleset_attr attr = {.files = known(ALL_WRITES, version),
                               .ports = version >= 4 ? TCP_PORTS : 0,
                               .scopes = version >= 6 ? OUR_SIGNALS : 0};
    const size_t n = version >= 6   ? sizeof attr
                     : version >= 4 ? offsetof(ruleset_attr, scopes)
                                    : offsetof(ruleset_attr, ports);
    return (int)syscall(SYS_landlock_create_ruleset, &attr, n, 0);
}

/* A place that is not there gets no rule: what lacks cannot be written to. */
static int allow(int rules, const char *path, uint64_t rights, int version)
{
    beneath_attr rule = {.rights = known(rights, version)};
    rule.folder = open(path, O_PATH | O_CLOEXEC);
    if (rule.folder < 0) return 0;
    const int failed =
        syscall(SYS_landlock_add_rule, rules, RULE_BENEATH, &rule, 0) != 0 ? errno : 0;
    close(rule.folder);
    return failed;
}

/* New folders may go again, if they are empty. */
static int allow_output(int rules, const char *path, int n_made, int version)
{
    char above[QN_PATH_MAX];
    const int failed = allow(rules, path, OF_OUTPUTS, version);
    if (failed || n_made == 0) return failed;
    if (qn_path_folder(path, above, NULL) != QUERN_OK) return 0;
    for (int i = 1; i < n_made; i++) {
        char next[QN_PATH_MAX];
        if (qn_path_folder(above, next, NULL) != QUERN_OK) return 0;
        for (int k = 0; k < QN_PATH_MAX; k++)
            above[k] = next[k];
    }
    return allow(rules, above, REMOVE_DIR, version);
}

int qn_landlock_install(const qn_outputs *outputs, int *version)
{
    const long found = syscall(SYS_landlock_create_ruleset, NULL, 0, ASK_VERSION);
    *version = found > 0 ? (int)found : 0;
    if (found <= 0) return errno ? errno : ENOSYS;
    const int rules = make_rules(*version);
    if (rules < 0) return errno;
    int failed = allow(rules, "/dev/null", WRITE_FILE | TRUNCATE, *version);
    for (int i = 0; i < outputs->n && !failed; i++)
        failed = allow_output(rules, outputs->folder[i].path, outputs->folder[i].n_made,
                              *version);
    if (!failed && syscall(SYS_landlock_restrict_self, rules, 0) != 0) failed = errno;
    close(rules);
    return failed;
}

#else

int qn_landlock_install(const qn_outputs *outputs, int *version)
{
    (void)outputs;
    *version = 0;
    return ENOSYS;
}

#endif
