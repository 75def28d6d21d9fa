// Forged, cut, stale, re-encoded and algorithm-confused proofs for the scheme of every built-in
// provider: none is believed, and each honest one is; and what a wrong one takes to refuse does not
// tell where it is wrong. A request that is sent again is told apart by its dedup key, not here.
#include "producers/verify/verifier.hpp"
#include "schemas/providers/built_in.hpp"
#include "tests/prove/comparison_timing.hpp"
#include "tests/prove/forgeries.hpp"
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
// over body and time, a password.
std::vector<schemas::Verification> verifications_of(const schemas::ProviderKind& kind) {
    if (!kind.verification.kind.empty()) return {kind.verification};
    schemas::Verification header, hmac, timed, basic;
    header.kind = "header";
    header.header = "x-key";
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
    return {header, hmac, timed, basic};
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
            if (signed_headers(verification, signing, "x").empty())
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
        .verify({"POST", "/x", "", fields, request.body}, secrets, request.received)
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

// Chance alone exceeds the bound once in 150,000 measurements, a leak every time.
// A comparison that stops early is slower the later the wrong byte stands, wherever the text lies.
// Where a text lies in memory costs a little too, either way: so it lies elsewhere each time, and
// only what is seen each time is the comparison's.
void try_timing(prove::Section& section, const std::string& what, std::string& presented,
                std::size_t first_byte, std::size_t last_byte, std::mt19937_64& random,
                const std::function<bool()>& believes, bool is_to_leak = false) {
    constexpr int places = 5;
    constexpr std::size_t further_max = 4'096;
    const std::string silent = "t < 4.5 or less than 1 ns in one place";
    const std::string leaks = "t >= 4.5 and 1 ns or more in each place";
    section.fault("timing: " + what, is_to_leak ? leaks : silent, [&] {
        prove::TimingDifference seen;
        for (int place = 0; place == 0 || (place < places && seen.tells()); ++place) {
            presented.reserve(presented.capacity() + 1 + random() % further_max);
            seen = prove::timing_difference(presented, first_byte, last_byte, believes, random);
        }
        fmt::print("timing={} t={:.2f} ns={:.2f}\n", what, seen.t, seen.ns);
        return seen.tells() ? leaks : silent;
    });
}

void try_timings(prove::Section& section, const std::vector<Scheme>& all, std::mt19937_64& random) {
    const std::string key(64, 'k');
    std::string presented = key;
    try_timing(
        section, "a comparison that stops early is seen", presented, 0, 63, random,
        [&] { return equal_until_they_differ(presented, key); }, true);
    try_timing(section, "keys and their hashes", presented, 0, 63, random,
               [&] { return bus::crypto::equal_constant_time(presented, key); });
    for (const Scheme& scheme : all) {
        auto request = prove::honest_request(scheme.verification, scheme.signing);
        const bool is_last = scheme.verification.kind == "standard_webhooks";
        std::string& proof =
            is_last ? request.headers.back().second : request.headers.front().second;
        if (!scheme.provider.ends_with("/hmac")) continue;
        const std::size_t end = proof.find_last_not_of('=') - 2;  // base64: bits that mean nothing
        const std::size_t begin = scheme.verification.key_value_list
                                      ? proof.rfind('=') + 1
                                      : scheme.verification.prefix.size();
        try_timing(section, scheme.provider, proof, begin, end, random,
                   [&] { return is_believed(scheme, request); });
    }
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
