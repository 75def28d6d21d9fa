#include "tools/intake.hpp"

#include "bus/crypto/digest.hpp"
#include "bus/prompt_ends.hpp"

namespace tools {
namespace {

constexpr bus::milliseconds end_wait_max{50};  // the door's thread waits for both
constexpr bus::milliseconds catch_up_max{5};
constexpr bus::milliseconds drain_max{5'000};

producers::DoorOptions door_options(const ServeOptions& options,
                                    const bus::crypto::Key256& master_key) {
    producers::DoorOptions door{.partitions = options.partitions,
                                .installation_key = installation_key(master_key)};
    door.limits.source_rate = producers::source_rate_of(options.source_rate);
    return door;
}

std::function<void()> catch_up_with(const IntakePorts& ports) {
    return [ends = std::make_shared<bus::PromptEnds>(ports.log), &registry = ports.registry] {
        const auto end = ends->end_offset({bus::Topic::control, 0}, end_wait_max);
        if (end) (void)registry.wait_applied(*end, catch_up_max);
    };
}

producers::edge::EdgeOptions edge_options(const ServeOptions& options, const IntakePorts& ports) {
    producers::edge::EdgeOptions edge;
    edge.host = options.ingress.host;
    edge.port = options.ingress.port;
    edge.tls = ports.tls;
    if (ports.journal)
        edge.active_callers = [journal = ports.journal](std::size_t callers) {
            journal->set_active_callers(callers);
        };
    return edge;
}

}  // namespace

bus::crypto::Key256 installation_key(const bus::crypto::Key256& master_key) {
    const std::string_view master(reinterpret_cast<const char*>(master_key.data()),
                                  master_key.size());
    const std::string derived =
        bus::crypto::hmac(bus::crypto::Hash::sha256, master, {"dedup fingerprints"});
    bus::crypto::Key256 key;
    std::copy(derived.begin(), derived.end(), key.begin());
    return key;
}

bus::Result<std::unique_ptr<Intake>> Intake::start(const ServeOptions& options,
                                                   const bus::crypto::Key256& master_key,
                                                   const IntakePorts& ports,
                                                   std::vector<bus::http::Route> health) {
    auto intake = std::unique_ptr<Intake>(new Intake);
    intake->door_ =
        std::make_unique<producers::Door>(producers::DoorPorts{.registry = ports.registry,
                                                               .secrets = ports.secrets,
                                                               .catch_up = catch_up_with(ports),
                                                               .clock = ports.clock,
                                                               .ids = ports.ids},
                                          door_options(options, master_key));
    auto edge = producers::edge::EdgeServer::start(edge_options(options, ports), *intake->door_,
                                                   ports.log, std::move(health));
    if (!edge) return edge.error();
    intake->edge_ = *std::move(edge);
    return intake;
}

void Intake::stop() {
    edge_->stop(drain_max);
}

}  // namespace tools
