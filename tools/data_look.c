/* SPDX-License-Identifier: Apache-2.0 */
/* tools/data_look.c - see data_look.h. */
#include "tools/data_look.h"

#include "engine/pool.h"
#include "tools/scratch.h"
#include "tools/term.h"

static int step(void *ctx, int64_t done)
{
    qn_data_look *look = ctx;
    qn_progress_step(&look->progress, done);
    return qn_interrupted(NULL);
}

static quern_status read_all(qn_data_look *look, quern_error *err)
{
    const qn_args *args = look->args;
    const qn_survey_watch watch = {
        .step = step, .ctx = look, .cancel = qn_interrupted, .sketches = true};
    quern_pool *pool;
    QN_TRY(quern_pool_create((int)qn_arg_int(args, "threads"), &pool, err));
    qn_progress_begin(&look->progress, "pictures", look->set->n,
                      qn_arg_flag(args, "quiet"));
    const quern_status status =
        qn_dataset_survey(look->set, pool, &watch, &look->arena, &look->survey, err);
    qn_progress_end(&look->progress);
    quern_pool_free(pool);
    look->is_read = status == QUERN_OK;
    return status;
}

static quern_status look_and_tell(qn_data_look *look, bool reads, qn_data_tell *tell,
                                  int *code, quern_error *err)
{
    const qn_args *args = look->args;
    if (reads)
        QN_TRY(qn_data_open(args, &look->mem, args->operands[0],
                            qn_arg_text(args, "format"), &look->set, err));
    else
        QN_TRY(qn_data_open_table(args, &look->mem, &look->set, err));
    if (reads) QN_TRY(read_all(look, err));
    return tell(look, code, err);
}

int qn_data_look_at(const qn_args *args, bool reads, qn_data_tell *tell)
{
    qn_data_look look = {.args = args};
    quern_error err;
    int code = 0;
    if (args->n_operands != 1) return qn_usage(args, "needs one data set");
    qn_interrupt_install();
    qn_mem_init(&look.mem, NULL, 0);
    qn_arena_init(&look.arena, &look.mem);
    if (look_and_tell(&look, reads, tell, &code, &err) != QUERN_OK)
        code = qn_report(NULL, &err);
    qn_dataset_close(look.set);
    qn_arena_done(&look.arena);
    return code;
}

void qn_json_twins(qn_json *j, const char *key, const qn_dataset *set,
                   const qn_twin *pairs, int64_t n)
{
    char room[QN_ITEM_TEXT];
    qn_json_array(j, key);
    for (int64_t i = 0; i < n; i++) {
        qn_json_array(j, NULL);
        qn_json_text(j, NULL, qn_item_name(set, pairs[i].a, room));
        qn_json_text(j, NULL, qn_item_name(set, pairs[i].b, room));
        qn_json_close(j);
    }
    qn_json_close(j);
}

void qn_json_rejects(qn_json *j, const qn_dataset *set)
{
    qn_json_array(j, "rejects");
    for (int i = 0; i < set->n_rejects; i++) {
        qn_json_object(j, NULL);
        qn_json_text(j, "item", set->rejects[i].item);
        qn_json_text(j, "reason", set->rejects[i].reason);
        qn_json_close(j);
    }
    qn_json_close(j);
}
