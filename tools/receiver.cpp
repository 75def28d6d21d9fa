#include "tools/receiver.hpp"

#include "tools/foundation.hpp"
#include "tools/intake.hpp"
#include "tools/operator_routes.hpp"

namespace tools {
namespace {

// With keys of its own it could open no source's secret, and would refuse everything.
bus::Result<bus::Done> expect_keys(const std::filesystem::path& data) {
    for (const char* name : {"master.key", "admin.key"}) {
        if (!std::filesystem::exists(data / name))
            return bus::fail(bus::ErrorCode::not_found,
                             "{} is not there: copy master.key and admin.key from the data folder "
                             "of the process that projects (tributary project makes them)",
                             (data / name).string());
    }
    return bus::Done{};
}

class Receiver final : public Platform {
public:
    Receiver(const ServeOptions& options, bus::Clock& clock, bus::IdSource& ids)
        : options_(options), clock_(clock), ids_(ids) {}
    ~Receiver() override { stop(); }

    bus::Result<bus::Done> start() {
        if (auto there = expect_keys(options_.data); !there) return there.error();
        auto opened = Foundation::open(options_, clock_);
        if (!opened) return opened.error();
        base_ = *std::move(opened);
        health_ports_ = std::make_unique<HealthPorts>(
            HealthPorts{*base_->log, [this] { return base_->ready(); }});
        auto intake = Intake::start(
            options_, base_->installation->master_key,
            {*base_->log, nullptr, *base_->registry, *base_->vault, base_->tls.get(), clock_, ids_},
            health_routes(*health_ports_, true));
        if (!intake) return intake.error();
        intake_ = *std::move(intake);
        return tell_where_it_serves();
    }

    Endpoint ingress() const override { return {options_.ingress.host, intake_->port()}; }
    Endpoint api() const override { return {"", 0}; }
    const std::string& admin_key() const override { return base_->installation->admin_key; }
    bus::Result<bus::Done> ready() const override { return base_->ready(); }

    bus::Result<bus::Done> reload_certificate() override {
        if (auto reloaded = base_->reload_certificate(); !reloaded) return reloaded.error();
        return tell_where_it_serves();
    }

    void stop() override {
        if (std::exchange(stopped_, true)) return;
        if (intake_) intake_->stop();
        if (base_) base_->close();
    }

private:
    bus::Result<bus::Done> tell_where_it_serves() const {
        return base_->tell_where_it_serves("", to_string(ingress()));
    }

    const ServeOptions options_;
    bus::Clock& clock_;
    bus::IdSource& ids_;
    std::unique_ptr<Foundation> base_;
    std::unique_ptr<HealthPorts> health_ports_;
    std::unique_ptr<Intake> intake_;
    bool stopped_ = false;
};

}  // namespace

bus::Result<std::unique_ptr<Platform>> start_receiver(const ServeOptions& options,
                                                      bus::Clock& clock, bus::IdSource& ids) {
    auto receiver = std::make_unique<Receiver>(options, clock, ids);
    if (auto started = receiver->start(); !started) return started.error();
    return std::unique_ptr<Platform>(std::move(receiver));
}

}  // namespace tools
