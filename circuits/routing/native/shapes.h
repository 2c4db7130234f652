// All shapes, drawn before or by the router, to be looked up by place.
#pragma once

#include "rules.h"

constexpr int32_t NOBODY = -1;

struct Shape {
    Rect rect;
    int32_t layer;  // a metal, or METALS + a cut
    int32_t net;
    int32_t space;  // kept to shapes of other nets
    bool drawn;     // before: cannot be moved
};

class Shapes {
public:
    explicit Shapes(const Rect& area) : area_(area) {
        columns_ = (area.width() + CELL - 1) / CELL + 1, rows_ = (area.height() + CELL - 1) / CELL + 1;
        for (auto& layer : cells_) layer.resize(size_t(columns_) * rows_);
    }

    int32_t add(const Shape& shape) {
        int32_t id = int32_t(shapes_.size());
        if (free_.empty())
            shapes_.push_back(shape);
        else
            shapes_[id = free_.back()] = shape, free_.pop_back();
        each_cell(shape.layer, shape.rect, [id](std::vector<int32_t>& cell) { cell.push_back(id); });
        widest_[shape.layer] = std::max(widest_[shape.layer], shape.space);
        return id;
    }

    void remove(int32_t id) {
        each_cell(shapes_[id].layer, shapes_[id].rect, [id](std::vector<int32_t>& cell) { cell.erase(std::find(cell.begin(), cell.end(), id)); });
        free_.push_back(id);
    }

    const Shape& operator[](int32_t id) const { return shapes_[id]; }

    // Every shape of a layer that comes into a box or touches it, once: f(shape).
    template <class F>
    void each(int layer, const Rect& box, F&& f) const {
        const int32_t cx0 = column(box.x0), cx1 = column(box.x1), cy0 = row(box.y0), cy1 = row(box.y1);
        for (int32_t cy = cy0; cy <= cy1; ++cy)
            for (int32_t cx = cx0; cx <= cx1; ++cx)
                for (const int32_t id : cells_[layer][size_t(cy) * columns_ + cx]) {
                    const Rect& r = shapes_[id].rect;
                    if (r.x1 < box.x0 || box.x1 < r.x0 || r.y1 < box.y0 || box.y1 < r.y0) continue;
                    // In the first cell that both have, so that it is found once.
                    if (cx == std::max(cx0, column(r.x0)) && cy == std::max(cy0, row(r.y0))) f(shapes_[id]);
                }
    }

    // Every shape of another net that is too near to a rectangle: f(shape).
    template <class F>
    void each_conflict(int layer, const Rect& rect, int32_t net, int32_t space, F&& f) const {
        each(layer, rect.grown(std::max(space, widest_[layer])), [&](const Shape& other) {
            if ((other.net != net || net == NOBODY) && nearer(rect, other.rect, std::max(space, other.space))) f(other);
        });
    }

private:
    static constexpr int32_t CELL = 4000;
    int32_t column(int32_t x) const { return std::clamp((x - area_.x0) / CELL, 0, columns_ - 1); }
    int32_t row(int32_t y) const { return std::clamp((y - area_.y0) / CELL, 0, rows_ - 1); }
    template <class F>
    void each_cell(int layer, const Rect& r, F&& f) {
        for (int32_t cy = row(r.y0); cy <= row(r.y1); ++cy)
            for (int32_t cx = column(r.x0); cx <= column(r.x1); ++cx) f(cells_[layer][size_t(cy) * columns_ + cx]);
    }

    Rect area_;
    int32_t columns_, rows_;
    std::array<std::vector<std::vector<int32_t>>, SHAPE_LAYERS> cells_;
    std::array<int32_t, SHAPE_LAYERS> widest_{};
    std::vector<Shape> shapes_;
    std::vector<int32_t> free_;
};
