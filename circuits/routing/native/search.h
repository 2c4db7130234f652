// The cheapest path from what a net has to a pin: A* over the nodes of all metals.
#pragma once

#include "field.h"
#include "queue.h"

constexpr uint32_t STEP = PITCH;           // cost of a step along a metal's direction
constexpr uint32_t AGAINST = 3 * PITCH;    // against it, on met2 .. met4
constexpr uint32_t GUESS = STEP + STEP / 8;   // of a step still to go
constexpr uint32_t TURN = PITCH / 2;
constexpr uint32_t CROSS = 10 * PITCH;     // of a via
constexpr uint32_t MOST = 6000 * PITCH;    // of a step, however crowded

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
        : kind(0), thin(nodes.plane(), 0), nodes_(nodes), fields_(fields), prices_(prices), open_(open), states_(size_t(nodes.plane()) * METALS), goals_(states_.size()) {
        for (auto& plane : no_cut) plane.assign(nodes.plane(), 0);
    }

    // Of the net being routed: its kind, where it is thin all the same, and where its own cuts allow no other.
    int kind;
    std::vector<uint8_t> thin;
    std::array<std::vector<uint8_t>, CUTS> no_cut;
    std::array<int32_t, CUTS> apart{};  // steps that cuts of one path keep

    int kind_at(int32_t at) const { return kind != 0 && thin[at] ? 0 : kind; }

    bool run(const std::vector<End>& from, const std::vector<End>& to, const Window& window, Path& path) {
        ++run_, window_ = window, from_ = &from, to_ = &to;
        queue_.clear();
        if (!set_goals(to)) return false;
        for (size_t k = 0; k < from.size(); ++k) {
            const int32_t i = from[k].spot.at % nodes_.columns, j = from[k].spot.at / nodes_.columns;
            if (free(from[k].spot) && inside(i, j)) offer({0, from[k].cost, int16_t(i), int16_t(j), int16_t(from[k].spot.metal), START});
        }
        uint32_t best = UINT32_MAX;
        Spot goal{-1, 0};
        for (Entry here; queue_.pop(here) && here.estimate < best;) {
            const Spot spot{here.metal, nodes_.at(here.i, here.j)};
            const size_t n = number(spot);
            if (here.cost > states_[n].cost) continue;
            if (goals_[n] && here.cost + end_at(to, spot).cost < best) best = here.cost + end_at(to, spot).cost, goal = spot;
            expand(here, spot.at, states_[n].came);
        }
        for (const End& end : to) goals_[number(end.spot)] = 0;
        if (goal.metal < 0) return false;
        trace(goal, path);
        return true;
    }

