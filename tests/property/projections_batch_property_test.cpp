// Random edits against a plain std::map: whatever the batch sizes, the cache and the commits that
// fail and are made up for, the rows, their index entries and the aggregate are those of the model.
#include "projections/batch.hpp"
#include "projections/measures/measure_set.hpp"
#include "projections/memory_rows.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <random>
#include <set>

using namespace projections;

namespace {

constexpr InstanceId numbers_instance = 3;

struct Number final : RowOf<Number> {
    std::string key;
    std::int64_t value = 0;
    std::string left_over;  // state that an empty row must not carry over

    void encode(std::string& out) const override {
        out += fmt::format("{}|{}|{}", key, value, left_over);
    }
    bus::Result<bus::Done> decode(std::string_view bytes) override {
        const std::size_t first = bytes.find('|');
        const std::size_t second = bytes.find('|', first + 1);
        key = bytes.substr(0, first);
        value = std::atoll(std::string{bytes.substr(first + 1)}.c_str());
        left_over = bytes.substr(second + 1);
        return bus::Done{};
    }
    bool empty() const override { return value == 0; }
    void index_entries(IndexSink& sink) const override {
        if (value > 2) sink.entry(KeyWriter{}.byte('v').number(value).raw(key).str());
        sink.entry(KeyWriter{}.byte('m').number(value % 3).raw(key).str());
    }
    std::string_view measure_kind() const override { return value % 5 == 1 ? "" : "number"; }
    void measure_values(std::vector<MeasureValue>& values) const override {
        values.push_back({MeasureValue::Kind::integer, {}, value});
    }
};

struct Sum final : RowOf<Sum> {
    std::int64_t total = 0;
    void encode(std::string& out) const override { out += std::to_string(total); }
    bus::Result<bus::Done> decode(std::string_view bytes) override {
        total = std::atoll(std::string{bytes}.c_str());
        return bus::Done{};
    }
    bool empty() const override { return total == 0; }
};

class SumMeasure final : public MeasureSet {
public:
    void transition(const Row* before, const Row* after, Rows& rows) const override {
        rows.edit<Sum>(Table::measures, "sum").total += counted(after) - counted(before);
    }
    std::string fingerprint(std::string_view) const override { return "sum"; }
    bus::Result<std::string_view> projection_of(std::string_view) const override {
        return std::string_view{"rows"};
    }
    std::vector<std::string> names() const override { return {}; }
    std::string describe() const override { return "[]"; }
    bus::Result<Answer> query(const Query&, const ReadView&) const override { return Answer{}; }

private:
    static std::int64_t counted(const Row* row) {
        if (!row || row->measure_kind().empty()) return 0;
        return static_cast<const Number*>(row)->value;
    }
};

struct Change {
    bus::TenantId tenant;
    std::string key;
    int what = 0;  // 0 to 5: add, 6: empty it, 7: erase it after a look, 8: only look
};

std::vector<Change> random_changes(std::mt19937& random, std::size_t count) {
    std::vector<Change> changes;
    for (std::size_t i = 0; i < count; ++i)
        changes.push_back({bus::TenantId{1 + random() % 3},
                           std::string(1, static_cast<char>('a' + random() % 12)),
                           static_cast<int>(random() % 9)});
    return changes;
}

void fold(const Change& change, Rows& rows) {
    if (change.what == 8) {
        (void)rows.peek<Number>(Table::rows, change.key);
    } else if (change.what == 7) {
        if (rows.peek<Number>(Table::rows, change.key)) rows.erase(Table::rows, change.key);
    } else {
        Number& row = rows.edit<Number>(Table::rows, change.key);
        row.key = change.key;
        row.value = change.what == 6 ? 0 : row.value + 1 + change.what;
        row.left_over += 'x';
    }
}

MemoryRows modelled(const std::vector<Change>& changes) {
    std::map<std::pair<bus::TenantId, std::string>, Number> model;
    for (const Change& change : changes) {
        const std::pair place{change.tenant, change.key};
        if (change.what == 6 || change.what == 7) model.erase(place);
        if (change.what >= 6) continue;
        Number& row = model[place];
        row.key = change.key;
        row.value += 1 + change.what;
        row.left_over += 'x';
    }
    struct Sink final : IndexSink {
        std::set<std::string> keys;
        void entry(std::string_view key) override { keys.emplace(key); }
    };
    MemoryRows rows;
    std::map<bus::TenantId, std::int64_t> sums;
    for (const auto& [place, row] : model) {
        std::string bytes;
        row.encode(bytes);
        rows.put(Table::rows, complete_key(numbers_instance, place.first, row.key), bytes);
        Sink sink;
        row.index_entries(sink);
        for (const std::string& key : sink.keys)
            rows.put(Table::index, complete_key(numbers_instance, place.first, key), "");
        if (!row.measure_kind().empty()) sums[place.first] += row.value;
    }
    for (const auto& [tenant, sum] : sums)
        rows.put(Table::measures, complete_key(numbers_instance, tenant, "sum"),
                 std::to_string(sum));
    return rows;
}

MemoryRows folded(const std::vector<Change>& changes, std::mt19937& random) {
    const SumMeasure sums;
    MemoryRows rows;
    Batch batch(rows, &sums, random() % 20);
    std::size_t committed = 0, next = 0;
    while (committed < changes.size()) {
        const std::size_t end = std::min(changes.size(), next + 1 + random() % 9);
        for (; next < end; ++next)
            fold(changes[next], batch.rows(numbers_instance, changes[next].tenant));
        if (random() % 8 == 0) {  // a crash before the batch ends, or a commit that fails
            if (random() % 2 == 0) (void)batch.finish();
            batch.forget();
            next = committed;
            continue;
        }
        const auto writes = batch.finish();
        REQUIRE(writes);
        rows.apply(*writes);
        committed = next;
    }
    return rows;
}

}  // namespace

TEST_CASE("batch: random edits give what a plain map gives, whatever the batches") {
    const char* given = std::getenv("TRIBUTARY_SEED");
    const unsigned seed = given ? static_cast<unsigned>(std::atoi(given)) : std::random_device{}();
    std::mt19937 random(seed);
    for (int round = 0; round < 300; ++round) {
        CAPTURE(seed);
        CAPTURE(round);
        const std::vector<Change> changes = random_changes(random, 1 + random() % 60);
        REQUIRE(folded(changes, random) == modelled(changes));
    }
}
