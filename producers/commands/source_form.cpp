#include "producers/commands/source_form.hpp"

#include "bus/text.hpp"
#include "producers/json_path.hpp"
#include "producers/verify/verifier.hpp"
#include "schemas/time/zone.hpp"

#include <algorithm>

namespace producers::commands {
namespace {

constexpr std::size_t slug_bytes_max = 63;
constexpr std::size_t dedup_paths_max = 16;
constexpr std::int64_t dedup_window_s_max = 10LL * 365 * 24 * 3600;
constexpr std::int64_t tolerance_s_max = 24 * 3600;

// Where a credential is looked for when the source does not say.
constexpr std::string_view default_signature_header = "x-signature";
constexpr std::string_view default_secret_header = "x-webhook-secret";
constexpr std::string_view default_parameter = "token";

void set(std::string& target, std::optional<std::string> given) {
    if (given) target = *std::move(given);
}
void set_lower(std::string& target, const std::optional<std::string>& given) {
    if (given) target = bus::to_lower_ascii(*given);
}

void read_verification_fields(ObjectForm& form, schemas::Verification& out) {
    set(out.algorithm, form.choice("algorithm", {"sha1", "sha256"}));
    set_lower(out.header, form.text("header"));
    set(out.encoding, form.choice("encoding", {"hex", "base64"}));
    set(out.prefix, form.text("prefix"));
    set(out.signed_text, form.text("signed_text"));
    set_lower(out.timestamp_header, form.text("timestamp_header"));
    set(out.timestamp_unit, form.choice("timestamp_unit", {"s", "ms", "iso"}));
    set_lower(out.id_header, form.text("id_header"));
    out.key_value_list = form.flag("key_value_list").value_or(out.key_value_list);
    set(out.signature_name, form.text("signature_name"));
    out.tolerance_s = form.integer("tolerance_s", 0, tolerance_s_max).value_or(out.tolerance_s);
    set(out.parameter, form.text("parameter"));
    set(out.user, form.text("user"));
}

void fill_defaults(schemas::Verification& verification) {
    const auto fallback = [](std::string& field, std::string_view value) {
        if (field.empty()) field = value;
    };
    if (verification.kind == "hmac") fallback(verification.header, default_signature_header);
    if (verification.kind == "header") fallback(verification.header, default_secret_header);
    if (verification.kind == "query") fallback(verification.parameter, default_parameter);
}

// What the door could not use, or would use to no purpose, is refused here.
void check_usable(ObjectForm& part, ObjectForm& form, const schemas::Verification& verification) {
    const auto verifier = verify::Verifier::compile(verification);
    if (!verifier) return form.problem("verification", "invalid", verifier.error().message);
    if (verifier->leaves_time_unsigned())
        part.problem("signed_text", "invalid",
                     "tolerance_s needs a time stamp that is signed: write {timestamp} where the "
                     "sender does, as in {timestamp}.{body}, or tolerance_s 0 if it signs none");
    if (verifier->lacks_time())
        part.problem("timestamp_header", "required",
                     "{timestamp} and tolerance_s need the header that tells the time stamp, or "
                     "key_value_list where the signature's own does");
    if (verifier->lacks_id())
        part.problem("id_header", "required", "{id} needs the header that tells it");
}

void read_verification(ObjectForm& form, const schemas::ProviderKind& kind,
                       schemas::Verification& verification) {
    const schemas::json::Value value = form.value("verification");
    if (!value || value.kind() == schemas::json::Kind::null) {
        if (value || verification.kind.empty()) verification = kind.verification;
        if (verification.kind.empty()) {
            form.problem("verification", "required",
                         fmt::format("kind '{}' has no scheme of its own; say one of hmac, header, "
                                     "query, basic, standard_webhooks, or none on purpose",
                                     kind.kind));
        }
        return;
    }
    const schemas::Verification before = verification;
    ObjectForm part(value, "verification");
    const auto wanted = part.choice("kind", {"scheme", "hmac", "header", "query", "basic", "meta",
                                             "standard_webhooks", "api_key", "none"});
    if (wanted == "scheme" || wanted == kind.verification.kind) {
        verification = kind.verification;
    } else if (wanted && *wanted != verification.kind) {
        verification = {};
        verification.kind = *wanted;
    }
    if (verification.kind.empty() && part.ok())
        part.problem("kind", "required", "the kind of verification is required");
    read_verification_fields(part, verification);
    fill_defaults(verification);
    const bool is_new = verification != before;  // what stands is not refused when it is repeated
    if (part.ok() && is_new && verification.kind != "api_key")
        check_usable(part, form, verification);
    form.take(part);
}

void read_settings(ObjectForm& form, schemas::SourceSettings& settings) {
    form.merge_words("field_mapping", settings.field_mapping);
    form.merge_words("status_mapping", settings.status_mapping);
    set(settings.time_format, form.text("time_format"));
    set(settings.country, form.text("country"));
    if (auto zone = form.text("time_zone")) {
        settings.time_zone = zone->empty() ? "UTC" : *zone;
        if (auto found = schemas::time::Zone::find(settings.time_zone); !found)
            form.problem("time_zone", "invalid", found.error().message);
    }
    for (const std::string_view name : {"address", "team", "department"}) {
        auto word = form.text(name);
        if (!word) continue;
        if (word->empty())
            settings.extra.erase(std::string(name));
        else
            settings.extra[std::string(name)] = *std::move(word);
    }
}

// Accounts are unique in the installation, so they carry the name of their system.
void read_account_ids(ObjectForm& form, const schemas::ProviderKind& kind,
                      schemas::Source& source) {
    auto given = form.list("account_ids");
    if (!given) return;
    source.account_ids.clear();
    for (std::string& id : *given) {
        const std::string prefix = kind.kind + ":";
        source.account_ids.push_back(id.starts_with(prefix) ? id : prefix + id);
    }
}

// What the door could not use is refused here.
void read_dedup_paths(ObjectForm& form, schemas::Source& source) {
    auto paths = form.list("paths");
    if (!paths) return;
    if (paths->size() > dedup_paths_max)
        return form.problem("paths", "too_many", fmt::format("at most {} paths", dedup_paths_max));
    for (const std::string& path : *paths) {
        if (auto usable = JsonPath::compile(path); !usable)
            form.problem("paths", "invalid", usable.error().message);
    }
    source.dedup_paths = *std::move(paths);
}

void read_dedup(ObjectForm& form, schemas::Source& source) {
    const schemas::json::Value value = form.value("dedup");
    if (!value) return;
    ObjectForm part(value, "dedup");
    read_dedup_paths(part, source);
    source.dedup_window_s =
        part.integer("window_s", 1, dedup_window_s_max).value_or(source.dedup_window_s);
    form.take(part);
}

void read_default_paths(ObjectForm& form, const schemas::ProviderKind& kind,
                        schemas::Source& source) {
    auto paths = form.list("default_paths");
    if (!paths) return;
    for (const std::string& path : *paths) {
        if (std::find(kind.paths.begin(), kind.paths.end(), path) == kind.paths.end() ||
            path.find(':') != std::string::npos)
            form.problem("default_paths", "not_allowed",
                         fmt::format("'{}' is no fixed path of kind '{}'", path, kind.kind));
    }
    source.default_paths = *std::move(paths);
}

}  // namespace

bool is_slug(std::string_view text) {
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    };
    return !text.empty() && text.size() <= slug_bytes_max && text[0] != '-' &&
           std::all_of(text.begin(), text.end(), allowed);
}

