/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/ref/heat_ref.c - slot heat_f64 in plain C. */
#include "kernels/kernels.h"

qn_heat_f64_fn qn_heat_f64_ref;

#define HEAT_F64 qn_heat_f64_ref
#include "kernels/tmpl/vheat.h"
