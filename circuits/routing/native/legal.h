// A net's shapes on one metal made legal among themselves: gaps closed, corners thickened, small pieces enlarged.
#pragma once

#include <cmath>
#include <functional>
#include <numeric>

#include "rules.h"

struct Legal {
    std::vector<Rect> added;  // to be drawn too
    std::vector<Rect> bad;    // places that stay illegal
};

// The plane cut at all edges of some rectangles.
class Cells {
public:
    static constexpr uint8_t ROUTED = 1, DRAWN_BEFORE = 2;

    Cells(const std::vector<Rect>& routed, const std::vector<Rect>& drawn) {
        for (const auto* rects : {&routed, &drawn})
            for (const Rect& r : *rects) xs_.insert(xs_.end(), {r.x0, r.x1}), ys_.insert(ys_.end(), {r.y0, r.y1});
        for (auto* edges : {&xs_, &ys_}) {
            std::sort(edges->begin(), edges->end());
            edges->erase(std::unique(edges->begin(), edges->end()), edges->end());
        }
        columns_ = int(xs_.size()) - 1, rows_ = int(ys_.size()) - 1;
        filled_.assign(size_t(columns_) * rows_, 0);
        for (const Rect& r : routed) paint(r, ROUTED);
        for (const Rect& r : drawn) paint(r, DRAWN_BEFORE);
    }

    // Runs of empty cells between filled ones that are shorter than `space`, and runs of filled ones that are shorter than `width` and
    // partly routed: f(box, whether along x).
    template <class F>
    void each_short(int64_t space, F&& f) const { runs(false, space, f); }
    template <class F>
    void each_thin(int64_t width, F&& f) const { runs(true, width, f); }

    bool filled_at(int32_t x, int32_t y) const {  // the cell whose inside holds the point, or begins there
        if (x < xs_.front() || y < ys_.front() || x >= xs_.back() || y >= ys_.back()) return false;
        return filled_[size_t(index(ys_, y)) * columns_ + index(xs_, x)] != 0;
    }

    // How far filled cells reach from a point upwards (to the right), or downwards, `most` at most. What was drawn before comes cut into slices:
    // one of them may end sooner than the metal does.
    int32_t reach(int32_t x, int32_t y, int32_t most, bool along_x) const {
        const auto& edges = along_x ? xs_ : ys_;
        const int32_t from = along_x ? x : y;
        const bool back = most < 0;
        int k = index(edges, back ? from - 1 : from);
        const auto filled = [&](int place) {
            if (place < 0 || place + 1 >= int(edges.size())) return false;
            return along_x ? filled_at(edges[place], y) : filled_at(x, edges[place]);
        };
        while (filled(k) && (back ? edges[k] > from + most : edges[k + 1] < from + most)) k += back ? -1 : 1;
        if (!filled(k)) return back ? edges[k + 1] : edges[k];
        return from + most;
    }

    // Pieces that are joined along an edge (of filled cells, or of empty ones that are shut in): f(area, cells, routed).
    template <class F>
    void each_piece(bool filled, F&& f) const {
        std::vector<uint8_t> seen(filled_.size(), 0);
        for (int start = 0; start < int(filled_.size()); ++start) {
            if (seen[start] || (filled_[start] != 0) != filled) continue;
            std::vector<int> cells{start};
            seen[start] = 1;
            int64_t area = 0;
            bool routed = false, at_border = false;
            for (size_t k = 0; k < cells.size(); ++k) {
                const int i = cells[k] % columns_, j = cells[k] / columns_;
                area += int64_t(xs_[i + 1] - xs_[i]) * (ys_[j + 1] - ys_[j]);
                routed |= (filled_[cells[k]] & ROUTED) != 0;
                at_border |= i == 0 || j == 0 || i == columns_ - 1 || j == rows_ - 1;
                const auto step = [&](bool in, int to) {
                    if (in && !seen[to] && (filled_[to] != 0) == filled) seen[to] = 1, cells.push_back(to);
                };
                step(i > 0, cells[k] - 1), step(i + 1 < columns_, cells[k] + 1);
                step(j > 0, cells[k] - columns_), step(j + 1 < rows_, cells[k] + columns_);
            }
            if (filled || !at_border) f(area, cells, routed);
        }
    }
    Rect box(int cell) const {
        const int i = cell % columns_, j = cell / columns_;
        return {xs_[i], ys_[j], xs_[i + 1], ys_[j + 1]};
    }

private:
    static int index(const std::vector<int32_t>& edges, int32_t at) { return int(std::upper_bound(edges.begin(), edges.end(), at) - edges.begin()) - 1; }
    void paint(const Rect& r, uint8_t what) {
        const int i0 = index(xs_, r.x0), i1 = index(xs_, r.x1), j0 = index(ys_, r.y0), j1 = index(ys_, r.y1);
        for (int j = j0; j < j1; ++j)
            for (int i = i0; i < i1; ++i) filled_[size_t(j) * columns_ + i] |= what;
    }
    template <class F>
    void runs(bool filled, int64_t least, F&& f) const {
        for (const bool level : {true, false}) {
            const auto& along = level ? xs_ : ys_;
            const auto& across = level ? ys_ : xs_;
            const int length = level ? columns_ : rows_, lines = level ? rows_ : columns_;
            for (int line = 0; line < lines; ++line)
                for (int k = 0; k < length;) {
                    const auto at = [&](int place) { return filled_[level ? size_t(line) * columns_ + place : size_t(place) * columns_ + line]; };
                    int end = k;
                    uint8_t what = 0;
                    while (end < length && (at(end) != 0) == filled) what |= at(end++);
                    if (end == k) {
                        ++k;
                        continue;
                    }
                    const bool inner = filled ? (what & ROUTED) != 0 : k > 0 && end < length;
                    if (inner && along[end] - along[k] < least) {
                        f(level ? Rect{along[k], across[line], along[end], across[line + 1]} : Rect{across[line], along[k], across[line + 1], along[end]}, level);
                    }
                    k = end;
                }
        }
    }

