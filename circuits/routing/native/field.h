// Where a wire or a via may be: for every node, how many shapes would be too near to one placed there.
#pragma once

#include "shapes.h"

struct Nodes {
    int32_t x0, y0, columns, rows;  // nodes lie at x0 + i PITCH, y0 + j PITCH

    explicit Nodes(const Rect& area) : x0(ceil_to(area.x0, DRAWN)), y0(ceil_to(area.y0, DRAWN)) {
        columns = (area.x1 - x0) / PITCH + 1, rows = (area.y1 - y0) / PITCH + 1;
    }
    int32_t plane() const { return columns * rows; }
    int32_t at(int32_t i, int32_t j) const { return j * columns + i; }
    int32_t x(int32_t i) const { return x0 + i * PITCH; }
    int32_t y(int32_t j) const { return y0 + j * PITCH; }
    // First and last column (row) strictly between two positions.
    std::pair<int32_t, int32_t> columns_between(int32_t low, int32_t high) const { return between(low - x0, high - x0, columns); }
    std::pair<int32_t, int32_t> rows_between(int32_t low, int32_t high) const { return between(low - y0, high - y0, rows); }

private:
    static std::pair<int32_t, int32_t> between(int32_t low, int32_t high, int32_t count) {
        return {std::max(0, floor_to(low, PITCH) / PITCH + 1), std::min(count - 1, ceil_to(high, PITCH) / PITCH - 1)};
    }
};

// Shapes that cannot be moved, and wires of other nets, that are too near.
struct Near {
    uint16_t drawn, wires;
};

// Of one kind of net: wires on every metal, then vias by their cut (1 .. 3).
class Field {
public:
    Field(const Nodes& nodes, const Kind& kind, const Rect& area) : nodes_(nodes), kind_(kind) {
        for (auto& plane : wire) plane.assign(nodes.plane(), {0, 0});
        for (auto& plane : via) plane.assign(nodes.plane(), {0, 0});
        for (int m = 0; m < METALS; ++m) keep_in(wire[m], kind.wire[m], area);
        for (int c = 1; c < CUTS; ++c) keep_in(via[c], hull(kind.via[c].low, kind.via[c].high), area);
    }

    // Count a shape in (by = 1) or out (by = -1).
    void count(const Shape& shape, int by, int32_t cut_space) {
        if (shape.layer >= METALS) {
            const int c = shape.layer - METALS;
            if (c > 0) add(via[c], kind_.via[c].cut_box, shape, cut_space, by);
            return;
        }
        const int m = shape.layer;
        const int32_t space = std::max(shape.space, kind_.space[m]);
        add(wire[m], kind_.wire[m], shape, space, by);
        if (m > 0) add(via[m], kind_.via[m].high, shape, space, by);
        if (m + 1 < METALS) add(via[m + 1], kind_.via[m + 1].low, shape, space, by);
    }

    std::array<std::vector<Near>, METALS> wire;
    std::array<std::vector<Near>, CUTS> via;

private:
    void add(std::vector<Near>& plane, const Rect& placed, const Shape& shape, int32_t space, int by) {
        const Rect& r = shape.rect;
        const auto [i0, i1] = nodes_.columns_between(r.x0 - space - placed.x1, r.x1 + space - placed.x0);
        const auto [j0, j1] = nodes_.rows_between(r.y0 - space - placed.y1, r.y1 + space - placed.y0);
        for (int32_t j = j0; j <= j1; ++j) {
            Near* row = plane.data() + nodes_.at(0, j);
            if (shape.drawn)
                for (int32_t i = i0; i <= i1; ++i) row[i].drawn = uint16_t(row[i].drawn + by);
            else
                for (int32_t i = i0; i <= i1; ++i) row[i].wires = uint16_t(row[i].wires + by);
        }
    }
    void keep_in(std::vector<Near>& plane, const Rect& placed, const Rect& area) {
        for (int32_t j = 0; j < nodes_.rows; ++j)
            for (int32_t i = 0; i < nodes_.columns; ++i)
                if (!area.holds(placed.moved(nodes_.x(i), nodes_.y(j)))) plane[nodes_.at(i, j)].drawn = 1;
    }

    const Nodes& nodes_;
    const Kind& kind_;
};