private:
    static constexpr uint32_t START = 6;
    // Of a node: in which run it was reached, whence, and what it cost.
    struct State {
        uint32_t run : 29, came : 3;
        uint32_t cost;
    };

    bool set_goals(const std::vector<End>& to) {
        low_ = {INT32_MAX, INT32_MAX, INT32_MIN, INT32_MIN}, lowest_ = METALS, highest_ = -1;
        for (const End& end : to) {
            const int32_t i = end.spot.at % nodes_.columns, j = end.spot.at / nodes_.columns;
            if (!free(end.spot) || !inside(i, j)) continue;
            goals_[number(end.spot)] = 1;
            low_ = {std::min(low_.i0, i), std::min(low_.j0, j), std::max(low_.i1, i), std::max(low_.j1, j)};
            lowest_ = std::min(lowest_, end.spot.metal), highest_ = std::max(highest_, end.spot.metal);
        }
        return highest_ >= 0;
    }

    // The cheapest of the ends at a node.
    static const End& end_at(const std::vector<End>& ends, const Spot& spot) {
        const End* best = nullptr;
        for (const End& end : ends)
            if (end.spot == spot && (best == nullptr || end.cost < best->cost)) best = &end;
        return *best;
    }

    size_t number(const Spot& spot) const { return size_t(spot.metal) * nodes_.plane() + spot.at; }
    bool inside(int32_t i, int32_t j) const { return i >= window_.i0 && i <= window_.i1 && j >= window_.j0 && j <= window_.j1; }
    bool free(const Spot& spot) const { return fields_[kind_at(spot.at)].wire[spot.metal][spot.at].drawn == 0; }
    uint32_t crowd(const Near& near, uint32_t charged) const { return std::min(MOST, near.wires * prices_.present + charged); }

    // A little more than what is left at least: paths may be so much dearer than the cheapest, and are found much sooner.
    uint32_t estimate(int32_t i, int32_t j, int32_t metal) const {
        const int32_t steps = std::max({0, low_.i0 - i, i - low_.i1}) + std::max({0, low_.j0 - j, j - low_.j1});
        const int32_t levels = std::max({0, lowest_ - metal, metal - highest_});
        return uint32_t(steps) * GUESS + uint32_t(levels) * CROSS;
    }

    void offer(Entry entry) {
        State& state = states_[number({entry.metal, nodes_.at(entry.i, entry.j)})];
        if (state.run == run_ && state.cost <= entry.cost) return;
        state.run = run_, state.cost = entry.cost, state.came = uint32_t(entry.came);
        entry.estimate = entry.cost + estimate(entry.i, entry.j, entry.metal);
        queue_.push(entry);
    }

    void expand(const Entry& here, int32_t at, uint32_t came) {
        const int metal = here.metal;
        if (open_[metal]) {
            const auto step = [&](int di, int dj, int16_t way) {
                const int32_t to = at + dj * nodes_.columns + di;
                const Near& near = fields_[kind_at(to)].wire[metal][to];
                if (near.drawn) return;
                const bool level = way < 2, against = metal > 0 && level != (metal == 2);
                const uint32_t turn = came < 4 && (came < 2) != level ? TURN : 0;
                const uint32_t cost = here.cost + (against ? AGAINST : STEP) + turn + crowd(near, prices_.wire[metal][to]);
                offer({0, cost, int16_t(here.i + di), int16_t(here.j + dj), here.metal, way});
            };
            if (here.i > window_.i0 && came != 1) step(-1, 0, 0);
            if (here.i < window_.i1 && came != 0) step(1, 0, 1);
            if (here.j > window_.j0 && came != 3) step(0, -1, 2);
            if (here.j < window_.j1 && came != 2) step(0, 1, 3);
        }
        const Field& field = fields_[kind_at(at)];
        const auto cross = [&](int cut, int to, int16_t way) {
            if (cut < 1 || cut >= CUTS || no_cut[cut][at]) return;
            const Near& near = field.via[cut][at];
            if (near.drawn || field.wire[to][at].drawn || cut_before({metal, at}, cut)) return;
            offer({0, here.cost + CROSS + crowd(near, prices_.via[cut][at]), here.i, here.j, int16_t(to), way});
        };
        if (came != 5) cross(metal, metal - 1, 4);
        if (came != 4) cross(metal + 1, metal + 1, 5);
    }

    // Whether the path to a spot has just come through the same kind of cut.
    bool cut_before(Spot spot, int cut) const {
        const int32_t i = spot.at % nodes_.columns, j = spot.at / nodes_.columns;
        for (int32_t k = 0; k < 2 * apart[cut]; ++k) {
            const uint32_t came = states_[number(spot)].came;
            if (came == START) return false;
            const int32_t across = std::abs(spot.at % nodes_.columns - i), up = std::abs(spot.at / nodes_.columns - j);
            const bool same = (came == 5 && spot.metal == cut) || (came == 4 && spot.metal == cut - 1);
            if (same && across < apart[cut] && up < apart[cut]) return true;
            spot = before(spot, came);
        }
        return false;
    }

    Spot before(const Spot& spot, uint32_t came) const {
        const int32_t row = nodes_.columns;
        switch (came) {
            case 0: return {spot.metal, spot.at + 1};
            case 1: return {spot.metal, spot.at - 1};
            case 2: return {spot.metal, spot.at + row};
            case 3: return {spot.metal, spot.at - row};
            case 4: return {spot.metal + 1, spot.at};
            default: return {spot.metal - 1, spot.at};
        }
    }

    void trace(Spot spot, Path& path) const {
        path.spots.assign(1, spot);
        path.to = end_at(*to_, spot).tag;
        for (uint32_t came = 0; (came = states_[number(spot)].came) != START; path.spots.push_back(spot)) {
            spot = before(spot, came);
        }
        path.from = end_at(*from_, spot).tag;
        std::reverse(path.spots.begin(), path.spots.end());
    }

    const Nodes& nodes_;
    const std::vector<Field>& fields_;
    const Prices& prices_;
    const std::array<bool, METALS> open_;
    uint32_t run_ = 0;
    std::vector<State> states_;
    std::vector<uint8_t> goals_;
    Queue queue_;
    const std::vector<End>*from_ = nullptr, *to_ = nullptr;
    Window window_{}, low_{};
    int32_t lowest_ = 0, highest_ = -1;
};
