/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cell_outputs.h - the kinds of files that `quern segment --save` writes of a
 * picture (cell_outputs.def), by name. */
#ifndef QN_TOOLS_CELL_OUTPUTS_H
#define QN_TOOLS_CELL_OUTPUTS_H

#include "engine/os.h"
#include "formats/cells_out.h"

typedef struct qn_cell_output {
    const char *name, *suffix, *help;
    qn_cells_write_fn *write;
} qn_cell_output;

/* Row i of the table; NULL behind the last. */
const qn_cell_output *qn_cell_output_at(int i);
/* "csv,roi" or "all" as a set: bit i is row i.  Names that the table lacks are given to
 * other, if there is one; where it says no, the list fails with QUERN_INVALID. */
quern_status qn_cell_outputs_parse(const char *list,
                                   bool (*other)(void *ctx, const char *name),
                                   void *ctx, uint32_t *set, quern_error *err);
/* Writes "STEM<suffix>", as a whole or not at all; path, if not NULL, says where. */
quern_status qn_cell_output_save(const qn_cell_output *kind, const qn_cells_out *c,
                                 const char *stem, char path[QN_PATH_MAX],
                                 quern_error *err);

#endif
