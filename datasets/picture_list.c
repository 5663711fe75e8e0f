/* picture_list.c - the names of pictures in folders. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "datasets.h"

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
    return dot && name[0] != '.' &&
           (strcasecmp(dot, ".png") == 0 || strcasecmp(dot, ".jpg") == 0 || strcasecmp(dot, ".jpeg") == 0);
}

static int by_bytes(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

tc_status tc_picture_list_folder(tc_picture_list *list, const char *folder) {
    DIR *dir = opendir(folder);
    if (!dir) return tc_fail(TC_ERR_IO, "%s: %s", folder, strerror(errno));
    int64_t first = list->count;
    tc_status status = TC_OK;
    for (struct dirent *entry; status == TC_OK && (entry = readdir(dir));)
        if (is_picture_name(entry->d_name)) status = tc_picture_list_add(list, folder, entry->d_name);
    closedir(dir);
    if (status == TC_OK && list->count == first)
        return tc_fail(TC_ERR_FORMAT, "%s: holds no .png, .jpg or .jpeg (folders within are not searched)",
                       folder);
    if (list->count > first)
        qsort(list->paths + first, (size_t)(list->count - first), sizeof *list->paths, by_bytes);
    return status;
}
