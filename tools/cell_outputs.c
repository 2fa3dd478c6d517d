/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cell_outputs.c - see cell_outputs.h. */
#include "tools/cell_outputs.h"

#include "formats/files.h"
#include "tools/cells_report.h"

#include <stdio.h>
#include <string.h>

static const qn_cell_output outputs[] = {
#define QN_CELL_OUTPUT(name, suffix, write, help) {#name, suffix, help, write},
#include "tools/cell_outputs.def"
#undef QN_CELL_OUTPUT
};
enum { N_OUTPUTS = sizeof outputs / sizeof *outputs };

const qn_cell_output *qn_cell_output_at(int i)
{
    return i >= 0 && i < N_OUTPUTS ? &outputs[i] : NULL;
}

static int find(const char *name)
{
    for (int i = 0; i < N_OUTPUTS; i++)
        if (strcmp(outputs[i].name, name) == 0) return i;
    return -1;
}

quern_status qn_cell_outputs_parse(const char *list,
                                   bool (*other)(void *ctx, const char *name),
                                   void *ctx, uint32_t *set, quern_error *err)
{
    *set = 0;
    while (*list) {
        char name[32];
        const size_t n = strcspn(list, ",");
        snprintf(name, sizeof name, "%.*s", (int)(n < 31 ? n : 31), list);
        list += n + (list[n] == ',');
        const int i = find(name);
        if (i >= 0)
            *set |= 1u << i;
        else if (strcmp(name, "all") == 0)
            *set |= (1u << N_OUTPUTS) - 1;
        if (i >= 0 || n == 0) continue;
        if (other && other(ctx, name)) continue;
        if (strcmp(name, "all") != 0)
            return qn_fail(err, QUERN_INVALID,
                           "--save names '%s', which is no output of a segmentation",
                           name);
    }
    return QUERN_OK;
}

quern_status qn_cell_output_save(const qn_cell_output *kind, const qn_cells_out *c,
                                 const char *stem, char path[QN_PATH_MAX],
                                 quern_error *err)
{
    char own[QN_PATH_MAX];
    qn_buf bytes;
    if (!path) path = own;
    QN_TRY(qn_path_format(path, err, "%s%s", stem, kind->suffix));
    qn_buf_init(&bytes, c->mem);
    quern_status status = kind->write(c, &bytes, err);
    if (status != QUERN_OK)
        qn_within(err, "%s", path);
    else
        status = qn_file_save(c->mem, path, bytes.p, bytes.n, err);
    qn_buf_done(&bytes);
    return status;
}
