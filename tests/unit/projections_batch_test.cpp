#include "projections/batch.hpp"
#include "projections/measures/measure_set.hpp"
#include "projections/memory_rows.hpp"

#include <doctest/doctest.h>

using namespace projections;

namespace {

constexpr InstanceId inbox = 7;

constexpr bus::TenantId acme{11};
constexpr bus::TenantId other{12};

// Unread messages of one conversation, listed by their number.
struct Unread final : RowOf<Unread> {
    std::string conversation;
    int count = 0;

    void encode(std::string& out) const override {
        out += conversation + ":" + std::to_string(count);
    }
    bus::Result<bus::Done> decode(std::string_view bytes) override {
        const std::size_t colon = bytes.find(':');
        if (colon == std::string_view::npos)
            return bus::fail(bus::ErrorCode::corrupt, "no colon in {}", bytes);
        conversation = bytes.substr(0, colon);
        count = std::stoi(std::string{bytes.substr(colon + 1)});
        return bus::Done{};
    }
    bool empty() const override { return count == 0; }
    void index_entries(IndexSink& sink) const override {
        sink.entry(KeyWriter{}.byte('n').number(count).raw(conversation).str());
        sink.entry(KeyWriter{}.byte('c').raw(conversation).str());
    }
    std::string_view measure_kind() const override { return "unread"; }
    void measure_values(std::vector<MeasureValue>& values) const override {
        values.push_back({MeasureValue::Kind::integer, {}, count});
    }
};

struct Sum final : RowOf<Sum> {
    int total = 0;
    bool empty() const override { return total == 0; }  // as if nothing had ever been counted
    void encode(std::string& out) const override { out += std::to_string(total); }
    bus::Result<bus::Done> decode(std::string_view bytes) override {
        total = std::stoi(std::string{bytes});
        return bus::Done{};
    }
};

class SumMeasure final : public MeasureSet {
public:
    void transition(const Row* before, const Row* after, Rows& rows) const override {
        rows.edit<Sum>(Table::measures, "sum").total += value(after) - value(before);
    }
    std::string fingerprint(std::string_view) const override { return "sum"; }
    bus::Result<std::string_view> projection_of(std::string_view) const override {
        return std::string_view{"rows"};
    }
    std::vector<std::string> names() const override { return {"sum"}; }
    std::string describe() const override { return "[]"; }
    bus::Result<Answer> query(const Query&, const ReadView&) const override { return Answer{}; }

private:
    static int value(const Row* row) {
        std::vector<MeasureValue> values;
        if (row) row->measure_values(values);
        return values.empty() ? 0 : static_cast<int>(values[0].number);
    }
};

struct Step {
    bus::TenantId tenant = acme;
    std::string conversation;
    int change = 0;  // 0 = all read
};

void fold(const Step& step, Rows& rows) {
    Unread& row = rows.edit<Unread>(Table::rows, step.conversation);
    row.conversation = step.conversation;
    row.count = step.change == 0 ? 0 : row.count + step.change;
    rows.put(Table::entries, "last", step.conversation);
    if (step.change == 0) rows.erase(Table::entries, "last");
}

const std::vector<Step> steps = {{acme, "a", 1}, {acme, "b", 2}, {acme, "a", 1},  {other, "a", 5},
                                 {acme, "a", 0}, {acme, "a", 3}, {other, "a", 0}, {acme, "b", 2},
                                 {acme, "c", 1}, {acme, "c", 0}, {acme, "b", -1}};

MemoryRows folded(std::size_t batch_size, std::size_t cached_rows_max = 100) {
    const SumMeasure sums;
    MemoryRows rows;
    Batch batch(rows, &sums, cached_rows_max);
    for (std::size_t i = 0; i < steps.size(); ++i) {
        fold(steps[i], batch.rows(inbox, steps[i].tenant));
        if ((i + 1) % batch_size != 0 && i + 1 != steps.size()) continue;
        auto writes = batch.finish();
        REQUIRE(writes);
        rows.apply(*writes);
    }
    return rows;
}

std::vector<std::string> keys(const MemoryRows& rows, Table table, bus::TenantId tenant) {
    std::vector<std::string> found;
    MemoryReadView(rows, inbox, tenant)
        .scan(table, "", "", false, [&](std::string_view key, std::string_view) {
            found.emplace_back(key);
            return true;
        });
    return found;
}

}  // namespace

TEST_CASE("keys: parts come back and sort as their values do") {
    const auto key = [](std::string_view text, std::int64_t at) {
        return KeyWriter{}.text(text).time(bus::Timestamp{bus::microseconds{at}}).take();
    };
    const std::string zero_inside("a\0b", 3);
    const std::string one_inside("a\x01", 2);
    CHECK(key("a", 9) < key(zero_inside, 1));
    CHECK(key(zero_inside, 9) < key(one_inside, 1));
    CHECK(key(one_inside, 9) < key("ab", 1));
    CHECK(key("ab", -5) < key("ab", 3));

    const std::string bytes = KeyWriter{}
                                  .byte(3)
                                  .text(zero_inside)
                                  .text(one_inside)
                                  .number(77)
                                  .time_descending(bus::Timestamp{bus::microseconds{-4}})
                                  .raw("rest")
                                  .take();
    KeyReader reader(bytes);
    CHECK(reader.byte() == 3);
    CHECK(reader.text() == zero_inside);
    CHECK(reader.text() == one_inside);
    CHECK(reader.number() == 77);
    CHECK(reader.time_descending() == bus::Timestamp{bus::microseconds{-4}});
    CHECK(reader.rest() == "rest");
    CHECK(reader.ok());
    CHECK(reader.number() == 0);
    CHECK_FALSE(reader.ok());
}

