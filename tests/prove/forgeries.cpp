#include "tests/prove/forgeries.hpp"

#include <functional>

namespace tests::prove {
namespace {

using schemas::Verification;

struct Way {
    std::string name;
    // False: it makes no sense for this scheme.
    std::function<bool(SignedRequest&)> change;
};

void prove(const Verification& verification, const Signing& signing, SignedRequest& request) {
    request.headers = signed_headers(verification, signing, request.body);
    if (verification.kind != "query") return;
    const std::string name = verification.parameter.empty() ? "token" : verification.parameter;
    request.query = name + "=" + bus::percent_encode(signing.secret);
}

class Forger {
public:
    Forger(const Verification& verification, const Signing& signing, std::mt19937_64& random)
        : verification_(verification), signing_(signing), random_(random) {}

    std::vector<Way> ways() {
        const bool signs = verification_.kind != "header" && verification_.kind != "basic" &&
                           verification_.kind != "query";
        std::vector<Way> all;
        add_proofs(all);
        if (signs) add_signatures(all);
        return all;
    }

private:
    std::string& proof(SignedRequest& request) { return proof_of(verification_, request); }
    std::size_t place(const std::string& text) { return random_() % text.size(); }

    void add_proofs(std::vector<Way>& all) {
        all.push_back({"no proof", [&](SignedRequest& r) {
                           r.headers.clear();
                           r.query.clear();
                           return true;
                       }});
        all.push_back({"an empty one", [&](SignedRequest& r) { return proof(r).clear(), true; }});
        all.push_back({"cut", [&](SignedRequest& r) {
                           // Without its padding base64 is still the same bytes.
                           std::string& text = proof(r);
                           while (text.ends_with('=')) text.pop_back();
                           text.resize(place(text));
                           return true;
                       }});
        all.push_back({"another letter", [&](SignedRequest& r) {
                           // Base64 may hold bits at its end that mean nothing: not there.
                           std::string& text = proof(r);
                           char& c = text[random_() % (text.size() - 3)];
                           c = c == 'q' ? 'w' : 'q';
                           return true;
                       }});
        all.push_back({"a NUL behind it", [&](SignedRequest& r) {
                           proof(r) += '\0';
                           return true;
                       }});
        all.push_back({"longer", [&](SignedRequest& r) {
                           proof(r) += "00";
                           return true;
                       }});
        all.push_back(
            {"another secret", [&](SignedRequest& r) { return sign_with(r, "another secret"); }});
        all.push_back({"a secret that has ended",
                       [&](SignedRequest& r) { return sign_with(r, ended_secret); }});
        all.push_back({"no secret", [&](SignedRequest& r) {
                           Signing other = signing_;
                           other.secret.clear();
                           prove(verification_, other, r);
                           return true;
                       }});
        all.push_back({"under another name", [&](SignedRequest& r) {
                           for (auto& [name, value] : r.headers) name += "-old";
                           r.query.insert(0, "old-");
                           return true;
                       }});
    }

    void add_signatures(std::vector<Way>& all) {
        all.push_back({"another body", [&](SignedRequest& r) {
                           r.body[place(r.body)] ^= 1;
                           return true;
                       }});
        all.push_back({"a space behind the body", [&](SignedRequest& r) {
                           r.body += ' ';
                           return true;
                       }});
        all.push_back({"an empty body", [&](SignedRequest& r) { return r.body.clear(), true; }});
        all.push_back({"re-encoded", [&](SignedRequest& r) { return re_encode(proof(r)); }});
        all.push_back({"another algorithm", [&](SignedRequest& r) { return other_algorithm(r); }});
        all.push_back({"stale", [&](SignedRequest& r) { return shift_time(r, 1); }});
        all.push_back({"from the future", [&](SignedRequest& r) { return shift_time(r, -1); }});
        all.push_back(
            {"another time than was signed", [&](SignedRequest& r) { return change_time(r); }});
    }

    bool sign_with(SignedRequest& r, std::string_view words) {
        Signing other = signing_;
        other.secret = secret_of(verification_, words);
        prove(verification_, other, r);
        return true;
    }
    // The same bytes in the other encoding are not what the provider sends.
    bool re_encode(std::string& text) {
        if (verification_.kind == "standard_webhooks" || verification_.key_value_list) return false;
        const std::string prefix = verification_.kind == "meta" ? "sha256=" : verification_.prefix;
        const std::string_view coded = std::string_view{text}.substr(prefix.size());
        const auto bytes =
            verification_.encoding == "base64" ? bus::from_base64(coded) : bus::from_hex(coded);
        if (!bytes) return false;
        text = prefix +
               (verification_.encoding == "base64" ? bus::to_hex(*bytes) : bus::to_base64(*bytes));
        return true;
    }
    bool other_algorithm(SignedRequest& r) {
        if (verification_.kind == "standard_webhooks") {
            proof(r).replace(0, 2, random_() % 2 ? "v0" : "v2");
            return true;
        }
        Verification other = verification_;
        if (other.kind == "meta") {
            other.kind = "hmac";
            other.header = "x-hub-signature-256";
            other.prefix = random_() % 2 ? "sha1=" : "sha256=";
        }
        other.algorithm = other.algorithm == "sha1" ? "sha256" : "sha1";
        if (other.key_value_list) other.signature_name = "v0";
        r.headers = signed_headers(other, signing_, r.body);
        return true;
    }
    bool shift_time(SignedRequest& r, int direction) {
        const std::int64_t tolerance = tolerance_s();
        if (tolerance == 0) return false;
        r.received +=
            direction * bus::seconds{tolerance + 2 + static_cast<std::int64_t>(random_() % 1'000)};
        return true;
    }
    std::int64_t tolerance_s() const {
        return verification_.kind == "standard_webhooks" ? 300 : verification_.tolerance_s;
    }
    // Within the tolerance, but not what the signature is over.
    bool change_time(SignedRequest& r) {
        const std::string signed_at = written_time(verification_.timestamp_unit, signing_.now);
        const std::string told =
            written_time(verification_.timestamp_unit, signing_.now + bus::seconds{7});
        for (auto& [name, value] : r.headers)
            if (const auto at = value.find(signed_at); at != value.npos) {
                value.replace(at, signed_at.size(), told);
                return true;
            }
        return false;
    }

    const Verification& verification_;
    const Signing& signing_;
    std::mt19937_64& random_;
};

}  // namespace

std::string secret_of(const Verification& verification, std::string_view words) {
    return verification.kind == "standard_webhooks" ? "whsec_" + bus::to_base64(words)
                                                    : std::string(words);
}

SignedRequest honest_request(const Verification& verification, const Signing& signing) {
    SignedRequest request{
        .headers = {}, .body = R"({"id":"1","text":"hello"})", .received = signing.now};
    prove(verification, signing, request);
    return request;
}

std::string& proof_of(const schemas::Verification& verification, SignedRequest& request) {
    if (verification.kind == "query") return request.query;
    // The last header is the signature of Standard Webhooks, the first that of all others.
    const bool is_last = verification.kind == "standard_webhooks";
    return is_last ? request.headers.back().second : request.headers.front().second;
}

Forgery forge(const Verification& verification, const Signing& signing, std::mt19937_64& random) {
    Forger forger(verification, signing, random);
    const std::vector<Way> ways = forger.ways();
    for (;;) {
        const Way& way = ways[random() % ways.size()];
        Forgery forgery{way.name, honest_request(verification, signing)};
        if (way.change(forgery.request)) return forgery;
    }
}

}  // namespace tests::prove
