#include "projections/measures/aggregate.hpp"
#include "projections/measures/largest_groups.hpp"
#include "projections/measures/measure_filter.hpp"
#include "projections/measures/measure_set.hpp"
#include "projections/memory_rows.hpp"

#include <doctest/doctest.h>

#include <limits>

using namespace projections;

namespace {

constexpr bus::TenantId tenant{7};
constexpr InstanceId row_instance = 2;

// A row of the kind `mail` with only what these tests count.
struct Mail : RowOf<Mail> {
    std::string at, direction, mailbox, from;
    bool gone = false;

    void encode(std::string& out) const override {
        out += at + '\n' + direction + '\n' + mailbox + '\n' + from;
    }
    bus::Result<bus::Done> decode(std::string_view bytes) override {
        std::string* parts[] = {&at, &direction, &mailbox, &from};
        for (std::string* part : parts) {
            *part = bytes.substr(0, bytes.find('\n'));
            bytes.remove_prefix(std::min(bytes.size(), part->size() + 1));
        }
        return bus::Done{};
    }
    bool empty() const override { return gone; }
    std::string_view measure_kind() const override { return "mail"; }
    void measure_values(std::vector<MeasureValue>& out) const override {
        out.assign(find_row_kind("mail")->fields.size(), {});
        const auto set = [&](std::string_view field, MeasureValue value) {
            out[*field_number(*find_row_kind("mail"), field)] = value;
        };
        set("at", {MeasureValue::Kind::time, {}, bus::from_iso(at)->time_since_epoch().count()});
        set("direction", {MeasureValue::Kind::text, direction, 0});
        set("mailbox", {MeasureValue::Kind::text, mailbox, 0});
        set("from", {MeasureValue::Kind::text, from, 0});
    }
};

// One with an amount.
struct AmountRow : RowOf<AmountRow> {
    std::int64_t amount = 0;

    void encode(std::string& out) const override { out += std::to_string(amount); }
    bus::Result<bus::Done> decode(std::string_view bytes) override {
        amount = std::stoll(std::string(bytes));
        return bus::Done{};
    }
    std::string_view measure_kind() const override { return "mail"; }
    void measure_values(std::vector<MeasureValue>& out) const override {
        const RowKind& kind = *find_row_kind("mail");
        out.assign(kind.fields.size(), {});
        const auto at = bus::from_iso("2026-03-02T10:00:00Z")->time_since_epoch().count();
        out[*field_number(kind, "at")] = {MeasureValue::Kind::time, {}, at};
        out[*field_number(kind, "unread")] = {MeasureValue::Kind::integer, {}, amount};
    }
};

constexpr std::string_view mails_file = R"(
measure: mails
on: mail
dimensions: [direction, mailbox]
values:
  count: count
  received: count(direction == in)
  senders: distinct(from)
)";

struct Fixture {
    std::shared_ptr<const MeasureSet> set =
        *MeasureSet::compile({{"mails.yaml", std::string(mails_file)}});
    MemoryRows committed;
    Batch batch{committed, set.get()};

    void put(std::string_view key, std::string_view at, std::string_view direction,
             std::string_view mailbox, std::string_view from) {
        Mail& mail = batch.rows(row_instance, tenant).edit<Mail>(Table::rows, key);
        mail.at = at, mail.direction = direction, mail.mailbox = mailbox, mail.from = from;
    }
    void remove(std::string_view key) {
        batch.rows(row_instance, tenant).edit<Mail>(Table::rows, key).gone = true;
    }
    void commit() { committed.apply(*batch.finish()); }

    MeasureSet::Answer ask(MeasureSet::Query query) {
        query.measure = "mails";
        if (query.from == query.to) {
            query.from = *bus::from_iso("2026-03-01T00:00:00Z");
            query.to = *bus::from_iso("2026-03-04T00:00:00Z");
        }
        auto answer = set->query(query, MemoryReadView(committed, row_instance, tenant));
        REQUIRE(answer.has_value());
        return *answer;
    }
};

std::int64_t total(const MeasureSet::Answer& answer, std::size_t value) {
    REQUIRE(answer.groups.size() == 1);
    return answer.groups[0].values[value].value_or(-1);
}

}  // namespace

