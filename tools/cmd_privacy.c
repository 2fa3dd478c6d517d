/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmd_privacy.c - quern privacy: what there is to ask; privacy verify. */
#define _XOPEN_SOURCE 700
#include "engine/os.h"
#include "formats/files.h"
#include "tools/options.h"
#include "tools/out.h"
#include "tools/privacy_check.h"

#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

const qn_option qn_privacy_options[] = {QN_OPTIONS_END};

const char qn_privacy_about[] =
    "What you give to quern stays on your machine.  These commands let you check it:\n"
    "\n"
    "  quern privacy verify   runs every command and watches what it does\n"
    "  quern privacy where    every file and folder that quern keeps, with sizes\n"
    "\n"
    "PRIVACY.md states each promise, since when it holds and the test that holds it.\n";

int qn_cmd_privacy(const qn_args *args)
{
    return qn_usage(args, "needs what to do, one of: verify, where");
}

const qn_option qn_privacy_verify_options[] = {
    {"keep", 'k', QN_OPT_FLAG, NULL, NULL, "keep the folder that all ran in"},
    {"verbose", 'v', QN_OPT_FLAG, NULL, NULL, "show every command and every control"},
    QN_OPTION_JSON,
    QN_OPTION_QUIET,
    QN_OPTIONS_END,
};

const char qn_privacy_verify_about[] =
    "Runs every command of quern on small inputs that it makes itself, under a tracer "
    "that\n"
    "sees each system call of its processes and threads, and in an empty network\n"
    "namespace where the kernel allows one.  Then a separate program, quern-controls,\n"
    "plants violations: each must be seen and stopped, or the proof would be worth\n"
    "nothing.  The method is part of the answer.  Exit code 1 when a promise is "
    "broken or\n"
    "a planted violation is missed.\n"
    "\n"
    "What it cannot show: root and a faulty kernel can do anything; a library that "
    "you\n"
    "put in with LD_PRELOAD runs before the sandbox is closed, and then inside it.\n"
    "\n"
    "  quern privacy verify\n"
    "  quern privacy verify --json\n";

/* ---- where it runs ---- */

static int remove_one(const char *path, const struct stat *st, int kind,
                      struct FTW *where)
{
    (void)st, (void)kind, (void)where;
    return remove(path);
}

static quern_status make_folder(qn_privacy_check *c, quern_error *err)
{
    char path[QN_PATH_MAX];
    const char *temporary = getenv("TMPDIR");
    if (!temporary || *temporary != '/') temporary = "/tmp";
    QN_TRY(qn_path_format(path, err, "%s/quern-privacy-XXXXXX", temporary));
    if (!mkdtemp(path))
        return qn_fail(err, QUERN_IO, "%s: cannot be made: %s", path, strerror(errno));
    return qn_path_resolve(path, c->folder, err);
}

/* This program, and quern-controls beside it or in ../lib/quern. */
static quern_status find_programs(qn_privacy_check *c, quern_error *err)
{
    static const char *const places[] = {"", "../lib/quern/"};
    char folder[QN_PATH_MAX], path[QN_PATH_MAX];
    QN_TRY(qn_path_resolve("/proc/self/exe", c->quern, err));
    QN_TRY(qn_path_folder(c->quern, folder, err));
    c->controls[0] = 0;
    for (int i = 0; i < 2 && !c->controls[0]; i++) {
        QN_TRY(qn_path_format(path, err, "%s/%squern-controls", folder, places[i]));
        if (access(path, X_OK) == 0) QN_TRY(qn_path_resolve(path, c->controls, err));
    }
    return QUERN_OK;
}

