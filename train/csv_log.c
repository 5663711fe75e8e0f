/* csv_log.c - RFC 4180 without its carriage returns; no field needs quotes, and one that was not measured is empty.
 *
 * The rows are functions of metrics.jsonl, so that a start makes the file anew from there: nothing is lost or doubled,
 * whenever the former start ended and whether it wrote a table or not. */
#include "csv_log.h"

#include <stdio.h>
#include <stdlib.h>

static void put_header(FILE *out) {
    fputs("epoch,step", out);
    for (int i = 0; i < METRICS_FIELDS; i++) fprintf(out, ",%s", metrics_fields[i].name);
    fputc('\n', out);
}

static void put_row(FILE *out, const metrics *m) {
    char number[METRICS_TEXT];
    fprintf(out, "%lld,%lld", (long long)m->epoch, (long long)m->step);
    for (int i = 0; i < METRICS_FIELDS; i++) fprintf(out, ",%s", metrics_text(metrics_get(m, i), "", number));
    fputc('\n', out);
}

tc_status csv_log_open(const char *path, const metrics_list *list, log_file *file) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out) return tc_fail(TC_ERR_MEMORY, "%s: out of memory", path);
    put_header(out);
    for (int i = 0; i < list->count; i++) put_row(out, &list->epochs[i]);
    bool good = !ferror(out);
    good = fclose(out) == 0 && good;
    tc_status status =
        good ? tc_write_file(path, text, size) : tc_fail(TC_ERR_MEMORY, "%s: out of memory", path);
    free(text);
    return status == TC_OK ? log_file_open(path, (int64_t)size, file) : status;
}

tc_status csv_log_append(log_file *file, const metrics *m) {
    char row[1024];
    FILE *out = fmemopen(row, sizeof row, "w");
    if (!out) return tc_fail(TC_ERR_MEMORY, "%s: out of memory", file->path);
    put_row(out, m);
    long size = ftell(out);
    fclose(out);
    return log_file_append(file, row, (size_t)size);
}