TEST_CASE("measures: rows are counted by what they are, once") {
    Fixture f;
    f.put("a", "2026-03-01T10:00:00Z", "in", "sales", "ann@example.org");
    f.put("b", "2026-03-02T23:50:00Z", "out", "sales", "us@example.org");
    f.put("c", "2026-03-02T23:55:00Z", "in", "help", "ann@example.org");
    f.commit();
    f.put("a", "2026-03-01T10:00:00Z", "in", "sales", "ann@example.org");
    f.commit();
    const auto answer = f.ask({});
    CHECK(answer.value_names == std::vector<std::string>{"count", "received", "senders"});
    CHECK(total(answer, 0) == 3);
    CHECK(total(answer, 1) == 2);
    CHECK(total(answer, 2) == 2);
}

TEST_CASE("measures: a row that changes moves what it counted as") {
    Fixture f;
    f.put("a", "2026-03-01T10:00:00Z", "in", "sales", "ann@example.org");
    f.commit();
    f.put("a", "2026-03-02T10:00:00Z", "in", "help", "bob@example.org");
    f.commit();
    const auto answer = f.ask({.bucket = "day", .by = {"mailbox"}});
    REQUIRE(answer.groups.size() == 1);
    CHECK(answer.groups[0].bucket == "2026-03-02T00:00:00Z");
    CHECK(answer.groups[0].dimensions == std::vector<std::string>{"help"});
}

TEST_CASE("measures: removing every row leaves no byte behind") {
    Fixture f;
    f.put("a", "2026-03-01T10:00:00Z", "in", "sales", "ann@example.org");
    f.commit();
    f.remove("a");
    f.commit();
    CHECK(f.committed.rows(Table::measures).empty());
}

TEST_CASE("measures: days are cut in the asked zone and empty days are there") {
    Fixture f;
    f.put("a", "2026-03-01T20:00:00Z", "in", "sales",
          "ann@example.org");  // 01:30 on the 2nd in Kolkata
    f.commit();
    const auto answer = f.ask({.time_zone = "Asia/Kolkata", .bucket = "day"});
    REQUIRE(answer.groups.size() == 4);
    CHECK(answer.groups[0].bucket == "2026-03-01T00:00:00+05:30");
    CHECK(answer.groups[0].values[0] == 0);
    CHECK(answer.groups[1].values[0] == 1);
}

namespace {

// A mail each half hour of a range, and how many are counted in each bucket of it.
using Counts = std::vector<std::pair<std::string, std::int64_t>>;
Counts counts_of(std::string_view zone, std::string_view bucket, std::string_view from,
                 std::string_view to) {
    Fixture f;
    const bus::Timestamp begin = *bus::from_iso(from), end = *bus::from_iso(to);
    for (bus::Timestamp at = begin; at < end; at += std::chrono::minutes{30})
        f.put(bus::to_iso(at), bus::to_iso(at), "in", "sales", "ann@example.org");
    f.commit();
    const auto answer = f.ask(
        {.from = begin, .to = end, .time_zone = std::string(zone), .bucket = std::string(bucket)});
    Counts counts;
    std::int64_t sum = 0;
    for (const auto& group : answer.groups) {
        counts.emplace_back(group.bucket, group.values[0].value_or(-1));
        sum += counts.back().second;
    }
    CHECK(sum == total(f.ask({.from = begin, .to = end}), 0));
    return counts;
}

}  // namespace

TEST_CASE("measures: an hour that comes twice is two buckets, told apart by their offset") {
    CHECK(counts_of("Europe/Berlin", "hour", "2026-10-24T23:00:00Z", "2026-10-25T03:00:00Z") ==
          Counts{{"2026-10-25T01:00:00+02:00", 2},
                 {"2026-10-25T02:00:00+02:00", 2},
                 {"2026-10-25T02:00:00+01:00", 2},
                 {"2026-10-25T03:00:00+01:00", 2}});
    CHECK(counts_of("Australia/Lord_Howe", "hour", "2026-04-04T14:00:00Z",
                    "2026-04-04T16:30:00Z") ==  // half an hour comes twice
          Counts{{"2026-04-05T01:00:00+11:00", 2},
                 {"2026-04-05T01:30:00+10:30", 1},
                 {"2026-04-05T02:00:00+10:30", 2}});
}

TEST_CASE("measures: an hour that does not come is no bucket") {
    CHECK(counts_of("Europe/Berlin", "hour", "2026-03-29T00:00:00Z", "2026-03-29T02:00:00Z") ==
          Counts{{"2026-03-29T01:00:00+01:00", 2}, {"2026-03-29T03:00:00+02:00", 2}});
}

