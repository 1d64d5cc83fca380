/* Mean potential of one source over a flat face, by adaptive cubature: the loops behind _faces.pyx.
 *
 * Near a source the potential changes within the source's own radius, where no fixed rule for the whole face follows.
 * The face is halved until each part is small against its distance from the source, and every part has a product of
 * Gauss rules: the parts are many where the source is near, and nowhere else.
 */
#ifndef LFP_FACES_H
#define LFP_FACES_H

#include <math.h>

#include "lanes.h"

enum { LFP_DISC = 0, LFP_RECTANGLE = 1 };
enum { LFP_GAUSS = 4, LFP_SECTORS = 6, LFP_DEPTH = 64 };

/* Half a part's diagonal: at most this much of the distance (or of the radius that stands for it), ... */
#define LFP_PART 0.6
/* ... across the surface of the source, where the potential has a kink, this much of the radius, ... */
#define LFP_KINK 0.1
/* ... and never smaller than these fractions of the face, whose share of the mean no longer matters. */
#define LFP_LEAST 2e-4
#define LFP_LEAST_KINK 2e-3

#define LFP_TWO_PI 6.283185307179586

static const double lfp_gauss_nodes[LFP_GAUSS] = {-0.8611363115940526, -0.3399810435848563, 0.3399810435848563,
                                                  0.8611363115940526};
static const double lfp_gauss_weights[LFP_GAUSS] = {0.17392742256872692, 0.32607257743127307, 0.32607257743127307,
                                                    0.17392742256872692};

/* A source: 1 / r of a point or the mean of 1 / r over a line, with coordinates stretched by a factor for each axis
 * (1, 1, 1 where the medium is isotropic). The least distance is that in true space.
 */
typedef struct {
    double start[3], unit[3], length, radius;
    double first[3], along[3], stretched_length;
    double stretch[3], largest_ratio;
    int isotropic;
} lfp_source;

typedef struct {
    double centre[3], axes[2][3], sizes[2], size;
    int shape;
} lfp_face;

LFP_INLINE double lfp_dot(const double *a, const double *b)
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

static void lfp_set_source(lfp_source *source, const double *start, const double *end, double radius,
                           const double *stretch)
{
    double along[3], least = stretch[0], most = stretch[0];
    for (int k = 0; k < 3; k++)
        along[k] = end[k] - start[k];
    double length = sqrt(lfp_dot(along, along));
    int point = length < 1e-9 * radius;
    for (int k = 0; k < 3; k++) {
        source->start[k] = point ? 0.5 * (start[k] + end[k]) : start[k];
        source->unit[k] = point ? 0.0 : along[k] / length;
        source->stretch[k] = stretch[k];
        source->first[k] = source->start[k] * stretch[k];
        source->along[k] = point ? 0.0 : along[k] * stretch[k];
        least = stretch[k] < least ? stretch[k] : least;
        most = stretch[k] > most ? stretch[k] : most;
    }
    source->length = point ? 0.0 : length;
    source->stretched_length = sqrt(lfp_dot(source->along, source->along));
    source->radius = radius;
    source->largest_ratio = most / least;
    source->isotropic = stretch[0] == 1.0 && stretch[1] == 1.0 && stretch[2] == 1.0;
}

static void lfp_set_face(lfp_face *face, const double *centre, const double *first, const double *second, int shape)
{
    for (int k = 0; k < 3; k++) {
        face->centre[k] = centre[k];
        face->axes[0][k] = first[k];
        face->axes[1][k] = second[k];
    }
    face->sizes[0] = sqrt(lfp_dot(first, first));
    face->sizes[1] = sqrt(lfp_dot(second, second));
    face->size = sqrt(face->sizes[0] * face->sizes[1]);
    face->shape = shape;
}

/* Height along the axis from the start, and the distance to the axis squared, of a point relative to the start. */
LFP_INLINE void lfp_height(const double *offset, const double *unit, double *height, double *rho2)
{
    double h = lfp_dot(offset, unit), sum = 0.0;
    for (int k = 0; k < 3; k++) {
        double across = offset[k] - h * unit[k];
        sum += across * across;
    }
    *height = h, *rho2 = sum;
}

/* log((r1 + r2 + L) / (r1 + r2 - L)) / L without cancellation; see lfp_any_line in potentials.h. */
LFP_INLINE double lfp_line_mean(double h1, double rho2, double length)
{
    double h2 = h1 - length, r1 = sqrt(h1 * h1 + rho2), r2 = sqrt(h2 * h2 + rho2), s = r1 + r2, uv = h1 * h2 + rho2;
    double num = uv < 0.0 ? (r1 * r2 - uv) * (s + length) : 2.0 * length;
    double den = uv < 0.0 ? rho2 * length : s - length;
    return log1p(num / den) / length;
}

