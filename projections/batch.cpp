#include "projections/batch.hpp"

#include "projections/batch_entries.hpp"
#include "projections/measures/measure_set.hpp"

#include <algorithm>
#include <cstring>
#include <random>
#include <unordered_map>

namespace projections {

namespace {

constexpr std::size_t scopes_kept_max = 10'000;
constexpr std::size_t scope_bytes = sizeof(InstanceId) + sizeof(bus::TenantId);

void append_scope(std::string& out, InstanceId instance, bus::TenantId tenant) {
    char bytes[scope_bytes];
    bytes[0] = static_cast<char>(instance >> 8);
    bytes[1] = static_cast<char>(instance & 0xff);
    const std::uint64_t big_endian = __builtin_bswap64(tenant.value);
    std::memcpy(bytes + sizeof instance, &big_endian, sizeof big_endian);
    out.append(bytes, sizeof bytes);
}

InstanceId instance_of(std::string_view complete_key) {
    return static_cast<InstanceId>(static_cast<unsigned char>(complete_key[0]) << 8 |
                                   static_cast<unsigned char>(complete_key[1]));
}

std::uint64_t random_seed() {
    std::random_device device;
    return (std::uint64_t{device()} << 32 | device()) | 1;
}

Fingerprint fingerprint(std::string_view bytes, std::uint64_t seed) {
    return {byte_hash(bytes, seed), bytes.size()};
}

// Index keys of one row, joined with their lengths: cheap to collect and to compare.
class JoinedEntries final : public IndexSink {
public:
    void entry(std::string_view key) override {
        const auto bytes = static_cast<std::uint32_t>(key.size());
        joined_.append(reinterpret_cast<const char*>(&bytes), sizeof bytes);
        joined_.append(key);
    }
    void collect(const Row* row) {
        joined_.clear();
        if (row) row->index_entries(*this);
    }
    const std::string& joined() const { return joined_; }

private:
    std::string joined_;
};

std::vector<std::string_view> sorted_entries(std::string_view joined) {
    std::vector<std::string_view> keys;
    while (!joined.empty()) {
        std::uint32_t bytes = 0;
        std::memcpy(&bytes, joined.data(), sizeof bytes);
        keys.push_back(joined.substr(sizeof bytes, bytes));
        joined.remove_prefix(sizeof bytes + bytes);
    }
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    return keys;
}

using Entry = BatchEntry;

struct Scope {
    InstanceId instance = 0;
    bus::TenantId tenant;
    bool operator==(const Scope&) const = default;
};
struct ScopeHash {
    std::size_t operator()(const Scope& scope) const {
        return std::hash<bus::TenantId>{}(scope.tenant) + scope.instance;
    }
};

}  // namespace

std::string complete_key(InstanceId instance, bus::TenantId tenant, std::string_view row_key) {
    std::string key;
    key.reserve(scope_bytes + row_key.size());
    append_scope(key, instance, tenant);
    key.append(row_key);
    return key;
}

bus::TenantId tenant_of(std::string_view complete_key) {
    std::uint64_t big_endian = 0;
    std::memcpy(&big_endian, complete_key.data() + sizeof(InstanceId), sizeof big_endian);
    return bus::TenantId{__builtin_bswap64(big_endian)};
}

struct Batch::State {
    class ScopedRows;

    CommittedRows& committed;
    const MeasureSet* measures;
    const std::size_t cached_rows_max;
    const std::uint64_t seed = random_seed();

    BatchEntries entries{seed};
    std::uint64_t batch_number = 1;
    std::vector<Entry*> changed;
    std::unordered_map<Scope, std::unique_ptr<ScopedRows>, ScopeHash> scopes;
    std::optional<bus::Error> broken;
    std::string slot;  // reused for every look-up
    std::uint64_t slot_hash = 0;
    JoinedEntries index;

    State(CommittedRows& rows, const MeasureSet* set, std::size_t cached_max)
        : committed(rows), measures(set), cached_rows_max(cached_max) {}

