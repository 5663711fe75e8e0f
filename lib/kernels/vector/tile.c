/* tile.c - a register-blocked matrix product.
 *
 * A tile of R rows by N vectors of C stays in registers while the sum runs: each step loads N vectors of B
 * and R single elements of A, and makes R N multiply-adds of whole vectors. R and N are constants in every
 * instance of the loop, so the compiler keeps the tile in registers. Rows are shared out evenly among tiles
 * (15 rows as 8 + 7, not 12 + 3), so that none is too small to hide the latency of the multiply-adds. */
#include "tile.h"

#include "arith.h"
#include "vectors.h"

/* Tile heights that fill the registers with one and with two vectors a row. */
#if defined(__AVX512F__)
enum { ROWS_1 = 24, ROWS_2 = 12 };
#else
enum { ROWS_1 = 12, ROWS_2 = 6 };
#endif

/* Element r of a column of A, from pointers to its rows 0, 4, 8, ...: so few address registers serve all
 * rows. */
#define ELEMENT(a, r) ((a)[(r) / 4][(r) % 4 == 3 ? a_row_3 : (r) % 4 * a_row])

/* A tile of R rows and N vectors, of which the last has `lanes` columns; R <= 24, N <= 2. */
ALWAYS_INLINE void tile(const tci_product *p, int64_t row, int64_t column, int64_t lanes, int R, int N) {
    vector sum[24][2];
    float *c = p->c + row * p->c_row + column;
    UNROLL
    for (int r = 0; r < R; r++) {
        UNROLL
        for (int n = 0; n < N; n++)
            sum[r][n] =
                p->accumulate ? load(c + r * p->c_row + n * WIDTH, n == N - 1 ? lanes : WIDTH) : (vector){0};
    }

    int64_t a_row = p->a_row, a_row_3 = 3 * a_row, a_step = p->a_step, b_step = p->b_step;
    for (int64_t s = 0; s < p->segments; s++) {
        const float *b = p->b + s * p->b_segment + column, *a[6];
        UNROLL
        for (int q = 0; q < (R + 3) / 4; q++) a[q] = p->a + s * p->a_segment + (row + 4 * q) * a_row;
        for (int64_t k = 0; k < p->steps; k++, b += b_step) {
            vector v[2];
            UNROLL
            for (int n = 0; n < N; n++) v[n] = *(const vector *)(b + n * WIDTH);
            UNROLL
            for (int r = 0; r < R; r++) {
                vector x = ELEMENT(a, r) - (vector){0};
                UNROLL
                for (int n = 0; n < N; n++) sum[r][n] += x * v[n];
            }
            UNROLL
            for (int q = 0; q < (R + 3) / 4; q++) a[q] += a_step;
        }
    }

    UNROLL
    for (int r = 0; r < R; r++) {
        UNROLL
        for (int n = 0; n < N; n++) {
            vector y = sum[r][n];
            int64_t valid = n == N - 1 ? lanes : WIDTH;
            if (p->bias) y += load(p->bias + column + n * WIDTH, valid);
            if (p->relu) y = vector_relu(y);
            store(c + r * p->c_row + n * WIDTH, y, valid);
        }
    }
}

typedef void (*tile_function)(const tci_product *p, int64_t row, int64_t column, int64_t lanes);

/* One instance for every height. */
#define INSTANCE(R, N)                                                                                       \
    static void tile_##R##_##N(const tci_product *p, int64_t row, int64_t column, int64_t lanes) {           \
        tile(p, row, column, lanes, R, N);                                                                   \
    }
#define NAME(R, N)     tile_##R##_##N,
#define UP_TO_6(X, N)  X(1, N) X(2, N) X(3, N) X(4, N) X(5, N) X(6, N)
#define UP_TO_12(X, N) UP_TO_6(X, N) X(7, N) X(8, N) X(9, N) X(10, N) X(11, N) X(12, N)
#define UP_TO_24(X, N)                                                                                       \
    UP_TO_12(X, N)                                                                                           \
    X(13, N)                                                                                                 \
    X(14, N) X(15, N) X(16, N) X(17, N) X(18, N) X(19, N) X(20, N) X(21, N) X(22, N) X(23, N) X(24, N)

