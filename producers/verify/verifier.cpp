#include "producers/verify/verifier.hpp"

#include "bus/http/http.hpp"
#include "bus/text.hpp"
#include "producers/verify/signature_list.hpp"

#include <algorithm>
#include <charconv>

namespace producers::verify {

using bus::ErrorCode;
using bus::fail;

namespace {

constexpr std::int64_t standard_webhooks_tolerance_s = 300;
constexpr std::string_view standard_webhooks_secret_prefix = "whsec_";

struct TwoNames {
    std::string_view webhook, svix;
};
constexpr TwoNames standard_webhooks_names[] = {{"webhook-id", "svix-id"},
                                                {"webhook-timestamp", "svix-timestamp"},
                                                {"webhook-signature", "svix-signature"}};

// By which names the signature of Standard Webhooks is found.
bool is_svix(const RequestView& request) {
    return request.field("webhook-signature").empty() && !request.field("svix-signature").empty();
}

std::optional<bus::Timestamp> parse_count(std::string_view text, std::int64_t us_per_unit) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    if (value < 0 || value > INT64_MAX / us_per_unit) return std::nullopt;
    return bus::Timestamp{bus::microseconds{value * us_per_unit}};
}

// "Shop-Signature, X-Shop-Signature": the first that is there counts.
std::vector<std::string> alternatives(std::string_view names) {
    std::vector<std::string> out;
    while (!names.empty()) {
        const auto end = std::min(names.find(','), names.size());
        out.push_back(bus::to_lower_ascii(bus::trim(names.substr(0, end))));
        names.remove_prefix(std::min(names.size(), end + 1));
    }
    return out;
}

bool usable(const OpenedSecret& secret, bus::Timestamp now) {
    return !secret.value.empty() && (!secret.valid_until || now <= *secret.valid_until);
}

// Whether one of the secrets, seen through `expected`, is what the request presents.
template <class Expected>
Verdict match(std::string_view presented, std::span<const OpenedSecret> secrets, bus::Timestamp now,
              Expected expected) {
    if (presented.empty()) return {.reason = "the credential is missing"};
    for (const OpenedSecret& secret : secrets) {
        if (usable(secret, now) &&
            bus::crypto::equal_constant_time(presented, expected(secret.value)))
            return {.verified = true, .secret_id = secret.id};
    }
    return {.reason = "the credential is wrong"};
}

std::string basic_credentials(std::string_view authorization) {
    constexpr std::string_view scheme = "basic ";
    if (authorization.size() < scheme.size() ||
        !equals_ignoring_case(authorization.substr(0, scheme.size()), scheme))
        return {};
    return bus::from_base64(bus::trim(authorization.substr(scheme.size()))).value_or("");
}

}  // namespace

struct Verifier::Claim {
    SignatureList list;
    std::string_view id;
    std::string_view missing;  // what is not there
};

bus::Result<Verifier> Verifier::compile(const schemas::Verification& verification) {
    Verifier verifier;
    if (auto read = verifier.read(verification); !read) return read.error();
    return verifier;
}

bus::Result<bus::Done> Verifier::read(const schemas::Verification& v) {
    scheme_ = v.kind;
    tolerance_s_ = v.tolerance_s;
    prefix_ = v.prefix;
    headers_ = alternatives(v.header);
    if (v.kind == "none") {
        kind_ = Kind::none;
    } else if (v.kind == "hmac") {
        return read_hmac(v);
    } else if (v.kind == "meta") {
        schemas::Verification hmac;
        hmac.header = v.header.empty() ? "x-hub-signature-256" : v.header;
        hmac.prefix = "sha256=";
        return read_hmac(hmac);
    } else if (v.kind == "standard_webhooks") {
        kind_ = Kind::standard_webhooks;
        base64_ = true;
        if (tolerance_s_ == 0) tolerance_s_ = standard_webhooks_tolerance_s;
        signature_headers_ = {"webhook-id", "webhook-timestamp", "webhook-signature",
                              "svix-id",    "svix-timestamp",    "svix-signature"};
        return read_template("{id}.{timestamp}.{body}");
    } else if (v.kind == "header") {
        kind_ = Kind::header;
        if (headers_.empty())
            return fail(ErrorCode::invalid_input, "verification: name the header");
        credential_headers_ = headers_;
    } else if (v.kind == "query") {
        kind_ = Kind::query;
        credential_parameter_ = v.parameter.empty() ? "token" : v.parameter;
    } else if (v.kind == "api_key") {
        kind_ = Kind::api_key;
    } else if (v.kind == "basic") {
        kind_ = Kind::basic;
        user_ = v.user;
    } else {
        return fail(ErrorCode::invalid_input, "verification: there is no kind '{}'", v.kind);
    }
    return bus::Done{};
}

