/* classroom.h - what the lessons share and no chapter needs to show: the command line, data, a folder for pictures,
 * and a training loop for chapters that are about something else (lesson 3 is about the loop itself).
 *
 *     lesson2_pooling [--data shapes|cifar10|PATH] [--data-dir DIR] [--epochs E] [--seed S] [--threads P] [--out DIR]
 */
#ifndef LESSONS_CLASSROOM_H
#define LESSONS_CLASSROOM_H

#include "datasets.h"
#include "image.h"

typedef struct classroom {
    const char *lesson; /* "lesson2" */
    tc_dataset *data;   /* CIFAR-10 where it is found, else shapes; or what --data says */
    bool is_photos;     /* not the generated shapes */
    double epochs;      /* --epochs; 0: what the lesson thinks right */
    uint64_t seed;
    int threads;
    char out[4096]; /* the folder for pictures, made: --out, or runs/<lesson> */
} classroom;

/* Reads the command line, opens the data, makes the folder. `about`: the lesson in a sentence, for --help. Returns -1
 * to go on, or an exit code (after --help or a usage error or a failure, which it has printed). */
int classroom_open(int argc, char **argv, const char *lesson, const char *about, classroom *room);
void classroom_close(classroom *room);

/* "<out>/<name>" in a buffer that the next call writes again. */
const char *classroom_path(classroom *room, const char *name);
/* Writes the picture into the folder and prints its path. In a build without libpng it says so once and goes on. */
tc_status classroom_picture(classroom *room, const image *im, const char *name);

/* How a chapter wants its nets trained: SGD with Nesterov's momentum 0.9 and a rate that rises over a fifth of the
 * training and falls to 0. */
typedef struct classroom_training {
    double epochs;
    double lr;                      /* 0: 0.05 */
    double weight_decay;            /* 0: none */
    int batch;                      /* 0: 128 */
    int64_t pictures;               /* the first so many of the training pictures; 0: all */
    const tc_transform *transforms; /* augmentation, before normalising */
    int transform_count;
} classroom_training;

/* A net made of `net` (taken over), trained on the room's training pictures; a line of progress goes to stderr where
 * that is a terminal. `seconds` (may be NULL): what the training took. */
tc_status classroom_train(classroom *room, const char *name, tc_module *net, const classroom_training *how,
                          tc_model **model, double *seconds);

/* Accuracy 0 .. 1 on pictures (count, H, W, C bytes) and their labels, e.g. room->data->test or corrupted copies. */
tc_status classroom_accuracy(classroom *room, tc_model *model, const uint8_t *pixels, const uint8_t *labels,
                             int64_t count, double *accuracy);

#endif
