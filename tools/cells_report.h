/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cells_report.h - what a segmentation found, as one page to look through: the
 * picture with its outlines, counts, histograms, and the cells that are least like what
 * the network saw, worst first. */
#ifndef QN_TOOLS_CELLS_REPORT_H
#define QN_TOOLS_CELLS_REPORT_H

#include "formats/cells_out.h"

qn_cells_write_fn qn_cells_report;

#endif
