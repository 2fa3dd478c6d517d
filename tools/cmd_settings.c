/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmd_settings.c - quern settings: list, get, set and reset. */
#include "engine/spelling.h"
#include "tools/out.h"
#include "tools/place.h"
#include "tools/user_settings.h"

#include <string.h>

const qn_option qn_settings_options[] = {QN_OPTIONS_END};
const qn_option qn_settings_list_options[] = {QN_OPTION_JSON, QN_OPTIONS_END};

const char qn_settings_about[] =
    "Settings are what you want to be so in every command.  What the command line "
    "says\n"
    "comes first, then a setting, then what the command does by itself.  They are in\n"
    "settings.json (quern store where tells the place).\n"
    "\n"
    "  quern settings list                 all of them, with what they mean\n"
    "  quern settings set threads 2\n"
    "  quern settings set require-sandbox yes\n"
    "  quern settings get threads\n"
    "  quern settings reset threads        or all: quern settings reset\n";

typedef struct settings {
    const qn_args *args;
    qn_mem mem;
    qn_arena arena;
    qn_place place;
    qn_user_settings s;
} settings;

typedef quern_status act_fn(settings *x, quern_error *err);

static int act(const qn_args *args, act_fn *fn)
{
    settings x = {.args = args};
    quern_error err = {0};
    qn_mem_init(&x.mem, NULL, 0);
    qn_arena_init(&x.arena, &x.mem);
    quern_status status = qn_place_find(&x.place, &err);
    if (status == QUERN_OK) status = fn(&x, &err);
    qn_arena_done(&x.arena);
    return status == QUERN_OK ? 0 : qn_report(NULL, &err);
}

static quern_status load(settings *x, quern_error *err)
{
    return qn_user_settings_load(&x->s, x->place.settings, &x->arena, err);
}

static quern_status find(const char *name, int *out, quern_error *err)
{
    const char *names[QN_MOST_USER_SETTINGS];
    int n = 0;
    *out = qn_user_setting_find(name);
    if (*out >= 0) return QUERN_OK;
    for (const qn_user_setting *r; (r = qn_user_setting_at(n)) != NULL; n++)
        names[n] = r->name;
    const char *near = qn_nearest(name, names, n);
    return qn_fail(err, QUERN_INVALID, "no setting '%s'%s%s%s", name,
                   near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

/* ---- list, get ------------------------------------------------------------------- */

static quern_status list_json(settings *x, quern_error *err)
{
    qn_buf out;
    qn_json j;
    const qn_user_setting *r;
    qn_buf_init(&out, &x->mem);
    for (int i = 0; (r = qn_user_setting_at(i)) != NULL; i++) {
        qn_json_begin(&j, &out);
        qn_json_text(&j, "name", r->name);
        qn_json_text(&j, "value", x->s.text[i] ? x->s.text[i] : r->otherwise);
        qn_json_bool(&j, "is_set", x->s.text[i] != NULL);
        qn_json_text(&j, "help", r->help);
        qn_json_end(&j);
    }
    return qn_out_give(&out, err);
}

static quern_status list(settings *x, quern_error *err)
{
    qn_table t;
    const qn_user_setting *r;
    QN_TRY(load(x, err));
    if (qn_arg_flag(x->args, "json")) return list_json(x, err);
    qn_table_begin(&t, &x->mem, "llll");
    for (int i = 0; (r = qn_user_setting_at(i)) != NULL; i++) {
        qn_table_cell(&t, "%s", r->name);
        qn_table_cell(&t, "%s", x->s.text[i] ? QN_CLEAN(x->s.text[i]) : r->otherwise);
        qn_table_cell(&t, "%s", x->s.text[i] ? "set" : "");
        qn_table_cell(&t, "%s", r->help);
    }
    return qn_table_print(&t, stdout, err);
}

static quern_status get(settings *x, quern_error *err)
{
    int i;
    QN_TRY(find(x->args->operands[0], &i, err));
    QN_TRY(load(x, err));
    printf("%s\n",
           x->s.text[i] ? QN_CLEAN(x->s.text[i]) : qn_user_setting_at(i)->otherwise);
    return QUERN_OK;
}

/* ---- set, reset ------------------------------------------------------------------ */

static quern_status set(settings *x, quern_error *err)
{
    int i;
    QN_TRY(find(x->args->operands[0], &i, err));
    QN_TRY(qn_user_setting_check(qn_user_setting_at(i), x->args->operands[1], err));
    QN_TRY(load(x, err));
    x->s.text[i] = x->args->operands[1];
    return qn_user_settings_save(&x->s, x->place.settings, &x->mem, err);
}

/* All of them without looking at the file, which may be what is wrong. */
static quern_status reset(settings *x, quern_error *err)
{
    int i;
    const qn_disk disk = {NULL, NULL};
    if (x->args->n_operands == 0) return qn_disk_remove(&disk, x->place.settings, err);
    QN_TRY(load(x, err));
    for (int k = 0; k < x->args->n_operands; k++) {
        QN_TRY(find(x->args->operands[k], &i, err));
        x->s.text[i] = NULL;
    }
    return qn_user_settings_save(&x->s, x->place.settings, &x->mem, err);
}

/* ---- the commands ---------------------------------------------------------------- */

int qn_cmd_settings(const qn_args *args)
{
    return qn_usage(args, "needs what to do, one of: list, get, set, reset");
}

int qn_cmd_settings_list(const qn_args *args)
{
    return args->n_operands ? qn_usage(args, "takes no operands") : act(args, list);
}

int qn_cmd_settings_get(const qn_args *args)
{
    return args->n_operands == 1 ? act(args, get) : qn_usage(args, "needs one name");
}

int qn_cmd_settings_set(const qn_args *args)
{
    return args->n_operands == 2 ? act(args, set)
                                 : qn_usage(args, "needs a name and a value");
}

int qn_cmd_settings_reset(const qn_args *args)
{
    return act(args, reset);
}
