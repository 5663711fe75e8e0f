/* train_state.c - one table says how each number is called; writing and reading follow it. */
#include "train_state.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "description.h"

typedef struct field {
    const char *key;
    size_t at;
    bool real;
    bool later; /* runs of before do not have it: 0 */
} field;

#define WHOLE(name)                                                                                          \
    { "training." #name, offsetof(train_state, name), false, false }
#define REAL(name)                                                                                           \
    { "training." #name, offsetof(train_state, name), true, false }

#define LATER_REAL(name)                                                                                     \
    { "training." #name, offsetof(train_state, name), true, true }

static const field fields[STATE_STRINGS] = {
    WHOLE(epoch),        WHOLE(batch),
    WHOLE(step),         WHOLE(correct),
    WHOLE(seen),         WHOLE(best_epoch),
    WHOLE(lines),        WHOLE(finished),
    REAL(loss_sum),      REAL(lr),
    REAL(best_accuracy), REAL(seconds),
    REAL(epoch_seconds), LATER_REAL(epoch_wait_seconds),
};

void train_state_write(const train_state *state, tc_metadata strings[STATE_STRINGS],
                       char texts[STATE_STRINGS][STATE_TEXT]) {
    for (int i = 0; i < STATE_STRINGS; i++) {
        const void *value = (const char *)state + fields[i].at;
        if (fields[i].real)
            snprintf(texts[i], STATE_TEXT, "%a", *(const double *)value);
        else
            snprintf(texts[i], STATE_TEXT, "%lld", (long long)*(const int64_t *)value);
        strings[i] = (tc_metadata){fields[i].key, texts[i]};
    }
}

static tc_status read_field(const char *path, const field *f, const char *text, train_state *state) {
    if (!text && f->later) return TC_OK;
    if (!text)
        return tc_fail(TC_ERR_FORMAT, "%s: \"%s\" is missing; only a run's last.safetensors can be resumed",
                       path, f->key);
    void *value = (char *)state + f->at;
    char *end;
    if (f->real)
        *(double *)value = strtod(text, &end);
    else
        *(int64_t *)value = strtoll(text, &end, 10);
    if (end == text || *end || (!f->real && *(int64_t *)value < 0))
        return tc_fail(TC_ERR_FORMAT, "%s: \"%s\" is \"%s\", expected a number", path, f->key, text);
    return TC_OK;
}

tc_status train_state_read(const char *path, train_state *state) {
    tc_metadata *metadata = NULL;
    int count = 0;
    TC_TRY(tc_checkpoint_metadata(path, &metadata, &count));
    tc_status status = TC_OK;
    for (int i = 0; i < STATE_STRINGS && status == TC_OK; i++)
        status = read_field(path, &fields[i], metadata_find(metadata, count, fields[i].key), state);
    tc_checkpoint_metadata_free(metadata, count);
    return status;
}
