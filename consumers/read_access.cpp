#include "consumers/read_access.hpp"

namespace consumers {

namespace {

using projections::Table;

class StoreView final : public projections::ReadView {
public:
    StoreView(ProjectorPool::Moment moment, bus::TenantId tenant)
        : rows_(std::move(moment.rows)),
          scope_(projections::complete_key(moment.instance, tenant, "")) {}

    std::optional<std::string> get(Table table, std::string_view key) const override {
        return rows_->get(static_cast<std::uint8_t>(table), scoped(key));
    }
    void get_each(Table table, std::span<const std::string> keys,
                  const VisitValue& visit) const override {
        std::vector<std::string> complete;
        complete.reserve(keys.size());
        for (const std::string& key : keys) complete.push_back(scoped(key));
        rows_->get_each(static_cast<std::uint8_t>(table), complete, visit);
    }
    void scan(Table table, std::string_view from, std::string_view to, bool descending,
              const Visit& visit) const override {
        const std::string end = to.empty() ? projections::prefix_end(scope_) : scoped(to);
        rows_->scan(static_cast<std::uint8_t>(table), scoped(from), end, descending,
                    [&](std::string_view key, std::string_view value) {
                        return visit(key.substr(scope_.size()), value);
                    });
    }
    std::optional<bus::Error> failure() const override { return rows_->failure(); }

private:
    std::string scoped(std::string_view key) const {
        std::string complete;
        complete.reserve(scope_.size() + key.size());
        return complete.append(scope_).append(key);
    }

    const std::unique_ptr<projections::store::Snapshot> rows_;
    const std::string scope_;
};

}  // namespace

bus::PartitionId ReadAccess::partition_of(bus::TenantId tenant) const {
    return bus::partition_of(bus::to_string(tenant), partitions_);
}

bus::Result<std::unique_ptr<projections::ReadView>> ReadAccess::view(bus::TenantId tenant,
                                                                     std::string_view projection) {
    auto moment = pool_.snapshot(partition_of(tenant), projection, tenant);
    if (!moment) return moment.error();
    return std::unique_ptr<projections::ReadView>(
        std::make_unique<StoreView>(*std::move(moment), tenant));
}

bus::Position ReadAccess::position(bus::TenantId tenant) {
    return pool_.position(partition_of(tenant));
}

bus::Result<bool> ReadAccess::wait_for(bus::TenantId tenant, const bus::Position& wanted,
                                       bus::milliseconds wait_max) {
    if (wanted.partition != partition_of(tenant))
        return bus::fail(bus::ErrorCode::invalid_input,
                         "this position is of another partition; use one from an answer to this "
                         "tenant");
    return pool_.wait_for(wanted, wait_max);
}

}  // namespace consumers