    std::vector<int32_t> xs_, ys_;
    int columns_, rows_;
    std::vector<uint8_t> filled_;
};

// `cost` of a new rectangle: how many foreign wires it would be too near to, less than 0 where it cannot be.
class Legaliser {
public:
    Legaliser(const Metal& metal, std::function<int(const Rect&)> cost) : metal_(metal), cost_(std::move(cost)) {}

    Legal run(const std::vector<Rect>& routed, const std::vector<Rect>& drawn) {
        Legal made;
        for (const auto& group : groups(routed, drawn)) {
            std::vector<Rect> ours, before;
            for (const int k : group) k < int(routed.size()) ? ours.push_back(routed[k]) : before.push_back(drawn[k - routed.size()]);
            if (!ours.empty()) work(ours, before, made);
        }
        return made;
    }

private:
    static constexpr int PASSES = 12;

    // Rectangles that touch or are too near, directly or through others.
    std::vector<std::vector<int>> groups(const std::vector<Rect>& routed, const std::vector<Rect>& drawn) const {
        const int count = int(routed.size() + drawn.size());
        const auto rect = [&](int k) -> const Rect& { return k < int(routed.size()) ? routed[k] : drawn[k - routed.size()]; };
        std::vector<int> root(count), order(count);
        std::iota(root.begin(), root.end(), 0), std::iota(order.begin(), order.end(), 0);
        const auto find = [&](int k) {
            while (root[k] != k) k = root[k] = root[root[k]];
            return k;
        };
        std::sort(order.begin(), order.end(), [&](int a, int b) { return std::make_pair(rect(a).x0, a) < std::make_pair(rect(b).x0, b); });
        for (int a = 0; a < count; ++a)
            for (int b = a + 1; b < count && rect(order[b]).x0 <= rect(order[a]).x1 + metal_.space; ++b)
                if (gap_y(rect(order[a]), rect(order[b])) <= metal_.space) root[find(order[b])] = find(order[a]);
        std::vector<std::vector<int>> found(count), kept;
        for (int k = 0; k < count; ++k) found[find(k)].push_back(k);
        for (auto& group : found)
            if (!group.empty()) kept.push_back(std::move(group));
        return kept;
    }

    void work(std::vector<Rect>& ours, const std::vector<Rect>& before, Legal& made) {
        std::vector<Rect> refused;
        for (int pass = 0; pass < PASSES; ++pass) {
            const Cells cells(ours, before);
            std::vector<Rect> add;
            refused.clear();
            const auto want = [&](const Rect& r) { (cost_(r) < 0 ? refused : add).push_back(r); };
            cells.each_short(metal_.space, [&](const Rect& r, bool) { want(r); });
            if (add.empty()) corners(cells, ours, before, add);
            if (add.empty())
                cells.each_piece(false, [&](int64_t area, const std::vector<int>& inside, bool) {
                    if (area < metal_.hole_area)
                        for (const int cell : inside) want(cells.box(cell));
                });
            if (add.empty()) enlarge(cells, ours, add, refused);
            if (add.empty()) cells.each_thin(metal_.width, [&](const Rect& r, bool level) { thicken(r, level, add, refused); });
            if (add.empty()) break;
            if (pass + 1 == PASSES) refused.insert(refused.end(), add.begin(), add.end());
            ours.insert(ours.end(), add.begin(), add.end());
            made.added.insert(made.added.end(), add.begin(), add.end());
        }
        made.bad.insert(made.bad.end(), refused.begin(), refused.end());
    }