bus::Result<bus::Done> Verifier::read_hmac(const schemas::Verification& v) {
    kind_ = Kind::hmac;
    headers_ = alternatives(v.header);
    prefix_ = v.prefix;
    if (headers_.empty()) return fail(ErrorCode::invalid_input, "verification: name the header");
    if (v.algorithm != "sha256" && v.algorithm != "sha1")
        return fail(ErrorCode::invalid_input, "verification: algorithm '{}' is not sha256 or sha1",
                    v.algorithm);
    if (v.encoding != "hex" && v.encoding != "base64")
        return fail(ErrorCode::invalid_input, "verification: encoding '{}' is not hex or base64",
                    v.encoding);
    sha1_ = v.algorithm == "sha1";
    base64_ = v.encoding == "base64";
    list_ = v.key_value_list;
    signature_name_ = v.signature_name;
    timestamp_header_ = bus::to_lower_ascii(v.timestamp_header);
    id_header_ = bus::to_lower_ascii(v.id_header);
    if (v.timestamp_unit == "ms")
        unit_ = Unit::milliseconds;
    else if (v.timestamp_unit == "iso")
        unit_ = Unit::iso;
    else if (v.timestamp_unit != "s")
        return fail(ErrorCode::invalid_input, "verification: unit '{}' is not s, ms or iso",
                    v.timestamp_unit);
    signature_headers_ = headers_;
    if (!timestamp_header_.empty()) signature_headers_.push_back(timestamp_header_);
    if (!id_header_.empty()) signature_headers_.push_back(id_header_);
    return read_template(v.signed_text);
}

bus::Result<bus::Done> Verifier::read_template(std::string_view text) {
    while (!text.empty()) {
        const auto open = text.find('{');
        if (open != 0) {
            template_.push_back({Piece::literal, std::string(text.substr(0, open))});
            text.remove_prefix(std::min(open, text.size()));
            continue;
        }
        const auto close = std::min(text.find('}'), text.size() - 1);
        const auto name = text.substr(1, close - 1);
        if (name == "body")
            template_.push_back({Piece::body, {}});
        else if (name == "timestamp")
            template_.push_back({Piece::timestamp, {}});
        else if (name == "id")
            template_.push_back({Piece::id, {}});
        else
            return fail(ErrorCode::invalid_input,
                        "verification: signed_text knows {{body}}, {{timestamp}}, {{id}}, not '{}'",
                        name);
        text.remove_prefix(close + 1);
    }
    if (signs(Piece::body)) return bus::Done{};
    return fail(ErrorCode::invalid_input, "verification: signed_text must hold {{body}}");
}

bool Verifier::signs(Piece wanted) const {
    return std::any_of(template_.begin(), template_.end(),
                       [wanted](const TemplatePart& part) { return part.piece == wanted; });
}

bool Verifier::leaves_time_unsigned() const {
    return binds_body() && tolerance_s_ > 0 && !signs(Piece::timestamp);
}

bool Verifier::lacks_time() const {
    const bool wants_time = tolerance_s_ > 0 || signs(Piece::timestamp);
    return kind_ == Kind::hmac && wants_time && timestamp_header_.empty() && !list_;
}

bool Verifier::lacks_id() const {
    return kind_ == Kind::hmac && signs(Piece::id) && id_header_.empty();
}

std::string_view Verifier::first_of(const std::vector<std::string>& names,
                                    const RequestView& request) const {
    for (const std::string& name : names) {
        if (auto value = request.field(name); !value.empty()) return value;
    }
    return {};
}

Verdict Verifier::verify(const RequestView& request, std::span<const OpenedSecret> secrets,
                         bus::Timestamp now) const {
    switch (kind_) {
        case Kind::none:
            return {.verified = true};
        case Kind::api_key:  // checked by the door itself, on /v1/events
            return {.reason = "this source takes events at /v1/events only"};
        case Kind::hmac:
            return check(hmac_claim(request), request.body, secrets, now);
        case Kind::standard_webhooks:
            return check(standard_webhooks_claim(request), request.body, secrets, now);
        case Kind::header: {
            std::string_view presented = first_of(headers_, request);
            if (!presented.starts_with(prefix_)) return {.reason = "the credential is wrong"};
            presented.remove_prefix(prefix_.size());
            return match(presented, secrets, now, [](const std::string& s) { return s; });
        }
        case Kind::query: {
            const auto presented = bus::http::query_value(request.query, credential_parameter_);
            return match(presented.value_or(""), secrets, now,
                         [](const std::string& s) { return s; });
        }
        case Kind::basic:
            return match(
                basic_credentials(request.field("authorization")), secrets, now,
                [this](const std::string& s) { return user_.empty() ? s : user_ + ":" + s; });
    }
    return {.reason = "no such scheme"};
}

