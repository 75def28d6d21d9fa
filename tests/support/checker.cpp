#include "tests/support/checker.hpp"

#include "bus/position.hpp"
#include "tests/support/checked_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace tests::checker {
namespace {

constexpr std::size_t examples_max = 12;

std::int64_t offset_of(const std::string& address) {
    return std::stoll(address.substr(address.rfind('/') + 1));
}

std::string place_of(const std::string& address) {
    return address.substr(0, address.rfind('/'));
}

// Whose an event is, by its body: bodies differ between any two events.
using ByBody = std::map<std::string_view, const Told*>;

// One tenant's side of the log and of the rows.
class Tenant {
public:
    Tenant(std::size_t number, const ByBody& all, const SeenTenant& seen, const Rules& rules,
           Verdict& verdict)
        : number_(number), all_(all), seen_(seen), rules_(rules), verdict_(verdict) {}

    void judge(const std::vector<const Told*>& told) {
        for (const Told* one : told) by_id_.emplace(one->event_id, one);
        read_log();
        for (const Told* one : told) judge_acknowledged(*one);
        judge_order();
        for (const Told* one : told)
            if (must_be_there(*one) || found_.contains(one)) model_.tell(*one, received(*one));
        judge_rows(
            {.seen = seen_,
             .model = model_,
             .by_request = by_request_,
             .fault = [this](auto count, std::string what) { fault(count, std::move(what)); },
             .is_of_another = [this](const auto& name) { return is_of_another(name); }});
    }

private:
    void fault(std::size_t Verdict::*count, std::string what) {
        verdict_.add(count, fmt::format("tenant {}: {}", number_, what));
    }

    bool must_be_there(const Told& told) const {
        return told.acknowledged && !(rules_.may_be_missing && rules_.may_be_missing(told));
    }

    bool has_lost_body(const SeenRequest& request) const {
        const auto kept = rules_.kept_from.find(place_of(request.address));
        return kept != rules_.kept_from.end() && offset_of(request.address) < kept->second;
    }

    void read_log() {
        for (const SeenRequest& request : seen_.requests) {
            if (request.is_gone != has_lost_body(request))
                fault(&Verdict::wrong_rows,
                      fmt::format("the body of {} at {} {}", request.event_id, request.address,
                                  request.is_gone ? "is gone" : "is not answered as gone"));
            if (request.is_gone) {
                read_bodiless(request);
                continue;
            }
            const auto known = all_.find(request.body);
            if (known == all_.end())
                fault(&Verdict::wrong_rows, "a body that nobody sent, event " + request.event_id);
            else if (known->second->tenant != number_)
                fault(&Verdict::leaked, "a body of another tenant: " + known->second->id);
            else if (known->second->source != request.source)
                fault(&Verdict::wrong_rows,
                      known->second->id + " is shown as a request of " + request.source);
            else
                add_found(*known->second, request);
        }
    }
    void add_found(const Told& told, const SeenRequest& request) {
        found_[&told].push_back(&request);
        by_request_.emplace(request.event_id, &told);
    }

    // Told by the id that was answered.
    void read_bodiless(const SeenRequest& request) {
        const auto known = by_id_.find(request.event_id);
        if (known == by_id_.end())
            fault(&Verdict::wrong_rows, "an event that nobody was told of: " + request.event_id);
        else if (known->second->source != request.source)
            fault(&Verdict::wrong_rows,
                  known->second->id + " is shown as a request of " + request.source);
        else
            add_found(*known->second, request);
    }

    void judge_acknowledged(const Told& told) {
        const auto found = found_.find(&told);
        if (found != found_.end() && found->second.size() > 1 && !rules_.log_may_repeat)
            fault(&Verdict::doubled,
                  fmt::format("{} is in the log {} times", told.id, found->second.size()));
        if (!must_be_there(told)) return;
        ++verdict_.checked;
        if (found == found_.end()) return fault(&Verdict::lost, told.id + " is not in the log");
        if (!rules_.clock_is_moved) judge_time(told, found->second);
        const bool named =
            std::any_of(found->second.begin(), found->second.end(),
                        [&](const SeenRequest* one) { return one->event_id == told.event_id; });
        if (!named && !rules_.log_may_repeat)
            fault(&Verdict::lost, told.id + " is not under the id that was answered");
    }

    // Whatever was stored of it came in between the first time that it was sent and its answer.
    void judge_time(const Told& told, const std::vector<const SeenRequest*>& requests) {
        for (const SeenRequest* one : requests)
            if (one->received_at < told.sent_at || one->received_at > told.answered_at)
                fault(&Verdict::wrong_rows,
                      fmt::format("{} was received at {}, sent at {} and answered at {}", told.id,
                                  bus::to_iso(one->received_at), bus::to_iso(told.sent_at),
                                  bus::to_iso(told.answered_at)));
    }

