/* Products of samples of currents with the transfer matrix of a cell: the loop behind _contract.pyx. */
#ifndef LFP_CONTRACT_H
#define LFP_CONTRACT_H

#include "lanes.h"

/* Samples and channels of a tile of products, which fits in the registers of every vector width. */
enum { LFP_TILE_ROWS = 4, LFP_PANEL = 8 };

/* out[r][c] = sum over k of x[r row + k column] panel[k][c], for four rows r and the channels c of a panel.
 *
 * Each sum is taken in the order of k, whatever the number of rows and channels. Compilers keep sums in registers
 * only if they are vectors of the processor's own width, so each level has a version of its own. The attribute of
 * alignment makes loads from anywhere valid.
 */
#define LFP_CONTRACT_TILE(name, target, bytes)                                                                        \
    typedef double name##_t __attribute__((vector_size(bytes), aligned(8)));                                          \
    target static void name(const double *x, ptrdiff_t row, ptrdiff_t column, ptrdiff_t width, const double *panel,   \
                            double *out)                                                                              \
    {                                                                                                                 \
        enum { PIECES = 8 * LFP_PANEL / bytes };                                                                      \
        name##_t sum[LFP_TILE_ROWS][PIECES] = {{{0}}};                                                                \
        for (ptrdiff_t k = 0; k < width; k++) {                                                                       \
            const double *from = x + k * column;                                                                      \
            const name##_t *weights = (const name##_t *)(panel + k * LFP_PANEL);                                      \
            for (int r = 0; r < LFP_TILE_ROWS; r++)                                                                   \
                for (int p = 0; p < PIECES; p++)                                                                      \
                    sum[r][p] += weights[p] * from[r * row];                                                          \
        }                                                                                                             \
        memcpy(out, sum, sizeof sum);                                                                                 \
    }

LFP_CONTRACT_TILE(lfp_contract_tile_baseline, , 16)
#ifdef LFP_X86
LFP_CONTRACT_TILE(lfp_contract_tile_avx2, LFP_AVX2, 32)
LFP_CONTRACT_TILE(lfp_contract_tile_avx512, LFP_AVX512, 64)
#endif

static void lfp_contract_tile(const double *x, ptrdiff_t row, ptrdiff_t column, ptrdiff_t width, const double *panel,
                              double *out)
{
#ifdef LFP_X86
    if (lfp_level == LFP_LEVEL_AVX512) {
        lfp_contract_tile_avx512(x, row, column, width, panel, out);
        return;
    }
    if (lfp_level == LFP_LEVEL_AVX2) {
        lfp_contract_tile_avx2(x, row, column, width, panel, out);
        return;
    }
#endif
    lfp_contract_tile_baseline(x, row, column, width, panel, out);
}

/* Cut a value into a part above and a part below a binary place each, add them to sums, and drop the rest. */
#define LFP_ADD_SPLIT(k)                                                                                              \
    do {                                                                                                              \
        double value = values[k], upper = (value + high[k]) - high[k];                                                \
        above[k] += upper;                                                                                            \
        below[k] += ((value - upper) + low[k]) - low[k];                                                              \
        beyond += !(value < limit[k]) | !(value > -limit[k]);                                                         \
    } while (0)

/* Add rows of a panel's products, of which `channels` count, to rows of sums that are `stride` apart.
 *
 * `beyond` counts the values that are beyond their limit, or no numbers.
 */
LFP_INLINE void lfp_add_rows_body(const double *values, ptrdiff_t rows, ptrdiff_t channels, const double *high,
                                  const double *low, const double *limit, double *above, double *below,
                                  ptrdiff_t stride, int64_t *count)
{
    int64_t beyond = 0;
    for (ptrdiff_t row = 0; row < rows; row++) {
        if (channels == LFP_PANEL) {
            LFP_VECTOR
            for (ptrdiff_t k = 0; k < LFP_PANEL; k++)
                LFP_ADD_SPLIT(k);
        } else {
            LFP_VECTOR
            for (ptrdiff_t k = 0; k < channels; k++)
                LFP_ADD_SPLIT(k);
        }
        values += LFP_PANEL, above += stride, below += stride;
    }
    *count += beyond;
}

LFP_KERNEL(lfp_add_rows,
           (const double *values, ptrdiff_t rows, ptrdiff_t channels, const double *high, const double *low,
            const double *limit, double *above, double *below, ptrdiff_t stride, int64_t *count),
           (values, rows, channels, high, low, limit, above, below, stride, count))

#endif
