/* SPDX-License-Identifier: Apache-2.0 */
/* tools/user_settings.c - see user_settings.h. */
#include "tools/user_settings.h"

#include "engine/os_disk.h"
#include "formats/files.h"
#include "formats/json_tree.h"
#include "formats/json_write.h"
#include "tools/options.h"

#include <stdio.h>
#include <string.h>

static const qn_user_setting rows[] = {
#define QN_USER_SETTING(name, kind, otherwise, help) \
    {name, QN_USER_##kind, otherwise, help},
#include "tools/user_settings.def"
#undef QN_USER_SETTING
};
#define N_ROWS ((int)(sizeof rows / sizeof rows[0]))
_Static_assert(N_ROWS <= QN_MOST_USER_SETTINGS, "room for every row");

const qn_user_setting *qn_user_setting_at(int i)
{
    return i >= 0 && i < N_ROWS ? &rows[i] : NULL;
}

int qn_user_setting_find(const char *name)
{
    for (int i = 0; i < N_ROWS; i++)
        if (!strcmp(rows[i].name, name)) return i;
    return -1;
}

quern_status qn_user_setting_check(const qn_user_setting *row, const char *text,
                                   quern_error *err)
{
    static const char *const wants[] = {"yes or no", "a whole number from 0",
                                        "a size such as 512M", "a number from 0"};
    int64_t whole;
    size_t size;
    double real;
    bool is_good = false;
    switch (row->kind) {
    case QN_USER_FLAG:
        is_good = !strcmp(text, "yes") || !strcmp(text, "no");
        break;
    case QN_USER_INT:
        is_good = qn_word_int(text, &whole) && whole >= 0;
        break;
    case QN_USER_SIZE:
        is_good = qn_word_size(text, &size);
        break;
    case QN_USER_REAL:
        is_good = qn_word_real(text, &real) && real >= 0;
        break;
    }
    if (is_good) return QUERN_OK;
    return qn_fail(err, QUERN_INVALID, "%s takes %s, not '%s'", row->name,
                   wants[row->kind], text);
}

/* ---- the file -------------------------------------------------------------------- */

/* The value as the text that set takes: people may write numbers and true themselves.
 */
static const char *text_of(const qn_tree *value, char room[32])
{
    if (value->kind == QN_TREE_TEXT) return value->text;
    if (value->kind == QN_TREE_BOOL) return value->number != 0 ? "yes" : "no";
    if (value->kind == QN_TREE_NUMBER) snprintf(room, 32, "%.15g", value->number);
    return value->kind == QN_TREE_NUMBER ? room : "";
}

static quern_status take_all(qn_user_settings *s, const qn_tree *tree, qn_arena *arena,
                             quern_error *err)
{
    char room[32];
    if (tree->kind != QN_TREE_OBJECT)
        return qn_fail(err, QUERN_FORMAT, "it is no JSON object");
    for (const qn_tree *at = tree->first; at; at = at->next) {
        const int i = qn_user_setting_find(at->key);
        if (i < 0) continue;
        const char *text = text_of(at, room);
        QN_TRY(qn_user_setting_check(&rows[i], text, err));
        QN_TRY(qn_arena_text(arena, text, strlen(text), &s->text[i], err));
    }
    return QUERN_OK;
}

quern_status qn_user_settings_load(qn_user_settings *s, const char *path,
                                   qn_arena *arena, quern_error *err)
{
    const qn_tree *tree;
    char *text;
    size_t n;
    *s = (qn_user_settings){.text = {NULL}};
    if (qn_path_look(path) == QN_PATH_ABSENT) return QUERN_OK;
    QN_TRY(qn_file_text(arena, path, &text, &n, err));
    quern_status status = qn_tree_parse(arena, text, n, &tree, err);
    if (status == QUERN_OK) status = take_all(s, tree, arena, err);
    if (status != QUERN_OK) qn_within(err, "%s", path);
    return status;
}

quern_status qn_user_settings_save(const qn_user_settings *s, const char *path,
                                   qn_mem *mem, quern_error *err)
{
    char folder[QN_PATH_MAX];
    const qn_disk disk = {NULL, NULL};
    qn_buf buf;
    qn_json j;
    QN_TRY(qn_path_folder(path, folder, err));
    QN_TRY(qn_disk_folder(&disk, folder, err));
    qn_buf_init(&buf, mem);
    qn_json_begin(&j, &buf);
    for (int i = 0; i < N_ROWS; i++)
        if (s->text[i]) qn_json_text(&j, rows[i].name, s->text[i]);
    qn_json_end(&j);
    quern_status status = qn_buf_status(&buf, err);
    if (status == QUERN_OK) status = qn_disk_replace(&disk, path, buf.p, buf.n, err);
    qn_buf_done(&buf);
    return status;
}

/* ---- asking ---------------------------------------------------------------------- */

const char *qn_user_settings_text(const qn_user_settings *s, const char *name)
{
    const int i = s ? qn_user_setting_find(name) : -1;
    return i < 0 ? NULL : s->text[i];
}

bool qn_user_settings_flag(const qn_user_settings *s, const char *name)
{
    const int i = qn_user_setting_find(name);
    const char *text = qn_user_settings_text(s, name);
    if (!text && i >= 0) text = rows[i].otherwise;
    return text && !strcmp(text, "yes");
}