    void judge_order() {
        std::map<std::string, std::vector<const Told*>> sources;
        for (const auto& [told, requests] : found_) sources[told->source].push_back(told);
        for (auto& [source, events] : sources) {
            std::sort(events.begin(), events.end(),
                      [](const Told* a, const Told* b) { return a->number < b->number; });
            std::int64_t previous = -1;
            for (const Told* told : events) {
                const std::int64_t offset = first_offset(*told);
                if (offset <= previous)
                    fault(&Verdict::out_of_order, told->id + " stands before an earlier one");
                previous = std::max(previous, offset);
            }
        }
    }
    // The first record of it, where there is one.
    bus::Timestamp received(const Told& told) const {
        const auto found = found_.find(&told);
        if (found == found_.end()) return bus::Timestamp::max();
        const std::int64_t offset = first_offset(told);
        for (const SeenRequest* one : found->second)
            if (offset_of(one->address) == offset) return one->received_at;
        return bus::Timestamp::max();
    }
    std::int64_t first_offset(const Told& told) const {
        std::int64_t first = INT64_MAX;
        for (const SeenRequest* one : found_.at(&told))
            first = std::min(first, offset_of(one->address));
        return first;
    }

    bool is_of_another(const std::string& name) const {
        return std::any_of(all_.begin(), all_.end(), [&](const auto& entry) {
            const Told& told = *entry.second;
            return told.tenant != number_ && (told.id == name || told.customer == name ||
                                              told.event_id == name || told.text == name);
        });
    }

    const std::size_t number_;
    const ByBody& all_;
    const SeenTenant& seen_;
    const Rules& rules_;
    Verdict& verdict_;
    std::map<std::string_view, const Told*> by_id_;
    ToldOfRequest by_request_;
    std::map<const Told*, std::vector<const SeenRequest*>> found_;
    Model model_;
};

void judge_moments(const std::vector<SeenMoment>& moments, Verdict& verdict) {
    std::map<std::size_t, const SeenMoment*> last;
    for (const SeenMoment& moment : moments) {
        const SeenMoment*& before = last[moment.tenant];
        if (before) {
            const auto now = bus::parse_position(moment.position);
            const auto then = bus::parse_position(before->position);
            if (!now || !then || !now->covers(*then))
                verdict.add(&Verdict::back_in_time,
                            fmt::format("tenant {}: position {} after {}", moment.tenant,
                                        moment.position, before->position));
            else if (moment.messages < before->messages)
                verdict.add(&Verdict::back_in_time,
                            fmt::format("tenant {}: {} messages after {}", moment.tenant,
                                        moment.messages, before->messages));
        }
        before = &moment;
    }
}

}  // namespace

void Verdict::add(std::size_t Verdict::*count, std::string example) {
    ++(this->*count);
    if (examples.size() < examples_max) examples.push_back(std::move(example));
}

void Verdict::add(const Verdict& other) {
    for (const auto count :
         {&Verdict::checked, &Verdict::lost, &Verdict::doubled, &Verdict::out_of_order,
          &Verdict::wrong_rows, &Verdict::back_in_time, &Verdict::leaked, &Verdict::unproven})
        this->*count += other.*count;
    for (const auto& example : other.examples)
        if (examples.size() < examples_max) examples.push_back(example);
}

std::string to_string(const Verdict& v) {
    return fmt::format(
        "checked={} lost={} double={} out_of_order={} wrong_rows={} back_in_time={} leaked={} "
        "unproven={}",
        v.checked, v.lost, v.doubled, v.out_of_order, v.wrong_rows, v.back_in_time, v.leaked,
        v.unproven);
}

Verdict judge(const std::vector<Told>& told, const Seen& seen, const Rules& rules) {
    Verdict verdict;
    ByBody all;
    std::vector<std::vector<const Told*>> of_tenant(seen.tenants.size());
    for (const Told& one : told) {
        all.emplace(one.body, &one);
        of_tenant.at(one.tenant).push_back(&one);
    }
    for (std::size_t tenant = 0; tenant < seen.tenants.size(); ++tenant)
        Tenant(tenant, all, seen.tenants[tenant], rules, verdict).judge(of_tenant[tenant]);
    judge_moments(seen.moments, verdict);
    if (!seen.unproven.empty()) verdict.add(&Verdict::unproven, "verify: " + seen.unproven);
    return verdict;
}

}  // namespace tests::checker
