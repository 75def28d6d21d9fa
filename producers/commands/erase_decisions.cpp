#include "producers/commands/erase_decisions.hpp"

#include "schemas/json/json.hpp"

#include <algorithm>

namespace producers::commands {

using bus::Done;
using bus::ErrorCode;
using bus::http::problem;
using bus::http::Response;

namespace {

// The answer that refused the command, for a caller that is no request.
bus::Error error_of(const Response& refused) {
    schemas::json::Parser parser;
    const auto json = parser.parse(refused.body);
    const std::string detail = json ? std::string((*json)["detail"].text()) : refused.body;
    const ErrorCode code = refused.status == 409   ? ErrorCode::conflict
                           : refused.status == 404 ? ErrorCode::not_found
                                                   : ErrorCode::unavailable;
    return bus::Error{code, detail};
}

}  // namespace

bus::Result<std::shared_ptr<const schemas::Tenant>> erasable_tenant(
    const schemas::Registry& registry, bus::TenantId id) {
    auto tenant = registry.tenant(id);
    if (!tenant)
        return bus::fail(ErrorCode::not_found, "there is no client {}", bus::to_string(id));
    if (!tenant->legal_hold.empty())
        return bus::fail(ErrorCode::conflict,
                         "client '{0}' is under a legal hold: {1}; no erasure is decided while it "
                         "lasts. To lift it: PATCH /api/clients/{0} with {{\"legal_hold\":null}}",
                         tenant->code, tenant->legal_hold);
    return tenant;
}

bus::Result<Done> EraseDecisions::decide(const std::string& command, bus::TenantId tenant,
                                         const schemas::ControlBody& body) {
    // A completion is no new decision: a hold that came meanwhile does not undo it.
    const bool may_be_held = !std::holds_alternative<schemas::ErasureCompleted>(body);
    const auto propose = [&]() -> std::variant<Proposal, Response> {
        Proposal proposal{.body = body, .requirements = {}};
        if (!may_be_held) return proposal;
        const auto erasable = erasable_tenant(registry_, tenant);
        if (!erasable) return problem(erasable.error());
        proposal.requirements.versions[bus::to_string(tenant)] = (*erasable)->version;
        return proposal;
    };
    const auto decided = writer_.decide({.id = command, .request_hash = {}}, tenant, propose);
    if (const auto* refused = std::get_if<Response>(&decided)) return error_of(*refused);
    return Done{};
}

bus::Result<Done> EraseDecisions::erase_tenant(const std::string& erasure, bus::TenantId tenant) {
    return decide(erasure, tenant, schemas::TenantErased{erasure});
}

bus::Result<DecidedRecords> EraseDecisions::erase_records(
    const std::string& erasure, bus::TenantId tenant,
    const std::vector<bus::RecordRange>& records) {
    for (std::size_t i = 0; i < records.size(); i += ranges_per_fact_max) {
        const auto from = records.begin() + static_cast<std::ptrdiff_t>(i);
        const auto to =
            from + static_cast<std::ptrdiff_t>(std::min(ranges_per_fact_max, records.size() - i));
        const auto decided = decide(fmt::format("{}#{}", erasure, i), tenant,
                                    schemas::CustomerErased{erasure, {from, to}});
        if (decided) continue;
        if (i == 0) return decided.error();
        if (decided.error().code == ErrorCode::conflict)
            return DecidedRecords{
                {records.begin(), from}, {from, records.end()}, decided.error().message};
        return bus::fail(decided.error().code,
                         "{}; {} of {} ranges of records were decided on before, as {}, and go at "
                         "the next start",
                         decided.error().message, i, records.size(), erasure);
    }
    return DecidedRecords{.erased = records, .held = {}, .held_by = {}};
}

bus::Result<Done> EraseDecisions::completed(const schemas::Erasure& erasure) {
    return decide(erasure.id + "#done", erasure.tenant, schemas::ErasureCompleted{erasure.id});
}

}  // namespace producers::commands
