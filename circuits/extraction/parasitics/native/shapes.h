// Conductors as they come in, and cut into rectangles.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

struct Rect {
    int32_t x1, y1, x2, y2;
    int32_t shape;
};

// A side of a shape that runs along x: `out` is +1 where the outside is above it, -1 where it is below.
struct Side {
    int32_t x1, x2, y;
    int32_t out;
    int32_t shape;
};

// A corner of a contour. Contours follow each other; the first of a shape is its hull, the others are holes.
struct Point {
    int32_t x, y;
};

struct Shapes {
    const Point* points;
    const int64_t* contour_start;  // [contours + 1], into points
    const int32_t* contour_shape;  // [contours], ascending
    int64_t contours;
    const int32_t* layer;  // [shapes]
    const int32_t* net;    // [shapes]
    const uint8_t* plate;  // [shapes], of a device capacitor
    int64_t count;
};

inline Point turned(Point p) { return {p.y, p.x}; }

// Twice the signed area: positive where the contour runs anticlockwise.
inline double twice_area(const Point* p, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; ++i) {
        const Point &a = p[i], &b = p[(i + 1) % n];
        sum += double(a.x) * b.y - double(b.x) * a.y;
    }
    return sum;
}

// One layer of a layout, seen with x along the page or, turned, with y along it.
struct Layer {
    std::vector<Rect> rects;  // as high as their shape is there: none has another of its shape right above or below
    std::vector<Side> sides;
};

namespace detail {

struct Event {
    int32_t x, y1, y2;
};

// Cuts one shape along all verticals through its corners and joins what is as high as its neighbour.
inline void cut(std::vector<Event>& events, int32_t shape, std::vector<Rect>& out) {
    std::sort(events.begin(), events.end(), [](const Event& a, const Event& b) { return a.x < b.x; });
    std::vector<int32_t> marks;                       // where the inside begins and ends, upwards, in the current strip
    std::map<std::pair<int32_t, int32_t>, int32_t> open;  // stretch -> where it began
    const auto toggle = [&marks](int32_t y) {
        const auto at = std::lower_bound(marks.begin(), marks.end(), y);
        if (at != marks.end() && *at == y) marks.erase(at);
        else marks.insert(at, y);
    };
    for (size_t i = 0; i < events.size();) {
        const int32_t x = events[i].x;
        for (; i < events.size() && events[i].x == x; ++i) {
            toggle(events[i].y1);
            toggle(events[i].y2);
        }
        std::map<std::pair<int32_t, int32_t>, int32_t> next;
        for (size_t k = 0; k + 1 < marks.size(); k += 2) {
            const auto stretch = std::make_pair(marks[k], marks[k + 1]);
            const auto known = open.find(stretch);
            if (known == open.end()) {
                next.emplace(stretch, x);
            } else {
                next.emplace(stretch, known->second);
                open.erase(known);
            }
        }
        for (const auto& [stretch, from] : open) out.push_back({from, stretch.first, x, stretch.second, shape});
        open.swap(next);
    }
    if (!open.empty()) throw std::runtime_error("a contour that does not close");
}

}  // namespace detail

// All layers, cut into rectangles; `turn` exchanges x and y. Every side must be upright or level.
inline std::vector<Layer> layers_of(const Shapes& shapes, int layers, bool turn) {
    std::vector<Layer> made(layers);
    std::vector<detail::Event> events;
    for (int64_t c = 0; c < shapes.contours;) {
        const int32_t shape = shapes.contour_shape[c];
        Layer& layer = made[shapes.layer[shape]];
        events.clear();
        for (bool hull = true; c < shapes.contours && shapes.contour_shape[c] == shape; ++c, hull = false) {
            const int64_t first = shapes.contour_start[c], n = shapes.contour_start[c + 1] - first;
            std::vector<Point> p(shapes.points + first, shapes.points + first + n);
            if (turn) std::transform(p.begin(), p.end(), p.begin(), turned);
            // With the inside on the left: hulls anticlockwise, holes clockwise.
            if ((twice_area(p.data(), n) > 0) != hull) std::reverse(p.begin(), p.end());
            for (int64_t i = 0; i < n; ++i) {
                const Point &a = p[i], &b = p[(i + 1) % n];
                if (a.y == b.y) {
                    if (a.x != b.x) layer.sides.push_back({std::min(a.x, b.x), std::max(a.x, b.x), a.y, b.x > a.x ? -1 : 1, shape});
                } else if (a.x == b.x) {
                    events.push_back({a.x, std::min(a.y, b.y), std::max(a.y, b.y)});
                } else {
                    throw std::runtime_error("a side that is neither upright nor level, near (" + std::to_string(a.x) + ", " + std::to_string(a.y) + ") nm");
                }
            }
        }
        detail::cut(events, shape, layer.rects);
    }
    return made;
}
