/* SPDX-License-Identifier: Apache-2.0 */
/* engine/error.c - statuses, their texts, and the sentence of an error. */
#include "engine/error.h"
#include "engine/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#undef qn_fail /* what the analyser sees, see error.h */
quern_status qn_fail(quern_error *err, quern_status status, const char *format, ...)
{
    if (!err) return status;
    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    qn_utf8_escape(err->text, sizeof err->text);
    err->status = status;
    return status;
}

void qn_within(quern_error *err, const char *format, ...)
{
    if (!err) return;
    char place[sizeof err->text];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(place, sizeof place - 3, format, args);
    va_end(args);
    if (n < 0) return;
    size_t used = strlen(place);
    memcpy(place + used, ": ", 3);
    used += 2;
    if (strncmp(err->text, place, used) == 0) return; /* said already, further in */
    size_t room = sizeof place - 1 - used, left = strlen(err->text);
    if (left > room) left = room;
    memcpy(place + used, err->text, left);
    place[used + left] = 0;
    memcpy(err->text, place, used + left + 1);
    qn_utf8_escape(err->text, sizeof err->text);
}

const char *quern_status_text(quern_status status)
{
    static const char *const texts[] = {
#define X(name, exit_code, text) [QUERN_##name] = text,
        QUERN_STATUS_MAP(X)
#undef X
    };
    size_t i = (size_t)status;
    return i < sizeof texts / sizeof texts[0] ? texts[i] : "unknown status";
}

int quern_status_exit_code(quern_status status)
{
    static const int codes[] = {
#define X(name, exit_code, text) [QUERN_##name] = exit_code,
        QUERN_STATUS_MAP(X)
#undef X
    };
    size_t i = (size_t)status;
    return i < sizeof codes / sizeof codes[0] ? codes[i] : 1;
}

const char *quern_version(void)
{
    return QUERN_VERSION;
}
