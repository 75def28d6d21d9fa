#include "projections/api/watched_reads.hpp"

#include <utility>

namespace projections::api {
namespace {

thread_local std::optional<bus::Error> first_failure;
thread_local const PastRows* past = nullptr;
thread_local bool past_was_read = false;

class WatchedView final : public ReadView {
public:
    explicit WatchedView(std::unique_ptr<ReadView> view) : view_(std::move(view)) {}
    ~WatchedView() override {
        if (auto failed = view_->failure(); failed && !first_failure)
            first_failure = std::move(failed);
    }
    std::optional<std::string> get(Table table, std::string_view key) const override {
        return view_->get(table, key);
    }
    void get_each(Table table, std::span<const std::string> keys,
                  const VisitValue& visit) const override {
        view_->get_each(table, keys, visit);
    }
    void scan(Table table, std::string_view from, std::string_view to, bool descending,
              const Visit& visit) const override {
        view_->scan(table, from, to, descending, visit);
    }
    std::optional<bus::Error> failure() const override { return view_->failure(); }

private:
    std::unique_ptr<ReadView> view_;
};

}  // namespace

PastScope::PastScope(std::shared_ptr<const PastRows> rows) : rows_(std::move(rows)) {
    past = rows_.get();
    past_was_read = false;
}

PastScope::~PastScope() {
    past = nullptr;
}

bool PastScope::was_read() const {
    return past_was_read;
}

bus::Result<std::unique_ptr<ReadView>> WatchedReads::view(bus::TenantId tenant,
                                                          std::string_view projection) {
    if (past) {
        past_was_read = true;
        return past->view(tenant, projection);
    }
    auto view = reads_.view(tenant, projection);
    if (!view) return view.error();
    return std::unique_ptr<ReadView>(std::make_unique<WatchedView>(*std::move(view)));
}

std::optional<bus::Error> WatchedReads::take_failure() {
    return std::exchange(first_failure, std::nullopt);
}

}  // namespace projections::api
