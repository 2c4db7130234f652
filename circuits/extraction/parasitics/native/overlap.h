// Capacitances between areas that face each other: each piece of a shape with what is next below it.
#pragma once

#include "layout.h"

inline std::vector<Spot> outline(const Rect& r) {
    return {{double(r.x1), double(r.y1)}, {double(r.x2), double(r.y1)}, {double(r.x2), double(r.y2)}, {double(r.x1), double(r.y2)}};
}

inline double extent(const Rect& r) { return double(r.x2 - r.x1) * (r.y2 - r.y1); }

// What of `from` is not under `cover`.
inline void without(const Rect& from, const Rect& cover, std::vector<Rect>& out) {
    const Rect both{std::max(from.x1, cover.x1), std::max(from.y1, cover.y1), std::min(from.x2, cover.x2), std::min(from.y2, cover.y2), 0};
    if (both.x1 >= both.x2 || both.y1 >= both.y2) return out.push_back(from);
    if (from.x1 < both.x1) out.push_back({from.x1, from.y1, both.x1, from.y2, from.shape});
    if (both.x2 < from.x2) out.push_back({both.x2, from.y1, from.x2, from.y2, from.shape});
    if (from.y1 < both.y1) out.push_back({both.x1, from.y1, both.x2, both.y1, from.shape});
    if (both.y2 < from.y2) out.push_back({both.x1, both.y2, both.x2, from.y2, from.shape});
}

inline void overlap(const Scene& scene, int top, const Rect& above, int bottom, const Rect& below) {
    const Technology& t = scene.technology;
    const Rect both{std::max(above.x1, below.x1), std::max(above.y1, below.y1), std::min(above.x2, below.x2), std::min(above.y2, below.y2), 0};
    const int32_t a = scene.net(above), b = scene.net(below);
    scene.seen.over_something[size_t(a) * t.layers + top] += extent(both);
    const double per_area = t.plate[top * t.layers + bottom];
    if (a == b || per_area <= 0 || scene.between_plates(above.shape, below.shape)) return;
    const double fF = per_area * t.um * t.um / 1000;
    scene.nodes.areas(b, bottom, outline(both), [&](int32_t low, const std::vector<Spot>& part) {
        scene.nodes.areas(a, top, part, [&](int32_t high, const std::vector<Spot>& piece) { scene.couplings.add(low, high, fF * area(piece)); });
    });
}

inline void overlaps(const Scene& scene, const View& view) {
    const int layers = scene.technology.layers;
    std::vector<Rect> uncovered, next;
    for (int top = 1; top < layers; ++top)
        for (const Rect& rect : view.layers[top].rects) {
            uncovered.assign(1, rect);
            for (int bottom = top - 1; bottom >= 0 && !uncovered.empty(); --bottom)
                view.grids[bottom].each(rect, [&](const Rect& below) {
                    next.clear();
                    for (const Rect& piece : uncovered) {
                        const size_t before = next.size();
                        without(piece, below, next);
                        const bool untouched = next.size() == before + 1 && extent(next.back()) == extent(piece);
                        if (!untouched) overlap(scene, top, piece, bottom, below);
                    }
                    uncovered.swap(next);
                });
            for (const Rect& piece : uncovered) scene.seen.over_nothing[size_t(scene.net(rect)) * layers + top] += extent(piece);
        }
}
