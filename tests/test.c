/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test.c - runs the rows of tests.def.
 *
 *     quern-test [-j N] [-v] [--list] [--no-fork] [[!]GLOB]...
 *
 * Each test runs in a child process, so a crash or a leak is charged to one test; -j
 * runs several at once.  The last line is "N passed, N failed, N skipped". */
#include "tests/test_state.h"

#include <errno.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define TIME_LIMIT 300 /* seconds for one test; slow emulators included */
#define MAX_JOBS   16

enum { EXIT_PASS = 0, EXIT_FAIL = 1, EXIT_SKIP = 77 };

typedef struct row {
    const char *name;
    qn_test_fn *fn;
} row;
static const row rows[] = {
#define QN_TEST(name) {#name, test_##name},
#include "tests/tests.def"
#undef QN_TEST
};
enum { N_ROWS = sizeof rows / sizeof rows[0] };

typedef struct job {
    pid_t pid; /* 0: free */
    const row *row;
    FILE *out; /* what the child prints */
    double start;
} job;

typedef struct suite {
    int passed, failed, skipped;
    char folder[64]; /* of temporary files */
    char build[512];
    job jobs[MAX_JOBS];
    int n_jobs, n_running;
    bool talks; /* show what passing tests print, too */
} suite;

/* Runs one test in this process; returns its exit code. */
static int run_here(const suite *s, const row *r)
{
    qn_test t = {.name = r->name, .build = s->build, .rng = 0x9e3779b97f4a7c15u};
    for (const char *c = r->name; *c != '\0'; c++)
        t.rng = (t.rng ^ (unsigned char)*c) * 0x100000001b3u;
    snprintf(t.folder, sizeof t.folder, "%s/%s", s->folder, r->name);
    r->fn(&t);
    qn_test_done(&t);
    if (t.n_failed > 0) return EXIT_FAIL;
    if (t.skipped) return EXIT_SKIP;
    if (t.n_checks > 0) return EXIT_PASS;
    printf("    the test checked nothing\n");
    return EXIT_FAIL;
}

static void report(suite *s, const row *r, const char *end, double seconds)
{
    const char *word = "ok  ";
    if (end == NULL) {
        s->passed++;
    } else if (strcmp(end, "skipped") == 0) {
        s->skipped++;
        word = "skip";
    } else {
        s->failed++;
        word = "FAIL";
    }
    printf("%s %s", word, r->name);
    if (word[0] == 'F') printf(": %s", end);
    if (seconds >= 1) printf(" (%.1f s)", seconds);
    printf("\n");
    fflush(stdout);
}

static const char *end_of(int status, char text[64])
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_PASS) return NULL;
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIP) return "skipped";
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FAIL) return "checks failed";
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        snprintf(text, 64, "still running after %d s", TIME_LIMIT);
    else if (WIFSIGNALED(status))
        snprintf(text, 64, "killed by signal %d", WTERMSIG(status));
    else
        snprintf(text, 64, "exit code %d (a sanitizer?)", WEXITSTATUS(status));
    return text;
}

/* Waits for one child and prints what became of it. */
static void reap(suite *s)
{
    int status = 0;
    pid_t pid = wait(&status);
    for (int i = 0; i < s->n_jobs; i++) {
        job *j = &s->jobs[i];
        if (j->pid != pid || pid <= 0) continue;
        char text[64], line[512];
        report(s, j->row, end_of(status, text), qn_seconds() - j->start);
        rewind(j->out);
        while ((status != 0 || s->talks) && fgets(line, sizeof line, j->out) != NULL)
            fputs(line, stdout);
        fclose(j->out);
        j->pid = 0;
        s->n_running--;
    }
}

static void start(suite *s, const row *r)
{
    while (s->n_running >= s->n_jobs)
        reap(s);
    job *j = s->jobs;
    while (j->pid != 0)
        j++;
    j->row = r;
    j->start = qn_seconds();
    j->out = tmpfile();
    fflush(stdout);
    j->pid = j->out == NULL ? -1 : fork();
    if (j->pid == 0) {
        dup2(fileno(j->out), STDOUT_FILENO);
        dup2(fileno(j->out), STDERR_FILENO);
        alarm(TIME_LIMIT);
        int code = run_here(s, r);
        fflush(stdout);
        exit(code);
    }
    if (j->pid < 0) {
        j->pid = 0;
        report(s, r, strerror(errno), 0);
        return;
    }
    s->n_running++;
}

/* The last glob that fits decides; "!glob" leaves out. */
static bool chosen(const char *name, int n, char **globs)
{
    bool hit = n == 0 || globs[0][0] == '!';
    for (int i = 0; i < n; i++) {
        bool out = globs[i][0] == '!';
        if (fnmatch(globs[i] + out, name, 0) == 0) hit = !out;
    }
    return hit;
}

static void run_forkless(suite *s, const row *r)
{
    double from = qn_seconds();
    char text[64];
    /* the exit code as wait() would show it */
    report(s, r, end_of(run_here(s, r) << 8, text), qn_seconds() - from);
}

static int usage(void)
{
    fprintf(stderr, "usage: quern-test [-j N] [-v] [--list] [--no-fork] [GLOB]...\n");
    return 2;
}

int main(int argc, char **argv)
{
    suite s = {.n_jobs = 1, .folder = "/tmp/quern-test-XXXXXX"};
    bool list = false, forks = true;
    int i = 1;
    for (; i < argc && argv[i][0] == '-'; i++) {
        if (strcmp(argv[i], "--list") == 0)
            list = true;
        else if (strcmp(argv[i], "--no-fork") == 0)
            forks = false;
        else if (strcmp(argv[i], "-v") == 0)
            s.talks = true;
        else if (strncmp(argv[i], "-j", 2) == 0 && (argv[i][2] != '\0' || i + 1 < argc))
            s.n_jobs =
                (int)strtol(argv[i][2] != '\0' ? argv[i] + 2 : argv[++i], NULL, 10);
        else
            return usage();
    }
    /* BUILD/tests/quern-test */
    snprintf(s.build, sizeof s.build, "%.*s",
             (int)(strlen(argv[0]) - strlen("/tests/quern-test")), argv[0]);
    s.n_jobs = s.n_jobs < 1 ? 1 : s.n_jobs > MAX_JOBS ? MAX_JOBS : s.n_jobs;
    if (!list && mkdtemp(s.folder) == NULL) {
        perror(s.folder);
        return 1;
    }
    int n_chosen = 0;
    for (const row *r = rows; r < rows + N_ROWS; r++) {
        if (!chosen(r->name, argc - i, argv + i)) continue;
        n_chosen++;
        if (list)
            printf("%s\n", r->name);
        else if (forks)
            start(&s, r);
        else
            run_forkless(&s, r);
    }
    if (list) return 0;
    while (s.n_running > 0)
        reap(&s);
    qn_remove_tree(s.folder);
    if (n_chosen == 0) fprintf(stderr, "quern-test: no test has such a name\n");
    printf("%d passed, %d failed, %d skipped\n", s.passed, s.failed, s.skipped);
    return s.failed > 0 || n_chosen == 0;
}