Verifier::Claim Verifier::hmac_claim(const RequestView& request) const {
    Claim claim;
    const std::string_view header = first_of(headers_, request);
    if (list_) {
        claim.list = parse_key_value_list(header, signature_name_);
    } else if (header.starts_with(prefix_) && !header.empty()) {
        claim.list.add(header.substr(prefix_.size()));
    }
    if (!timestamp_header_.empty()) claim.list.timestamp = request.field(timestamp_header_);
    if (!id_header_.empty()) claim.id = request.field(id_header_);
    if (claim.list.count == 0) claim.missing = "the signature header is missing or malformed";
    return claim;
}

Verifier::Claim Verifier::standard_webhooks_claim(const RequestView& request) const {
    const bool svix = is_svix(request);
    Claim claim;
    claim.list =
        parse_standard_webhooks(request.field(svix ? "svix-signature" : "webhook-signature"));
    claim.list.timestamp = request.field(svix ? "svix-timestamp" : "webhook-timestamp");
    claim.id = request.field(svix ? "svix-id" : "webhook-id");
    if (claim.list.count == 0) claim.missing = "the header webhook-signature has no v1 signature";
    if (claim.id.empty()) claim.missing = "the header webhook-id is missing";
    return claim;
}

std::vector<FieldView> Verifier::signed_fields(const RequestView& request) {
    const bool svix = is_svix(request);
    std::vector<FieldView> fields;
    for (const FieldView& field : request.fields) {
        const auto names =
            std::find_if(std::begin(standard_webhooks_names), std::end(standard_webhooks_names),
                         [&](const TwoNames& two) {
                             return equals_ignoring_case(field.name, two.webhook) ||
                                    equals_ignoring_case(field.name, two.svix);
                         });
        const bool is_one_of_them = names != std::end(standard_webhooks_names);
        if (is_one_of_them && svix != equals_ignoring_case(field.name, names->svix)) continue;
        fields.push_back(field);
        if (is_one_of_them && svix) fields.push_back({names->webhook, field.value});
    }
    return fields;
}

Verdict Verifier::check(const Claim& claim, std::string_view body,
                        std::span<const OpenedSecret> secrets, bus::Timestamp now) const {
    if (!claim.missing.empty()) return {.reason = claim.missing};
    if (tolerance_s_ > 0 && !within_tolerance(claim.list.timestamp, now))
        return {.reason = "the time stamp of the signature is missing or too far from now"};

    std::array<std::string, SignatureList::signatures_max> presented;
    for (std::size_t i = 0; i < claim.list.count; ++i) {
        const auto text = claim.list.signatures[i];
        presented[i] =
            (base64_ ? bus::from_base64(text) : bus::from_hex(text)).value_or(std::string{});
    }
    for (const OpenedSecret& secret : secrets) {
        if (!usable(secret, now)) continue;
        const auto key = secret.hmac_key ? secret.hmac_key : hmac_key_of(secret.value);
        if (!key) continue;
        const std::string expected = mac(claim, body, *key);
        for (std::size_t i = 0; i < claim.list.count; ++i) {
            if (bus::crypto::equal_constant_time(presented[i], expected))
                return {.verified = true, .secret_id = secret.id};
        }
    }
    return {.reason = "the signature does not match"};
}

bool Verifier::within_tolerance(std::string_view timestamp, bus::Timestamp now) const {
    std::optional<bus::Timestamp> at;
    if (unit_ == Unit::iso) {
        if (auto parsed = bus::from_iso(timestamp)) at = *parsed;
    } else {
        at = parse_count(timestamp, unit_ == Unit::seconds ? 1'000'000 : 1'000);
    }
    return at && std::chrono::abs(now - *at) <= bus::seconds{tolerance_s_};
}

void Verifier::prepare(OpenedSecret& secret) const {
    if (kind_ == Kind::hmac || kind_ == Kind::standard_webhooks)
        secret.hmac_key = hmac_key_of(secret.value);
}

std::optional<bus::crypto::HmacKey> Verifier::hmac_key_of(std::string_view secret) const {
    const auto hash = sha1_ ? bus::crypto::Hash::sha1 : bus::crypto::Hash::sha256;
    if (kind_ != Kind::standard_webhooks) return bus::crypto::HmacKey(hash, secret);
    if (secret.starts_with(standard_webhooks_secret_prefix))
        secret.remove_prefix(standard_webhooks_secret_prefix.size());
    const std::string key = bus::from_base64(secret).value_or("");
    if (key.empty()) return std::nullopt;
    return bus::crypto::HmacKey(hash, key);
}

std::string Verifier::mac(const Claim& claim, std::string_view body,
                          const bus::crypto::HmacKey& key) const {
    if (template_.size() == 1) return key.sign({body});
    std::string text;
    text.reserve(body.size() + 64);
    for (const TemplatePart& part : template_) {
        switch (part.piece) {
            case Piece::literal:
                text += part.text;
                break;
            case Piece::body:
                text += body;
                break;
            case Piece::timestamp:
                text += claim.list.timestamp;
                break;
            case Piece::id:
                text += claim.id;
                break;
        }
    }
    return key.sign({text});
}

}  // namespace producers::verify
