/* SPDX-License-Identifier: Apache-2.0 */
/* tools/scratch.c - see scratch.h. */
#include "tools/scratch.h"

#include "engine/os_disk.h"
#include "formats/archive.h"
#include "formats/files.h"
#include "tools/term.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const qn_disk disk = {0}; /* nobody asks before changes */

/* An archive among the operands, or what may be a list of an archive's items; a run
 * that is resumed may have one in its settings. */
static bool is_wanted(const qn_args *args)
{
    for (int i = 0; i < args->n_operands; i++)
        if ((qn_is_archive_name(args->operands[i]) ||
             qn_ends_with(args->operands[i], ".csv")) &&
            !qn_path_is_folder(args->operands[i]))
            return true;
    return !strcmp(args->command->name, "train") && qn_arg_flag(args, "resume");
}

#define PREFIX "quern-scratch-"
enum { RANDOM = 12, TRIES = 8 }; /* bytes of a name */

static const char *home_of(void)
{
    const char *home = getenv("TMPDIR");
    return home && *home == '/' ? home : "/tmp";
}

/* A name that nobody guesses, in the folder for such things. */
static bool make_name(char path[QN_PATH_MAX])
{
    uint8_t random[RANDOM];
    char text[2 * RANDOM + 1];
    if (qn_os_random(random, sizeof random, NULL) != QUERN_OK) return false;
    for (size_t i = 0; i < sizeof random; i++)
        snprintf(text + 2 * i, 3, "%02x", random[i]);
    return snprintf(path, QN_PATH_MAX, "%s/" PREFIX "%s", home_of(), text) <
           QN_PATH_MAX;
}

static bool is_ours(const char *name)
{
    const size_t n = strlen(PREFIX);
    return !strncmp(name, PREFIX, n) && strlen(name + n) == 2 * RANDOM &&
           strspn(name + n, "0123456789abcdef") == 2 * RANDOM;
}

/* Removes a folder of a process that is no more: nobody holds its lock. */
static void sweep_one(const char *path)
{
    qn_lock lock;
    if (qn_path_check_private(path, NULL) != QUERN_OK ||
        qn_lock_take(path, QN_LOCK_TRY, &lock, NULL) != QUERN_OK)
        return;
    qn_disk_remove_tree(&disk, path, NULL);
    qn_lock_drop(&lock);
}

/* What processes that were killed left behind. */
static void sweep(qn_arena *arena)
{
    const char *const *names;
    char path[QN_PATH_MAX];
    int n;
    if (qn_dir_list(home_of(), arena, &names, &n, NULL) != QUERN_OK) return;
    for (int i = 0; i < n; i++)
        if (is_ours(names[i]) &&
            qn_path_format(path, NULL, "%s/%s", home_of(), names[i]) == QUERN_OK)
            sweep_one(path);
}

/* A new folder, and its lock, which lasts as long as this process.  Another process may
 * take it for left behind in the moment between both: then the next name. */
static bool make_folder(char path[QN_PATH_MAX], qn_lock *lock)
{
    for (int i = 0; i < TRIES; i++)
        if (make_name(path) && qn_disk_folder(&disk, path, NULL) == QUERN_OK &&
            qn_path_check_private(path, NULL) == QUERN_OK &&
            qn_lock_take(path, QN_LOCK_TRY, lock, NULL) == QUERN_OK)
            return true;
    return false;
}

void qn_scratch_begin(qn_args *args, qn_outputs *outputs)
{
    qn_lock lock;
    if (outputs->n == QN_SANDBOX_FOLDERS || !is_wanted(args)) return;
    char *path = outputs->folder[outputs->n].path;
    sweep(&args->arena);
    if (!make_folder(path, &lock))
        return; /* the archive's opening says what is wrong */
    if (qn_arena_text(&args->arena, path, strlen(path), &args->scratch, NULL) !=
        QUERN_OK) {
        qn_disk_remove_tree(&disk, path, NULL);
        qn_lock_drop(&lock);
        return;
    }
    outputs->folder[outputs->n++].n_made = 1;
}

void qn_scratch_end(const qn_args *args)
{
    if (args->scratch) qn_disk_remove_tree(&disk, args->scratch, NULL);
}

static qn_dataset_options options_of(const qn_args *args, const char *format)
{
    return (qn_dataset_options){
        .format = format,
        .scratch = args->scratch,
        .entries = (int64_t)qn_arg_limit(args, "entries", 0),
        .unpacked = (uint64_t)qn_arg_limit(args, "unpacked", 0),
        .ratio = qn_arg_limit(args, "ratio", 0),
        .cancel = qn_interrupted,
        .decoder = args->decoder,
    };
}

quern_status qn_data_open(const qn_args *args, qn_mem *mem, const char *path,
                          const char *format, qn_dataset **out, quern_error *err)
{
    const qn_dataset_options options = options_of(args, format);
    return qn_dataset_open_as(mem, path, &options, out, err);
}

quern_status qn_data_open_table(const qn_args *args, qn_mem *mem, qn_dataset **out,
                                quern_error *err)
{
    qn_dataset_options options = options_of(args, qn_arg_text(args, "format"));
    options.may_lack = true;
    return qn_dataset_open_as(mem, args->operands[0], &options, out, err);
}
