#include "schemas/control_json.hpp"

#include "bus/text.hpp"

namespace schemas {
namespace {

void write_text(json::Writer& out, std::string_view name, std::string_view value) {
    if (!value.empty()) out.member(name, value);
}

void write_secret(json::Writer& out, const SealedSecret& secret) {
    out.begin_object().member("id", secret.id);
    out.member("sealed", bus::to_base64(secret.sealed));
    out.member("last4", secret.last4).member("rotated_at", secret.rotated_at);
    if (secret.valid_until) out.member("valid_until", *secret.valid_until);
    out.end_object();
}

// Reads the members of one object; the first that does not parse is remembered.
class Members {
public:
    explicit Members(json::Value in) : in_(in) {
        if (in.kind() != json::Kind::object) note("an object is missing");
    }

    std::string text(std::string_view name, std::string_view fallback = "") const {
        const json::Value value = in_[name];
        return std::string(value ? value.text() : fallback);
    }
    std::int64_t integer(std::string_view name, std::int64_t fallback = 0) const {
        return in_[name].integer().value_or(fallback);
    }
    bool flag(std::string_view name, bool fallback) const {
        return in_[name].boolean().value_or(fallback);
    }
    bus::Timestamp time(std::string_view name) { return *parsed(in_[name], bus::from_iso); }
    std::optional<bus::Timestamp> optional_time(std::string_view name) {
        if (!in_[name]) return std::nullopt;
        return time(name);
    }
    template <class Parse>
    auto id(std::string_view name, Parse parse) {
        return *parsed(in_[name], parse);
    }
    json::Value operator[](std::string_view name) const { return in_[name]; }
    void note(std::string reason) {
        if (problem_.empty()) problem_ = std::move(reason);
    }

    template <class T>
    bus::Result<T> finish(T object) const {
        if (!problem_.empty()) return bus::Error{bus::ErrorCode::invalid_input, problem_};
        return object;
    }

private:
    template <class Parse>
    auto parsed(json::Value value, Parse parse) -> decltype(parse(std::string_view{})) {
        auto result = parse(value.text());
        if (result) return result;
        note(result.error().message);
        return std::decay_t<decltype(*result)>{};
    }

