// What tenants and sources cost in memory, and what finding one costs: facts as the commands write
// them, folded into the registry that the door, the API and the projector share.
#include "bus/clock.hpp"
#include "bus/crypto/digest.hpp"
#include "bus/ids.hpp"
#include "bus/text.hpp"
#include "schemas/control_facts.hpp"
#include "schemas/providers/built_in.hpp"
#include "tools/bench/process_use.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <array>

namespace {

struct Settings {
    std::size_t tenants = 20'000;
    std::size_t lookups = 1'000'000;
};

constexpr std::array<std::string_view, 4> kinds{"meta_cloud", "ivr", "stripe", "email"};
constexpr std::size_t sources_per_tenant = kinds.size() + 1;  // and that of its own programs

std::string hash_of(std::string_view text) {
    return bus::to_hex(bus::crypto::view(bus::crypto::sha256(text)));
}

class World {
public:
    World() {
        auto providers = schemas::built_in_providers();
        BUS_ASSERT(providers.has_value(), "the built-in providers compile");
        registry_ = schemas::make_registry(*std::move(providers));
    }

    const schemas::Registry& registry() const { return *registry_; }

    void add_tenant(std::size_t number) {
        const bus::TenantId id{number + 1};
        schemas::TenantCreated body;
        body.tenant.id = id;
        body.tenant.code = fmt::format("bench{}", number);
        body.tenant.name = fmt::format("Bench company number {}", number);
        body.tenant.country = "IN";
        body.tenant.time_zone = "Asia/Kolkata";
        body.tenant.created_at = bus::system_clock().now();
        body.tenant.data_key_id = "dk_" + bus::crockford(number);
        body.api_key = {.id = "key_" + bus::crockford(number),
                        .tenant = id,
                        .hash = key_hash(number),
                        .label = "first",
                        .created_at = body.tenant.created_at};
        body.source = source(number, kinds.size(), "cloudevents");
        store_data_key(body.tenant.data_key_id);
        apply(id, body);
        for (std::size_t kind = 0; kind < kinds.size(); ++kind)
            apply(id, schemas::SourceCreated{source(number, kind, kinds[kind])});
    }

    static bus::SourceId source_id(std::size_t number, std::size_t kind) {
        return {number * sources_per_tenant + kind + 1};
    }
    static std::string slug(std::size_t number, std::string_view kind) {
        return fmt::format("{}-{}", kind, bus::crockford(number));
    }
    static std::string key_hash(std::size_t number) { return hash_of(std::to_string(number)); }
    static std::string verify_token_hash(std::size_t number) {
        return hash_of(fmt::format("verify {}", number));
    }

private:
    schemas::Source source(std::size_t number, std::size_t place, std::string_view name) {
        const schemas::ProviderKind* kind = registry_->provider(name);
        BUS_ASSERT(kind != nullptr, "a built-in kind");
        schemas::Source source;
        source.id = source_id(number, place);
        source.tenant = {number + 1};
        source.slug = slug(number, name);
        source.kind = kind->kind;
        source.label = kind->label;
        source.topic = kind->topic;
        source.verification = kind->verification;
        source.dedup_paths = kind->dedup_paths;
        source.methods = kind->methods;
        source.settings.own().time_zone = "Asia/Kolkata";
        source.settings.own().country = "IN";
        source.stamp = fmt::format("{:016x}", std::hash<std::string_view>{}(name));
        source.secrets.push_back({.id = "sec_" + bus::crockford(source.id.value),
                                  .sealed = std::string(60, 's'),
                                  .last4 = "1234",
                                  .rotated_at = bus::system_clock().now(),
                                  .valid_until = {}});
        source.created_at = bus::system_clock().now();
        if (kind->handshake_meta) source.verify_token_hash = verify_token_hash(number);
        return source;
    }

    void store_data_key(const std::string& id) {
        const bus::Headers none;
        const std::string sealed(60, 'k');
        take({.address = {bus::Topic::keys, 0, 0}, .key = id, .headers = none, .value = sealed});
    }

    void apply(bus::TenantId tenant, schemas::ControlBody body) {
        schemas::ControlFact fact;
        fact.time = bus::system_clock().now();
        fact.id = bus::random_ids().next_event_id(fact.time);
        fact.tenant = tenant;
        fact.command = bus::to_string(fact.id);
        fact.request_hash = hash_of(fact.command);
        fact.body = std::move(body);
        const bus::NewRecord record = schemas::encode(fact);
        take({.address = {bus::Topic::control, 0, next_++},
              .key = record.key,
              .headers = record.headers,
              .value = record.value});
    }

    void take(const bus::RecordView& record) {
        const auto taken = registry_->apply(record);
        BUS_ASSERT(taken.has_value(), "the bench writes facts the registry takes");
    }

    std::unique_ptr<schemas::Registry> registry_;
    bus::Offset next_ = 0;
};

// CPU nanoseconds of one call of `find`, over numbers spread over all tenants.
template <class Find>
double look_up_ns(const Settings& settings, const Find& find) {
    const double before = bench::cpu_us();
    std::size_t found = 0;
    for (std::size_t i = 0; i < settings.lookups; ++i)
        found += find(i * 7'919 % settings.tenants) ? 1 : 0;
    const double used = bench::cpu_us() - before;
    BUS_ASSERT(found == settings.lookups, "everything looked for is there");
    return used * 1e3 / static_cast<double>(settings.lookups);
}

void run(const Settings& settings) {
    World world;
    const auto& registry = world.registry();
    const auto rss_before = bench::rss_mib();
    const double before = bench::cpu_us();
    for (std::size_t i = 0; i < settings.tenants; ++i) world.add_tenant(i);
    const double filled = bench::cpu_us();
    const auto rss = bench::rss_mib();
    const auto per_tenant = static_cast<double>(settings.tenants);
    std::vector<std::string> slugs, hashes, tokens;
    for (std::size_t i = 0; i < settings.tenants; ++i) {
        slugs.push_back(World::slug(i, kinds[0]));
        hashes.push_back(World::key_hash(i));
        tokens.push_back(World::verify_token_hash(i));
    }
    fmt::print(
        "what=registry tenants={} sources={} rss_mib={} bytes_per_tenant={:.0f} "
        "fill_us_per_tenant={:.1f} slug_ns={:.0f} id_ns={:.0f} key_ns={:.0f} tenant_ns={:.0f} "
        "handshake_ns={:.0f} "
        "checker=passed\n",
        settings.tenants, settings.tenants * sources_per_tenant, rss,
        static_cast<double>(rss - rss_before) * (1 << 20) / per_tenant,
        (filled - before) / per_tenant,
        look_up_ns(settings, [&](std::size_t i) { return registry.source_by_slug(slugs[i]); }),
        look_up_ns(settings,
                   [&](std::size_t i) { return registry.source(World::source_id(i, 1)); }),
        look_up_ns(settings, [&](std::size_t i) { return registry.api_key_by_hash(hashes[i]); }),
        look_up_ns(settings, [&](std::size_t i) { return registry.tenant(bus::TenantId{i + 1}); }),
        look_up_ns(settings, [&](std::size_t i) {
            return !registry.sources_by_verify_token(kinds[0], tokens[i]).empty();
        }));
}

}  // namespace

int main(int argc, char** argv) {
    Settings settings;
    CLI::App app{"memory of a registry with many tenants, and what finding in it costs"};
    app.add_option("--tenants", settings.tenants)->check(CLI::PositiveNumber);
    app.add_option("--lookups", settings.lookups)->check(CLI::PositiveNumber);
    CLI11_PARSE(app, argc, argv);
    run(settings);
    return 0;
}
