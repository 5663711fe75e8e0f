/* status.c - the texts of the codes, and one detail sentence a thread. */
#include "tinycnn/status.h"

#include <stdarg.h>
#include <stdio.h>

static _Thread_local char detail[1024];

const char *tc_status_text(tc_status status) {
    switch (status) {
#define TC_STATUS_CASE(code, text)                                                                           \
    case code:                                                                                               \
        return text;
        TC_STATUS_LIST(TC_STATUS_CASE)
#undef TC_STATUS_CASE
    }
    return "unknown status";
}

const char *tc_last_error(void) {
    return detail;
}

tc_status tc_fail(tc_status status, const char *format, ...) {
    /* The arguments may point into the old detail ("layer conv1: " + tc_last_error()), so it is built aside.
     */
    char text[sizeof detail];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    snprintf(detail, sizeof detail, "%s", text);
    return status;
}
