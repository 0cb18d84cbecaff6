# Someone who pays the bills and sees no records. Procentive topic 1198.

guarantor_may("open", _: Portal);
guarantor_may("view", invoice: Invoice) if invoice.addressee = "me";
guarantor_may("pay", invoice: Invoice) if invoice.addressee = "me";

# A guarantor sees and pays the invoices addressed to the guarantor, and nothing else.
permit(rep: Representative, action, resource, "guarantor.own_invoices") if
    guarantor_may(action, resource) and
    rep.kind = "guarantor";

# A guarantor never sees the service plan.
forbid(rep: Representative, _action, _plan: ServicePlan, "guarantor.no_service_plan") if
    rep.kind = "guarantor";
