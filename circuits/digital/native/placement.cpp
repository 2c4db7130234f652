// Places cells of one height into segments of rows: simulated annealing on the half perimeter of nets.
//
// A segment holds cells side by side, what is left over spread evenly between them. A move takes a cell to another place, or exchanges
// two; segments must hold what is put into them. The same input and seed give the same places.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace {

constexpr double SITE_UM = 0.46, ROW_UM = 2.72;

struct Random {  // xorshift64*
    uint64_t state;
    uint64_t next() {
        state ^= state >> 12, state ^= state << 25, state ^= state >> 27;
        return state * 0x2545F4914F6CDD1DULL;
    }
    int64_t below(int64_t n) { return int64_t((next() >> 11) % uint64_t(n)); }
    double uniform() { return double(next() >> 11) * 0x1.0p-53; }
};

struct Pin {
    int64_t cell;  // -1: fixed
    double dx, dy;
};

struct Segment {
    int64_t row, x, sites, most, used = 0;
    std::vector<int64_t> cells;
};

class Placement {
public:
    Placement(int64_t cells, const int64_t* widths, int64_t segments, const int64_t* rows, const int64_t* starts, const int64_t* sites, const int64_t* most,
              int64_t nets, const int64_t* net_start, const int64_t* pin_cell, const double* pin_dx, const double* pin_dy, const double* weight, uint64_t seed)
        : widths_(widths, widths + cells), x_(cells), segment_(cells, -1), weight_(weight, weight + nets), random_{seed * 2 + 1} {
        for (int64_t s = 0; s < segments; ++s) segments_.push_back({rows[s], starts[s], sites[s], most[s], 0, {}});
        nets_.resize(nets), of_cell_.resize(cells), length_.resize(nets), seen_.assign(nets, 0);
        for (int64_t n = 0; n < nets; ++n)
            for (int64_t p = net_start[n]; p < net_start[n + 1]; ++p) {
                nets_[n].push_back({pin_cell[p], pin_dx[p], pin_dy[p]});
                if (pin_cell[p] >= 0 && (of_cell_[pin_cell[p]].empty() || of_cell_[pin_cell[p]].back() != n)) of_cell_[pin_cell[p]].push_back(n);
            }
    }

    bool begin() {
        std::vector<int64_t> order(widths_.size());
        for (size_t c = 0; c < order.size(); ++c) order[c] = int64_t(c);
        std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return widths_[a] > widths_[b]; });
        for (int64_t c : order) {
            auto best = std::max_element(segments_.begin(), segments_.end(), [](const Segment& a, const Segment& b) { return a.most - a.used < b.most - b.used; });
            if (best->used + widths_[c] > best->most) return false;
            best->cells.push_back(c), best->used += widths_[c], segment_[c] = best - segments_.begin();
        }
        for (Segment& s : segments_) spread(s);
        for (size_t n = 0; n < nets_.size(); ++n) length_[n] = measure(n);
        return true;
    }

    // Segments may be filled up: cells are too large against them for an even distribution.
    bool begin_full() {
        for (Segment& s : segments_) s.most = s.sites, s.used = 0, s.cells.clear();
        return begin();
    }

    void anneal(int64_t moves_a_cell, double hot_um, double cold_um) {
        const int64_t moves = moves_a_cell * int64_t(widths_.size());
        const double steps = 120, factor = std::pow(cold_um / hot_um, 1 / (steps - 1));
        double temperature = hot_um;
        for (int64_t step = 0; step < int64_t(steps); ++step, temperature *= factor)
            for (int64_t m = 0; m < moves / int64_t(steps); ++m) move(temperature);
        for (int64_t m = 0; m < moves / 10; ++m) move(1e-9);
    }

    double total() const {
        double sum = 0;
        for (size_t n = 0; n < nets_.size(); ++n) sum += length_[n];
        return sum;
    }

    void read(int64_t* rows, int64_t* xs) const {
        for (size_t c = 0; c < widths_.size(); ++c) rows[c] = segments_[segment_[c]].row, xs[c] = x_[c];
    }

