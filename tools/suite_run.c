/* SPDX-License-Identifier: Apache-2.0 */
/* tools/suite_run.c - runs one backend test: opens its model, feeds every data set,
 * compares every output.  ONNX says: rtol 1e-3, atol 1e-7; the light DenseNet 2e-3. */
#include "tools/suite.h"

#include "formats/files.h"

#include <string.h>

typedef struct runner {
    const qn_suite_test *test;
    const qn_suite_options *opt;
    qn_arena *arena;
    quern_model *model;
    quern_session *session;
} runner;

static quern_status open_all(runner *r, quern_error *err)
{
    QN_TRY(quern_model_open(r->test->model, &r->opt->model, &r->model, err));
    return quern_session_create(r->model, &r->opt->session, &r->session, err);
}

/* Output i of the session against a file. */
static quern_status check_output(runner *r, int i, const char *path, qn_tolerance tol,
                                 quern_error *err)
{
    quern_info info;
    qn_tensor got, want;
    if (!quern_model_output(r->model, i, &info))
        return qn_fail(err, QUERN_DATA, "the test has output %d, the model has %d", i,
                       quern_model_n_outputs(r->model));
    QN_TRY(qn_value_load(r->arena, path, &info, &want, err));
    QN_TRY(qn_value_output(r->session, i, r->arena, &got, err));
    if (qn_value_agrees(&got, &want, tol, NULL, err)) return QUERN_OK;
    qn_within(err, "output '%s'", info.name);
    return QUERN_DATA;
}

/* Checks output 0, 1, ... as long as there are files; base has room for a number. */
static quern_status check_outputs(runner *r, const char *base, qn_tolerance tol,
                                  quern_error *err)
{
    char path[QN_PATH_MAX];
    int i = 0;
    for (;; i++) {
        QN_TRY(qn_path_format(path, err, "%s%d.pb", base, i));
        if (!qn_file_is_there(path)) break;
        QN_TRY(check_output(r, i, path, tol, err));
    }
    if (i == 0) return qn_fail(err, QUERN_IO, "the test has no outputs to compare");
    return QUERN_OK;
}

/* Input files count the inputs of the model in their order; inputs that have a default
 * (an initializer) come without a file. */
static quern_status run_set(runner *r, const char *set, quern_error *err)
{
    char path[QN_PATH_MAX];
    quern_info info;
    for (int i = 0; quern_model_input(r->model, i, &info); i++) {
        qn_tensor value;
        QN_TRY(qn_path_format(path, err, "%s/input_%d.pb", set, i));
        if (!qn_file_is_there(path)) break;
        QN_TRY(qn_value_load(r->arena, path, &info, &value, err));
        QN_TRY(qn_value_bind(r->session, i, &value, err));
    }
    QN_TRY(quern_run(r->session, err));
    QN_TRY(qn_path_format(path, err, "%s/output_", set));
    return check_outputs(r, path, r->opt->tol, err);
}

static quern_status run_sets(runner *r, quern_error *err)
{
    const char *const *names;
    char set[QN_PATH_MAX];
    int n;
    QN_TRY(qn_dir_list(r->test->folder, r->arena, &names, &n, err));
    for (int i = 0; i < n; i++) {
        if (strncmp(names[i], "test_data_set_", 14) != 0) continue;
        QN_TRY(qn_path_format(set, err, "%s/%s", r->test->folder, names[i]));
        QN_TRY(run_set(r, set, err));
    }
    return QUERN_OK;
}

static quern_status run_light(runner *r, quern_error *err)
{
    char base[QN_PATH_MAX];
    qn_tolerance tol = r->opt->tol;
    quern_info info;
    for (int i = 0; quern_model_input(r->model, i, &info); i++) {
        qn_tensor value;
        QN_TRY(qn_value_zeros(r->arena, &info, NULL, &value, err));
        const int64_t n = qn_tensor_count(&value);
        for (int64_t k = 0; k < n; k++)
            qn_set_real(&value, k, (double)k / (double)n);
        QN_TRY(qn_value_bind(r->session, i, &value, err));
    }
    QN_TRY(quern_run(r->session, err));
    if (strstr(r->test->name, "densenet121") && tol.rtol < 2e-3) tol.rtol = 2e-3;
    const int n = (int)strlen(r->test->model) - 5; /* without .onnx */
    QN_TRY(qn_path_format(base, err, "%.*s_output_", n, r->test->model));
    return check_outputs(r, base, tol, err);
}

/* The reader knows the test: its model's path need not lead every sentence. */
static void drop_path(const char *path, quern_error *err)
{
    const size_t n = strlen(path);
    if (!strncmp(err->text, path, n) && !strncmp(err->text + n, ": ", 2))
        memmove(err->text, err->text + n + 2, strlen(err->text + n + 2) + 1);
}

quern_status qn_suite_run(const qn_suite_test *test, const qn_suite_options *opt,
                          quern_error *err)
{
    qn_mem mem;
    qn_arena arena;
    runner r = {.test = test, .opt = opt, .arena = &arena};
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    quern_status status = open_all(&r, err);
    if (status == QUERN_OK)
        status = test->folder ? run_sets(&r, err) : run_light(&r, err);
    if (status != QUERN_OK) drop_path(test->model, err);
    quern_session_free(r.session);
    quern_model_free(r.model);
    qn_arena_done(&arena);
    return status;
}
