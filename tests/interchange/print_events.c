/* print_events FILE - an event file as text, a scalar a line: step, tag, value. */
#include "events.h"

int main(int argc, char **argv) {
    static events found;
    if (argc != 2) return 2;
    events_read(argv[1], &found);
    for (int i = 0; i < found.count; i++)
        printf("%lld %s %.9g\n", (long long)found.scalars[i].step, found.scalars[i].tag,
               (double)found.scalars[i].value);
    if (!found.fault[0]) return 0;
    fprintf(stderr, "%s: %s\n", argv[1], found.fault);
    return 1;
}
