// One row of a projection as a fold sees it, and how it becomes bytes, index entries and measures.
//
// A row type says once what its members are; encoding, secondary indexes and measures are derived.
// Same events, any order between topics, any batch size, any duplicate: same bytes. So a row holds
// no apply position, no apply count and no clock, and last-writer members carry their EventOrder.
//
// Stored form: the JSON document that an answer shows, then, if the fold needs more, '\n' and a
// second JSON document with the fold's own state. An answer copies the part before the '\n'.
#pragma once

#include "bus/ids.hpp"
#include "bus/result.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace projections {

// The fixed column families of a store; the number is stored, never renumber.
enum class Table : std::uint8_t {
    rows = 0,      // read, changed, written: conversations, calls, threads
    entries = 1,   // written once: messages, timeline entries, event index
    index = 2,     // secondary index entries, empty values
    measures = 3,  // aggregates
};
inline constexpr std::size_t table_count = 4;

// Collects what a row says about itself.
class IndexSink {
public:
    virtual ~IndexSink() = default;
    // An entry in Table::index that leads a scan to this row. Build `key` with KeyWriter: index
    // name byte, then the sort parts, then the row's own key, so that entries never collide.
    virtual void entry(std::string_view key) = 0;
};

// What the row contributes to measures: values by the fixed field numbers of its row kind.
struct MeasureValue {
    enum class Kind : std::uint8_t { absent, text, integer, time };
    Kind kind = Kind::absent;
    std::string_view text;  // views into the row
    std::int64_t number = 0;
};

class Row {
public:
    virtual ~Row() = default;
    virtual std::unique_ptr<Row> clone() const = 0;
    virtual void encode(std::string& out) const = 0;              // appends the stored form
    virtual bus::Result<bus::Done> decode(std::string_view) = 0;  // corrupt when it is not ours
    // After decode(), with the row's own key: what that tells and the stored form does not repeat.
    virtual void decode_key(std::string_view) {}
    virtual bool empty() const { return false; }  // an empty row is deleted
    // Hardly ever touched by a later batch: not worth to be kept decoded for it.
    virtual bool is_told_once() const { return false; }
    virtual void index_entries(IndexSink&) const {}
    // Name of the row kind that measure files speak of ("call", "message"); "" = not measured.
    virtual std::string_view measure_kind() const { return {}; }
    // In the order of the kind's declared fields (measures/row_kinds.hpp).
    virtual void measure_values(std::vector<MeasureValue>&) const {}
};

// Gives clone(); derive as `struct Conversation : RowOf<Conversation>`.
template <class Derived>
class RowOf : public Row {
public:
    std::unique_ptr<Row> clone() const override {
        return std::make_unique<Derived>(static_cast<const Derived&>(*this));
    }
};

// Order-preserving keys: numbers big endian, text ended by a zero byte (zero bytes inside escaped).
class KeyWriter {
public:
    KeyWriter() { bytes_.reserve(bytes_usual); }
    KeyWriter& byte(std::uint8_t value);
    KeyWriter& number(std::uint64_t value);            // 8 bytes, ascending
    KeyWriter& time(bus::Timestamp value);             // ascending
    KeyWriter& time_descending(bus::Timestamp value);  // newest first in a forward scan
    KeyWriter& text(std::string_view value);           // "ab" sorts before "abc"
    KeyWriter& id(bus::EventId value);                 // 16 bytes
    KeyWriter& raw(std::string_view bytes);            // as it is; last part only
    const std::string& str() const { return bytes_; }
    std::string take() { return std::move(bytes_); }

private:
    static constexpr std::size_t bytes_usual = 96;  // one allocation for most keys
    std::string bytes_;
};

class KeyReader {
public:
    explicit KeyReader(std::string_view bytes) : rest_(bytes) {}
    std::uint8_t byte();
    std::uint64_t number();
    bus::Timestamp time();
    bus::Timestamp time_descending();
    std::string text();
    bus::EventId id();
    std::string_view rest() const { return rest_; }
    bool ok() const { return ok_; }  // false once a part was cut off; parts are then empty or zero

private:
    std::string_view rest_;
    bool ok_ = true;
};

// The smallest key greater than every key that starts with `prefix`; "" = no upper bound.
std::string prefix_end(std::string_view prefix);

}  // namespace projections
