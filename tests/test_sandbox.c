/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_sandbox.c - what a process can do no more, tried by children that enter
 * the sandbox and then try it.  Each first does the same outside: a machine on which
 * that fails, too, proves nothing. */
#define _GNU_SOURCE
#include "tests/test.h"
#include "tools/options.h"
#include "tools/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define TCP_STREAM 2, 1, 0 /* AF_INET, SOCK_STREAM */

typedef int attempt_fn(void *ctx); /* 0 when it worked, else errno */

/* The attempt's answer in a child: inside the sandbox with these rights, or (may < 0)
 * outside; -1 when a signal ended it. */
static int answer(int may, const qn_outputs *outputs, attempt_fn *attempt, void *ctx)
{
    int status = 0;
    const pid_t pid = fork();
    if (pid == 0) {
        qn_sandbox s;
        if (may >= 0) qn_sandbox_enter((unsigned)may, outputs, &s);
        _exit(attempt(ctx));
    }
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool is_full(qn_test *t)
{
    const char *out;
    if (qn_quern(t, "version --json", &out) == 0 && strstr(out, "\"sandbox\":\"full\""))
        return true;
    const char *why = strstr(out, "\"sandbox\"");
    qn_skip(t, "no sandbox here: %.150s", why ? why : out);
    return false;
}

static int of(long result)
{
    return result < 0 ? errno : 0;
}

static int try_socket(void *ctx)
{
    (void)ctx;
    return of(syscall(SYS_socket, TCP_STREAM));
}

static int try_local_socket(void *ctx)
{
    (void)ctx;
    return of(syscall(SYS_socket, 1, 1, 0));
}

static int try_pair(void *ctx)
{
    int ends[2];
    (void)ctx;
    return of(syscall(SYS_socketpair, 1, 1, 0, ends));
}

static int try_ring(void *ctx)
{
    char params[120] = {0};
    (void)ctx;
    return of(syscall(SYS_io_uring_setup, 1, params));
}

static int try_unshare(void *ctx)
{
    (void)ctx;
    return of(syscall(SYS_unshare, 0));
}

static int try_exec(void *ctx)
{
    char *const argv[] = {(char *)"true", NULL};
    (void)ctx;
    execv("/bin/true", argv);
    return errno;
}

/* What lies at ctx may not be changed, but read. */
static int try_read(void *ctx)
{
    return of(open(ctx, O_RDONLY));
}

static int try_write(void *ctx)
{
    return of(open(ctx, O_WRONLY));
}

static int try_truncate(void *ctx)
{
    return of(truncate(ctx, 0));
}

static int try_delete(void *ctx)
{
    return of(unlink(ctx));
}

static int try_make(void *ctx)
{
    return of(open(ctx, O_WRONLY | O_CREAT | O_EXCL, 0600));
}

static int try_folder(void *ctx)
{
    return of(mkdir(ctx, 0700));
}

static int try_mode(void *ctx)
{
    return of(chmod(ctx, 0600));
}

void test_sandbox_calls(qn_test *t)
{
    static const struct {
        const char *name;
        attempt_fn *attempt;
    } all[] = {{"a TCP socket", try_socket},
               {"a local socket", try_local_socket},
               {"a pair", try_pair},
               {"an empty unshare", try_unshare},
               {"exec", try_exec}};
    const qn_outputs none = {0};
    if (!is_full(t)) return;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        qn_note(t, "%s", all[i].name);
        CHECK_EQ(t, answer(-1, &none, all[i].attempt, NULL), 0);
        CHECK_EQ(t, answer(QN_MAY_READ, &none, all[i].attempt, NULL), EPERM);
    }
    qn_note(t, "io_uring");
    CHECK_EQ(t, answer(QN_MAY_READ, &none, try_ring, NULL), EPERM);
    qn_note(t, "what helpers may");
    CHECK_EQ(t, answer(QN_MAY_HELPERS, &none, try_exec, NULL), 0);
    CHECK_EQ(t, answer(QN_MAY_HELPERS, &none, try_socket, NULL), EPERM);
}

