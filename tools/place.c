/* SPDX-License-Identifier: Apache-2.0 */
/* tools/place.c - see place.h. */
#include "tools/place.h"

#include "formats/files.h"
#include "tools/out.h"

#include <stdlib.h>
#include <string.h>

/* A folder that the environment names; relative ones do not count (XDG says so). */
static const char *folder_of(const char *variable)
{
    const char *text = getenv(variable);
    return text && text[0] == '/' ? text : NULL;
}

/* $variable/quern, or below the user's home. */
static quern_status find_base(const char *variable, const char *below,
                              char out[QN_PATH_MAX], quern_error *err)
{
    const char *base = folder_of(variable), *home = folder_of("HOME");
    if (base) return qn_path_format(out, err, "%s/quern", base);
    if (home) return qn_path_format(out, err, "%s/%s/quern", home, below);
    return qn_fail(err, QUERN_IO,
                   "nobody says where your files are: neither QUERN_HOME nor %s nor "
                   "HOME is an absolute path",
                   variable);
}

quern_status qn_place_find(qn_place *place, quern_error *err)
{
    char config[QN_PATH_MAX];
    const char *home = getenv("QUERN_HOME");
    if (home && *home) {
        QN_TRY(qn_path_format(place->data, err, "%s", home));
        return qn_path_format(place->settings, err, "%s/config/settings.json", home);
    }
    QN_TRY(find_base("XDG_DATA_HOME", ".local/share", place->data, err));
    QN_TRY(find_base("XDG_CONFIG_HOME", ".config", config, err));
    return qn_path_format(place->settings, err, "%s/settings.json", config);
}

quern_status qn_place_open(qn_store *store, qn_mem *mem, bool make, quern_error *err)
{
    qn_place place;
    QN_TRY(qn_place_find(&place, err));
    *store = (qn_store){.mem = mem};
    return qn_store_open(store, mem, place.data, make, err);
}

/* ---- the sandbox ----------------------------------------------------------------- */

/* Levels of the path that are not there yet. */
static int count_missing(const char *path)
{
    char at[QN_PATH_MAX], above[QN_PATH_MAX];
    int n = 0;
    snprintf(at, sizeof at, "%s", path);
    for (; n < 64 && qn_path_look(at) == QN_PATH_ABSENT; n++) {
        if (qn_path_folder(at, above, NULL) != QUERN_OK) break;
        memcpy(at, above, sizeof at);
    }
    return n;
}

static void allow(qn_outputs *outputs, const char *path)
{
    if (outputs->n == QN_SANDBOX_FOLDERS) return;
    snprintf(outputs->folder[outputs->n].path, QN_PATH_MAX, "%s", path);
    outputs->folder[outputs->n].n_made = count_missing(path);
    if (qn_disk_folder(NULL, path, NULL) == QUERN_OK) outputs->n++;
}

void qn_place_allow(qn_outputs *outputs)
{
    qn_place place;
    char config[QN_PATH_MAX];
    if (qn_place_find(&place, NULL) != QUERN_OK) return; /* the command will say so */
    allow(outputs, place.data);
    if (qn_path_folder(place.settings, config, NULL) == QUERN_OK)
        allow(outputs, config);
}

/* ---- names for paths ------------------------------------------------------------- */

enum takes { TAKES_NOTHING, TAKES_DATA, TAKES_MODEL };

/* What the i-th operand is, by the words of commands.def. */
static enum takes what_is(const char *operands, int i)
{
    static const struct {
        const char *word;
        enum takes takes;
    } words[] = {{"DATA", TAKES_DATA},   {"[DATA]", TAKES_DATA}, {"SRC", TAKES_DATA},
                 {"MODEL", TAKES_MODEL}, {"A", TAKES_MODEL},     {"B", TAKES_MODEL}};
    for (; i > 0 && *operands; i--) {
        operands += strcspn(operands, " ");
        operands += strspn(operands, " ");
    }
    const size_t n = strcspn(operands, " ");
    for (size_t k = 0; k < sizeof words / sizeof words[0]; k++)
        if (strlen(words[k].word) == n && !memcmp(words[k].word, operands, n))
            return words[k].takes;
    return TAKES_NOTHING;
}

static quern_status find_data(const qn_store *store, const char *name, qn_arena *arena,
                              char path[QN_PATH_MAX], quern_error *err)
{
    qn_object object;
    QN_TRY(qn_store_find(store, QN_DATASETS, name, arena, &object, err));
    return qn_store_path(store, QN_DATASETS, "", object.id, path, err);
}

/* A model, or the best model of a run. */
static quern_status find_model(const qn_store *store, const char *name, qn_arena *arena,
                               char path[QN_PATH_MAX], quern_error *err)
{
    char folder[QN_PATH_MAX];
    qn_object object;
    quern_status status = qn_store_find(store, QN_MODELS, name, arena, &object, err);
    if (status != QUERN_OK)
        status = qn_store_find(store, QN_RUNS, name, arena, &object, err);
    QN_TRY(status);
    QN_TRY(qn_store_path(store, object.kind, "", object.id, folder, err));
    return qn_path_format(path, err, "%s/model.onnx", folder);
}

static quern_status resolve(const qn_store *store, enum takes takes, qn_args *args,
                            int i, quern_error *err)
{
    char path[QN_PATH_MAX];
    const char **word = &args->operands[i];
    if (takes == TAKES_DATA)
        QN_TRY(find_data(store, *word, &args->arena, path, err));
    else
        QN_TRY(find_model(store, *word, &args->arena, path, err));
    return qn_arena_text(&args->arena, path, strlen(path), word, err);
}

void qn_place_resolve(qn_args *args)
{
    qn_store store;
    quern_error err;
    bool is_open = false;
    for (int i = 0; i < args->n_operands; i++) {
        const char *word = args->operands[i];
        const enum takes takes = what_is(args->command->operands, i);
        if (takes == TAKES_NOTHING || strchr(word, '/') || !strcmp(word, "-") ||
            qn_path_look(word) != QN_PATH_ABSENT)
            continue;
        if (!is_open &&
            qn_place_open(&store, args->arena.mem, false, &err) != QUERN_OK) {
            qn_say("the store is left alone: %s", QN_CLEAN(err.text));
            return;
        }
        is_open = true; /* what it does not have is a path that is not there */
        if (store.is_there) (void)resolve(&store, takes, args, i, NULL);
    }
}
