#include "producers/source_gate.hpp"

#include "bus/envelope.hpp"
#include "bus/text.hpp"

#include <algorithm>

namespace producers {
namespace {

// Never stored, whatever a provider file or a source says.
constexpr std::string_view never_kept[] = {"authorization", "cookie", "x-api-key",
                                           "proxy-authorization"};

bool contains(const std::vector<std::string>& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

const schemas::Verification& effective(const schemas::Source& source,
                                       const schemas::ProviderKind& kind) {
    const bool own = source.verification->kind.empty() || source.verification->kind == "scheme";
    return own ? kind.verification : *source.verification;
}

void add_paths(const std::vector<std::string>& texts, std::vector<JsonPath>& out,
               std::string& fault) {
    for (const std::string& text : texts) {
        if (auto path = JsonPath::compile(text))
            out.push_back(*std::move(path));
        else
            fault = path.error().message;
    }
}

void open_secrets(SourceGate& gate, SecretOpener& opener) {
    for (const schemas::SealedSecret& sealed : gate.source->secrets) {
        auto plain = opener.open(gate.source->tenant, sealed);
        if (!plain) {
            gate.fault =
                bus::fail(plain.error().code, "secret {}: {}", sealed.id, plain.error().message)
                    .message;
            gate.fault_may_pass |= plain.error().code == bus::ErrorCode::unavailable;
            gate.has_closed_secret = true;
            continue;
        }
        gate.secrets.push_back({sealed.id, *std::move(plain), sealed.valid_until});
        if (gate.verifier) gate.verifier->prepare(gate.secrets.back());
    }
}

void choose_kept_headers(SourceGate& gate) {
    const auto keep = [&](const std::string& name) {
        const std::string lower = bus::to_lower_ascii(name);
        if (contains(gate.kept_headers, lower)) return;
        if (std::find(std::begin(never_kept), std::end(never_kept), lower) != std::end(never_kept))
            return;
        if (gate.verifier && contains(gate.verifier->credential_headers(), lower)) return;
        gate.kept_headers.push_back(lower);
    };
    for (const std::string& name : gate.kind->kept_headers) keep(name);
    if (!gate.verifier) return;
    for (const std::string& name : gate.verifier->signature_headers()) keep(name);
}

std::string encode_fixed_headers(const SourceGate& gate) {
    bus::Headers headers;
    headers.add(bus::header::spec_version, "1.0");
    headers.add(bus::header::source, to_string(gate.source->id));
    headers.add(bus::header::type, bus::raw_event_type);
    headers.add(bus::header::tenant, gate.tenant_text);
    if (!gate.source->stamp.empty()) headers.add(bus::header::mapping, gate.source->stamp);
    return headers.bytes();
}

}  // namespace

bool SourceGate::accepts_method(std::string_view method) const {
    return contains(methods(), method);
}

std::unique_ptr<SourceGate> make_gate(std::shared_ptr<const schemas::Source> source,
                                      const schemas::ProviderKind* kind, SecretOpener& opener,
                                      bus::PartitionId partitions, const DoorLimits& limits) {
    auto gate = std::make_unique<SourceGate>(limits);
    gate->source = std::move(source);
    gate->kind = kind;
    gate->tenant_text = to_string(gate->source->tenant);
    gate->partition = bus::partition_of(gate->tenant_text, partitions);
    if (!kind) {
        gate->fault = "this build does not know kind " + gate->source->kind;
        return gate;
    }
    auto verifier = verify::Verifier::compile(effective(*gate->source, *kind));
    if (verifier)
        gate->verifier = *std::move(verifier);
    else
        gate->fault = verifier.error().message;
    open_secrets(*gate, opener);
    add_paths(gate->source->dedup_paths->empty() ? kind->dedup_paths : *gate->source->dedup_paths,
              gate->dedup_paths, gate->fault);
    choose_kept_headers(*gate);
    gate->fixed_headers = encode_fixed_headers(*gate);
    return gate;
}

}  // namespace producers
