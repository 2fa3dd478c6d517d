/* SPDX-License-Identifier: Apache-2.0 */
/* tools/segment_list.c - see segment_list.h. */
#include "tools/segment_list.h"

#include "formats/files.h"
#include "formats/names.h"
#include "tools/cell_outputs.h"
#include "tools/segment_save.h"

#include <string.h>

const char *const qn_segment_pictures[] = {".png", ".tif", ".tiff", ".jpg", ".jpeg",
                                           ".bmp", ".pgm", ".ppm",  ".pnm", NULL};
const char *const qn_segment_raws[] = {QN_SEGMENT_RAW, NULL};

typedef struct gathering {
    qn_arena *arena;
    const char *const *ends;
    qn_buf items; /* qn_segment_item each */
    qn_names stems;
} gathering;

static bool ends_like(const char *name, const char *const *ends)
{
    for (int i = 0; ends[i]; i++)
        if (qn_ends_with(name, ends[i])) return true;
    return false;
}

static bool is_output(const char *name)
{
    static const char *const masks[] = {"_masks.png", "_masks.tif", NULL};
    const qn_cell_output *o;
    for (int i = 0; (o = qn_cell_output_at(i)) != NULL; i++)
        if (qn_ends_with(name, o->suffix)) return true;
    return ends_like(name, masks);
}

/* The name without its ending; where that is taken, the whole name. */
static quern_status stem_of(gathering *g, const char *path, const char **out,
                            quern_error *err)
{
    const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    const char *dot = strrchr(name, '.');
    size_t n = dot && dot > name ? (size_t)(dot - name) : strlen(name);
    const int64_t before = g->stems.n;
    int64_t at;
    if (g->ends == qn_segment_raws && qn_ends_with(name, QN_SEGMENT_RAW))
        n = strlen(name) - strlen(QN_SEGMENT_RAW);
    QN_TRY(qn_names_add(&g->stems, name, n, &at, err));
    if (at != before) QN_TRY(qn_names_add(&g->stems, name, strlen(name), &at, err));
    if (at != before)
        return qn_fail(err, QUERN_INVALID,
                       "two pictures are called '%s': their outputs would be one",
                       name);
    *out = g->stems.text[at];
    return QUERN_OK;
}

static quern_status add(gathering *g, const char *path, quern_error *err)
{
    qn_segment_item item;
    QN_TRY(qn_arena_text(g->arena, path, strlen(path), &item.path, err));
    QN_TRY(stem_of(g, item.path, &item.stem, err));
    qn_buf_add(&g->items, &item, sizeof item);
    return QUERN_OK;
}

static quern_status add_folder(gathering *g, const char *folder, quern_error *err)
{
    char path[QN_PATH_MAX];
    const char *const *names;
    int n;
    QN_TRY(qn_dir_list(folder, g->arena, &names, &n, err));
    for (int i = 0; i < n; i++) {
        if (!ends_like(names[i], g->ends) || is_output(names[i])) continue;
        QN_TRY(qn_path_format(path, err, "%s/%s", folder, names[i]));
        if (!qn_path_is_folder(path)) QN_TRY(add(g, path, err));
    }
    return QUERN_OK;
}

static quern_status gather(gathering *g, const char *const *operands, int n,
                           quern_error *err)
{
    for (int i = 0; i < n; i++)
        QN_TRY(qn_path_is_folder(operands[i]) ? add_folder(g, operands[i], err)
                                              : add(g, operands[i], err));
    return qn_buf_status(&g->items, err);
}

quern_status qn_segment_list_make(const char *const *operands, int n,
                                  const char *const *ends, qn_arena *arena,
                                  qn_segment_list *out, quern_error *err)
{
    gathering g = {.arena = arena, .ends = ends, .stems = {.arena = arena}};
    void *items = NULL;
    qn_buf_init(&g.items, arena->mem);
    quern_status status = gather(&g, operands, n, err);
    if (status == QUERN_OK) status = qn_arena_raw(arena, g.items.n, &items, err);
    if (status == QUERN_OK && g.items.n) memcpy(items, g.items.p, g.items.n);
    *out = (qn_segment_list){items, (int64_t)(g.items.n / sizeof(qn_segment_item))};
    qn_buf_done(&g.items);
    return status;
}
