/* picture_list.c - the names of pictures in folders. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "datasets.h"

enum { DEPTH_MAX = 32 };

tc_status tc_picture_list_add(tc_picture_list *list, const char *folder, const char *name) {
    size_t size = strlen(name) + (folder ? strlen(folder) : 0) + 2;
    char *path = malloc(size), **larger = list->paths;
    if ((list->count & (list->count - 1)) == 0)
        larger = realloc(list->paths, (list->count ? 2 * (size_t)list->count : 1) * sizeof *list->paths);
    if (larger) list->paths = larger;
    if (!path || !larger) {
        free(path);
        return tc_fail(TC_ERR_MEMORY, "no memory for the names of pictures");
    }
    bool slash = folder && *folder && folder[strlen(folder) - 1] != '/';
    snprintf(path, size, "%s%s%s", folder ? folder : "", slash ? "/" : "", name);
    list->paths[list->count++] = path;
    return TC_OK;
}

void tc_picture_list_free(tc_picture_list *list) {
    for (int64_t i = 0; i < list->count; i++) free(list->paths[i]);
    free(list->paths);
    *list = (tc_picture_list){0};
}

static bool is_picture_name(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot &&
           (strcasecmp(dot, ".png") == 0 || strcasecmp(dot, ".jpg") == 0 || strcasecmp(dot, ".jpeg") == 0);
}

static int by_bytes(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static tc_status add_folder(tc_picture_list *list, const char *folder, int depth);

/* A file of a picture, or a folder with some; of all else (another ending, a device, a pipe) nothing is added. A link that
 * leads nowhere is: its picture is missed. Links to folders are not followed: they may lead in a circle. */
static tc_status add_entry(tc_picture_list *list, const char *folder, const char *name, int depth) {
    struct stat st;
    if (name[0] == '.') return TC_OK;
    int64_t at = list->count;
    TC_TRY(tc_picture_list_add(list, folder, name));
    char *path = list->paths[at];
    if (is_picture_name(name) && (stat(path, &st) != 0 || S_ISREG(st.st_mode))) return TC_OK;
    list->count = at;
    tc_status status = TC_OK;
    if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
        status = depth > 0
                     ? add_folder(list, path, depth - 1)
                     : tc_fail(TC_ERR_FORMAT, "%s: more than %d folders within each other", path, DEPTH_MAX);
    free(path);
    return status;
}

static tc_status add_folder(tc_picture_list *list, const char *folder, int depth) {
    DIR *dir = opendir(folder);
    if (!dir) return tc_fail(TC_ERR_IO, "%s: %s", folder, strerror(errno));
    tc_status status = TC_OK;
    for (struct dirent *entry; status == TC_OK && (entry = readdir(dir));)
        status = add_entry(list, folder, entry->d_name, depth);
    closedir(dir);
    return status;
}

tc_status tc_picture_list_folder(tc_picture_list *list, const char *folder) {
    int64_t first = list->count;
    TC_TRY(add_folder(list, folder, DEPTH_MAX));
    if (list->count == first) return tc_fail(TC_ERR_FORMAT, "%s: holds no .png, .jpg or .jpeg", folder);
    qsort(list->paths + first, (size_t)(list->count - first), sizeof *list->paths, by_bytes);
    return TC_OK;
}
