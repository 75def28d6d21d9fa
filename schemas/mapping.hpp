// The mapping engine: declarative rules from a provider's payload to canonical events.
//
// A mapping file is compiled once to a program, then bound to a source's record; the bound mapping
// has a stamp, the hash of the file's text and of the values it uses. The fold maps each record
// with exactly the mapping that the record is stamped with, so live = rebuilt. The language is
// described in schemas/MAPPING.md. Pure: no clock, no files. Threads: Mapping and BoundMapping are
// immutable; a Scratch belongs to one thread.
#pragma once

#include "bus/envelope.hpp"
#include "bus/log.hpp"
#include "schemas/event.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace schemas {

// The values of a source's record that a mapping may use as $record.*.
struct SourceSettings {
    std::map<std::string, std::string> field_mapping{};   // canonical name -> path in the payload
    std::map<std::string, std::string> status_mapping{};  // provider word -> canonical word
    std::string time_format{};      // "", "iso", "unix_s", "unix_ms", or a strptime-like pattern
    std::string time_zone = "UTC";  // IANA name, for times without offset
    std::string country{};          // ISO 3166 alpha-2, for national phone numbers
    std::map<std::string, std::string> extra{};  // address, team, department, ... as $record.<name>

    bool operator==(const SourceSettings&) const = default;
};

// A few lines of a file may stand for a large program. One that comes in is bounded; one that
// stands in .control was let in once, and its records must go on meaning what they mean.
enum class MappingSize : std::uint8_t { bounded, any };

class Mapping {
public:
    // `file` is only for messages. invalid_input: "file:line:column: reason".
    static bus::Result<std::shared_ptr<const Mapping>> compile(
        std::string_view yaml, std::string_view file, MappingSize size = MappingSize::bounded);
    virtual ~Mapping() = default;
    virtual std::string_view name() const = 0;
    virtual const std::string& text() const = 0;
    virtual bus::Topic channel() const = 0;  // where the records of its sources go
    virtual std::size_t memory_bytes() const = 0;
};

// A record could not be mapped at all, or one of its events could not.
struct MapFailure {
    std::uint32_t emit_index = 0;  // position among the record's would-be events
    std::string path;              // of the required field that failed, "" for the whole body
    std::string reason;
};

struct Mapped {
    std::vector<Event> events;
    std::vector<MapFailure> failures;
};

// Turns a body that is no JSON, a mail, into one JSON object that paths can walk.
using BodyReader = bus::Result<bus::Done> (*)(std::string_view body, std::string& json);

class Scratch {
public:
    explicit Scratch(BodyReader mail_reader = nullptr);  // without one, mails are failures
    ~Scratch();
    struct State;
    State& state() { return *state_; }

private:
    std::unique_ptr<State> state_;
};

class BoundMapping {
public:
    static bus::Result<std::shared_ptr<const BoundMapping>> bind(
        std::shared_ptr<const Mapping> mapping, const SourceSettings& settings);
    virtual ~BoundMapping() = default;
    virtual const std::string& stamp() const = 0;  // 32 hex digits
    virtual const Mapping& mapping() const = 0;
    // The ones it uses, all others as if not given: sources of several tenants may share a stamp.
    virtual const SourceSettings& settings() const = 0;
    // With its mapping, which others may hold too.
    virtual std::size_t memory_bytes() const = 0;

    // Whether some record may become an event whose type begins with this; true where the type
    // stands in the payload.
    virtual bool may_emit(std::string_view type_prefix) const = 0;

    // The events of one record, in the order of the rules. The reference and all views in it live
    // until the scratch's next map(), and no longer than this mapping. Input that does not fit
    // becomes failures, never an error.
    virtual const Mapped& map(const bus::RecordView& record, const bus::Envelope& envelope,
                              std::string_view source_slug, Scratch& scratch) const = 0;
};

}  // namespace schemas
