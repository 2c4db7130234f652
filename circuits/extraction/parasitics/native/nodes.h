// Which node of a net's resistors a piece of it belongs to: the nearest one.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

struct Site {
    double x, y;
    int32_t node;
};

struct Spot {
    double x, y;
};

struct Segment {
    Spot p, q;
};

inline double squared(double x, double y) { return x * x + y * y; }

// Sites in the cells of a grid, so that those near a place are found without a look at the others.
struct List {
    std::vector<Site> sites;  // cell by cell, each row of cells from left to right
    std::vector<int32_t> start;
    double left, bottom, cell;
    int columns, rows;

    List(const Site* from, const Site* to) {
        double right = from->x, top = from->y;
        left = right, bottom = top;
        for (const Site* s = from; s < to; ++s) {
            left = std::min(left, s->x), right = std::max(right, s->x);
            bottom = std::min(bottom, s->y), top = std::max(top, s->y);
        }
        const double n = double(to - from), width = right - left, height = top - bottom;
        cell = std::max({std::sqrt(2 * width * height / n), 2 * std::max(width, height) / n, 1.0});
        columns = int(width / cell) + 1, rows = int(height / cell) + 1;
        start.assign(size_t(columns) * rows + 1, 0);
        for (const Site* s = from; s < to; ++s) ++start[at(*s) + 1];
        for (size_t i = 1; i < start.size(); ++i) start[i] += start[i - 1];
        std::vector<int32_t> next(start.begin(), start.end() - 1);
        sites.resize(to - from);
        for (const Site* s = from; s < to; ++s) sites[next[at(*s)]++] = *s;
    }

    const Site* nearest(double x, double y) const {
        const Site* best = nullptr;
        double least = INFINITY;
        const int column = column_of(x), row = row_of(y);
        for (int ring = 0; ring < std::max(columns, rows); ++ring) {
            if (best && ring > 1 && squared((ring - 1) * cell, 0) > least) break;
            for (int r = std::max(row - ring, 0); r <= std::min(row + ring, rows - 1); ++r) {
                const bool whole = std::abs(r - row) == ring;  // a row of the ring, or its two ends
                for (int c = column - ring; c <= column + ring; c += whole || ring == 0 ? 1 : 2 * ring) {
                    if (c < 0 || c >= columns) continue;
                    for (int32_t i = start[size_t(r) * columns + c]; i < start[size_t(r) * columns + c + 1]; ++i) {
                        const double d = squared(sites[i].x - x, sites[i].y - y);
                        if (d < least) least = d, best = &sites[i];
                    }
                }
            }
        }
        return best;
    }

    template <class F>
    void within(double x1, double y1, double x2, double y2, F&& f) const {
        for (int r = row_of(y1); r <= row_of(y2); ++r) {
            const size_t row = size_t(r) * columns;
            for (int32_t i = start[row + column_of(x1)]; i < start[row + column_of(x2) + 1]; ++i) f(sites[i]);
        }
    }

private:
    int column_of(double x) const { return int(std::clamp((x - left) / cell, 0.0, double(columns - 1))); }
    int row_of(double y) const { return int(std::clamp((y - bottom) / cell, 0.0, double(rows - 1))); }
    size_t at(const Site& s) const { return size_t(row_of(s.y)) * columns + column_of(s.x); }
};

// The sites of all nets and layers. `list` is [nets * layers]: the list of a net's sites on a layer, or -1 where the whole
// net is one node, which has the net's own number.
class Nodes {
public:
    Nodes(const Site* sites, const int64_t* start, int64_t lists, const int32_t* list, int layers) : list_(list), layers_(layers) {
        lists_.reserve(lists);
        for (int64_t i = 0; i < lists; ++i) lists_.emplace_back(sites + start[i], sites + start[i + 1]);
    }

    // Calls f(node, part of the area) for the parts of a convex outline that are nearest to one node each.
    template <class F>
    void areas(int32_t net, int layer, const std::vector<Spot>& outline, F&& f) const {
        const int32_t list = list_[int64_t(net) * layers_ + layer];
        if (list < 0) return f(net, outline);
        split(lists_[list], outline, f, 0);
    }

    // Calls f(node, t0, t1) for the parts of a segment, 0 to 1 along it, upwards.
    template <class F>
    void stretches(int32_t net, int layer, const Segment& s, F&& f) const {
        const int32_t list = list_[int64_t(net) * layers_ + layer];
        if (list < 0) return f(net, 0.0, 1.0);
        split(lists_[list], s, 0.0, 1.0, f, 0);
    }

private:
    static constexpr size_t FEW = 8;
    static constexpr int DEEPEST = 24;

    struct Box {
        double x1, y1, x2, y2;
    };