    void thicken(const Rect& thin, bool level, std::vector<Rect>& add, std::vector<Rect>& refused) {
        const auto width = int32_t(metal_.width);
        int best_cost = -1;
        Rect best = thin;
        const int32_t missing = width - (level ? thin.width() : thin.height());
        for (const int32_t low : {0, missing, floor_to(missing / 2, DRAWN)}) {
            const int32_t high = missing - low;
            const Rect r = level ? Rect{thin.x0 - low, thin.y0, thin.x1 + high, thin.y1} : Rect{thin.x0, thin.y0 - low, thin.x1, thin.y1 + high};
            const int cost = cost_(r);
            if (cost >= 0 && (best_cost < 0 || cost < best_cost)) best = r, best_cost = cost;
        }
        (best_cost < 0 ? refused : add).push_back(best);
    }

    // Two rectangles that meet, or nearly meet, only at a corner: one is drawn on to below (or above) the other.
    void corners(const Cells& cells, const std::vector<Rect>& ours, const std::vector<Rect>& before, std::vector<Rect>& add) {
        const auto width = int32_t(metal_.width);
        const auto look = [&](const Rect& p, const Rect& q) {
            const Rect& a = p.x0 < q.x0 ? p : q;
            const Rect& b = p.x0 < q.x0 ? q : p;
            const bool rising = b.y0 > a.y0;
            const int64_t dx = b.x0 - a.x1, dy = rising ? b.y0 - a.y1 : a.y0 - b.y1;
            if (a.x0 == b.x0 || a.x1 >= b.x1 || (rising ? a.y1 >= b.y1 : a.y0 <= b.y0 || a.y1 <= b.y1)) return;  // one reaches past the other
            const bool apart = dx >= 0 && dy >= 0, over = dx <= 0 && dy <= 0;
            const int64_t least = apart ? metal_.space : metal_.width;
            if (!(apart || over) || dx * dx + dy * dy >= least * least) return;
            // Filled round the corner by something else?
            const int32_t ax = a.x1, ay = rising ? a.y1 : a.y0, bx = b.x0, by = rising ? b.y0 : b.y1;
            const bool one = apart ? cells.filled_at(ax, rising ? ay - 1 : ay) : cells.filled_at(bx - 1, rising ? ay : ay - 1);
            const bool two = apart ? cells.filled_at(bx - 1, rising ? by : by - 1) : cells.filled_at(ax, rising ? by - 1 : by);
            if (one || two) return;
            const int32_t deep = cells.reach(ax - 1, ay, rising ? -width : width, false);
            const int32_t far = cells.reach(bx, rising ? by : by - 1, width, true);
            const Rect level = rising ? Rect{ax - width, deep, bx + width, ay} : Rect{ax - width, ay, bx + width, deep};
            const Rect upright = rising ? Rect{bx, ay - width, far, by + width} : Rect{bx, by - width, far, ay + width};
            const int first = cost_(level), second = cost_(upright);
            if (first >= 0 && (second < 0 || first <= second))
                add.push_back(level);
            else if (second >= 0)
                add.push_back(upright);
        };
        for (size_t i = 0; i < ours.size(); ++i) {
            for (size_t j = i + 1; j < ours.size(); ++j) look(ours[i], ours[j]);
            for (const Rect& other : before) look(ours[i], other);
        }
    }

    // Pieces below the least area get a tongue on the side where it is least in the way.
    void enlarge(const Cells& cells, const std::vector<Rect>& ours, std::vector<Rect>& add, std::vector<Rect>& refused) {
        cells.each_piece(true, [&](int64_t area, const std::vector<int>& inside, bool routed) {
            if (!routed || area >= metal_.area) return;
            Rect all = cells.box(inside[0]);
            for (const int cell : inside) all = hull(all, cells.box(cell));
            int best_cost = -1;
            Rect best{};
            const auto consider = [&](const Rect& r) {
                const int cost = cost_(r);
                if (cost >= 0 && (best_cost < 0 || cost < best_cost)) best = r, best_cost = cost;
            };
            for (const Rect& r : ours) {
                if (!all.holds(r) || std::min(r.width(), r.height()) < metal_.width) continue;
                const int64_t missing = metal_.area - area;
                const int32_t dx = up(int32_t((missing + r.height() - 1) / r.height())), dy = up(int32_t((missing + r.width() - 1) / r.width()));
                const int32_t half_x = up((dx + 1) / 2), half_y = up((dy + 1) / 2);
                const bool left = r.x0 == all.x0, right = r.x1 == all.x1, bottom = r.y0 == all.y0, top = r.y1 == all.y1;
                if (right) consider({r.x0, r.y0, r.x1 + dx, r.y1});
                if (left) consider({r.x0 - dx, r.y0, r.x1, r.y1});
                if (top) consider({r.x0, r.y0, r.x1, r.y1 + dy});
                if (bottom) consider({r.x0, r.y0 - dy, r.x1, r.y1});
                if (left && right) consider({r.x0 - half_x, r.y0, r.x1 + half_x, r.y1});
                if (bottom && top) consider({r.x0, r.y0 - half_y, r.x1, r.y1 + half_y});
            }
            (best_cost < 0 ? refused : add).push_back(best_cost < 0 ? all : best);
        });
    }

    Metal metal_;
    std::function<int(const Rect&)> cost_;
};
