// Whether a request comes from who it says: signature schemes as data (PROVIDERS 0.1). Pure: time
// is an argument. Comparisons of secrets and signatures take constant time.
//
// Immutable after compile(); any thread.
#pragma once

#include "bus/crypto/digest.hpp"
#include "producers/request_view.hpp"
#include "schemas/registry.hpp"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace producers::verify {

struct OpenedSecret {
    std::string id;
    std::string value;
    std::optional<bus::Timestamp> valid_until;          // of an old secret during rotation
    std::optional<bus::crypto::HmacKey> hmac_key = {};  // made by Verifier::prepare
};

struct Verdict {
    bool verified = false;
    std::string_view secret_id = {};  // which one matched; "" for kind none. Lives as the secret
    std::string_view reason = {};     // why not, for the sender; names no secret
};

class Verifier {
public:
    // invalid_input: unknown kind, algorithm, encoding or placeholder, or a needed name is missing.
    static bus::Result<Verifier> compile(const schemas::Verification& verification);

    // Makes a secret ready to check many signatures. One that is not is as good, but slower.
    void prepare(OpenedSecret& secret) const;

    Verdict verify(const RequestView& request, std::span<const OpenedSecret> secrets,
                   bus::Timestamp now) const;

    // Standard Webhooks come under one of two sets of names; what the other set says is not signed.
    bool has_two_names() const { return kind_ == Kind::standard_webhooks; }
    // The fields of such a request: what its signature covers as `webhook-*`, and as it came; of
    // the other set nothing.
    static std::vector<FieldView> signed_fields(const RequestView& request);

    std::string_view scheme() const { return scheme_; }
    // Whether it proves the body too. A credential that is the same each time does not: whoever
    // chooses it may choose what every request holds.
    bool binds_body() const { return kind_ == Kind::hmac || kind_ == Kind::standard_webhooks; }
    // Whether it asks for the age of a time stamp that its signature does not cover: then whoever
    // repeats a request writes a new one.
    bool leaves_time_unsigned() const;
    // Whether it signs, or asks for the age of, what no header and no list of its signature tells:
    // then no request is ever verified.
    bool lacks_time() const;
    bool lacks_id() const;
    // Headers without which the signature could not be checked again, lower case.
    const std::vector<std::string>& signature_headers() const { return signature_headers_; }
    // Name of the query parameter that is a credential, or "".
    std::string_view credential_parameter() const { return credential_parameter_; }
    // Names of the headers that are credentials, lower case: never to be stored.
    const std::vector<std::string>& credential_headers() const { return credential_headers_; }

private:
    enum class Kind : std::uint8_t { hmac, header, query, basic, standard_webhooks, api_key, none };
    enum class Unit : std::uint8_t { seconds, milliseconds, iso };
    enum class Piece : std::uint8_t { literal, body, timestamp, id };
    struct TemplatePart {
        Piece piece = Piece::literal;
        std::string text;
    };
    struct Claim;  // what the request says: signatures, time, id

    Verifier() = default;
    bus::Result<bus::Done> read(const schemas::Verification& verification);
    bus::Result<bus::Done> read_hmac(const schemas::Verification& verification);
    bus::Result<bus::Done> read_template(std::string_view text);
    std::string_view first_of(const std::vector<std::string>& names, const RequestView& r) const;
    Claim hmac_claim(const RequestView& request) const;
    Claim standard_webhooks_claim(const RequestView& request) const;
    Verdict check(const Claim& claim, std::string_view body, std::span<const OpenedSecret> secrets,
                  bus::Timestamp now) const;
    bool signs(Piece wanted) const;
    bool within_tolerance(std::string_view timestamp, bus::Timestamp now) const;
    // None for what cannot be a key.
    std::optional<bus::crypto::HmacKey> hmac_key_of(std::string_view secret) const;
    std::string mac(const Claim& claim, std::string_view body,
                    const bus::crypto::HmacKey& key) const;

    std::string scheme_;
    Kind kind_ = Kind::none;
    bool sha1_ = false;
    bool base64_ = false;
    bool list_ = false;
    Unit unit_ = Unit::seconds;
    std::int64_t tolerance_s_ = 0;
    std::vector<std::string> headers_;  // alternatives
    std::string prefix_, signature_name_, timestamp_header_, id_header_, user_;
    std::vector<TemplatePart> template_;
    std::string credential_parameter_;
    std::vector<std::string> signature_headers_, credential_headers_;
};

}  // namespace producers::verify
