/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_privacy.c - PRIVACY.md says that nothing here can talk to a network:
 * neither what we build nor the libraries it starts with import a function for it. libc
 * itself holds such functions and is not asked. */
#include "tests/test.h"

#include <stdio.h>
#include <string.h>

/* Prints what a file imports, one name a line, without versions. */
static const char *imports(qn_test *t, const char *path)
{
    char command[1024];
    const char *out;
    snprintf(command, sizeof command,
             "nm -D --undefined-only '%s' | sed 's/.* //; s/@.*//'", path);
    CHECK_EQ(t, qn_shell(t, command, &out), 0);
    return out;
}

static void check_silent(qn_test *t, const char *path)
{
    static const char *const calls[] = {
        "socket",        "connect",        "bind",          "listen",
        "accept",        "accept4",        "send",          "sendto",
        "sendmsg",       "sendmmsg",       "recv",          "recvfrom",
        "recvmsg",       "recvmmsg",       "getaddrinfo",   "getnameinfo",
        "gethostbyname", "gethostbyname2", "getservbyname", "res_query",
        "dlmopen",
    };
    const char *names = imports(t, path);
    qn_note(t, "%s", path);
    CHECK_HAS(t, names, "\n");
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        char line[64];
        int n = snprintf(line, sizeof line, "\n%s\n", calls[i]);
        bool first = strncmp(names, line + 1, (size_t)n - 1) == 0;
        if (first || strstr(names, line) != NULL)
            CHECK_STR(t, calls[i], "not imported");
    }
}

void test_privacy_no_network(qn_test *t)
{
    if (!qn_is_release(t)) {
        qn_skip(t, "the release build for this machine is the one looked at");
        return;
    }
    if (qn_shell(t, "command -v nm && command -v ldd", NULL) != 0) {
        qn_skip(t, "binutils are not installed");
        return;
    }
    char command[1024];
    const char *libs;
    snprintf(command, sizeof command,
             "cd '%s' && ls -d quern libquern.so.0 | sed \"s|^|$PWD/|\"; "
             "ldd quern libquern.so.0 | sed -n 's/.*=> \\(\\/[^ ]*\\) .*/\\1/p' | "
             "grep -v '/libc\\.so' | sort -u",
             qn_build(t));
    CHECK_EQ(t, qn_shell(t, command, &libs), 0);
    int n = 0;
    for (const char *p = libs; *p != '\0'; n++) {
        char path[512];
        size_t len = strcspn(p, "\n");
        snprintf(path, sizeof path, "%.*s", (int)len, p);
        check_silent(t, path);
        p += len + (p[len] == '\n');
    }
    CHECK(t, n >= 2);
}
