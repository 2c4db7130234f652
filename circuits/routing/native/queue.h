// What is to be looked at next: entries by rising estimate, in buckets.
#pragma once

#include "rules.h"

struct Entry {
    uint32_t estimate, cost;
    int16_t i, j, metal, came;
};

// Entries within a bucket come last in, first out. Those too dear for the buckets wait in a heap.
class Queue {
public:
    Queue() : buckets_(COUNT) {}

    void clear() {
        for (uint32_t k = 0; waiting_ > 0 && k < COUNT; ++k) waiting_ -= buckets_[k].size(), buckets_[k].clear();
        far_.clear();
        now_ = top_ = 0, waiting_ = 0;
    }

    void push(const Entry& entry) {
        // Estimates may fall a little from one to the next, so what is looked at next moves back.
        const uint32_t key = std::max(entry.estimate / WIDTH, top_ < COUNT ? 0 : top_ - COUNT + 1);
        if (waiting_ > 0 && key > now_ && key - now_ >= COUNT / 2) {
            far_.push_back(entry);
            std::push_heap(far_.begin(), far_.end(), dearer);
            return;
        }
        put(key, entry);
    }

    bool pop(Entry& entry) {
        if (waiting_ == 0) {
            if (far_.empty()) return false;
            now_ = top_ = far_.front().estimate / WIDTH;
        }
        for (;; ++now_) {
            while (!far_.empty() && far_.front().estimate / WIDTH <= now_) {
                put(now_, far_.front());
                std::pop_heap(far_.begin(), far_.end(), dearer), far_.pop_back();
            }
            auto& bucket = buckets_[now_ % COUNT];
            if (bucket.empty()) continue;
            entry = bucket.back();
            bucket.pop_back(), --waiting_;
            return true;
        }
    }

private:
    void put(uint32_t key, const Entry& entry) {
        buckets_[key % COUNT].push_back(entry);
        now_ = waiting_ == 0 ? key : std::min(now_, key);
        top_ = waiting_ == 0 ? key : std::max(top_, key);
        ++waiting_;
    }

    static constexpr uint32_t COUNT = 1 << 14, WIDTH = 32;
    static bool dearer(const Entry& a, const Entry& b) {
        return a.estimate != b.estimate ? a.estimate > b.estimate : a.cost != b.cost ? a.cost < b.cost : a.metal != b.metal ? a.metal > b.metal : a.j != b.j ? a.j > b.j : a.i > b.i;
    }
    std::vector<std::vector<Entry>> buckets_;
    std::vector<Entry> far_;
    uint32_t now_ = 0, top_ = 0;  // the least and the greatest key among the buckets
    size_t waiting_ = 0;
};
