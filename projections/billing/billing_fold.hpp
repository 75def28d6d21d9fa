// Customers of billing systems and what is owed, paid and failed, of all billing.* events.
//
// A customer is `billing_system` and `customer_ref`; an event without them is only counted. A
// subscription is what its latest billing.subscription.* report shows, whole, so that what a report
// leaves out (a cancellation taken back) is gone. Invoices and failed payments keep each field of
// the latest report that carried it. Latest: object_version, event time, rank of the type (systems
// stamp whole seconds: created, finalized and paid fall together), event id.
// A failed payment is told apart by invoice, else payment, so that attempts on one invoice are one.
// A payment that leaves nothing due (`amount_due_minor` 0) says that its invoice is paid.
#pragma once

#include "projections/projection.hpp"

namespace projections {

class BillingFold final : public Projection {
public:
    std::string_view name() const override { return "billing"; }
    std::uint32_t version() const override { return 3; }
    std::span<const std::string_view> type_prefixes() const override;
    void fold(const schemas::Event& event, Rows& rows) const override;
};

}  // namespace projections
