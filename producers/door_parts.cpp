// A body that names accounts of several tenants: whose they are, and a record for each of them.
#include "bus/crypto/digest.hpp"
#include "bus/text.hpp"
#include "producers/body_parts.hpp"
#include "producers/door.hpp"

#include <algorithm>

namespace producers {

using schemas::json::Value;

namespace {

constexpr std::string_view replaced_credential = "-";

bool contains(const std::vector<std::string>& names, const FieldView& field) {
    return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
        return equals_ignoring_case(field.name, name);
    });
}

std::string sha256_hex(std::string_view text) {
    return bus::to_hex(bus::crypto::view(bus::crypto::sha256(text)));
}

}  // namespace

// Of other tenants only those whose own secret proves the body: a claim alone must not stop
// anybody's. Whether it does cannot be told while that secret does not open.
Door::Sharing Door::sharing_of(const RequestView& request, const PathEntry& path, SourceGate& gate,
                               std::string_view secret_id, Value document) {
    if (path.accounts.empty() || !document) return {};
    const bus::Offset applied = ports_.registry.applied();
    auto accounts = named_accounts(request, path, document);
    if (accounts == gate.accounts_apart && applied == gate.accounts_apart_at) return {};
    Sharing sharing;
    bool names_own = false;
    std::size_t others = 0;
    for (const auto& source : sources_of(accounts)) {
        if (source->tenant == gate.source->tenant) {
            names_own = true;
            continue;
        }
        SourceGate& other = gate_of(source);
        if (!can_prove(other)) continue;
        if (++others > proofs_max(request)) return {.state = Sharing::State::too_many};
        if (others == 1) sharing.owners.push_back({&gate, secret_id});
        if (sharing.owner_of(*source)) continue;
        if (other.has_closed_secret) return {.state = Sharing::State::unusable};
        const auto verdict = other.verifier->verify(request, other.secrets, now_);
        if (verdict.verified)
            sharing.owners.push_back({&other, verdict.secret_id, receives(source)});
    }
    if (others == 0) {
        gate.accounts_apart = std::move(accounts);
        gate.accounts_apart_at = applied;
    }
    sharing.judge(names_own, options_.limits.body_parts_max);
    return sharing;
}

std::optional<std::size_t> Door::Sharing::owner_of(const schemas::Source& source) const {
    if (source.tenant == owners.front().gate->source->tenant) return 0;
    for (std::size_t i = 1; i < owners.size(); ++i) {
        if (owners[i].gate->source->id == source.id) return i;
    }
    return std::nullopt;
}

// Who admitted a body that names but one other tenant has it whole: its address says so.
void Door::Sharing::judge(bool names_own, std::size_t parts_max) {
    if (owners.size() < 2) return;
    const auto tenant = owners[1].gate->source->tenant;
    const bool one_other = std::all_of(owners.begin() + 1, owners.end(), [&](const Owner& owner) {
        return owner.gate->source->tenant == tenant;
    });
    if (one_other && !names_own) return;
    // What is kept of the part of one that receives nothing needs no more than its name.
    const auto is_unusable = [](const Owner& owner) {
        return owner.receives && !owner.gate->fault.empty();
    };
    // Their value is the query, which cannot be cut.
    const auto is_query = [](const Owner& owner) { return owner.gate->kind->body_is_query; };
    state = State::several;
    if (std::any_of(owners.begin(), owners.end(), is_unusable))
        state = State::unusable;
    else if (owners.size() > parts_max || std::any_of(owners.begin(), owners.end(), is_query))
        state = State::too_many;
}

std::optional<Decision> Door::share(const RequestView& request, const PathEntry& path,
                                    SourceGate& gate, const Sharing& sharing, Value document) {
    if (sharing.state == Sharing::State::one_tenant) return std::nullopt;
    if (sharing.state == Sharing::State::unusable) return refuse_unusable();
    if (sharing.state == Sharing::State::too_many) return refuse_several(request, path);
    auto parts =
        BodyParts::cut(request, document, path.accounts, options_.limits.split_elements_max);
    if (!parts) return refuse_several(request, path);
    parts->assign([&](std::string_view account) -> std::optional<std::size_t> {
        const auto source = ports_.registry.source_by_account(account);
        return source && !source->deleted ? sharing.owner_of(*source) : std::nullopt;
    });
    if (parts->is_whole(0)) return std::nullopt;
    AcceptedParts accepted{.records = {}, .kind = gate.kind};
    const std::string whole = sha256_hex(request.body);
    for (std::size_t i = 0; i < sharing.owners.size(); ++i) {
        if (!parts->has(i)) continue;
        auto record = part_record(request, path, sharing, i, {parts->part(i), whole});
        if (!record) return refuse_several(request, path);
        accepted.records.push_back(*std::move(record));
    }
    probe_.admitted();
    probe_.split(accepted.records.size());
    return accepted;
}

// The record of one part: of the request as if it had come for its owner alone. What proves others
// may be a credential of theirs: it is left out.
bus::Result<bus::NewRecord> Door::part_record(const RequestView& request, const PathEntry& path,
                                              const Sharing& sharing, std::size_t number,
                                              const Part& part) {
    std::string query(request.query);
    std::vector<FieldView> fields(request.fields.begin(), request.fields.end());
    for (const Sharing::Owner& other : sharing.owners) {
        if (&other == &sharing.owners[number]) continue;
        const verify::Verifier& verifier = *other.gate->verifier;
        query = redact_query(query, verifier.credential_parameter(), replaced_credential);
        std::erase_if(fields, [&](const FieldView& field) {
            return contains(verifier.credential_headers(), field);
        });
    }
    const auto& [gate, secret_id, is_receiving] = sharing.owners[number];
    const RequestView own{request.method, request.path, query, fields, part.text};
    const RecordTime when{now_, ports_.ids.next_event_id(now_)};
    if (!is_receiving) {
        probe_.refused(Cause::source_disabled);
        auto record =
            rejected_record(own, path, gate,
                            {.cause = Cause::source_disabled,
                             .status = 404,
                             .detail = "this source is disabled; enable it first",
                             .verified = true,
                             .secret_id = secret_id},
                            when, options_.partitions, options_.limits.rejected_body_bytes_max);
        mark_part(part.whole, record.headers);
        return record;
    }
    const auto document = parser_.parse(own.body, options_.limits.json);
    if (!document) return document.error();
    return raw_record({.request = own,
                       .gate = *gate,
                       .path = path,
                       .secret_id = secret_id,
                       .document = *document,
                       .whole = part.whole},
                      when, dedup_key_);
}

Decision Door::refuse_several(const RequestView& request, const PathEntry& path) {
    return refuse(request, path, nullptr,
                  {.cause = Cause::several_tenants,
                   .status = 503,
                   .detail = "the body names accounts of several clients and cannot be split among "
                             "them; give each its own address",
                   .verified = true});
}

}  // namespace producers
