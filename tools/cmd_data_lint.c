/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmd_data_lint.c - quern data lint: should a network learn from this? */
#include "formats/lint.h"
#include "tools/data_look.h"

const qn_option qn_data_lint_options[] = {
    QN_OPTION_DATA_FORMAT,
    QN_OPTION_LIMIT,
    {"no-read", 0, QN_OPT_FLAG, NULL, NULL,
     "look at the table only: pictures are not opened"},
    {"near", 0, QN_OPT_REAL, "D", "4",
     "how far near duplicates may differ: mean difference of brightness, 0 to 255"},
    {"strict", 0, QN_OPT_FLAG, NULL, NULL, "warnings make the exit code 1, too"},
    QN_OPTION_THREADS,
    QN_OPTION_JSON,
    QN_OPTION_QUIET,
    QN_OPTIONS_END,
};

const char qn_data_lint_about[] =
    "Looks for what spoils a training: pictures that cannot be read, the same picture "
    "or\n"
    "patient in more than one split, near duplicates, equal pictures with different\n"
    "labels, classes that are empty, few or much larger than others, mixed sizes and\n"
    "channels, blank pictures, files that EXIF turns.  Exit code 0: training may go "
    "on;\n"
    "1: there are errors.  Nothing is changed.\n"
    "\n"
    "  quern data lint flowers/\n"
    "  quern data lint patients.csv --no-read --json\n";

static const char *const severity_names[] = {"note", "warning", "error"};

static quern_status tell_json(const qn_lint *l, qn_mem *mem, int code, quern_error *err)
{
    qn_buf out;
    qn_json j;
    qn_buf_init(&out, mem);
    qn_json_begin(&j, &out);
    qn_json_text(&j, "data", l->set->path);
    qn_json_bool(&j, "ok", code == 0);
    qn_json_int(&j, "errors", l->count[QN_ERROR]);
    qn_json_int(&j, "warnings", l->count[QN_WARNING]);
    qn_json_array(&j, "findings");
    for (int i = 0; i < l->n_findings; i++) {
        const qn_finding *f = &l->findings[i];
        qn_json_object(&j, NULL);
        qn_json_text(&j, "check", f->check);
        qn_json_text(&j, "severity", severity_names[f->severity]);
        qn_json_int(&j, "count", f->count);
        qn_json_text(&j, "text", f->text);
        qn_json_array(&j, "items");
        for (int k = 0; k < 5 && f->example[k]; k++)
            qn_json_text(&j, NULL, f->example[k]);
        qn_json_close(&j);
        qn_json_close(&j);
    }
    qn_json_close(&j);
    qn_json_end(&j);
    return qn_out_give(&out, err);
}

static void tell_people(const qn_lint *l)
{
    for (int severity = QN_ERROR; severity >= QN_NOTE; severity--)
        for (int i = 0; i < l->n_findings; i++) {
            const qn_finding *f = &l->findings[i];
            if (f->severity != (qn_severity)severity) continue;
            printf("%-7s  %s  [%s]\n", severity_names[severity], QN_CLEAN(f->text),
                   f->check);
            for (int k = 0; k < 5 && f->example[k]; k++)
                printf("           %s\n", QN_CLEAN(f->example[k]));
            if (f->count > 5 && f->example[4])
                printf("           and %s more\n", QN_COUNT(f->count - 5));
        }
    printf("%s pictures: %d errors, %d warnings%s\n", QN_COUNT(l->set->n),
           l->count[QN_ERROR], l->count[QN_WARNING],
           l->count[QN_ERROR] ? "; mend the errors before training" : "");
}

static quern_status lint(qn_data_look *look, int *code, quern_error *err)
{
    qn_lint l = {.set = look->set,
                 .survey = look->is_read ? &look->survey : NULL,
                 .near = qn_arg_real(look->args, "near"),
                 .arena = &look->arena};
    QN_TRY(qn_lint_run(&l, err));
    *code =
        l.count[QN_ERROR] || (l.count[QN_WARNING] && qn_arg_flag(look->args, "strict"));
    if (qn_arg_flag(look->args, "json")) return tell_json(&l, &look->mem, *code, err);
    tell_people(&l);
    return QUERN_OK;
}

int qn_cmd_data_lint(const qn_args *args)
{
    return qn_data_look_at(args, !qn_arg_flag(args, "no-read"), lint);
}
