/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmd_data_stats.c - quern data stats: how many of what, and what pictures are
 * like on average. */
#include "formats/names.h"
#include "tools/data_look.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const qn_option qn_data_stats_options[] = {
    QN_OPTION_DATA_FORMAT,
    QN_OPTION_LIMIT,
    {"read", 'r', QN_OPT_FLAG, NULL, NULL,
     "read every picture: sizes, mean and deviation of each channel"},
    QN_OPTION_THREADS,
    QN_OPTION_JSON,
    QN_OPTION_QUIET,
    QN_OPTIONS_END,
};

const char qn_data_stats_about[] =
    "Counts items by class, split, group and by the texts of each further column.  "
    "With\n"
    "--read every picture is opened, too: sizes, and the mean and standard deviation "
    "of\n"
    "each channel on the scale 0 to 1, as training normalises by.\n"
    "\n"
    "  quern data stats patients.csv\n"
    "  quern data stats flowers/ --read --json\n";

enum { SHOWN = 5 }; /* texts of a column, the most frequent */

/* A text of a column and how often it occurs. */
typedef struct share {
    const char *text;
    int64_t n;
} share;

typedef struct column_stats {
    int64_t n_filled, n_texts;
    share most[SHOWN];
} column_stats;

typedef struct stats {
    int64_t in_split[4];
    int64_t *in_class;   /* [n_classes] */
    int64_t least, most; /* of in_class */
    int64_t in_largest_group;
    column_stats *columns; /* [n_columns] */
    int channels;          /* whose mean is known */
    double mean[3], deviation[3];
    int size[3][2]; /* least, median, most: height, width */
} stats;

/* ---- counting ---- */

static quern_status count_items(qn_data_look *look, stats *s, quern_error *err)
{
    const qn_dataset *set = look->set;
    void *room, *groups;
    QN_TRY(qn_arena_array(&look->arena, (size_t)set->n_classes, sizeof(int64_t), &room,
                          err));
    QN_TRY(qn_arena_array(&look->arena, (size_t)set->n_groups, sizeof(int64_t), &groups,
                          err));
    s->in_class = room;
    int64_t *in_group = groups;
    for (int64_t i = 0; i < set->n; i++) {
        s->in_split[set->split[i]]++;
        if (set->label[i] >= 0) s->in_class[set->label[i]]++;
        if (set->group && set->group[i] >= 0 &&
            ++in_group[set->group[i]] > s->in_largest_group)
            s->in_largest_group = in_group[set->group[i]];
    }
    for (int c = 0; c < set->n_classes; c++) {
        if (c == 0 || s->in_class[c] < s->least) s->least = s->in_class[c];
        if (s->in_class[c] > s->most) s->most = s->in_class[c];
    }
    return QUERN_OK;
}

static void keep_most(column_stats *c, const char *text, int64_t n)
{
    for (int k = 0; k < SHOWN; k++)
        if (n > c->most[k].n) {
            memmove(c->most + k + 1, c->most + k,
                    (size_t)(SHOWN - 1 - k) * sizeof *c->most);
            c->most[k] = (share){text, n};
            return;
        }
}

static quern_status count_texts(const qn_dataset *set, const qn_column *column,
                                qn_arena *arena, column_stats *out, quern_error *err)
{
    qn_names names = {.arena = arena};
    void *room;
    QN_TRY(qn_arena_array(arena, (size_t)set->n, sizeof(int64_t), &room, err));
    int64_t *n = room;
    for (int64_t i = 0; i < set->n; i++) {
        int64_t index;
        if (!column->text[i] || !column->text[i][0]) continue;
        QN_TRY(qn_names_keep(&names, column->text[i], &index, err));
        n[index]++;
        out->n_filled++;
    }
    out->n_texts = names.n;
    for (int64_t k = 0; k < names.n; k++)
        keep_most(out, names.text[k], n[k]);
    return QUERN_OK;
}

