/* progress.c - the bar goes to stderr and is rewritten in place; lines go to stdout and stay. */
#include "progress.h"

#include <math.h>
#include <unistd.h>

progress progress_create(bool quiet) {
    return (progress){.quiet = quiet, .terminal = !quiet && isatty(STDERR_FILENO)};
}

bool progress_due(const progress *p, double now) {
    return p->terminal && now - p->drawn_at >= 0.1;
}

void progress_bar(progress *p, const progress_view *v, double now) {
    enum { WIDTH = 20 };
    char bar[WIDTH + 1];
    int full = v->batches ? (int)(WIDTH * v->batch / v->batches) : 0;
    for (int i = 0; i < WIDTH; i++) bar[i] = i < full ? '#' : '.';
    bar[WIDTH] = '\0';
    char of[24] = "";
    if (v->epochs) snprintf(of, sizeof of, "/%lld", (long long)v->epochs);
    long left = isfinite(v->seconds_left) ? (long)(v->seconds_left + 0.5) : 0;
    /* "\r" goes to the line's begin, "\033[K" clears what was there. */
    fprintf(stderr, "\r\033[Kepoch %lld%s [%s] %lld/%lld  loss %.4f  acc %.2f%%  %.0f img/s  %ld:%02ld left",
            (long long)v->epoch, of, bar, (long long)v->batch, (long long)v->batches, v->loss,
            100 * v->accuracy, v->img_per_s, left / 60, left % 60);
    fflush(stderr);
    p->drawn = true;
    p->drawn_at = now;
}

void progress_clear(progress *p) {
    if (p->drawn) fputs("\r\033[K", stderr);
    fflush(stderr);
    p->drawn = false;
}

void progress_epoch(progress *p, const metrics *m, int64_t epochs) {
    if (p->quiet) return;
    progress_clear(p);
    char of[24] = "", val[64] = "", test[64] = "", tta[48] = "";
    if (epochs) snprintf(of, sizeof of, "/%lld", (long long)epochs);
    if (isfinite(m->val_acc))
        snprintf(val, sizeof val, "  validation loss %.4f acc %.2f%%", m->val_loss, 100 * m->val_acc);
    if (isfinite(m->test_acc))
        snprintf(test, sizeof test, "  test loss %.4f acc %.2f%%", m->test_loss, 100 * m->test_acc);
    if (isfinite(m->tta_acc)) snprintf(tta, sizeof tta, "  augmented %.2f%%", 100 * m->tta_acc);
    printf("epoch %lld%s  step %lld  train loss %.4f acc %.2f%%%s%s%s  lr %.4g  %.1f s  %.0f img/s\n",
           (long long)m->epoch, of, (long long)m->step, m->train_loss, 100 * m->train_acc, val, test, tta,
           m->lr, m->seconds, m->img_per_s);
    fflush(stdout);
}