    Entry* find() { return entries.find(slot, slot_hash, batch_number); }
    Entry& insert() { return entries.insert(slot, slot_hash, batch_number); }
    Entry& typed(Rows::Make make);
    void load(Entry& entry, Rows::Make make);
    Rows& rows(InstanceId instance, bus::TenantId tenant);
    Row& edit(Rows::Make make);
    const Row* peek(Rows::Make make);
    void remember_before(Entry& entry);
    void mark(Entry& entry);
    void put(std::optional<std::string> value);
    std::optional<std::string> get();

    void measure_changes();
    void derive_index(const Entry& entry, BatchWrites& writes);
    void write_row(Entry& entry, BatchWrites& writes);
    void settle();
    void clear();
};

class Batch::State::ScopedRows final : public Rows {
public:
    ScopedRows(State& state, InstanceId instance, bus::TenantId tenant) : state_(state) {
        append_scope(scope_, instance, tenant);
    }
    void put(Table table, std::string_view key, std::string_view value) override {
        at(table, key).put(std::string{value});
    }
    void erase(Table table, std::string_view key) override { at(table, key).put(std::nullopt); }
    std::optional<std::string> get(Table table, std::string_view key) override {
        return at(table, key).get();
    }

private:
    Row& edit_row(Table table, std::string_view key, Make make) override {
        return at(table, key).edit(make);
    }
    const Row* peek_row(Table table, std::string_view key, Make make) override {
        return at(table, key).peek(make);
    }
    State& at(Table table, std::string_view key) {
        state_.slot.assign(1, static_cast<char>(table));
        state_.slot.append(scope_).append(key);
        state_.slot_hash = state_.entries.hash_of(state_.slot);
        return state_;
    }

