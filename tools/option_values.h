/* SPDX-License-Identifier: Apache-2.0 */
/* tools/option_values.h - options whose values mean the same in every command that has
 * them, so that a wrong one is a mistake of usage before anything is opened. */
#ifndef QN_TOOLS_OPTION_VALUES_H
#define QN_TOOLS_OPTION_VALUES_H

#include "engine/tensor.h"
#include "tools/command.h"

/* NULL, or what the option takes where text is none of it. */
const char *qn_option_value_lacks(const qn_option *o, const char *text);

/* "1,3,224,224", with commas or x between; into rank and dim. */
bool qn_word_shape(const char *text, qn_tensor *out);

#endif
