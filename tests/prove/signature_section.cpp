// Forged, cut, stale, re-encoded and algorithm-confused proofs for the scheme of every built-in
// provider: none is believed, and each honest one is; and what a wrong one takes to refuse does not
// tell where it is wrong. A request that is sent again is told apart by its dedup key, not here.
#include "producers/verify/verifier.hpp"
#include "schemas/providers/built_in.hpp"
#include "tests/prove/comparison_timing.hpp"
#include "tests/prove/forgeries.hpp"
#include "tests/prove/key_checks.hpp"
#include "tests/prove/section.hpp"

#include <fmt/format.h>

#include <map>
#include <stdexcept>

using namespace tests;
using producers::verify::OpenedSecret;
using producers::verify::Verifier;

namespace {

constexpr int forgeries_between_clocks = 100;
constexpr bus::Timestamp signed_at{bus::seconds{1'772'359'200}};
constexpr bus::Timestamp older_ends_at = signed_at - bus::seconds{1};

struct Scheme {
    std::string provider;
    schemas::Verification verification;
    Signing signing;
    std::string older_secret;
    Verifier verifier;
};

// Kinds without a proof of their own are tried as sources set them up: by a header, a signature
// over body and time, a password, a parameter of the url.
std::vector<schemas::Verification> verifications_of(const schemas::ProviderKind& kind) {
    if (!kind.verification.kind.empty()) return {kind.verification};
    schemas::Verification header, query, hmac, timed, basic;
    header.kind = "header";
    header.header = "x-key";
    query.kind = "query";
    query.parameter = "key";
    hmac.kind = "hmac";
    hmac.header = "x-signature";
    hmac.encoding = "base64";
    timed = hmac;
    timed.encoding = "hex";
    timed.algorithm = "sha1";
    timed.signed_text = "{timestamp}.{body}";
    timed.timestamp_header = "x-time";
    timed.tolerance_s = 300;
    basic.kind = "basic";
    basic.user = "shop";
    return {header, query, hmac, timed, basic};
}

std::vector<Scheme> schemes() {
    std::vector<Scheme> all;
    const auto kinds = schemas::built_in_providers();
    for (const schemas::ProviderKind& kind : *kinds)
        for (const schemas::Verification& verification : verifications_of(kind)) {
            // A tenant's key is asked for at the door, not here.
            if (verification.kind == "api_key") continue;
            const std::string name = kind.kind + "/" + verification.kind;
            auto verifier = Verifier::compile(verification);
            if (!verifier) throw std::runtime_error(name + ": " + verifier.error().message);
            const Signing signing{.secret = prove::secret_of(verification, "the:right secret"),
                                  .now = signed_at};
            const auto honest = prove::honest_request(verification, signing);
            if (honest.headers.empty() && honest.query.empty())
                throw std::runtime_error(name + ": nobody here knows how to sign it");
            all.push_back({name, verification, signing,
                           prove::secret_of(verification, prove::ended_secret),
                           *std::move(verifier)});
        }
    return all;
}

bool is_believed(const Scheme& scheme, const prove::SignedRequest& request) {
    std::vector<producers::FieldView> fields;
    for (const auto& [name, value] : request.headers) fields.push_back({name, value});
    const std::vector<OpenedSecret> secrets{{"sec_old", scheme.older_secret, older_ends_at},
                                            {"sec_right", scheme.signing.secret, {}}};
    return scheme.verifier
        .verify({"POST", "/x", request.query, fields, request.body}, secrets, request.received)
        .verified;
}

// To the second: as old as is tolerated, a second older, and the same ahead of time.
void try_stale(prove::Section& section, const Scheme& scheme) {
    const std::int64_t tolerance =
        scheme.verification.kind == "standard_webhooks" ? 300 : scheme.verification.tolerance_s;
    if (tolerance == 0) return;
    for (const std::int64_t off : {-tolerance - 1, -tolerance, tolerance, tolerance + 1})
        section.fault(
            fmt::format("{}: the honest request {} s after its time", scheme.provider, off),
            std::abs(off) > tolerance ? "refused" : "believed", [&] {
                auto late = prove::honest_request(scheme.verification, scheme.signing);
                late.received += bus::seconds{off};
                return is_believed(scheme, late) ? "believed" : "refused";
            });
}

// The older secret, at its last second: one that is never believed would show nothing.
void try_older(prove::Section& section, const Scheme& scheme) {
    section.fault(scheme.provider + ": signed with the older secret as it ends", "believed", [&] {
        const Signing older{.secret = scheme.older_secret, .now = older_ends_at};
        return is_believed(scheme, prove::honest_request(scheme.verification, older)) ? "believed"
                                                                                      : "refused";
    });
}

bool equal_until_they_differ(std::string_view a, std::string_view b) {
    for (std::size_t i = 0; i < a.size(); ++i) {
        const volatile char left = a[i], right = b[i];
        if (left != right) return false;
    }
    return true;
}

struct Timed {
    std::string& presented;
    std::size_t first_byte, last_byte;
    std::function<bool()> believes;
};

// Chance alone exceeds the bound once in 150,000 measurements, a leak every time.
// A comparison that stops early is slower the later the wrong byte stands, wherever the text lies.
// Where a text lies in memory costs a little too, either way: so it lies elsewhere each time, and
// only what is seen each time is the comparison's.
prove::TimingDifference seen_in_each_place(const std::string& what, const Timed& timed,
                                           std::mt19937_64& random) {
    constexpr int places = 5;
    constexpr std::size_t further_max = 4'096;
    prove::TimingDifference seen;
    for (int place = 0; place == 0 || (place < places && seen.tells()); ++place) {
        timed.presented.reserve(timed.presented.capacity() + 1 + random() % further_max);
        seen = prove::timing_difference(timed.presented, timed.first_byte, timed.last_byte,
                                        timed.believes, random);
    }
    fmt::print("timing={} t={:.2f} ns={:.2f}\n", what, seen.t, seen.ns);
    return seen;
}

constexpr std::string_view silent = "t < 4.5 or less than 1 ns in one place";
constexpr std::string_view leaks = "t >= 4.5 and 1 ns or more in each place";

void try_timing(prove::Section& section, const std::string& what, const Timed& timed,
                std::mt19937_64& random, std::string_view expected = silent) {
    section.fault("timing: " + what, std::string(expected), [&] {
        return std::string(seen_in_each_place(what, timed, random).tells() ? leaks : silent);
    });
}

// The likely mistake, at the sizes of a SHA-1, of a SHA-256 and of its hex. A processor compares
// some of these at once: then `==` would not be seen here, and no timing shows that nobody uses it.
void try_equality(prove::Section& section, std::size_t bytes, std::mt19937_64& random) {
    const std::string key(bytes, 'k');
    std::string presented = key;
    const std::string what = fmt::format("== of {} bytes is seen", bytes);
    const auto seen = seen_in_each_place(
        what, {presented, 0, bytes - 1, [&] { return presented == key; }}, random);
    if (seen.tells()) return;
    section.untried(fmt::format("timing of {} bytes compared with ==", bytes),
                    fmt::format("it takes {:.2f} ns more at the last byte here, too little to "
                                "tell; tidy_words reads the source for it",
                                seen.ns));
}

std::size_t proof_begins_at(const schemas::Verification& verification, const std::string& proof) {
    if (verification.key_value_list) return proof.rfind('=') + 1;
    if (verification.kind == "query") return proof.find('=') + 1;
    if (verification.kind == "standard_webhooks") return proof.find(',') + 1;
    if (verification.kind == "basic") return proof.find(' ') + 1;
    if (verification.kind == "meta") return proof.find('=') + 1;
    return verification.prefix.size();
}

void try_scheme_timing(prove::Section& section, const Scheme& scheme, std::mt19937_64& random) {
    auto request = prove::honest_request(scheme.verification, scheme.signing);
    std::string& proof = prove::proof_of(scheme.verification, request);
    const std::size_t end = proof.find_last_not_of('=') - 2;  // base64: bits that mean nothing
    try_timing(section, scheme.provider,
               {proof, proof_begins_at(scheme.verification, proof), end,
                [&] { return is_believed(scheme, request); }},
               random);
}

void try_timings(prove::Section& section, const std::vector<Scheme>& all, std::mt19937_64& random) {
    const std::string key(64, 'k');
    std::string presented = key;
    try_timing(section, "a comparison that stops early is seen",
               {presented, 0, 63, [&] { return equal_until_they_differ(presented, key); }}, random,
               leaks);
    for (const std::size_t bytes : {20, 32, 64}) try_equality(section, bytes, random);
    try_timing(section, "hashes of keys",
               {presented, 0, 63, [&] { return bus::crypto::equal_constant_time(presented, key); }},
               random);
    prove::KeyChecks checks;
    for (prove::KeyCheck& check : checks.all()) {
        section.fault(check.name + ": the right key", "believed",
                      [&] { return check.believes() ? "believed" : "refused"; });
        try_timing(section, check.name,
                   {check.presented, check.first_byte, check.presented.size() - 1, check.believes},
                   random);
    }
    for (const Scheme& scheme : all) try_scheme_timing(section, scheme, random);
}

}  // namespace

int main(int argc, char** argv) {
    prove::Section section(argc, argv, "Forges the proofs of every provider.",
                           "signature_section --seed 7 --seconds 60");
    std::mt19937_64 random(section.seed());
    std::vector<Scheme> all;
    section.attempt("schemes", [&] {
        all = schemes();
        return all.empty() ? "there are none" : "";
    });
    if (all.empty()) return section.finish();
    std::size_t forged = 0;
    std::map<std::string, std::size_t> believed;
    for (const Scheme& scheme : all)
        section.fault(scheme.provider + ": the honest request", "believed", [&] {
            const auto honest = prove::honest_request(scheme.verification, scheme.signing);
            return is_believed(scheme, honest) ? "believed" : "refused";
        });
    for (const Scheme& scheme : all) try_stale(section, scheme);
    for (const Scheme& scheme : all) try_older(section, scheme);
    try_timings(section, all, random);
    do {
        for (int i = 0; i < forgeries_between_clocks; ++i, ++forged) {
            const Scheme& scheme = all[random() % all.size()];
            const auto forgery = prove::forge(scheme.verification, scheme.signing, random);
            if (is_believed(scheme, forgery.request))
                ++believed[scheme.provider + ": " + forgery.name];
        }
    } while (section.time_left());
    for (const auto& [what, times] : believed)
        fmt::print("failure={} believed={} seed={}\n", what, times, section.seed());
    section.fault("forgeries of all providers", "0 believed",
                  [&] { return fmt::format("{} believed", believed.size()); });
    fmt::print("forgeries={} schemes={}\n", forged, all.size());
    return section.finish();
}