    // The sites that can be the nearest to a point of the box.
    static std::vector<const Site*> candidates(const List& list, const Box& box) {
        if (list.sites.size() == 1) return {&list.sites[0]};
        const Site* near = list.nearest((box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2);
        const double radius = squared(std::max(std::abs(near->x - box.x1), std::abs(near->x - box.x2)),
                                      std::max(std::abs(near->y - box.y1), std::abs(near->y - box.y2)));
        std::vector<const Site*> found;
        const double reach = std::sqrt(radius);
        list.within(box.x1 - reach, box.y1 - reach, box.x2 + reach, box.y2 + reach, [&](const Site& s) {
            if (squared(std::max({box.x1 - s.x, 0.0, s.x - box.x2}), std::max({box.y1 - s.y, 0.0, s.y - box.y2})) <= radius) found.push_back(&s);
        });
        return found;
    }

    // The part of a convex outline where nx x + ny y <= c.
    static std::vector<Spot> clipped(const std::vector<Spot>& outline, double nx, double ny, double c) {
        std::vector<Spot> kept;
        for (size_t i = 0; i < outline.size(); ++i) {
            const Spot &p = outline[i ? i - 1 : outline.size() - 1], &q = outline[i];
            const double dp = nx * p.x + ny * p.y - c, dq = nx * q.x + ny * q.y - c;
            if ((dp > 0) != (dq > 0)) {
                const double s = dp / (dp - dq);
                kept.push_back({p.x + s * (q.x - p.x), p.y + s * (q.y - p.y)});
            }
            if (dq <= 0) kept.push_back(q);
        }
        return kept;
    }

    // Many candidates: halves of the outline have fewer each.
    template <class F>
    static void split(const List& list, const std::vector<Spot>& outline, F& f, int depth) {
        Box box{INFINITY, INFINITY, -INFINITY, -INFINITY};
        for (const Spot& p : outline) {
            box.x1 = std::min(box.x1, p.x), box.x2 = std::max(box.x2, p.x);
            box.y1 = std::min(box.y1, p.y), box.y2 = std::max(box.y2, p.y);
        }
        const auto near = candidates(list, box);
        if (near.size() == 1) return f(near[0]->node, outline);
        if (near.size() > FEW && depth < DEEPEST) {
            const bool across = box.x2 - box.x1 >= box.y2 - box.y1;
            const double nx = across, ny = !across, c = across ? (box.x1 + box.x2) / 2 : (box.y1 + box.y2) / 2;
            for (const double sign : {1.0, -1.0}) {
                const auto half = clipped(outline, sign * nx, sign * ny, sign * c);
                if (half.size() >= 3) split(list, half, f, depth + 1);
            }
            return;
        }
        for (const Site* own : near) {
            std::vector<Spot> part = outline;
            for (const Site* other : near) {
                if (other == own) continue;
                part = clipped(part, other->x - own->x, other->y - own->y,
                               (squared(other->x, other->y) - squared(own->x, own->y)) / 2);
                if (part.size() < 3) break;
            }
            if (part.size() >= 3) f(own->node, part);
        }
    }

    template <class F>
    static void split(const List& list, const Segment& s, double t0, double t1, F& f, int depth) {
        const Box box{std::min(s.p.x, s.q.x), std::min(s.p.y, s.q.y), std::max(s.p.x, s.q.x), std::max(s.p.y, s.q.y)};
        const auto near = candidates(list, box);
        if (near.size() == 1) return f(near[0]->node, t0, t1);
        if (near.size() > FEW && depth < DEEPEST) {
            const Spot half{(s.p.x + s.q.x) / 2, (s.p.y + s.q.y) / 2};
            split(list, {s.p, half}, t0, (t0 + t1) / 2, f, depth + 1);
            split(list, {half, s.q}, (t0 + t1) / 2, t1, f, depth + 1);
            return;
        }
        // Along the segment the squared distance to a site is a parabola common to all, and a line of its own: the lowest line wins.
        const double dx = s.q.x - s.p.x, dy = s.q.y - s.p.y;
        const auto slope = [&](const Site* a) { return 2 * (dx * (s.p.x - a->x) + dy * (s.p.y - a->y)); };
        const auto height = [&](const Site* a) { return squared(s.p.x - a->x, s.p.y - a->y); };
        const Site* now = near[0];
        for (const Site* a : near)
            if (height(a) < height(now) || (height(a) == height(now) && slope(a) < slope(now))) now = a;
        for (double t = 0;;) {
            double until = 1;
            const Site* next = nullptr;
            for (const Site* a : near) {
                if (slope(a) >= slope(now)) continue;
                const double crossing = std::max(t, (height(a) - height(now)) / (slope(now) - slope(a)));
                if (crossing < until || (next && crossing == until && slope(a) < slope(next))) until = crossing, next = a;
            }
            if (until > t) f(now->node, t0 + t * (t1 - t0), t0 + until * (t1 - t0));
            if (!next) return;
            t = until, now = next;
        }
    }

    std::vector<List> lists_;
    const int32_t* list_;
    int layers_;
};

inline double area(const std::vector<Spot>& outline) {
    double sum = 0;
    for (size_t i = 0; i < outline.size(); ++i) {
        const Spot &p = outline[i ? i - 1 : outline.size() - 1], &q = outline[i];
        sum += p.x * q.y - q.x * p.y;
    }
    return std::abs(sum) / 2;
}
