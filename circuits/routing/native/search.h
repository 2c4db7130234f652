// The cheapest path from what a net has to a pin: A* over the nodes of all metals.
#pragma once

#include "field.h"

constexpr uint32_t STEP = PITCH;           // cost of a step along a metal's direction
constexpr uint32_t AGAINST = 3 * PITCH;    // against it, on met2 .. met4
constexpr uint32_t TURN = PITCH / 2;
constexpr uint32_t CROSS = 10 * PITCH;     // of a via
constexpr uint32_t MOST = 4000 * PITCH;    // of a step, however crowded

struct Spot {
    int32_t metal, at;
    bool operator==(const Spot& other) const { return metal == other.metal && at == other.at; }
};

struct Window {
    int32_t i0, j0, i1, j1;
};

struct End {
    Spot spot;
    uint32_t cost;
    int32_t tag;  // what the caller knows it by
};

struct Path {
    std::vector<Spot> spots;
    int32_t from, to;  // tags
};

// How many shapes in the way cost, and what is charged for places that were crowded before.
struct Prices {
    uint32_t present = 0;
    std::array<std::vector<uint32_t>, METALS> wire;
    std::array<std::vector<uint32_t>, CUTS> via;
};

class Search {
public:
    Search(const Nodes& nodes, const std::vector<Field>& fields, const Prices& prices, const std::array<bool, METALS>& open)
        : nodes_(nodes), fields_(fields), prices_(prices), open_(open) {
        const size_t count = size_t(nodes.plane()) * METALS;
        cost_.resize(count), mark_.assign(count, 0), came_.resize(count), end_cost_.resize(count), end_mark_.assign(count, 0), tag_.resize(count), end_tag_.resize(count);
        thin.assign(nodes.plane(), 0), kind = 0;
        for (auto& plane : no_cut) plane.assign(nodes.plane(), 0);
    }

    // Of the net being routed: its kind, where it is thin all the same, and where its own cuts allow no other.
    int kind;
    std::vector<uint8_t> thin;
    std::array<std::vector<uint8_t>, CUTS> no_cut;

    int kind_at(int32_t at) const { return kind != 0 && thin[at] ? 0 : kind; }

    bool run(const std::vector<End>& from, const std::vector<End>& to, const Window& window, Path& path) {
        ++run_;
        heap_.clear();
        low_ = {INT32_MAX, INT32_MAX, INT32_MIN, INT32_MIN}, lowest_ = METALS, highest_ = -1;
        for (const End& end : to) {
            if (!free(end.spot)) continue;
            const size_t n = number(end.spot);
            if (end_mark_[n] == run_ && end_cost_[n] <= end.cost) continue;
            end_mark_[n] = run_, end_cost_[n] = end.cost, end_tag_[n] = end.tag;
            const int32_t i = end.spot.at % nodes_.columns, j = end.spot.at / nodes_.columns;
            low_ = {std::min(low_.i0, i), std::min(low_.j0, j), std::max(low_.i1, i), std::max(low_.j1, j)};
            lowest_ = std::min(lowest_, end.spot.metal), highest_ = std::max(highest_, end.spot.metal);
        }
        if (highest_ < 0) return false;
        window_ = window;
        for (const End& end : from) {
            if (!free(end.spot) || !inside(end.spot.at)) continue;
            if (offer(end.spot, end.cost, START)) tag_[number(end.spot)] = end.tag;
        }
        uint32_t best = UINT32_MAX;
        Spot goal{-1, 0};
        while (!heap_.empty()) {
            std::pop_heap(heap_.begin(), heap_.end(), later);
            const Entry top = heap_.back();
            heap_.pop_back();
            if (top.estimate >= best) break;
            const Spot here{int32_t(top.node / nodes_.plane()), int32_t(top.node % nodes_.plane())};
            if (top.cost > cost_[top.node]) continue;
            if (end_mark_[top.node] == run_ && top.cost + end_cost_[top.node] < best) best = top.cost + end_cost_[top.node], goal = here;
            expand(here, top.cost);
        }
        if (goal.metal < 0) return false;
        trace(goal, path);
        return true;
    }

private:
    static constexpr uint8_t START = 6;
    struct Entry {
        uint32_t estimate, cost, node;
    };
    static bool later(const Entry& a, const Entry& b) {
        return a.estimate != b.estimate ? a.estimate > b.estimate : a.cost != b.cost ? a.cost < b.cost : a.node > b.node;
    }

