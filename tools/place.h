/* SPDX-License-Identifier: Apache-2.0 */
/* tools/place.h - where the store and the settings of this user are, and names of the
 * store where a command takes a path.
 *
 * QUERN_HOME=DIR puts everything under one folder.  Else the XDG base directories hold:
 * $XDG_DATA_HOME/quern (~/.local/share/quern) and $XDG_CONFIG_HOME/quern
 * (~/.config/quern).  The library reads no environment; this file does. */
#ifndef QN_TOOLS_PLACE_H
#define QN_TOOLS_PLACE_H

#include "formats/store.h"
#include "tools/options.h"
#include "tools/sandbox.h"

typedef struct qn_place {
    char data[QN_PATH_MAX];     /* the root of the store */
    char settings[QN_PATH_MAX]; /* settings.json */
} qn_place;

quern_status qn_place_find(qn_place *place, quern_error *err);
/* Opens this user's store; with make, it is made when there is none. */
quern_status qn_place_open(qn_store *store, qn_mem *mem, bool make, quern_error *err);

/* Lets a command change the store and the settings: makes their folders where they
 * lack, for this user only. */
void qn_place_allow(qn_outputs *outputs);
/* Operands that are no paths but names of stored data sets (where the command takes
 * DATA or SRC), models or runs (where it takes MODEL) become the paths of those. */
void qn_place_resolve(qn_args *args);

#endif
