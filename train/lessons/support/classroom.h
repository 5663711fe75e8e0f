/* classroom.h - what the lessons share and no chapter needs to show: the command line, data, a folder for pictures,
 * and a training loop for chapters that are about something else (lesson 3 is about the loop itself). */
#ifndef LESSONS_CLASSROOM_H
#define LESSONS_CLASSROOM_H

#include "datasets.h"
#include "page.h"

typedef struct classroom {
    const char *lesson; /* "lesson2_pooling" */
    tc_dataset *data;   /* CIFAR-10 where it is found, else shapes; or what --data says */
    bool is_shapes;     /* the generated pictures */
    double effort;      /* --effort: every training of the lesson takes this many times its usual epochs */
    uint64_t seed;
    int threads;     /* 0: all cores */
    char out[3800];  /* the folder for pictures, made: --out, or runs/<lesson> */
    char path[4096]; /* for classroom_path() */
} classroom;

/* Reads the command line, opens the data, makes the folder. `about`: the lesson in a sentence, for --help. Returns -1
 * to go on, or an exit code after --help, a usage error or a failure, which it has printed. */
int classroom_open(int argc, char **argv, const char *lesson, const char *about, classroom *room);
/* Prints the sentence of a failed status; returns the exit code. */
int classroom_close(classroom *room, tc_status status);

/* "<out>/<name>"; the next call writes the same buffer. */
const char *classroom_path(classroom *room, const char *name);
/* Writes the picture, or a sheet of cells, into the folder and prints the path. In a build without libpng it says so
 * and goes on. */
tc_status classroom_picture(classroom *room, const image *im, const char *name);
/* The same for a page, which is freed. */
tc_status classroom_page(classroom *room, page *p, const char *name);

/* How a chapter wants its nets trained: SGD with Nesterov's momentum 0.9, a rate that rises over a fifth of the training
 * and falls to 0. */
typedef struct classroom_training {
    double epochs;                  /* times the room's effort; at least one step is taken */
    double lr;                      /* 0: 0.05 */
    double weight_decay;            /* 0: none */
    int64_t pictures;               /* the first so many of the training pictures; 0: all */
    const tc_transform *transforms; /* augmentation, before normalising */
    int transform_count;
} classroom_training;

/* A net made of `net` (taken over), trained on the room's pictures in batches of 128. On a terminal stderr shows how far
 * it is. `seconds` (may be NULL): what the training took. */
tc_status classroom_train(classroom *room, const char *name, tc_module *net, const classroom_training *how,
                          tc_model **model, double *seconds);

/* Share of right answers, 0 .. 1, on `count` pictures (H, W, C bytes) with these labels. */
tc_status classroom_accuracy(classroom *room, tc_model *model, const uint8_t *pixels, const uint8_t *labels,
                             int64_t count, double *accuracy);

/* Accuracy on the test pictures made worse, for each severity: mean over `directions` of the eight directions. With an
 * effort below 1 on that share of them. */
tc_status classroom_robustness(classroom *room, tc_model *model, tc_corruption kind, const double *severities,
                               int count, int directions, double *accuracies);

#endif
