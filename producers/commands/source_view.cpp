#include "producers/commands/source_view.hpp"

#include "schemas/control_json.hpp"

namespace producers::commands {
namespace {

using schemas::json::Writer;

void replace(std::string& text, std::string_view placeholder, std::string_view value) {
    if (const auto at = text.find(placeholder); at != std::string::npos)
        text.replace(at, placeholder.size(), value);
}

// Only what the kind of verification uses.
void show_verification(Writer& out, const schemas::Verification& verification) {
    const std::string& kind = verification.kind;
    out.key("verification").begin_object().member("kind", kind);
    if (kind == "hmac" || kind == "meta" || kind == "standard_webhooks") {
        out.member("algorithm", verification.algorithm).member("header", verification.header);
        out.member("encoding", verification.encoding).member("prefix", verification.prefix);
        out.member("signed_text", verification.signed_text);
        out.member("timestamp_header", verification.timestamp_header);
        out.member("timestamp_unit", verification.timestamp_unit);
        out.member("id_header", verification.id_header);
        out.member("key_value_list", verification.key_value_list);
        out.member("signature_name", verification.signature_name);
        out.member("tolerance_s", verification.tolerance_s);
    }
    if (kind == "header") {
        out.member("header", verification.header).member("prefix", verification.prefix);
    }
    if (kind == "query") out.member("parameter", verification.parameter);
    if (kind == "basic") out.member("user", verification.user);
    out.end_object();
}

void show_secret(Writer& out, const schemas::Source& source) {
    out.key("secret").begin_object().member("set", !source.secrets.empty());
    if (!source.secrets.empty()) {
        out.member("last4", source.secrets.front().last4);
        out.member("rotated_at", source.secrets.front().rotated_at);
    }
    if (source.secrets.size() > 1 && source.secrets[1].valid_until)
        out.member("previous_valid_until", *source.secrets[1].valid_until);
    out.end_object();
}

void show_settings(Writer& out, const schemas::SourceSettings& settings) {
    schemas::write_map(out, "field_mapping", settings.field_mapping);
    schemas::write_map(out, "status_mapping", settings.status_mapping);
    out.member("time_format", settings.time_format).member("time_zone", settings.time_zone);
    out.member("country", settings.country);
    for (const auto& [name, value] : settings.extra) out.member(name, value);
}

}  // namespace

void show(Writer& out, const schemas::Tenant& tenant) {
    out.member("id", bus::to_string(tenant.id)).member("code", tenant.code);
    out.member("name", tenant.name).member("status", tenant.status);
    out.member("country", tenant.country).member("time_zone", tenant.time_zone);
    if (!tenant.legal_hold.empty()) out.member("legal_hold", tenant.legal_hold);
    out.member("created_at", tenant.created_at);
    out.key("_meta").begin_object().key("version").unsigned_integer(tenant.version).end_object();
}

void show(Writer& out, const schemas::ApiKey& key) {
    out.member("id", key.id).member("label", key.label).member("revoked", key.revoked);
    out.member("created_at", key.created_at);
}

std::string url_of(const CommandContext& context, const schemas::Source& source) {
    const schemas::ProviderKind* kind = context.registry.provider(source.kind);
    if (!kind) return {};
    std::string path = kind->url_path;
    replace(path, "{slug}", source.slug);
    if (!source.token_hash.empty())
        replace(path, "{token}", context.vault.path_token_of(source.id));
    return context.ingress_url + path;
}

void show(Writer& out, const CommandContext& context, const schemas::Source& source) {
    out.member("id", bus::to_string(source.id)).member("kind", source.kind);
    out.member("slug", source.slug).member("label", source.label);
    out.member("channel", bus::short_name(source.topic)).member("enabled", source.enabled);
    out.member("url", url_of(context, source));
    show_verification(out, source.verification);
    show_secret(out, source);
    out.key("verify_token").begin_object();
    out.member("set", !source.verify_token_hash.empty()).end_object();
    schemas::write_list(out, "account_ids", source.account_ids);
    schemas::write_list(out, "default_paths", source.default_paths);
    schemas::write_list(out, "methods", source.methods);
    show_settings(out, source.settings);
    if (!source.mapping_name.empty()) out.member("mapping", source.mapping_name);
    out.key("dedup").begin_object();
    schemas::write_list(out, "paths", source.dedup_paths);
    out.member("window_s", source.dedup_window_s).end_object();
    out.member("created_at", source.created_at).member("updated_at", source.updated_at);
    out.key("_meta").begin_object().key("version").unsigned_integer(source.version).end_object();
}

}  // namespace producers::commands
