# Billers write invoices and see payments.

biller_may("view", _: Client);
biller_may("view", _: Invoice);
biller_may("print", _: Invoice);
biller_may("create", _: Invoice);
biller_may("update", _: Invoice);
biller_may("send", _: Invoice);
biller_may("view", _: Payment);

# A biller keeps the invoices of the practice and sees its payments.
permit(staff: Staff, action, resource, "biller.invoices") if
    biller_may(action, resource) and
    staff.role("biller");