static quern_status count_columns(qn_data_look *look, stats *s, quern_error *err)
{
    const qn_dataset *set = look->set;
    void *room;
    QN_TRY(qn_arena_array(&look->arena, (size_t)set->n_columns, sizeof *s->columns,
                          &room, err));
    s->columns = room;
    quern_status status = QUERN_OK;
    for (int c = 0; status == QUERN_OK && c < set->n_columns; c++) {
        qn_arena scratch; /* the tables of one column need not outlive it */
        qn_arena_init(&scratch, &look->mem);
        status = count_texts(set, &set->columns[c], &scratch, &s->columns[c], err);
        qn_arena_done(&scratch);
    }
    return status;
}

/* ---- pictures ---- */

static int by_number(const void *a, const void *b)
{
    const int x = *(const int *)a, y = *(const int *)b;
    return x < y ? -1 : x > y;
}

static quern_status find_sizes(qn_data_look *look, stats *s, quern_error *err)
{
    const qn_survey *v = &look->survey;
    void *room;
    QN_TRY(qn_arena_array(&look->arena, (size_t)look->set->n, sizeof(int), &room, err));
    int *side = room;
    for (int d = 0; d < 2; d++) {
        int64_t n = 0;
        for (int64_t i = 0; i < look->set->n; i++)
            if (v->is_good[i]) side[n++] = v->look[i].size[d];
        if (!n) return QUERN_OK;
        qsort(side, (size_t)n, sizeof *side, by_number);
        s->size[0][d] = side[0];
        s->size[1][d] = side[n / 2];
        s->size[2][d] = side[n - 1];
    }
    return QUERN_OK;
}

/* Sums of 8-bit values are exact in 64 bits up to 2^48 pixels. */
static void find_means(const qn_data_look *look, stats *s)
{
    const qn_survey *v = &look->survey;
    if (v->n_good == 0 || v->least[2] != v->most[2]) return;
    s->channels = v->least[2] < 3 ? v->least[2] : 3;
    for (int k = 0; k < s->channels; k++) {
        uint64_t sum = 0, power = 0;
        double n = 0;
        for (int64_t i = 0; i < look->set->n; i++) {
            const qn_look *l = &v->look[i];
            if (!v->is_good[i]) continue;
            sum += l->sum[k];
            power += l->power[k];
            n += (double)l->size[0] * l->size[1];
        }
        const double mean = (double)sum / n;
        s->mean[k] = mean / 255;
        s->deviation[k] = sqrt(fmax(0, (double)power / n - mean * mean)) / 255;
    }
}

/* ---- telling ---- */

static void put_reals(qn_json *j, const char *key, const double *v, int n)
{
    qn_json_array(j, key);
    for (int k = 0; k < n; k++)
        qn_json_real(j, NULL, v[k]);
    qn_json_close(j);
}

static void put_pictures(qn_json *j, const stats *s, const qn_survey *v)
{
    static const char *const keys[] = {"least", "median", "most"};
    qn_json_int(j, "readable", v->n_good);
    qn_json_object(j, "size");
    for (int k = 0; k < 3; k++) {
        qn_json_array(j, keys[k]);
        qn_json_int(j, NULL, s->size[k][0]);
        qn_json_int(j, NULL, s->size[k][1]);
        qn_json_close(j);
    }
    qn_json_close(j);
    put_reals(j, "mean", s->mean, s->channels);
    put_reals(j, "std", s->deviation, s->channels);
}

static void put_columns(qn_json *j, const qn_dataset *set, const stats *s)
{
    qn_json_array(j, "columns");
    for (int c = 0; c < set->n_columns; c++) {
        qn_json_object(j, NULL);
        qn_json_text(j, "name", set->columns[c].name);
        qn_json_int(j, "filled", s->columns[c].n_filled);
        qn_json_int(j, "different", s->columns[c].n_texts);
        qn_json_object(j, "most");
        for (int k = 0; k < SHOWN && s->columns[c].most[k].n; k++)
            qn_json_int(j, s->columns[c].most[k].text, s->columns[c].most[k].n);
        qn_json_close(j);
        qn_json_close(j);
    }
    qn_json_close(j);
}

