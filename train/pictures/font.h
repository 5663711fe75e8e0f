/* font.h - letters of 5 x 7 dots, and two rows below the line. */
#ifndef PICTURES_FONT_H
#define PICTURES_FONT_H

#include <stdbool.h>

enum { FONT_WIDTH = 5, FONT_HEIGHT = 9 };

/* Whether the dot in that row and column of a letter is set; anything but printable ASCII is a box. */
bool font_dot(char letter, int row, int column);

#endif
