/* SPDX-License-Identifier: Apache-2.0 */
/* tools/user_settings.h - what a user wants to be so in every command: settings.json,
 * below what the command line says and above what a command does by itself. */
#ifndef QN_TOOLS_USER_SETTINGS_H
#define QN_TOOLS_USER_SETTINGS_H

#include "engine/mem.h"

typedef enum qn_user_kind {
    QN_USER_FLAG,
    QN_USER_INT,
    QN_USER_SIZE,
    QN_USER_REAL
} qn_user_kind;

typedef struct qn_user_setting {
    const char *name;
    qn_user_kind kind;
    const char *otherwise; /* "": as the command has it */
    const char *help;
} qn_user_setting;

enum { QN_MOST_USER_SETTINGS = 16 };

typedef struct qn_user_settings {
    const char *text[QN_MOST_USER_SETTINGS]; /* by row; NULL: not set */
} qn_user_settings;

/* Row i, or NULL past the end; index of the row of that name, or -1. */
const qn_user_setting *qn_user_setting_at(int i);
int qn_user_setting_find(const char *name);
/* Whether the text is a value of that row; else the error says what is. */
quern_status qn_user_setting_check(const qn_user_setting *row, const char *text,
                                   quern_error *err);

/* Reads the file; none is fine.  Names it does not know are passed over: a newer
 * version may have written them. */
quern_status qn_user_settings_load(qn_user_settings *s, const char *path,
                                   qn_arena *arena, quern_error *err);
/* Writes it; the folder is made where it lacks. */
quern_status qn_user_settings_save(const qn_user_settings *s, const char *path,
                                   qn_mem *mem, quern_error *err);
/* What was set; else NULL.  s may be NULL. */
const char *qn_user_settings_text(const qn_user_settings *s, const char *name);
bool qn_user_settings_flag(const qn_user_settings *s, const char *name);

#endif
