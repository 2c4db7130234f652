// Rectangles to be looked up by place.
#pragma once

#include "shapes.h"

class Grid {
public:
    Grid(const std::vector<Rect>& rects, int32_t cell) : rects_(rects), cell_(cell) {
        if (rects.empty()) return;
        left_ = bottom_ = INT32_MAX;
        int32_t right = INT32_MIN, top = INT32_MIN;
        for (const Rect& r : rects) {
            left_ = std::min(left_, r.x1), bottom_ = std::min(bottom_, r.y1);
            right = std::max(right, r.x2), top = std::max(top, r.y2);
        }
        columns_ = (right - left_) / cell_ + 1, rows_ = (top - bottom_) / cell_ + 1;
        start_.assign(size_t(columns_) * rows_ + 1, 0);
        for (const Rect& r : rects) each_cell(r, [this](size_t at) { ++start_[at + 1]; });
        for (size_t i = 1; i < start_.size(); ++i) start_[i] += start_[i - 1];
        items_.resize(start_.back());
        std::vector<int64_t> next(start_.begin(), start_.end() - 1);
        for (size_t i = 0; i < rects.size(); ++i) each_cell(rects[i], [&](size_t at) { items_[next[at]++] = int32_t(i); });
    }

    // Every rectangle that shares more than a border with the box, once.
    template <class F>
    void each(const Rect& box, F&& f) const {
        touching(box, [&](const Rect& r) {
            if (r.x1 < box.x2 && box.x1 < r.x2 && r.y1 < box.y2 && box.y1 < r.y2) f(r);
        });
    }

    // Whether a point lies in a rectangle or on its border.
    bool covers(int32_t x, int32_t y) const {
        bool found = false;
        touching({x, y, x, y, 0}, [&](const Rect& r) { found |= r.x1 <= x && x <= r.x2 && r.y1 <= y && y <= r.y2; });
        return found;
    }

private:
    template <class F>
    void touching(const Rect& box, F&& f) const {
        if (items_.empty()) return;
        const int32_t cx1 = column(box.x1), cx2 = column(box.x2), cy1 = row(box.y1), cy2 = row(box.y2);
        for (int32_t cy = cy1; cy <= cy2; ++cy)
            for (int32_t cx = cx1; cx <= cx2; ++cx) {
                const size_t at = size_t(cy) * columns_ + cx;
                for (int64_t i = start_[at]; i < start_[at + 1]; ++i) {
                    const Rect& r = rects_[items_[i]];
                    // In the first cell that both have, so that it is found once.
                    if (cx == std::max(cx1, column(r.x1)) && cy == std::max(cy1, row(r.y1))) f(r);
                }
            }
    }
    int32_t column(int32_t x) const { return std::clamp((x - left_) / cell_, 0, columns_ - 1); }
    int32_t row(int32_t y) const { return std::clamp((y - bottom_) / cell_, 0, rows_ - 1); }
    template <class F>
    void each_cell(const Rect& r, F&& f) const {
        for (int32_t cy = row(r.y1); cy <= row(r.y2); ++cy)
            for (int32_t cx = column(r.x1); cx <= column(r.x2); ++cx) f(size_t(cy) * columns_ + cx);
    }

    const std::vector<Rect>& rects_;
    int32_t cell_, left_ = 0, bottom_ = 0, columns_ = 0, rows_ = 0;
    std::vector<int64_t> start_;
    std::vector<int32_t> items_;
};