/* What the sandbox is here: `quern version` in a child would say the same. */
static void find_sandbox(qn_privacy_check *c)
{
    int ends[2];
    c->sandbox = (qn_sandbox){.reason = "no child could be started"};
    if (pipe(ends) != 0) return;
    const pid_t pid = fork();
    if (pid == 0) {
        const qn_outputs none = {0};
        qn_sandbox_enter(QN_MAY_READ, &none, &c->sandbox);
        const ssize_t n = write(ends[1], &c->sandbox, sizeof c->sandbox);
        _exit(n == sizeof c->sandbox ? 0 : 1);
    }
    close(ends[1]);
    const ssize_t n = pid > 0 ? read(ends[0], &c->sandbox, sizeof c->sandbox) : 0;
    if (n != sizeof c->sandbox)
        c->sandbox = (qn_sandbox){.reason = "it ended the process that entered it"};
    close(ends[0]);
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

/* ---- the answer ---- */

static int count(const qn_shown *list, int n, qn_kept state)
{
    int found = 0;
    for (int i = 0; i < n; i++)
        found += list[i].state == state;
    return found;
}

static int count_promises(const qn_privacy_check *c, qn_kept state)
{
    int found = 0;
    for (int i = 0; i < QN_N_PROMISES; i++)
        found += c->promise[i].state == state;
    return found;
}

/* By qn_kept. */
static const char *const promise_words[] = {"kept", "broken", "not shown"};
static const char *const command_words[] = {"watched", "failed", "not run"};
static const char *const control_words[] = {"caught", "missed", "not possible"};

static void put_list(qn_json *j, const char *key, const qn_shown *list, int n,
                     const char *const *words)
{
    qn_json_array(j, key);
    for (int i = 0; i < n; i++) {
        qn_json_object(j, NULL);
        qn_json_text(j, "name", list[i].name);
        qn_json_text(j, "status", words[list[i].state]);
        qn_json_text(j, "reason", list[i].why);
        qn_json_int(j, "calls", list[i].n_calls);
        qn_json_int(j, "threads", list[i].n_processes);
        qn_json_close(j);
    }
    qn_json_close(j);
}

static int print_json(const qn_privacy_check *c, qn_mem *mem)
{
    qn_buf out;
    qn_json j;
    qn_buf_init(&out, mem);
    qn_json_begin(&j, &out);
    qn_json_text(&j, "method", qn_privacy_method(c));
    qn_json_text(&j, "sandbox", qn_sandbox_word(c->sandbox.level));
    qn_json_int(&j, "kept", count_promises(c, QN_KEPT));
    qn_json_int(&j, "broken", count_promises(c, QN_BROKEN));
    qn_json_int(&j, "controls_caught", count(c->control, c->n_controls, QN_KEPT));
    qn_json_int(&j, "controls_missed", count(c->control, c->n_controls, QN_BROKEN));
    qn_json_array(&j, "promises");
    for (int i = 0; i < QN_N_PROMISES; i++) {
        qn_json_object(&j, NULL);
        qn_json_text(&j, "id", qn_promise_id(i));
        qn_json_text(&j, "text", qn_promise_text(i));
        qn_json_text(&j, "status", promise_words[c->promise[i].state]);
        qn_json_text(&j, "reason", c->promise[i].why);
        qn_json_close(&j);
    }
    qn_json_close(&j);
    put_list(&j, "commands", c->command, c->n_commands, command_words);
    put_list(&j, "controls", c->control, c->n_controls, control_words);
    qn_json_end(&j);
    const int code = qn_out_flush(&out);
    qn_buf_done(&out);
    return code;
}

static void print_list(const qn_shown *list, int n, const char *const *words,
                       bool is_all, const char *what)
{
    for (int i = 0; i < n; i++)
        if (is_all || list[i].state == QN_BROKEN)
            printf("  %s %-14s %-12s %s\n", what, list[i].name, words[list[i].state],
                   QN_CLEAN(list[i].why));
}

static void print_text(const qn_privacy_check *c, bool is_all)
{
    char text[192];
    int64_t calls = 0;
    int threads = 0;
    for (int i = 0; i < c->n_commands; i++) {
        calls += c->command[i].n_calls;
        threads += c->command[i].n_processes;
    }
    printf("method   %s\nsandbox  %s\n\n", qn_privacy_method(c),
           qn_sandbox_text(&c->sandbox, text));
    for (int i = 0; i < QN_N_PROMISES; i++) {
        printf("%-10s %-18s %s\n", promise_words[c->promise[i].state], qn_promise_id(i),
               qn_promise_text(i));
        if (c->promise[i].why[0]) printf("%30s%s\n", "", QN_CLEAN(c->promise[i].why));
    }
    printf("\n");
    print_list(c->command, c->n_commands, command_words, is_all, "command");
    print_list(c->control, c->n_controls, control_words, is_all, "planted");
    printf("%d commands watched (%s system calls, %d processes and threads); "
           "%d of %d planted violations caught\n",
           count(c->command, c->n_commands, QN_KEPT), QN_COUNT(calls), threads,
           count(c->control, c->n_controls, QN_KEPT),
           c->n_controls - count(c->control, c->n_controls, QN_NOT_SHOWN));
    if (!c->controls[0])
        printf("quern-controls is not installed: nothing was planted\n");
    if (getenv("LD_PRELOAD"))
        printf("LD_PRELOAD is set: that library ran before each sandbox was closed\n");
}

/* ---- the command ---- */

static void step(void *ctx, int done, int total)
{
    qn_progress *p = ctx;
    p->total = total;
    qn_progress_step(p, done);
}

static quern_status check(qn_privacy_check *c, qn_mem *mem, bool is_quiet,
                          quern_error *err)
{
    char home[QN_PATH_MAX];
    qn_progress progress;
    QN_TRY(find_programs(c, err));
    find_sandbox(c);
    QN_TRY(qn_privacy_inputs(c->folder, mem, err));
    QN_TRY(qn_path_format(home, err, "%s/out/home", c->folder));
    if (setenv("QUERN_HOME", home, 1) != 0)
        return qn_fail(err, QUERN_IO, "no room in the environment");
    qn_progress_begin(&progress, "commands", 1, is_quiet);
    const quern_status status = qn_privacy_check_run(c, step, &progress, err);
    qn_progress_end(&progress);
    return status;
}

int qn_cmd_privacy_verify(const qn_args *args)
{
    qn_privacy_check *c;
    qn_mem mem;
    quern_error err = {.status = QUERN_OK};
    void *room;
    if (args->n_operands > 0) return qn_usage(args, "takes no operands");
    qn_mem_init(&mem, NULL, 0);
    if (qn_mem_alloc(&mem, sizeof *c, &room, &err) != QUERN_OK)
        return qn_report(NULL, &err);
    c = room;
    memset(c, 0, sizeof *c);
    int code = 0;
    if (make_folder(c, &err) != QUERN_OK ||
        check(c, &mem, qn_arg_flag(args, "quiet"), &err) != QUERN_OK)
        code = qn_report(NULL, &err);
    else if (qn_arg_flag(args, "json"))
        code = print_json(c, &mem);
    else
        print_text(c, qn_arg_flag(args, "verbose"));
    if (code == 0)
        code = count_promises(c, QN_BROKEN) > 0 ||
               count(c->control, c->n_controls, QN_BROKEN) > 0;
    if (qn_arg_flag(args, "keep"))
        qn_say("kept: %s", c->folder);
    else if (c->folder[0])
        nftw(c->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    qn_mem_free(&mem, c, sizeof *c);
    return code;
}
