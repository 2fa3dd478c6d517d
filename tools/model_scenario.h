/* SPDX-License-Identifier: Apache-2.0 */
/* tools/model_scenario.h - how a network is asked while it is timed (after MLPerf
 * LoadGen): run by run, in queries of eight, by requests that come when they come, or
 * by streams side by side. */
#ifndef QN_TOOLS_MODEL_SCENARIO_H
#define QN_TOOLS_MODEL_SCENARIO_H

#include "tools/model_figures.h"

#define QN_SCENARIO_NAMES "single, multi, server or throughput"
bool qn_model_scenario_is_known(const char *name);
/* Fills the samples and stats of f, and what its scenario has besides. */
quern_status qn_model_scenario_run(qn_model_figures *f, quern_error *err);

#endif