#ifdef __x86_64__
/* The calls of other kinds of program, which a 64-bit one can make as well. */
static int try_x32(void *ctx)
{
    (void)ctx;
    return of(syscall(0x40000000 + SYS_socket, TCP_STREAM));
}

static int try_compat(void *ctx)
{
    long result;
    (void)ctx;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20) : "memory"); /* getpid */
    return result > 0 ? 0 : ENOSYS;
}

#define HAS_FOREIGN true
#else
static int try_x32(void *ctx)
{
    (void)ctx;
    return ENOSYS;
}
#define try_compat  try_x32
#define HAS_FOREIGN false
#endif

void test_sandbox_foreign(qn_test *t)
{
    const qn_outputs none = {0};
    if (!HAS_FOREIGN) {
        qn_skip(t, "this processor has one kind of calls");
        return;
    }
    if (!is_full(t)) return;
    CHECK_EQ(t, answer(QN_MAY_READ, &none, try_x32, NULL), EPERM);
    CHECK_EQ(t, answer(QN_MAY_READ, &none, try_compat, NULL), -1);
}

void test_sandbox_files(qn_test *t)
{
    static const struct {
        const char *name;
        attempt_fn *attempt;
        bool is_new;
    } all[] = {{"write", try_write, false},      {"truncate", try_truncate, false},
               {"make", try_make, true},         {"make a folder", try_folder, true},
               {"change mode", try_mode, false}, {"delete", try_delete, false}};
    char out[400], inside[420], new[420];
    qn_outputs none = {0}, outputs = {.n = 1};
    if (!is_full(t)) return;
    snprintf(out, sizeof out, "%s", qn_temp(t, "out"));
    REQUIRE(t, mkdir(out, 0700) == 0);
    snprintf(outputs.folder[0].path, sizeof outputs.folder[0].path, "%s", out);
    snprintf(inside, sizeof inside, "%s/file", out);
    snprintf(new, sizeof new, "%s/new", out);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        void *path = all[i].is_new ? new : inside;
        qn_note(t, "%s", all[i].name);
        qn_put_file(t, inside, "x", 1);
        CHECK_EQ(t, answer(QN_MAY_READ, &none, try_read, inside), 0);
        const int wants = all[i].attempt == try_mode ? EPERM : EACCES;
        CHECK_EQ(t, answer(QN_MAY_READ, &none, all[i].attempt, path), wants);
        CHECK_EQ(t, answer(QN_MAY_WRITE, &outputs, all[i].attempt, path), 0);
        unlink(new);
        rmdir(new);
    }
}

/* A socket that came with the process is closed. */
static int try_inherited(void *ctx)
{
    struct stat st;
    return fstat(*(int *)ctx, &st) == 0 ? 0 : errno;
}

void test_sandbox_inherited(qn_test *t)
{
    const qn_outputs none = {0};
    int ends[2], pipes[2];
    if (!is_full(t)) return;
    REQUIRE(t, syscall(SYS_socketpair, 1, 1, 0, ends) == 0 && pipe(pipes) == 0);
    CHECK_EQ(t, answer(-1, &none, try_inherited, &ends[0]), 0);
    CHECK_EQ(t, answer(QN_MAY_READ, &none, try_inherited, &ends[0]), EBADF);
    CHECK_EQ(t, answer(QN_MAY_READ, &none, try_inherited, &pipes[0]), 0);
}

/* A worker computes, and touches nothing. */
static int try_compute(void *ctx)
{
    const int failed = qn_filter_install_worker();
    char *p = failed ? NULL : malloc((size_t)4 << 20);
    if (p) p[4095] = 1;
    const int answer = !p ? ENOMEM : ctx ? try_read(ctx) : 0;
    free(p);
    return answer;
}

void test_sandbox_worker(qn_test *t)
{
    const qn_outputs none = {0};
    if (!is_full(t)) return;
    CHECK_EQ(t, answer(-1, &none, try_compute, NULL), 0);
    CHECK_EQ(t, answer(-1, &none, try_compute, (char *)"/dev/null"), -1);
}

