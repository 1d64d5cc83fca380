/* Potentials of many segments at one point: the loops behind _potentials.pyx.
 *
 * A tile holds LFP_TILE segments: one row of LFP_TILE doubles per quantity, row after row, aligned to cache lines.
 */
#ifndef LFP_POTENTIALS_H
#define LFP_POTENTIALS_H

#include <math.h>

#include "lanes.h"

enum { LFP_TILE = 256 };

/* Rows of a tile of lines: start, unit vector along, length, radius squared, scale. */
enum { LFP_LINE_ROWS = 9, LFP_POINT_ROWS = 5 };

/* Add weight times log((r1 + r2 + L) / (r1 + r2 - L)), the potential of a uniform line times 4 pi sigma L.
 *
 * r1 and r2 are the distances to the two ends. Where the difference in the denominator would cancel (the point
 * sees the segment under more than 90 degrees), it is 2 (rho L)^2 / ((r1 r2 - u v) (r1 + r2 + L)) instead, with u v the
 * product of the vectors to the ends and rho the distance to the axis. The distance to the segment is taken as
 * its radius at least, by moving the point away from the axis. The loop is in two because the chain of one segment is
 * longer than what a processor keeps in flight.
 */
LFP_INLINE void lfp_line_body(const double *restrict tile, double px, double py,
                              double pz, double weight, double *restrict sum)
{
    const double *restrict ax = tile, *restrict ay = tile + LFP_TILE, *restrict az = tile + 2 * LFP_TILE;
    const double *restrict tx = tile + 3 * LFP_TILE, *restrict ty = tile + 4 * LFP_TILE;
    const double *restrict tz = tile + 5 * LFP_TILE, *restrict length = tile + 6 * LFP_TILE;
    const double *restrict radius2 = tile + 7 * LFP_TILE;
    double num[LFP_TILE], den[LFP_TILE];
    LFP_VECTOR
    for (ptrdiff_t j = 0; j < LFP_TILE; j++) {
        double wx = px - ax[j], wy = py - ay[j], wz = pz - az[j], L = length[j];
        double h1 = wx * tx[j] + wy * ty[j] + wz * tz[j], h2 = h1 - L;
        double cx = wx - h1 * tx[j], cy = wy - h1 * ty[j], cz = wz - h1 * tz[j];
        double beyond = h2 > -h1 ? h2 : -h1;
        beyond = beyond > 0.0 ? beyond : 0.0;
        double rho2 = cx * cx + cy * cy + cz * cz, least = radius2[j] - beyond * beyond;
        rho2 = rho2 > least ? rho2 : least;
        double r1 = sqrt(h1 * h1 + rho2), r2 = sqrt(h2 * h2 + rho2), s = r1 + r2, uv = h1 * h2 + rho2;
        num[j] = uv < 0.0 ? (r1 * r2 - uv) * (s + L) : 2.0 * L;
        den[j] = uv < 0.0 ? rho2 * L : s - L;
    }
    LFP_VECTOR
    for (ptrdiff_t j = 0; j < LFP_TILE; j++)
        sum[j] += weight * lfp_log_ratio(num[j], den[j]);
}

/* Add weight / r, the potential of a point source times 4 pi sigma, with r at least the radius. */
LFP_INLINE void lfp_point_body(const double *restrict tile, double px, double py,
                               double pz, double weight, double *restrict sum)
{
    const double *restrict x = tile, *restrict y = tile + LFP_TILE, *restrict z = tile + 2 * LFP_TILE;
    const double *restrict radius2 = tile + 3 * LFP_TILE;
    LFP_VECTOR
    for (ptrdiff_t j = 0; j < LFP_TILE; j++) {
        double dx = px - x[j], dy = py - y[j], dz = pz - z[j];
        double r2 = dx * dx + dy * dy + dz * dz;
        r2 = r2 > radius2[j] ? r2 : radius2[j];
        sum[j] += weight / sqrt(r2);
    }
}

/* Distance squared to each segment of a tile of lines. */
LFP_INLINE void lfp_distance2_body(const double *restrict tile, double px, double py,
                                   double pz, double *restrict distance2)
{
    const double *restrict ax = tile, *restrict ay = tile + LFP_TILE, *restrict az = tile + 2 * LFP_TILE;
    const double *restrict tx = tile + 3 * LFP_TILE, *restrict ty = tile + 4 * LFP_TILE;
    const double *restrict tz = tile + 5 * LFP_TILE, *restrict length = tile + 6 * LFP_TILE;
    LFP_VECTOR
    for (ptrdiff_t j = 0; j < LFP_TILE; j++) {
        double wx = px - ax[j], wy = py - ay[j], wz = pz - az[j];
        double h = wx * tx[j] + wy * ty[j] + wz * tz[j];
        h = h < length[j] ? h : length[j];
        h = h > 0.0 ? h : 0.0;
        double cx = wx - h * tx[j], cy = wy - h * ty[j], cz = wz - h * tz[j];
        distance2[j] = cx * cx + cy * cy + cz * cz;
    }
}

#define LFP_SUM_PARAMETERS                                                                                            \
    (const double *restrict tile, double px, double py, double pz, double weight,     \
     double *restrict sum)
LFP_KERNEL(lfp_line, LFP_SUM_PARAMETERS, (tile, px, py, pz, weight, sum))
LFP_KERNEL(lfp_point, LFP_SUM_PARAMETERS, (tile, px, py, pz, weight, sum))
LFP_KERNEL(lfp_distance2,
           (const double *restrict tile, double px, double py, double pz,
            double *restrict distance2),
           (tile, px, py, pz, distance2))

#endif
