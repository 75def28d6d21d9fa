#include "tools/backup/newer_erasures.hpp"

#include "bus/embedded/journal_survey.hpp"
#include "bus/envelope.hpp"
#include "schemas/control_facts.hpp"
#include "schemas/registry.hpp"

#include <algorithm>
#include <set>

namespace tools::backup {

using bus::Done;
using bus::Result;
using schemas::ControlFact;

namespace {

constexpr bus::milliseconds append_wait_max{10'000};

class TakingOver {
public:
    explicit TakingOver(bus::Log& restored) : restored_(restored) {}

    Result<Done> learn(const bus::RecordView& record) {
        if (is_decision(record)) known_.insert(id_of(record));
        if (type_of(record) != schemas::TenantCreated::type) return Done{};
        const auto fact = schemas::decode_control(record);
        if (!fact) return fact.error();
        tenants_.insert((*fact)->tenant);
        return Done{};
    }

    // Of each record of the newer `.control`, in its order: that decides what became of it there.
    Result<Done> take(const bus::RecordView& record) {
        if (auto applied = newer_->apply(record); !applied) return applied;
        if (!is_decision(record) || known_.contains(id_of(record))) return Done{};
        auto fact = schemas::decode_control(record);
        if (!fact) return fact.error();
        const auto outcome = newer_->outcome((*fact)->command);
        if (outcome && !outcome->applied) return Done{};
        if (!tenants_.contains((*fact)->tenant)) return Done{};
        auto fits = fit(**fact);
        if (!fits) return fits.error();
        if (!*fits) return Done{};
        const auto appended =
            bus::append_and_wait(restored_, schemas::encode(**fact), append_wait_max);
        if (!appended) return appended.error();
        remember((*fact)->body);
        return Done{};
    }

    std::vector<std::string> erasures() && { return std::move(erasures_); }

private:
    static std::string_view type_of(const bus::RecordView& record) {
        return record.headers.get(bus::header::type);
    }
    static bool is_decision(const bus::RecordView& record) {
        return type_of(record) == schemas::TenantErased::type ||
               type_of(record) == schemas::CustomerErased::type;
    }
    static std::string id_of(const bus::RecordView& record) {
        return std::string(record.headers.get(bus::header::id));
    }

    // False when it says nothing of what the restored log holds.
    Result<bool> fit(ControlFact& fact) {
        fact.requirements = {};
        auto* customer = std::get_if<schemas::CustomerErased>(&fact.body);
        if (!customer) return true;
        auto held = held_of(customer->records);
        if (!held) return held.error();
        customer->records = *std::move(held);
        return !customer->records.empty();
    }

    Result<std::vector<bus::RecordRange>> held_of(const std::vector<bus::RecordRange>& ranges) {
        std::vector<bus::RecordRange> held;
        for (const bus::RecordRange& range : ranges) {
            const auto end = restored_.end_offset(range.where);
            if (!end) return end.error();
            if (range.from < *end)
                held.push_back({range.where, range.from, std::min(range.before, *end)});
        }
        return held;
    }

    void remember(const schemas::ControlBody& body) {
        const auto* customer = std::get_if<schemas::CustomerErased>(&body);
        const std::string& erasure =
            customer ? customer->erasure : std::get<schemas::TenantErased>(body).erasure;
        if (erasures_.empty() || erasures_.back() != erasure) erasures_.push_back(erasure);
    }

    bus::Log& restored_;
    const std::unique_ptr<schemas::Registry> newer_ = schemas::make_registry({});
    std::set<std::string, std::less<>> known_;
    std::set<bus::TenantId> tenants_;
    std::vector<std::string> erasures_;
};

}  // namespace

Result<std::vector<std::string>> take_over_erasures(bus::Log& restored,
                                                    const std::filesystem::path& newer_journal) {
    TakingOver taking_over(restored);
    auto learned =
        bus::read_to_end(restored, bus::Topic::control, 0,
                         [&](const bus::RecordView& record) { return taking_over.learn(record); });
    if (!learned) return learned.error();
    auto taken = bus::embedded::read_journal_topic(
        newer_journal, bus::Topic::control,
        [&](const bus::RecordView& record) { return taking_over.take(record); });
    if (!taken) return taken.error();
    return std::move(taking_over).erasures();
}

}  // namespace tools::backup
