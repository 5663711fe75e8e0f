/* window.c - the one formula of convolution and pooling: the first window begins at the padded edge and reaches over
 * dilation (kernel - 1) + 1 elements; every further stride of room is good for one more. */
#include <inttypes.h>
#include <stdio.h>

#include "tinycnn/ops.h"

int64_t tc_window_out(const tc_window *w, int64_t in) {
    if (w->same) return in;
    int64_t room = in + 2 * w->padding - w->dilation * (w->kernel - 1) - 1;
    if (room < 0) return 0;
    int64_t out = (room + (w->ceil_mode ? w->stride - 1 : 0)) / w->stride + 1;
    if (w->ceil_mode && (out - 1) * w->stride >= in + w->padding) out--;
    return out;
}

const char *tc_window_text(const tc_window *w, int64_t in, char text[TC_WINDOW_TEXT]) {
    int64_t room = in + 2 * w->padding - w->dilation * (w->kernel - 1) - 1, out = tc_window_out(w, in);
    bool dropped = room >= 0 && w->ceil_mode && out != (room + w->stride - 1) / w->stride + 1;
    if (w->same)
        snprintf(text, TC_WINDOW_TEXT, "padded to keep %" PRId64, in);
    else if (room < 0)
        snprintf(text, TC_WINDOW_TEXT,
                 "%" PRId64 " + 2*%" PRId64 " - %" PRId64 "*(%" PRId64 "-1) - 1 = %" PRId64
                 ", which is below 0",
                 in, w->padding, w->dilation, w->kernel, room);
    else
        snprintf(text, TC_WINDOW_TEXT,
                 "%s((%" PRId64 " + 2*%" PRId64 " - %" PRId64 "*(%" PRId64 "-1) - 1) / %" PRId64
                 ") + 1%s = %" PRId64,
                 w->ceil_mode ? "ceil" : "floor", in, w->padding, w->dilation, w->kernel, w->stride,
                 dropped ? " - 1" : "", out);
    return text;
}
