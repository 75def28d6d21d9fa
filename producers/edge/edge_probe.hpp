// What the edge counts.
#pragma once

#include "bus/metrics.hpp"

#include <array>
#include <string_view>

namespace producers::edge {

class EdgeProbe {
public:
    void accepted_connection(std::size_t open) {
        accepted_.add();
        connections_.set(static_cast<double>(open));
    }
    void closed_connection(std::size_t open) { connections_.set(static_cast<double>(open)); }
    void refused_connection() { turned_away_.add(); }
    void answered(int status) {
        const auto kind = static_cast<std::size_t>(status / 100);
        if (kind < answers_.size()) answers_[kind]->add();
    }
    void shook_hands() { handshakes_.add(); }
    void failed_handshake() { failed_handshakes_.add(); }
    void malformed() { malformed_.add(); }
    void timed_out() { timed_out_.add(); }
    void let_go() { let_go_.add(); }
    void failed_route() { failed_routes_.add(); }
    // `count` records became durable and were answered together.
    void answered_group(std::size_t count) {
        groups_.add();
        grouped_.add(count);
        for (std::size_t i = 0; i < bounds.size(); ++i) {
            if (count <= bounds[i]) return sizes_[i]->add();
        }
        sizes_.back()->add();
    }

private:
    static constexpr std::array<std::size_t, 9> bounds{1, 2, 4, 8, 16, 32, 64, 128, 256};
    static bus::metrics::Counter& answers_of(std::string_view kind) {
        return bus::metrics::counter("edge_answers_total", fmt_label("class", kind),
                                     "Answers by class of status");
    }
    static std::string fmt_label(std::string_view name, std::string_view value) {
        return std::string(name) + "=\"" + std::string(value) + "\"";
    }
    static bus::metrics::Counter& group_of(std::string_view bound) {
        return bus::metrics::counter("edge_answer_groups_total", fmt_label("up_to", bound),
                                     "Groups of records answered together, by size");
    }

    bus::metrics::Counter& accepted_ =
        bus::metrics::counter("edge_connections_total", "", "Connections accepted");
    bus::metrics::Gauge& connections_ =
        bus::metrics::gauge("edge_connections", "", "Connections open");
    bus::metrics::Counter& turned_away_ = bus::metrics::counter(
        "edge_connections_refused_total", "", "Connections over the limit, closed at once");
    bus::metrics::Counter& handshakes_ =
        bus::metrics::counter("edge_handshakes_total", "", "TLS connections begun");
    bus::metrics::Counter& failed_handshakes_ =
        bus::metrics::counter("edge_handshakes_failed_total", "",
                              "TLS connections that did not come to be, or too slowly");
    bus::metrics::Counter& malformed_ =
        bus::metrics::counter("edge_malformed_total", "", "Requests that are not HTTP/1.1");
    bus::metrics::Counter& timed_out_ =
        bus::metrics::counter("edge_timeouts_total", "", "Requests cut at a deadline");
    bus::metrics::Counter& let_go_ = bus::metrics::counter(
        "edge_connections_let_go_total", "", "Silent or slow connections ended, as many were open");
    bus::metrics::Counter& failed_routes_ = bus::metrics::counter(
        "edge_route_failures_total", "", "Requests of mounted routes whose handler threw");
    bus::metrics::Counter& groups_ =
        bus::metrics::counter("edge_groups_total", "", "Groups of records answered together");
    bus::metrics::Counter& grouped_ =
        bus::metrics::counter("edge_grouped_records_total", "", "Records in these groups");
    std::array<bus::metrics::Counter*, 6> answers_{&answers_of("other"), &answers_of("1xx"),
                                                   &answers_of("2xx"),   &answers_of("3xx"),
                                                   &answers_of("4xx"),   &answers_of("5xx")};
    std::array<bus::metrics::Counter*, 10> sizes_{
        &group_of("1"),  &group_of("2"),  &group_of("4"),   &group_of("8"),   &group_of("16"),
        &group_of("32"), &group_of("64"), &group_of("128"), &group_of("256"), &group_of("more")};
};

}  // namespace producers::edge