    json::Value in_;
    std::string problem_;
};

SealedSecret read_secret(json::Value in, Members& owner) {
    Members members(in);
    SealedSecret secret{.id = members.text("id"),
                        .sealed = bus::from_base64(in["sealed"].text()).value_or(""),
                        .last4 = members.text("last4"),
                        .rotated_at = members.time("rotated_at"),
                        .valid_until = members.optional_time("valid_until")};
    if (auto whole = members.finish(bus::Done{}); !whole) owner.note(whole.error().message);
    return secret;
}

}  // namespace

void write_list(json::Writer& out, std::string_view name, const std::vector<std::string>& items) {
    out.key(name).begin_array();
    for (const auto& item : items) out.text(item);
    out.end_array();
}

void write_map(json::Writer& out, std::string_view name,
               const std::map<std::string, std::string>& items) {
    out.key(name).begin_object();
    for (const auto& [key, value] : items) out.member(key, value);
    out.end_object();
}

std::vector<std::string> read_list(json::Value in) {
    std::vector<std::string> out;
    in.each_element([&](json::Value item) { out.emplace_back(item.text()); });
    return out;
}

std::map<std::string, std::string> read_map(json::Value in) {
    std::map<std::string, std::string> out;
    in.each_member(
        [&](std::string_view key, json::Value item) { out[std::string(key)] = item.text(); });
    return out;
}

void write(json::Writer& out, const Tenant& tenant) {
    out.begin_object().member("id", bus::to_string(tenant.id));
    out.member("code", tenant.code).member("name", tenant.name).member("status", tenant.status);
    write_text(out, "legal_hold", tenant.legal_hold);
    write_text(out, "country", tenant.country);
    out.member("time_zone", tenant.time_zone).member("data_key_id", tenant.data_key_id);
    out.member("created_at", tenant.created_at).end_object();
}

bus::Result<Tenant> read_tenant(json::Value in) {
    Members members(in);
    return members.finish(Tenant{.id = members.id("id", bus::parse_tenant_id),
                                 .code = members.text("code"),
                                 .name = members.text("name"),
                                 .status = members.text("status", "active"),
                                 .legal_hold = members.text("legal_hold"),
                                 .country = members.text("country"),
                                 .time_zone = members.text("time_zone", "UTC"),
                                 .created_at = members.time("created_at"),
                                 .data_key_id = members.text("data_key_id"),
                                 .wrapped_data_key = {}});
}

void write(json::Writer& out, const ApiKey& key) {
    out.begin_object().member("id", key.id).member("tenant", bus::to_string(key.tenant));
    out.member("hash", key.hash).member("label", key.label);
    out.member("created_at", key.created_at).end_object();
}

bus::Result<ApiKey> read_api_key(json::Value in) {
    Members members(in);
    return members.finish(ApiKey{.id = members.text("id"),
                                 .tenant = members.id("tenant", bus::parse_tenant_id),
                                 .hash = members.text("hash"),
                                 .label = members.text("label"),
                                 .revoked = false,
                                 .created_at = members.time("created_at")});
}

void write(json::Writer& out, const Verification& verification) {
    out.begin_object().member("kind", verification.kind);
    write_text(out, "algorithm", verification.algorithm);
    write_text(out, "header", verification.header);
    write_text(out, "encoding", verification.encoding);
    write_text(out, "prefix", verification.prefix);
    write_text(out, "signed_text", verification.signed_text);
    write_text(out, "timestamp_header", verification.timestamp_header);
    write_text(out, "timestamp_unit", verification.timestamp_unit);
    write_text(out, "id_header", verification.id_header);
    out.member("key_value_list", verification.key_value_list);
    write_text(out, "signature_name", verification.signature_name);
    out.member("tolerance_s", verification.tolerance_s);
    write_text(out, "parameter", verification.parameter);
    write_text(out, "user", verification.user);
    out.end_object();
}

Verification read_verification(json::Value in) {
    Members members(in);
    return {.kind = members.text("kind"),
            .algorithm = members.text("algorithm"),
            .header = members.text("header"),
            .encoding = members.text("encoding"),
            .prefix = members.text("prefix"),
            .signed_text = members.text("signed_text"),
            .timestamp_header = members.text("timestamp_header"),
            .timestamp_unit = members.text("timestamp_unit"),
            .id_header = members.text("id_header"),
            .key_value_list = members.flag("key_value_list", false),
            .signature_name = members.text("signature_name"),
            .tolerance_s = members.integer("tolerance_s"),
            .parameter = members.text("parameter"),
            .user = members.text("user")};
}

void write(json::Writer& out, const SourceSettings& settings) {
    out.begin_object();
    write_map(out, "field_mapping", settings.field_mapping);
    write_map(out, "status_mapping", settings.status_mapping);
    write_text(out, "time_format", settings.time_format);
    out.member("time_zone", settings.time_zone);
    write_text(out, "country", settings.country);
    write_map(out, "extra", settings.extra);
    out.end_object();
}

SourceSettings read_settings(json::Value in) {
    Members members(in);
    return {.field_mapping = read_map(in["field_mapping"]),
            .status_mapping = read_map(in["status_mapping"]),
            .time_format = members.text("time_format"),
            .time_zone = members.text("time_zone", "UTC"),
            .country = members.text("country"),
            .extra = read_map(in["extra"])};
}

void write(json::Writer& out, const Source& source) {
    out.begin_object().member("id", bus::to_string(source.id));
    out.member("tenant", bus::to_string(source.tenant));
    out.member("slug", source.slug).member("kind", source.kind).member("label", source.label);
    write_text(out, "token_hash", source.token_hash);
    out.member("topic", bus::short_name(source.topic)).member("enabled", source.enabled);
    write(out.key("verification"), source.verification);
    out.key("secrets").begin_array();
    for (const auto& secret : source.secrets) write_secret(out, secret);
    out.end_array();
    write_text(out, "verify_token_hash", source.verify_token_hash);
    write_list(out, "account_ids", source.account_ids);
    write_list(out, "default_paths", source.default_paths);
    write(out.key("settings"), source.settings);
    write_list(out, "dedup_paths", source.dedup_paths);
    out.member("dedup_window_s", source.dedup_window_s);
    write_list(out, "methods", source.methods);
    write_text(out, "mapping_name", source.mapping_name);
    write_text(out, "stamp", source.stamp);
    out.member("created_at", source.created_at).member("updated_at", source.updated_at);
    out.end_object();
}

bus::Result<Source> read_source(json::Value in) {
    Members members(in);
    Source source{.id = members.id("id", bus::parse_source_id),
                  .tenant = members.id("tenant", bus::parse_tenant_id),
                  .slug = members.text("slug"),
                  .kind = members.text("kind"),
                  .label = members.text("label"),
                  .token_hash = members.text("token_hash"),
                  .topic = bus::Topic::web,
                  .enabled = members.flag("enabled", true),
                  .verification = read_verification(in["verification"]),
                  .secrets = {},
                  .verify_token_hash = members.text("verify_token_hash"),
                  .account_ids = read_list(in["account_ids"]),
                  .default_paths = read_list(in["default_paths"]),
                  .settings = read_settings(in["settings"]),
                  .dedup_paths = read_list(in["dedup_paths"]),
                  .dedup_window_s = members.integer("dedup_window_s"),
                  .methods = read_list(in["methods"]),
                  .mapping_name = members.text("mapping_name"),
                  .stamp = members.text("stamp"),
                  .created_at = members.time("created_at"),
                  .updated_at = members.time("updated_at")};
    const auto topic = bus::parse_topic(in["topic"].text());
    if (!topic) members.note("a source of no known topic");
    source.topic = topic.value_or(bus::Topic::web);
    in["secrets"].each_element(
        [&](json::Value secret) { source.secrets.push_back(read_secret(secret, members)); });
    return members.finish(std::move(source));
}

namespace {

void write(json::Writer& out, const Retake& retake) {
    out.begin_object();
    if (retake.tenant) out.member("tenant", bus::to_string(*retake.tenant));
    if (retake.source) out.member("source", bus::to_string(*retake.source));
    if (retake.from) out.member("from", *retake.from);
    if (retake.to) out.member("to", *retake.to);
    write_list(out, "types", retake.types);
    out.member("latest", retake.latest);
    out.key("stamps").begin_array();
    for (const StampChange& change : retake.stamps) {
        out.begin_array().text(bus::to_string(change.source)).text(change.from).text(change.to);
        out.end_array();
    }
    out.end_array().end_object();
}

bus::Result<Retake> read_retake(json::Value in) {
    Members members(in);
    Retake retake{.tenant = {},
                  .source = {},
                  .from = members.optional_time("from"),
                  .to = members.optional_time("to"),
                  .types = read_list(in["types"]),
                  .latest = members.flag("latest", false),
                  .stamps = {}};
    if (in["tenant"]) retake.tenant = members.id("tenant", bus::parse_tenant_id);
    if (in["source"]) retake.source = members.id("source", bus::parse_source_id);
    in["stamps"].each_element([&](json::Value change) {
        const auto source = bus::parse_source_id(change.at(0).text());
        if (!source) return members.note(source.error().message);
        retake.stamps.push_back(
            {*source, std::string(change.at(1).text()), std::string(change.at(2).text())});
    });
    return members.finish(std::move(retake));
}

}  // namespace

void write(json::Writer& out, const ReplaySpec& spec) {
    out.begin_object();
    if (spec.tenant) out.member("tenant", bus::to_string(*spec.tenant));
    out.key("retakes").begin_array();
    for (const Retake& retake : spec.retakes) write(out, retake);
    out.end_array().end_object();
}

bus::Result<ReplaySpec> read_replay_spec(json::Value in) {
    Members members(in);
    ReplaySpec spec;
    if (in["tenant"]) spec.tenant = members.id("tenant", bus::parse_tenant_id);
    in["retakes"].each_element([&](json::Value one) {
        auto retake = read_retake(one);
        if (!retake) return members.note(retake.error().message);
        spec.retakes.push_back(*std::move(retake));
    });
    return members.finish(std::move(spec));
}

}  // namespace schemas