    State& state_;
    std::string scope_;
};

// The row under `slot`, read and decoded if it is new here.
Entry& Batch::State::typed(Rows::Make make) {
    Entry* entry = find();
    if (!entry) {
        entry = &insert();
        load(*entry, make);
    } else if (entry->is_raw) {
        load(*entry, make);
    }
    return *entry;
}

void Batch::State::load(Entry& entry, Rows::Make make) {
    std::optional<std::string> bytes =
        entry.is_raw ? std::move(entry.raw) : committed.get(entry.table(), entry.key());
    const bool was_raw = std::exchange(entry.is_raw, false);
    entry.raw.reset();
    if (bytes) {
        entry.row = make();
        const bus::Result<bus::Done> decoded = entry.row->decode(*bytes);
        if (!decoded && !broken)
            broken =
                bus::fail(bus::ErrorCode::corrupt, "stored row of table {} does not decode: {}",
                          static_cast<int>(entry.table()), decoded.error().message);
        entry.row->decode_key(entry.key().substr(scope_bytes));
        // Bytes put in this batch are not committed yet: they must be written whatever follows.
        if (!was_raw) entry.written = fingerprint(*bytes, seed);
    }
    entry.existed = was_raw || bytes.has_value();
    if (was_raw) remember_before(entry);
}

void Batch::State::remember_before(Entry& entry) {
    index.collect(entry.shown());
    entry.before_index = index.joined();
    if (measures && entry.shown() && !entry.row->measure_kind().empty())
        entry.before = entry.row->clone();
}

void Batch::State::mark(Entry& entry) {
    if (entry.changed) return;
    entry.changed = true;
    changed.push_back(&entry);
    remember_before(entry);
}

Row& Batch::State::edit(Rows::Make make) {
    Entry& entry = typed(make);
    mark(entry);
    // An emptied row is gone, and starts anew as it would in the next batch.
    if (!entry.shown()) entry.row = make();
    return *entry.row;
}

const Row* Batch::State::peek(Rows::Make make) {
    return typed(make).shown();
}

void Batch::State::put(std::optional<std::string> value) {
    Entry* entry = find();
    if (!entry) entry = &insert();
    if (entry->row) {
        BUS_ASSERT(!value, "put() over a row that was read with edit() or peek()");
        mark(*entry);
        entry->row.reset();
        return;
    }
    mark(*entry);
    entry->is_raw = true;
    entry->raw = std::move(value);
}

std::optional<std::string> Batch::State::get() {
    const Entry* entry = find();
    if (!entry)
        return committed.get(static_cast<Table>(slot.front()), std::string_view{slot}.substr(1));
    if (entry->is_raw) return entry->raw;
    if (!entry->shown()) return std::nullopt;
    std::string bytes;
    entry->row->encode(bytes);
    return bytes;
}

Rows& Batch::State::rows(InstanceId instance, bus::TenantId tenant) {
    std::unique_ptr<ScopedRows>& scoped = scopes[Scope{instance, tenant}];
    if (!scoped) scoped = std::make_unique<ScopedRows>(*this, instance, tenant);
    return *scoped;
}

// Aggregates stand under the instance of the rows they count. May add aggregates to `changed`; they
// are not measured themselves.
void Batch::State::measure_changes() {
    if (!measures) return;
    for (std::size_t i = 0, rows_changed = changed.size(); i < rows_changed; ++i) {
        const Entry& entry = *changed[i];
        const Row* after = entry.shown();
        const bool measured = entry.before || (after && !after->measure_kind().empty());
        if (measured)
            measures->transition(entry.before.get(), after,
                                 rows(instance_of(entry.key()), tenant_of(entry.key())));
    }
}

void Batch::State::derive_index(const Entry& entry, BatchWrites& writes) {
    index.collect(entry.shown());
    if (index.joined() == entry.before_index) return;
    const std::string_view scope = entry.key().substr(0, scope_bytes);
    const std::vector<std::string_view> before = sorted_entries(entry.before_index);
    const std::vector<std::string_view> after = sorted_entries(index.joined());
    auto old_key = before.begin();
    auto new_key = after.begin();
    while (old_key != before.end() || new_key != after.end()) {
        if (new_key == after.end() || (old_key != before.end() && *old_key < *new_key)) {
            writes.erase_index(scope, *old_key++);
        } else if (old_key == before.end() || *new_key < *old_key) {
            writes.put_index(scope, *new_key++);
        } else {
            ++old_key, ++new_key;
        }
    }
}

void Batch::State::write_row(Entry& entry, BatchWrites& writes) {
    if (entry.is_raw) {
        entry.raw ? writes.put(entry.table(), entry.key(), *entry.raw)
                  : writes.erase(entry.table(), entry.key());
        return;
    }
    if (!entry.shown()) {
        if (entry.existed) writes.erase(entry.table(), entry.key());
        entry.row.reset();
        entry.existed = false;
        entry.written = {};
        return;
    }
    entry.row->encode(writes.begin(entry.table(), entry.key()));
    const Fingerprint now = fingerprint(writes.begun(), seed);
    if (entry.existed && now == entry.written) return writes.take_back();
    entry.existed = true;
    entry.written = now;
    writes.keep();
}

// The batch is over: what stays is what the store will hold.
void Batch::State::settle() {
    for (Entry* entry : changed) {
        entry->changed = false;
        entry->before.reset();
        entry->before_index.clear();
        if (entry->is_raw || (entry->row && entry->row->is_told_once())) entries.drop(*entry);
    }
    changed.clear();
    ++batch_number;
    entries.evict(cached_rows_max);
}

void Batch::State::clear() {
    changed.clear();
    entries.clear();
    scopes.clear();
    broken.reset();
}

Batch::Batch(CommittedRows& committed, const MeasureSet* measures, std::size_t cached_rows_max)
    : state_(std::make_unique<State>(committed, measures, cached_rows_max)) {}

Batch::~Batch() = default;

Rows& Batch::rows(InstanceId instance, bus::TenantId tenant) {
    return state_->rows(instance, tenant);
}

bus::Result<std::span<const Write>> Batch::finish() {
    State& state = *state_;
    state.measure_changes();
    if (state.broken) {
        const bus::Error broken = *state.broken;
        state.clear();
        return broken;
    }
    thread_local BatchWrites writes;  // of all the partitions of a thread: one of them at a time
    writes.clear();
    for (Entry* entry : state.changed) {
        state.derive_index(*entry, writes);
        state.write_row(*entry, writes);
    }
    state.settle();
    if (state.scopes.size() > scopes_kept_max) state.scopes.clear();
    return writes.in_order();
}

void Batch::forget() {
    state_->clear();
}

}  // namespace projections