TEST_CASE("keys: a text that is cut off is not taken for a shorter one") {
    KeyReader reader("abc");
    CHECK(reader.text().empty());
    CHECK_FALSE(reader.ok());
}

TEST_CASE("keys: the end of a prefix is above every key that starts with it") {
    CHECK(prefix_end("ab") == "ac");
    CHECK(prefix_end("a\xff\xff") == "b");
    CHECK(prefix_end("\xff").empty());
}

TEST_CASE("batch: any batch size and any cache size give the same bytes") {
    const MemoryRows whole = folded(steps.size());
    for (std::size_t size = 1; size < steps.size(); ++size) {
        CAPTURE(size);
        CHECK(folded(size) == whole);
        CHECK(folded(size, 0) == whole);
        CHECK(folded(size, 1) == whole);
    }
    MemoryReadView view(whole, inbox, acme);
    CHECK(view.get(Table::rows, "a") == "a:3");
    CHECK(view.get(Table::rows, "b") == "b:3");
    CHECK_FALSE(view.get(Table::rows, "c"));
}

TEST_CASE("batch: index entries follow their row, and go with it") {
    const MemoryRows rows = folded(2);
    const auto entry = [](int count, std::string_view name) {
        return KeyWriter{}.byte('n').number(count).raw(name).take();
    };
    CHECK(keys(rows, Table::index, acme) ==
          std::vector<std::string>{"ca", "cb", entry(3, "a"), entry(3, "b")});
    CHECK(keys(rows, Table::index, other).empty());
    CHECK(keys(rows, Table::rows, other).empty());
}

TEST_CASE("batch: measures are what the rows say, whatever way they came about") {
    for (std::size_t size = 1; size <= steps.size(); ++size) {
        const MemoryRows rows = folded(size);
        CHECK(MemoryReadView(rows, inbox, acme).get(Table::measures, "sum") == "6");
        CHECK_FALSE(MemoryReadView(rows, inbox, other).get(Table::measures, "sum"));
    }
}

TEST_CASE("batch: a row whose bytes did not change is not written") {
    MemoryRows rows;
    Batch batch(rows, nullptr);
    const auto set = [&](int count) {
        Unread& row = batch.rows(inbox, acme).edit<Unread>(Table::rows, "a");
        row.conversation = "a";
        row.count = count;
        auto writes = batch.finish();
        REQUIRE(writes);
        rows.apply(*writes);
        return writes->size();
    };
    CHECK(set(1) == 3);  // row and two index entries
    CHECK(set(1) == 0);
    CHECK(set(2) == 3);  // row, one entry moved
    CHECK(set(0) == 3);
    CHECK(set(0) == 0);
}

TEST_CASE("batch: writes come in key order, each key once") {
    MemoryRows rows;
    Batch batch(rows, nullptr);
    for (const Step& step : steps) fold(step, batch.rows(inbox, step.tenant));
    const auto writes = batch.finish();
    REQUIRE(writes);
    for (std::size_t i = 1; i < writes->size(); ++i) {
        const Write& a = (*writes)[i - 1];
        const Write& b = (*writes)[i];
        CHECK(std::pair{a.table, a.key} < std::pair{b.table, b.key});
    }
}

TEST_CASE("batch: bytes are seen inside their batch, as rows are") {
    MemoryRows committed;
    Batch batch(committed, nullptr);
    Rows& rows = batch.rows(inbox, acme);
    CHECK_FALSE(rows.get(Table::entries, "k"));
    rows.put(Table::entries, "k", "v");
    CHECK(rows.get(Table::entries, "k") == "v");
    rows.erase(Table::entries, "k");
    CHECK_FALSE(rows.get(Table::entries, "k"));
    CHECK(rows.peek<Unread>(Table::rows, "a") == nullptr);
    rows.edit<Unread>(Table::rows, "a").count = 4;
    CHECK(rows.peek<Unread>(Table::rows, "a")->count == 4);
    CHECK(rows.get(Table::rows, "a") == ":4");
    rows.erase(Table::rows, "a");
    CHECK(rows.peek<Unread>(Table::rows, "a") == nullptr);
    CHECK(rows.edit<Unread>(Table::rows, "a").count == 0);
}

TEST_CASE("batch: a stored row that does not decode is corrupt") {
    MemoryRows committed;
    committed.put(Table::rows, complete_key(inbox, acme, "a"), "nonsense");
    Batch batch(committed, nullptr);
    batch.rows(inbox, acme).edit<Unread>(Table::rows, "a").count = 1;
    const auto writes = batch.finish();
    REQUIRE_FALSE(writes);
    CHECK(writes.error().code == bus::ErrorCode::corrupt);
}

TEST_CASE("batch: what was forgotten is read from the committed rows again") {
    MemoryRows committed;
    Batch batch(committed, nullptr);
    batch.rows(inbox, acme).edit<Unread>(Table::rows, "a").count = 3;
    REQUIRE(batch.finish());  // and the commit failed
    batch.forget();
    CHECK(batch.rows(inbox, acme).peek<Unread>(Table::rows, "a") == nullptr);
}
