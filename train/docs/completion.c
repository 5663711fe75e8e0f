/* completion.c - an option's name for its value says what the value is. */
#include "completion.h"

#include <string.h>

completion completion_of(const char *argument) {
    if (strstr(argument, "FILE") || strstr(argument, "PATH") || strstr(argument, "IMAGE") ||
        strstr(argument, ".safetensors"))
        return COMPLETE_FILES;
    return strstr(argument, "DIR") || strstr(argument, "RUN") ? COMPLETE_FOLDERS : COMPLETE_NOTHING;
}

const char *completion_words(const option *o, char *text, size_t size) {
    size_t used = (size_t)snprintf(text, size, "%s", o->choices ? o->choices : "");
    for (char *c = text; *c; c++)
        if (*c == '|') *c = ' ';
    for (int i = 0; o->known && o->known(i) && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", used ? " " : "", o->known(i));
    return text;
}
