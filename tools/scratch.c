/* SPDX-License-Identifier: Apache-2.0 */
/* tools/scratch.c - see scratch.h. */
#include "tools/scratch.h"

#include "engine/os_disk.h"
#include "formats/archive.h"
#include "tools/term.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const qn_disk disk = {0}; /* nobody asks before changes */

/* An archive among the operands; a run that is resumed may have one in its settings. */
static bool is_wanted(const qn_args *args)
{
    for (int i = 0; i < args->n_operands; i++)
        if (qn_is_archive_name(args->operands[i]) &&
            !qn_path_is_folder(args->operands[i]))
            return true;
    return !strcmp(args->command->name, "train") && qn_arg_flag(args, "resume");
}

/* A name that nobody guesses, in the folder for such things. */
static bool make_name(char path[QN_PATH_MAX])
{
    const char *home = getenv("TMPDIR");
    uint8_t random[12];
    char text[2 * sizeof random + 1];
    if (!home || *home != '/') home = "/tmp";
    if (qn_os_random(random, sizeof random, NULL) != QUERN_OK) return false;
    for (size_t i = 0; i < sizeof random; i++)
        snprintf(text + 2 * i, 3, "%02x", random[i]);
    return snprintf(path, QN_PATH_MAX, "%s/quern-scratch-%s", home, text) < QN_PATH_MAX;
}

void qn_scratch_begin(qn_args *args, qn_outputs *outputs)
{
    if (outputs->n == QN_SANDBOX_FOLDERS || !is_wanted(args)) return;
    char *path = outputs->folder[outputs->n].path;
    if (!make_name(path) || qn_disk_folder(&disk, path, NULL) != QUERN_OK ||
        qn_path_check_private(path, NULL) != QUERN_OK ||
        qn_arena_text(&args->arena, path, strlen(path), &args->scratch, NULL) !=
            QUERN_OK)
        return; /* opening the archive will say what is wrong */
    outputs->folder[outputs->n++].n_made = 1;
}

void qn_scratch_end(const qn_args *args)
{
    if (args->scratch) qn_disk_remove_tree(&disk, args->scratch, NULL);
}

quern_status qn_data_open(const qn_args *args, qn_mem *mem, const char *path,
                          const char *format, qn_dataset **out, quern_error *err)
{
    const qn_dataset_options options = {
        .format = format,
        .scratch = args->scratch,
        .entries = (int64_t)qn_arg_limit(args, "entries", 0),
        .unpacked = (uint64_t)qn_arg_limit(args, "unpacked", 0),
        .ratio = qn_arg_limit(args, "ratio", 0),
        .cancel = qn_interrupted,
    };
    return qn_dataset_open_as(mem, path, &options, out, err);
}
