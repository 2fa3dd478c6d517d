/* SPDX-License-Identifier: Apache-2.0 */
/* tools/privacy_check.c - see privacy_check.h: the recipes of all commands, then the
 * planted violations, and what follows for the promises. */
#include "tools/privacy_check.h"

#include "formats/files.h"

#include <stdio.h>
#include <string.h>

#define SECONDS   60 /* for one command */
#define MAX_WORDS 32

typedef struct recipe {
    const char *command, *codes, *words;
} recipe;

static const recipe recipes[] = {
#define QN_RECIPE(command, codes, words) {command, codes, words},
#include "tools/privacy_recipes.def"
#undef QN_RECIPE
};
#define N_RECIPES ((int)(sizeof recipes / sizeof recipes[0]))

static const struct {
    const char *id, *text;
} promises[] = {
#define QN_PROMISE(key, id, text) {id, text},
#include "tools/privacy_promises.def"
#undef QN_PROMISE
};

typedef struct control {
    const char *name;
    qn_deed deed;
    bool is_caged;
    const char *argument;
} control;

static const control controls[] = {
#define QN_CONTROL(name, deed, is_caged, argument) \
    {name, QN_DEED_##deed, is_caged, argument},
#include "tools/privacy_controls.def"
#undef QN_CONTROL
};
#define N_CONTROLS ((int)(sizeof controls / sizeof controls[0]))

_Static_assert(N_RECIPES <= QN_SHOWN_MAX && N_CONTROLS <= QN_SHOWN_MAX, "tables");

const char *qn_promise_id(int promise)
{
    return promises[promise].id;
}

const char *qn_promise_text(int promise)
{
    return promises[promise].text;
}

const char *qn_privacy_method(const qn_privacy_check *check)
{
    return check->is_cut_off ? "netns+ptrace" : "ptrace";
}

/* ---- running something under the tracer ---- */

typedef struct run {
    char in[QN_PATH_MAX], out[QN_PATH_MAX], said[QN_PATH_MAX], words[512];
    const char *argv[MAX_WORDS];
} run;

/* The plan without its argv. */
static quern_status prepare(const qn_privacy_check *c, const char *name, run *r,
                            qn_watch_plan *plan, quern_error *err)
{
    char file[64];
    snprintf(file, sizeof file, "%s", name);
    for (char *p = file; *p; p++)
        if (*p == ' ') *p = '-';
    QN_TRY(qn_path_format(r->in, err, "%s/in", c->folder));
    QN_TRY(qn_path_format(r->out, err, "%s/out", c->folder));
    QN_TRY(qn_path_format(r->said, err, "%s/%s.txt", r->out, file));
    *plan = (qn_watch_plan){.argv = r->argv,
                            .folder = c->folder,
                            .output = r->said,
                            .inputs = r->in,
                            .writable = r->out,
                            .is_cut_off = c->is_cut_off,
                            .seconds = SECONDS};
    return QUERN_OK;
}

static void take_words(const qn_privacy_check *c, const char *words, run *r)
{
    int n = 0;
    snprintf(r->words, sizeof r->words, "%s", words);
    r->argv[n++] = c->quern;
    for (char *p = r->words; *p && n < MAX_WORDS - 1;) {
        const size_t length = strcspn(p, " ");
        r->argv[n++] = strncmp(p, "@quern", 6) ? p : c->quern;
        p += length;
        if (*p) *p++ = 0;
    }
    r->argv[n] = NULL;
}

/* ---- what a command's trace says of the promises ---- */

static void breaks(qn_privacy_check *c, qn_promise promise, const char *command,
                   const char *what)
{
    if (c->promise[promise].state == QN_BROKEN) return;
    c->promise[promise].state = QN_BROKEN;
    snprintf(c->promise[promise].why, sizeof c->promise[promise].why, "%s: %s", command,
             what);
}

static void judge_deeds(qn_privacy_check *c, const qn_command *command,
                        const qn_watch *t)
{
    if (t->deed[QN_DEED_NETWORK].n > 0)
        breaks(c, QN_PROMISE_NO_NETWORK, command->name, t->deed[QN_DEED_NETWORK].first);
    if (t->deed[QN_DEED_RING].n > 0)
        breaks(c, QN_PROMISE_NO_SIDE_DOOR, command->name, t->deed[QN_DEED_RING].first);
    if (t->deed[QN_DEED_FOREIGN].n > 0)
        breaks(c, QN_PROMISE_NO_SIDE_DOOR, command->name,
               t->deed[QN_DEED_FOREIGN].first);
    if (t->deed[QN_DEED_PROGRAM].n > 0 && !(command->may & QN_MAY_HELPERS))
        breaks(c, QN_PROMISE_NO_PROGRAM, command->name, t->deed[QN_DEED_PROGRAM].first);
    if (t->deed[QN_DEED_WRITE].n > t->deed[QN_DEED_WRITE].n_refused)
        breaks(c, QN_PROMISE_WRITES_WHERE_TOLD, command->name,
               t->deed[QN_DEED_WRITE].first);
}

static void judge_sandbox(qn_privacy_check *c, const char *name, const qn_watch *t)
{
    char why[100];
    if (c->sandbox.level != QN_SANDBOX_FULL) return;
    snprintf(why, sizeof why, "%d of %d inputs opened outside", t->n_open_before,
             t->n_inputs);
    if (t->n_open_before > 0) breaks(c, QN_PROMISE_SANDBOX_FIRST, name, why);
    if (!t->ended_inside) breaks(c, QN_PROMISE_SANDBOX_FIRST, name, "it ended outside");
}

static void judge_end(qn_privacy_check *c, const recipe *r, const qn_watch *t,
                      qn_shown *shown)
{
    if (t->signal)
        snprintf(shown->why, sizeof shown->why, "ended by signal %d", t->signal);
    else if (t->code > 9 || !strchr(r->codes, '0' + t->code))
        snprintf(shown->why, sizeof shown->why, "exit code %d, not %s: out/%s.txt",
                 t->code, r->codes, r->command);
    else
        return;
    shown->state = QN_BROKEN;
    breaks(c, QN_PROMISE_EVERY_COMMAND, r->command, shown->why);
}

static quern_status run_recipe(qn_privacy_check *c, const recipe *r,
                               const qn_command *command, quern_error *err)
{
    run room;
    qn_watch_plan plan;
    qn_watch trace;
    qn_shown *shown = &c->command[c->n_commands++];
    *shown = (qn_shown){.name = r->command};
    if (!r->words) {
        shown->state = QN_NOT_SHOWN;
        snprintf(shown->why, sizeof shown->why, "%s", r->codes);
        return QUERN_OK;
    }
    QN_TRY(prepare(c, r->command, &room, &plan, err));
    take_words(c, r->words, &room);
    QN_TRY(qn_watch_run(&plan, &trace, err));
    shown->n_calls = trace.n_calls;
    shown->n_processes = trace.n_processes;
    judge_end(c, r, &trace, shown);
    judge_deeds(c, command, &trace);
    judge_sandbox(c, r->command, &trace);
    return QUERN_OK;
}

/* ---- planted violations ---- */

static const char *argument_of(const qn_privacy_check *c, const control *k,
                               char room[QN_PATH_MAX])
{
    if (strcmp(k->argument, "@outside") != 0)
        return strcmp(k->argument, "@quern") ? k->argument : c->quern;
    qn_path_format(room, NULL, "%s/in/planted", c->folder);
    return room;
}

#define CONTROL_DONE   0
#define CONTROL_UNABLE 43

static void judge_control(const qn_privacy_check *c, const control *k,
                          const qn_watch *t, qn_shown *shown)
{
    const bool is_refused = k->is_caged
                                ? t->signal || t->code != CONTROL_DONE
                                : t->ended_inside && !t->had_socket && t->code == 0;
    const char *why = NULL;
    if (t->code == CONTROL_UNABLE && !t->signal) {
        shown->state = QN_NOT_SHOWN;
        why = "this machine cannot be asked for it";
    } else if (t->deed[k->deed].n == 0) {
        why = "the tracer did not see it";
    } else if (!is_refused && c->sandbox.level == QN_SANDBOX_FULL) {
        why = "it was seen, and was not stopped";
    }
    if (!why) return;
    if (shown->state == QN_KEPT) shown->state = QN_BROKEN;
    snprintf(shown->why, sizeof shown->why, "%s", why);
}

static quern_status run_control(qn_privacy_check *c, const control *k, quern_error *err)
{
    run room;
    qn_watch_plan plan;
    qn_watch trace;
    char argument[QN_PATH_MAX];
    qn_shown *shown = &c->control[c->n_controls++];
    *shown = (qn_shown){.name = k->name};
    QN_TRY(prepare(c, k->name, &room, &plan, err));
    room.argv[0] = c->controls;
    room.argv[1] = k->name;
    room.argv[2] = argument_of(c, k, argument);
    room.argv[3] = NULL;
    plan.is_caged = k->is_caged;
    QN_TRY(qn_watch_run(&plan, &trace, err));
    judge_control(c, k, &trace, shown);
    if (shown->state == QN_BROKEN && !k->is_caged)
        breaks(c, QN_PROMISE_NO_WEAKENING, k->name, shown->why);
    return QUERN_OK;
}

/* ---- all of it ---- */

static const recipe *find_recipe(const char *command)
{
    for (int i = 0; i < N_RECIPES; i++)
        if (!strcmp(recipes[i].command, command)) return &recipes[i];
    return NULL;
}

static const qn_command *find_command(const char *name)
{
    const qn_command *c;
    for (int i = 0; (c = qn_command_at(i)) != NULL; i++)
        if (!strcmp(c->name, name)) return c;
    return NULL;
}

/* The table of commands and that of recipes name the same. */
static void compare_tables(qn_privacy_check *c)
{
    const qn_command *command;
    for (int i = 0; (command = qn_command_at(i)) != NULL; i++)
        if (!find_recipe(command->name))
            breaks(c, QN_PROMISE_EVERY_COMMAND, command->name,
                   "no row in privacy_recipes.def");
    for (int i = 0; i < N_RECIPES; i++)
        if (!find_command(recipes[i].command))
            breaks(c, QN_PROMISE_EVERY_COMMAND, recipes[i].command, "no such command");
}

static void not_shown(qn_privacy_check *c, qn_promise promise, const char *why)
{
    if (c->promise[promise].state != QN_KEPT) return;
    c->promise[promise].state = QN_NOT_SHOWN;
    snprintf(c->promise[promise].why, sizeof c->promise[promise].why, "%s", why);
}

quern_status qn_privacy_check_run(qn_privacy_check *c,
                                  void (*step)(void *ctx, int done, int total),
                                  void *ctx, quern_error *err)
{
    const int total = N_RECIPES + (c->controls[0] ? N_CONTROLS : 0);
    c->is_cut_off = qn_watch_can_cut_off();
    compare_tables(c);
    for (int i = 0; i < N_RECIPES; i++) {
        const qn_command *command = find_command(recipes[i].command);
        if (command) QN_TRY(run_recipe(c, &recipes[i], command, err));
        step(ctx, i + 1, total);
    }
    for (int i = 0; i < N_CONTROLS && c->controls[0]; i++) {
        QN_TRY(run_control(c, &controls[i], err));
        step(ctx, N_RECIPES + i + 1, total);
    }
    if (!c->controls[0])
        not_shown(c, QN_PROMISE_NO_WEAKENING, "quern-controls is not installed");
    if (c->sandbox.level != QN_SANDBOX_FULL) {
        not_shown(c, QN_PROMISE_SANDBOX_FIRST, c->sandbox.reason);
        not_shown(c, QN_PROMISE_NO_WEAKENING, c->sandbox.reason);
    }
    return QUERN_OK;
}