#if defined(__AVX512F__)
UP_TO_24(INSTANCE, 1)
UP_TO_12(INSTANCE, 2)
static const tile_function one_vector[] = {UP_TO_24(NAME, 1)};
static const tile_function two_vectors[] = {UP_TO_12(NAME, 2)};
#else
UP_TO_12(INSTANCE, 1)
UP_TO_6(INSTANCE, 2)
static const tile_function one_vector[] = {UP_TO_12(NAME, 1)};
static const tile_function two_vectors[] = {UP_TO_6(NAME, 2)};
#endif

static void multiply(const tci_product *p) {
    for (int64_t column = 0; column < p->columns; column += 2 * WIDTH) {
        int64_t left = p->columns - column;
        bool two = left > WIDTH;
        int64_t lanes = two ? left - WIDTH : left;
        const tile_function *tiles = two ? two_vectors : one_vector;
        int64_t count = tci_ceil_div(p->rows, two ? ROWS_2 : ROWS_1);
        for (int64_t t = 0; t < count; t++) {
            int64_t row = p->rows * t / count, rows = p->rows * (t + 1) / count - row;
            tiles[rows - 1](p, row, column, lanes);
        }
    }
}

/* ---- Packing: squares of the matrix turned over in registers ------------------------------------------ */

/* With d = 1, 2, 4, ...: in blocks of d x d, swaps the upper right with the lower left one of every four. After
 * the last, rows are columns. */
#define UPPER(j, d)   (((j) & (d)) ? WIDTH + (j) - (d) : (j))
#define LOWER(j, d)   (((j) & (d)) ? WIDTH + (j) : (j) + (d))
#define FOUR(X, j, d) X(j, d), X((j) + 1, d), X((j) + 2, d), X((j) + 3, d)
#if defined(__AVX512F__)
#define LANES(X, d) FOUR(X, 0, d), FOUR(X, 4, d), FOUR(X, 8, d), FOUR(X, 12, d)
#elif defined(__AVX__)
#define LANES(X, d) FOUR(X, 0, d), FOUR(X, 4, d)
#else
#define LANES(X, d) FOUR(X, 0, d)
#endif
#define SWAP(rows, d)                                                                                        \
    UNROLL                                                                                                   \
    for (int r = 0; r < WIDTH; r++) {                                                                        \
        if (r & (d)) continue;                                                                               \
        vector upper = rows[r], lower = rows[r + (d)];                                                       \
        rows[r] = __builtin_shufflevector(upper, lower, LANES(UPPER, d));                                    \
        rows[r + (d)] = __builtin_shufflevector(upper, lower, LANES(LOWER, d));                              \
    }

ALWAYS_INLINE void turn_square(vector *rows) {
    SWAP(rows, 1)
    SWAP(rows, 2)
#if defined(__AVX__)
    SWAP(rows, 4)
#endif
#if defined(__AVX512F__)
    SWAP(rows, 8)
#endif
}

static void pack(const float *b, int64_t ld, int64_t steps, int64_t columns, float *packed) {
    for (int64_t k = 0; k < steps; k += WIDTH) {
        for (int64_t first = 0; first < 2 * WIDTH; first += WIDTH) {
            vector square[WIDTH];
            UNROLL
            for (int r = 0; r < WIDTH; r++)
                square[r] = first + r < columns ? load(b + (first + r) * ld + k, steps - k) : (vector){0};
            turn_square(square);
            UNROLL
            for (int r = 0; r < WIDTH; r++)
                if (k + r < steps) *(vector *)(packed + (k + r) * 2 * WIDTH + first) = square[r];
        }
    }
}

const tci_tile TCI_TABLE(tci_tile) = {
    .width = WIDTH, .panel = 2 * WIDTH, .rows = ROWS_2, .multiply = multiply, .pack = pack};
