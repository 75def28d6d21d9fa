#include "bus/metrics.hpp"

#include <fmt/format.h>

#include <map>
#include <memory>
#include <mutex>

namespace bus::metrics {
namespace {

struct Family {
    std::string help;
    std::string_view kind;
    std::map<std::string, std::unique_ptr<Counter>> counters;
    std::map<std::string, std::unique_ptr<Gauge>> gauges;
    std::map<std::string, std::unique_ptr<Histogram>> histograms;
};

struct Registry {
    std::mutex mutex;
    std::map<std::string, Family, std::less<>> families;
};

// Never destroyed: probes of static objects may still count while the process ends.
Registry& registry() {
    static auto* instance = new Registry;  // lives until the process ends, see above
    return *instance;
}

template <class Metric>
Metric& find_or_add(std::map<std::string, std::unique_ptr<Metric>> Family::*members,
                    std::string_view kind, std::string_view name, std::string_view labels,
                    std::string_view help) {
    Registry& all = registry();
    std::lock_guard lock(all.mutex);
    Family& family = all.families[std::string(name)];
    family.help = help;
    family.kind = kind;
    auto& slot = (family.*members)[std::string(labels)];
    if (!slot) slot = std::make_unique<Metric>();
    return *slot;
}

std::string braces(const std::string& labels) {
    return labels.empty() ? "" : "{" + labels + "}";
}

void render_histogram(std::string& out, const std::string& name, const std::string& labels,
                      const Histogram& h) {
    const std::string more = labels.empty() ? "" : labels + ",";
    std::uint64_t total = 0;
    for (std::size_t i = 0; i <= Histogram::buckets; ++i) {
        total += h.bucket(i);
        const std::string bound = i == Histogram::buckets
                                      ? "+Inf"
                                      : fmt::format("{:g}", Histogram::upper_bound_seconds(i));
        out += fmt::format("{}_bucket{{{}le=\"{}\"}} {}\n", name, more, bound, total);
    }
    out += fmt::format("{}_sum{} {}\n{}_count{} {}\n", name, braces(labels), h.sum_seconds(), name,
                       braces(labels), total);
}

}  // namespace

double Histogram::upper_bound_seconds(std::size_t i) {
    return 0.0001 * static_cast<double>(1u << i);
}

void Histogram::observe_seconds(double v) {
    std::size_t i = 0;
    while (i < buckets && v > upper_bound_seconds(i)) ++i;
    counts_[i].fetch_add(1, std::memory_order_relaxed);
    sum_us_.fetch_add(static_cast<std::uint64_t>(v * 1e6), std::memory_order_relaxed);
}

Counter& counter(std::string_view name, std::string_view labels, std::string_view help) {
    return find_or_add(&Family::counters, "counter", name, labels, help);
}
Gauge& gauge(std::string_view name, std::string_view labels, std::string_view help) {
    return find_or_add(&Family::gauges, "gauge", name, labels, help);
}
Histogram& histogram(std::string_view name, std::string_view labels, std::string_view help) {
    return find_or_add(&Family::histograms, "histogram", name, labels, help);
}

std::string render() {
    std::string out;
    Registry& all = registry();
    std::lock_guard lock(all.mutex);
    for (const auto& [name, family] : all.families) {
        out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, family.help, name, family.kind);
        for (const auto& [labels, c] : family.counters)
            out += fmt::format("{}{} {}\n", name, braces(labels), c->value());
        for (const auto& [labels, g] : family.gauges)
            out += fmt::format("{}{} {}\n", name, braces(labels), g->value());
        for (const auto& [labels, h] : family.histograms) render_histogram(out, name, labels, *h);
    }
    return out;
}

}  // namespace bus::metrics
