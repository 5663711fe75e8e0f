/* export_c_helpers.c - the text of those functions, each written only where the net needs it. */
#include "export_c.h"

static const char conv_text[] =
    "/* y[o] = b[o] + sum over c, i, j of w[o][c][i][j] x[c][row * stride - padding + i * dilation][...]; k: "
    "channels, height,\n"
    " * width of x; channels, height, width of y; height and width of the kernel; then stride, padding, "
    "dilation along height\n"
    " * and width; groups. */\n"
    "static void conv2d(const float *x, const %s *w, %sconst float *b, float *y, const int *k) {\n"
    "    const int in = k[0] / k[14], each = k[3] / k[14];\n"
    "    int o, c, i, j, row, column;\n"
    "    for (o = 0; o < k[3]; o++) {\n"
    "        float *out = y + o * k[4] * k[5];\n"
    "        for (row = 0; row < k[4] * k[5]; row++) out[row] = 0;\n"
    "        for (c = 0; c < in; c++) {\n"
    "            const float *plane = x + (o / each * in + c) * k[1] * k[2];\n"
    "            for (i = 0; i < k[6]; i++)\n"
    "                for (j = 0; j < k[7]; j++) {\n"
    "                    const float weight = (float)w[((o * in + c) * k[6] + i) * k[7] + j];\n"
    "                    for (row = 0; row < k[4]; row++) {\n"
    "                        const int h = row * k[8] - k[10] + i * k[12];\n"
    "                        if (h < 0 || h >= k[1]) continue;\n"
    "                        for (column = 0; column < k[5]; column++) {\n"
    "                            const int v = column * k[9] - k[11] + j * k[13];\n"
    "                            if (v >= 0 && v < k[2]) out[row * k[5] + column] += weight * plane[h * k[2] "
    "+ v];\n"
    "                        }\n"
    "                    }\n"
    "                }\n"
    "        }\n"
    "        for (row = 0; row < k[4] * k[5]; row++) out[row] = out[row]%s + b[o];\n"
    "    }\n"
    "}\n\n";

static const char linear_text[] =
    "static void linear(const float *x, const %s *w, %sconst float *b, float *y, int in, int out) {\n"
    "    int o, i;\n"
    "    for (o = 0; o < out; o++) {\n"
    "        float sum = 0;\n"
    "        for (i = 0; i < in; i++) sum += (float)w[o * in + i] * x[i];\n"
    "        y[o] = sum%s + b[o];\n"
    "    }\n"
    "}\n\n";

static const char pool_text[] =
    "/* k: channels, height, width of x; height, width of y; then kernel, stride, padding, dilation along "
    "height and width;\n"
    " * whether padding counts in a mean. */\n"
    "static void %s(const float *x, float *y, const int *k) {\n"
    "    int c, row, column, i, j;\n"
    "    for (c = 0; c < k[0]; c++)\n"
    "        for (row = 0; row < k[3]; row++)\n"
    "            for (column = 0; column < k[4]; column++) {\n"
    "%s"
    "                for (i = 0; i < k[5]; i++) {\n"
    "%s"
    "                    for (j = 0; j < k[6]; j++) {\n"
    "                        const int h = row * k[7] - k[9] + i * k[11], v = column * k[8] - k[10] + j * "
    "k[12];\n"
    "                        if (h < 0 || h >= k[1] || v < 0 || v >= k[2]) continue;\n"
    "%s"
    "                    }\n"
    "%s"
    "                }\n"
    "%s"
    "            }\n"
    "}\n\n";

static const char adaptive_text[] =
    "/* Window i of an axis is [floor(i L / out), ceil((i + 1) L / out)). */\n"
    "static void adaptive_avgpool2d(const float *x, float *y, int channels, int height, int width, int rows, "
    "int columns) {\n"
    "    int c, row, column, i, j;\n"
    "    for (c = 0; c < channels; c++)\n"
    "        for (row = 0; row < rows; row++)\n"
    "            for (column = 0; column < columns; column++) {\n"
    "                const int top = row * height / rows, bottom = ((row + 1) * height + rows - 1) / rows;\n"
    "                const int left = column * width / columns, right = ((column + 1) * width + columns - 1) "
    "/ columns;\n"
    "                float sum = 0;\n"
    "                for (i = top; i < bottom; i++) {\n"
    "                    float line = 0;\n"
    "                    for (j = left; j < right; j++) line += x[(c * height + i) * width + j];\n"
    "                    sum += line;\n"
    "                }\n"
    "                y[(c * rows + row) * columns + column] = sum / (float)((bottom - top) * (right - "
    "left));\n"
    "            }\n"
    "}\n\n";