TEST_CASE("measures: a day around a clock change is one bucket of all its hours") {
    CHECK(counts_of("Europe/Berlin", "day", "2026-10-23T22:00:00Z", "2026-10-26T23:00:00Z") ==
          Counts{{"2026-10-24T00:00:00+02:00", 48},
                 {"2026-10-25T00:00:00+02:00", 50},
                 {"2026-10-26T00:00:00+01:00", 48}});
    CHECK(counts_of("Europe/Berlin", "day", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z") ==
          Counts{{"2026-03-29T00:00:00+01:00", 46}});
    CHECK(counts_of("America/Sao_Paulo", "day", "2018-11-03T03:00:00Z",
                    "2018-11-05T02:00:00Z") ==  // without a midnight
          Counts{{"2018-11-03T00:00:00-03:00", 48}, {"2018-11-04T01:00:00-02:00", 46}});
    CHECK(counts_of("America/St_Johns", "day", "2010-11-06T02:30:00Z",
                    "2010-11-08T03:30:00Z") ==  // back to the evening before, one minute into it
          Counts{{"2010-11-06T00:00:00-02:30", 48}, {"2010-11-07T00:00:00-02:30", 50}});
    CHECK(counts_of("Pacific/Apia", "day", "2011-12-29T10:00:00Z",
                    "2011-12-31T10:00:00Z") ==  // without the 30th
          Counts{{"2011-12-29T00:00:00-10:00", 48}, {"2011-12-31T00:00:00+14:00", 48}});
}

TEST_CASE("measures: filters keep only what they name and unknown dimensions are refused") {
    Fixture f;
    f.put("a", "2026-03-01T10:00:00Z", "in", "sales", "x");
    f.put("b", "2026-03-01T10:00:00Z", "in", "help", "x");
    f.commit();
    CHECK(total(f.ask({.filters = {{"mailbox", {"help"}}}}), 0) == 1);
    MeasureSet::Query query{
        .measure = "mails", .from = bus::Timestamp{}, .to = bus::Timestamp{bus::seconds{1}}};
    query.by = {"colour"};
    const auto refused = f.set->query(query, MemoryReadView(f.committed, row_instance, tenant));
    REQUIRE(!refused);
    CHECK(refused.error().code == bus::ErrorCode::invalid_input);
}

namespace {

class CountedView final : public ReadView {
public:
    explicit CountedView(const ReadView& view) : view_(view) {}
    std::optional<std::string> get(Table table, std::string_view key) const override {
        return view_.get(table, key);
    }
    void scan(Table table, std::string_view from, std::string_view to, bool descending,
              const Visit& visit) const override {
        view_.scan(table, from, to, descending, [&](std::string_view key, std::string_view value) {
            ++visits;
            return visit(key, value);
        });
    }
    mutable std::size_t visits = 0;

private:
    const ReadView& view_;
};

const MeasureSet::Query of_mails{.measure = "mails",
                                 .from = *bus::from_iso("2026-03-01T00:00:00Z"),
                                 .to = *bus::from_iso("2026-03-04T00:00:00Z"),
                                 .by = {"mailbox"}};

}  // namespace

TEST_CASE("measures: a question is given up at the first group too many") {
    Fixture f;
    for (int i = 0; i < 1000; ++i) {
        const auto name = std::to_string(i);
        f.put(name, "2026-03-02T10:00:00Z", "in", name, "ann@example.org");
    }
    f.commit();
    const MemoryReadView rows(f.committed, row_instance, tenant);
    const CountedView view(rows);
    auto query = of_mails;
    query.groups_max = 10;
    const auto refused = f.set->query(query, view);
    REQUIRE(!refused);
    CHECK(refused.error().code == bus::ErrorCode::too_large);
    CHECK(view.visits == 11);
}

TEST_CASE("measures: the largest groups are shown with all that they counted") {
    Fixture f;
    for (int i = 0; i < 100; ++i) {
        const auto name = std::to_string(i);
        const auto mailbox = i < 30 ? "help" : i < 50 ? "sales" : name;
        f.put(name, i % 2 == 0 ? "2026-03-02T10:00:00Z" : "2026-03-03T10:00:00Z", "in", mailbox,
              name);
    }
    f.commit();
    auto query = of_mails;
    query.largest = 3;
    const auto answer = f.ask(query);
    REQUIRE(answer.groups.size() == 3);
    CHECK(answer.groups[0].dimensions[0] == "help");
    CHECK(answer.groups[0].values == std::vector<std::optional<std::int64_t>>{30, 30, 30});
    CHECK(answer.groups[1].dimensions[0] == "sales");
    CHECK(answer.groups[1].values[2] == 20);
    CHECK(answer.groups[2].dimensions[0] == "50");
}

TEST_CASE("measures: among more groups than there are counters, the large ones are found") {
    LargestGroups largest(100);
    const auto group = [](int i) { return GroupKey{{}, {std::to_string(i)}}; };
    for (int i = 0; i < 10'000; ++i) {
        largest.add(group(i), 1);
        if (i % 20 == 0) largest.add(group(-1), 1);
        if (i % 10 == 0) largest.add(group(-2), 1);
    }
    CHECK(largest.take(2) == std::vector{group(-2), group(-1)});
    CHECK(largest.take(1000).size() <= 100);
}

TEST_CASE("measures: among very many groups that are alike, some are shown, each with its count") {
    Fixture f;
    constexpr auto more = LargestGroups::counters_default + 1;
    for (std::size_t i = 0; i < more; ++i) {
        const auto name = std::to_string(i);
        f.put(name, "2026-03-02T10:00:00Z", "in", name, name);
    }
    f.commit();
    auto query = of_mails;
    query.largest = 10;
    const auto answer = f.ask(query);
    REQUIRE(answer.groups.size() == 10);
    for (const auto& group : answer.groups) CHECK(group.values[0] == 1);
}

TEST_CASE("measures: groups of some dimensions alone can be asked for") {
    Fixture f;
    for (const std::string name : {"a", "b", "b", "c"})
        f.put(name, "2026-03-02T10:00:00Z", "in", name, name);
    f.commit();
    auto query = of_mails;
    query.only = {{"c"}, {"a"}};
    const auto answer = f.ask(query);
    REQUIRE(answer.groups.size() == 2);
    CHECK(answer.groups[0].dimensions[0] == "a");
    CHECK(answer.groups[1].dimensions[0] == "c");
}

TEST_CASE("measures: a wrong file is refused with its line") {
    const auto check_refused = [](std::string text, std::string_view part) {
        const auto set = MeasureSet::compile({{"bad.yaml", text}});
        REQUIRE(!set);
        CHECK_MESSAGE(set.error().message.find(part) != std::string::npos, set.error().message);
    };
    check_refused("measure: m\non: nothing\nvalues: {a: count}\n", "bad.yaml:2:");
    check_refused("measure: m\non: mail\nvalues: {a: sum(colour)}\n", "no field 'colour'");
    check_refused("measure: m\non: mail\nvalues: {a: count(direction = in)}\n", "bad.yaml:3:");
    check_refused("measure: m\non: mail\ncolour: red\nvalues: {a: count}\n",
                  "unknown key 'colour'");
}

TEST_CASE("measures: a histogram's percentile is at most one percent off") {
    HistogramCounts counts;
    for (std::int64_t v = 1; v <= 100'000; ++v) counts[histogram_bucket(v)] += 1;
    for (const int p : {50, 95, 99}) {
        const double exact = 1000.0 * p;
        const auto got = static_cast<double>(*percentile(counts, p));
        CHECK(got >= exact * 0.99);
        CHECK(got <= exact * 1.01);
    }
}

TEST_CASE("measures: sums are right again when absurd amounts are gone, in any order") {
    constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
    constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();
    static_assert(wrapping_difference(wrapping_sum(wrapping_sum(most, most), 5), most) ==
                  wrapping_sum(most, 5));
    const auto set = *MeasureSet::compile({{"amounts.yaml", R"(
measure: amounts
on: mail
dimensions: [direction]
values:
  sum: sum(unread)
)"}});
    for (const std::int64_t absurd : {most, least}) {
        MemoryRows committed;
        Batch batch{committed, set.get()};
        const auto put = [&](std::string_view key, std::int64_t amount) {
            AmountRow& row = batch.rows(row_instance, tenant).edit<AmountRow>(Table::rows, key);
            row.amount = amount;
            committed.apply(*batch.finish());
        };
        put("a", absurd);
        put("b", 7);
        put("c", absurd);
        put("a", 1);
        put("c", 2);
        const auto answer = set->query({.measure = "amounts",
                                        .from = *bus::from_iso("2026-03-01T00:00:00Z"),
                                        .to = *bus::from_iso("2026-03-04T00:00:00Z")},
                                       MemoryReadView(committed, row_instance, tenant));
        REQUIRE(answer.has_value());
        CHECK(total(*answer, 0) == 10);
    }
}

TEST_CASE("measures: the built-in files compile") {
    const auto set = MeasureSet::compile(built_in_measure_files());
    REQUIRE_MESSAGE(set.has_value(), set.error().message);
    CHECK((*set)->names().size() >= 5);
}
