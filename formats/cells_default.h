/* SPDX-License-Identifier: Apache-2.0 */
/* formats/cells_default.h - the network for cells that is in every quern: an ONNX
 * model, its weights of 16 bits, for cells of 17 pixels.  docs/CELLS_MODEL.md says how
 * it came to be and how good it is. */
#ifndef QN_FORMATS_CELLS_DEFAULT_H
#define QN_FORMATS_CELLS_DEFAULT_H

#include <stddef.h>

#define QN_CELLS_DEFAULT_DIAMETER 17.0 /* pixels */

/* The bytes of formats/cells_default.onnx, aligned to 64; *n: how many. */
const void *qn_cells_default(size_t *n);

#endif