    size_t number(const Spot& spot) const { return size_t(spot.metal) * nodes_.plane() + spot.at; }
    bool inside(int32_t at) const {
        const int32_t i = at % nodes_.columns, j = at / nodes_.columns;
        return i >= window_.i0 && i <= window_.i1 && j >= window_.j0 && j <= window_.j1;
    }
    bool free(const Spot& spot) const { return fields_[kind_at(spot.at)].wire[spot.metal][spot.at].drawn == 0; }
    uint32_t crowd(const Near& near, uint32_t charged) const { return std::min(MOST, near.wires * prices_.present + charged); }

    uint32_t estimate(const Spot& spot) const {
        const int32_t i = spot.at % nodes_.columns, j = spot.at / nodes_.columns;
        const int32_t steps = std::max({0, low_.i0 - i, i - low_.i1}) + std::max({0, low_.j0 - j, j - low_.j1});
        const int32_t levels = std::max({0, lowest_ - spot.metal, spot.metal - highest_});
        return uint32_t(steps) * (STEP + STEP / 16) + uint32_t(levels) * CROSS;
    }

    bool offer(const Spot& to, uint32_t cost, uint8_t came) {
        const size_t n = number(to);
        if (mark_[n] == run_ && cost_[n] <= cost) return false;
        mark_[n] = run_, cost_[n] = cost, came_[n] = came;
        heap_.push_back({cost + estimate(to), cost, uint32_t(n)});
        std::push_heap(heap_.begin(), heap_.end(), later);
        return true;
    }

    void expand(const Spot& here, uint32_t cost) {
        const int32_t i = here.at % nodes_.columns, j = here.at / nodes_.columns;
        const uint8_t came = came_[number(here)];
        if (open_[here.metal]) {
            const auto step = [&](bool in, int32_t to, uint8_t way) {
                if (!in) return;
                const Near& near = fields_[kind_at(to)].wire[here.metal][to];
                if (near.drawn) return;
                const bool level = way < 2, against = here.metal > 0 && level != (here.metal == 2);
                const uint32_t turn = came < 4 && (came < 2) != level ? TURN : 0;
                offer({here.metal, to}, cost + (against ? AGAINST : STEP) + turn + crowd(near, prices_.wire[here.metal][to]), way);
            };
            step(i > window_.i0, here.at - 1, 0), step(i < window_.i1, here.at + 1, 1);
            step(j > window_.j0, here.at - nodes_.columns, 2), step(j < window_.j1, here.at + nodes_.columns, 3);
        }
        const auto cross = [&](int cut, int32_t metal, uint8_t way) {
            if (cut < 1 || cut >= CUTS || no_cut[cut][here.at]) return;
            const Field& field = fields_[kind_at(here.at)];
            const Near& near = field.via[cut][here.at];
            if (near.drawn || field.wire[metal][here.at].drawn) return;
            offer({metal, here.at}, cost + CROSS + crowd(near, prices_.via[cut][here.at]), way);
        };
        cross(here.metal, here.metal - 1, 4), cross(here.metal + 1, here.metal + 1, 5);
    }

    void trace(Spot spot, Path& path) const {
        path.spots.assign(1, spot);
        path.to = end_tag_[number(spot)];
        while (came_[number(spot)] != START) {
            switch (came_[number(spot)]) {
                case 0: spot.at += 1; break;
                case 1: spot.at -= 1; break;
                case 2: spot.at += nodes_.columns; break;
                case 3: spot.at -= nodes_.columns; break;
                case 4: spot.metal += 1; break;
                default: spot.metal -= 1;
            }
            path.spots.push_back(spot);
        }
        path.from = tag_[number(spot)];
        std::reverse(path.spots.begin(), path.spots.end());
    }

    const Nodes& nodes_;
    const std::vector<Field>& fields_;
    const Prices& prices_;
    const std::array<bool, METALS> open_;
    uint32_t run_ = 0;
    std::vector<uint32_t> cost_, mark_, end_cost_, end_mark_;
    std::vector<uint8_t> came_;
    std::vector<int32_t> tag_, end_tag_;
    std::vector<Entry> heap_;
    Window window_{}, low_{};
    int32_t lowest_ = 0, highest_ = -1;
};
