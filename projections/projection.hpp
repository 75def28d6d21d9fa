// A projection: a pure fold and the rows it maintains.
//
// A fold gets a view of one projection instance and one tenant: there is no call with which it
// could name another. No clock, no randomness, no I/O, no configuration: time enters as events.
#pragma once

#include "bus/headers.hpp"
#include "projections/row.hpp"
#include "schemas/event.hpp"

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace projections {

// Rows as a fold changes them. All changes of a batch of events are one atomic write together with
// the checkpoint. Keys are relative: instance and tenant are added underneath.
class Rows {
public:
    virtual ~Rows() = default;

    // The row under `key`, decoded once and then shared by all events of the batch (and, for hot
    // rows, by later batches); a row that is not there starts as Type{}. The reference stays valid
    // until the next call of edit() or peek(). Encoded, indexed and measured once, when the batch
    // ends.
    template <class Type>
    Type& edit(Table table, std::string_view key) {
        return static_cast<Type&>(
            edit_row(table, key, [] { return std::unique_ptr<Row>(std::make_unique<Type>()); }));
    }
    // The same without marking it changed; nullptr when there is none.
    template <class Type>
    const Type* peek(Table table, std::string_view key) {
        return static_cast<const Type*>(
            peek_row(table, key, [] { return std::unique_ptr<Row>(std::make_unique<Type>()); }));
    }
    // Bytes without a Row type, for entries that are written once and never changed. Never put()
    // over a row that was read with edit() or peek(); erase() after one of them also takes back
    // what the row was indexed and measured as.
    virtual void put(Table table, std::string_view key, std::string_view value) = 0;
    virtual void erase(Table table, std::string_view key) = 0;
    virtual std::optional<std::string> get(Table table, std::string_view key) = 0;

    using Make = std::unique_ptr<Row> (*)();

private:
    virtual Row& edit_row(Table table, std::string_view key, Make make) = 0;
    virtual const Row* peek_row(Table table, std::string_view key, Make make) = 0;
};

// A record that could not be mapped, whole or in part, as the dead letter fold sees it.
struct FailedRecord {
    bus::EventId raw_id;
    bus::SourceId source;
    std::string_view source_slug;
    bus::Address address;
    bus::Timestamp ingest_time{};
    std::uint32_t emit_index = 0;
    std::string_view path;
    std::string_view reason;
    std::string_view mapping;  // stamp
};

// What stands in the log, seen without its meaning (for the ingest index).
struct SeenRecord {
    bus::EventId raw_id;
    bus::SourceId source;
    std::string_view source_slug;
    std::string_view type;  // ce_type
    bus::Address address;
    bus::Timestamp ingest_time{};
    bus::HeadersView headers;
    std::size_t value_bytes = 0;
    std::size_t event_count = 0;
    std::size_t failure_count = 0;
    bool erased = false;  // its body was erased for good: no events are known of it any more
};

class Projection {
public:
    virtual ~Projection() = default;
    virtual std::string_view name() const = 0;  // "conversations"; stored in the catalogue
    // Raised when the code's rows change meaning: a store with another one is rebuilt, never mixed.
    virtual std::uint32_t version() const = 0;
    // Of the versions before, the oldest whose rows this one reads, indexes and measures as they
    // were, and feeds like its own: where their records have expired, it goes on from them.
    // Held to it by golden rows of each such version (tests/support/golden_rows.hpp).
    virtual std::uint32_t goes_on_from() const { return version(); }
    // What the types begin with that fold() does not ignore, with the dot; empty = any. One that
    // names some has no seen() and no failed(): records that cannot become such events are not
    // even mapped for it.
    virtual std::span<const std::string_view> type_prefixes() const { return {}; }
    virtual void fold(const schemas::Event&, Rows&) const {}
    virtual void seen(const SeenRecord&, Rows&) const {}
    virtual void failed(const FailedRecord&, Rows&) const {}
};

// Rows as a reader sees them: one instance, one tenant, one consistent moment.
class ReadView {
public:
    virtual ~ReadView() = default;
    virtual std::optional<std::string> get(Table table, std::string_view key) const = 0;
    // Visits those of `keys` that are there, with their place among them, in that order.
    using VisitValue = std::function<void(std::size_t place, std::string_view value)>;
    virtual void get_each(Table table, std::span<const std::string> keys,
                          const VisitValue& visit) const {
        for (std::size_t place = 0; place < keys.size(); ++place)
            if (const auto value = get(table, keys[place])) visit(place, *value);
    }
    // Visits keys in [from, to) in order (or from the end when `descending`); `to` "" = no bound.
    // Stops when visit returns false. Views live during the call.
    using Visit = std::function<bool(std::string_view key, std::string_view value)>;
    virtual void scan(Table table, std::string_view from, std::string_view to, bool descending,
                      const Visit& visit) const = 0;
    // The first read here that failed (damage on disk): what was read is incomplete and must not
    // be answered.
    virtual std::optional<bus::Error> failure() const { return std::nullopt; }
};

}  // namespace projections