static const char line_text[] =
    "static void scale_shift(float *x, const float *factor, const float *shift, int channels, int pixels) {\n"
    "    int c, i;\n"
    "    for (c = 0; c < channels; c++)\n"
    "        for (i = 0; i < pixels; i++) x[c * pixels + i] = factor[c] * x[c * pixels + i] + shift[c];\n"
    "}\n\n";

/* The largest is not subtracted from itself: of infinities that would be NaN for all. */
static const char log_softmax_text[] =
    "static void log_softmax(float *x, int count) {\n"
    "    float most = x[0], sum = 0;\n"
    "    int i;\n"
    "    for (i = 1; i < count; i++) most = x[i] > most ? x[i] : most;\n"
    "    for (i = 0; i < count; i++) sum += x[i] == most ? 1 : expf(x[i] - most);\n"
    "    for (i = 0; i < count; i++) x[i] -= most + logf(sum);\n"
    "}\n\n";

/* Element-wise ones. They do to infinities and to NaN what the library does: where a function's limit is 0, so is its
 * value at minus infinity, and NaN goes on. */
static const tci_c_map maps[] = {
    {TC_GRAPH_RELU, "relu", "", "x[i] < 0 ? 0 : x[i]"},
    {TC_GRAPH_LEAKY_RELU, "leaky_relu", ", float slope", "x[i] > 0 ? x[i] : slope * x[i]"},
    {TC_GRAPH_GELU, "gelu", "", "x[i] < -10 ? 0 : 0.5f * x[i] * (1 + erff(0.70710678f * x[i]))"},
    {TC_GRAPH_GELU_TANH, "gelu_tanh", "",
     "x[i] < -10 ? 0 : 0.5f * x[i] * (1 + tanhf(0.79788456f * (x[i] + 0.044715f * x[i] * x[i] * x[i])))"},
    {TC_GRAPH_SILU, "silu", "", "x[i] < -85 ? 0 : x[i] / (1 + expf(-x[i]))"},
    {TC_GRAPH_SCALE, "scale", ", float factor", "factor * x[i]"},
    {TC_GRAPH_ADD, "add", ", const float *other", "x[i] + other[i]"},
};
enum { MAPS = sizeof maps / sizeof maps[0] };

const tci_c_map *tci_c_map_of(tc_graph_op op) {
    for (int m = 0; m < MAPS; m++)
        if (maps[m].op == op) return &maps[m];
    return NULL;
}

static bool has(const tc_graph *g, tc_graph_op op) {
    for (int i = 0; i < g->count; i++)
        if (g->nodes[i].op == op) return true;
    return false;
}

void tci_c_write_helpers(FILE *out, const tc_graph *g, bool int8) {
    const char *type = int8 ? "signed char" : "float", *steps = int8 ? "const float *step, " : "";
    const char *times = int8 ? " * step[o]" : "";
    if (has(g, TC_GRAPH_CONV2D)) fprintf(out, conv_text, type, steps, times);
    if (has(g, TC_GRAPH_LINEAR)) fprintf(out, linear_text, type, steps, times);
    if (has(g, TC_GRAPH_MAXPOOL2D))
        fprintf(out, pool_text, "maxpool2d", "                float most = -INFINITY;\n", "",
                "                        const float value = x[(c * k[1] + h) * k[2] + v];\n"
                "                        if (value > most || value != value) most = value;\n",
                "", "                y[(c * k[3] + row) * k[4] + column] = most;\n");
    if (has(g, TC_GRAPH_AVGPOOL2D))
        fprintf(out, pool_text, "avgpool2d",
                "                const int top = row * k[7] - k[9], left = column * k[8] - k[10];\n"
                "                const int bottom = top + k[5] < k[1] + k[9] ? top + k[5] : k[1] + k[9];\n"
                "                const int right = left + k[6] < k[2] + k[10] ? left + k[6] : k[2] + k[10];\n"
                "                float sum = 0;\n                int count = 0;\n",
                "                    float line = 0;\n",
                "                        line += x[(c * k[1] + h) * k[2] + v];\n                        "
                "count++;\n",
                "                    sum += line;\n",
                "                y[(c * k[3] + row) * k[4] + column] =\n"
                "                    sum / (float)(k[13] ? (bottom - top) * (right - left) : count);\n");
    if (has(g, TC_GRAPH_ADAPTIVE_AVGPOOL2D)) fputs(adaptive_text, out);
    if (has(g, TC_GRAPH_BATCHNORM2D)) fputs(line_text, out);
    if (has(g, TC_GRAPH_LOG_SOFTMAX)) fputs(log_softmax_text, out);
    for (int m = 0; m < MAPS; m++)
        if (has(g, maps[m].op))
            fprintf(out,
                    "static void %s(float *x, int count%s) {\n    int i;\n    for (i = 0; i < count; i++) "
                    "x[i] = %s;\n"
                    "}\n\n",
                    maps[m].name, maps[m].parameters, maps[m].expression);
}
