/* SPDX-License-Identifier: Apache-2.0 */
/* tools/sandbox_outputs.c - where a command line says that files are to be written, by
 * the rows of outputs.def.  Folders of results are made here, before the sandbox
 * closes: inside it a new folder could only be had with the right to write all around
 * it. */
#include "tools/options.h"
#include "tools/sandbox.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef enum output_kind { FILE_KIND, FOLDER_KIND, BESIDE_KIND } output_kind;

typedef struct output_row {
    const char *command, *option;
    output_kind kind;
    const char *otherwise;
} output_row;

static const output_row rows[] = {
#define QN_OUTPUT(command, option, kind, otherwise) \
    {command, option, kind##_KIND, otherwise},
#include "tools/outputs.def"
#undef QN_OUTPUT
};
#define N_ROWS ((int)(sizeof rows / sizeof rows[0]))

/* Levels of a path that are not there yet; 0 when the path is a folder. */
static int levels_missing(const char *path)
{
    char at[QN_PATH_MAX], above[QN_PATH_MAX];
    int n = 0;
    snprintf(at, sizeof at, "%s", path);
    while (n < 64 && qn_path_look(at) == QN_PATH_ABSENT) {
        n++;
        if (qn_path_folder(at, above, NULL) != QUERN_OK) break;
        memcpy(at, above, sizeof at);
    }
    return n;
}

static void without_slashes(char *path)
{
    for (size_t n = strlen(path); n > 1 && path[n - 1] == '/'; n--)
        path[n - 1] = 0;
}

/* The folder that a file lies in.  A link is written through: it is where that leads.
 */
static bool go_above(char path[QN_PATH_MAX])
{
    char target[QN_PATH_MAX];
    if (qn_path_resolve(path, target, NULL) != QUERN_OK)
        snprintf(target, sizeof target, "%s", path);
    return qn_path_folder(target, path, NULL) == QUERN_OK;
}

/* What cannot be made here the command will fail to make, and say so. */
static void add(qn_outputs *out, const char *path, output_kind kind)
{
    if (out->n == QN_SANDBOX_FOLDERS || !*path || strlen(path) >= QN_PATH_MAX) return;
    char *to = out->folder[out->n].path;
    snprintf(to, QN_PATH_MAX, "%s", path);
    without_slashes(to);
    const bool is_above =
        kind == BESIDE_KIND || (kind == FILE_KIND && !qn_path_is_folder(to));
    if (is_above && !go_above(to)) return;
    out->folder[out->n].n_made = kind == FILE_KIND ? 0 : levels_missing(to);
    if (kind != FILE_KIND && qn_dir_make(to, NULL) != QUERN_OK) return;
    out->n++;
}

static void add_word(const qn_args *args, const char *word, output_kind kind,
                     qn_outputs *out)
{
    const int operand = word[0] == '@' ? word[1] - '1' : -1;
    if (operand < 0)
        add(out, word, kind);
    else if (operand < args->n_operands)
        add(out, args->operands[operand], kind);
}

static void add_row(const qn_args *args, const output_row *row, qn_outputs *out)
{
    int n = 0;
    for (int i = 0; i < args->n_given; i++) {
        if (strcmp(args->given[i].option->name, row->option) != 0) continue;
        add(out, args->given[i].text, row->kind);
        n++;
    }
    if (row->option[0] == '@') add_word(args, row->option, row->kind, out);
    if (n == 0 && row->otherwise && args->n_operands + args->n_given > 0)
        add_word(args, row->otherwise, row->kind, out);
}

/* Of this option, or (NULL) of any. */
static bool has_row(const char *command, const char *option)
{
    for (int i = 0; i < N_ROWS; i++)
        if (!strcmp(rows[i].command, command) &&
            (!option || !strcmp(rows[i].option, option)))
            return true;
    return false;
}

void qn_outputs_find(const qn_args *args, qn_outputs *out)
{
    const char *command = args->command->name;
    out->n = 0;
    out->is_unknown = (args->command->may & QN_MAY_WRITE) && !has_row(command, NULL);
    for (int i = 0; i < N_ROWS; i++)
        if (!strcmp(rows[i].command, command)) add_row(args, &rows[i], out);
    for (int i = 0; i < args->n_given; i++) {
        const qn_option *o = args->given[i].option;
        if (o->letter == 'o' && args->given[i].text && !has_row(command, o->name))
            add(out, args->given[i].text, FILE_KIND);
    }
}

void qn_outputs_tidy(const qn_outputs *outputs)
{
    for (int i = 0; i < outputs->n; i++) {
        char at[QN_PATH_MAX], above[QN_PATH_MAX];
        memcpy(at, outputs->folder[i].path, sizeof at);
        for (int k = 0; k < outputs->folder[i].n_made && rmdir(at) == 0; k++) {
            if (qn_path_folder(at, above, NULL) != QUERN_OK) break;
            memcpy(at, above, sizeof at);
        }
    }
}
