/* signals.c - the handler does the one thing that is safe in a handler: it sets a flag. */
#include "signals.h"

#include <signal.h>
#include <string.h>

static volatile sig_atomic_t received;

static void handle(int number) {
    received = number;
}

void signals_catch(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handle;
    sigemptyset(&action.sa_mask);
    /* After the first delivery the default action is back, which ends the program: the second Ctrl-C. */
    action.sa_flags = (int)SA_RESETHAND | SA_RESTART;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool signals_stop(void) {
    return received != 0;
}

int signals_number(void) {
    return received;
}
