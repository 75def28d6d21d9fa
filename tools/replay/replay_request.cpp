#include "tools/replay/replay_request.hpp"

#include "schemas/json/json.hpp"

#include <algorithm>
#include <array>

namespace tools::replay {

namespace {

using bus::ErrorCode;
using schemas::json::Kind;
using schemas::json::Value;

constexpr std::array<std::string_view, 13> members = {
    "projections",    "tenant", "source",  "from",   "to",     "types",
    "mapping",        "rate",   "dry_run", "resume", "switch", "switch_when_behind_less_than_s",
    "without_expired"};

constexpr std::array<std::string_view, 3> readings = {"live", "stamped", "latest"};

bus::Error wrong(std::string_view member, std::string_view reason) {
    return bus::fail(ErrorCode::invalid_input, "{}: {}", member, reason);
}

// Takes members out of the body; the first that is wrong is remembered.
class Body {
public:
    explicit Body(Value in) : in_(in) {
        if (in.kind() != Kind::object) note(wrong("body", "a JSON object is expected"));
        in.each_member([&](std::string_view name, Value) {
            if (std::find(members.begin(), members.end(), name) == members.end())
                note(wrong(name, fmt::format("unknown; there are {}", fmt::join(members, ", "))));
        });
    }
    std::string text(std::string_view name) {
        const Value value = in_[name];
        if (value && value.kind() != Kind::text) note(wrong(name, "a text is expected"));
        return std::string{value.text()};
    }
    bool flag(std::string_view name) {
        const Value value = in_[name];
        if (value && value.kind() != Kind::boolean) note(wrong(name, "true or false is expected"));
        return value.boolean().value_or(false);
    }
    std::vector<std::string> texts(std::string_view name) {
        std::vector<std::string> out;
        const Value value = in_[name];
        if (value && value.kind() != Kind::array) note(wrong(name, "a list is expected"));
        value.each_element([&](Value one) {
            if (one.text().empty()) note(wrong(name, "a list of texts is expected"));
            out.emplace_back(one.text());
        });
        return out;
    }
    std::optional<bus::Timestamp> time(std::string_view name) {
        const std::string written = text(name);
        if (written.empty()) return std::nullopt;
        const auto parsed = parse_day_or_time(written);
        if (parsed) return *parsed;
        note(wrong(name, parsed.error().message));
        return std::nullopt;
    }
    std::optional<double> number(std::string_view name) {
        const Value value = in_[name];
        if (!value) return std::nullopt;
        const auto number = value.number();
        if (!number || *number < 0) note(wrong(name, "a number of at least 0 is expected"));
        return number;
    }
    void note(bus::Error error) {
        if (!failed_) failed_ = std::move(error);
    }
    const std::optional<bus::Error>& failed() const { return failed_; }

private:
    Value in_;
    std::optional<bus::Error> failed_;
};

}  // namespace

std::string_view name(Reading reading) {
    return readings[static_cast<std::size_t>(reading)];
}

bus::Result<bus::Timestamp> parse_day_or_time(std::string_view text) {
    constexpr std::size_t day_length = 10;
    const std::string complete =
        text.size() == day_length ? fmt::format("{}T00:00:00Z", text) : std::string{text};
    auto time = bus::from_iso(complete);
    if (time) return time;
    return bus::fail(ErrorCode::invalid_input,
                     "'{}' is neither a day (2026-01-31) nor a time with offset "
                     "(2026-01-31T09:00:00Z)",
                     text);
}

bus::Result<ReplayRequest> parse_replay_request(std::string_view json) {
    if (json.empty()) return ReplayRequest{};
    schemas::json::Parser parser;
    const auto in = parser.parse(json);
    if (!in) return in.error();
    Body body(*in);
    ReplayRequest request{.projections = body.texts("projections"),
                          .tenant = body.text("tenant"),
                          .source = body.text("source"),
                          .from = body.time("from"),
                          .to = body.time("to"),
                          .types = body.texts("types"),
                          .mapping = Reading::live,
                          .rate = static_cast<std::uint64_t>(body.number("rate").value_or(0)),
                          .dry_run = body.flag("dry_run"),
                          .resume = body.flag("resume"),
                          .switch_over = body.flag("switch"),
                          .without_expired = body.flag("without_expired"),
                          .switch_when_behind_less_than = {}};
    if (const std::string mapping = body.text("mapping"); !mapping.empty()) {
        const auto known = std::find(readings.begin(), readings.end(), mapping);
        if (known == readings.end())
            body.note(wrong("mapping", "it is 'live', 'stamped' or 'latest'"));
        else
            request.mapping = static_cast<Reading>(known - readings.begin());
    }
    if (const auto behind = body.number("switch_when_behind_less_than_s"))
        request.switch_when_behind_less_than =
            bus::milliseconds{static_cast<std::int64_t>(*behind * 1'000)};
    if (request.from && request.to && *request.to <= *request.from)
        body.note(wrong("to", "it is not after from"));
    if (body.failed()) return *body.failed();
    return request;
}

std::string to_json(const ReplayRequest& request) {
    std::string out;
    schemas::json::Writer json(out);
    const auto list = [&](std::string_view name, const std::vector<std::string>& texts) {
        if (texts.empty()) return;
        json.key(name).begin_array();
        for (const std::string& text : texts) json.text(text);
        json.end_array();
    };
    json.begin_object();
    list("projections", request.projections);
    if (!request.tenant.empty()) json.member("tenant", request.tenant);
    if (!request.source.empty()) json.member("source", request.source);
    if (request.from) json.member("from", *request.from);
    if (request.to) json.member("to", *request.to);
    list("types", request.types);
    json.member("mapping", name(request.mapping));
    if (request.rate > 0) json.key("rate").unsigned_integer(request.rate);
    if (request.dry_run) json.member("dry_run", true);
    if (request.resume) json.member("resume", true);
    if (request.switch_over) json.member("switch", true);
    if (request.without_expired) json.member("without_expired", true);
    if (const auto behind = request.switch_when_behind_less_than)
        json.key("switch_when_behind_less_than_s")
            .decimal(std::chrono::duration<double>(*behind).count());
    json.end_object();
    return out;
}

}  // namespace tools::replay
