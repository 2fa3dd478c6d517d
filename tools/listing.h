/* SPDX-License-Identifier: Apache-2.0 */
/* tools/listing.h - a data set of files written as a CSV manifest: path, label, split,
 * group, weight and its other columns; of any other set as a list of its items by name:
 * set, item, label, split.  The pictures stay where they are. */
#ifndef QN_TOOLS_LISTING_H
#define QN_TOOLS_LISTING_H

#include "formats/dataset.h"

/* To path, or stdout for "-".  A manifest may only name files below its own folder (or
 * absolute ones): it has to lie in the folder of the pictures or above it.  leave_out:
 * [n], 1: not this item; or NULL. */
quern_status qn_listing_write(const qn_dataset *set, const char *path,
                              const uint8_t *leave_out, qn_mem *mem, quern_error *err);

#endif