bool needs_secret(const schemas::Verification& verification) {
    return verification.kind != "none" && verification.kind != "api_key";
}

SourceSecrets read_source(ObjectForm& form, const schemas::ProviderKind& kind,
                          schemas::Source& source) {
    if (auto slug = form.text("slug")) {
        if (!is_slug(*slug))
            form.problem("slug", "invalid", "1 to 63 of a-z, 0-9, - and _, not beginning with -");
        source.slug = *slug;
    }
    set(source.label, form.text("label"));
    source.enabled = form.flag("enabled").value_or(source.enabled);
    read_verification(form, kind, source.verification.own());
    read_settings(form, source.settings.own());
    read_account_ids(form, kind, source);
    read_default_paths(form, kind, source);
    read_dedup(form, source);
    set(source.mapping_name, form.text("mapping"));
    if (kind.mapping_required && source.mapping_name.empty())
        form.problem("mapping", "required",
                     fmt::format("kind '{}' needs the name of a mapping (PUT /v1/mappings/:name)",
                                 kind.kind));
    SourceSecrets secrets{.secret = form.text("secret"), .verify_token = form.text("verify_token")};
    if (secrets.secret && secrets.secret->empty()) secrets.secret.reset();
    if (needs_secret(source.verification) && !source.verification->kind.empty() &&
        source.secrets.empty() && !secrets.secret)
        form.problem("secret", "required",
                     fmt::format("verification '{}' needs a secret", source.verification->kind));
    return secrets;
}

}  // namespace producers::commands
