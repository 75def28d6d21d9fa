// Which requests were seen lately: best effort, bounded, in memory.
//
// A copy of a record that is still on its way waits for the first one's result. Keys are kept in
// two generations; when the younger is full the older is forgotten, so between half of `keys_max`
// and all of it are known. Threads: any.
#pragma once

#include "bus/log.hpp"

#include <mutex>
#include <unordered_map>
#include <variant>

namespace bus::kafka {

// Where the first copy stands.
struct Seen {
    Address address;
    EventId id;
    Timestamp ingest_time{};
};

// Keys are uniform bits already: open addressing on their first eight bytes, at most 70 % full.
class SeenTable {
public:
    const Seen* find(const DedupKey& key) const;
    void put(const DedupKey& key, const Seen& seen);
    std::size_t size() const { return size_; }

private:
    struct Slot {
        DedupKey key;
        Seen seen;
        bool used = false;
    };
    std::size_t slot_of(const DedupKey& key) const;
    void grow();

    std::vector<Slot> slots_;
    std::size_t size_ = 0;
};

class DedupWindow {
public:
    explicit DedupWindow(std::size_t keys_max);

    struct Fresh {};   // append it, then settle() or forget()
    struct Queued {};  // `done` was taken; settle() or forget() of the first gives it back
    using Outcome = std::variant<Fresh, Queued, Seen>;
    Outcome begin(const DedupKey& key, Timestamp ingest_time, seconds window, AppendDone& done);

    // The first copy is in the log, or could not be put there. Returns who waited for it.
    std::vector<AppendDone> settle(const DedupKey& key, const Seen& seen);
    std::vector<AppendDone> forget(const DedupKey& key);

    // Of those in the log; copies on their way are not waited for.
    std::optional<Seen> find(const DedupKey& key, Timestamp ingest_time, seconds window);
    void remember(const DedupKey& key, const Seen& seen);  // without begin()

private:
    struct KeyHash {
        std::size_t operator()(const DedupKey& key) const;
    };
    struct Shard {
        std::mutex mutex;
        std::unordered_map<DedupKey, std::vector<AppendDone>, KeyHash> on_the_way;  // guarded
        SeenTable young, old;                                                       // guarded
    };
    static constexpr std::size_t shard_count = 16;

    Shard& shard_of(const DedupKey& key) { return shards_[key.bytes[15] % shard_count]; }
    static const Seen* find(const Shard& shard, const DedupKey& key);
    std::vector<AppendDone> take_waiting(Shard& shard, const DedupKey& key);
    void put(Shard& shard, const DedupKey& key, const Seen& seen);

    const std::size_t generation_max_;
    std::array<Shard, shard_count> shards_;
};

}  // namespace bus::kafka
