// What the process asks of wires and cuts; lengths in nm, areas in nm2.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

constexpr int METALS = 4;              // met1 .. met4
constexpr int CUTS = 4;                // mcon, via, via2, via3: cut c joins metal c - 1 (li1 if c = 0) to metal c
constexpr int SHAPE_LAYERS = METALS + CUTS;
constexpr int32_t PITCH = 140;         // of the routing grid: the width and the space of met1 and met2, so that wires of a net touch or are apart
constexpr int32_t DRAWN = 10;          // all corners lie on this grid
constexpr int32_t WIDE = 3000;         // metal wider than this keeps a greater space

struct Rect {
    int32_t x0, y0, x1, y1;
    Rect grown(int32_t by) const { return {x0 - by, y0 - by, x1 + by, y1 + by}; }
    Rect moved(int32_t x, int32_t y) const { return {x0 + x, y0 + y, x1 + x, y1 + y}; }
    bool operator==(const Rect& r) const { return x0 == r.x0 && y0 == r.y0 && x1 == r.x1 && y1 == r.y1; }
    int32_t width() const { return x1 - x0; }
    int32_t height() const { return y1 - y0; }
    bool holds(const Rect& r) const { return x0 <= r.x0 && y0 <= r.y0 && r.x1 <= x1 && r.y1 <= y1; }
    bool overlaps(const Rect& r) const { return x0 < r.x1 && r.x0 < x1 && y0 < r.y1 && r.y0 < y1; }
};

inline Rect hull(const Rect& a, const Rect& b) {
    return {std::min(a.x0, b.x0), std::min(a.y0, b.y0), std::max(a.x1, b.x1), std::max(a.y1, b.y1)};
}

// Distances of two rectangles along x and y, 0 where they overlap or touch.
inline int32_t gap_x(const Rect& a, const Rect& b) { return std::max({0, b.x0 - a.x1, a.x0 - b.x1}); }
inline int32_t gap_y(const Rect& a, const Rect& b) { return std::max({0, b.y0 - a.y1, a.y0 - b.y1}); }
inline bool nearer(const Rect& a, const Rect& b, int64_t space) {
    const int64_t x = gap_x(a, b), y = gap_y(a, b);
    return x * x + y * y < space * space;
}

// Rounded away from zero to the drawing grid.
inline int32_t up(int32_t length) { return (length + DRAWN - 1) / DRAWN * DRAWN; }
inline int32_t floor_to(int32_t value, int32_t step) { return value >= 0 ? value / step * step : -((-value + step - 1) / step * step); }
inline int32_t ceil_to(int32_t value, int32_t step) { return -floor_to(-value, step); }

struct Metal {
    int64_t width, space, wide_space, area, hole_area;
};

// `side` is kept round a cut everywhere, `end` in one direction.
struct Cut {
    int64_t size, space, low_side, low_end, high_side, high_end;
};

struct Rules {
    std::array<Metal, METALS> metal;
    std::array<Cut, CUTS> cut;
};

// A square of wire or a stack of pads, placed with its reference point on a node.
struct Via {
    std::vector<Rect> cuts;
    Rect cut_box, low, high;
};

inline Rect square(int32_t width) {
    const int32_t low = -floor_to(width / 2, DRAWN);
    return {low, low, low + width, low + width};
}

// Metal round the cuts; met1 and met3 are longer along x, met2 and met4 along y.
inline Rect pad(const Rect& cuts, int64_t side, int64_t end, int metal) {
    const int64_t x = metal % 2 == 0 ? end : side, y = metal % 2 == 0 ? side : end;
    return {floor_to(int32_t(cuts.x0 - x), DRAWN), floor_to(int32_t(cuts.y0 - y), DRAWN), ceil_to(int32_t(cuts.x1 + x), DRAWN),
            ceil_to(int32_t(cuts.y1 + y), DRAWN)};
}

// As many cuts as fit where a wire of one width crosses one of the other.
inline Via via_of(const Cut& cut, int upper, int32_t low_width, int32_t high_width) {
    const int64_t room = std::min(low_width - 2 * cut.low_end, high_width - 2 * cut.high_end);
    const int64_t count = std::max<int64_t>(1, (room + cut.space) / (cut.size + cut.space));
    const auto step = int32_t(up(int32_t(cut.size + cut.space))), size = int32_t(cut.size);
    const int32_t length = int32_t(count - 1) * step + size, low = -floor_to(length / 2 + DRAWN - 1, DRAWN);
    Via via{{}, {low, low, low + length, low + length}, {}, {}};
    for (int64_t i = 0; i < count; ++i)
        for (int64_t j = 0; j < count; ++j) {
            const auto x = int32_t(low + i * step), y = int32_t(low + j * step);
            via.cuts.push_back({x, y, x + size, y + size});
        }
    via.low = pad(via.cut_box, cut.low_side, cut.low_end, upper - 1);
    via.high = pad(via.cut_box, cut.high_side, cut.high_end, upper);
    return via;
}

// How a net's wires look: nets of one kind share a field.
struct Kind {
    std::array<int32_t, METALS> width;
    std::array<int32_t, METALS> space;  // to anything else, with the net's own clearance
    std::array<Rect, METALS> wire;
    std::array<Via, CUTS> via;  // [0] is not placed on nodes
};

inline Kind kind_of(const Rules& rules, const int64_t* widths, int64_t clearance) {
    Kind kind{};
    for (int m = 0; m < METALS; ++m) {
        kind.width[m] = int32_t(widths[m]);
        kind.space[m] = int32_t(std::max(widths[m] > WIDE ? rules.metal[m].wide_space : rules.metal[m].space, clearance));
        kind.wire[m] = square(kind.width[m]);
        if (m > 0) kind.via[m] = via_of(rules.cut[m], m, kind.width[m - 1], kind.width[m]);
    }
    return kind;
}
