/* metrics.c - a log that agrees with the checkpoint beside it. */
#include "metrics.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

static tc_status fail_io(const char *path) {
    return tc_fail(TC_ERR_IO, "%s: %s", path, strerror(errno));
}

/* The offset behind the first `lines` lines. */
static tc_status find_line(FILE *file, const char *path, int64_t lines, long *offset) {
    int64_t found = 0;
    *offset = 0;
    for (int c; found < lines && (c = getc(file)) != EOF;) {
        (*offset)++;
        found += c == '\n';
    }
    if (ferror(file)) return fail_io(path);
    if (found < lines)
        return tc_fail(TC_ERR_FORMAT, "%s: %lld lines, the checkpoint was made after %lld", path,
                       (long long)found, (long long)lines);
    return TC_OK;
}

tc_status metrics_open(const char *path, int64_t lines, FILE **file) {
    *file = fopen(path, lines ? "r+" : "w");
    if (!*file) return fail_io(path);
    long offset = 0;
    tc_status status = lines ? find_line(*file, path, lines, &offset) : TC_OK;
    if (status == TC_OK && lines && (ftruncate(fileno(*file), offset) || fseek(*file, offset, SEEK_SET)))
        status = fail_io(path);
    if (status == TC_OK) return TC_OK;
    fclose(*file);
    *file = NULL;
    return status;
}

/* JSON knows no NaN and no infinity. */
static void put(FILE *file, const char *key, double value) {
    if (isfinite(value))
        fprintf(file, ", \"%s\": %.9g", key, value);
    else
        fprintf(file, ", \"%s\": null", key);
}

tc_status metrics_append(FILE *file, const char *path, const metrics *m) {
    fprintf(file, "{\"epoch\": %lld, \"step\": %lld", (long long)m->epoch, (long long)m->step);
    put(file, "train_loss", m->train_loss);
    put(file, "train_acc", m->train_acc);
    put(file, "val_loss", m->val_loss);
    put(file, "val_acc", m->val_acc);
    put(file, "test_loss", m->test_loss);
    put(file, "test_acc", m->test_acc);
    put(file, "tta_acc", m->tta_acc);
    put(file, "lr", m->lr);
    put(file, "seconds", m->seconds);
    put(file, "img_per_s", m->img_per_s);
    put(file, "wait_share", m->wait_share);
    put(file, "start_seconds", m->start_seconds);
    fputs("}\n", file);
    if (fflush(file) || ferror(file)) return fail_io(path);
    /* Some files (a pipe, /dev/stdout) cannot be synced; there the flush is all there is. */
    if (fsync(fileno(file)) && errno != EINVAL && errno != EROFS) return fail_io(path);
    return TC_OK;
}
