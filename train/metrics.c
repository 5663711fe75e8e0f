/* metrics.c - logs that agree with the checkpoint beside them. */
#include "metrics.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tensorboard.h"

static const struct {
    const char *name;
    size_t at;
    const char *tag; /* what TensorBoard files it under; NULL: it is told nothing of it */
} fields[] = {{"train_loss", offsetof(metrics, train_loss), "loss/train"},
              {"train_acc", offsetof(metrics, train_acc), "accuracy/train"},
              {"val_loss", offsetof(metrics, val_loss), "loss/validation"},
              {"val_acc", offsetof(metrics, val_acc), "accuracy/validation"},
              {"test_loss", offsetof(metrics, test_loss), "loss/test"},
              {"test_acc", offsetof(metrics, test_acc), "accuracy/test"},
              {"tta_acc", offsetof(metrics, tta_acc), "accuracy/test_augmented"},
              {"lr", offsetof(metrics, lr), "lr"},
              {"seconds", offsetof(metrics, seconds), NULL},
              {"img_per_s", offsetof(metrics, img_per_s), "img_per_s"},
              {"wait_share", offsetof(metrics, wait_share), NULL},
              {"start_seconds", offsetof(metrics, start_seconds), NULL}};
enum { FIELDS = sizeof fields / sizeof fields[0] };

static double value_of(const metrics *m, int field) {
    return *(const double *)((const char *)m + fields[field].at);
}

static const char *path_of(const run_dir *run, int form) {
    return form == METRICS_JSONL ? run->metrics : form == METRICS_CSV ? run->csv : run->events;
}

static tc_status fail_io(const char *path) {
    return tc_fail(TC_ERR_IO, "%s: %s", path, strerror(errno));
}

/* ---- What there is ------------------------------------------------------------------------------------- */

/* Leaves the file behind its first `lines` lines; false where there are fewer. */
static bool skip_lines(FILE *file, int64_t lines) {
    for (int c; lines > 0 && (c = getc(file)) != EOF;) lines -= c == '\n';
    return lines == 0;
}

/* Leaves the file behind what belongs to `epochs` epochs. */
static bool skip_epochs(FILE *file, int form, int64_t epochs) {
    return form == METRICS_TENSORBOARD ? tensorboard_skip(file, epochs + 1)
                                       : skip_lines(file, epochs + (form == METRICS_CSV));
}

static void write_head(FILE *file, int form) {
    if (form == METRICS_TENSORBOARD) tensorboard_begin(file, (double)time(NULL));
    if (form != METRICS_CSV) return;
    fputs("epoch,step", file);
    for (int i = 0; i < FIELDS; i++) fprintf(file, ",%s", fields[i].name);
    fputc('\n', file);
}

static tc_status open_log(const char *path, int form, int64_t epochs, FILE **file) {
    *file = fopen(path, epochs ? "r+" : "w");
    if (!*file) return fail_io(path);
    if (!epochs) {
        write_head(*file, form);
        return TC_OK;
    }
    bool whole = skip_epochs(*file, form, epochs);
    if (ferror(*file)) return fail_io(path);
    if (!whole)
        return tc_fail(TC_ERR_FORMAT,
                       "%s: holds fewer epochs than the %lld after which the checkpoint was made", path,
                       (long long)epochs);
    long offset = ftell(*file);
    return offset < 0 || ftruncate(fileno(*file), offset) || fseek(*file, offset, SEEK_SET) ? fail_io(path)
                                                                                            : TC_OK;
}

tc_status metrics_open(const run_dir *run, bool csv, bool tensorboard, int64_t epochs, metrics_log *log) {
    const bool wanted[METRICS_FORMS] = {true, csv, tensorboard};
    log->run = run;
    for (int form = 0; form < METRICS_FORMS; form++)
        if (wanted[form]) TC_TRY(open_log(path_of(run, form), form, epochs, &log->files[form]));
    return TC_OK;
}

void metrics_close(metrics_log *log) {
    for (int form = 0; form < METRICS_FORMS; form++)
        if (log->files[form]) fclose(log->files[form]);
    *log = (metrics_log){0};
}

/* ---- An epoch ------------------------------------------------------------------------------------------ */

/* JSON knows no NaN and no infinity. */
static void write_jsonl(FILE *file, const metrics *m) {
    fprintf(file, "{\"epoch\": %lld, \"step\": %lld", (long long)m->epoch, (long long)m->step);
    for (int i = 0; i < FIELDS; i++) {
        if (isfinite(value_of(m, i)))
            fprintf(file, ", \"%s\": %.9g", fields[i].name, value_of(m, i));
        else
            fprintf(file, ", \"%s\": null", fields[i].name);
    }
    fputs("}\n", file);
}

static void write_csv(FILE *file, const metrics *m) {
    fprintf(file, "%lld,%lld", (long long)m->epoch, (long long)m->step);
    for (int i = 0; i < FIELDS; i++) {
        fputc(',', file);
        if (isfinite(value_of(m, i))) fprintf(file, "%.9g", value_of(m, i));
    }
    fputc('\n', file);
}

static void write_tensorboard(FILE *file, const metrics *m) {
    tensorboard_scalar scalars[FIELDS];
    int count = 0;
    for (int i = 0; i < FIELDS; i++)
        if (fields[i].tag && isfinite(value_of(m, i)))
            scalars[count++] = (tensorboard_scalar){fields[i].tag, (float)value_of(m, i)};
    tensorboard_append(file, (double)time(NULL), m->step, scalars, count);
}

tc_status metrics_append(metrics_log *log, const metrics *m) {
    static void (*const write[METRICS_FORMS])(FILE *, const metrics *) = {write_jsonl, write_csv,
                                                                          write_tensorboard};
    for (int form = 0; form < METRICS_FORMS; form++) {
        FILE *file = log->files[form];
        const char *path = path_of(log->run, form);
        if (!file) continue;
        write[form](file, m);
        if (fflush(file) || ferror(file)) return fail_io(path);
        /* Some files (a pipe, /dev/stdout) cannot be synced; there the flush is all there is. */
        if (fsync(fileno(file)) && errno != EINVAL && errno != EROFS) return fail_io(path);
    }
    return TC_OK;
}