/* ---- command lines ---- */

static bool parse(qn_args *args, qn_mem *mem, int n, const char *const *words)
{
    int n_words = 0;
    const qn_command *c = qn_command_find(n, words, &n_words);
    return c && qn_args_parse(args, c, n - n_words, words + n_words, mem) == 0;
}

void test_sandbox_outputs(qn_test *t)
{
    char folder[400], deep[420], file[420];
    qn_outputs out;
    qn_args args;
    qn_mem mem;
    qn_mem_init(&mem, NULL, 0);
    snprintf(folder, sizeof folder, "%s", qn_temp(t, "a"));
    snprintf(deep, sizeof deep, "%s/b/c//", folder);
    snprintf(file, sizeof file, "%s/x.png", folder);
    const char *const train[] = {"train", "data", "--out", deep, "--show-aug", file};
    REQUIRE(t, parse(&args, &mem, 6, train));
    qn_outputs_find(&args, &out);
    CHECK_EQ(t, out.n, 2);
    deep[strlen(deep) - 2] = 0;
    CHECK_STR(t, out.folder[0].path, deep);
    CHECK_EQ(t, out.folder[0].n_made, 3);
    CHECK_EQ(t, qn_path_look(deep), QN_PATH_FOLDER);
    CHECK_STR(t, out.folder[1].path, folder);
    qn_outputs_tidy(&out);
    CHECK_EQ(t, qn_path_look(folder), QN_PATH_ABSENT);
    qn_args_done(&args);

    const char *const report[] = {"report", "tests/data"};
    REQUIRE(t, parse(&args, &mem, 2, report));
    qn_outputs_find(&args, &out);
    CHECK_EQ(t, out.n, 1);
    CHECK_STR(t, out.folder[0].path, "tests/data");
    qn_args_done(&args);

    snprintf(deep, sizeof deep, "%s/b/set", folder);
    const char *const convert[] = {"data", "convert", "x", deep};
    REQUIRE(t, parse(&args, &mem, 4, convert));
    qn_outputs_find(&args, &out);
    CHECK_EQ(t, out.n, 1);
    *strrchr(deep, '/') = 0;
    CHECK_STR(t, out.folder[0].path, deep);
    CHECK_EQ(t, out.folder[0].n_made, 2);
    qn_outputs_tidy(&out);
    CHECK_EQ(t, qn_path_look(folder), QN_PATH_ABSENT);
    qn_args_done(&args);

    const char *const inspect[] = {"inspect", "x.onnx", "--require-sandbox"};
    REQUIRE(t, parse(&args, &mem, 3, inspect));
    qn_outputs_find(&args, &out);
    CHECK_EQ(t, out.n, 0);
    CHECK(t, args.needs_sandbox);
    qn_args_done(&args);
}

/* A command that writes says where. */
void test_sandbox_rows(qn_test *t)
{
    const qn_command *c;
    for (int i = 0; (c = qn_command_at(i)) != NULL; i++) {
        qn_outputs out;
        const qn_args args = {.command = c};
        qn_note(t, "%s: a row of tools/outputs.def", c->name);
        qn_outputs_find(&args, &out);
        CHECK(t, !out.is_unknown);
    }
}

/* The word fails closed: where the level is not full, nothing is done. */
void test_sandbox_required(qn_test *t)
{
    const char *out;
    const int code = qn_quern(t, "--require-sandbox version", &out);
    if (strstr(out, "sandbox   full")) {
        CHECK_EQ(t, code, 0);
        CHECK_EQ(t, qn_quern(t, "version --require-sandbox", &out), 0);
    } else {
        CHECK_EQ(t, code, 1);
        CHECK_HAS(t, out, "quern: the sandbox is ");
        CHECK_HAS(t, out, "(--require-sandbox)");
        CHECK(t, strstr(out, "compiler") == NULL);
    }
    CHECK_EQ(t, qn_quern(t, "version --json", &out), 0);
    CHECK_HAS(t, out, "\"sandbox_reason\":");
}
