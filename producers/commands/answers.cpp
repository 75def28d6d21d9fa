#include "producers/commands/answers.hpp"

#include "bus/crypto/digest.hpp"
#include "bus/text.hpp"

namespace producers::commands {
namespace {

using bus::http::problem;
using bus::http::Response;

std::string tenant_text(const bus::http::Caller& caller) {
    return bus::to_string(caller.tenant.value_or(bus::platform_tenant));
}

}  // namespace

Command command_of(const CommandContext& context, const bus::http::Call& call) {
    const auto& request = call.request;
    const std::string_view key = request.header("idempotency-key");
    if (key.empty()) {
        const auto id = context.writer.ids().next_event_id(context.writer.now());
        return {.id = "cmd_" + bus::to_hex(id.view()), .request_hash = {}};
    }
    const auto id =
        bus::crypto::hash_id({tenant_text(call.caller), request.method, request.path, key});
    return {.id = "cmd_" + bus::to_hex(id.view()),
            .request_hash = context.vault.fingerprint({request.query, request.body})};
}

Response object_answer(int status, std::string body, std::uint64_t version) {
    const auto digest = bus::to_hex(bus::crypto::view(bus::crypto::sha256(body)));
    Response response{.status = status, .body = std::move(body)};
    response.headers.emplace_back("ETag", fmt::format("\"{}.{}\"", version, digest.substr(0, 16)));
    return response;
}

std::optional<Response> refuse_stale(const bus::http::Call& call, std::uint64_t version) {
    std::string_view wanted = bus::trim(call.request.header("if-match"));
    if (wanted.empty() || wanted == "*") return std::nullopt;
    if (wanted.starts_with("W/")) wanted.remove_prefix(2);
    if (wanted.starts_with('"')) wanted.remove_prefix(1);
    wanted = wanted.substr(0, wanted.find_first_of(".\""));
    if (wanted == fmt::format("{}", version)) return std::nullopt;
    return problem(412, "version_mismatch",
                   fmt::format("the object has version {}; read it again", version));
}

Response too_many(std::string_view field, const std::string& message) {
    return problem(422, "too_many", message, {{std::string(field), "too_many", message}});
}

std::vector<bus::http::Parameter> page_parameters() {
    return bus::http::document({"page", "limit", "cursor"});
}

std::vector<bus::http::Parameter> command_headers() {
    return {{.name = "Idempotency-Key",
             .where = "header",
             .description = "a repetition with the same key is answered as the first was"}};
}

std::vector<bus::http::Parameter> versioned_command_headers() {
    auto headers = command_headers();
    headers.push_back({.name = "If-Match",
                       .where = "header",
                       .description = "the ETag that was read; 412 when it is another by now"});
    return headers;
}

}  // namespace producers::commands