/* Potential at a point, times 4 pi; a point nearer than the radius moves away from the axis to it. */
static double lfp_source_potential(const lfp_source *source, const double *point)
{
    double offset[3], height, rho2, moved[3], radius2 = source->radius * source->radius;
    for (int k = 0; k < 3; k++)
        offset[k] = point[k] - source->start[k];
    lfp_height(offset, source->unit, &height, &rho2);
    double beyond = height < 0.0 ? -height : height > source->length ? height - source->length : 0.0;
    double least = radius2 - beyond * beyond, grown = rho2 < least ? least : rho2;
    if (source->isotropic)
        return source->length == 0.0 ? 1.0 / sqrt(grown) : lfp_line_mean(height, grown, source->length);
    double factor = rho2 > 0.0 ? sqrt(grown / rho2) : 1.0, stretched[3];
    for (int k = 0; k < 3; k++) {
        double across = offset[k] - height * source->unit[k];
        if (rho2 == 0.0) /* any direction serves on the axis, which no area lies on */
            across = k == 0 ? sqrt(grown) : 0.0;
        moved[k] = source->start[k] + height * source->unit[k] + factor * across;
        stretched[k] = moved[k] * source->stretch[k] - source->first[k];
    }
    if (source->length == 0.0)
        return 1.0 / sqrt(lfp_dot(stretched, stretched));
    double unit[3];
    for (int k = 0; k < 3; k++)
        unit[k] = source->along[k] / source->stretched_length;
    lfp_height(stretched, unit, &height, &rho2);
    return lfp_line_mean(height, rho2, source->stretched_length);
}

LFP_INLINE double lfp_source_distance(const lfp_source *source, const double *point)
{
    double offset[3], height, rho2;
    for (int k = 0; k < 3; k++)
        offset[k] = point[k] - source->start[k];
    lfp_height(offset, source->unit, &height, &rho2);
    double beyond = height < 0.0 ? height : height > source->length ? height - source->length : 0.0;
    return sqrt(rho2 + beyond * beyond);
}

/* The point of the face with two coordinates from -1 to 1, or a radius from 0 to 1 and an angle. */
LFP_INLINE void lfp_face_point(const lfp_face *face, double u, double v, double *point)
{
    double a = face->shape == LFP_DISC ? u * cos(v) : u, b = face->shape == LFP_DISC ? u * sin(v) : v;
    for (int k = 0; k < 3; k++)
        point[k] = face->centre[k] + a * face->axes[0][k] + b * face->axes[1][k];
}

/* Share of the mean that comes from one part of the face. */
static double lfp_part_mean(const lfp_face *face, const lfp_source *source, const double *part)
{
    double u = 0.5 * (part[0] + part[1]), v = 0.5 * (part[2] + part[3]);
    double du = part[1] - part[0], dv = part[3] - part[2], total = 0.0, point[3];
    for (int i = 0; i < LFP_GAUSS; i++) {
        double at = u + 0.5 * du * lfp_gauss_nodes[i], row = 0.0;
        for (int j = 0; j < LFP_GAUSS; j++) {
            lfp_face_point(face, at, v + 0.5 * dv * lfp_gauss_nodes[j], point);
            row += lfp_gauss_weights[j] * lfp_source_potential(source, point);
        }
        total += lfp_gauss_weights[i] * (face->shape == LFP_DISC ? 2.0 * at : 1.0) * row;
    }
    double area = face->shape == LFP_DISC ? LFP_TWO_PI : 4.0;
    return total * du * dv / area;
}

/* Whether a part is to be halved: 0 no, 1 in its first coordinate, 2 in its second. */
static int lfp_halving(const lfp_face *face, const lfp_source *source, const double *part)
{
    double u = 0.5 * (part[0] + part[1]), v = 0.5 * (part[2] + part[3]), point[3];
    double across = 0.5 * (part[1] - part[0]) * face->sizes[0];
    double around = 0.5 * (part[3] - part[2]) * (face->shape == LFP_DISC ? part[1] : 1.0) * face->sizes[1];
    double extent = sqrt(across * across + around * around) * source->largest_ratio;
    lfp_face_point(face, u, v, point);
    double distance = lfp_source_distance(source, point), radius = source->radius;
    double reach = distance > radius ? distance : radius, least = LFP_LEAST * face->size;
    int large = extent > LFP_PART * reach && extent > least;
    int kink = fabs(distance - radius) < extent && extent > LFP_KINK * radius && extent > LFP_LEAST_KINK * face->size;
    return large || kink ? (across >= around ? 1 : 2) : 0;
}

/* Mean potential over the face, times 4 pi. */
static double lfp_face_mean(const lfp_face *face, const lfp_source *source)
{
    double parts[LFP_SECTORS + LFP_DEPTH][4], part[4], total = 0.0;
    int count = 0, sectors = face->shape == LFP_DISC ? LFP_SECTORS : 1;
    for (int k = 0; k < sectors; k++, count++) {
        int disc = face->shape == LFP_DISC;
        parts[count][0] = disc ? 0.0 : -1.0, parts[count][1] = 1.0;
        parts[count][2] = disc ? LFP_TWO_PI * k / sectors : -1.0;
        parts[count][3] = disc ? LFP_TWO_PI * (k + 1) / sectors : 1.0;
    }
    while (count > 0) {
        count--;
        memcpy(part, parts[count], sizeof part);
        int halving = count + 2 > LFP_SECTORS + LFP_DEPTH ? 0 : lfp_halving(face, source, part);
        if (!halving) {
            total += lfp_part_mean(face, source, part);
            continue;
        }
        int low = halving == 1 ? 0 : 2;
        double middle = 0.5 * (part[low] + part[low + 1]);
        memcpy(parts[count], part, sizeof part);
        memcpy(parts[count + 1], part, sizeof part);
        parts[count][low + 1] = middle, parts[count + 1][low] = middle;
        count += 2;
    }
    return total;
}

#endif