static quern_status tell_json(qn_data_look *look, const stats *s, quern_error *err)
{
    const qn_dataset *set = look->set;
    qn_buf out;
    qn_json j;
    qn_buf_init(&out, &look->mem);
    qn_json_begin(&j, &out);
    qn_json_text(&j, "data", set->path);
    qn_json_int(&j, "items", set->n);
    qn_json_int(&j, "missing", set->n_missing);
    qn_json_int(&j, "refused", set->n_rejects);
    qn_json_object(&j, "splits");
    for (int k = 0; k < 4; k++)
        if (s->in_split[k]) qn_json_int(&j, qn_split_key((qn_split)k), s->in_split[k]);
    qn_json_close(&j);
    qn_json_object(&j, "classes");
    for (int c = 0; c < set->n_classes; c++)
        qn_json_int(&j, set->classes[c], s->in_class[c]);
    qn_json_close(&j);
    qn_json_real(&j, "imbalance", s->least ? (double)s->most / (double)s->least : NAN);
    qn_json_int(&j, "groups", set->n_groups);
    qn_json_int(&j, "largest_group", s->in_largest_group);
    put_columns(&j, set, s);
    if (look->is_read) put_pictures(&j, s, &look->survey);
    qn_json_end(&j);
    return qn_out_give(&out, err);
}

static void print_columns(const qn_dataset *set, const stats *s)
{
    for (int c = 0; c < set->n_columns; c++) {
        const column_stats *k = &s->columns[c];
        printf("%s: %s filled, %s different:", QN_CLEAN(set->columns[c].name),
               QN_COUNT(k->n_filled), QN_COUNT(k->n_texts));
        for (int i = 0; i < SHOWN && k->most[i].n; i++)
            printf("%s %s (%s)", i ? "," : "", QN_CLEAN(k->most[i].text),
                   QN_COUNT(k->most[i].n));
        printf("\n");
    }
}

static void print_pictures(const stats *s)
{
    printf("sizes (width x height): least %d x %d, median %d x %d, most %d x %d\n",
           s->size[0][1], s->size[0][0], s->size[1][1], s->size[1][0], s->size[2][1],
           s->size[2][0]);
    for (int k = 0; k < s->channels; k++)
        printf("channel %d: mean %.4f, deviation %.4f\n", k, s->mean[k],
               s->deviation[k]);
}

static void tell_people(const qn_data_look *look, const stats *s)
{
    const qn_dataset *set = look->set;
    printf("%s items, %d classes of %s to %s", QN_COUNT(set->n), set->n_classes,
           QN_COUNT(s->least), QN_COUNT(s->most));
    for (int k = 0; k < 4; k++)
        if (s->in_split[k])
            printf(", %s %s", QN_COUNT(s->in_split[k]), qn_split_key((qn_split)k));
    printf("\n");
    if (set->n_missing) printf("%s files are missing\n", QN_COUNT(set->n_missing));
    if (set->n_rejects) printf("%s items are refused\n", QN_COUNT(set->n_rejects));
    if (set->n_groups)
        printf("%s groups, the largest of %s\n", QN_COUNT(set->n_groups),
               QN_COUNT(s->in_largest_group));
    for (int c = 0; c < set->n_classes && set->n_classes <= 40; c++)
        printf("%10s  %s\n", QN_COUNT(s->in_class[c]), QN_CLEAN(set->classes[c]));
    print_columns(set, s);
    if (look->is_read) print_pictures(s);
}

static quern_status tell(qn_data_look *look, int *code, quern_error *err)
{
    stats s = {0};
    (void)code;
    QN_TRY(count_items(look, &s, err));
    QN_TRY(count_columns(look, &s, err));
    if (look->is_read) {
        QN_TRY(find_sizes(look, &s, err));
        find_means(look, &s);
    }
    if (qn_arg_flag(look->args, "json")) return tell_json(look, &s, err);
    tell_people(look, &s);
    return QUERN_OK;
}

int qn_cmd_data_stats(const qn_args *args)
{
    return qn_data_look_at(args, qn_arg_flag(args, "read"), tell);
}