private:
    void spread(Segment& s) {
        const int64_t free = s.sites - s.used, gaps = int64_t(s.cells.size()) + 1;
        int64_t x = s.x, index = 0;
        for (int64_t c : s.cells) {
            ++index;
            x_[c] = x + free * index / gaps;
            x += widths_[c];
        }
    }

    double measure(size_t n) const {
        double x0 = 1e9, x1 = -1e9, y0 = 1e9, y1 = -1e9;
        for (const Pin& p : nets_[n]) {
            const double x = p.cell < 0 ? p.dx : double(x_[p.cell]) * SITE_UM + p.dx;
            const double y = p.cell < 0 ? p.dy : double(segments_[segment_[p.cell]].row) * ROW_UM + p.dy;
            x0 = std::min(x0, x), x1 = std::max(x1, x), y0 = std::min(y0, y), y1 = std::max(y1, y);
        }
        return nets_[n].empty() ? 0 : weight_[n] * (x1 - x0 + y1 - y0);
    }

    void move(double temperature) {
        const int64_t a = random_.below(int64_t(widths_.size()));
        const int64_t sa = segment_[a];
        const bool exchange = random_.uniform() < 0.5;
        int64_t b = -1, sb;
        if (exchange) {
            b = random_.below(int64_t(widths_.size()));
            sb = segment_[b];
            if (a == b) return;
        } else {
            sb = random_.below(int64_t(segments_.size()));
        }
        Segment &from = segments_[sa], &to = segments_[sb];
        const int64_t gain = widths_[a] - (exchange ? widths_[b] : 0);
        if (sa != sb && (to.used + gain > to.most || (exchange && from.used - gain > from.most))) return;
        old_from_ = from.cells, old_to_ = to.cells;
        const auto at = std::find(from.cells.begin(), from.cells.end(), a);
        if (exchange) {
            const auto other = std::find(to.cells.begin(), to.cells.end(), b);
            std::iter_swap(at, other);
            segment_[a] = sb, segment_[b] = sa;
        } else {
            from.cells.erase(at);
            to.cells.insert(to.cells.begin() + random_.below(int64_t(to.cells.size()) + 1), a);
            segment_[a] = sb;
        }
        from.used -= gain, to.used += gain;
        spread(from);
        if (sa != sb) spread(to);
        changed_.clear();
        ++stamp_;
        double before = 0, after = 0;
        for (const std::vector<int64_t>* cells : {&old_from_, &old_to_})
            for (int64_t c : *cells)
                for (int64_t n : of_cell_[c])
                    if (seen_[n] != stamp_) seen_[n] = stamp_, changed_.push_back(n), before += length_[n];
        found_.clear();
        for (int64_t n : changed_) found_.push_back(measure(size_t(n))), after += found_.back();
        if (after <= before || random_.uniform() < std::exp((before - after) / temperature)) {
            for (size_t i = 0; i < changed_.size(); ++i) length_[changed_[i]] = found_[i];
            return;
        }
        from.used += gain, to.used -= gain;
        if (sa != sb) to.cells = old_to_;
        from.cells = old_from_;
        segment_[a] = sa;
        if (exchange) segment_[b] = sb;
        spread(from);
        if (sa != sb) spread(to);
    }

    std::vector<int64_t> widths_, x_, segment_;
    std::vector<double> weight_, length_;
    std::vector<Segment> segments_;
    std::vector<std::vector<Pin>> nets_;
    std::vector<std::vector<int64_t>> of_cell_;
    std::vector<int64_t> seen_, changed_, old_from_, old_to_;
    std::vector<double> found_;
    int64_t stamp_ = 0;
    Random random_;
};

}  // namespace

// 0: placed, rows and sites of all cells and the half perimeter of all nets in um; 1: the segments are too small.
extern "C" int64_t placement_run(int64_t cells, const int64_t* widths, int64_t segments, const int64_t* rows, const int64_t* starts, const int64_t* sites,
                                 const int64_t* most, int64_t nets, const int64_t* net_start, const int64_t* pin_cell, const double* pin_dx,
                                 const double* pin_dy, const double* weight, int64_t seed, int64_t moves_a_cell, int64_t* out_rows, int64_t* out_sites,
                                 double* length_um) {
    Placement placement(cells, widths, segments, rows, starts, sites, most, nets, net_start, pin_cell, pin_dx, pin_dy, weight, uint64_t(seed));
    if (!placement.begin() && !placement.begin_full()) return 1;
    placement.anneal(moves_a_cell, 60.0, 0.2);
    placement.read(out_rows, out_sites);
    *length_um = placement.total();
    return 0;
}
