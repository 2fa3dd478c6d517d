/* SPDX-License-Identifier: Apache-2.0 */
/* tools/train_settings.h - the settings of a training, from one table
 * (train_settings.def): options, then config.json, then defaults. */
#ifndef QN_TOOLS_TRAIN_SETTINGS_H
#define QN_TOOLS_TRAIN_SETTINGS_H

#include "formats/json_write.h"
#include "tools/options.h"

typedef const char *qn_setting_TEXT;
typedef int64_t qn_setting_INT; /* INT64_MIN: not said */
typedef double qn_setting_REAL; /* NaN: not said */
typedef bool qn_setting_FLAG;

typedef struct qn_train_settings {
#define QN_SETTING(kind, field, option, letter, arg, otherwise, help) \
    qn_setting_##kind field;
#include "tools/train_settings.def"
#undef QN_SETTING
    const char *data; /* as given */
} qn_train_settings;

#define QN_UNSAID_INT INT64_MIN

/* From --config FILE (if given) and the options above it; texts live in the arena. */
quern_status qn_train_settings_read(qn_train_settings *s, const qn_args *args,
                                    qn_arena *arena, quern_error *err);
/* From a config.json; what the file does not say stays. */
quern_status qn_train_settings_load(qn_train_settings *s, const char *path,
                                    qn_arena *arena, quern_error *err);
/* Of the options given, those with these names (NULL ends them; NULL: all). */
quern_status qn_train_settings_change(qn_train_settings *s, const qn_args *args,
                                      const char *const *names, quern_error *err);
/* As keys of the object that is open: every setting, also the defaults. */
void qn_train_settings_json(const qn_train_settings *s, qn_json *j);

/* "500s" with units "esm": 500 and 's'; without a unit, 0.  false: no number of at
 * least 0, or another unit. */
bool qn_word_amount(const char *text, const char *units, double *n, char *unit);
/* "90s", "30m", "2h", "45" (seconds); false when it is none. */
bool qn_word_seconds(const char *text, double *out);

#endif
