/* status.h - how the library says that something went wrong.
 *
 * Functions return a tc_status; TC_OK is 0. The sentence that tells what was found and what was expected
 * ("conv2d: input has 3 channels, weight expects 16") waits in tc_last_error() of the same thread. The
 * library never prints, exits or aborts. */
#ifndef TINYCNN_STATUS_H
#define TINYCNN_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

#define TC_STATUS_LIST(X)                                                                                    \
    X(TC_OK, "success")                                                                                      \
    X(TC_ERR_ARGUMENT, "invalid argument")                                                                   \
    X(TC_ERR_SHAPE, "shapes do not fit")                                                                     \
    X(TC_ERR_MEMORY, "out of memory")                                                                        \
    X(TC_ERR_IO, "input/output error")                                                                       \
    X(TC_ERR_FORMAT, "malformed data")                                                                       \
    X(TC_ERR_STATE, "called in the wrong order")                                                             \
    X(TC_ERR_NUMERIC, "not a finite number")                                                                 \
    X(TC_ERR_UNSUPPORTED, "not supported")

typedef enum tc_status {
#define TC_STATUS_ENUM(code, text) code,
    TC_STATUS_LIST(TC_STATUS_ENUM)
#undef TC_STATUS_ENUM
} tc_status;

#if defined(__GNUC__)
#define TC_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define TC_PRINTF(fmt, args)
#endif

/* The general meaning of a code: "shapes do not fit". Never NULL. */
const char *tc_status_text(tc_status status);

/* The detail of this thread's latest failure, or "" if there was none. Valid until the thread's next failure.
 */
const char *tc_last_error(void);

/* Stores the detail and returns `status`, so that a failing function can end in `return tc_fail(...)`.
 * Details longer than 1023 bytes are cut. Public because models, data sets and programs report in the same
 * way. */
tc_status tc_fail(tc_status status, const char *format, ...) TC_PRINTF(2, 3);

/* Hands a failure on to the caller. */
#define TC_TRY(expression)                                                                                   \
    do {                                                                                                     \
        tc_status tc_try_status = (expression);                                                              \
        if (tc_try_status != TC_OK) return tc_try_status;                                                    \
    } while (0)

#ifdef __cplusplus
}
#endif
#endif
