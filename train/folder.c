/* folder.c - each parent before the next. */
#include "folder.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH_LENGTH = 4096 };

/* A parent that is there, of whatever kind, is gone through: the next one says what is wrong with it. */
static tc_status make_one(const char *path, bool is_parent) {
    struct stat st;
    if (mkdir(path, 0777) == 0 || (is_parent && errno == EEXIST)) return TC_OK;
    int why = errno;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) return TC_OK;
    return tc_fail(TC_ERR_IO, "%s: cannot be made: %s", path,
                   why == EEXIST ? "it is there and no folder" : strerror(why));
}

tc_status folder_make(const char *path) {
    char part[PATH_LENGTH];
    if (!*path || strlen(path) >= sizeof part)
        return tc_fail(TC_ERR_ARGUMENT, "folder: a path of %zu bytes, expected 1 to %d", strlen(path),
                       PATH_LENGTH - 1);
    strcpy(part, path);
    for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        TC_TRY(make_one(part, true));
        *slash = '/';
    }
    return make_one(part, false);
}

const char *folder_last_name(const char *path, char *name, size_t size) {
    size_t end = strlen(path), begin;
    while (end > 1 && path[end - 1] == '/') end--;
    for (begin = end; begin > 0 && path[begin - 1] != '/';) begin--;
    if (begin == end) begin = 0; /* the root */
    size_t length = end - begin < size ? end - begin : size - 1;
    memcpy(name, path + begin, length);
    name[length] = '\0';
    return name;
}
