// Meta's handshake: hub.verify_token must be a source's, then hub.challenge is echoed.
#include "bus/crypto/digest.hpp"
#include "bus/text.hpp"
#include "producers/door.hpp"

#include <algorithm>

namespace producers {

using bus::http::problem;

namespace {

bool is_plain(std::string_view challenge) {
    return std::all_of(challenge.begin(), challenge.end(),
                       [](char c) { return c > 0x20 && c < 0x7F && c != '<' && c != '>'; });
}

bool token_fits(const schemas::Source& source, std::string_view token_hash) {
    return source.enabled && !source.deleted && !source.verify_token_hash.empty() &&
           bus::crypto::equal_constant_time(source.verify_token_hash, token_hash);
}

}  // namespace

Decision Door::handshake(const RequestView& request, const PathMatch& match) {
    const auto parameter = [&](std::string_view name) {
        return bus::http::query_value(request.query, name).value_or("");
    };
    const std::string challenge = parameter("hub.challenge");
    const std::string token_hash =
        bus::to_hex(bus::crypto::view(bus::crypto::sha256(parameter("hub.verify_token"))));
    const SourcePtr source = handshake_source(request, match, token_hash);
    if (parameter("hub.mode") != "subscribe" || challenge.empty() || !is_plain(challenge) ||
        challenge.size() > options_.limits.challenge_bytes_max || !source ||
        !tenant_active(source->tenant)) {
        probe_.refused(Cause::verification_failed);
        return Answered{problem(403, "verification_failed",
                                "hub.verify_token is not this source's verify token"),
                        {}};
    }
    probe_.handshake_answered();
    bus::http::Response response{.status = 200,
                                 .content_type = "text/plain; charset=utf-8",
                                 .headers = {{"X-Content-Type-Options", "nosniff"}},
                                 .body = challenge};
    return Answered{std::move(response),
                    bus::partition_of(to_string(source->tenant), options_.partitions)};
}

// On the fixed path the token alone tells the source. Of several with the same, any will do: the
// provider only wants its challenge back.
Door::SourcePtr Door::handshake_source(const RequestView& request, const PathMatch& match,
                                       std::string_view token_hash) {
    if (match.entry->end != PathEnd::fixed) {
        SourcePtr source = look_up(request, match).source;
        return source && token_fits(*source, token_hash) ? source : nullptr;
    }
    if (SourcePtr source = source_of_verify_token(*match.entry, token_hash)) return source;
    catch_up();
    return source_of_verify_token(*match.entry, token_hash);
}

Door::SourcePtr Door::source_of_verify_token(const PathEntry& path,
                                             std::string_view token_hash) const {
    for (const schemas::ProviderKind* kind : path.kinds) {
        for (auto& source : ports_.registry.sources_by_verify_token(kind->kind, token_hash)) {
            if (token_fits(*source, token_hash) && tenant_active(source->tenant)) return source;
        }
    }
    return nullptr;
}

}  // namespace producers
